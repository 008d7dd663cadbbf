"""Numbers in a file's header, read with the bounds checked. Callers: the header readers of this package."""

from __future__ import annotations

from app.errors import Kind, Problem


def broken(what: str) -> Problem:
    """The problem to raise for a file that no decoder could read."""
    return Problem(Kind.INVALID_IMAGE, f"the image is broken: {what}")


def truncated() -> Problem:
    """The problem to raise for a file whose end is missing."""
    return Problem(Kind.INVALID_IMAGE, "the image is truncated: its end is missing")


def span(data: bytes, at: int, length: int) -> bytes:
    """Exactly `length` bytes at `at`."""
    found = data[at : at + length]
    if len(found) != length:
        raise truncated()
    return found


def unsigned(data: bytes, at: int, length: int, *, little: bool = False) -> int:
    """A number of `length` bytes at `at`, big-endian unless `little`."""
    return int.from_bytes(span(data, at, length), "little" if little else "big")
