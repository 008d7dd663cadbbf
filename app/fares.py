"""What an image's way costs: whether it can still be given up for nothing, and, for a client that has left, what it did cost.

    desk: Fares -> pipeline: a Fare for each way that this request leads itself -> gatherer, joiner: paid or not
       `- the client has left: when all ways have ended, their bills

Whoever joins somebody else's way has no fare of his own: it is paid by the one who leads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.model import Inquiry, Outcome


class Fare:
    """Whether an image's way can still be given up for nothing: until it is in somebody's sheet, or on its way alone."""

    def __init__(self) -> None:
        self.is_back = False
        self.is_given_up = False
        self._is_paid = False
        self._is_under_way = False
        self._take_back: Callable[[], Awaitable[bool]] | None = None

    @property
    def is_paid(self) -> bool:
        """Whether it is, or may be any moment."""
        return self._is_paid or self._is_under_way

    def waiting(self, take_back: Callable[[], Awaitable[bool]] | None) -> None:
        """Nothing is paid yet; `take_back` sees to it that nothing will be, or says that it is too late."""
        self._take_back = take_back

    def paid(self) -> None:
        self._is_paid = True

    def under_way(self, is_under_way: bool) -> None:
        """It is being sent, and may be paid any moment; or the vendor has refused it, for nothing."""
        self._is_under_way = is_under_way

    async def take_back(self) -> bool:
        """Whether nothing has been paid, and nothing will be if the way ends now. From now on nobody waits for its end."""
        if self.is_paid:
            return False
        self.is_given_up = True
        is_back = self.is_back or self._take_back is None or await self._take_back()
        self.is_back = self.is_back or is_back  # somebody else may have asked at the same time
        return self.is_back


@dataclass(frozen=True, slots=True)
class Ended:
    """A way that has ended. `outcome` has its bill; None where it was broken off when it may have been paid already."""

    inquiry: Inquiry
    outcome: Outcome | None


class Fares:
    """Of one request; belongs to one event loop."""

    def __init__(self) -> None:
        self._others: list[asyncio.Task[Any]] = []
        self._begun: list[tuple[Inquiry, Fare, asyncio.Task[Outcome]]] = []

    def begin(self, inquiry: Inquiry, fare: Fare, way: asyncio.Task[Outcome]) -> None:
        """`way` ends with the outcome; it may go on when the client has left."""
        self._begun.append((inquiry, fare, way))

    def left(self, other: asyncio.Task[Any]) -> None:
        """Something else goes on without the client, and charges him itself before it is over."""
        self._others.append(other)

    def when_over(self, tell: Callable[[Sequence[Ended]], None]) -> None:
        """Called once, and at once where nothing is under way: with all ways that have, or may have, cost something."""
        ways = [way for _, _, way in self._begun]
        under_way: set[asyncio.Task[Any]] = {way for way in (*ways, *self._others) if not way.done()}
        if not under_way:
            tell(self._ended())
            return

        def one_less(way: asyncio.Task[Any]) -> None:
            under_way.discard(way)
            if not under_way:
                tell(self._ended())

        for way in tuple(under_way):
            way.add_done_callback(one_less)

    def _ended(self) -> list[Ended]:
        outcomes = [(inquiry, fare, _outcome_of(way)) for inquiry, fare, way in self._begun]
        return [Ended(inquiry, outcome) for inquiry, fare, outcome in outcomes if outcome is not None or fare.is_paid]


def _outcome_of(way: asyncio.Task[Outcome]) -> Outcome | None:
    return None if way.cancelled() or way.exception() is not None else way.result()
