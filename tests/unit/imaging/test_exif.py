"""The orientation out of an EXIF block."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imaging.exif import orientation
from tests.support.images import told_by_text

SHORT, LONG = 3, 4
ORIENTATION, WIDTH = 0x0112, 0x0100


def block(*entries: tuple[int, int, int], order: str = "<", magic: int = 42, count: int | None = None) -> bytes:
    """A TIFF with one directory; an entry is (tag, type, value)."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", magic, 8, len(entries) if count is None else count)
    return head + b"".join(
        struct.pack(order + "HHI", tag, kind, 1) + struct.pack(order + ("HH" if kind == SHORT else "I"), *values(kind, value))
        for tag, kind, value in entries
    )


def values(kind: int, value: int) -> tuple[int, ...]:
    return (value, 0) if kind == SHORT else (value,)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_both_byte_orders(order: str, value: int) -> None:
    assert orientation(block((WIDTH, LONG, 640), (ORIENTATION, SHORT, value), order=order)) == value


def test_the_prefix_of_jpeg_is_passed_over() -> None:
    assert orientation(b"Exif\0\0" + block((ORIENTATION, SHORT, 6))) == 6


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"II",
        b"Exif\0\0",
        b"XX*\0" + b"\0" * 40,
        block((ORIENTATION, SHORT, 6), magic=43),
        block((ORIENTATION, SHORT, 0)),
        block((ORIENTATION, SHORT, 9)),
        block((ORIENTATION, LONG, 6)),
        block((WIDTH, LONG, 640)),
        block((WIDTH, LONG, 640), count=65_535),
        block((ORIENTATION, SHORT, 6))[:-4],
        b"II*\0\xff\xff\xff\xff",
    ],
    ids=told_by_text,
)
def test_what_makes_no_sense_is_upright(odd: bytes) -> None:
    assert orientation(odd) == 1


def test_a_directory_without_end_is_not_read_to_its_end() -> None:
    endless = block(*[(WIDTH, LONG, 1)] * 600, (ORIENTATION, SHORT, 6))
    assert orientation(endless) == 1


@given(st.binary(max_size=200), st.integers(0, 20), st.integers(0, 255))
def test_no_bytes_raise_anything(tail: bytes, at: int, value: int) -> None:
    changed = bytearray(block((ORIENTATION, SHORT, 6)))
    changed[at] = value
    assert orientation(bytes(changed)) in range(1, 9)
    assert orientation(tail) in range(1, 9)
