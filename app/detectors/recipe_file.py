"""Recipes as TOML files: reading them, and finding the one for a model.

In: a file's text, or a model's path. Out: a `Recipe`. Called by detectors. Everything that is wrong ends as RecipeError with
the file and the key; a key that nobody reads is an error, too, with the nearest known one.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from app.detectors.classes import USUAL, Classes, listed, named, usual_classes
from app.detectors.contract import UnusableModel
from app.detectors.recipe import (
    OUTPUT_ROLES,
    OVERLAP_SUPPRESSED_UNIT,
    Activation,
    Axes,
    BoxUnit,
    Colours,
    Extra,
    Fit,
    InputRecipe,
    OutputKind,
    OutputRecipe,
    Recipe,
)

SUFFIX = ".toml"
SHIPPED = Path(__file__).parent / "recipes"
"""Recipes for well-known files, found by the model's name."""

Word = TypeVar("Word", bound=StrEnum)
T = TypeVar("T")
_CHANNELS = 3

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "input": (
        *("width", "height", "fit", "shortest", "longest", "multiple", "padding", "colours", "divisor", "mean", "std", "axes"),
        *("name", "extras"),
    ),
    "output": ("kind", "names", "boxes", "activation", "overlap"),
    "classes": ("names", "file", "first"),
    "scores": ("floor", "usual"),
}

_YOLO = frozenset({OutputKind.YOLOX, OutputKind.YOLOV5, OutputKind.YOLOV8})


class RecipeError(UnusableModel):
    """A recipe that cannot be used; the message names its file and the key."""


def find_recipe(model: Path, given: Path | None = None) -> Recipe | None:
    """The recipe that was given, or lies beside the model, or ships with Tessera; None without any. Raises RecipeError."""
    beside = model.with_suffix(SUFFIX)
    for path in (given, beside, SHIPPED / beside.name):
        if path is not None and (path == given or path.is_file()):
            return load_recipe(path)
    return None


def load_recipe(path: Path) -> Recipe:
    """Raises RecipeError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name}: cannot be read ({type(error).__name__})") from error
    return parse_recipe(text, path.name, path.parent)


def parse_recipe(text: str, source: str, folder: Path | None = None) -> Recipe:
    """`folder`: where files that the recipe names are. Raises RecipeError."""
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source}: {error}") from error
    try:
        _refuse_unknown("", whole, tuple(SECTIONS))
        sections = {name: _section(whole, name) for name in SECTIONS}
        scores = sections["scores"]
        given = {"floor_unit": scores.number("floor"), "usual_score_unit": scores.number("usual")}
        return Recipe(
            source,
            _input(sections["input"]),
            _output(sections["output"]),
            _classes(sections["classes"], folder),
            **{key: value for key, value in given.items() if value is not None},
        )
    except ValueError as error:
        raise RecipeError(f"{source}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Section:
    """One table of the file. What is absent is None; what is of another type is a ValueError with the key."""

    name: str
    values: Mapping[str, Any]

    def _typed(self, key: str, types: type | tuple[type, ...], wanted: str) -> Any:
        value = self.values.get(key)
        if value is None or (isinstance(value, types) and not isinstance(value, bool)):
            return value
        raise ValueError(f"{self.name}.{key}: should be {wanted}, not {value!r}")

    def whole(self, key: str) -> int | None:
        value: int | None = self._typed(key, int, "a whole number")
        return value

    def number(self, key: str) -> float | None:
        value = self._typed(key, (int, float), "a number")
        return None if value is None else float(value)

    def text(self, key: str) -> str | None:
        value: str | None = self._typed(key, str, "text")
        return value

    def word(self, key: str, words: type[Word]) -> Word | None:
        value = self.values.get(key)
        return None if value is None else _word(f"{self.name}.{key}", value, words)

    def channels(self, key: str) -> tuple[float, float, float] | None:
        values = self._typed(key, list, "a list of three numbers")
        if values is None:
            return None
        if len(values) != _CHANNELS or any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
            raise ValueError(f"{self.name}.{key}: should be a list of three numbers, not {values!r}")
        return float(values[0]), float(values[1]), float(values[2])

    def table(self, key: str) -> dict[str, Any]:
        return self._typed(key, dict, "a table") or {}


def _section(whole: Mapping[str, Any], name: str) -> _Section:
    values = whole.get(name, {})
    if not isinstance(values, dict):
        raise ValueError(f"{name}: should be a table: [{name}]")
    _refuse_unknown(f"{name}.", values, SECTIONS[name])
    return _Section(name, values)


def _refuse_unknown(prefix: str, values: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in values:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise ValueError(f"{prefix}{key}: unknown; did you mean {prefix}{nearest[0]}?")


def _word(key: str, value: Any, words: type[Word]) -> Word:
    try:
        return words(value)
    except ValueError:
        known = ", ".join(word.value for word in words)
        raise ValueError(f"{key}: should be one of {known}, not {value!r}") from None


def _required(section: _Section, key: str, value: T | None) -> T:
    if value is None:
        raise ValueError(f"{section.name}.{key}: is needed")
    return value


def _input(section: _Section) -> InputRecipe:
    width, height = section.whole("width"), section.whole("height")
    if (width is None) != (height is None):
        raise ValueError(f"input.{'width' if width is None else 'height'}: is needed beside the other one")
    given: dict[str, Any] = {
        "size_wh": None if width is None else (width, height),
        "shortest_px": section.whole("shortest"),
        "longest_px": section.whole("longest"),
        "multiple_px": section.whole("multiple"),
        "padding": section.number("padding"),
        "colours": section.word("colours", Colours),
        "divisor": section.number("divisor"),
        "mean": section.channels("mean"),
        "std": section.channels("std"),
        "axes": section.word("axes", Axes),
        "name": section.text("name"),
    }
    extras = {name: _word(f"input.extras.{name}", value, Extra) for name, value in section.table("extras").items()}
    fit = _required(section, "fit", section.word("fit", Fit))
    return InputRecipe(fit, extras=extras, **{key: value for key, value in given.items() if value is not None})


def _output(section: _Section) -> OutputRecipe:
    kind = _required(section, "kind", section.word("kind", OutputKind))
    names = section.table("names")
    _refuse_unknown("output.names.", names, OUTPUT_ROLES[kind])
    for role, name in names.items():
        if not isinstance(name, str):
            raise ValueError(f"output.names.{role}: should be text, not {name!r}")
    boxes = section.word("boxes", BoxUnit)
    if boxes is not None and kind is not OutputKind.BOXES_LABELS_SCORES:
        raise ValueError(f"output.boxes: has no meaning with kind = {kind.value!r}")
    activation = section.word("activation", Activation)
    if kind is OutputKind.DETR_LOGITS and activation in (None, Activation.NONE):
        raise ValueError("output.activation: is needed: softmax (DETR) or sigmoid (RT-DETR, Deformable DETR)")
    overlap = section.number("overlap")
    return OutputRecipe(
        kind,
        names,
        boxes or BoxUnit.ORIGINAL,
        activation or Activation.NONE,
        OVERLAP_SUPPRESSED_UNIT if overlap is None and kind in _YOLO else overlap,
    )


def _classes(section: _Section, folder: Path | None) -> Classes:
    first, names, file = section.whole("first"), section.values.get("names"), section.text("file")
    if first is not None and first < 0:
        raise ValueError("classes.first: should be 0 or above")
    if (names is None) == (file is None):
        raise ValueError("classes.names: is needed, or classes.file, and not both")
    if file is not None:
        return listed(file, [named(line) for line in _lines(folder, file)], first or 0)
    if isinstance(names, str):
        if names not in USUAL:
            raise ValueError(f"classes.names: should be one of {', '.join(USUAL)} or a list of names, not {names!r}")
        if first is not None and names == "coco91":
            raise ValueError("classes.first: has no meaning with coco91, whose numbers are COCO's own")
        return usual_classes(names, first or 0)
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("classes.names: should be a list of names")
    return listed("names", [named(name.strip()) for name in names], first or 0)


def _lines(folder: Path | None, file: str) -> list[str]:
    """One name per line; empty lines are left out."""
    try:
        text = ((folder or Path()) / file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"classes.file: {file} cannot be read ({type(error).__name__})") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
