"""What only `tessera calibrate` needs is an extra: serving works without it. Called before such a library is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ExtraMissing(RuntimeError):
    """A library of the extra `calibrate` is not installed; the text says what to install."""


@contextmanager
def needed(library: str) -> Iterator[None]:
    """Around an import. Raises ExtraMissing where the library is not there, or lacks something itself."""
    try:
        yield
    except ImportError as error:
        raise ExtraMissing(f"{library} is not installed: pip install 'tessera[calibrate]' ({error})") from error
