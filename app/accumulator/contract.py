"""The accumulator: where single images wait for company. Two implementations (`memory`, `redis`), one set of guarantees.

 G1  Every admitted job ends in exactly one outcome: delivered to its waiter, or withdrawn. Never both, never twice.
 G2  A batch never holds more jobs than its lane's capacity.
 G3  Lanes never mix: all jobs of a batch have the same lane.
 G4  Of the lanes that are ready, the one with the earliest flush time is claimed first; within a lane, oldest job first.
 G5  A lane is ready when it holds a full batch (`full`), when the earliest flush time of its jobs has come (`due`), when at
     an arrival no further image can be expected in time (`idle`, see `core.window`), or when draining (`drain`).
 G6  A claimed batch is invisible to others until its lease ends; then it comes back, with a higher generation and its
     attempt counted, unless its holder gave it back. `extend` moves the end of the lease, only for the present generation.
 G7  A late holder's `complete` or `extend` is refused (a result, not an exception), delivers nothing and changes nothing.
 G8  A withdrawn job that was pending is never claimed (so never paid); one under way is not delivered.
 G9  Over capacity is refused at once (Problem OVER_CAPACITY), and nothing of the refused job stays behind.
 G10 Draining makes everything that is pending ready at once; nothing is dropped.
 G11 A job whose time (`time_left_s`) has run out is never claimed.
 G12 A worker may ask the jobs of a lane to stay for a while: until then `withdraw(only_pending)` leaves them where they are.
 G13 The last worker that leaves finds everything that is pending ready, and nothing more is admitted for it.

`Intake` is the front half's side (API processes), `Workshop` the back half's (workers). In one process both are one object.
Every method raises Problem(ACCUMULATOR_UNAVAILABLE) when the store cannot be reached in time; none waits without a limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.core.flights import Begun, Flight, Keep
from app.core.model import Batch, Job, Outcome, Task
from app.core.prevalence import Prevalence
from app.core.quota import Ask, Limits, Usage, Verdict
from app.core.quota_account import Lot


class Withdrawal(StrEnum):
    """What `withdraw` found. Unless it left the job where it is, no outcome is delivered afterwards."""

    PENDING = "pending"  # taken out before anybody claimed it: it will not be paid for
    UNDER_WAY = "under_way"  # claimed: may be paid for, will not be delivered
    STAYS = "stays"  # pending, and left where it is (G12)
    GONE = "gone"  # unknown, or its outcome was already delivered (then the waiter's future has it)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of `complete`: the ids whose outcomes will be delivered. Empty, and `stale`, for a late holder (G7)."""

    delivered: frozenset[str]
    stale: bool = False


class Intake(Protocol):
    """The API side."""

    async def enqueue(self, job: Job) -> asyncio.Future[Outcome]:
        """Admit a job; the future gets its one outcome. The listener is in place before the job is visible.

        Raises Problem: OVER_CAPACITY (G9), ACCUMULATOR_UNAVAILABLE, NO_WORKER (nobody alive to claim it), SHUTTING_DOWN (after
        drain).
        """
        ...

    async def withdraw(self, job_id: str, *, only_pending: bool = False) -> Withdrawal:
        """Take a job back (G8). Its future is cancelled unless it is already done.

        `only_pending`: take it back only if nobody holds it (it was not claimed, or the lease has ended and for
        `core.lanes.RETURN_GRACE_S` nobody else has claimed it); otherwise nothing changes, and the answer says where it is.
        """
        ...


class Workshop(Protocol):
    """The worker side."""

    async def claim(self, wait_s: float) -> Batch | None:
        """The next ready batch, under a lease; waits for one by event, at most `wait_s`. None when there was none."""
        ...

    async def extend(self, batch: Batch, lease_s: float, *, stay_s: float = 0.0) -> bool:
        """Move the end of the lease to `lease_s` from now. False: the batch is no longer ours (G7).

        `stay_s`: for so long the other jobs of the lane are asked to stay (G12).
        """
        ...

    async def complete(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        """Deliver outcomes of some or all jobs of the batch; the batch ends with its last one."""
        ...

    async def give_back(self, batch: Batch) -> bool:
        """Return what is not completed to its lane's front, ready at once (a worker that stops). False for a late holder."""
        ...

    async def leave(self) -> bool:
        """Nobody is to count on this process any more (G13); what it holds, it may still finish. True if nobody else claims:
        what is pending is ready now, and should be claimed before going. Raises nothing; False where the store is away.
        """
        ...


class PrevalenceStore(Protocol):
    """What all processes together know of the share of unsafe images, by stream (`Lane.stream`).

    A stream that nobody has added to for a day may be forgotten; then nothing is known of it. Calls that end without an answer
    may have been counted or not: this is an estimate, and says so.
    """

    async def seen(self, stream: str, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> Prevalence:
        """Add so many decided images (`Prevalence.seen`), and return what is known with them."""
        ...

    async def read(self, stream: str) -> Prevalence:
        """What is known; nothing is changed."""
        ...


class QuotaStore(Protocol):
    """What clients have used of their limits, over all API processes. `tenant` is a `core.quota.tenant_key`.

    Q1  `take` is one step: of any number at the same time, no more are let in than the limits have room for.
    Q2  Nobody is let in for whom spent + reserved would exceed a budget. What was paid is spent, even where it is more than was
        reserved (retries): it has been paid.
    Q3  A refusal takes nothing, and says when it could be let in.
    Q4  A reservation ends when its lot is settled, or lapses by itself. A lot counts once, however often it is told.
    Q5  A budget is that of the calendar month in UTC, by the store's own clock. What is under way when a month ends counts in
        the next one.
    Q6  A store that has lost what was spent takes it from what is `known` to whoever asks.
    """

    async def take(self, tenant: str, limits: Limits, asks: Sequence[Ask]) -> Mapping[str, Verdict]:
        """One verdict for each ask, by its id; who stands first is looked at first. One call for many costs little more."""
        ...

    async def settle(self, tenant: str, lot: Lot, known: Usage | None = None) -> Usage: ...


class FlightStore(Protocol):
    """Who asks what at present, so that equal questions (`core.flights`) are paid once, whichever process they came to.

    F1  Of all who begin one key, one leads; the others find THEIRS, until it has finished or let go, or its lease has ended.
    F2  `extend` moves the end of the leader's lease. After the end the next who begins leads.
    F3  `finish` and `extend` by whoever does not lead (any more) are refused (a result, not an exception), and change nothing.
    F4  An outcome is found, until its time is over, by those for whom it is kept and by nobody else: whoever else begins leads.
    F5  Whoever waits is told when the flight ends; who listens before it begins misses no end. What is told can be lost with
        a connection or a process: so nobody waits longer than the lease, or a few seconds, without beginning again.
    F6  Keys of different questions never meet, and nothing is kept without a limit.
    F7  `begin` and `is_joined`, for which a request waits, end within `Limits.flight_s`, or raise
        Problem(ACCUMULATOR_UNAVAILABLE); the others may take as long as any call.
    """

    async def begin(self, asker: Flight, lease_s: float) -> Begun: ...

    async def extend(self, leader: Flight, lease_s: float) -> bool: ...

    async def finish(self, leader: Flight, outcome: Outcome, keep: Keep, keep_s: float) -> bool: ...

    async def abandon(self, asker: Flight) -> None:
        """The leader lets go, and the next to begin leads; or who waits leaves."""
        ...

    async def is_joined(self, leader: Flight) -> bool:
        """Whether the asker leads, and anybody waits for him."""
        ...

    def listen(self, key: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set whenever a flight of the key has ended."""
        ...


class Accumulator(Intake, Workshop, Protocol):
    """Both sides, and the life cycle."""

    @property
    def quotas(self) -> QuotaStore:
        """Beside the lanes, in the same store."""
        ...

    @property
    def flights(self) -> FlightStore:
        """Beside the lanes, in the same store."""
        ...

    @property
    def prevalence(self) -> PrevalenceStore:
        """Beside the lanes, in the same store."""
        ...

    async def start(self) -> None:
        """Connect; raises Problem(ACCUMULATOR_UNAVAILABLE) when that fails. May be called once."""
        ...

    async def drain(self) -> None:
        """No more gathering here: what this process has enqueued becomes ready at once (G10)."""
        ...

    async def close(self) -> None:
        """Let go of connections and tasks. Futures that are not done are cancelled."""
        ...

    async def pending(self) -> Mapping[Task, int]:
        """Jobs that wait and that nobody holds, of every task (0 where there are none)."""
        ...
