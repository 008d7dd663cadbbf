"""Whether an answer from a grid says the same as the vendor's answer to the image alone: same members, geometry close.

A sheet shows an image smaller and encoded once more, so figures about pixels move a little; how much, each member's row says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# How far apart two numbers may be, by the member that holds them. Ratios: a hundredth of the image is 8 px of 800, and the
# smallest box of these tests is ten times as wide. Confidences fall with size; brightness and sharpness with scaling.
TOLERANCES: Mapping[str, float] = {
    **dict.fromkeys(("Left", "Top", "Width", "Height", "X", "Y"), 0.01),
    **dict.fromkeys(("Confidence", "MatchConfidence"), 3.0),
    **dict.fromkeys(("Roll", "Yaw", "Pitch"), 2.0),
    **dict.fromkeys(("Brightness", "Sharpness"), 15.0),
}


def differences(own: Any, alone: Any, path: str = "") -> Iterator[str]:
    """Where the two differ by more than a grid explains. Lists are compared by name and place, not by their order."""
    if isinstance(own, dict) and isinstance(alone, dict):
        if own.keys() != alone.keys():
            yield f"{path}: members {sorted(own)} and {sorted(alone)}"
        for name in own.keys() & alone.keys():
            yield from differences(own[name], alone[name], f"{path}.{name}")
    elif isinstance(own, list) and isinstance(alone, list):
        if len(own) != len(alone):
            yield f"{path}: {len(own)} and {len(alone)} items"
        for number, (one, other) in enumerate(zip(sorted(own, key=_order), sorted(alone, key=_order), strict=False)):
            yield from differences(one, other, f"{path}[{number}]")
    elif not _equal(own, alone, path.rpartition(".")[2]):
        yield f"{path}: {own!r} and {alone!r}"


def placeable(answer: Mapping[str, Any]) -> frozenset[str]:
    """Of a DetectLabels answer without filters: the labels that a grid can give, those with instances and their ancestors."""
    placed = [label for label in answer["Labels"] if label["Instances"]]
    return frozenset({label["Name"] for label in placed} | {parent["Name"] for label in placed for parent in label["Parents"]})


def without_scenery(answer: Mapping[str, Any], names: frozenset[str] | None = None) -> dict[str, Any]:
    """A DetectLabels answer as a grid can give it; `names` are those that it can give, where the answer itself is filtered."""
    kept = placeable(answer) if names is None else names
    return {**answer, "Labels": [label for label in answer["Labels"] if label["Name"] in kept]}


def _equal(one: Any, other: Any, member: str) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    if numbers and member in TOLERANCES:
        return bool(abs(one - other) <= TOLERANCES[member])
    return bool(one == other)


def _order(item: Any) -> tuple[str, float]:
    """By name, then by place; faces of one picture stand a hundredth of it apart."""
    if not isinstance(item, dict):
        return str(item), 0.0
    face = item.get("Face", item)
    box = face.get("BoundingBox") or face.get("Geometry", {}).get("BoundingBox") or {}
    return str(item.get("Name", item.get("Type", ""))), round(box.get("Left", 0.0), 2)
