"""The accumulator that any number of processes share through Redis. See `contract` for its guarantees.

    API process      `intake`    enqueue  --script-->  lanes  --script-->  claim     `workshop`   worker process
    its futures   <--`replies`-- reply list, outcomes  <--script--  complete                         its batches

Each shard is independent of the others (a lane lives on one of them), so that shards may lie on different nodes. What the
scripts decide atomically is the same state machine as `core.lanes`. Around them are the things that a network needs: a limit
on every call, listeners that come back by themselves (`replies`, `claiming`), and taking back what was done for a caller who
had already left (`tasks`). A process that starts while Redis is away reports it from `start`, and goes on trying.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from app.accumulator.contract import FlightStore, PrevalenceStore, QuotaStore, Settlement, Withdrawal
from app.accumulator.intake import RedisIntake
from app.accumulator.keys import FORMAT, ShardKeys
from app.accumulator.limits import Limits
from app.accumulator.links import Links
from app.accumulator.redis_flights import RedisFlights
from app.accumulator.redis_prevalence import RedisPrevalence
from app.accumulator.redis_quota import RedisQuota
from app.accumulator.scripts import ShardCommands, load_scripts
from app.accumulator.shards import Shards
from app.accumulator.tasks import Backoff, Errands, Tasks
from app.accumulator.workshop import RedisWorkshop
from app.clock import Clock, SystemClock
from app.core.model import Batch, Job, Outcome, Task
from app.log import get_logger

log = get_logger(__name__)


class RedisAccumulator:
    """Implements `contract.Accumulator` over Redis; one object per process.

    `process_id` is unique among all processes, a restarted one included. `max_pending` counts the images that wait in one
    shard. `intake` / `workshop`: which sides this process uses; only one that claims counts as a living worker. `clock`
    replaces Redis's own time, for tests. `rng` spreads the pauses between tries to reconnect. Processes of another
    `format_number` never meet this one's jobs (see `keys`).
    """

    def __init__(
        self,
        url: str,
        *,
        process_id: str,
        max_pending: int,
        lease_s: float,
        shards: int = 1,
        namespace: str = "tessera",
        intake: bool = True,
        workshop: bool = True,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        limits: Limits | None = None,
        format_number: int = FORMAT,
    ) -> None:
        self._limits = limits or Limits()
        self._rng = rng or random.Random()  # noqa: S311 - jitter, no secret
        self._closing = asyncio.Event()
        self._tasks = Tasks()
        self._errands = Errands(self._backoff())
        self._links = Links(url, self._limits, shards)
        scripts = load_scripts()
        commands, shared = (
            tuple(
                ShardCommands(self._links.to(names.tag), scripts, names, process_id, self._limits, clock=clock)
                for names in all_names
            )
            for all_names in (
                [ShardKeys.of(namespace, number, format_number) for number in range(shards)],
                [ShardKeys.shared(namespace, number) for number in range(shards)],
            )
        )
        self._shards = Shards(commands, shared, self._limits, self._tasks, self._errands)
        backoffs = [self._backoff() for _ in commands]
        self._uses_intake = intake
        self._uses_workshop = workshop
        self._flights = RedisFlights(self._shards, process_id)
        self._intake = RedisIntake(self._shards, clock or SystemClock(), max_pending, lease_s, backoffs, self._flights.told)
        self._prevalence = RedisPrevalence(self._shards)
        self._quotas = RedisQuota(self._shards)
        self._workshop = RedisWorkshop(self._shards, lease_s, self._backoff, self._closing)

    def _backoff(self) -> Backoff:
        return Backoff(self._limits.first_backoff_s, self._limits.longest_backoff_s, self._rng, self._closing)

    async def start(self) -> None:
        """Begin to listen, and see whether Redis answers. After a Problem the listeners go on trying; `close` is due anyway."""
        self._tasks.supervise("redis errands", self._errands.run, self._backoff())
        if self._uses_intake:
            self._intake.listen(self._tasks, self._backoff())
        if self._uses_workshop:
            self._workshop.listen(self._tasks)
        await self._shards.call(self._first_contact())

    async def _first_contact(self) -> None:
        await asyncio.gather(*(shard.ping() for shard in self._shards.commands))
        if self._uses_workshop:
            await self._workshop.alive()
        if self._uses_intake:
            await self._intake.listening()
        policy = await self._links.evicting_policy()
        if policy is not None:
            log.warning("Redis may throw waiting images away: set its maxmemory-policy to noeviction", policy=policy)

    async def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        await self._intake.close()
        if self._uses_workshop:
            await self._workshop.close()
        await self._tasks.close()
        await self._links.close()

    @property
    def flights(self) -> FlightStore:
        return self._flights

    @property
    def prevalence(self) -> PrevalenceStore:
        return self._prevalence

    @property
    def quotas(self) -> QuotaStore:
        return self._quotas

    @property
    def is_listening(self) -> bool:
        """Whether the blocking connections for replies work: the part of health that short calls do not exercise."""
        return self._intake.is_listening

    async def enqueue(self, job: Job) -> asyncio.Future[Outcome]:
        return await self._intake.enqueue(job)

    async def withdraw(self, job_id: str, *, only_pending: bool = False) -> Withdrawal:
        return await self._intake.withdraw(job_id, only_pending=only_pending)

    async def drain(self) -> None:
        await self._intake.drain()

    async def leave(self) -> bool:
        return await self._workshop.leave()

    async def claim(self, wait_s: float) -> Batch | None:
        return await self._workshop.claim(wait_s)

    async def extend(self, batch: Batch, lease_s: float, *, stay_s: float = 0.0) -> bool:
        return await self._workshop.extend(batch, lease_s, stay_s=stay_s)

    async def complete(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        return await self._workshop.complete(batch, outcomes)

    async def give_back(self, batch: Batch) -> bool:
        return await self._workshop.give_back(batch)

    async def pending(self) -> Mapping[Task, int]:
        shards = await self._shards.call_all(ShardCommands.pending)
        return {task: sum(counts[task] for counts in shards) for task in Task}
