"""Made-up histories: what the judges of `tests.chaos` must find in them, they are told to put there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.core.geometry import UnitBox
from app.demo.truth import Seen
from app.detectors.markers import marker_label
from tests.chaos import images
from tests.chaos.history import OK, Attempt, Ending, Payment, Request, Span, Task

LIMIT_S = 8.0


def boxes_of(number: int) -> tuple[Seen, ...]:
    """What a right answer about this image says."""
    return tuple(Seen(marker_label(marker_id), 0.9, box) for marker_id, box in images.truth(number).boxes.items())


def moved(box: UnitBox, by: float) -> UnitBox:
    return UnitBox(box.left + by, box.top, box.right + by, box.bottom)


def attempt(**changed: Any) -> Attempt:
    """An answer, one second after it was asked for."""
    return replace(Attempt("api-0", 100.0, 101.0, Ending.ANSWERED, OK, layout="2x1"), **changed)


def request(number: int = 1, *attempts: Attempt, at_s: float = 100.0, **changed: Any) -> Request:
    """Rightly answered, unless it is told otherwise."""
    right = attempt(sent_s=at_s, ended_s=at_s + 1.0, seen=boxes_of(number), answered_id=f"r-{number}")
    asked = Request(f"r-{number}", "native", Task.DETECT, images.truth(number), at_s, attempts or (right,))
    return replace(asked, **changed)


def equal(number: int, *attempts: Attempt, at_s: float = 100.0, **changed: Any) -> Request:
    """Another request about the same picture, with an id of its own."""
    other = f"r-{number}-1"
    right = attempt(sent_s=at_s, ended_s=at_s + 1.0, seen=boxes_of(number), answered_id=other)
    return request(number, *(attempts or (right,)), at_s=at_s, id=other, **changed)


def span(
    name: str = "fault", began_s: float = 110.0, ended_s: float = 115.0, until_s: float = 150.0, *, pays_again: bool = True
) -> Span:
    return Span(name, "something", began_s, ended_s, until_s, pays_again=pays_again)


def payment(*numbers: int, at_s: float = 100.5, item: str = "DetectLabels") -> Payment:
    """An inference whose picture showed these images."""
    return Payment(at_s, item, frozenset(marker_id for number in numbers for marker_id in images.pair(number)))
