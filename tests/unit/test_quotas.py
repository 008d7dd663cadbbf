"""Who may come in: the store's word, this process's own while the store is away, and what was paid told in the end, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from app.accumulator.memory_quota import MemoryQuota
from app.clock import ManualClock
from app.core.clients import Clients, Tenant, parse_clients
from app.core.quota import NOTHING, Amount, Ask, Limits, Usage, Verdict, tenant_key
from app.core.quota_account import Lot
from app.errors import Kind, Problem
from app.quotas import MOST_TABS, Grant, Quotas

NOW_S = 1_795_000_000.0
CLIENTS = """
[paced]
keys = ["p"]
images_per_second = 2
[poor]
keys = ["q"]
dollars_per_month = 0.01
[other]
keys = ["o"]
dollars_per_month = 0.01
[free]
keys = ["f"]
"""
PACED, POOR, OTHER, FREE = (Tenant(name, is_client=True) for name in ("paced", "poor", "other", "free"))
MILL = Amount.of(0.001, 1)


@dataclass(slots=True)
class Store:
    """The store in memory, behind a way that can fail: away, too slow, or so that the answer is lost."""

    inner: MemoryQuota
    away: bool = False
    slow: bool = False
    deaf: bool = False
    calls: int = 0
    under_way: int = 0
    lots: list[Lot] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    held: bool = False
    away_for: str = ""
    busy: Grant | None = None  # costs something more whenever a lot is told

    async def take(self, tenant: str, limits: Limits, asks: Sequence[Ask]) -> Mapping[str, Verdict]:
        await self._way()
        return await self.inner.take(tenant, limits, asks)

    async def settle(self, tenant: str, lot: Lot, known: Usage | None = None) -> Usage:
        await self._way()
        if tenant == self.away_for:
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "away")
        self.lots.append(lot)
        usage = await self.inner.settle(tenant, lot, known)
        if self.busy is not None:
            self.busy.settle(Amount(1))
            await asyncio.sleep(0)
        if self.held:
            self.held = False
            await asyncio.Event().wait()
        if self.deaf:
            self.deaf = False
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "the answer is lost")
        self.settled.set()
        return usage

    async def _way(self) -> None:
        self.calls += 1
        if self.slow:
            self.under_way += 1
            await asyncio.sleep(0.2)  # longer than anybody waits for it
            self.under_way -= 1
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "too slow")
        if self.away:
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "away")


@dataclass(slots=True)
class Tally:
    refused: list[str] = field(default_factory=list)
    unshared: int = 0

    def quota_refused(self, limit: str) -> None:
        self.refused.append(limit)

    def quota_unshared(self) -> None:
        self.unshared += 1


@dataclass(slots=True)
class Rig:
    quotas: Quotas
    store: Store
    tally: Tally
    clock: ManualClock

    async def admit(self, tenant: Tenant, images: int = 1, amount: Amount = MILL) -> Grant | None:
        return await self.quotas.admit(tenant, "native", images, amount)

    async def inside(self, tenant: Tenant, asks: int) -> list[Grant]:
        found = await asyncio.gather(*(self.admit(tenant) for _ in range(asks)), return_exceptions=True)
        assert all(isinstance(one, Grant | Problem) for one in found)
        return [one for one in found if isinstance(one, Grant)]

    async def spent(self, tenant: Tenant) -> Amount:
        key = tenant_key(tenant.at("native"))
        return (await self.store.inner.settle(key, Lot("test", 0, (), NOTHING))).spent


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    clock, tally = ManualClock(NOW_S), Tally()
    store = Store(MemoryQuota(clock, clock))
    clients = parse_clients(CLIENTS)
    made = Quotas(clients, store, tally, clock, clock, request_timeout_s=30, teller="process", store_s=0.05, again_s=0.01)
    made.start()
    yield Rig(made, store, tally, clock)
    await made.close()


async def test_whoever_has_no_limits_costs_no_call(rig: Rig) -> None:
    assert await rig.admit(FREE, 100) is None
    assert rig.store.calls == 0


async def test_beyond_the_rate_a_client_is_told_when_to_come_again(rig: Rig) -> None:
    await rig.admit(PACED, 2)
    with pytest.raises(Problem, match="2 images per second") as raised:
        await rig.admit(PACED)
    assert raised.value.kind is Kind.RATE_LIMITED
    assert raised.value.retry_after_s == pytest.approx(0.5)
    assert rig.tally.refused == ["rate"]
    rig.clock.advance(0.5)
    assert await rig.admit(PACED) is not None


async def test_a_budget_that_is_spent_is_no_use_to_try_again_and_one_that_is_reserved_is(rig: Rig) -> None:
    granted = await rig.inside(POOR, 30)
    assert len(granted) == 10
    with pytest.raises(Problem, match="under way") as raised:
        await rig.admit(POOR)
    assert (raised.value.kind, raised.value.retry_after_s) == (Kind.RATE_LIMITED, 1.0)
    for grant in granted:
        grant.settle(MILL)
    await asyncio.wait_for(rig.store.settled.wait(), 5)
    with pytest.raises(Problem, match=r"\$0.01 a month") as spent:
        await rig.admit(POOR)
    assert (spent.value.kind, spent.value.retry_after_s) == (Kind.BUDGET_SPENT, None)
    assert set(rig.tally.refused) == {"dollars"}


async def test_what_a_sheet_saves_is_there_for_others(rig: Rig) -> None:
    """Quarters of inferences: ten whole prices reserved, and forty images come in."""
    images = 0
    while granted := await rig.inside(POOR, 10):
        images += len(granted)
        rig.store.settled.clear()
        for grant in granted:
            grant.settle(Amount.of(0.00025, 0.25))
        await asyncio.wait_for(rig.store.settled.wait(), 5)
    assert images == 37  # the last quarters are less than a whole price
    assert (await rig.spent(POOR)).dollars <= 0.01


async def test_a_lot_whose_answer_was_lost_is_told_again_and_counts_once(rig: Rig) -> None:
    grant = await rig.admit(POOR)
    assert grant is not None
    rig.store.deaf = True
    grant.settle(MILL)
    await asyncio.wait_for(rig.store.settled.wait(), 5)
    assert [lot.number for lot in rig.store.lots] == [1, 1]
    assert await rig.spent(POOR) == MILL


async def test_whoever_comes_while_a_call_is_under_way_goes_with_the_next_one(rig: Rig) -> None:
    """So a crowd costs the store two calls, and not one connection each."""
    assert len(await rig.inside(POOR, 100)) == 10
    assert rig.store.calls <= 2


@pytest.mark.parametrize("failure", ["away", "slow"])
async def test_with_the_store_away_each_process_counts_by_itself_and_settles_later(rig: Rig, failure: str) -> None:
    known = await rig.inside(POOR, 4)
    for grant in known:
        grant.settle(MILL)
    await asyncio.wait_for(rig.store.settled.wait(), 5)
    setattr(rig.store, failure, True)
    granted = await rig.inside(POOR, 30)
    assert len(granted) == 6  # what it knew last, and what it lets in itself
    assert len(await rig.inside(PACED, 30)) == 2
    assert rig.tally.unshared == 60
    calls = rig.store.calls
    assert await rig.inside(POOR, 5) == []
    assert rig.store.calls == calls  # nobody waits for it again before a second has gone
    for grant in granted:
        grant.settle(Amount.of(0.0005, 0.5))
    assert rig.quotas.usage()["poor"]["dollars"] == {"used": pytest.approx(0.007), "limit": 0.01}
    setattr(rig.store, failure, False)
    while rig.store.under_way:  # calls that nobody waits for any more
        await asyncio.sleep(0)
    rig.clock.advance(1.5)
    assert len(await rig.inside(PACED, 1)) == 1  # the probe
    assert len(await rig.inside(POOR, 30)) == 3  # the store hears first of what it did not see
    assert (await rig.spent(POOR)).dollars == pytest.approx(0.007)
    assert rig.tally.unshared == 65


async def test_spending_is_remembered_over_a_month_that_turns_while_the_store_is_away(rig: Rig) -> None:
    for grant in await rig.inside(POOR, 10):
        grant.settle(MILL)
    await asyncio.wait_for(rig.store.settled.wait(), 5)
    rig.store.away = True
    assert await rig.inside(POOR, 1) == []
    rig.clock.advance(31 * 86_400)
    assert len(await rig.inside(POOR, 30)) == 10


async def test_a_store_that_was_emptied_learns_what_was_spent(rig: Rig) -> None:
    for grant in await rig.inside(POOR, 10):
        grant.settle(MILL)
    await asyncio.wait_for(rig.store.settled.wait(), 5)
    rig.store.inner = MemoryQuota(rig.clock, rig.clock)
    with pytest.raises(Problem) as raised:
        await rig.admit(POOR)
    assert raised.value.kind is Kind.BUDGET_SPENT


async def test_a_request_that_is_ended_at_the_door_leaves_no_reservation(rig: Rig) -> None:
    rig.store.slow = True
    asking = asyncio.create_task(rig.admit(POOR))
    while not rig.store.calls:
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    rig.store.slow = False
    await asyncio.wait_for(rig.store.settled.wait(), 5)
    assert len(rig.store.lots[0].ended) == 1


async def test_what_is_owed_when_the_process_ends_is_still_told(rig: Rig) -> None:
    grant = await rig.admit(POOR)
    assert grant is not None
    grant.settle(MILL)
    await rig.quotas.close()
    assert await rig.spent(POOR) == MILL


async def test_what_comes_to_be_owed_while_a_lot_is_under_way_is_told_too_when_the_process_ends(rig: Rig) -> None:
    first, second = await rig.inside(POOR, 2)
    rig.store.held = True
    first.settle(MILL)
    while not rig.store.lots:
        await asyncio.sleep(0)
    second.settle(MILL)
    await rig.quotas.close()
    assert await rig.spent(POOR) == MILL + MILL


async def test_who_cannot_be_told_of_keeps_nobody_else_from_it_when_the_process_ends(rig: Rig) -> None:
    """Another client's account lies on another shard, which is away."""
    rig.store.away = True
    for tenant in (POOR, OTHER):
        (grant,) = await rig.inside(tenant, 1)
        grant.settle(MILL)
    rig.store.away, rig.store.away_for = False, tenant_key(POOR.at("native"))
    await rig.quotas.close()
    assert (await rig.spent(POOR), await rig.spent(OTHER)) == (NOTHING, MILL)


async def test_whoever_asks_gets_his_turn_however_much_comes_to_be_owed_meanwhile(rig: Rig) -> None:
    rig.store.away = True
    (unshared,) = await rig.inside(POOR, 1)
    rig.store.away = False
    rig.clock.advance(60.0)
    rig.store.busy = unshared
    unshared.settle(MILL)
    before = rig.tally.unshared
    assert len(await rig.inside(POOR, 1)) == 1
    assert rig.tally.unshared == before
    rig.store.busy = None


async def test_stats_show_the_operators_names_and_strangers_not_at_all(rig: Rig) -> None:
    await rig.inside(POOR, 1)
    await rig.inside(PACED, 1)
    assert rig.quotas.usage() == {"poor": {"month": "2026-11", "dollars": {"used": 0.0, "limit": 0.01}}}
    strangers = Quotas(
        Clients(default=Limits(dollars_per_month=1)),
        rig.store,
        rig.tally,
        rig.clock,
        rig.clock,
        request_timeout_s=1,
        teller="s",
    )
    assert await strangers.admit(Tenant("key-0123"), "native", 1, MILL) is not None
    assert strangers.usage() == {}


async def test_tabs_are_bounded(rig: Rig) -> None:
    everybody = Quotas(
        Clients(default=Limits(images_per_s=1)), rig.store, rig.tally, rig.clock, rig.clock, request_timeout_s=1, teller="s"
    )
    for number in range(MOST_TABS + 10):
        await everybody.admit(Tenant(f"{number}"), "native", 1, MILL)
    assert len(everybody._tabs) == MOST_TABS
