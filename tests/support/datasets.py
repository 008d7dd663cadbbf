"""Small data sets on disk, in each of the kinds that `tessera calibrate` reads. For tests only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.core.geometry import Size
from tests.support.images import encoded, painted

SIZE = Size(200, 100)
Corners = tuple[object, object, object, object]


def image(size: Size = SIZE, kind: str = "jpeg", orientation: int = 1) -> bytes:
    return encoded(painted(size, (10, 10, 50, 50)), kind, orientation)


def voc_object(name: str, corners: Corners, *, difficult: int = 0) -> str:
    edges = "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
    return f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{edges}</bndbox></object>"


def voc_annotation(name: str, objects: Iterable[str] = (), size: Size | None = SIZE) -> str:
    said = f"<size><width>{size.width_px}</width><height>{size.height_px}</height></size>" if size else ""
    return f"<annotation><filename>{name}.jpg</filename>{said}{''.join(objects)}</annotation>"


def voc(root: Path, annotations: Mapping[str, str], images: Mapping[str, bytes] | None = None) -> Path:
    """`annotations`: XML by id. `images`: bytes by file name; where none are given, each annotation has a good one."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder).mkdir(parents=True)
    for name, text in annotations.items():
        (root / "Annotations" / f"{name}.xml").write_text(text)
    files = {f"{name}.jpg": image() for name in annotations} if images is None else images
    for name, data in files.items():
        (root / "JPEGImages" / name).write_bytes(data)
    return root


def coco_row(image_id: Any, box: Any, category: Any = 1, **more: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": image_id, "category_id": category, "bbox": box, "iscrowd": 0, **more}


def coco(root: Path, images: Iterable[Any], annotations: Iterable[Any], files: Iterable[str] = ()) -> str:
    """Categories are 1 "cat" and 2 "cell phone". Out: the source's name."""
    (root / "images").mkdir(parents=True)
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "cell phone"}]
    document = {"images": list(images), "annotations": list(annotations), "categories": categories}
    (root / "instances.json").write_text(json.dumps(document))
    for name in files:
        (root / "images" / name).write_bytes(image())
    return f"coco:{root / 'instances.json'}:{root / 'images'}"
