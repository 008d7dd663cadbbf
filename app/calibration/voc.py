"""Pascal VOC's layout: JPEGImages, Annotations/*.xml, and where there are any ImageSets/Main/*.txt.

The lists say which images belong to the set; without lists all do that have an image or an annotation. Boxes are 1-based
pixels, both ends inclusive. Called by `loading`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from app.calibration.dataset import DatasetError, Entry, Marked, Note, Skip, Unusable
from app.calibration.folder import SUFFIXES
from app.core.geometry import PixelBox, Size

Element = ElementTree.Element


class VocListing:
    """A folder in VOC's layout. Raises DatasetError where it is none."""

    has_truth = True

    def __init__(self, root: Path) -> None:
        self._images, self._annotations = root / "JPEGImages", root / "Annotations"
        for folder in (self._images, self._annotations):
            if not folder.is_dir():
                raise DatasetError(f"{root} is not in VOC's layout: there is no folder {folder.name} in it")
        self._files = {path.stem: path for path in sorted(self._images.iterdir()) if path.suffix.lower() in SUFFIXES}
        self.strays: Sequence[tuple[Skip, str]] = ()
        self.ids: Sequence[str] = sorted(_listed(root / "ImageSets" / "Main") or self._present())

    def _present(self) -> set[str]:
        return set(self._files) | {path.stem for path in self._annotations.glob("*.xml")}

    def entry(self, name: str) -> Entry:
        annotation = self._annotations / f"{name}.xml"
        if not annotation.is_file():
            raise Unusable(Skip.MISSING_ANNOTATION)
        try:
            tree = ElementTree.fromstring(annotation.read_bytes())  # noqa: S314 - the operator's own files, and expat stops entity bombs
        except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:  # LookupError: an unheard-of encoding
            raise Unusable(Skip.UNREADABLE_ANNOTATION, str(error)) from error
        objects, notes = _objects(tree)
        return Entry(self._image(name, tree), _frame(tree), objects, notes)

    def _image(self, name: str, tree: Element) -> Path:
        """The file that the annotation names, or else the one with the annotation's own name."""
        named = self._images / Path(tree.findtext("filename", "").strip()).name
        found = named if named.is_file() else self._files.get(name)
        if found is None:
            raise Unusable(Skip.MISSING_IMAGE)
        return found


def _listed(folder: Path) -> set[str]:
    """The ids in all lists. VOC's own lists by class have a second column, which says whether the class is there."""
    lines = (line for path in sorted(folder.glob("*.txt")) for line in path.read_text("utf-8", "replace").splitlines())
    return {words[0] for line in lines if (words := line.split())}


def _frame(tree: Element) -> Size | None:
    """The size that the annotation gives; None where it gives none, which some tools write as 0x0."""
    try:
        return Size(int(tree.findtext("size/width", "")), int(tree.findtext("size/height", "")))
    except ValueError:
        return None


def _objects(tree: Element) -> tuple[tuple[Marked, ...], tuple[Note, ...]]:
    objects, notes = [], []
    for found in tree.iterfind("object"):
        label = found.findtext("name", "").strip()
        try:
            box = _box(found)
        except ValueError:
            notes.append(Note(Skip.UNREADABLE_BOX, label or "without a name"))
            continue
        if label:
            objects.append(Marked(label, box, found.findtext("difficult", "0").strip() == "1"))
        else:
            notes.append(Note(Skip.UNKNOWN_CLASS, "without a name"))
    return tuple(objects), tuple(notes)


def _box(found: Element) -> PixelBox:
    """The first pixel's left and top edge to the last one's right and bottom edge. Raises ValueError."""
    left, top, right, bottom = _edges(found)
    if not all(map(math.isfinite, (left, top, right, bottom))) or right < left or bottom < top:
        raise ValueError("corners out of order")
    return PixelBox(left - 1, top - 1, right, bottom)


def _edges(found: Element) -> Iterator[float]:
    return (float(found.findtext(f"bndbox/{edge}", "")) for edge in ("xmin", "ymin", "xmax", "ymax"))
