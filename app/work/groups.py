"""A group of items that is about to be asked about together, and what each has been billed so far. Shared by the tasks.

In: items of a claimed batch. Out: `Group`, which is passed on and taken apart; `side_by_side`, which answers its parts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from app.core.model import Bill, Item, Lane, Layout, Outcome, Release
from app.errors import Kind
from app.providers.calling import Caller, LeaseLost, Permit

# Time kept back from a job's own for taking the answer home, seconds: demultiplexing, one hop through Redis, writing.
DELIVERY_MARGIN_S = 0.25

# Failures that one image can bring upon its whole sheet: the vendor would have answered its neighbours without it. Not a
# time-out: the vendor may just be slow, and halves would be cut off and paid as well. Its images go alone, see the pipeline.
TRIPPED_OVER = frozenset({Kind.PROVIDER_UNAVAILABLE, Kind.PROVIDER_GARBLED})

# Takes outcomes that are ready; each job's exactly once.
Deliver: TypeAlias = Callable[[Sequence[Outcome]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Group:
    """Items that are about to share a sheet, and what each has been billed so far."""

    sheet_id: str
    items: tuple[Item, ...]
    deadlines_s: Mapping[str, float]
    bills: Mapping[str, Bill]
    permit: Permit | None = None

    @property
    def lane(self) -> Lane:
        """The one lane of all its items."""
        return self.items[0].job.lane

    def part(self, items: Sequence[Item], name: str, bills: Mapping[str, Bill] | None = None) -> Group:
        return replace(self, sheet_id=f"{self.sheet_id}{name}", items=tuple(items), bills=bills or self.bills)

    def time_left_s(self, now_s: float) -> float:
        """The time that the most pressed of its items still has."""
        return min(self.deadlines_s[item.job.id] for item in self.items) - now_s

    def charged(
        self, paid: int, *, layout: Layout, compose_s: float, provider_s: float, attempt_s: float = 0.0
    ) -> dict[str, Bill]:
        """The bills after `paid` further inferences, split evenly. The layout is that of the last sheet."""
        share = paid / len(self.items)
        charged = {}
        for item in self.items:
            bill = self.bills[item.job.id]
            charged[item.job.id] = replace(
                bill,
                layout=layout,
                inferences=bill.inferences + share,
                sheet_id=bill.sheet_id or self.sheet_id,
                compose_s=bill.compose_s + compose_s,
                provider_s=bill.provider_s + provider_s,
                attempt_s=attempt_s,
            )
        return charged


def open_group(sheet_id: str, items: Sequence[Item], release: Release, now_s: float, permit: Permit | None = None) -> Group:
    """A fresh group for items just claimed at `now_s`."""
    deadlines_s = {item.job.id: now_s + item.time_left_s - DELIVERY_MARGIN_S for item in items}
    bills = {item.job.id: Bill(release=release, waited_s=item.waited_s) for item in items}
    return Group(sheet_id, tuple(items), deadlines_s, bills, permit)


class Work(Protocol):
    """What a worker can do with a group. Each delivers exactly one outcome per item, and raises only LeaseLost and what
    `deliver` raises.
    """

    @property
    def caller(self) -> Caller: ...

    async def answer(self, group: Group, deliver: Deliver) -> None: ...

    async def answer_each_alone(self, group: Group, deliver: Deliver) -> None:
        """Without any sheet: for batches that have failed their workers before."""
        ...


async def side_by_side(parts: Iterable[Coroutine[Any, Any, None]], name: str) -> None:
    """Await all of them. One lost lease ends all, because they share it: LeaseLost. Whatever cannot begin is closed."""
    waiting = deque(parts)
    try:
        async with asyncio.TaskGroup() as tasks:
            while waiting:
                tasks.create_task(waiting[0], name=name)
                del waiting[0]  # its task answers for it from here on
    except ExceptionGroup as group:
        if group.subgroup(LeaseLost) is not None:
            raise LeaseLost(name) from group
        raise
    finally:
        for part in waiting:
            part.close()
