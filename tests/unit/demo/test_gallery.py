"""Which pictures are drawn, and what they are called."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from app.core.geometry import Size
from app.demo.checking import Verdict
from app.demo.clients import Reply
from app.demo.drawing import JUDGED_WORDS
from app.demo.gallery import CLIENTS_DRAWN, client_file_name, draw_clients, draw_sheets, spread
from app.demo.scenes import Scene
from app.demo.upstream import SentSheet


def grey_png() -> bytes:
    target = io.BytesIO()
    Image.new("L", (40, 30), 128).save(target, "PNG")
    return target.getvalue()


def scene(number: int, kind: str = "PNG grey") -> Scene:
    return Scene(number, grey_png(), kind, "png", Size(40, 30), ())


@pytest.mark.parametrize(
    ("count", "wanted", "expected"),
    [(1, 3, [0]), (2, 3, [0, 1]), (3, 3, [0, 1, 2]), (9, 3, [0, 4, 8]), (120, 2, [0, 119]), (5, 1, [0])],
)
def test_pictures_are_spread_over_the_run(count: int, wanted: int, expected: list[int]) -> None:
    assert spread(count, wanted) == expected


@pytest.mark.parametrize(
    ("kind", "layout", "expected"),
    [
        ("JPEG turned, mirrored (EXIF 5)", "2x1", "007-jpeg-turned-mirrored-exif-5-in-2x1.jpg"),
        ("jpg", "", "007-jpg-in-nothing.jpg"),
    ],
)
def test_a_clients_picture_is_named_after_its_number_encoding_and_layout(kind: str, layout: str, expected: str) -> None:
    assert client_file_name(scene(7, kind), layout) == expected


def test_every_sheet_and_some_clients_are_drawn(tmp_path: Path) -> None:
    draw_sheets([SentSheet(number, grey_png(), {}) for number in range(1, 4)], tmp_path / "sheets")
    scenes = [scene(number) for number in range(60)]
    replies = [Reply(number, 0.1, error="unanswered") for number in range(60)]
    draw_clients(scenes, replies, [Verdict(())] * 60, JUDGED_WORDS, tmp_path / "clients")
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert len(list((tmp_path / "clients").iterdir())) == CLIENTS_DRAWN


def test_a_picture_that_cannot_be_drawn_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot identify"):
        draw_sheets([SentSheet(1, b"not an image", {})], tmp_path)
