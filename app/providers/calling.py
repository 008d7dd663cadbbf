"""The one retry loop in front of a paid provider. Used by the workers and by the front half when it sends an image alone.

Comes in: an image, an inquiry, and the time that is left for both. Goes out: a reading and what it cost, or a Problem that
says what was paid in vain. Every attempt is counted as it is paid; nothing below this file retries (guarantee P1).

One question, in order: is there time -> its turn (at once, unless the vendor throttles) -> a free slot -> the permit -> one
attempt -> on a failure that may pass: wait, again.

What counts as paid: every answer with a success status, also one that cannot be understood, and every request that was sent
whole and never answered (the vendor may have billed it, and a bill that is guessed is guessed upwards). Not paid: refusals,
throttling, errors of the vendor, connections that did not come about.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from app.clock import Clock
from app.core.model import Feature, Inquiry, Task
from app.errors import Fault, Kind, Problem
from app.providers.contract import Provider, Reading
from app.providers.latency import LatencyTracker
from app.providers.turns import Turns, Wait

Permit: TypeAlias = Callable[[float], Awaitable[bool]]

# Images of grids that are asked alone as well, only to compare, at once. They have slots of their own, so that no client waits
# behind one.
MOST_SHADOWS = 4

DEFAULT_CONCURRENCY = 64  # a vendor's default quota is 5 to 50 calls per second at under a second each

_RETRIED = frozenset(kind for kind in Kind if kind.fault is Fault.PROVIDER and kind.retryable)
_PAID_IN_VAIN = frozenset({Kind.PROVIDER_TIMEOUT, Kind.PROVIDER_GARBLED})

# Retrying what was refused costs nothing and ends with the time that is left; what was paid in vain costs each time.
MOST_PAID_ATTEMPTS = 3
# A sheet that failed twice may hold an image that the vendor trips over.
MOST_SHEET_FAILURES = 2

# Full jitter: a random share of base x 2^i, so that callers who failed together do not come back together. The base is the
# SDK's own (botocore, retry mode "standard"). After throttling nobody pauses by himself: see `turns`.
FAILED_BASE_S = 0.05
LONGEST_PAUSE_S = 5.0
_MOST_DOUBLINGS = 16  # 2^16 x any base is far above the longest pause

# So long after its last time-out a vendor counts as slow, seconds: what is cut off is paid, and the next try is paid again.
SLOW_MEMORY_S = 60.0

# Fewer than one call in ten is that fast: an attempt with less time is a bill without an answer.
_HOPEFUL_SHARE = 0.10

# A batch is its worker's for so long after the last sign of life, seconds: the worker renews it at a quarter, so three renewals
# may fail or come late (a busy machine) before somebody else pays again. Every permit asks for the same span, because parts of
# one batch share its lease, and a shorter span for one part would cut the others short.
LEASE_S = 6.0


class PaidKind(StrEnum):
    """What an inference was paid for (metric label)."""

    GRID = "grid"
    SINGLE = "single"
    ESCALATION = "escalation"
    GROUP_TEST = "group_test"
    PASSTHROUGH = "passthrough"
    SHADOW = "shadow"

    @property
    def is_sheet(self) -> bool:
        """Whether several images are asked about at once."""
        return self in {PaidKind.GRID, PaidKind.GROUP_TEST}


class Meter(Protocol):
    """What happened at the provider, one call per event. The metrics module implements it."""

    def paid(self, kind: str, feature: str, task: str) -> None:
        """One inference was paid: what was asked for, and in whose service."""
        ...

    def error(self, kind: Kind) -> None:
        """One attempt failed."""
        ...

    def took(self, seconds: float) -> None:
        """One attempt succeeded after this long."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, and what it took: `paid` inferences, attempts in vain included; `provider_s` from first try to answer,
    `attempt_s` of that for the attempt that succeeded.
    """

    reading: Reading
    paid: int
    provider_s: float
    attempt_s: float


class AskFailed(Problem):
    """No answer: `problem` is the last attempt's, `paid` what was paid in vain until then, `provider_s` the time it took.

    A Problem itself (the same one, in effect), so that whoever only wants to tell the client need not know this class.
    """

    def __init__(self, problem: Problem, *, paid: int, provider_s: float) -> None:
        super().__init__(problem.kind, problem.detail, vendor=problem.vendor, retry_after_s=problem.retry_after_s)
        self.problem = problem
        self.paid = paid
        self.provider_s = provider_s


class LeaseLost(Exception):
    """Somebody else works on this batch now, so nothing more may be paid for it. `paid`: in vain, until then."""

    def __init__(self, what: str, *, paid: int = 0) -> None:
        super().__init__(what)
        self.paid = paid


@dataclass(slots=True)
class _Question:
    """One `ask` under way."""

    image: bytes = field(repr=False)
    inquiry: Inquiry
    kind: PaidKind
    task: Task
    permit: Permit | None
    under_way: Callable[[bool], None]
    started_s: float
    deadline_s: float
    paid: int = 0
    attempts: int = 0
    attempt_s: float = 0.0
    failures: int = 0
    timeouts: int = 0

    async def hold(self, lease_s: float) -> None:
        """Keep the batch ours for that long from now, or stop."""
        if self.permit is not None and not await self.permit(lease_s):
            raise LeaseLost("the permit to pay was refused", paid=self.paid)


class Caller:
    """Asks one provider: at most `sheets` sheets at a time, and beside them `others` other questions, so that neither
    keeps the other waiting. Belongs to one event loop.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        clock: Clock,
        rng: random.Random,
        attempt_timeout_s: float,
        meter: Meter,
        sheets: int = DEFAULT_CONCURRENCY,
        others: int = DEFAULT_CONCURRENCY,
        wait: Wait = asyncio.sleep,
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._rng = rng
        self._attempt_timeout_s = attempt_timeout_s
        self._meter = meter
        self._sheet_slots = asyncio.Semaphore(sheets)
        self._other_slots = asyncio.Semaphore(others)
        self._shadow_slots = asyncio.Semaphore(MOST_SHADOWS)
        self._wait = wait
        self._latency = LatencyTracker()
        self._timed_out_s = float("-inf")
        self._troubles: dict[Feature, tuple[float, Kind]] = {}
        self._turns: defaultdict[Feature, Turns] = defaultdict(lambda: Turns(clock, wait))

    def throttled_for_s(self, feature: Feature) -> float:
        """How long the vendor still counts as throttling, 0 if it does not: more calls make everything later, not sooner."""
        return self._turns[feature].pace.throttles_for_s(self._clock.now_s())

    def p95_s(self) -> float:
        """What 19 of 20 successful attempts take at present."""
        return self._latency.p95_s(self._clock.now_s())

    async def ask(
        self,
        image: bytes,
        inquiry: Inquiry,
        *,
        kind: PaidKind,
        time_left_s: float,
        permit: Permit | None = None,
        task: Task | None = None,
        under_way: Callable[[bool], None] = lambda _is_under_way: None,
    ) -> Asked:
        """Ask until there is an answer, a failure that no retry helps, or too little time.

        A sheet is asked less stubbornly, see `_may_retry`. `task`: whom it counts for, where that is not the task of what is
        asked for. `permit(lease_s)` is awaited before every attempt and every longer wait; False raises `LeaseLost`, and
        nothing more is paid. `under_way` is told True right before every attempt: from then on it may be paid; and False when
        it was refused, for nothing. Raises `AskFailed` (a Problem) in every other case without an answer.
        """
        now_s = self._clock.now_s()
        served = inquiry.feature.task if task is None else task
        question = _Question(image, inquiry, kind, served, permit, under_way, now_s, now_s + time_left_s)
        try:
            reading = await self._ask_until_answered(question)
        except Problem as problem:
            raise AskFailed(problem, paid=question.paid, provider_s=self._clock.now_s() - question.started_s) from problem
        return Asked(reading, question.paid, self._clock.now_s() - question.started_s, question.attempt_s)

    async def _ask_until_answered(self, question: _Question) -> Reading:
        failed: Problem | None = None
        while True:
            self._require_time(question, failed)
            await self._take_turn(question, failed)
            await self._take_slot(question, failed)
            try:
                self._require_time(question, failed)
                return await self._attempt(question)
            except Problem as problem:
                if not self._may_retry(question, problem):
                    raise
                failed = problem
            finally:
                self._slots(question).release()
            await self._pause(question, failed)

    async def _take_turn(self, question: _Question, failed: Problem | None) -> None:
        """Wait until the vendor may be asked again, in spans that the lease outlives."""
        turns = self._turns[question.inquiry.feature]
        ticket = turns.join(question.deadline_s)
        is_next = False
        try:
            while (pause_s := turns.pause_s(ticket)) > 0:
                self._require_time(question, failed)
                await question.hold(LEASE_S)
                await turns.wait(ticket, min(pause_s, self._span_s(question)))
            is_next = True
        finally:
            turns.leave(ticket, to_ask=is_next)

    async def _take_slot(self, question: _Question, failed: Problem | None) -> None:
        """Wait for a free slot, in spans that the lease outlives."""
        slots = self._slots(question)
        while slots.locked():
            self._require_time(question, failed)
            await question.hold(LEASE_S)
            try:
                async with asyncio.timeout(self._span_s(question)):
                    await slots.acquire()
            except TimeoutError:
                continue
            return
        await slots.acquire()

    def _slots(self, question: _Question) -> asyncio.Semaphore:
        if question.kind is PaidKind.SHADOW:
            return self._shadow_slots
        return self._sheet_slots if question.kind.is_sheet else self._other_slots

    async def _attempt(self, question: _Question) -> Reading:
        await question.hold(LEASE_S)
        question.attempts += 1
        timeout_s = self._span_s(question)
        began_s = self._clock.now_s()
        question.under_way(True)
        try:
            reading = await self._provider.infer(question.image, question.inquiry, timeout_s=timeout_s)
        except Problem as problem:
            self._meter.error(problem.kind)
            self._note_failure(question, problem.kind)
            if problem.kind in _PAID_IN_VAIN:
                self._pay(question)
            if not question.paid:
                question.under_way(False)
            raise
        except asyncio.CancelledError:
            self._pay(question)  # it may be on its way, and the vendor does not know that nobody waits any more
            raise
        self._pay(question)
        ended_s = self._clock.now_s()
        self._turns[question.inquiry.feature].pace.taken(ended_s)
        question.attempt_s = ended_s - began_s
        if question.attempt_s < self._attempt_timeout_s:
            self._timed_out_s = float("-inf")
        self._meter.took(question.attempt_s)
        self._latency.observe(ended_s, question.attempt_s)
        return reading

    def _note_failure(self, question: _Question, kind: Kind) -> None:
        if kind in _RETRIED:
            self._troubles[question.inquiry.feature] = (self._clock.now_s(), kind)
        pace = self._turns[question.inquiry.feature].pace
        if kind is Kind.THROTTLED:
            pace.throttled(self._clock.now_s())
            return
        question.failures += 1
        if kind is Kind.PROVIDER_TIMEOUT:
            question.timeouts += 1
            self._timed_out_s = self._clock.now_s()
        if kind is not Kind.PROVIDER_UNAVAILABLE:
            pace.taken(self._clock.now_s())

    async def _pause(self, question: _Question, failed: Problem) -> None:
        base_s = 0.0 if failed.kind is Kind.THROTTLED else FAILED_BASE_S
        doublings = min(question.attempts - 1, _MOST_DOUBLINGS)
        jittered_s = self._rng.uniform(0.0, min(LONGEST_PAUSE_S, base_s * 2**doublings))
        pause_s = max(jittered_s, failed.retry_after_s or 0.0)
        self._require_time(question, failed, after_s=pause_s)
        while pause_s > 0:
            span_s = min(pause_s, self._attempt_timeout_s)
            await question.hold(LEASE_S)
            await self._wait(span_s)
            pause_s -= span_s

    def _may_retry(self, question: _Question, problem: Problem) -> bool:
        """One bad image can make the vendor fail on a whole sheet: sheets are soon given back, to be taken apart.

        Throttling is nobody's fault and ends by waiting; more and smaller requests would only prolong it.
        """
        if problem.kind not in _RETRIED or question.paid >= MOST_PAID_ATTEMPTS:
            return False
        if not question.kind.is_sheet or problem.kind is Kind.THROTTLED:
            return True
        return problem.kind is not Kind.PROVIDER_TIMEOUT and question.failures < MOST_SHEET_FAILURES

    def _require_time(self, question: _Question, failed: Problem | None, after_s: float = 0.0) -> None:
        """Raise, with the vendor's own error if there is one, when an attempt would come too late to be answered."""
        hopeful_s = self._latency.quantile_s(_HOPEFUL_SHARE, self._clock.now_s())
        if self._left_s(question) - after_s < hopeful_s:
            raise failed or self._out_of_time(question)

    def _out_of_time(self, question: _Question) -> Problem:
        """Why there was no time to ask even once. Where the vendor kept everybody waiting meanwhile, the client hears that.

        A question with a permit is not the last one: its image may still be sent alone.
        """
        at_s, kind = self._troubles.get(question.inquiry.feature, (float("-inf"), Kind.DEADLINE_EXCEEDED))
        if question.permit is None and at_s > question.started_s:
            return Problem(kind, "The provider has kept this image waiting for as long as it may")
        return Problem(Kind.DEADLINE_EXCEEDED, "Too little time is left for a call to the provider")

    def _span_s(self, question: _Question) -> float:
        """The longest that an attempt, or a wait under one permit, may take.

        Where nobody else's lease is at stake, a slow vendor is waited for: to cut it off again would be to pay again.
        """
        is_slow = question.timeouts > 0 or self._clock.now_s() - self._timed_out_s < SLOW_MEMORY_S
        if question.permit is None and is_slow:
            return self._left_s(question)
        return min(self._attempt_timeout_s, self._left_s(question))

    def _left_s(self, question: _Question) -> float:
        return question.deadline_s - self._clock.now_s()

    def _pay(self, question: _Question) -> None:
        question.paid += 1
        self._meter.paid(question.kind, question.inquiry.feature, question.task)
