"""Whose turn it is: the question with the least time left, one at a time, at the vendor's pace."""

from __future__ import annotations

import asyncio

from app.clock import ManualClock
from app.core.pace import SLOWEST_PER_S
from app.providers.turns import Ticket, Turns

LONG_S = 20.0  # far longer than anything here takes; only a hanging test gets there
PAUSE_S = 1.0 / SLOWEST_PER_S


class Street:
    """A line of which the test holds the clock: whoever waits for his turn lets the time pass, unless `stands_still`."""

    def __init__(self, *, throttled: bool) -> None:
        self.clock = ManualClock()
        self.turns = Turns(self.clock, self.wait)
        self.went: list[tuple[str, float]] = []
        self.stands_still = False
        self.waits = asyncio.Event()
        if throttled:
            self.turns.pace.began(0.0)
            self.turns.pace.throttled(0.0)

    async def wait(self, seconds: float) -> None:
        self.waits.set()
        if self.stands_still:
            await asyncio.Event().wait()
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    async def go(self, name: str, ticket: Ticket) -> None:
        asked = False
        try:
            while self.turns.pause_s(ticket) > 0:
                await self.turns.wait(ticket, LONG_S)
            asked = True
        finally:
            self.turns.leave(ticket, to_ask=asked)
        self.went.append((name, self.clock.now_s()))
        self.turns.pace.throttled(self.clock.now_s())


async def test_everybodys_turn_is_at_once_while_nothing_is_throttled() -> None:
    street = Street(throttled=False)
    for name in "ab":
        ticket = street.turns.join(1.0)
        assert street.turns.pause_s(ticket) == 0, name
        street.turns.leave(ticket, to_ask=True)


async def test_the_most_pressed_goes_first_whoever_came_first() -> None:
    street = Street(throttled=True)
    tickets = {name: street.turns.join(s) for name, s in [("late", 30.0), ("soon", 10.0), ("soonest", 5.0), ("sooner", 8.0)]}
    async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as tasks:
        for name, ticket in tickets.items():
            tasks.create_task(street.go(name, ticket))
    assert street.went == [(name, PAUSE_S * n) for n, name in enumerate(["soonest", "sooner", "soon", "late"], start=1)]


async def test_whoever_leaves_the_line_holds_nobody_up() -> None:
    street = Street(throttled=True)
    street.stands_still = True
    async with asyncio.timeout(LONG_S):
        first = asyncio.create_task(street.go("first", street.turns.join(1.0)))
        await street.waits.wait()
        second = asyncio.create_task(street.go("second", street.turns.join(2.0)))
        await asyncio.sleep(0)
        street.stands_still = False
        first.cancel()
        await second
    assert street.went == [("second", PAUSE_S)]


async def test_nobody_waits_longer_than_he_may() -> None:
    street = Street(throttled=True)
    street.turns.join(1.0)
    behind = street.turns.join(2.0)
    async with asyncio.timeout(LONG_S):
        await street.turns.wait(behind, 0.01)
    assert street.turns.pause_s(behind) == float("inf")
