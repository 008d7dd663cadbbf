"""Plays images by clients that each wait for their answer before they send the next. Called by `stage`.

In: the images, and who answers. Out: what was answered, in the order in which the images were sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.bench.pictures import Shot


@dataclass(frozen=True, slots=True)
class Verdict:
    """One image's answer: whether it was called unsafe (None: no answer), and its share of what was paid."""

    called_unsafe: bool | None
    inferences: float


Ask = Callable[[Shot], Awaitable[Verdict]]


async def play(shots: Sequence[Shot], ask: Ask, clients: int) -> list[Verdict]:
    """One verdict for each image."""
    verdicts: list[Verdict | None] = [None] * len(shots)
    waiting = iter(range(len(shots)))

    async def client() -> None:
        for number in waiting:
            verdicts[number] = await ask(shots[number])

    async with asyncio.TaskGroup() as tasks:
        for number in range(min(clients, len(shots))):
            tasks.create_task(client(), name=f"client {number}")
    return [verdict for verdict in verdicts if verdict is not None]
