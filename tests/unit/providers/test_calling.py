"""The retry loop as a script: what the provider says, what is waited, what is paid. Time is moved by hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clock import ManualClock
from app.core.model import Feature, Inquiry
from app.core.pace import THROTTLE_MEMORY_S
from app.errors import Kind, Problem, VendorError
from app.providers.calling import (
    LEASE_S,
    LONGEST_PAUSE_S,
    MOST_PAID_ATTEMPTS,
    MOST_SHADOWS,
    Asked,
    AskFailed,
    Caller,
    LeaseLost,
    PaidKind,
)
from app.providers.contract import Capabilities, Provider, Reading

INQUIRY = Inquiry(Feature.OBJECTS)
READING = Reading((), b"{}")
ATTEMPT_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Says:
    """One answer of the provider, `after_s` on the clock."""

    what: Reading | Kind = READING
    after_s: float = 0.1
    retry_after_s: float | None = None


@dataclass
class ScriptedProvider:
    """Plays its script; more calls than lines are an error, and so is a time-out longer than the attempt's."""

    clock: ManualClock
    script: list[Says]
    timeouts_s: list[float] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        raise AssertionError("a caller does not ask")

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        assert (image, inquiry) == (b"image", INQUIRY)
        assert timeout_s > 0
        self.timeouts_s.append(timeout_s)
        says = self.script.pop(0)
        self.clock.advance(min(says.after_s, timeout_s))
        if isinstance(says.what, Kind):
            raise Problem(says.what, "scripted", vendor=VendorError("v", 400, "c", "m"), retry_after_s=says.retry_after_s)
        return says.what

    async def aclose(self) -> None:
        raise AssertionError("a caller does not own its provider")


@dataclass
class Counts:
    """A meter that keeps everything."""

    paid_kinds: list[str] = field(default_factory=list)
    errors: list[Kind] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def paid(self, kind: str, feature: str, task: str) -> None:
        self.paid_kinds.append(kind)

    def error(self, kind: Kind) -> None:
        self.errors.append(kind)

    def took(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Stage:
    """A caller with everything around it in the test's hands."""

    def __init__(
        self, *script: Says, seed: int = 0, provider: Provider | None = None, sheets: int = 4, others: int = 4
    ) -> None:
        self.clock = ManualClock()
        self.provider = ScriptedProvider(self.clock, list(script))
        self.meter = Counts()
        self.waits_s: list[float] = []
        self.leases_s: list[float] = []
        self.permits = True
        self.caller = Caller(
            provider or self.provider,
            clock=self.clock,
            rng=random.Random(seed),
            attempt_timeout_s=ATTEMPT_TIMEOUT_S,
            meter=self.meter,
            sheets=sheets,
            others=others,
            wait=self.wait,
        )

    async def wait(self, seconds: float) -> None:
        self.waits_s.append(seconds)
        self.clock.advance(seconds)

    async def permit(self, lease_s: float) -> bool:
        self.leases_s.append(lease_s)
        return self.permits

    async def ask(
        self,
        time_left_s: float = 60.0,
        permit: Callable[[float], Awaitable[bool]] | None = None,
        kind: PaidKind = PaidKind.SINGLE,
    ) -> Asked:
        return await self.caller.ask(b"image", INQUIRY, kind=kind, time_left_s=time_left_s, permit=permit)

    async def fail(
        self,
        time_left_s: float = 60.0,
        permit: Callable[[float], Awaitable[bool]] | None = None,
        kind: PaidKind = PaidKind.SINGLE,
    ) -> AskFailed:
        with pytest.raises(AskFailed) as raised:
            await self.ask(time_left_s, permit, kind)
        assert self.provider.script == []
        return raised.value


async def test_an_answer_costs_one_and_is_measured() -> None:
    stage = Stage(Says(after_s=0.3))
    asked = await stage.ask()
    assert asked == Asked(READING, paid=1, provider_s=0.3, attempt_s=0.3)
    assert stage.meter == Counts(["single"], [], [0.3])
    assert stage.waits_s == []


@pytest.mark.parametrize(
    ("kind", "paid"),
    [
        (Kind.THROTTLED, 0),
        (Kind.PROVIDER_UNAVAILABLE, 0),
        (Kind.PROVIDER_TIMEOUT, 1),
        (Kind.PROVIDER_GARBLED, 1),
    ],
)
async def test_what_may_pass_is_asked_again_and_what_may_be_billed_is_counted(kind: Kind, paid: int) -> None:
    stage = Stage(Says(kind), Says())
    asked = await stage.ask()
    assert asked.paid == 1 + paid
    assert stage.meter.errors == [kind]
    assert stage.meter.paid_kinds == ["single"] * (1 + paid)
    assert len(stage.meter.seconds) == 1
    assert asked.provider_s == pytest.approx(0.2 + sum(stage.waits_s))
    assert asked.attempt_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    "kind", [each for each in Kind if each.value not in {"throttled"} and not each.value.startswith("provider_")]
)
async def test_what_no_retry_helps_is_told_at_once(kind: Kind) -> None:
    stage = Stage(Says(kind))
    failed = await stage.fail()
    assert (failed.kind, failed.paid, failed.provider_s) == (kind, 0, 0.1)
    assert failed.vendor == failed.problem.vendor == VendorError("v", 400, "c", "m")
    assert isinstance(failed, Problem)
    assert stage.waits_s == []


async def test_what_is_paid_in_vain_has_an_end() -> None:
    stage = Stage(*[Says(Kind.PROVIDER_GARBLED)] * MOST_PAID_ATTEMPTS)
    failed = await stage.fail()
    assert (failed.kind, failed.paid) == (Kind.PROVIDER_GARBLED, MOST_PAID_ATTEMPTS)
    assert stage.meter.paid_kinds == ["single"] * MOST_PAID_ATTEMPTS


@pytest.mark.parametrize(
    ("kinds", "paid"),
    [
        ([Kind.PROVIDER_TIMEOUT], 1),
        ([Kind.PROVIDER_UNAVAILABLE] * 2, 0),
        ([Kind.PROVIDER_GARBLED] * 2, 2),
        ([Kind.THROTTLED] * 5 + [Kind.PROVIDER_UNAVAILABLE, Kind.THROTTLED, Kind.PROVIDER_GARBLED], 1),
    ],
)
async def test_a_sheet_that_fails_is_soon_given_back(kinds: list[Kind], paid: int) -> None:
    """One image of it may be what the vendor trips over. Throttling is nobody's fault, and is waited for."""
    stage = Stage(*[Says(kind) for kind in kinds])
    failed = await stage.fail(kind=PaidKind.GRID)
    assert (failed.kind, failed.paid) == (kinds[-1], paid)


async def test_throttling_ends_with_the_time_and_with_the_vendors_own_error() -> None:
    stage = Stage(*[Says(Kind.THROTTLED)] * 500)
    with pytest.raises(AskFailed) as raised:
        await stage.ask(time_left_s=20.0)
    assert (raised.value.kind, raised.value.paid) == (Kind.THROTTLED, 0)
    assert stage.clock.now_s() <= 20.0
    assert max(stage.waits_s) <= LONGEST_PAUSE_S


@given(st.integers(0, 1000), st.floats(0.0, 30.0), st.lists(st.sampled_from(list(Kind)), min_size=200, max_size=200))
@settings(deadline=None, max_examples=50)
def test_no_question_outlives_its_time(seed: int, time_left_s: float, kinds: list[Kind]) -> None:
    async def law() -> None:
        stage = Stage(*[Says(kind, after_s=1.0) for kind in kinds], seed=seed)
        with pytest.raises(AskFailed):
            await stage.ask(time_left_s)
        assert stage.clock.now_s() <= time_left_s + 1e-9
        assert len(stage.meter.paid_kinds) <= MOST_PAID_ATTEMPTS

    asyncio.run(law())


async def test_pauses_grow_and_are_jittered() -> None:
    stages = [Stage(*[Says(Kind.PROVIDER_UNAVAILABLE, after_s=0.0)] * 6, Says(), seed=seed) for seed in range(40)]
    for stage in stages:
        await stage.ask()
    columns = list(zip(*(stage.waits_s for stage in stages), strict=True))
    assert all(len(set(column)) > 1 for column in columns)
    assert all(max(column) <= 0.05 * 2**number for number, column in enumerate(columns))
    assert max(columns[-1]) > 4 * max(columns[0])


async def test_the_vendors_own_pause_is_the_least_that_is_waited() -> None:
    stage = Stage(Says(Kind.THROTTLED, retry_after_s=1.75), Says())
    await stage.ask()
    assert sum(stage.waits_s) == 1.75


async def test_a_vendor_that_throttled_is_remembered_as_throttling_for_a_while() -> None:
    stage = Stage(Says(Kind.PROVIDER_UNAVAILABLE), Says(Kind.THROTTLED), Says())
    assert stage.caller.throttled_for_s(Feature.OBJECTS) == 0
    await stage.ask()
    assert 0 < stage.caller.throttled_for_s(Feature.OBJECTS) <= THROTTLE_MEMORY_S
    stage.clock.advance(THROTTLE_MEMORY_S)
    assert stage.caller.throttled_for_s(Feature.OBJECTS) == 0


async def test_only_throttling_is_remembered_as_throttling() -> None:
    stage = Stage(Says(Kind.PROVIDER_UNAVAILABLE), Says())
    await stage.ask()
    assert stage.caller.throttled_for_s(Feature.OBJECTS) == 0


async def test_a_pause_beyond_the_time_left_is_not_waited() -> None:
    stage = Stage(Says(Kind.THROTTLED, retry_after_s=30.0))
    failed = await stage.fail(time_left_s=20.0)
    assert (failed.kind, failed.retry_after_s, failed.provider_s) == (Kind.THROTTLED, 30.0, 0.1)


@pytest.mark.parametrize("time_left_s", [-1.0, 0.0, 0.05])
async def test_without_a_realistic_time_nothing_is_sent(time_left_s: float) -> None:
    failed = await Stage().fail(time_left_s)
    assert (failed.kind, failed.paid) == (Kind.DEADLINE_EXCEEDED, 0)


async def test_what_is_realistic_is_learned() -> None:
    stage = Stage(*[Says(after_s=0.001)] * 11)
    for _ in range(10):
        await stage.ask()
    assert (await stage.ask(time_left_s=0.01)).paid == 1


async def test_a_slow_vendor_is_cut_off_once_and_then_waited_for() -> None:
    """What is cut off is paid: a vendor that takes 6 s would be paid for every 2 s of a request's time."""
    stage = Stage(Says(Kind.PROVIDER_TIMEOUT, after_s=6.0), Says(after_s=6.0), Says(after_s=6.0), Says(after_s=0.1), Says())
    assert (await stage.ask()).paid == 2
    assert (await stage.ask()).paid == 1
    assert min(stage.provider.timeouts_s[1:]) > 6.0
    await stage.ask()  # it is fast again
    await stage.ask()
    assert stage.provider.timeouts_s[-1] == ATTEMPT_TIMEOUT_S


async def test_where_a_lease_is_at_stake_every_attempt_ends_in_time() -> None:
    stage = Stage(Says(Kind.PROVIDER_TIMEOUT, after_s=6.0), Says(after_s=0.1))
    await stage.ask(permit=stage.permit)
    assert stage.provider.timeouts_s == [ATTEMPT_TIMEOUT_S] * 2


async def test_an_attempt_never_gets_more_than_the_time_left() -> None:
    stage = Stage(Says(Kind.PROVIDER_TIMEOUT, after_s=9.0), Says(after_s=0.01))
    await stage.ask(time_left_s=3.0)
    assert stage.provider.timeouts_s == [2.0, pytest.approx(1.0 - sum(stage.waits_s))]


async def test_every_attempt_and_every_pause_is_permitted_and_every_lease_is_the_same() -> None:
    stage = Stage(Says(Kind.THROTTLED, retry_after_s=5.0), Says())
    await stage.ask(permit=stage.permit)
    assert stage.waits_s == [2.0, 2.0, 1.0]
    assert stage.leases_s == [LEASE_S] * 5


async def test_without_a_permit_nothing_is_sent() -> None:
    stage = Stage()
    stage.permits = False
    with pytest.raises(LeaseLost) as raised:
        await stage.ask(permit=stage.permit)
    assert raised.value.paid == 0


async def test_a_lease_that_is_lost_between_attempts_tells_what_was_paid() -> None:
    stage = Stage(Says(Kind.PROVIDER_GARBLED))

    async def first_time(_lease_s: float) -> bool:
        return not stage.provider.timeouts_s

    with pytest.raises(LeaseLost) as raised:
        await stage.ask(permit=first_time)
    assert raised.value.paid == 1


async def test_a_permit_that_cannot_be_asked_is_a_problem_and_nothing_is_sent() -> None:
    stage = Stage()

    async def unreachable(_lease_s: float) -> bool:
        raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "no store")

    with pytest.raises(AskFailed) as raised:
        await stage.ask(permit=unreachable)
    assert (raised.value.kind, raised.value.paid) == (Kind.ACCUMULATOR_UNAVAILABLE, 0)


# --- several at once


class GatedProvider:
    """Every call waits for the gate; counts how many are inside."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.inside = 0
        self.most_inside = 0
        self.changed = asyncio.Condition()

    @property
    def capabilities(self) -> Capabilities:
        raise AssertionError("a caller does not ask")

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        await self._move(1)
        try:
            await self.gate.wait()
        finally:
            await self._move(-1)
        return READING

    async def _move(self, step: int) -> None:
        self.inside += step
        self.most_inside = max(self.most_inside, self.inside)
        async with self.changed:
            self.changed.notify_all()

    async def holds(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.inside == count)

    async def aclose(self) -> None: ...


async def test_no_more_than_the_limit_are_asked_at_once() -> None:
    provider = GatedProvider()
    stage = Stage(provider=provider, others=3)
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(stage.ask()) for _ in range(10)]
        await provider.holds(3)
        provider.gate.set()
    assert provider.most_inside == 3
    assert [task.result().paid for task in asking] == [1] * 10


@pytest.mark.parametrize(("first", "second"), [(PaidKind.GRID, PaidKind.SINGLE), (PaidKind.SINGLE, PaidKind.GRID)])
async def test_sheets_and_single_images_do_not_take_each_others_slots(first: PaidKind, second: PaidKind) -> None:
    provider = GatedProvider()
    stage = Stage(provider=provider, sheets=1, others=1)
    for _ in range(2):  # a slot given back to the wrong side would be missing in the second round
        provider.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(stage.ask(kind=kind)) for kind in (first, first, second)]
            await provider.holds(2)
            provider.gate.set()
        assert [task.result().paid for task in asking] == [1] * 3
    assert provider.most_inside == 2


async def test_shadows_have_few_slots_of_their_own() -> None:
    provider = GatedProvider()
    stage = Stage(provider=provider, sheets=1, others=1)
    kinds = [*[PaidKind.SHADOW] * (MOST_SHADOWS + 1), PaidKind.GRID, PaidKind.SINGLE]
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(stage.ask(kind=kind)) for kind in kinds]
        await provider.holds(MOST_SHADOWS + 2)
        provider.gate.set()
    assert [task.result().paid for task in asking] == [1] * len(kinds)
    assert provider.most_inside == MOST_SHADOWS + 2


async def test_who_waits_for_a_slot_waits_no_longer_than_its_time() -> None:
    provider = GatedProvider()
    stage = Stage(provider=provider, others=1)
    first = asyncio.create_task(stage.ask())
    await provider.holds(1)

    async def out_of_time(_lease_s: float) -> bool:
        stage.clock.advance(60.0)
        return True

    with pytest.raises(AskFailed) as raised:
        await stage.ask(time_left_s=60.0, permit=out_of_time)
    assert (raised.value.kind, raised.value.paid) == (Kind.DEADLINE_EXCEEDED, 0)
    provider.gate.set()
    assert (await first).paid == 1


async def test_a_cancelled_question_gives_its_slot_back_and_counts_what_may_be_billed() -> None:
    provider = GatedProvider()
    stage = Stage(provider=provider, others=1)
    first = asyncio.create_task(stage.ask())
    await provider.holds(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert stage.meter.paid_kinds == ["single"]
    provider.gate.set()
    assert (await stage.ask()).paid == 1


async def test_a_question_cancelled_while_it_waits_for_a_slot_leaves_no_trace() -> None:
    provider = GatedProvider()
    stage = Stage(provider=provider, others=1)
    first = asyncio.create_task(stage.ask())
    await provider.holds(1)
    waiting = asyncio.create_task(stage.ask())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    provider.gate.set()
    assert (await first).paid == 1
    assert (await stage.ask()).paid == 1
    assert stage.meter.paid_kinds == ["single", "single"]


async def test_a_mistake_in_a_provider_gives_its_slot_back() -> None:
    class Mistaken(GatedProvider):
        async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
            raise KeyError("not a Problem")

    stage = Stage(provider=Mistaken(), others=1)
    for _ in range(2):
        with pytest.raises(KeyError):
            await stage.ask()


@pytest.mark.parametrize(("is_last", "heard"), [(True, Kind.THROTTLED), (False, Kind.DEADLINE_EXCEEDED)])
async def test_who_is_kept_waiting_by_the_vendor_until_its_time_is_over_hears_that(is_last: bool, heard: Kind) -> None:
    """Not that we were slow. An image on a sheet may still be sent alone, which only our own error leads to."""
    entered, gate = asyncio.Event(), asyncio.Event()

    class Throttling:
        capabilities = ScriptedProvider.capabilities

        async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
            entered.set()
            await gate.wait()
            stage.clock.advance(60.0)
            raise Problem(Kind.THROTTLED, "slow down")

        async def aclose(self) -> None: ...

    stage = Stage(provider=Throttling(), others=1)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(stage.fail(50.0))
        await entered.wait()
        second = tasks.create_task(stage.fail(30.0, permit=None if is_last else stage.permit))
        for _ in range(5):  # it reaches the slots, which the first one holds
            await asyncio.sleep(0)
        gate.set()
    assert (first.result().kind, second.result().kind, second.result().paid) == (Kind.THROTTLED, heard, 0)
