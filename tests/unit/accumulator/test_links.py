"""Where a tag's commands go: found once for all who ask, looked for anew when in doubt, and left without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from app.accumulator.limits import Limits
from app.accumulator.links import Links, Route
from app.errors import Problem
from app.redis_address import Place

ONE, OTHER = Place("one", 1), Place("other", 2)


class Told:
    """Says what it is told to say, as soon as it may."""

    def __init__(self, *answers: Place | Exception) -> None:
        self.answers = list(answers)
        self.may = asyncio.Event()
        self.may.set()

    async def find(self, tag: str) -> Place:
        assert tag == "{tag}"
        answer = self.answers.pop(0)
        await self.may.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def links() -> AsyncIterator[Links]:
    """Nothing is connected here."""
    them = Links("redis+cluster://one:1", Limits(), shards=1)
    yield them
    await them.close()


async def test_several_who_ask_at_once_are_one_search(links: Links) -> None:
    told = Told(ONE)
    told.may.clear()
    route = Route("{tag}", told, links)
    asking = [asyncio.create_task(route.to()) for _ in range(3)]
    await asyncio.sleep(0)
    told.may.set()
    assert {(await asked).place for asked in asking} == {ONE}
    assert (await route.to()).place == ONE


async def test_a_search_that_fails_fails_for_all_and_the_next_one_is_another(links: Links) -> None:
    told = Told(RedisConnectionError("nobody"), ONE)
    told.may.clear()
    route = Route("{tag}", told, links)
    asking = [asyncio.create_task(route.to()) for _ in range(3)]
    await asyncio.sleep(0)
    told.may.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(result) for result in results] == [RedisConnectionError] * 3
    assert (await route.to()).place == ONE


async def test_who_gives_up_a_search_takes_nobody_else_along_for_longer_than_it(links: Links) -> None:
    told = Told(ONE, OTHER)
    told.may.clear()
    route = Route("{tag}", told, links)
    first, second = asyncio.create_task(route.to()), asyncio.create_task(route.to())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(RedisConnectionError):
        await second
    told.may.set()
    assert (await route.to()).place == OTHER


async def test_in_doubt_it_looks_again_and_may_find_the_same(links: Links) -> None:
    route = Route("{tag}", Told(ONE, ONE, OTHER), links)
    server = await route.to()
    route.doubt(server)
    assert await route.to() is server
    route.doubt(server)
    assert (await route.to()).place == OTHER
    route.doubt(server)  # long left: somebody else has found out, too
    assert (await route.to()).place == OTHER


async def test_a_server_is_shared_by_the_routes_that_lead_there(links: Links) -> None:
    one, two = Route("{tag}", Told(ONE), links), Route("{tag}", Told(ONE), links)
    assert await one.to() is await two.to()
    assert await one.lead(OTHER) is not await two.to()


async def test_a_node_of_a_cluster_behind_a_plain_address_is_told_at_once() -> None:
    """It sends us to another node, which we must not follow; and not to it again."""
    asked = 0

    async def node(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while (line := await reader.readline()).startswith(b"*"):
            words = [(await reader.readline(), (await reader.readline()).strip())[1] for _ in range(int(line[1:]))]
            is_ours = words[0] == b"GET"
            asked += is_ours
            writer.write(b"-MOVED 5 127.0.0.1:1\r\n" if is_ours else b"+OK\r\n")
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(node, "127.0.0.1", 0) as server:
        links = Links(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", Limits(), shards=1)
        with pytest.raises(Problem, match=r"redis\+cluster://"):
            await links.to("{x}").call("GET", "{x}a")
        await links.close()
    assert asked == 1
