"""Answers that were paid for, kept on disk: a run that is killed goes on where it stopped, and pays nothing twice.

One line of JSON per sheet, written as soon as its answers are there. A line that was cut off by a kill is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.core.geometry import UnitBox
from app.core.model import Detection, Feature

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
        line = {"key": key, "answers": {photo_id: self._pack(answer) for photo_id, answer in answers.items()}}
        with self._path.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")
        self._known[key] = {name: self._unpack(self._pack(answer)) for name, answer in answers.items()}

    def _load(self) -> None:
        data = self._path.read_bytes()
        for line in data.splitlines():
            try:
                entry = orjson.loads(line)
                self._known[entry["key"]] = {name: self._unpack(packed) for name, packed in entry["answers"].items()}
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
                continue
        if data and not data.endswith(b"\n"):
            with self._path.open("ab") as file:
                file.write(b"\n")

    def _pack(self, answer: Measured) -> list[Any]:
        rows = []
        for found in answer.detections:
            if found.box is not None:
                edges = (found.box.left, found.box.top, found.box.right, found.box.bottom)
                rows.append([found.label, *(round(float(value), DIGITS) for value in (found.score_unit, *edges)), found.vendor])
        return [answer.inferences, rows]

    def _unpack(self, packed: Any) -> Measured:
        inferences, rows = packed
        found = tuple(
            Detection(self._feature, str(label), float(score), UnitBox(left, top, right, bottom), str(vendor))
            for label, score, left, top, right, bottom, vendor in rows
        )
        return Measured(found, float(inferences))
