"""Which pictures look the same to every reader: what moderation may put on a sheet."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from app.imaging.header import inspect, is_plain

FORMATS = frozenset({"jpeg", "png", "webp"})


def stored(mode: str, format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture = Image.new("RGBA", (64, 48), (200, 30, 40, 90))
    frames = options.pop("frames", 1)
    if frames > 1:
        options |= {"save_all": True, "append_images": [Image.new("RGBA", (64, 48), (0, 0, 0, 255))] * (frames - 1)}
    (picture.convert("RGB") if mode == "P" else picture).convert(mode).save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (stored("RGB", "JPEG"), True),
        (stored("CMYK", "JPEG"), True),
        (stored("RGB", "PNG"), True),
        (stored("L", "PNG"), True),
        (stored("P", "PNG"), True),
        (stored("I;16", "PNG"), True),
        (stored("RGBA", "PNG"), False),
        (stored("LA", "PNG"), False),
        (stored("P", "PNG", transparency=0), False),
        (stored("RGB", "PNG", transparency=(200, 30, 40)), False),
        (stored("RGBA", "PNG", frames=3), False),
        (stored("RGB", "WEBP"), True),
        (stored("RGB", "WEBP", lossless=True), True),
        (stored("RGBA", "WEBP"), False),
        (stored("RGBA", "WEBP", lossless=True), False),
    ],
)
def test_what_is_transparent_or_moves_is_not_plain(data: bytes, plain: bool) -> None:
    assert is_plain(data, inspect(data, formats=FORMATS, max_pixels=10_000)) is plain
