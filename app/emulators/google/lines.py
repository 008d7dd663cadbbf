"""Reading: markers are words, words beside each other a line, lines below each other a paragraph.

In: a scene. Out: paragraphs in reading order. As with real text recognition, nothing stops a line at what a person would call
an edge inside the image: words from neighbouring cells of a grid are joined where they stand close on one baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from app.emulators.faces import roll_degrees
from app.emulators.google.geometry import Box, around, corners_of
from app.emulators.scene import Point, Scene, Seen

UPRIGHT_DEGREES = 15.0
"""Words that are turned further stand alone."""
BASELINE_SHARE = 0.4
"""Baselines that differ by less than this share of the smaller word's height are one."""
WORD_GAP_SHARE = 1.0
"""Words of one line are no further apart than this share of the smaller word's height."""
LINE_GAP_SHARE = 0.8
"""The same for lines of one paragraph."""
OVERLAP_SHARE = 0.2
"""How far words and lines may reach into each other, of the smaller height."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Word:
    """What a marker reads as."""

    marker: Seen

    @property
    def text(self) -> str:
        return f"M{self.marker.marker_id:04d}"

    @property
    def box(self) -> Box:
        return self.marker.sighting.box_xyxy_px

    @property
    def corners(self) -> list[Point]:
        """From the word's own top left, clockwise: turned words have turned corners."""
        return [self.marker.place(x, y) for x, y in corners_of((0.0, 0.0, 1.0, 1.0))]

    @property
    def upright(self) -> bool:
        return abs(roll_degrees(self.marker)) <= UPRIGHT_DEGREES

    def symbol_corners(self, place: int) -> list[Point]:
        """Corners of one of its characters: an equal share of its width."""
        left, right = place / len(self.text), (place + 1) / len(self.text)
        return [self.marker.place(x, y) for x, y in corners_of((left, 0.0, right, 1.0))]


Line = list[Word]
Paragraph = list[Line]


def paragraphs_in(scene: Scene) -> list[Paragraph]:
    """From top to bottom."""
    words = sorted((Word(marker) for marker in scene.markers), key=lambda word: word.box[0])
    lines: list[Line] = _joined(words, _continues_line)
    lines.sort(key=lambda line: (box_of(line)[1], box_of(line)[0]))
    paragraphs: list[Paragraph] = _joined(lines, _continues_paragraph)
    return paragraphs


def words_of(paragraph: Paragraph) -> list[Word]:
    return [word for line in paragraph for word in line]


def box_of(words: Iterable[Word]) -> Box:
    return around(word.box for word in words)


def _joined(items: Iterable[T], continues: Callable[[T, T], bool]) -> list[list[T]]:
    """Each item goes to the first group whose last item it continues, or starts a group."""
    groups: list[list[T]] = []
    for item in items:
        for group in groups:
            if continues(group[-1], item):
                group.append(item)
                break
        else:
            groups.append([item])
    return groups


def _continues_line(last: Word, word: Word) -> bool:
    """The word stands close to the right of the other, on the same baseline."""
    if not (last.upright and word.upright):
        return False
    height_px = min(_height(last.box), _height(word.box))
    gap_px = word.box[0] - last.box[2]
    level = abs(word.box[3] - last.box[3]) <= BASELINE_SHARE * height_px
    return level and -OVERLAP_SHARE * height_px <= gap_px <= WORD_GAP_SHARE * height_px


def _continues_paragraph(last: Line, line: Line) -> bool:
    """The line stands close below the other, and they overlap from left to right."""
    if not all(word.upright for word in (*last, *line)):
        return False
    above, below = box_of(last), box_of(line)
    height_px = min(_height(above), _height(below))
    gap_px = below[1] - above[3]
    beside = min(above[2], below[2]) > max(above[0], below[0])
    return beside and -OVERLAP_SHARE * height_px <= gap_px <= LINE_GAP_SHARE * height_px


def _height(box: Box) -> float:
    return box[3] - box[1]
