"""Backgrounds: the size that was asked for, repeatable, and not plain."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import Size
from app.demo.painting import Style, paint


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("size", [Size(1, 1), Size(200, 900), Size(700, 300)], ids=str)
def test_every_style_paints_every_size(style: Style, size: Size) -> None:
    picture = paint(size, style, np.random.default_rng(1))
    assert (picture.mode, picture.size) == ("RGB", (size.width_px, size.height_px))


@pytest.mark.parametrize("style", Style)
def test_the_same_randomness_paints_the_same_picture(style: Style) -> None:
    size = Size(320, 240)
    first, again = (np.asarray(paint(size, style, np.random.default_rng(5))) for _ in range(2))
    other = np.asarray(paint(size, style, np.random.default_rng(6)))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.std() > 5
