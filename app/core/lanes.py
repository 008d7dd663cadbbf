"""The accumulator as a pure state machine: lanes of waiting jobs, claimed batches, leases.

In: what happened and when (`now_s`). Out: what became of it. No clock, no waiting, no locks: every method decides and
changes the state in one go, and the caller acts on the answer. `accumulator.memory` is a thin shell over this class; the Lua
scripts of `accumulator.redis` are the same transitions on Redis keys, and the tests drive both with the same commands.
Guarantees G1..G11 are those of `accumulator.contract`.

    a job                                               a batch
    nowhere   --enqueue-->            PENDING           (none)    --claim-->                        HELD
    PENDING   --claim-->              UNDER_WAY         HELD      --extend-->                       HELD
    PENDING   --withdraw, time out--> nowhere           HELD      --lease ends, give_back-->        RETURNED
    UNDER_WAY --complete, withdraw--> nowhere           RETURNED  --claim (attempt + 1)*-->         HELD
                                                        HELD, RETURNED --its last job leaves-->     (none)

    * not after a give_back: then it was not the batch that ended the attempt

A batch is RETURNED from the moment its lease ends, by time alone; its generation rises when it is claimed again or given
back. So the holder of a lease that ended may still complete or extend it as long as nobody else has taken it: what has been
paid for is not thrown away after the store or the worker stood still for a while.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile

from app.core.model import Batch, Item, Job, Lane, Release, Task
from app.core.window import FORGET_S, Traffic, arrive, is_idle, reason_to_close

# Lanes whose traffic is remembered. Who invents tenants only makes those that are silent longest wait as new lanes do.
MOST_REMEMBERED = 10_000
# So long after its lease has ended a batch is left to other workers, seconds: whoever waits to claim does so at once and pays
# one inference, while its images alone pay one each.
RETURN_GRACE_S = 2.0


class Admission(StrEnum):
    """What became of `enqueue`."""

    ADMITTED = "admitted"
    KNOWN = "known"  # the same job again: nothing has changed
    OVER_CAPACITY = "over_capacity"


class Whereabouts(StrEnum):
    """Where `withdraw` found the job."""

    PENDING = "pending"
    UNDER_WAY = "under_way"
    STAYS = "stays"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of `complete`: the ids to deliver; `stale` for a late holder."""

    delivered: frozenset[str]
    stale: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """An admitted job and its times."""

    job: Job
    owner: str
    arrived_s: float
    flush_s: float
    deadline_s: float

    def item(self, now_s: float) -> Item:
        return Item(self.job, waited_s=now_s - self.arrived_s, time_left_s=self.deadline_s - now_s)


@dataclass(slots=True)
class _Queue:
    """One lane's pending jobs, oldest first; exists only while there are any. `marked`: ready before it is full or due."""

    lane: Lane
    entries: dict[str, _Entry] = field(default_factory=dict)
    flush_s: float = float("inf")
    marked: Release | None = None

    def add(self, entry: _Entry) -> None:
        self.entries[entry.job.id] = entry
        self.flush_s = min(self.flush_s, entry.flush_s)

    def remove(self, job_id: str) -> _Entry:
        entry = self.entries.pop(job_id)
        if entry.flush_s <= self.flush_s:
            self.flush_s = _earliest_flush_s(self.entries.values())
        return entry

    def reason(self, now_s: float) -> Release | None:
        return reason_to_close(
            pending=len(self.entries),
            capacity=self.lane.capacity,
            marked=self.marked,
            flush_s=self.flush_s,
            now_s=now_s,
        )


@dataclass(slots=True)
class _Hold:
    """A claimed batch: what is left of it, and until when it belongs to its holder."""

    id: str
    lane: Lane
    release: Release
    entries: dict[str, _Entry]
    lease_end_s: float
    generation: int = 1
    attempt: int = 1

    def batch(self, now_s: float) -> Batch:
        items = tuple(entry.item(now_s) for entry in self.entries.values())
        return Batch(self.id, self.generation, self.attempt, self.lane, self.release, items)


class Lanes:
    """All lanes of one accumulator (of one shard, in Redis)."""

    def __init__(self, *, max_pending: int) -> None:
        self._max_pending = max_pending
        self._queues: dict[str, _Queue] = {}  # by lane key
        self._holds: dict[str, _Hold] = {}  # by batch id
        self._where: dict[str, _Queue | _Hold] = {}  # by job id: PENDING or UNDER_WAY
        self._deadlines: list[tuple[float, str]] = []  # heap; jobs that have left are skipped
        self._stays_until_s: dict[str, float] = {}  # by lane key
        self._traffic: dict[str, Traffic] = {}  # by lane key, longest silent first
        self._pending = 0

    def enqueue(self, job: Job, now_s: float, owner: str = "") -> Admission:
        """Admit a job into its lane. `owner` is the process that waits for it (see `drain`)."""
        if job.id in self._where:
            return Admission.KNOWN
        self._drop_expired(now_s)
        if self._pending >= self._max_pending:
            return Admission.OVER_CAPACITY
        entry = _Entry(job, owner, now_s, now_s + job.max_wait_s, now_s + job.time_left_s)
        queue = self._queues.setdefault(job.lane.key, _Queue(job.lane))
        queue.add(entry)
        self._where[job.id] = queue
        self._pending += 1
        heapq.heappush(self._deadlines, (entry.deadline_s, job.id))
        self._remember_arrival(queue, now_s, job.max_wait_s)
        return Admission.ADMITTED

    def withdraw(self, job_id: str, now_s: float, *, only_pending: bool = False) -> Whereabouts:
        """Take a job out, wherever it is. A batch that loses its last job ends, so that its holder does not pay for it.

        `only_pending`: leave it where it is if it is in a batch that somebody holds, or has held until just now (so that the
        next worker may have it), or in a lane whose jobs are to stay.
        """
        self._drop_expired(now_s)
        place = self._where.get(job_id)
        if only_pending and isinstance(place, _Hold) and place.lease_end_s + RETURN_GRACE_S > now_s:
            return Whereabouts.UNDER_WAY
        if only_pending and place is not None and self._stays_until_s.get(place.lane.key, now_s) > now_s:
            return Whereabouts.STAYS
        if place is None:
            return Whereabouts.GONE
        if isinstance(place, _Queue):
            del self._where[job_id]
            self._unqueue(place, job_id)
            return Whereabouts.PENDING
        del self._where[job_id]
        self._leave_batch(place, job_id)
        return Whereabouts.PENDING if only_pending else Whereabouts.UNDER_WAY

    def claim(self, now_s: float, lease_s: float, batch_id: str) -> Batch | None:
        """The ready batch with the earliest flush time: a returned one as it was, or a new one that is called `batch_id`."""
        self._drop_expired(now_s)
        self._drop_expired_from_returned(now_s)
        returned = min(self._returned(now_s), key=lambda hold: (_flush_s(hold), next(iter(hold.entries))), default=None)
        ready = (queue for queue in self._queues.values() if queue.reason(now_s) is not None)
        queue = min(ready, key=lambda queue: (queue.flush_s, queue.lane.key), default=None)
        if returned is not None and (queue is None or _flush_s(returned) <= queue.flush_s):
            hold = returned
            hold.generation += 1
            hold.attempt += 1
        elif queue is not None:
            hold = self._take(queue, now_s, batch_id)
        else:
            return None
        hold.lease_end_s = now_s + lease_s
        return hold.batch(now_s)

    def extend(self, batch_id: str, generation: int, now_s: float, lease_s: float, *, stay_s: float = 0.0) -> bool:
        """Let the lease end `lease_s` from now. False for a late holder (G7). `stay_s`: for so long jobs of the lane that are
        only pending stay (G12).
        """
        hold = self._held_by(batch_id, generation)
        if hold is None:
            return False
        hold.lease_end_s = now_s + lease_s
        if stay_s > 0:
            self._stays_until_s = {lane: until_s for lane, until_s in self._stays_until_s.items() if until_s > now_s}
            self._stays_until_s[hold.lane.key] = now_s + stay_s
        return True

    def complete(self, batch_id: str, generation: int, job_ids: Iterable[str]) -> Settled:
        """End these jobs of the batch. Ids that are no longer in it are passed over; the batch ends with its last job."""
        hold = self._held_by(batch_id, generation)
        if hold is None:
            return Settled(frozenset(), stale=True)
        delivered = frozenset(job_ids) & hold.entries.keys()
        for job_id in delivered:
            del self._where[job_id]
            self._leave_batch(hold, job_id)
        return Settled(delivered)

    def give_back(self, batch_id: str, generation: int, now_s: float) -> bool:
        """End the lease now. The giver is a late holder from here on, and the attempt does not count: the batch did no harm."""
        hold = self._held_by(batch_id, generation)
        if hold is None:
            return False
        hold.generation += 1
        hold.attempt -= 1  # the next claim counts it again
        hold.lease_end_s = now_s
        return True

    def drain(self, owner: str = "") -> None:
        """Lanes that hold pending jobs of this owner are ready now, and stay so until they are empty (G10)."""
        for queue in self._queues.values():
            if any(entry.owner == owner for entry in queue.entries.values()):
                queue.marked = Release.DRAIN

    def next_event_s(self, now_s: float) -> float | None:
        """Seconds until a `claim` may find something (0: now); None when nothing waits and nothing is leased."""
        times = [now_s if queue.reason(now_s) else queue.flush_s for queue in self._queues.values()]
        times += [hold.lease_end_s for hold in self._holds.values()]
        return max(0.0, min(times) - now_s) if times else None

    def pending(self, now_s: float) -> Mapping[Task, int]:
        """Jobs that nobody holds and that still have time, of every task."""
        self._drop_expired(now_s)
        counts = dict.fromkeys(Task, 0)
        places: list[_Queue | _Hold] = [*self._queues.values(), *self._returned(now_s)]
        for place in places:
            counts[place.lane.task] += sum(entry.deadline_s > now_s for entry in place.entries.values())
        return counts

    def _remember_arrival(self, queue: _Queue, now_s: float, window_s: float) -> None:
        key = queue.lane.key
        arrival = arrive(self._traffic.pop(key, None), now_s, window_s)
        self._traffic[key] = arrival.traffic
        for silent in list(takewhile(lambda key: now_s - self._traffic[key].last_s > FORGET_S, self._traffic)):
            del self._traffic[silent]
        if len(self._traffic) > MOST_REMEMBERED:
            del self._traffic[next(iter(self._traffic))]
        if queue.marked is None and is_idle(arrival, queue.flush_s - now_s):
            queue.marked = Release.IDLE

    def _drop_expired(self, now_s: float) -> None:
        """Pending jobs whose time has run out leave (G11). Their waiters know by their own clocks."""
        while self._deadlines and self._deadlines[0][0] <= now_s:
            job_id = heapq.heappop(self._deadlines)[1]
            queue = self._where.get(job_id)
            if isinstance(queue, _Queue) and queue.entries[job_id].deadline_s <= now_s:
                del self._where[job_id]
                self._unqueue(queue, job_id)

    def _unqueue(self, queue: _Queue, job_id: str) -> _Entry:
        entry = queue.remove(job_id)
        self._pending -= 1
        if not queue.entries:
            del self._queues[queue.lane.key]
        return entry

    def _take(self, queue: _Queue, now_s: float, batch_id: str) -> _Hold:
        """The oldest jobs of a ready lane, up to its capacity. What remains keeps its own flush time; a drain goes on."""
        release = queue.reason(now_s) or Release.DUE
        oldest = list(queue.entries)[: queue.lane.capacity]
        entries = {job_id: self._unqueue(queue, job_id) for job_id in oldest}
        if queue.marked is not Release.DRAIN:
            queue.marked = None
        hold = _Hold(batch_id, queue.lane, release, entries, lease_end_s=now_s)
        self._holds[batch_id] = hold
        for job_id in oldest:
            self._where[job_id] = hold
        return hold

    def _returned(self, now_s: float) -> list[_Hold]:
        return [hold for hold in self._holds.values() if hold.lease_end_s <= now_s]

    def _drop_expired_from_returned(self, now_s: float) -> None:
        for hold in self._returned(now_s):
            for job_id in [job_id for job_id, entry in hold.entries.items() if entry.deadline_s <= now_s]:
                del self._where[job_id]
                self._leave_batch(hold, job_id)

    def _leave_batch(self, hold: _Hold, job_id: str) -> None:
        del hold.entries[job_id]
        if not hold.entries:
            del self._holds[hold.id]

    def _held_by(self, batch_id: str, generation: int) -> _Hold | None:
        hold = self._holds.get(batch_id)
        return hold if hold is not None and hold.generation == generation else None


def _earliest_flush_s(entries: Iterable[_Entry]) -> float:
    return min((entry.flush_s for entry in entries), default=float("inf"))


def _flush_s(hold: _Hold) -> float:
    return _earliest_flush_s(hold.entries.values())
