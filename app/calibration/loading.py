"""From `voc:DIR`, `coco:annotations.json:images/` or `folder:DIR` to the photographs that can be measured with.

What cannot be used is named, skipped and counted; only a data set with nothing usable in it raises. A sample is drawn by a
hash of seed and id: the order in which a folder lists its files does not matter, and a new file changes at most one place of
the sample. Only the headers of the images that are taken are read. Called by the runner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.calibration.coco import CocoListing
from app.calibration.dataset import Dataset, DatasetError, Entry, Listing, Photo, Skip, Truth, Unusable, collected
from app.calibration.folder import FolderListing
from app.calibration.framing import annotated_frame, clipped, upright_box
from app.calibration.labels import class_of
from app.calibration.voc import VocListing
from app.core.model import Picture
from app.errors import Problem
from app.imaging.header import inspect

USAGE = "voc:DIR, coco:annotations.json:images/ or folder:DIR"
ALL_FORMATS = frozenset({"jpeg", "png", "webp"})
MAX_PIXELS = 64_000_000  # what the proxy itself accepts where nothing else is set


@dataclass(frozen=True, slots=True)
class Terms:
    """What is taken of a data set. `classes`: the names that the provider can answer, where they are known."""

    limit: int | None = None
    seed: int = 0
    classes: Collection[str] | None = None
    formats: frozenset[str] = ALL_FORMATS
    max_pixels: int = MAX_PIXELS


def load(source: str, terms: Terms | None = None) -> Dataset:
    """The data set behind `source`. Raises DatasetError where there is none, or nothing in it can be used."""
    return read(source, listing_of(source), terms or Terms())


def read(source: str, listing: Listing, terms: Terms) -> Dataset:
    """The photographs of a listing; `source` is what the data set is called. Raises DatasetError where none can be used."""
    reading = _Reading(listing, terms)
    photos = sorted(reading.photos(), key=lambda photo: photo.id)
    skipped = collected([*listing.strays, *reading.skips])
    if not photos:
        reasons = "; ".join(f"{reason}: {len(names)}, first {names[0]}" for reason, names in skipped.items())
        raise DatasetError(f"no image of {source} can be used ({reasons or 'there is none'})")
    return Dataset(source, tuple(photos), listing.has_truth, skipped)


def listing_of(source: str) -> Listing:
    """The right kind of listing. Raises DatasetError."""
    kind, _, place = source.partition(":")
    match kind:
        case "voc" if place:
            return VocListing(Path(place))
        case "folder" if place:
            return FolderListing(Path(place))
        case "coco" if ":" in place:
            annotations, _, images = place.rpartition(":")
            return CocoListing(Path(annotations), Path(images))
    raise DatasetError(f"{source!r} is not a data set: give {USAGE}")


def sampled(ids: Sequence[str], seed: int) -> list[str]:
    """All ids in an order that depends on the seed and on themselves, not on the order they came in."""
    return sorted(ids, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).digest())


class _Reading:
    """One pass over a listing; `skips` fills while `photos` is drawn."""

    def __init__(self, listing: Listing, terms: Terms) -> None:
        self._listing = listing
        self._terms = terms
        self._classes = None if terms.classes is None else {class_of(name) for name in terms.classes}
        self.skips: list[tuple[Skip, str]] = []

    def photos(self) -> Iterator[Photo]:
        left = len(self._listing.ids) if self._terms.limit is None else self._terms.limit
        for name in sampled(self._listing.ids, self._terms.seed):
            if left <= 0:
                return
            try:
                photo = self._photo(name)
            except Unusable as error:
                self._skip(error.reason, name, error.detail)
            else:
                left -= 1
                yield photo

    def _photo(self, name: str) -> Photo:
        if not _is_unicode(name):
            raise Unusable(Skip.UNREADABLE_IMAGE, "its name is not UTF-8 text")
        entry = self._listing.entry(name)
        picture = self._picture(entry.path)
        truths = tuple(self._truths(name, entry, picture))
        for note in entry.notes:
            self._skip(note.reason, name, note.detail)
        return Photo(name, entry.path, picture, truths)

    def _picture(self, path: Path) -> Picture:
        try:
            return inspect(path.read_bytes(), formats=self._terms.formats, max_pixels=self._terms.max_pixels)
        except Problem as problem:
            raise Unusable(Skip.UNREADABLE_IMAGE, problem.detail) from problem
        except OSError as error:
            raise Unusable(Skip.UNREADABLE_IMAGE, error.strerror or "") from error

    def _truths(self, name: str, entry: Entry, picture: Picture) -> Iterator[Truth]:
        frame = annotated_frame(picture, entry.frame)
        for marked in entry.objects:
            if self._classes is not None and class_of(marked.label) not in self._classes:
                self._skip(Skip.UNKNOWN_CLASS, name, marked.label)
                continue
            try:
                box, was_cut = clipped(marked.box, frame)
            except Unusable as error:
                self._skip(error.reason, name, marked.name)
                continue
            if was_cut:
                self._skip(Skip.BOX_CLIPPED, name, marked.name)
            yield Truth(marked.label, upright_box(box, frame, picture), marked.is_difficult)

    def _skip(self, reason: Skip, name: str, detail: str) -> None:
        name, detail = (text.encode("utf-8", "backslashreplace").decode() for text in (name, detail))
        self.skips.append((reason, f"{name} ({detail})" if detail else name))


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
