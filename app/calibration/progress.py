"""How far a stage is: a line that is rewritten on a terminal, one line at the end elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO


class Progress:
    """`step` counts; leaving the block ends the line."""

    def __init__(self, name: str, total: int, stream: TextIO) -> None:
        self._name = name
        self._total = total
        self._stream = stream
        self._done = 0
        self._is_live = stream.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._is_live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def step(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        if self._is_live:
            self._stream.write(f"\r{self._name}: {self._done} of {self._total}\x1b[K")
            self._stream.flush()
