"""Guarantee G8, for every implementation: who leaves is neither paid for nor delivered to, and costs nobody else anything."""

from __future__ import annotations

from app.accumulator.contract import Accumulator, Settlement, Withdrawal
from app.core.lanes import RETURN_GRACE_S
from tests.contract.conftest import LEASE_S, Bench
from tests.support.claims import claim, enqueue_all, result_of, waiting
from tests.support.jobs import job, job_ids, lane, outcome, outcomes


async def test_g8_a_pending_job_that_is_withdrawn_is_never_claimed(bench: Bench, accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a")
    assert await accumulator.withdraw("a") is Withdrawal.PENDING
    assert futures["a"].cancelled()
    assert await accumulator.withdraw("a") is Withdrawal.GONE
    bench.clock.advance(1.0)
    assert await accumulator.claim(0.0) is None
    assert await waiting(accumulator) == 0


async def test_g8_a_withdrawn_job_frees_its_cell_for_the_next(accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b")
    await accumulator.withdraw("a")
    assert await accumulator.claim(0.0) is None
    await enqueue_all(accumulator, "c")
    assert job_ids(await claim(accumulator)) == ["b", "c"]


async def test_g8_a_job_under_way_that_is_withdrawn_is_not_delivered(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    assert await accumulator.withdraw("a") is Withdrawal.UNDER_WAY
    assert await accumulator.complete(batch, outcomes(batch)) == Settlement(frozenset("b"))
    assert await result_of(futures["b"]) == outcome("b", label="b")
    assert futures["a"].cancelled()


async def test_g8_only_what_is_pending_is_taken_back_where_that_is_asked(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b", "c")
    batch = await claim(accumulator)
    assert await accumulator.withdraw("a", only_pending=True) is Withdrawal.UNDER_WAY
    assert await accumulator.withdraw("c", only_pending=True) is Withdrawal.PENDING
    assert futures["c"].cancelled()
    assert await accumulator.complete(batch, outcomes(batch)) == Settlement(frozenset("ab"))
    assert await result_of(futures["a"]) == outcome("a", label="a")


async def test_g8_what_nobody_holds_any_more_counts_as_pending(bench: Bench, accumulator: Accumulator) -> None:
    """Its holder is gone without a word, and after a while it shows that nobody else is there to take it over."""
    futures = await enqueue_all(accumulator, "a", "b")
    await claim(accumulator)
    bench.clock.advance(LEASE_S)
    assert await accumulator.withdraw("a", only_pending=True) is Withdrawal.UNDER_WAY
    bench.clock.advance(RETURN_GRACE_S)
    assert await accumulator.withdraw("a", only_pending=True) is Withdrawal.PENDING
    assert futures["a"].cancelled()
    assert job_ids(await claim(accumulator)) == ["b"]


async def test_g8_what_came_back_just_now_is_the_next_workers(bench: Bench, accumulator: Accumulator) -> None:
    """However often somebody asks for it, a worker who comes in time finds it whole."""
    await enqueue_all(accumulator, "a", "b")
    assert await accumulator.give_back(await claim(accumulator))
    bench.clock.advance(RETURN_GRACE_S / 2)
    assert await accumulator.withdraw("a", only_pending=True) is Withdrawal.UNDER_WAY
    assert job_ids(await claim(accumulator)) == ["a", "b"]
    bench.clock.advance(LEASE_S)
    assert await accumulator.withdraw("b", only_pending=True) is Withdrawal.UNDER_WAY
    assert job_ids(await claim(accumulator)) == ["a", "b"]


async def test_g8_whoever_leaves_for_good_waits_for_nobody(bench: Bench, accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b")
    await claim(accumulator)
    bench.clock.advance(LEASE_S)
    assert await accumulator.withdraw("a") is Withdrawal.UNDER_WAY
    assert job_ids(await claim(accumulator)) == ["b"]


async def test_g12_who_is_only_pending_stays_while_a_worker_asks_for_it(bench: Bench, accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b", "c")
    other = await accumulator.enqueue(job("d", lane=lane("another tenant")))
    batch = await claim(accumulator)
    assert await accumulator.extend(batch, LEASE_S, stay_s=LEASE_S / 2)
    assert await accumulator.withdraw("c", only_pending=True) is Withdrawal.STAYS
    assert await accumulator.withdraw("d", only_pending=True) is Withdrawal.PENDING
    assert not futures["c"].done()
    assert other.cancelled()
    bench.clock.advance(LEASE_S / 2)
    assert await accumulator.withdraw("c", only_pending=True) is Withdrawal.PENDING


async def test_g12_whoever_leaves_for_good_is_not_kept(accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b", "c")
    await accumulator.extend(await claim(accumulator), LEASE_S, stay_s=LEASE_S)
    assert await accumulator.withdraw("c") is Withdrawal.PENDING
    assert await accumulator.withdraw("a") is Withdrawal.UNDER_WAY


async def test_g12_a_late_holder_asks_nobody_to_stay(bench: Bench, accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b", "c")
    late = await claim(accumulator)
    bench.clock.advance(LEASE_S)
    await claim(accumulator)
    assert not await accumulator.extend(late, LEASE_S, stay_s=LEASE_S)
    assert await accumulator.withdraw("c", only_pending=True) is Withdrawal.PENDING


async def test_g8_a_batch_whose_every_job_was_withdrawn_is_no_longer_its_holders(accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    await accumulator.withdraw("a")
    await accumulator.withdraw("b")
    assert not await accumulator.extend(batch, LEASE_S)
    assert await waiting(accumulator) == 0


async def test_g8_what_was_delivered_before_stays_with_its_waiter(accumulator: Accumulator) -> None:
    """The withdrawal may overtake an outcome that is on its way; then the future has it when `withdraw` returns."""
    futures = await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    await accumulator.complete(batch, outcomes(batch))
    assert await accumulator.withdraw("a") is Withdrawal.GONE
    assert futures["a"].result() == outcome("a", label="a")


async def test_g8_to_ask_for_what_is_pending_only_leaves_an_outcome_where_it_is(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    await accumulator.complete(batch, outcomes(batch))
    assert await accumulator.withdraw("a", only_pending=True) is Withdrawal.GONE
    assert futures["a"].result() == outcome("a", label="a")
    assert await result_of(futures["b"]) == outcome("b", label="b")
