"""Is an answer this picture's own? Pure.

In: what was asked, the picture, what the answer says. Out: what is wrong with it, in words; "" where nothing is.
"""

from __future__ import annotations

from app.demo.checking import EXACT_OVERLAP, Fate, judge_exact
from app.demo.truth import overlap
from app.detectors.markers import marker_id_of
from tests.soak.fronts import Findings, Question
from tests.soak.pictures import SoakPicture


def mistake(question: Question, picture: SoakPicture, found: Findings) -> str:
    match question:
        case Question.THINGS:
            marks = judge_exact([picture.truth], found).marks
            return "; ".join(f"{mark.fate.value} {mark.label} {mark.box}" for mark in marks if mark.fate is not Fate.RIGHT)
        case Question.LABELS:
            ids = {marker_id for one in found if (marker_id := marker_id_of(one.label)) is not None}
            return "" if ids == {picture.marker_id} else f"labels {sorted(ids)} of {picture.marker_id}"
        case Question.NAMES:
            return _placed(picture, picture.truth.label, found)
        case Question.TEXT:
            return _placed(picture, f"{picture.marker_id:04d}", found)
        case Question.SAFETY:
            return "" if bool(found) == picture.is_unsafe else f"{[one.label for one in found]} of {picture.marker_id}"


def _placed(picture: SoakPicture, expected: str, found: Findings) -> str:
    """Nothing but the expected word, and in its place."""
    strangers = {one.label for one in found} - {expected}
    if strangers or not found:
        return f"{sorted(strangers)} in the place of {expected}" if strangers else f"no {expected}"
    apart = [one for one in found if one.box is None or overlap(one.box, picture.truth.box) < EXACT_OVERLAP]
    return f"{expected} at {apart[0].box}, not at {picture.truth.box}" if apart else ""
