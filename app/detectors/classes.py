"""Which number of a model means which thing.

In: the name of a usual table, or names. Out: `Classes`. Called by recipes. Numbers without a name are background, "no object"
or gaps in the numbering, and are left out of what a detector reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.detectors.coco import COCO_CLASSES, CocoClass

PERSON = "person"

# COCO numbers its categories to 90 and leaves these out: DETR and torchvision's models keep the gaps.
_COCO_GAPS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
_COCO_NUMBERS = [number for number in range(1, 91) if number not in _COCO_GAPS]

_BY_NAME = MappingProxyType({entry.label.lower(): entry for entry in COCO_CLASSES})

# The devkit's order, each with COCO's name of the same thing.
_VOC = (
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "dining table", "dog", "horse", "motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Classes:
    """`by_number`: those that have a name. `count`: numbers in use from 0, gaps included, as models size their outputs."""

    name: str
    by_number: Mapping[int, CocoClass]
    count: int

    @property
    def has_people(self) -> bool:
        return any(is_person(known.label) for known in self.by_number.values())


def is_person(label: str) -> bool:
    return label.lower() == PERSON


def named(label: str) -> CocoClass:
    """A thing that somebody else has named: no ancestors are known."""
    return CocoClass(label, ())


def spelled(label: str) -> CocoClass:
    """The same, unless COCO knows the name: then as our own tables spell it, with its ancestors."""
    return _BY_NAME.get(label.strip().lower()) or named(label.strip())


def listed(name: str, known: Sequence[CocoClass], first: int = 0) -> Classes:
    """Classes in a row, the first of them with number `first`."""
    numbered = {first + place: entry for place, entry in enumerate(known)}
    return Classes(name, MappingProxyType(numbered), first + len(known))


def usual_classes(name: str, first: int = 0) -> Classes:
    """One of `USUAL`; `first` has no meaning for coco91, whose numbers are COCO's own."""
    match name:
        case "coco80":
            return listed(name, COCO_CLASSES, first)
        case "coco91":
            return Classes(name, MappingProxyType(dict(zip(_COCO_NUMBERS, COCO_CLASSES, strict=True))), _COCO_NUMBERS[-1] + 1)
        case "voc20":
            return listed(name, [_BY_NAME[voc] for voc in _VOC], first)
        case _:
            raise ValueError(f"no such table of classes: {name!r}")


USUAL = ("coco80", "coco91", "voc20")
