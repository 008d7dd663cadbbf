"""Clients that take images in turn: one verdict for each, in the order of the images."""

from __future__ import annotations

import asyncio

import pytest

from app.bench.pictures import Shot
from app.bench.playing import Verdict, play

SHOTS = [Shot(bytes([number]), is_unsafe=False) for number in range(50)]


@pytest.mark.parametrize(("clients", "at_once"), [(1, 1), (7, 7), (50, 50), (100, 50)])
async def test_every_image_is_asked_once_and_verdicts_keep_their_order(clients: int, at_once: int) -> None:
    under_way, most, asked = 0, 0, []

    async def ask(shot: Shot) -> Verdict:
        nonlocal under_way, most
        asked.append(shot)
        under_way += 1
        most = max(most, under_way)
        for _ in range(1 + shot.data[0] % 5):  # some take longer than others
            await asyncio.sleep(0)
        under_way -= 1
        return Verdict(called_unsafe=False, inferences=float(shot.data[0]))

    verdicts = await play(SHOTS, ask, clients)
    assert [verdict.inferences for verdict in verdicts] == [float(number) for number in range(50)]
    assert sorted(shot.data for shot in asked) == [shot.data for shot in SHOTS]
    assert most == at_once


async def test_no_images_no_verdicts() -> None:
    async def ask(_shot: Shot) -> Verdict:
        raise AssertionError

    assert await play([], ask, 3) == []


async def test_a_mistake_ends_the_play() -> None:
    async def ask(_shot: Shot) -> Verdict:
        raise RuntimeError("a mistake")

    with pytest.raises(ExceptionGroup):
        await play(SHOTS, ask, 3)
