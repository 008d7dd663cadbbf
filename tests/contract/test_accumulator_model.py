"""The pure model, the memory accumulator and Redis are driven with the same commands, and must agree after each of them.

Times are multiples of 1/64 s, which doubles and whole microseconds hold exactly, so that the edges fall together. Between
shards the order of batches with equal flush times is open, so with several shards no two are equal.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as run_machine

from app.accumulator.contract import Accumulator
from app.accumulator.memory import MemoryAccumulator
from app.accumulator.redis import RedisAccumulator
from app.clock import ManualClock
from app.core.lanes import Admission, Lanes, Whereabouts
from app.core.model import Batch, Lane, Outcome, Task
from app.errors import Kind, Problem
from tests.contract.conftest import PATIENT, assert_all_keys_expire, clear
from tests.support.jobs import job, lane, outcome
from tests.support.redis_server import RedisServer

LEASE_S = 8.0
# Enough to be reached now and then with one shard; several shards each have their own limit, so there it is out of reach.
MAX_PENDING = 12
OUT_OF_REACH = 10_000
PATIENCE_S = 30.0
TICK_S = 1 / 64
# A failing run looks for a shorter example for up to five minutes.
LONGEST_RUN_S = 420

_numbers = itertools.count(1)

lanes = st.sampled_from(
    [
        lane("a", capacity=1),
        lane("b", capacity=2, task=Task.CLASSIFY),
        lane("c", capacity=3),
        lane("d", capacity=4, task=Task.MODERATE),
    ]
)
waits_s = st.sampled_from([0.0, TICK_S, 0.25, 0.25, 0.25, 2.0])
times_left_s = st.sampled_from([16.0, 64.0, 640.0])
steps_s = st.sampled_from([TICK_S, 0.125, 0.25, 1.0, LEASE_S, 30.0])


@dataclass(frozen=True, slots=True)
class Claimed:
    """The same batch in all implementations, the model's first."""

    batches: tuple[Batch, ...]


@dataclass(slots=True)
class Waiting:
    """The futures of one job, one per shell."""

    futures: list[asyncio.Future[Outcome]]
    delivered: Outcome | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What must be equal of a batch; ids are each implementation's own."""

    jobs: tuple[str, ...]
    lane: str
    release: str
    generation: int
    attempt: int
    waited_s: tuple[float, ...]
    time_left_s: tuple[float, ...]

    @classmethod
    def of(cls, batch: Batch) -> Shape:
        return cls(
            jobs=tuple(item.job.id for item in batch.items),
            lane=batch.lane.key,
            release=batch.release.value,
            generation=batch.generation,
            attempt=batch.attempt,
            waited_s=tuple(item.waited_s for item in batch.items),
            time_left_s=tuple(item.time_left_s for item in batch.items),
        )


@dataclass(slots=True)
class World:
    """Everything that is driven together."""

    shells: Sequence[Accumulator]
    model: Lanes
    clock: ManualClock
    waiting: dict[str, Waiting] = field(default_factory=dict)


class Accumulators(RuleBasedStateMachine):
    """Commands as hypothesis likes them; `url` and `shards` come from the test."""

    url = ""
    shards = 1

    claimed: Bundle[Claimed] = Bundle("claimed")
    jobs: Bundle[str] = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.drained = False

    @initialize()
    def start(self) -> None:
        clock = ManualClock(1000.0)
        max_pending = MAX_PENDING if self.shards == 1 else OUT_OF_REACH
        number = next(_numbers)
        redis = RedisAccumulator(
            self.url,
            process_id=f"process-{number}",
            namespace=f"model-{number}",
            max_pending=max_pending,
            lease_s=LEASE_S,
            shards=self.shards,
            clock=clock,
            limits=PATIENT,
        )
        memory = MemoryAccumulator(clock, max_pending=max_pending, lease_s=LEASE_S)
        self.world = World((memory, redis), Lanes(max_pending=max_pending), clock)
        for shell in self.world.shells:
            self.runner.run(shell.start())

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.check_futures()
            self.runner.run(assert_all_keys_expire(self.url))
            for shell in self.world.shells:
                self.runner.run(shell.close())
            self.runner.run(clear(self.url))
        self.runner.close()

    @precondition(lambda self: not self.drained)
    @rule(target=jobs, lane=lanes, max_wait_s=waits_s, time_left_s=times_left_s)
    def enqueue(self, lane: Lane, max_wait_s: float, time_left_s: float) -> str | MultipleResults[str]:
        if self.shards > 1:
            max_wait_s = 0.25
            self.world.clock.advance(TICK_S)
        one = job(lane=lane, max_wait_s=max_wait_s, time_left_s=time_left_s)
        admission = self.world.model.enqueue(one, self.world.clock.now_s())

        async def admit(shell: Accumulator) -> asyncio.Future[Outcome] | Admission:
            try:
                return await shell.enqueue(one)
            except Problem as problem:
                return Admission.OVER_CAPACITY if problem.kind is Kind.OVER_CAPACITY else Admission.KNOWN

        admitted = [self.runner.run(admit(shell)) for shell in self.world.shells]
        futures = [future for future in admitted if isinstance(future, asyncio.Future)]
        if admission is not Admission.ADMITTED:
            assert admitted == [admission] * len(admitted)
            return multiple()
        assert len(futures) == len(admitted)
        self.world.waiting[one.id] = Waiting(futures)
        return one.id

    @rule(job_id=jobs, only_pending=st.booleans())
    def withdraw(self, job_id: str, only_pending: bool) -> None:
        found = self.world.model.withdraw(job_id, self.world.clock.now_s(), only_pending=only_pending)
        answers = [self.runner.run(shell.withdraw(job_id, only_pending=only_pending)) for shell in self.world.shells]
        assert [answer.value for answer in answers] == [found.value] * len(answers)
        if found is Whereabouts.PENDING or not only_pending:
            self.world.waiting[job_id].withdrawn = True

    @rule(target=claimed)
    def claim(self) -> Claimed | MultipleResults[Claimed]:
        batches = [self.world.model.claim(self.world.clock.now_s(), LEASE_S, f"batch-{next(_numbers)}")]
        batches += [self.runner.run(shell.claim(0.0)) for shell in self.world.shells]
        present = [batch for batch in batches if batch is not None]
        shapes = [Shape.of(batch) for batch in present]
        assert shapes == [shapes[0]] * len(batches) if shapes else not present
        return Claimed(tuple(present)) if present else multiple()

    @rule(claimed=claimed, lease_s=st.sampled_from([0.0, 1.0, 4 * LEASE_S]), stay_s=st.sampled_from([0.0, 0.1, LEASE_S]))
    def extend(self, claimed: Claimed, lease_s: float, stay_s: float) -> None:
        first, *others = claimed.batches
        ours = self.world.model.extend(first.id, first.generation, self.world.clock.now_s(), lease_s, stay_s=stay_s)
        answers = [
            self.runner.run(shell.extend(batch, lease_s, stay_s=stay_s))
            for shell, batch in zip(self.world.shells, others, strict=True)
        ]
        assert answers == [ours] * len(answers)

    @rule(claimed=claimed, data=st.data())
    def complete(self, claimed: Claimed, data: st.DataObject) -> None:
        first, *others = claimed.batches
        ids = [item.job.id for item in first.items]
        some = data.draw(st.lists(st.sampled_from(ids), unique=True))
        results = [outcome(job_id, label=f"{next(_numbers)}") for job_id in some]
        settled = self.world.model.complete(first.id, first.generation, some)
        for shell, batch in zip(self.world.shells, others, strict=True):
            settlement = self.runner.run(shell.complete(batch, results))
            assert (settlement.delivered, settlement.stale) == (settled.delivered, settled.stale)
        for result in results:
            if result.job_id in settled.delivered:
                self.deliver(result)

    def deliver(self, result: Outcome) -> None:
        waiting = self.world.waiting[result.job_id]
        assert waiting.delivered is None
        assert not waiting.withdrawn
        waiting.delivered = result
        for future in waiting.futures:
            assert self.runner.run(wait_for(future)) == result

    @rule(claimed=consumes(claimed))
    def give_back(self, claimed: Claimed) -> None:
        first, *others = claimed.batches
        ours = self.world.model.give_back(first.id, first.generation, self.world.clock.now_s())
        answers = [self.runner.run(shell.give_back(batch)) for shell, batch in zip(self.world.shells, others, strict=True)]
        assert answers == [ours] * len(answers)

    @rule()
    def pending(self) -> None:
        ours = self.world.model.pending(self.world.clock.now_s())
        assert [self.runner.run(shell.pending()) for shell in self.world.shells] == [ours] * len(self.world.shells)

    @rule(step_s=steps_s)
    def advance(self, step_s: float) -> None:
        self.world.clock.advance(step_s)

    @precondition(lambda self: not self.drained and len(self.world.waiting) > 5)
    @rule()
    def drain(self) -> None:
        self.drained = True
        self.world.model.drain()
        for shell in self.world.shells:
            self.runner.run(shell.drain())

    def check_futures(self) -> None:
        """Nobody got an outcome that was not delivered by the model, and who was withdrawn got none."""
        for waiting in self.world.waiting.values():
            if waiting.delivered is None:
                assert all(future.cancelled() if waiting.withdrawn else not future.done() for future in waiting.futures)


async def wait_for(future: asyncio.Future[Outcome]) -> Outcome:
    return await asyncio.wait_for(future, PATIENCE_S)


@pytest.mark.redis
@pytest.mark.timeout(LONGEST_RUN_S)
@pytest.mark.parametrize("shards", [1, 3])
def test_model_memory_and_redis_agree(redis_server: RedisServer, shards: int) -> None:
    class Machine(Accumulators):
        url = redis_server.url

    Machine.shards = shards
    run_machine(Machine, settings=settings(max_examples=60, stateful_step_count=40))
