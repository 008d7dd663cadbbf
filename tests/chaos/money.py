"""Who was paid for twice, and why? Pure.

In: what the emulator was paid, with the markers in each picture; the requests; the faults. Out: `Bill`. Whose payment it is, is
decided by the markers: a picture's own pair, within the time of whoever asked about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.history import Ending, Payment, Request, Span, Task

MODERATION = "DetectModerationLabels"
GROUP_TEST = "in ever smaller groups for unsafe content"
ASKED_LATER = "equal to one that was answered before"
NO_FAULT = "without a fault that explains it"
# So long after the answer a picture may still be paid for, seconds: a batch whose worker died comes back sooner. No marker is
# shown by another image so soon (`images.APART`).
TAIL_S = 15.0
# Whoever asks so soon after a fault's end may still meet it, seconds: breakers look again after a second.
AFTERMATH_S = 2.0


@dataclass(frozen=True, slots=True)
class Bill:
    """`paid`: all inferences. `images`: pictures that were paid for. `again`: pictures shown in a further one, by reason.

    `twice_by_faults`: inferences that showed a picture again, as a fault explains; `twice`: those that none explains, in words.
    `unpaid`: requests with a right answer about a picture that was in no inference: whoever matches them is mistaken.
    """

    paid: int
    images: int
    again: Mapping[str, int]
    twice_by_faults: int
    twice: tuple[str, ...]
    unpaid: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A picture, who asked about it, and the inferences that showed it (places in the list of payments, the earliest first)."""

    askers: Sequence[Request]
    paid: Sequence[int]


def bill(payments: Sequence[Payment], requests: Iterable[Request], spans: Sequence[Span]) -> Bill:
    """Each payment after the first that showed a picture, under the fault that explains it."""
    pictures = list(_pictures(payments, requests))
    again: Counter[str] = Counter()
    explained: set[int] = set()
    unexplained: dict[int, str] = {}
    for shown in pictures:
        for index, reason in _again(shown, payments, spans):
            again[reason] += 1
            if reason == NO_FAULT:
                unexplained.setdefault(index, _about(shown, payments[index]))
            elif reason not in (GROUP_TEST, ASKED_LATER):
                explained.add(index)
    return Bill(
        len(payments),
        sum(bool(shown.paid) for shown in pictures),
        dict(again),
        len(explained - unexplained.keys()),
        tuple(unexplained.values()),
        tuple(one.id for shown in pictures if not shown.paid for one in shown.askers if _is_answered(one)),
    )


def _pictures(payments: Sequence[Payment], requests: Iterable[Request]) -> Iterator[_Shown]:
    by_marker = _by_marker(payments)
    asked: dict[tuple[Task, int], list[Request]] = {}
    for request in requests:
        asked.setdefault((request.task, request.truth.number), []).append(request)
    for (task, _), askers in asked.items():
        markers = askers[0].truth.markers
        from_s, until_s = min(one.due_s for one in askers), max(one.ended_s for one in askers) + TAIL_S
        near = [index for index in by_marker.get((task, min(markers)), ()) if from_s <= payments[index].at_s <= until_s]
        own = [index for index in near if markers <= payments[index].markers]
        yield _Shown(askers, sorted(own, key=lambda index: payments[index].at_s))


def _by_marker(payments: Sequence[Payment]) -> dict[tuple[Task, int], list[int]]:
    found: dict[tuple[Task, int], list[int]] = {}
    for index, payment in enumerate(payments):
        task = Task.MODERATE if payment.item == MODERATION else Task.DETECT
        for marker_id in payment.markers:
            found.setdefault((task, marker_id), []).append(index)
    return found


def _again(shown: _Shown, payments: Sequence[Payment], spans: Sequence[Span]) -> Iterator[tuple[int, str]]:
    """Each payment after the first, and its reason."""
    first_s = min(one.sent_s for one in shown.askers)
    later = len(shown.askers) - 1  # so many may ask when an answer has been given
    for before, index in zip(shown.paid, shown.paid[1:], strict=False):
        payment = payments[index]
        reason = _reason(first_s, payment.at_s, spans)
        if payment.item == MODERATION and payment.markers < payments[before].markers:
            reason = GROUP_TEST
        elif reason == NO_FAULT and later and _is_asked_later(shown.askers, payment.at_s):
            later -= 1
            reason = ASKED_LATER
        yield index, reason


def _is_asked_later(askers: Sequence[Request], at_s: float) -> bool:
    """Whether one had his answer and another had not."""
    ends_s = [one.ended_s for one in askers]
    return min(ends_s) <= at_s <= max(ends_s)


def _reason(first_s: float, at_s: float, spans: Sequence[Span]) -> str:
    """The latest fault that can make anybody pay again, and that the picture met between its first request and this payment."""
    met = [span for span in spans if span.pays_again and span.began_s <= at_s and first_s <= span.ended_s + AFTERMATH_S]
    return f"asked again: {max(met, key=lambda span: span.began_s).name}" if met else NO_FAULT


def _is_answered(request: Request) -> bool:
    return request.last.ending is Ending.ANSWERED and not request.last.is_error


def _about(shown: _Shown, payment: Payment) -> str:
    asked = ", ".join(f"{one.id} ({one.front})" for one in shown.askers)
    return f"{asked}, {payment.at_s - shown.askers[0].sent_s:.2f} s after it was sent"
