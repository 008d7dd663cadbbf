"""The quota store: memory and Redis do what the pure account does, and nobody at the same time gets more than there is."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from app.accumulator import memory_quota
from app.accumulator.contract import QuotaStore
from app.accumulator.memory_quota import MemoryQuota
from app.clock import ManualClock
from app.core.quota import MICRO, NANO, NOTHING, US_PER_S, Amount, Ask, Limit, Limits, Usage, Verdict, month_at, tenant_key
from app.core.quota_account import UNDER_WAY_S, Account, Lot
from tests.contract.conftest import PATIENT, Bench
from tests.support.redis_fleet import Fleet
from tests.support.redis_server import RedisServer

SHOP, OTHER = tenant_key("client:shop"), tenant_key("client:other")
PENNY = Amount.of(0.01, 1)
LAPSE_S = 40.0
_ids = itertools.count(1)


def ask(images: int = 1, amount: Amount = PENNY, **more: Any) -> Ask:
    return Ask(f"ask-{next(_ids)}", images, amount, LAPSE_S, **more)


def lot(number: int, *ended: Ask, paid: Amount = NOTHING, teller: str = "teller") -> Lot:
    return Lot(teller, number, ended, paid)


def clock_at(*date: int) -> ManualClock:
    return ManualClock(datetime(*date, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]  # year, month, day, time


async def take(store: QuotaStore, tenant: str, limits: Limits, one: Ask) -> Verdict:
    return (await store.take(tenant, limits, [one]))[one.id]


async def admitted(store: QuotaStore, limits: Limits, asks: int, **more: Any) -> int:
    """How many of so many at the same time come in."""
    verdicts = await asyncio.gather(*(take(store, SHOP, limits, ask(**more)) for _ in range(asks)))
    return sum(verdict.refused is None for verdict in verdicts)


async def test_q1_no_more_come_in_at_once_than_the_burst_and_then_at_the_rate(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(images_per_s=10, burst=5)
    assert await admitted(store, limits, 40) == 5
    for _ in range(3):
        bench.clock.advance(0.1)
        assert await admitted(store, limits, 3) == 1
    bench.clock.advance(60)
    assert await admitted(store, limits, 40) == 5


async def test_q1_a_request_with_several_images_takes_as_many_and_one_larger_than_the_burst_is_not_kept_out_for_good(
    bench: Bench,
) -> None:
    store, limits = (await bench.start()).quotas, Limits(images_per_s=10, burst=5)
    assert (await take(store, SHOP, limits, ask(images=3))).refused is None
    refused = await take(store, SHOP, limits, ask(images=3))
    assert refused.refused is Limit.RATE
    assert refused.retry_after_s == pytest.approx(0.1)
    bench.clock.advance(0.3)
    assert (await take(store, SHOP, limits, ask(images=16))).refused is None
    assert (await take(store, SHOP, limits, ask())).retry_after_s == pytest.approx(1.2)


async def test_q2_what_is_spent_and_reserved_never_exceeds_the_budget(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(dollars_per_month=0.10)
    asks = [ask() for _ in range(100)]
    verdicts = await asyncio.gather(*(take(store, SHOP, limits, one) for one in asks))
    inside = [one for one, verdict in zip(asks, verdicts, strict=True) if verdict.refused is None]
    assert len(inside) == 10
    assert max(verdict.usage.reserved.dollars for verdict in verdicts if verdict.usage) == pytest.approx(0.10)
    refused = next(verdict for verdict in verdicts if verdict.refused)
    assert (refused.refused, refused.is_spent, refused.retry_after_s) == (Limit.DOLLARS, False, UNDER_WAY_S)
    used = await store.settle(SHOP, lot(1, *inside[:4], paid=Amount.of(0.01, 1)))
    assert (used.spent, used.reserved) == (PENNY, Amount.of(0.06, 6))
    assert await admitted(store, limits, 100) == 3  # 0.01 spent, 0.06 reserved


async def test_q2_what_was_paid_is_spent_also_where_it_is_more_than_was_reserved(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(dollars_per_month=0.10)
    dear = ask()
    await take(store, SHOP, limits, dear)
    assert (await store.settle(SHOP, lot(1, dear, paid=Amount.of(0.15, 15)))).spent == Amount.of(0.15, 15)
    refused = await take(store, SHOP, limits, ask())
    assert (refused.refused, refused.is_spent) == (Limit.DOLLARS, True)


async def test_a_budget_may_count_inferences_and_what_costs_nothing_is_let_in_when_dollars_are_spent(bench: Bench) -> None:
    store, free = (await bench.start()).quotas, Amount.of(0.0, 1)
    assert await admitted(store, Limits(inferences_per_month=3), 10, amount=free) == 3
    assert await admitted(store, Limits(dollars_per_month=0), 10, amount=free) == 10
    assert await admitted(store, Limits(dollars_per_month=0), 10) == 0


async def test_q1_many_asked_at_once_are_looked_at_one_after_the_other(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(images_per_s=1, burst=4, dollars_per_month=0.05)
    asks = [ask(images=3), ask(images=3), ask(images=1, amount=Amount.of(0.045, 1)), ask(images=1), ask(images=1)]
    verdicts = await store.take(SHOP, limits, asks)
    refused = [verdicts[one.id].refused for one in asks]
    assert refused == [None, Limit.RATE, Limit.DOLLARS, None, Limit.RATE]
    assert await store.take(SHOP, limits, []) == {}


async def test_q3_a_refusal_takes_nothing_and_its_time_is_exact(bench: Bench) -> None:
    """Refused by one limit, it counts for none; after the wait that it was told it comes in."""
    store, limits = (await bench.start()).quotas, Limits(images_per_s=3, burst=1, dollars_per_month=1)
    assert (await take(store, SHOP, limits, ask())).refused is None
    refused = [await take(store, SHOP, limits, ask()) for _ in range(50)]
    assert {one.refused for one in refused} == {Limit.RATE}
    assert refused[-1].usage is not None
    assert refused[-1].usage.reserved == PENNY
    bench.clock.advance(refused[0].retry_after_s - 0.001)
    assert (await take(store, SHOP, limits, ask())).refused is Limit.RATE
    bench.clock.advance(0.001)
    assert (await take(store, SHOP, limits, ask(amount=Amount.of(5, 1)))).refused is Limit.DOLLARS
    assert (await take(store, SHOP, limits, ask())).refused is None


async def test_q4_a_reservation_that_nobody_settles_lapses_and_can_still_be_settled(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(dollars_per_month=0.02)
    first, second = ask(), ask()
    await take(store, SHOP, limits, first)
    bench.clock.advance(LAPSE_S / 2)
    await take(store, SHOP, limits, second)
    assert (await take(store, SHOP, limits, ask())).refused is Limit.DOLLARS
    bench.clock.advance(LAPSE_S / 2)
    assert (await take(store, SHOP, limits, ask())).refused is None
    used = await store.settle(SHOP, lot(1, first, paid=PENNY))  # it was not dead, only slow
    assert (used.spent, used.reserved) == (PENNY, Amount.of(0.02, 2))


async def test_q4_a_lot_that_is_told_again_counts_once(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(dollars_per_month=1)
    one = ask()
    await take(store, SHOP, limits, one)
    told = [await store.settle(SHOP, lot(7, one, paid=PENNY)) for _ in range(3)]
    assert {(used.spent, used.reserved) for used in told} == {(PENNY, NOTHING)}
    assert (await store.settle(SHOP, lot(8, paid=PENNY))).spent == PENNY + PENNY


@pytest.mark.parametrize(
    ("date", "left_s"),
    [
        ((2026, 1, 31, 23, 59, 50), 10.0),
        ((2026, 2, 28, 23, 59, 59), 1.0),
        ((2028, 2, 28, 23, 59, 59), 86_401.0),  # a leap year
        ((2028, 2, 29, 12), 43_200.0),
        ((2026, 4, 30), 86_400.0),
        ((2026, 12, 31, 23), 3600.0),
        ((2100, 2, 28), 86_400.0),  # no leap year
        ((2027, 1, 1), 31 * 86_400.0),
    ],
)
async def test_q5_a_budget_is_that_of_the_calendar_month_in_utc(bench: Bench, date: tuple[int, ...], left_s: float) -> None:
    bench.clock = clock = clock_at(*date)
    store, limits = (await bench.start(clock=clock)).quotas, Limits(dollars_per_month=0.01)
    under_way, done = ask(amount=Amount.of(0.004, 1)), ask(amount=Amount.of(0.006, 1))
    for one in (under_way, done):
        assert (await take(store, SHOP, limits, one)).refused is None
    used = await store.settle(SHOP, lot(1, done, paid=Amount.of(0.010, 1)))
    assert used.month == (date[0] - 1970) * 12 + date[1] - 1
    refused = await take(store, SHOP, limits, ask())
    assert refused.is_spent
    assert refused.retry_after_s == pytest.approx(left_s)
    clock.advance(min(left_s, LAPSE_S / 2))
    if left_s <= LAPSE_S / 2:  # what is under way counts in the next month
        assert (await take(store, SHOP, limits, ask())).usage == Usage(used.month + 1, NOTHING, under_way.amount)
    clock.advance(max(left_s, LAPSE_S))
    assert (await take(store, SHOP, limits, ask())).refused is None


async def test_q6_a_store_that_has_lost_what_was_spent_takes_it_from_who_knows(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(dollars_per_month=0.05)
    month = month_at(bench.clock.now_s()).number
    known = Usage(month, Amount.of(0.045, 4))
    assert (await take(store, SHOP, limits, ask(known=known))).refused is Limit.DOLLARS
    assert (await take(store, SHOP, limits, ask())).is_spent
    assert (await store.settle(SHOP, lot(1, paid=PENNY), Usage(month, Amount.of(0.002, 1)))).spent == Amount.of(0.055, 5)
    assert (await take(store, OTHER, limits, ask(known=Usage(month - 1, Amount.of(9, 9))))).refused is None


async def test_clients_share_nothing(bench: Bench) -> None:
    store, limits = (await bench.start()).quotas, Limits(images_per_s=1, burst=1, dollars_per_month=0.01)
    assert (await take(store, SHOP, limits, ask())).refused is None
    assert (await take(store, SHOP, limits, ask())).refused is not None
    assert (await take(store, OTHER, limits, ask())).refused is None


async def test_the_same_commands_give_the_same_answers_as_the_pure_account(bench: Bench) -> None:
    """To the last bit: rates, budgets, lapses, months, lots told again, limits that change."""
    bench.clock = clock = clock_at(2026, 11, 30, 23, 50)
    store, model = (await bench.start(clock=clock)).quotas, Account()
    rng = random.Random(11)
    inside: list[Ask] = []
    number = 0
    for _ in range(400):
        clock.advance(rng.choice([0.0, 0.0, 0.013, 0.2, 1.7, 21.0]))
        now_us, month = round(clock.now_s() * US_PER_S), month_at(clock.now_s())
        if rng.random() < 0.7:
            limits = Limits(rng.choice([None, 2.0, 7.3]), rng.choice([None, 3.0]), 0.5, rng.choice([None, 60.0]))
            one = ask(rng.choice([1, 1, 1, 2, 9]), Amount(rng.randrange(3 * NANO // 100), rng.randrange(2 * MICRO)))
            expected = model.take(one, limits, now_us, month)
            assert await take(store, SHOP, limits, one) == expected
            inside += [one] if expected.refused is None else []
        else:
            number += rng.choice([0, 1, 1, 1])
            ended = [inside.pop(rng.randrange(len(inside))) for _ in range(min(len(inside), rng.randrange(4)))]
            told = lot(number, *ended, paid=Amount(rng.randrange(NANO // 100), rng.randrange(MICRO)))
            known = rng.choice([None, Usage(month.number, Amount(rng.randrange(NANO // 4), 0))])
            assert await store.settle(SHOP, told, known) == model.settle(told, now_us, month, known)


async def test_memory_forgets_first_what_nothing_is_lost_with() -> None:
    clock = ManualClock(1000.0)
    store = MemoryQuota(clock, clock)
    rich, limits = Limits(dollars_per_month=0.01), Limits(images_per_s=1)
    await store.settle("spent", lot(1, paid=PENNY))
    for number in range(memory_quota.MOST_ACCOUNTS):
        await take(store, f"{number}", limits, ask())
        clock.advance(1.1)
    assert (await take(store, "spent", rich, ask())).is_spent


@pytest.mark.redis
@pytest.mark.parametrize("shards", [1, 3])
async def test_processes_share_one_limit(redis_server: RedisServer, shards: int) -> None:
    """By Redis's own clock."""
    async with Fleet(redis_server.url, shards=shards, limits=PATIENT) as fleet:
        stores = [(await fleet.api()).quotas for _ in range(4)]
        slow, budget = Limits(images_per_s=0.001, burst=7), Limits(dollars_per_month=0.05)
        for limits, most in ((slow, 7), (budget, 5)):
            verdicts = await asyncio.gather(*(take(store, SHOP, limits, ask()) for _ in range(25) for store in stores))
            assert sum(verdict.refused is None for verdict in verdicts) == most
        assert {verdict.usage.month for verdict in verdicts if verdict.usage} == {
            month_at(datetime.now(UTC).timestamp()).number
        }


@pytest.mark.redis
async def test_every_key_expires_and_an_account_of_nothing_leaves_none(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url) as fleet, Redis.from_url(redis_server.url) as client:
        store = (await fleet.api()).quotas
        limits, one, refused_by_vendor = Limits(images_per_s=5, dollars_per_month=1), ask(), ask()

        async def left() -> dict[str, float]:
            """Seconds that the keys of clients have to live, by kind."""
            names = [name.decode() async for name in client.scan_iter(f"*{fleet.namespace}*")]
            return {
                name.split(":")[-2 if "told" not in name else -3]: await client.pttl(name) / 1000
                for name in names
                if SHOP in name
            }

        await take(store, SHOP, limits, refused_by_vendor)
        assert set(await left()) == {"pace", "budget", "reserved"}
        await store.settle(SHOP, lot(1, refused_by_vendor))
        assert set(await left()) <= {"pace", "told"}
        await take(store, SHOP, limits, one)
        await store.settle(SHOP, lot(2, one, paid=PENNY))
        lives = await left()
        assert lives["pace"] < 1
        month_s = month_at(datetime.now(UTC).timestamp()).left_s
        assert month_s < lives["budget"] < month_s + 2 * 86_400
        assert 0 < lives["told"] <= 86_400


@pytest.mark.redis
async def test_reservations_that_were_evicted_are_not_owed_for_ever(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url) as fleet, Redis.from_url(redis_server.url) as client:
        store, limits = (await fleet.api()).quotas, Limits(dollars_per_month=0.02)
        assert [(await take(store, SHOP, limits, ask())).refused for _ in range(3)] == [None, None, Limit.DOLLARS]
        async for name in client.scan_iter(f"*{fleet.namespace}*:reserved:*"):
            await client.delete(name)
        assert (await take(store, SHOP, limits, ask())).refused is None
