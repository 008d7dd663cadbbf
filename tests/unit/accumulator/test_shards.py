"""Calling all shards at once: results in their order, and nothing left behind by a caller who leaves."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import pytest

from app.accumulator.limits import Limits
from app.accumulator.scripts import ShardCommands
from app.accumulator.shards import Shards
from app.accumulator.tasks import Backoff, Errands, Tasks


class Shard:
    """Stands for the commands of one shard."""

    def __init__(self, number: int) -> None:
        self.number = number

    async def peek(self) -> int:
        return self.number


async def peek(shard: Any) -> int:
    return cast("int", await shard.peek())


def three_shards() -> Shards:
    commands = cast("tuple[ShardCommands, ...]", tuple(Shard(number) for number in range(3)))
    return Shards(commands, commands[:2], Limits(), Tasks(), Errands(Backoff(0.001, 0.002, random.Random(1), asyncio.Event())))


async def test_all_shards_answer_in_their_order() -> None:
    shards = three_shards()
    assert await shards.call_all(peek) == [0, 1, 2]
    await shards.tasks.close()


async def test_what_all_releases_share_has_shards_of_its_own() -> None:
    shards = three_shards()
    assert [cast("Any", shards.shared_of(f"{number:x}")).number for number in range(4)] == [0, 1, 0, 1]
    await shards.tasks.close()


async def test_a_caller_who_leaves_at_once_leaves_no_command_unawaited() -> None:
    """A command that is made and never awaited is a RuntimeWarning, which fails a test here."""
    shards = three_shards()
    asking = asyncio.create_task(asyncio.wait_for(shards.call_all(peek), 60))
    await asyncio.sleep(0)  # the call has begun, its parts have not
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await shards.tasks.close()
