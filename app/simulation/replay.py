"""Arrivals played through the product's own accumulator in virtual time: nobody waits, and nothing is paid.

In: arrivals in order, how they are served, and what one answer of the provider takes. Out: a `Tally`. Called by `command`.

The lanes, their windows and the reasons to close them are `core.lanes` itself; the constants of the front half are those of
`pipeline`. What that does with a job is repeated here as events: gather, or go alone where no grid is allowed or worth a
window; take back what nobody has claimed long after its window; give up a grid when its image could otherwise not be sent
alone any more. Left out is what a log does not tell: failures, throttling, images that fit no grid, clients who leave.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from app.core.geometry import Size
from app.core.lanes import Admission, Lanes, Whereabouts
from app.core.model import Batch, Bypass, Feature, Inquiry, Job, Lane, Layout, Picture, Release, Task
from app.gathering import BUSY_S, LOOK_AGAIN_S, OVERDUE_S
from app.pipeline import ALONE_RESERVE_MARGIN_S, ALONE_RESERVE_P95S, GRID_MARGIN_S, SHORTEST_WINDOW_S
from app.providers.latency import LatencyTracker
from app.simulation.arrivals import Arrival

# Any size that fits a grid: a log says nothing about the pictures.
_PICTURE = Picture("jpeg", Size(640, 480))


@dataclass(frozen=True, slots=True)
class Serving:
    """How the images are served: the settings of the same names. `max_inflight` is that of all workers together."""

    window_s: float
    layout: Layout
    compose_s: float
    request_timeout_s: float
    max_inflight: int
    max_alone: int
    max_pending: int


@dataclass(slots=True)
class Tally:
    """What came of it. `added_s`: each answered image's time less the provider's own, as in `tessera_added_seconds`."""

    images: int = 0
    inferences: int = 0
    refused: int = 0
    added_s: list[float] = field(default_factory=list)
    releases: Counter[Release] = field(default_factory=Counter)
    alone: Counter[Bypass] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        return self.images - self.refused

    @property
    def saved_percent(self) -> float:
        """Net, of what the answered images would have cost alone."""
        return 100 * (self.answered - self.inferences) / self.answered if self.answered else 0.0


@dataclass(frozen=True, slots=True)
class _Image:
    """An image under way, and its times."""

    job: Job
    arrived_s: float
    deadline_s: float

    @property
    def due_s(self) -> float:
        return self.arrived_s + self.job.max_wait_s

    @property
    def end_s(self) -> float:
        """Until then its grid may come back."""
        return self.arrived_s + self.job.time_left_s


class Replay:
    """Plays one log once. `provider_s` draws what one answer takes."""

    def __init__(self, serving: Serving, provider_s: Callable[[], float]) -> None:
        self._serving = serving
        self._provider_s = provider_s
        self._tally = Tally()
        self._lanes = Lanes(max_pending=serving.max_pending)
        self._latency = LatencyTracker()
        self._numbers = count(1)
        self._now_s = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []  # heap
        self._claim_s = math.inf  # when a worker finds something next, as far as is known
        self._gathering: dict[str, _Image] = {}  # by job id
        self._sheets = 0  # under way
        self._calls_alone = 0  # under way
        self._queue_alone: deque[_Image] = deque()
        self._gathered_s = -math.inf

    def play(self, arrivals: Iterable[Arrival]) -> Tally:
        """What becomes of all of them, to the last answer."""
        for arrival in arrivals:
            self._advance(arrival.at_s)
            self._now_s = arrival.at_s
            self._arrive(arrival)
            self._claim()
        self._advance(math.inf)
        return self._tally

    def _advance(self, until_s: float) -> None:
        while (at_s := min(self._events[0][0] if self._events else math.inf, self._claim_s)) <= until_s and at_s < math.inf:
            self._now_s = at_s
            while self._events and self._events[0][0] <= at_s:
                heapq.heappop(self._events)[2]()
            self._claim()

    def _at(self, at_s: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at_s, next(self._numbers), action))

    def _arrive(self, arrival: Arrival) -> None:
        self._tally.images += 1
        image = self._image(arrival)
        reason = self._reason_to_go_alone(image.job)
        if reason is None and self._lanes.enqueue(image.job, self._now_s) is not Admission.ADMITTED:
            reason = Bypass.CAPACITY
        if reason is not None:
            self._send_alone(image, reason)
            return
        self._gathering[image.job.id] = image
        self._watch(image, image.due_s + OVERDUE_S)

    def _image(self, arrival: Arrival) -> _Image:
        serving, p95_s = self._serving, self._latency.p95_s(self._now_s)
        time_left_s = max(0.0, serving.request_timeout_s - ALONE_RESERVE_P95S * p95_s - ALONE_RESERVE_MARGIN_S)
        name = str(next(self._numbers))
        job = Job(
            id=name,
            request_id=name,
            lane=Lane(arrival.lane, "simulated", Task.DETECT, Feature.OBJECTS, "{}", (serving.layout,)),
            inquiry=Inquiry(Feature.OBJECTS),
            picture=_PICTURE,
            image=b"",
            max_wait_s=min(serving.window_s, max(0.0, time_left_s - p95_s - GRID_MARGIN_S)),
            time_left_s=time_left_s,
        )
        return _Image(job, self._now_s, self._now_s + serving.request_timeout_s)

    def _reason_to_go_alone(self, job: Job) -> Bypass | None:
        if self._serving.window_s < SHORTEST_WINDOW_S:
            return Bypass.SETTING
        if job.lane.capacity < 2:
            return Bypass.BUDGET
        return Bypass.DEADLINE if job.max_wait_s < SHORTEST_WINDOW_S else None

    def _watch(self, image: _Image, look_s: float) -> None:
        """Look after it again then, at the latest when its grid's time is over (`pipeline.Pipeline._wait`)."""
        self._at(min(image.end_s, max(look_s, self._now_s + LOOK_AGAIN_S)), partial(self._look, image, look_s))

    def _look(self, image: _Image, look_s: float) -> None:
        if image.job.id not in self._gathering:
            return
        if self._now_s >= image.end_s:
            self._lanes.withdraw(image.job.id, self._now_s)
            self._leave(image, Bypass.LATE)
        elif not self._may_leave(image):
            self._watch(image, look_s)
        elif self._lanes.withdraw(image.job.id, self._now_s, only_pending=True) is Whereabouts.PENDING:
            self._leave(image, Bypass.OVERDUE)
        else:
            self._watch(image, self._now_s + OVERDUE_S)

    def _may_leave(self, image: _Image) -> bool:
        moves = self._now_s - self._gathered_s < OVERDUE_S and self._now_s - image.due_s < BUSY_S
        return not moves and self._alone() < self._serving.max_alone

    def _leave(self, image: _Image, reason: Bypass) -> None:
        del self._gathering[image.job.id]
        self._send_alone(image, reason)

    def _claim(self) -> None:
        """Workers with a free slot take what is ready; then it is known when there may be more."""
        self._claim_s = math.inf
        while self._sheets < self._serving.max_inflight:
            batch = self._lanes.claim(self._now_s, math.inf, f"batch {next(self._numbers)}")
            if batch is None:
                event_s = self._lanes.next_event_s(self._now_s)
                # Never now again: rounding may put the event a hair before the time at which the lane is ready.
                self._claim_s = (
                    math.inf if event_s is None else max(self._now_s + event_s, math.nextafter(self._now_s, math.inf))
                )
                return
            self._send_sheet(batch)

    def _send_sheet(self, batch: Batch) -> None:
        self._sheets += 1
        self._tally.inferences += 1
        self._tally.releases[batch.release] += 1
        provider_s = self._provider_s()
        compose_s = self._serving.compose_s if len(batch.items) > 1 else 0.0
        self._at(self._now_s + compose_s + provider_s, partial(self._sheet_done, batch, provider_s, compose_s))

    def _sheet_done(self, batch: Batch, provider_s: float, compose_s: float) -> None:
        self._sheets -= 1
        settled = self._lanes.complete(batch.id, batch.generation, [item.job.id for item in batch.items])
        for job_id in settled.delivered:
            image = self._gathering.pop(job_id)
            self._gathered_s = self._now_s
            self._answered(image, provider_s, compose_s)

    def _answered(self, image: _Image, provider_s: float, compose_s: float = 0.0) -> None:
        self._latency.observe(self._now_s, compose_s + provider_s)
        self._tally.added_s.append(max(0.0, self._now_s - image.arrived_s - provider_s))

    def _alone(self) -> int:
        return self._calls_alone + len(self._queue_alone)

    def _send_alone(self, image: _Image, reason: Bypass) -> None:
        """Refused where those before it would take longer than it has (`pipeline.Pipeline._send_alone`)."""
        self._tally.alone[reason] += 1
        rounds = self._alone() // self._serving.max_alone
        if rounds * self._latency.p95_s(self._now_s) > image.deadline_s - self._now_s:
            self._tally.refused += 1
            return
        self._queue_alone.append(image)
        self._call_alone()

    def _call_alone(self) -> None:
        while self._queue_alone and self._calls_alone < self._serving.max_alone:
            image = self._queue_alone.popleft()
            self._calls_alone += 1
            self._tally.inferences += 1
            provider_s = self._provider_s()
            self._at(self._now_s + provider_s, partial(self._alone_done, image, provider_s))

    def _alone_done(self, image: _Image, provider_s: float) -> None:
        self._calls_alone -= 1
        self._answered(image, provider_s)
        self._call_alone()
