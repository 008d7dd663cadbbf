"""Was each request answered once, rightly, with its own boxes? Pure.

In: a request's history. Out: a `Judgement`, with words for everything that must not be. Called by `report` and `recovery`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.geometry import UnitBox
from app.demo.truth import Seen, overlap
from app.detectors.markers import MARKER_COUNT
from tests.chaos.history import OK, Attempt, Books, Ending, Request, Task
from tests.chaos.images import CONTENT, Truth

# A box of 40 px on a sheet that is 1 px off on every edge still overlaps by 0.9; one of another cell by nothing.
IN_PLACE = 0.8
# Boxes of the image's classes come with the identity's; what is elsewhere is of another image.
NEAR = 0.5
# What the emulator's faults add, wherever: `Speck` lies inside the sheet, `Ghost` outside it.
NOISE, OUTSIDE = "speck", "ghost"
ALONE = "1x1"
# After the request's own time an answer may still be on its way: a busy machine, the client's own threads, seconds.
MARGIN_S = 1.0

_IDENTITY = re.compile(r"-(\d{4})$")


class Verdict(StrEnum):
    RIGHT = "right"
    VENDOR_ERROR = "vendor's error"  # its own words, which its SDK understands
    UNCLEAR_ERROR = "unclear error"
    WRONG = "wrong"  # something of another image in it
    INCOMPLETE = "incomplete"  # answered, but its own boxes are missing
    LOST = "lost"  # no answer in the request's own time and the margin


@dataclass(frozen=True, slots=True)
class Judgement:
    """`wrong`: boxes, labels and ids of somebody else. `doubled`: signs of a second answer. `error`: status and code.

    `hushed`: answers with an error that its SDK did not show, but tried again.
    """

    request: Request
    verdict: Verdict
    wrong: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    error: str = ""
    was_retried: bool = False
    hushed: int = 0


def judged(request: Request, limit_s: float) -> Judgement:
    """What became of one request."""
    last = request.last
    wrong = tuple(_wrong(request))
    return Judgement(
        request,
        _verdict(request, limit_s, wrong),
        wrong,
        tuple(_doubled(request)),
        "" if last.status in (0, OK) and not last.error else f"{last.status} {last.error}".strip(),
        any(attempt.ending is Ending.BROKEN for attempt in request.attempts[:-1]),
        sum(attempt.is_error for attempt in request.attempts[:-1]),
    )


def _verdict(request: Request, limit_s: float, wrong: Sequence[str]) -> Verdict:
    last = request.last
    if last.ending is not Ending.ANSWERED or any(_is_lost(attempt, limit_s) for attempt in request.attempts):
        return Verdict.LOST
    if last.status != OK or last.error:
        return Verdict.VENDOR_ERROR if last.error else Verdict.UNCLEAR_ERROR
    if wrong:
        return Verdict.WRONG
    return Verdict.INCOMPLETE if list(_missing(request)) else Verdict.RIGHT


def _is_lost(attempt: Attempt, limit_s: float) -> bool:
    """Not answered, or too late. What a kill has cut off is asked again; any other connection that ends has lost an answer."""
    is_late = attempt.ended_s - attempt.sent_s > limit_s + MARGIN_S
    return is_late or attempt.ending is Ending.SILENT or (attempt.ending is Ending.BROKEN and not attempt.was_killed)


def _missing(request: Request) -> Iterator[str]:
    """What an answer about this image has to say and does not."""
    truth, seen = request.truth, request.last.seen
    if request.task is Task.MODERATE:
        if truth.content and truth.content not in {one.label for one in seen}:
            yield truth.content
        return
    for marker_id, box in truth.boxes.items():
        claims = [one.box for one in seen if identity(one.label) == marker_id]
        if not any(claim and overlap(box, claim) >= IN_PLACE for claim in claims):
            yield f"marker {marker_id}"


def _wrong(request: Request) -> Iterator[str]:
    """What the answer says of other images."""
    last = request.last
    if last.ending is not Ending.ANSWERED:
        return
    if last.answered_id not in (None, request.id):
        yield f"answer to {last.answered_id}"
    if last.status != OK or last.error:
        return
    if request.task is Task.MODERATE:
        strangers = set(CONTENT.values()) - {request.truth.content}
        yield from (f"content {one.label}" for one in last.seen if one.label in strangers)
        return
    yield from _strange_boxes(request.truth, last)


def _strange_boxes(truth: Truth, last: Attempt) -> Iterator[str]:
    placed: set[int] = set()
    for one in last.seen:
        marker_id = identity(one.label)
        if marker_id is None:
            if one.box is not None and _is_strange(one, truth, last.layout):
                yield f"{one.label} at {_shown(one.box)}"
        elif marker_id not in truth.boxes:
            yield f"{one.label} of another image"
        elif one.box is None or overlap(truth.boxes[marker_id], one.box) < IN_PLACE:
            yield f"{one.label} not where it is, but at {_shown(one.box)}"
        elif marker_id in placed:
            yield f"{one.label} twice"
        else:
            placed.add(marker_id)


def _is_strange(one: Seen, truth: Truth, layout: str) -> bool:
    """Whether a box without an identity is of nothing in this image. The vendor's answer to one image is handed on whole."""
    name = one.label.lower()
    if name == NOISE or (name == OUTSIDE and layout in ("", ALONE)):
        return False
    return all(one.box is None or overlap(box, one.box) < NEAR for box in truth.boxes.values())


def identity(label: str) -> int | None:
    """The marker that a label names, in whatever spelling: `Car-0008`, `car-0008`."""
    found = _IDENTITY.search(label)
    return int(found.group(1)) if found and int(found.group(1)) < MARKER_COUNT else None


def _shown(box: UnitBox | None) -> str:
    return "no place" if box is None else f"{box.left:.2f},{box.top:.2f},{box.right:.2f},{box.bottom:.2f}"


def _doubled(request: Request) -> Iterator[str]:
    """An answer on each of several attempts (but for errors after which an SDK tries again), or bytes after an answer's end."""
    answered = [attempt for attempt in request.attempts if attempt.ending is Ending.ANSWERED]
    if any(not (request.sdk_tries and attempt.is_error) for attempt in answered[:-1]):
        yield f"{request.id} answered {len(answered)} times"
    yield from (
        f"{attempt.surplus_bytes} bytes after the answer to {request.id}" for attempt in answered if attempt.surplus_bytes
    )


def counted_too_much(books: Iterable[Books]) -> list[str]:
    """Processes that say they answered more requests than they were sent."""
    return [f"{one.process} counts {one.counted} of {one.sent} sent" for one in books if one.counted > one.sent]


def answered_under_one_id(requests: Iterable[Request]) -> list[str]:
    """Ids that stand in the answers of several requests."""
    first: dict[str, str] = {}
    told = [(request.id, attempt.answered_id) for request in requests for attempt in request.attempts]
    return [
        f"{given} stands in two answers" for own, given in told if given is not None and first.setdefault(given, own) != own
    ]
