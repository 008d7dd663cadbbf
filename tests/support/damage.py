"""Image files as storms, bad cables and bad people leave them: cut, overwritten, spliced. For tests only."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from app.core.geometry import Size
from tests.support.images import KINDS, encoded, noise

# Small, so that many changes hit something that matters; odd sides, so that nothing fits by chance.
SIZE = Size(33, 19)
SCRAMBLED_FROM = 60  # behind the heads of all formats
LEFT_AT_THE_END = 12  # PNG's last chunk


@cache
def whole_files() -> tuple[bytes, ...]:
    """One file of every kind, and turned ones."""
    return tuple(encoded(noise(SIZE), kind) for kind in KINDS) + tuple(
        encoded(noise(SIZE), kind, 6) for kind in KINDS if KINDS[kind].turns
    )


def scrambled(data: bytes) -> bytes:
    """A PNG or WebP that its header check lets pass, and no decoder."""
    return data[:SCRAMBLED_FROM] + b"\xff" * (len(data) - SCRAMBLED_FROM - LEFT_AT_THE_END) + data[-LEFT_AT_THE_END:]


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(whole_files())))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.one_of(st.integers(0, min(len(data), 700)), st.integers(0, len(data))))
        how = draw(st.sampled_from(["cut", "overwrite", "overwrite", "insert", "remove"]))
        if how == "cut":
            del data[at:]
        elif how == "overwrite":
            some = draw(st.binary(min_size=1, max_size=4))
            data[at : at + len(some)] = some
        elif how == "insert":
            data[at:at] = draw(st.binary(max_size=20))
        else:
            del data[at : at + draw(st.integers(1, 20))]
    return bytes(data)


DAMAGED = _damaged()
