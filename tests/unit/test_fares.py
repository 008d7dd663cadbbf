"""Whether an image's way can still be given up for nothing, and what is known of its end when nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.core.model import Bill, Feature, Inquiry, Outcome
from app.fares import Ended, Fare, Fares
from tests.support.wire import answered

THINGS, FACES = Inquiry(Feature.OBJECTS), Inquiry(Feature.FACES)


async def test_what_nobody_has_sent_is_given_up_for_nothing() -> None:
    fare = Fare()
    assert await fare.take_back()
    assert (fare.is_back, fare.is_given_up, fare.is_paid) == (True, True, False)


async def test_what_is_being_sent_is_not_given_up_and_what_was_refused_is() -> None:
    fare = Fare()
    fare.under_way(True)
    assert not await fare.take_back()
    assert not fare.is_given_up
    fare.under_way(False)
    assert await fare.take_back()


async def test_what_was_paid_stays_paid() -> None:
    fare = Fare()
    fare.paid()
    fare.under_way(False)
    assert fare.is_paid


async def test_of_two_who_take_back_at_once_one_success_counts() -> None:
    """The store says yes to the first, and to the second that there is nothing any more."""
    fare, answers, go = Fare(), [True, False], asyncio.Event()

    async def withdrawn() -> bool:
        answer = answers.pop(0)
        await go.wait()
        return answer

    fare.waiting(withdrawn)
    both = [asyncio.create_task(fare.take_back()) for _ in range(2)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait(both)
    assert fare.is_back


async def test_all_ways_are_told_of_once_when_the_last_has_ended() -> None:
    fares, gates = Fares(), [asyncio.Event() for _ in range(3)]
    told: list[Sequence[Ended]] = []
    outcome = answered(bill=Bill(inferences=0.5))

    async def fly(number: int, fare: Fare, inquiry: Inquiry) -> Outcome:
        way = asyncio.current_task()
        assert way is not None
        fares.begin(inquiry, fare, way)
        await gates[number].wait()
        return outcome

    tasks = [asyncio.create_task(fly(number, Fare(), inquiry)) for number, inquiry in enumerate((THINGS, FACES))]
    fares.left(asyncio.create_task(gates[2].wait()))
    await asyncio.sleep(0)
    fares.when_over(told.append)
    tasks[1].cancel()
    gates[0].set()
    await asyncio.wait(tasks)
    await asyncio.sleep(0)
    assert told == []
    gates[2].set()
    async with asyncio.timeout(10.0):
        while not told:
            await asyncio.sleep(0)
    assert told == [[Ended(THINGS, outcome)]]  # what was broken off had not been paid


async def test_what_was_broken_off_when_it_may_have_been_paid_is_told_without_an_outcome() -> None:
    fares, fare = Fares(), Fare()
    told: list[Sequence[Ended]] = []
    fare.under_way(True)
    way: asyncio.Task[Outcome] = asyncio.create_task(never())
    fares.begin(THINGS, fare, way)
    way.cancel()
    await asyncio.wait({way})
    fares.when_over(told.append)
    assert told == [[Ended(THINGS, None)]]


async def never() -> Outcome:
    await asyncio.Event().wait()
    raise AssertionError
