"""Two API processes and two workers in this process, with the real parts from the desk to the sheet, and a vendor that looks.

In: a `Plan`, and where they meet (`Memory`: one accumulator; `Shared`: a Redis). Out: `Story`: what was said to whom, and what
the vendor saw. Only the network, the vendor and the freezing of workers are made up; time is real, all of it milliseconds.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from app.accumulator.contract import Accumulator, Settlement
from app.accumulator.limits import Limits
from app.accumulator.memory import MemoryAccumulator
from app.accumulator.redis import RedisAccumulator
from app.clock import SystemClock
from app.core.accuracy import drops, table
from app.core.budget import Budget
from app.core.calibration import Calibration
from app.core.geometry import PixelBox, Size
from app.core.layout import GridRules
from app.core.mix import Escalation, Expected, Means, Mix, Tier
from app.core.model import Batch, Feature, GridMode, Layout, Outcome, RawRequest, Task
from app.core.moderation import DEFAULT_MARGINS
from app.demo.truth import TrueObject
from app.joining import Joiner, JoinTimes
from app.ledger import Ledger
from app.metrics import Metrics, new_registry
from app.pipeline import Pipeline, Policy
from app.providers.calling import Caller
from app.server.desk import CLIENT_LEFT_STATUS, Desk, DeskRules, Served
from app.server.reading import BodyShare, ClientLeft
from app.work.detect import DetectWork
from app.work.grouping import Groups
from app.work.moderate import ModerateWork
from app.work.pixels import PixelPool
from app.work.shadow import Shadow, Watch
from app.work.sheets import SheetMaker
from app.work.tasks import ByTask
from app.work.worker import Worker
from tests.isolation.carrying import dialects, named_in, written
from tests.isolation.plan import Ask, Plan
from tests.isolation.vendor import LookingVendor, name_of, painted
from tests.soak.pictures import SoakPicture
from tests.support.moderate_bench import LARGEST, FixedEstimates

T = TypeVar("T")

API_PROCESSES, WORKERS = 2, 2
SIZE = Size(160, 120)
# A window in which the visitors of an example meet, and a lease that ends while a frozen worker's vendor looks, seconds.
MAX_WAIT_S = 0.02
LEASE_S = 0.1
ATTEMPT_S = 0.4
# Nobody waits longer than the longest request; what takes longer hangs.
PATIENCE_S = 20.0
MAX_PENDING = 1000
# Longer than an example lasts, seconds.
KEPT_S = 60.0
LIMIT_BYTES = 1 << 28

# A busy machine must not look like a Redis that is away, or nothing would gather; outages have tests of their own.
LIMITS = Limits(call_s=10.0, connect_s=10.0, worker_ttl_s=60.0)

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Said:
    """A request, and the identities that its answer names by picture (None: an error); `answer` is None where it left."""

    ask: Ask
    answer: list[frozenset[int] | None] | None
    is_from_sheet: bool = False


@dataclass(slots=True)
class Story:
    """What happened. `late`: completions by holders of an older generation that were not refused."""

    said: list[Said]
    seen: list[tuple[int, ...]]
    late: list[str] = field(default_factory=list)
    refused: int = 0


class Place(Protocol):
    """Where API processes and workers meet."""

    async def open(self, stack: AsyncExitStack) -> tuple[Sequence[Accumulator], Sequence[Accumulator]]:
        """Accumulators of the API processes and of the workers; `stack` closes them."""
        ...


@dataclass(frozen=True, slots=True)
class Memory:
    """One process has both sides, and no other exists; it has two workers all the same."""

    async def open(self, stack: AsyncExitStack) -> tuple[Sequence[Accumulator], Sequence[Accumulator]]:
        one = MemoryAccumulator(SystemClock(), MAX_PENDING, LEASE_S)
        stack.push_async_callback(one.close)
        await one.start()
        return [one], [one] * WORKERS


@dataclass(frozen=True, slots=True)
class Shared:
    """A Redis; each example has a part of it to itself."""

    url: str
    shards: int = 2

    async def open(self, stack: AsyncExitStack) -> tuple[Sequence[Accumulator], Sequence[Accumulator]]:
        namespace = f"isolation-{next(_numbers)}"
        workers = [await self._one(stack, namespace, workshop=True) for _ in range(WORKERS)]
        for worker in workers:
            await worker.claim(0.0)  # from now on there is somebody who works
        apis = [await self._one(stack, namespace, workshop=False) for _ in range(API_PROCESSES)]
        return apis, workers

    async def _one(self, stack: AsyncExitStack, namespace: str, *, workshop: bool) -> RedisAccumulator:
        one = RedisAccumulator(
            self.url,
            process_id=f"process-{next(_numbers)}",
            max_pending=MAX_PENDING,
            lease_s=LEASE_S,
            shards=self.shards,
            namespace=namespace,
            intake=not workshop,
            workshop=workshop,
            limits=LIMITS,
        )
        stack.push_async_callback(one.close)
        await one.start()
        return one


@dataclass(slots=True)
class Fence:
    """What all workers of a world know of its batches: the newest generation of each, and who is frozen."""

    frozen: frozenset[int]
    newest: dict[str, int] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    late: list[str] = field(default_factory=list)
    refused: int = 0

    def claimed(self, batch: Batch) -> None:
        if batch.id not in self.newest and len(self.newest) in self.frozen:
            self.stopped.add(batch.id)
        self.newest[batch.id] = max(batch.generation, self.newest.get(batch.id, 0))


@dataclass(frozen=True, slots=True)
class Watched:
    """A worker's side of an accumulator. A frozen worker believes that its lease goes on, and it does not."""

    inner: Accumulator
    fence: Fence

    async def claim(self, wait_s: float) -> Batch | None:
        batch = await self.inner.claim(wait_s)
        if batch is not None:
            self.fence.claimed(batch)
        return batch

    async def extend(self, batch: Batch, lease_s: float, *, stay_s: float = 0.0) -> bool:
        if batch.id in self.fence.stopped and batch.attempt == 1:
            return True
        return await self.inner.extend(batch, lease_s, stay_s=stay_s)

    async def complete(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        is_late = self.fence.newest[batch.id] > batch.generation
        settlement = await self.inner.complete(batch, outcomes)
        self.fence.refused += settlement.stale
        if is_late and (settlement.delivered or not settlement.stale):
            self.fence.late.append(f"{batch.id}: {batch.generation} delivered {len(settlement.delivered)}")
        return settlement

    async def give_back(self, batch: Batch) -> bool:
        return await self.inner.give_back(batch)

    async def leave(self) -> bool:
        return await self.inner.leave()


@dataclass(frozen=True, slots=True)
class Visit:
    """A request on its way in. A visitor who leaves does so whatever the server does at that time."""

    request: RawRequest
    leaves_s: float | None
    given_id: str | None = None

    async def read(self, share: BodyShare) -> RawRequest:
        return self.request

    async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
        if self.leaves_s is None:
            return await work
        try:
            async with asyncio.timeout(self.leaves_s):
                return await work
        except TimeoutError:
            raise ClientLeft from None


class World:
    """The parts of one example."""

    def __init__(self, plan: Plan, pixels: PixelPool) -> None:
        self._plan = plan
        self._pixels = pixels
        self._clock = SystemClock()
        self.vendor = LookingVendor(plan.turns, plan.poison, plan.seed)
        self.fence = Fence(plan.frozen)
        known = self.vendor.capabilities
        self._ledger = Ledger(Metrics(new_registry(), version="0", role="all", provider="emulator"), "emulator", known.dollars)
        self._estimates = FixedEstimates(plan.prevalence)

    def desk(self, accumulator: Accumulator, stack: AsyncExitStack) -> Desk:
        """An API process's side."""
        known, caller = self.vendor.capabilities, self._caller()
        shadow = None
        if self._plan.watches:
            chance = random.Random(self._plan.seed)
            shadow = Shadow(Watch(1.0), caller, known, self._pixels, ledger=self._ledger, clock=self._clock, rng=chance)
            stack.push_async_callback(shadow.close)
        joiner = None
        if self._plan.joins:
            times = JoinTimes(cache_s=KEPT_S if self._plan.keeps else 0.0)
            joiner = Joiner(accumulator.flights, self._ledger, self._clock, times)
            stack.push_async_callback(joiner.close)
        pipeline = Pipeline(
            accumulator,
            caller,
            known,
            self._policy(),
            store=None,
            pixels=self._pixels,
            ledger=self._ledger,
            clock=self._clock,
            shadow=shadow,
            groups=Groups(self._estimates, LARGEST),
            joiner=joiner,
        )
        rules = DeskRules(LIMIT_BYTES, LIMIT_BYTES, self._plan.request_s, known.vendor, known.prices)
        return Desk(pipeline, None, rules, self._ledger, self._clock, new_id=lambda: f"request-{next(_numbers)}")

    def worker(self, accumulator: Accumulator) -> Worker:
        caller, known = self._caller(), self.vendor.capabilities
        rules = GridRules(mode=GridMode.KEPT, sheet_side_px=known.sheet_side_px)
        sheets = SheetMaker(known, rules, drops(table("rekognition")), self._pixels, self._ledger, self._clock)
        detect = DetectWork(caller, sheets, self._ledger, self._clock)
        moderate = ModerateWork(caller, sheets, self._estimates, DEFAULT_MARGINS, LARGEST, self._ledger, self._clock)
        work = ByTask(caller, detect, {Task.MODERATE: moderate})
        return Worker(Watched(accumulator, self.fence), work, self._ledger, self._clock, max_inflight=8)

    def _caller(self) -> Caller:
        chance = random.Random(self._plan.seed)
        return Caller(self.vendor, clock=self._clock, rng=chance, attempt_timeout_s=ATTEMPT_S, meter=self._ledger)

    def _policy(self) -> Policy:
        layouts = tuple(map(Layout.parse, self._plan.layouts))
        return Policy(
            max_wait_s=MAX_WAIT_S,
            request_timeout_s=self._plan.request_s,
            budget=_escalating(layouts) if self._plan.escalates else Budget(0.1, drops(table("rekognition")), "paper", layouts),
            max_pixels=1_000_000,
            alone_at_once=64,
            mix_tenants=self._plan.mixes_tenants,
            grid_text=True,
            label_grids=frozenset({"native"}),
        )


def _escalating(layouts: tuple[Layout, ...]) -> Budget:
    """Every answer of a grid is unsure, and asked again alone."""
    mix = Mix("again", (Tier(layouts),), Expected(0.5, 0.01), escalation=Escalation(doubt=0.0, max_share=1.0))
    known = Calibration("emulator", Feature.OBJECTS, (mix,))
    return Budget(0.1, drops(table("rekognition")), calibration=known, means=frozenset({Means.ESCALATION}))


async def play(plan: Plan, place: Place, pixels: PixelPool) -> Story:
    """The whole example, from the first request to the last answer."""
    world = World(plan, pixels)
    doors = dialects(named=plan.asks[0].visitor.is_named)
    async with AsyncExitStack() as stack:
        apis, workshops = await place.open(stack)
        desks = [world.desk(one, stack) for one in apis]
        async with _working([world.worker(one) for one in workshops]), asyncio.timeout(PATIENCE_S):
            said = await asyncio.gather(
                *(_ask(desks[number % len(desks)], doors[ask.visitor.front], ask) for number, ask in enumerate(plan.asks))
            )
    return Story(said, world.vendor.seen, world.fence.late, world.fence.refused)


@asynccontextmanager
async def _working(workers: Sequence[Worker]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        for number, worker in enumerate(workers):
            tasks.create_task(worker.run(), name=f"worker {number}")
        yield
        for worker in workers:
            await worker.stop()


async def _ask(desk: Desk, dialect: Any, ask: Ask) -> Said:
    await asyncio.sleep(ask.at_s)
    served: Served = await desk.serve(Visit(written(ask, _pictures(ask)), ask.leaves_s), dialect)
    if getattr(served.reply, "status", 0) == CLIENT_LEFT_STATUS:
        return Said(ask, None)
    return Said(ask, named_in(ask, served), dict(served.reply.headers).get("X-Tessera-Grid", "1x1") != "1x1")


def _pictures(ask: Ask) -> list[SoakPicture]:
    return [_picture(identity) for identity in ask.identities]


def _picture(identity: int) -> SoakPicture:
    """Some are upright, some are PNG; one identity's are all the same."""
    size, kind = (SIZE.transposed() if identity % 2 else SIZE), "PNG" if identity % 3 == 0 else "JPEG"
    whole = PixelBox(0, 0, size.width_px, size.height_px).to_unit(size)
    return SoakPicture(
        size, TrueObject(name_of(identity), whole), painted(identity, size, kind), f"image/{kind.lower()}", identity
    )
