"""Answers that were paid for, kept on disk: a run that is killed goes on where it stopped, and pays nothing twice.

One line of JSON per sheet, written as soon as its answers are there. A line that was cut off by a kill is passed over. The
answers to several questions (features) share a file: a line says which, unless it is the oldest one, objects.

    a detection with a place     label, score, left, top, right, bottom, vendor, and what it is a kind of, where that is known
    one of the whole image       label, score, vendor
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.core.geometry import UnitBox
from app.core.labels import labels_of
from app.core.model import Detection, Feature, Tree

# Features whose findings are of the whole image. In answers to the others a finding without a place is nobody's.
_PLACELESS = frozenset({Feature.LABELS, Feature.MODERATION})
# Boxes and scores are kept to so many digits: a hundredth of a pixel on the largest sheet.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Measured:
    """One image's answer, and its share of what was paid for it."""

    detections: tuple[Detection, ...]
    inferences: float


class Store:
    """Finished sheets by key. The key says everything that an answer depends on, so a changed run asks anew."""

    def __init__(self, path: Path, feature: Feature) -> None:
        self._path = path
        self._feature = feature
        self._known: dict[str, dict[str, Measured]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._load()

    def get(self, key: str) -> Mapping[str, Measured] | None:
        return self._known.get(key)

    def put(self, key: str, answers: Mapping[str, Measured]) -> None:
        """Remember one sheet; in the file when this returns."""
        packed = {photo_id: self._pack(answer) for photo_id, answer in answers.items()}
        line = {"key": key, **self._said, "answers": packed}
        with self._path.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")
        self._known[key] = {name: self._unpack(answer) for name, answer in packed.items()}

    @property
    def _said(self) -> dict[str, str]:
        return {} if self._feature is Feature.OBJECTS else {"feature": self._feature.value}

    def _load(self) -> None:
        data = self._path.read_bytes()
        for line in data.splitlines():
            try:
                entry = orjson.loads(line)
                if entry.get("feature") != self._said.get("feature"):
                    continue
                self._known[entry["key"]] = {name: self._unpack(packed) for name, packed in entry["answers"].items()}
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
                continue
        if data and not data.endswith(b"\n"):
            with self._path.open("ab") as file:
                file.write(b"\n")

    def _pack(self, answer: Measured) -> list[Any]:
        return [answer.inferences, [row for found in answer.detections if (row := self._row(found))]]

    def _row(self, found: Detection) -> list[Any]:
        score_unit = round(float(found.score_unit), DIGITS)
        if self._feature in _PLACELESS:
            return [found.label, score_unit, found.vendor]
        if found.box is None:
            return []
        edges = (found.box.left, found.box.top, found.box.right, found.box.bottom)
        above = [label.label for label in labels_of([found]) if label.label != found.label]
        return [
            found.label,
            score_unit,
            *(round(float(edge), DIGITS) for edge in edges),
            found.vendor,
            *([above] if above else []),
        ]

    def _unpack(self, packed: Any) -> Measured:
        inferences, rows = packed
        return Measured(tuple(self._found(row) for row in rows), float(inferences))

    def _found(self, row: list[Any]) -> Detection:
        if self._feature in _PLACELESS:
            label, score_unit, vendor = row
            return Detection(self._feature, str(label), float(score_unit), None, str(vendor))
        label, score_unit, left, top, right, bottom, vendor, *above = row
        fields: dict[str, Tree] = {"parents": [str(name) for name in above[0]]} if above else {}
        return Detection(self._feature, str(label), float(score_unit), UnitBox(left, top, right, bottom), str(vendor), fields)
