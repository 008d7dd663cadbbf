"""The drawing, read back: as SVG by its elements, as PNG by its pixels."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.calibration.report.scatter import draw
from tests.support.calibrated import BARE, FULL, row


def test_the_png_is_a_picture_with_each_kinds_colour() -> None:
    pixels = np.asarray(Image.open(io.BytesIO(draw(FULL, "png"))).convert("RGB")).reshape(-1, 3)
    colours = {tuple(int(part) for part in colour) for colour in np.unique(pixels, axis=0)}
    assert len(pixels) > 500_000
    assert {(0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2), (0x99, 0x99, 0x99), (0x00, 0x9E, 0x73), (0xCC, 0x79, 0xA7)} <= colours


def test_the_svg_names_every_row() -> None:
    """Text is drawn as paths; matplotlib leaves the words beside them as comments."""
    svg = draw(FULL, "svg").decode()
    for one in FULL.rows:
        assert f"<!-- {one.name} -->" in svg
    for said in ("budget 0.03", "chosen", "best at its cost", "dollars per 1000 images"):
        assert f"<!-- {said} -->" in svg
    assert "<!-- other -->" not in svg


def test_what_is_not_known_is_not_drawn() -> None:
    svg = draw(BARE, "svg").decode()
    for said in ("budget", "chosen", "dollars"):
        assert f"<!-- {said}" not in svg


@pytest.mark.parametrize(
    "rows",
    [
        (row("1x1", 1.0, 0.0, low=0.0, high=0.0), row("odd", 0.5, 0.1, low=0.2, high=0.3)),  # the interval misses the figure
        (row("1x1", 1.0, 0.0, low=0.0, high=0.0), row("dear", 1.4, -0.1)),
        tuple(row(f"many {number}", 0.5, 0.1) for number in range(30)),  # all in one place
        (row("$a_b$ \\frac 100 % <&>", 0.5, 0.1),),
        (row("", 0.5, 0.1),),
    ],
)
def test_odd_rows_are_drawn_all_the_same(rows: tuple[object, ...]) -> None:
    assert draw(replace(FULL, rows=rows), "png").startswith(b"\x89PNG")  # type: ignore[arg-type]  # a table of rows
