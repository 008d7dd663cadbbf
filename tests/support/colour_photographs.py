"""A small data set in VOC's layout that the colour model sees into: photographs with one or two patches, and some bad input."""

from __future__ import annotations

import random
from pathlib import Path

from app.core.geometry import Size
from tests.support.colour_model import COLOURS, patches

PHOTOGRAPHS = 60
SIZES = (Size(400, 300), Size(300, 400), Size(360, 360))


def write_photographs(folder: Path, *, bad: bool = False) -> Path:
    """The data set's folder. `bad`: with a missing image, an unreadable one, a broken annotation and a box outside."""
    (folder / "JPEGImages").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    for number in range(PHOTOGRAPHS):
        _write_one(folder, f"{number:03}", random.Random(number))  # where patches lie, no secret
    if bad:
        _spoil(folder)
    return folder


def _write_one(folder: Path, name: str, rng: random.Random) -> None:
    size = rng.choice(SIZES)
    boxes = {}
    for colour in rng.sample(list(COLOURS), rng.choice((1, 1, 2))):
        side = rng.choice((40, 80, 150))
        left, top = rng.randrange(size.width_px - side), rng.randrange(size.height_px - side)
        boxes[colour] = (left, top, left + side, top + side)
    (folder / "JPEGImages" / f"{name}.jpg").write_bytes(patches(size, boxes).content)
    (folder / "Annotations" / f"{name}.xml").write_text(_annotation(size, boxes), encoding="utf-8")


def _annotation(size: Size, boxes: dict[str, tuple[int, int, int, int]]) -> str:
    objects = "".join(
        f"<object><name>{colour}</name><difficult>0</difficult><bndbox><xmin>{left + 1}</xmin><ymin>{top + 1}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for colour, (left, top, right, bottom) in boxes.items()
    )
    return f"<annotation><size><width>{size.width_px}</width><height>{size.height_px}</height></size>{objects}</annotation>"


def _spoil(folder: Path) -> None:
    images, annotations = folder / "JPEGImages", folder / "Annotations"
    (annotations / "missing.xml").write_text(_annotation(SIZES[0], {}), encoding="utf-8")
    (images / "unreadable.jpg").write_bytes(b"\xff\xd8\xff no photograph")
    (annotations / "unreadable.xml").write_text(_annotation(SIZES[0], {}), encoding="utf-8")
    (images / "broken.jpg").write_bytes(patches(SIZES[0], {}).content)
    (annotations / "broken.xml").write_text("<annotation>", encoding="utf-8")
    (images / "outside.jpg").write_bytes(patches(SIZES[0], {"Red": (10, 10, 90, 90)}).content)
    outside = {"Red": (10, 10, 90, 90), "Lime": (900, 900, 950, 950)}
    (annotations / "outside.xml").write_text(_annotation(SIZES[0], outside), encoding="utf-8")
