"""Text in its three shapes: the `readResult` of 4.0, `/ocr` and `/read` of 3.2.

In: a scene. Out: JSON. Lines may reach across the cells of a grid, see `app.emulators.azure.lines`.
"""

from __future__ import annotations

import math
from collections import Counter

from app.emulators.azure.geometry import flat_polygon, polygon, text_rectangle
from app.emulators.azure.lines import Line, Word, box_around, corners_of, lines_in, text_of
from app.emulators.azure.parameters import Json
from app.emulators.azure.picture import Picture
from app.emulators.faces import roll_degrees
from app.emulators.scene import Scene

OCR_VERSION, READ_VERSION = "2021-04-01", "2021-04-12"
READ_SCHEMA = "3.2.0"
UNKNOWN_LANGUAGE, DEFAULT_LANGUAGE = "unk", "en"
ORIENTATIONS = ("Up", "Right", "Down", "Left")
"""Where the top of the text points, by quarters clockwise."""
NOTHING_TO_ORIENT = "NotDetected"


def read_result(scene: Scene) -> Json:
    """4.0: one block holds all lines."""
    lines = [
        {"text": text_of(line), "boundingPolygon": polygon(corners_of(line)), "words": [_word(word) for word in line]}
        for line in lines_in(scene)
    ]
    return {"blocks": [{"lines": lines}] if lines else []}


def _word(word: Word) -> Json:
    return {
        "text": word.text,
        "boundingPolygon": polygon(word.corners),
        "confidence": word.seen.sighting.score_unit,
    }


def ocr(scene: Scene, language: str, detect_orientation: bool) -> Json:
    """3.2, `/ocr`: one region around all lines, boxes as strings."""
    lines = lines_in(scene)
    found = DEFAULT_LANGUAGE if language == UNKNOWN_LANGUAGE and lines else language
    turn, angle = _turn(lines)
    return {
        "language": found,
        "textAngle": angle,
        "orientation": turn if detect_orientation or not lines else ORIENTATIONS[0],
        "regions": [_region(lines)] if lines else [],
        "modelVersion": OCR_VERSION,
    }


def _region(lines: list[Line]) -> Json:
    return {
        "boundingBox": text_rectangle(box_around(tuple(word for line in lines for word in line))),
        "lines": [
            {
                "boundingBox": text_rectangle(box_around(line)),
                "words": [{"boundingBox": text_rectangle(word.box_xyxy_px), "text": word.text} for word in line],
            }
            for line in lines
        ],
    }


def _turn(lines: list[Line]) -> tuple[str, float]:
    """Where most words point, and the mean of what is left over, in radians: figures of the whole image."""
    rolls = [roll_degrees(word.seen) for line in lines for word in line]
    if not rolls:
        return NOTHING_TO_ORIENT, 0.0
    quarters = Counter(round(roll / 90) % 4 for roll in rolls)
    left_over = [roll - 90 * round(roll / 90) for roll in rolls]
    return ORIENTATIONS[quarters.most_common(1)[0][0]], math.radians(sum(left_over) / len(left_over))


def read_page(picture: Picture) -> Json:
    """3.2, `/read`: the analyzeResult of one page."""
    width_px, height_px = picture.size_wh_px
    lines = lines_in(picture.scene)
    page = {
        "page": 1,
        "angle": math.degrees(_turn(lines)[1]),
        "width": width_px,
        "height": height_px,
        "unit": "pixel",
        "lines": [_page_line(line) for line in lines],
    }
    return {"version": READ_SCHEMA, "modelVersion": READ_VERSION, "readResults": [page]}


def _page_line(line: Line) -> Json:
    confidence = min(word.seen.sighting.score_unit for word in line)
    return {
        "boundingBox": flat_polygon(corners_of(line)),
        "text": text_of(line),
        "appearance": {"style": {"name": "other", "confidence": confidence}},
        "words": [
            {"boundingBox": flat_polygon(word.corners), "text": word.text, "confidence": word.seen.sighting.score_unit}
            for word in line
        ],
    }
