"""Findings -> the answer of DetectText: lines first, then their words, numbered anew in this image.

A line that kept all its words is the vendor's own, with its geometry moved. A line that has lost some (they lay in a
neighbouring cell, on the seam, or below a filter) is made of those that are left.
"""

from __future__ import annotations

from typing import Any

from app.core.geometry import UnitBox
from app.core.model import Detection
from app.core.text import hull_of, lines_of, score_unit_of, text_of
from app.wire.rekognition.findings import Found, Written, own_item, percent
from app.wire.rekognition.geometry import to_wire

# How many words the vendor's own line has, beside its item (see the provider's findings).
_WORDS = "words"


def write_text(found: Found) -> Written:
    """The body of DetectText."""
    words = [word for word in found.sure_enough() if _is_large_enough(word, found)]
    lines = lines_of(words)
    items = [_line(line, number) for number, line in enumerate(lines)]
    next_id = len(items)
    for parent_id, line in enumerate(lines):
        for word in line:
            items.append({**_word(word), "Type": "WORD", "Id": next_id, "ParentId": parent_id})
            next_id += 1
    return Written({"TextDetections": items, **found.versions("TextModelVersion")}, len(words))


def _is_large_enough(word: Detection, found: Found) -> bool:
    box = word.box or UnitBox(0.0, 0.0, 0.0, 0.0)
    return box.width >= found.wanted.min_word_width and box.height >= found.wanted.min_word_height


def _line(words: tuple[Detection, ...], number: int) -> dict[str, Any]:
    own = own_item(words[0], "whole")
    if own is not None and words[0].fields.get(_WORDS) == len(words):
        return {**own, "Id": number}
    return {
        "DetectedText": text_of(words),
        "Type": "LINE",
        "Id": number,
        "Confidence": percent(score_unit_of(words)),
        "Geometry": _geometry(hull_of(words)),
    }


def _word(word: Detection) -> dict[str, Any]:
    own = own_item(word, "word")
    if own is not None:
        return own
    geometry = _geometry(word.box) if word.box is not None else {}
    return {"DetectedText": word.label, "Confidence": percent(word.score_unit), "Geometry": geometry}


def _geometry(box: UnitBox) -> dict[str, Any]:
    corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
    return {"BoundingBox": to_wire(box), "Polygon": [{"X": x, "Y": y} for x, y in corners]}
