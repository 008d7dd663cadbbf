"""What can be read in an image: each marker is a word, such as M0042. Nothing else is read: these eyes know no letters.

In: a scene. Out: words, and the lines that they stand in. Words on one baseline that are close to each other are one line, as a
real reader of text joins them, whatever they belong to: in a grid of images a line can reach across cells.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.faces import roll_degrees
from app.emulators.scene import Point, Scene, Seen

CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
MOST_GAP_HEIGHTS = 1.5
"""Widest gap between two words of a line, as a multiple of the lower word's height."""
LEAST_OVERLAP = 0.5
"""Least share of the lower word's height at which two words stand beside each other."""
MOST_HEIGHTS = 2.0
"""The higher word of a line may be so many times as high as the lower one."""
MOST_SLANT_DEGREES = 15.0
"""Words that are turned further stand alone."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its marker, and its corners clockwise from the top left of the word's own upright frame."""

    text: str
    seen: Seen

    @property
    def corners(self) -> tuple[Point, ...]:
        return tuple(self.seen.place(x, y) for x, y in CORNERS)

    @property
    def upright(self) -> bool:
        return abs(roll_degrees(self.seen)) <= MOST_SLANT_DEGREES

    @property
    def box_xyxy_px(self) -> tuple[float, float, float, float]:
        return self.seen.sighting.box_xyxy_px


Line = tuple[Word, ...]


def word_of(marker_id: int) -> str:
    """What a marker reads as."""
    return f"M{marker_id:04d}"


def lines_in(scene: Scene) -> list[Line]:
    """The lines from top to bottom, each with its words from left to right."""
    words = [Word(word_of(seen.marker_id), seen) for seen in scene.markers if seen.marker_id is not None]
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box_xyxy_px[0]):
        near = [line for line in lines if _follows(line[-1], word)]
        if near:
            min(near, key=lambda line: _gap_px(line[-1], word)).append(word)
        else:
            lines.append([word])
    return [tuple(line) for line in sorted(lines, key=lambda line: (line[0].box_xyxy_px[1], line[0].box_xyxy_px[0]))]


def text_of(line: Line) -> str:
    return " ".join(word.text for word in line)


def box_around(line: Line) -> tuple[float, float, float, float]:
    """The upright box around all words of a line."""
    lefts, tops, rights, bottoms = zip(*(word.box_xyxy_px for word in line), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def corners_of(line: Line) -> tuple[Point, ...]:
    """Of a line with one word those of the word, which may be turned; of others those of the upright box around it."""
    if len(line) == 1:
        return line[0].corners
    left, top, right, bottom = box_around(line)
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _gap_px(first: Word, second: Word) -> float:
    return second.box_xyxy_px[0] - first.box_xyxy_px[2]


def _follows(first: Word, second: Word) -> bool:
    """Whether the second stands to the right of the first, on the same baseline and close to it."""
    (_, first_top, _, first_bottom), (_, second_top, _, second_bottom) = first.box_xyxy_px, second.box_xyxy_px
    lower, higher = sorted((first_bottom - first_top, second_bottom - second_top))
    overlap = min(first_bottom, second_bottom) - max(first_top, second_top)
    alike = first.upright and second.upright and higher <= MOST_HEIGHTS * lower
    return alike and overlap >= LEAST_OVERLAP * lower and 0 <= _gap_px(first, second) <= MOST_GAP_HEIGHTS * lower
