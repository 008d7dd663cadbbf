"""Drawings: boxes land where they belong, in the upright frame, whatever file they are drawn on."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.geometry import UnitBox
from app.demo.checking import Fate, Mark, Verdict
from app.demo.drawing import DRAWN_SIDE_PX, FATE_COLOURS, NEUTRAL, Stroke, draw, strokes_of_seen, strokes_of_verdict
from app.demo.encoding import ENCODINGS, Encoding, encode
from app.demo.truth import Seen

BOX = UnitBox(0.25, 0.5, 0.5, 0.75)
GREY = (90, 90, 90)


def drawn(content: bytes, strokes: list[Stroke], folder: Path) -> Image.Image:
    target = folder / "deep" / "drawn.jpg"
    draw(content, strokes, target)
    with Image.open(target) as picture:
        return picture.convert("RGB")


@pytest.mark.parametrize("encoding", list(dict.fromkeys(ENCODINGS)), ids=[each.name for each in dict.fromkeys(ENCODINGS)])
def test_a_box_is_drawn_in_the_upright_frame(encoding: Encoding, tmp_path: Path) -> None:
    content = encode(Image.new("RGB", (400, 200), GREY), encoding, [])
    picture = drawn(content, [Stroke("", BOX, (255, 0, 0))], tmp_path)
    assert picture.size == (400, 200)
    pixels = np.asarray(picture, np.int16)
    red = (pixels[..., 0] - pixels[..., 1]) > 80
    assert red[125, 98:104].any(), "left edge"
    assert red[125, 196:204].any(), "right edge"
    assert red[148:152, 150].any() or red[96:104, 150].any(), "bottom or top edge"
    assert not red[125, 150], "the inside stays visible"


def test_what_is_too_large_to_look_at_is_shown_smaller(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("L", (4000, 1000), 200).save(content, "PNG")
    assert drawn(content.getvalue(), [], tmp_path).size == (DRAWN_SIDE_PX, DRAWN_SIDE_PX // 4)


@pytest.mark.parametrize(
    "box", [UnitBox(-0.2, -0.1, 0.1, 0.1), UnitBox(0.9, 0.95, 1.3, 1.2), UnitBox(0.5, 0.5, 0.5, 0.5), None], ids=str
)
def test_boxes_at_the_edges_and_captions_without_a_box_are_drawn_too(box: UnitBox | None, tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("RGB", (300, 200), GREY).save(content, "PNG")
    picture = drawn(content.getvalue(), [Stroke("a rather long caption", box, (255, 0, 0))], tmp_path)
    assert np.asarray(picture).max() > 200


def test_every_fate_has_a_colour_and_wrong_ones_a_word() -> None:
    verdict = Verdict(tuple(Mark("Car", BOX, fate) for fate in Fate))
    assert strokes_of_verdict(verdict) == [
        Stroke("Car", BOX, FATE_COLOURS[Fate.RIGHT]),
        Stroke("Car (wrong)", BOX, FATE_COLOURS[Fate.WRONG]),
        Stroke("Car (missing)", BOX, FATE_COLOURS[Fate.MISSING]),
    ]


def test_an_object_listed_under_its_class_as_well_is_drawn_once() -> None:
    elsewhere = UnitBox(0.6, 0.1, 0.8, 0.3)
    seen = [Seen("Car", 0.9, BOX), Seen("Car-0008", 0.9, BOX), Seen("Vehicle", 0.9, None), Seen("Car", 0.9, elsewhere)]
    assert strokes_of_seen(seen) == [Stroke("Car-0008", BOX, NEUTRAL), Stroke("Car", elsewhere, NEUTRAL)]
