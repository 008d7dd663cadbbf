"""The shards of the Redis accumulator as one process sees them, and the one way to call them. Used by both of its sides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.accumulator.keys import shard_of
from app.accumulator.limits import Limits
from app.accumulator.scripts import ShardCommands
from app.accumulator.tasks import Errand, Errands, Tasks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shards:
    """All shards in order of their number, with the process' tasks and debts.

    `commands` reach what processes of this format share, `shared` what processes of all releases do (`keys.ShardKeys`).
    """

    commands: tuple[ShardCommands, ...]
    shared: tuple[ShardCommands, ...]
    limits: Limits
    tasks: Tasks
    errands: Errands

    def of(self, lane_key: str) -> ShardCommands:
        return self.commands[shard_of(lane_key, len(self.commands))]

    def shared_of(self, key: str) -> ShardCommands:
        """The shard of what all releases share under `key` (hexadecimal): its scripts see no lanes."""
        return self.shared[shard_of(key, len(self.shared))]

    async def call(self, work: Coroutine[Any, Any, T], left_over: Callable[[T | None], None] | None = None) -> T:
        """The result of one command within the limit for calls; see `tasks` for `left_over`."""
        return await self.tasks.within(self.limits.call_s, "redis call", work, left_over)

    async def call_all(self, work: Callable[[ShardCommands], Coroutine[Any, Any, T]]) -> Sequence[T]:
        """The same command on all shards at once, results in their order."""

        async def one(shard: ShardCommands) -> T:
            return await self.call(work(shard))  # begun here: of a caller who leaves at once, no command is left unawaited

        return await asyncio.gather(*(one(shard) for shard in self.commands))

    def owe(self, name: str, shard: ShardCommands, act: Callable[[], Awaitable[object]], worth_s: float) -> None:
        """Do this in the background, as soon as Redis answers, unless it takes longer than it is worth."""

        async def act_after_ping() -> None:
            await shard.ping()  # a frozen server runs what it had in its buffers before it answers: this must come after
            await act()

        self.errands.owe(Errand(name, act_after_ping, asyncio.get_running_loop().time() + worth_s))
