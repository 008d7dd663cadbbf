"""COCO's own format: one JSON file with images, annotations and categories, beside a folder of images.

Boxes are left, top, width and height in pixels; `iscrowd` marks a region of many, which is treated like VOC's difficult
objects. Called by `loading`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.calibration.dataset import DatasetError, Entry, Marked, Note, Skip, Unusable
from app.core.geometry import PixelBox, Size

Row = Mapping[str, Any]


class CocoListing:
    """The images of an annotation file. Raises DatasetError where the file is none, or the folder is not there."""

    has_truth = True

    def __init__(self, annotations: Path, images: Path) -> None:
        if not images.is_dir():
            raise DatasetError(f"there is no folder {images}")
        rows = _tables(annotations)
        self._folder = images
        self._classes = {_key(row.get("id")): str(row["name"]) for row in rows["categories"] if row.get("name")}
        self._images: dict[str, Row] = {}
        self._objects: dict[object, list[Row]] = {}
        strays = [(Skip.NAMED_TWICE, name) for row in rows["images"] if (name := _name(row)) and not self._is_new(name, row)]
        strays += [(Skip.UNREADABLE_ANNOTATION, f"an image without {_lack(row)}") for row in rows["images"] if _lack(row)]
        strays += [(Skip.STRAY, f"annotation {row.get('id')}") for row in rows["annotations"] if not self._is_attached(row)]
        self.strays: Sequence[tuple[Skip, str]] = strays
        self.ids: Sequence[str] = sorted(self._images)

    def _is_new(self, name: str, row: Row) -> bool:
        if name in self._images:
            return False
        self._images[name] = row
        self._objects[_key(row.get("id"))] = []
        return True

    def _is_attached(self, row: Row) -> bool:
        objects = self._objects.get(_key(row.get("image_id")))
        if objects is None:
            return False
        objects.append(row)
        return True

    def entry(self, name: str) -> Entry:
        row = self._images[name]
        path = self._folder / name
        if not path.is_file():
            raise Unusable(Skip.MISSING_IMAGE)
        objects, notes = [], []
        for annotation in self._objects[_key(row.get("id"))]:
            try:
                objects.append(self._marked(annotation))
            except Unusable as error:
                notes.append(Note(error.reason, error.detail))
        return Entry(path, _frame(row), tuple(objects), tuple(notes))

    def _marked(self, row: Row) -> Marked:
        label = self._classes.get(_key(row.get("category_id")))
        if label is None:
            raise Unusable(Skip.UNKNOWN_CLASS, f"category {row.get('category_id')}")
        try:
            left, top, width, height = map(float, row["bbox"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unusable(Skip.UNREADABLE_BOX, label) from error
        if not all(map(math.isfinite, (left, top, width, height))) or width < 0 or height < 0:
            raise Unusable(Skip.UNREADABLE_BOX, label)
        return Marked(label, PixelBox(left, top, left + width, top + height), bool(row.get("iscrowd", 0)))


def _tables(path: Path) -> dict[str, list[Row]]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DatasetError(f"{path} is not JSON: {error}") from error
    names = ("images", "annotations", "categories")
    tables = document if isinstance(document, dict) else {}
    missing = [name for name in names if not isinstance(tables.get(name), list)]
    if missing:
        raise DatasetError(f"{path} is not in COCO's format: it has no list of {' and none of '.join(missing)}")
    return {name: [row for row in tables[name] if isinstance(row, dict)] for name in names}


def _name(row: Row) -> str:
    name = row.get("file_name")
    return name if isinstance(name, str) and "id" in row else ""


def _lack(row: Row) -> str:
    if not isinstance(row.get("file_name"), str) or not row["file_name"]:
        return f"a file name (id {row.get('id')})"
    return "" if "id" in row else f"an id ({row['file_name']})"


def _key(value: object) -> object:
    """What ids are matched by: anything that JSON can hold, a list included, must not stop the run."""
    return value if isinstance(value, int | str) else repr(value)


def _frame(row: Row) -> Size | None:
    try:
        return Size(int(row["width"]), int(row["height"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
