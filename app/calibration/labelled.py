"""A folder of photographs that people have sorted into `unsafe/` and `safe/`, for measuring group tests.

In: `folder:DIR`, how many photographs. Out: `Labelled`. A sample keeps both sides in the proportion that they have. Raises
DatasetError where a side is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app.calibration.dataset import Dataset, DatasetError
from app.calibration.folder import FolderListing
from app.calibration.loading import Terms, read

UNSAFE, SAFE = "unsafe", "safe"
USAGE = "--task moderate needs folder:DIR with the subfolders unsafe/ and safe/"


@dataclass(frozen=True, slots=True)
class Labelled:
    """All photographs as one data set, and the ids of those that people call unsafe."""

    dataset: Dataset
    unsafe: frozenset[str]

    @property
    def safe(self) -> frozenset[str]:
        return frozenset(photo.id for photo in self.dataset.photos) - self.unsafe


class _Side(FolderListing):
    """The photographs of one side, under their ids in the whole folder."""

    def __init__(self, root: Path, side: str) -> None:
        super().__init__(root)
        self.ids = [name for name in self.ids if _side_of(name) == side]


def load_labelled(source: str, terms: Terms) -> Labelled:
    """Raises DatasetError."""
    kind, _, place = source.partition(":")
    if kind != "folder" or not place:
        raise DatasetError(f"{USAGE}, not {source}")
    sides = {side: _Side(Path(place), side) for side in (UNSAFE, SAFE)}
    missing = [side for side, listing in sides.items() if not listing.ids]
    if missing:
        raise DatasetError(f"{USAGE}: there is no image in {' and none in '.join(f'{place}/{side}/' for side in missing)}")
    limits = _limits(terms.limit, len(sides[UNSAFE].ids), len(sides[SAFE].ids))
    parts = {side: read(f"{source}, {side}/", listing, replace(terms, limit=limits[side])) for side, listing in sides.items()}
    photos = sorted((photo for part in parts.values() for photo in part.photos), key=lambda photo: photo.id)
    skipped: dict[str, tuple[str, ...]] = {}
    for part in parts.values():
        for reason, names in part.skipped.items():
            skipped[reason] = (*skipped.get(reason, ()), *names)
    dataset = Dataset(source, tuple(photos), has_truth=False, skipped=skipped)
    return Labelled(dataset, frozenset(photo.id for photo in parts[UNSAFE].photos))


def _side_of(name: str) -> str:
    """The topmost folder that a photograph lies in, in lower case."""
    folder, slash, _ = name.partition("/")
    return folder.lower() if slash else ""


def _limits(limit: int | None, unsafe: int, safe: int) -> dict[str, int | None]:
    """How many to draw of each side: at least one."""
    if limit is None:
        return {UNSAFE: None, SAFE: None}
    if limit < 2:
        raise DatasetError("--limit: at least two photographs, one of each side")
    drawn = min(max(1, round(limit * unsafe / (unsafe + safe))), limit - 1)
    return {UNSAFE: drawn, SAFE: limit - drawn}
