"""Encodings: what a viewer shows is what was painted."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.demo.encoding import ENCODINGS, Encoding, encode

CARD = (8, 8, 24, 24)


def corner_picture() -> Image.Image:
    """Different in every corner, so that any turn or mirror shows."""
    pixels = np.full((60, 90, 3), 128, np.uint8)
    pixels[:30, :45], pixels[:30, 45:], pixels[30:, :45] = (250, 20, 20), (20, 250, 20), (20, 20, 250)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("encoding", list(dict.fromkeys(ENCODINGS)), ids=[each.name for each in dict.fromkeys(ENCODINGS)])
def test_a_viewer_shows_what_was_painted(encoding: Encoding) -> None:
    painted = corner_picture()
    with Image.open(io.BytesIO(encode(painted, encoding, [CARD]))) as stored:
        assert stored.format == encoding.format
        shown = ImageOps.exif_transpose(stored)
        colours = "L" if encoding.mode == "L" else "RGB"
        difference = np.abs(np.asarray(shown.convert(colours), np.int16) - np.asarray(painted.convert(colours), np.int16))
    assert np.median(difference) < 12


def test_alpha_leaves_the_cards_opaque_and_lets_the_rest_fade() -> None:
    png = next(encoding for encoding in ENCODINGS if encoding.name == "PNG with alpha")
    with Image.open(io.BytesIO(encode(corner_picture(), png, [CARD]))) as stored:
        alpha = np.asarray(stored.getchannel("A"))
    assert (alpha[8:24, 8:24] == 255).all()
    assert alpha[:, -1].max() < 100
