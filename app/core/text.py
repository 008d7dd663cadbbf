"""Text that was found word by word, put together again for one image. Pure; called by the dialects.

A provider gives each word as a detection of its own, with the number of the line that it stood in (`fields["line"]`). A line
of a sheet may run across two images, as real readers of text join what stands on one baseline: after demultiplexing each image
has its own words of it, and they are its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.core.geometry import UnitBox, hull
from app.core.model import Detection

LINE = "line"


def lines_of(words: Iterable[Detection]) -> list[tuple[Detection, ...]]:
    """The words by line, lines in the order of their first words. A word without a line is one by itself."""
    lines: dict[object, list[Detection]] = {}
    for place, word in enumerate(words):
        number = word.fields.get(LINE)
        lines.setdefault(number if isinstance(number, int) else ("alone", place), []).append(word)
    return [tuple(line) for line in lines.values()]


def text_of(words: Sequence[Detection]) -> str:
    return " ".join(word.label for word in words)


def score_unit_of(words: Sequence[Detection]) -> float:
    """The mean of the words'. There is at least one."""
    return sum(word.score_unit for word in words) / len(words)


def hull_of(words: Sequence[Detection]) -> UnitBox:
    """The smallest box around all words that have one; at the origin if none has."""
    boxes = [word.box for word in words if word.box is not None]
    if not boxes:
        return UnitBox(0.0, 0.0, 0.0, 0.0)
    return hull(boxes)
