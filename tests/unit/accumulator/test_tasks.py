"""Calls that outlive their caller, debts, pauses: nothing is half done and nothing is forgotten."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.accumulator.tasks import MOST_ERRANDS, Backoff, Errand, Errands, Tasks, wait_for_event
from app.errors import Kind, Problem

FAR_S = 60.0
UNAVAILABLE = Problem(Kind.ACCUMULATOR_UNAVAILABLE, "away")


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    owner = Tasks()
    yield owner
    await owner.close()


def backoff(*, first_s: float = 0.001, longest_s: float = 0.002, closing: asyncio.Event | None = None) -> Backoff:
    return Backoff(first_s, longest_s, random.Random(1), closing or asyncio.Event())


async def after(event: asyncio.Event, result: str) -> str:
    await event.wait()
    return result


async def failing(event: asyncio.Event) -> str:
    await event.wait()
    raise UNAVAILABLE


async def test_a_call_gives_its_result(tasks: Tasks) -> None:
    done = asyncio.Event()
    done.set()
    assert await tasks.within(FAR_S, "call", after(done, "result")) == "result"


async def test_a_call_that_takes_too_long_fails_goes_on_and_hands_its_result_over(tasks: Tasks) -> None:
    left_over: list[str | None] = []
    event, told = asyncio.Event(), asyncio.Event()

    def take_back(result: str | None) -> None:
        left_over.append(result)
        told.set()

    with pytest.raises(Problem) as refusal:
        await tasks.within(0.001, "call", after(event, "late"), take_back)
    assert refusal.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
    assert left_over == []
    event.set()
    await asyncio.wait_for(told.wait(), FAR_S)
    assert left_over == ["late"]


async def test_a_call_whose_caller_is_cancelled_goes_on_and_hands_its_result_over(tasks: Tasks) -> None:
    left_over: asyncio.Queue[str | None] = asyncio.Queue()
    event = asyncio.Event()
    caller = asyncio.create_task(tasks.within(FAR_S, "call", after(event, "unwanted"), left_over.put_nowait))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    event.set()
    assert await asyncio.wait_for(left_over.get(), FAR_S) == "unwanted"


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_call_that_fails_leaves_the_unknown_behind(tasks: Tasks, cancelled: bool) -> None:
    left_over: asyncio.Queue[str | None] = asyncio.Queue()
    event = asyncio.Event()
    caller = asyncio.create_task(tasks.within(FAR_S, "call", failing(event), left_over.put_nowait))
    await asyncio.sleep(0)
    if cancelled:
        caller.cancel()
    event.set()
    with pytest.raises(asyncio.CancelledError if cancelled else Problem):
        await caller
    assert await asyncio.wait_for(left_over.get(), FAR_S) is None


async def test_closing_ends_every_task_and_the_calls_that_wait_for_one() -> None:
    tasks = Tasks()
    forever = asyncio.Event()
    waiting = asyncio.create_task(tasks.within(FAR_S, "call", after(forever, "never")))
    abandoned = asyncio.create_task(tasks.within(FAR_S, "call", after(forever, "never"), lambda _: None))
    await asyncio.sleep(0)
    abandoned.cancel()
    await asyncio.sleep(0)
    await tasks.close()
    with pytest.raises(Problem) as refusal:
        await waiting
    assert refusal.value.kind is Kind.SHUTTING_DOWN


async def test_a_supervised_task_begins_anew_after_a_mistake(tasks: Tasks) -> None:
    turns: list[int] = []
    done = asyncio.Event()

    async def run() -> None:
        turns.append(len(turns))
        if len(turns) < 3:
            raise ValueError("a mistake of ours")
        done.set()

    tasks.supervise("run", run, backoff())
    await asyncio.wait_for(done.wait(), FAR_S)
    assert turns == [0, 1, 2]


def test_pauses_double_up_to_the_longest_and_at_least_half_of_each_is_certain() -> None:
    pauses = backoff(first_s=0.1, longest_s=1.0)
    certain = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert all(limit / 2 <= pauses.next_s() <= limit for limit in certain)
    pauses.reset()
    assert pauses.next_s() <= 0.1


def test_two_processes_do_not_come_back_in_step() -> None:
    one, other = (Backoff(0.1, 1.0, random.Random(seed), asyncio.Event()) for seed in (1, 2))
    assert one.next_s() != other.next_s()


async def test_a_pause_ends_when_closing() -> None:
    closing = asyncio.Event()
    closing.set()
    await asyncio.wait_for(backoff(first_s=FAR_S, longest_s=FAR_S, closing=closing).wait(), 20)


async def test_waiting_for_an_event_tells_whether_it_came() -> None:
    event = asyncio.Event()
    assert not await wait_for_event(event, 0.001)
    event.set()
    assert await wait_for_event(event, 0.001)


# --- errands ---


def errand(act: Callable[[], Awaitable[object]], worth_s: float = FAR_S) -> Errand:
    return Errand("errand", act, asyncio.get_running_loop().time() + worth_s)


async def test_a_debt_is_paid_in_the_background_and_tried_again_until_it_is(tasks: Tasks) -> None:
    errands = Errands(backoff())
    tasks.spawn("errands", errands.run())
    tries: list[str] = []
    paid = asyncio.Event()

    async def act() -> None:
        tries.append("try")
        if len(tries) < 3:
            raise UNAVAILABLE
        paid.set()

    errands.owe(errand(act))
    await asyncio.wait_for(paid.wait(), FAR_S)
    assert len(tries) == 3


async def test_debts_are_paid_in_order_and_pointless_ones_are_dropped(tasks: Tasks) -> None:
    errands = Errands(backoff())
    paid: list[str] = []
    done = asyncio.Event()

    def pay(name: str) -> Callable[[], Awaitable[object]]:
        async def act() -> None:
            paid.append(name)
            if name == "last":
                done.set()

        return act

    errands.owe(errand(pay("first")))
    errands.owe(errand(pay("pointless"), worth_s=0.0))
    errands.owe(errand(pay("last")))
    tasks.spawn("errands", errands.run())
    await asyncio.wait_for(done.wait(), FAR_S)
    assert paid == ["first", "last"]
    assert len(errands) == 0


async def test_a_debt_that_cannot_be_paid_at_all_stops_nobody(tasks: Tasks) -> None:
    """The owner restarts what fails; it must find its way on, also when that was the last debt."""
    errands = Errands(backoff())
    paid = asyncio.Event()

    async def broken() -> None:
        raise ValueError("a mistake of ours")

    async def act() -> None:
        paid.set()

    errands.owe(errand(broken))
    with pytest.raises(ValueError, match="ours"):
        await errands.run()
    running = asyncio.create_task(errands.run())
    await asyncio.sleep(0)
    assert not running.done()
    errands.owe(errand(act))
    await asyncio.wait_for(paid.wait(), FAR_S)
    running.cancel()


async def test_debts_are_bounded() -> None:
    errands = Errands(backoff())

    async def act() -> None:
        return

    for _ in range(MOST_ERRANDS + 5):
        errands.owe(errand(act))
    assert len(errands) == MOST_ERRANDS
