"""Finding the server that may be written to, where several stand together: asking sentinels, or nodes of a cluster.

In: who can be asked. Out: a `Place`. Called by `links` before the first command, and whenever a server has failed or has said
that it is not the one (any more). Nobody is believed without a look: sentinels that were cut off still name the old master.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.redis_address import ALONE, Place, RedisAddress, Standing

FAILURES = (RedisError, OSError, TimeoutError)


class Finder(Protocol):
    """Says where the keys with a tag are written. Raises redis-py's errors, within a few times `ask_s`."""

    async def find(self, tag: str) -> Place: ...


def finder(address: RedisAddress | None, ask_s: float) -> Finder:
    """`ask_s`: longest that anybody who is asked may take."""
    if address is None:
        return OneServer()
    return Sentinels(address, ask_s) if address.standing is Standing.SENTINEL else ClusterNodes(address, ask_s)


class OneServer:
    """Nothing to be found: the address names the server, and whatever stands behind it is not our business."""

    async def find(self, tag: str) -> Place:
        return ALONE


class Sentinels:
    """The master that most recently became one, according to the sentinels that answer, if it says so itself."""

    def __init__(self, address: RedisAddress, ask_s: float) -> None:
        self._address = address
        self._ask_s = ask_s

    async def find(self, tag: str) -> Place:
        why: list[str] = []
        for place in await self._named(why):
            role = await _unless_failed(ask(self._address.server(place), self._ask_s, "ROLE"), place, why)
            if role and role[0] == b"master":
                return place
        raise RedisConnectionError(f"no sentinel knows a master that answers ({', '.join(why) or 'it says that it is none'})")

    async def _named(self, why: list[str]) -> Sequence[Place]:
        """Latest promotion first; as soon as most of them have answered, since those who are away take long to say so."""
        asked = [asyncio.create_task(self._ask(place, why), name="ask a sentinel") for place in self._address.places]
        named: list[tuple[int, Place]] = []
        try:
            for answered, answer in enumerate(asyncio.as_completed(asked)):
                named += filter(None, [await answer])
                if len(named) > len(asked) / 2 or answered + 1 == len(asked):
                    break
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return list(dict.fromkeys(place for _, place in sorted(named, key=lambda entry: -entry[0])))

    async def _ask(self, sentinel: Place, why: list[str]) -> tuple[int, Place] | None:
        """The epoch of the promotion, and the master."""
        question = ("SENTINEL", "MASTER", self._address.service)
        flat = await _unless_failed(ask(self._address.sentinel(sentinel), self._ask_s, *question), sentinel, why)
        if not flat:
            return None
        told = dict(zip(flat[::2], flat[1::2], strict=True))
        return int(told[b"config-epoch"]), Place(told[b"ip"].decode(), int(told[b"port"]))


class ClusterNodes:
    """The master that has the tag's slot, according to the first node that answers. The next time another is asked first."""

    def __init__(self, address: RedisAddress, ask_s: float) -> None:
        self._address = address
        self._ask_s = ask_s
        self._known = list(address.places)

    async def find(self, tag: str) -> Place:
        slot, why = key_slot(tag.encode()), list[str]()
        for place in list(self._known):
            self._known.remove(place)
            self._known.append(place)
            ranges = await _unless_failed(ask(self._address.server(place), self._ask_s, "CLUSTER", "SLOTS"), place, why)
            if not ranges:
                continue
            self._learn(ranges, place)
            for first, last, master, *_ in ranges:
                if first <= slot <= last:
                    return _place(master, place)
        raise RedisConnectionError(f"no node of the cluster says who has the slot ({', '.join(why) or 'nobody has'})")

    def _learn(self, ranges: Sequence[Any], asked: Place) -> None:
        """The nodes that there are now, in the order in which they were asked; those of the address stay known in any case."""
        present = {_place(node, asked) for _, _, *nodes in ranges for node in nodes}
        kept = [place for place in self._known if place in present or place in self._address.places]
        self._known = [place for place in sorted(present, key=str) if place not in kept] + kept


def _place(node: Sequence[Any], asked: Place) -> Place:
    """A node that does not know its own name is the one that was asked: https://redis.io/docs/latest/commands/cluster-slots/"""
    return Place((node[0] or b"").decode() or asked.host, int(node[1]))


async def ask(url: str, within_s: float, *words: str) -> Any:
    """One question over a connection of its own. However it ends (others may have answered first), that is closed."""
    limits: dict[str, Any] = {"socket_timeout": within_s, "socket_connect_timeout": within_s}
    pool = ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), protocol=2, **limits)
    connection: Any = pool.make_connection()  # type: ignore[no-untyped-call]  # the library has no types for it
    try:
        await connection.connect()
        await connection.send_command(*words)
        return await connection.read_response()
    finally:
        await connection.disconnect(nowait=True)  # done before it could be cancelled: it waits for nothing


async def _unless_failed(asking: Awaitable[Any], place: Place, why: list[str]) -> Any:
    """The answer, or None; then `why` tells for the log."""
    try:
        return await asking
    except FAILURES as error:
        why.append(f"{place.host}:{place.port} {type(error).__name__}")
        return None
