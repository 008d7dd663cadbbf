"""Photographs to measure with, and what is known to be in them.

Made by `loading`, from what `voc`, `coco` or `folder` read; used by the runner, by `scoring` and by the report. A picture's
id is its name in the data set, so that what was paid for before a kill is found again after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from app.core.geometry import PixelBox, Size, UnitBox
from app.core.model import Picture


class DatasetError(ValueError):
    """The data set as a whole cannot be used; the text says why, for the operator."""


class Skip(StrEnum):
    """Why something of a data set was left out, or (clipped boxes) mended. The value is what the operator reads."""

    MISSING_IMAGE = "image is missing"
    UNREADABLE_IMAGE = "image cannot be read"
    MISSING_ANNOTATION = "annotation is missing"
    UNREADABLE_ANNOTATION = "annotation cannot be read"
    OTHER_SIZE = "annotated at another size than the image has"
    NAMED_TWICE = "image is listed twice"
    STRAY = "annotation of an image that is not listed"
    UNKNOWN_CLASS = "object of an unknown class"
    UNREADABLE_BOX = "box cannot be read"
    BOX_OUTSIDE = "box lies outside the image"
    BOX_CLIPPED = "box reached over the image's edge and was clipped"


class Unusable(Exception):
    """One entry of a data set cannot be used; the others can."""

    def __init__(self, reason: Skip, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was skipped or mended; `detail` says which one of several."""

    reason: Skip
    detail: str


@dataclass(frozen=True, slots=True)
class Marked:
    """An object as the annotation has it: a box in pixels, edges between pixels, origin 0. `name` is for messages."""

    label: str
    box: PixelBox
    is_difficult: bool = False

    @property
    def name(self) -> str:
        return f"{self.label} at {', '.join(f'{edge:g}' for edge in self.box)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One image as a data set lists it, before anybody has looked at the file. `frame` is the size that it was annotated at."""

    path: Path
    frame: Size | None = None
    objects: tuple[Marked, ...] = ()
    notes: tuple[Note, ...] = ()


class Listing(Protocol):
    """What a kind of data set offers. `strays` is what the listing itself had to leave out: reason and name."""

    has_truth: bool
    ids: Sequence[str]
    strays: Sequence[tuple[Skip, str]]

    def entry(self, name: str) -> Entry:
        """What is listed under an id. Raises Unusable."""
        ...


@dataclass(frozen=True, slots=True)
class Truth:
    """One object that is really there. `is_difficult`: finding it is neither right nor wrong (VOC's difficult, COCO's crowds).

    `box` is in the upright frame, like every detection. `label` is the data set's own word.
    """

    label: str
    box: UnitBox
    is_difficult: bool = False


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph that can be sent. Without `truths` there is nothing in it that the data set knows."""

    id: str
    path: Path
    picture: Picture
    truths: tuple[Truth, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """`photos` are in the order of their ids. `skipped`: reason -> the names of what was left out or mended for it."""

    name: str
    photos: tuple[Photo, ...]
    has_truth: bool
    skipped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def without_objects(self) -> int:
        """Images in which the annotation says there is nothing: legitimate, and a source of false alarms only."""
        return sum(not photo.truths for photo in self.photos) if self.has_truth else 0

    @property
    def objects(self) -> int:
        return sum(len(photo.truths) for photo in self.photos)


def collected(skips: Iterable[tuple[Skip, str]]) -> dict[str, tuple[str, ...]]:
    """Names by reason, both in order."""
    names: dict[str, list[str]] = {}
    for reason, name in sorted(skips):
        names.setdefault(reason.value, []).append(name)
    return {reason: tuple(some) for reason, some in names.items()}


def has_countable_truth(photos: Iterable[Photo]) -> bool:
    """Whether there is at least one object that is not difficult: without one no accuracy can be measured."""
    return any(not truth.is_difficult for photo in photos for truth in photo.truths)
