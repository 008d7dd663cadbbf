"""Who was paid for twice, and why? Pure.

In: what the emulator was paid, with the markers in each picture; the requests; the faults. Out: inferences beyond the first
of each image, by reason. Whose payment it is, is decided by the markers: an image's own pair, within the image's time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.history import Payment, Request, Span, Task

MODERATION = "DetectModerationLabels"
GROUP_TEST = "asked alone or in halves by group tests"
NO_FAULT = "without a fault"


@dataclass(frozen=True, slots=True)
class Bill:
    """`paid`: all inferences. `images`: images that were paid for. `again`: images shown in a further one, by reason."""

    paid: int
    images: int
    again: Mapping[str, int]
    unclaimed: int

    @property
    def after_faults(self) -> int:
        return sum(count for reason, count in self.again.items() if reason not in (GROUP_TEST, NO_FAULT))


def bill(payments: Sequence[Payment], requests: Iterable[Request], spans: Sequence[Span], limit_s: float) -> Bill:
    """Each payment after the first that showed an image, under the fault that it followed."""
    times: dict[str, list[float]] = {}
    moderated: set[str] = set()
    claimed: set[int] = set()
    by_marker = _by_marker(payments)
    for request in requests:
        own = [
            index
            for index in by_marker.get((request.task, min(request.truth.markers)), ())
            if request.truth.markers <= payments[index].markers
            and request.sent_s <= payments[index].at_s <= request.ended_s + limit_s
        ]
        claimed.update(own)
        times[request.id] = [payments[index].at_s for index in own]
        if request.task is Task.MODERATE:
            moderated.add(request.id)
    again: Counter[str] = Counter()
    for request_id, paid_s in times.items():
        for at_s in sorted(paid_s)[1:]:
            again[GROUP_TEST if request_id in moderated else _reason(at_s, spans, limit_s)] += 1
    return Bill(len(payments), sum(bool(paid_s) for paid_s in times.values()), dict(again), len(payments) - len(claimed))


def _by_marker(payments: Sequence[Payment]) -> dict[tuple[Task, int], list[int]]:
    found: dict[tuple[Task, int], list[int]] = {}
    for index, payment in enumerate(payments):
        task = Task.MODERATE if payment.item == MODERATION else Task.DETECT
        for marker_id in payment.markers:
            found.setdefault((task, marker_id), []).append(index)
    return found


def _reason(at_s: float, spans: Sequence[Span], limit_s: float) -> str:
    """The latest fault that had begun and whose end was not longer ago than a request lives."""
    begun = [span for span in spans if span.began_s <= at_s <= span.ended_s + limit_s]
    return f"asked again: {max(begun, key=lambda span: span.began_s).name}" if begun else NO_FAULT
