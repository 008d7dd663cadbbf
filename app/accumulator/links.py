"""Connections to Redis: one server, the master that sentinels watch, or the nodes of a cluster.

A `Link` carries the commands of one hash tag to the server that has it. Where that is, is found before the first command and
kept until the server fails or says that it is not the one (`finding`). In: words of commands. Out: Redis's answers; every
failure of Redis or of the way to it is a Problem(ACCUMULATOR_UNAVAILABLE) with its cause kept. This file and `finding` alone
know the client library. Used by `scripts`; built by `redis`.

redis-py retries nothing here: it cannot know which script may run twice. What a server has refused to run is another matter: it
is sent on to where it belongs (MOVED), or again a moment later (ASK, TRYAGAIN: a slot whose keys are being moved one by one;
the scripts need them all, so they wait for the end of it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.accumulator.finding import Finder, finder
from app.accumulator.limits import Limits
from app.errors import Kind, Problem
from app.log import get_logger
from app.redis_address import Place, parse

T = TypeVar("T")

# Before the same server is asked again for keys that are on their way to another one, seconds: moving a key takes less.
MOVING_S = 0.05
# Answers after which the tag's server is looked for anew: it is away, or it is no master.
ELSEWHERE = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, ClusterDownError, OSError, TimeoutError)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's whole text, and the hash by which Redis knows it."""

    text: bytes
    sha: str


class Server:
    """One server's pools: for short calls, and for blocking pops with a longer socket time-out. Nothing is connected yet."""

    def __init__(self, place: Place, url: str, limits: Limits, blocking: int) -> None:
        self.place = place
        self.calls = _pool(url, limits, limits.connections, limits.call_s)
        self.blocking = _pool(url, limits, blocking, limits.blocking_read_s)
        self._users = 0
        self._is_left = False

    @property
    def is_in_use(self) -> bool:
        return self._users > 0

    async def use(self, act: Callable[[Server], Awaitable[T]]) -> T:
        """The last one to leave a server that nobody is sent to any more closes it."""
        self._users += 1
        try:
            return await act(self)
        finally:
            self._users -= 1
            if self._is_left and not self._users:
                await self.close()

    async def leave(self, *, is_lost: bool) -> None:
        """Nobody is sent here any more. What is under way ends by itself: whoever waits for keys that have moved is told so.

        `is_lost`: nobody is told anything there, so that what only waits is ended now.
        """
        self._is_left = True
        if is_lost:
            await _disconnect(self.blocking, busy=True)
        if not self._users:
            await self.close()

    async def close(self) -> None:
        """A server that does not answer cannot hold this up, since nothing is waited for."""
        for client in (self.calls, self.blocking):
            await _disconnect(client, busy=True)


class Route:
    """Where one tag's server is. Several who ask at once are one search."""

    def __init__(self, tag: str, finder: Finder, links: Links) -> None:
        self._tag = tag
        self._finder = finder
        self._links = links
        self._search: asyncio.Future[Server] | None = None
        self.server: Server | None = None
        self._is_sure = False

    @property
    def may_move(self) -> bool:
        """Whether there are several servers."""
        return self._links.are_many

    async def to(self) -> Server:
        if self.server is not None and self._is_sure:
            return self.server
        if self._search is None:
            return await self._look()
        return await asyncio.shield(self._search)

    async def _look(self) -> Server:
        self._search = search = asyncio.get_running_loop().create_future()
        try:
            server = await self.lead(await self._finder.find(self._tag))
            search.set_result(server)
            return server
        except BaseException as error:
            search.set_exception(error if isinstance(error, Exception) else RedisConnectionError("the search was given up"))
            search.exception()  # whoever waits is told; nobody has to
            raise
        finally:
            self._search = None

    async def lead(self, place: Place) -> Server:
        """From now on to this place."""
        server = self._links.server(place)
        is_lost = not self._is_sure
        before, self.server, self._is_sure = self.server, server, True
        if before is not None and before is not server:
            log.warning("Redis has moved", host=place.host, port=place.port)
            await self._links.leave(before, is_lost=is_lost)
        return server

    def doubt(self, server: Server) -> None:
        """It failed, or is not the one: look anew before the next command."""
        if server is self.server:
            self._is_sure = False


class Link:
    """The commands of one tag."""

    def __init__(self, route: Route, limits: Limits) -> None:
        self._route = route
        self._limits = limits

    async def call(self, *words: Any) -> Any:
        """A short command."""
        return await self._send(lambda server: _execute(server.calls, *words))

    async def block(self, *words: Any) -> Any:
        """A command that may wait for `limits.block_s`, or one of a connection's owner who also waits."""
        return await self._send(lambda server: _execute(server.blocking, *words))

    async def block_all(self, *commands: Sequence[Any]) -> list[Any]:
        """Several at once on a blocking connection, answers in their order."""

        async def act(server: Server) -> list[Any]:
            pipeline = server.blocking.pipeline(transaction=False)
            for words in commands:
                pipeline.execute_command(*words)
            return await pipeline.execute()

        return await self._send(act)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """A script by its hash; a server that does not know it (restarted, promoted, another node) gets the text once."""
        rest = (len(keys), *keys, *arguments)

        async def act(server: Server) -> Any:
            try:
                return await _execute(server.calls, "EVALSHA", script.sha, *rest)
            except NoScriptError:
                return await _execute(server.calls, "EVAL", script.text, *rest)

        return await self._send(act)

    async def _send(self, act: Callable[[Server], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._limits.call_s
        with _translated():
            while True:
                server = await self._route.to()
                try:
                    return await server.use(act)
                except (AskError, TryAgainError) as refusal:  # MOVED is an ASK to redis-py
                    if loop.time() > until_s:
                        raise
                    if not isinstance(refusal, MovedError) or await self._follow(refusal, server) is server:
                        await asyncio.sleep(MOVING_S)
                except ELSEWHERE as error:
                    self._route.doubt(server)
                    if isinstance(error, ReadOnlyError):  # behind one address, too: whoever connects anew finds the master
                        await _disconnect(server.calls, busy=False)
                    raise

    async def _follow(self, moved: MovedError, server: Server) -> Server:
        if not self._route.may_move:
            raise Problem(
                Kind.ACCUMULATOR_UNAVAILABLE, "Redis is a node of a cluster: its address begins with redis+cluster://"
            )
        return await self._route.lead(Place(moved.host or server.place.host, moved.port))


class Links:
    """All connections of one process. `shards`: how many reply lists and wake lists it listens to."""

    def __init__(self, url: str, limits: Limits, shards: int) -> None:
        self._url = url
        self._limits = limits
        self._blocking = 2 * shards + 1  # a reply list and a wake list per shard, and one connection that is being replaced
        self._address = parse(url)
        self._finder = finder(self._address, limits.connect_s)
        self._routes: list[Route] = []
        self._servers: dict[Place, Server] = {}
        self._left: list[Server] = []

    def to(self, tag: str) -> Link:
        """Carries the commands on keys with this tag."""
        route = Route(tag, self._finder, self)
        self._routes.append(route)
        return Link(route, self._limits)

    @property
    def are_many(self) -> bool:
        return self._address is not None

    def server(self, place: Place) -> Server:
        if place not in self._servers:
            url = self._url if self._address is None else self._address.server(place)
            self._servers[place] = Server(place, url, self._limits, self._blocking)
        return self._servers[place]

    async def leave(self, server: Server, *, is_lost: bool) -> None:
        """A route has left it: the last one turns off the light."""
        if any(route.server is server for route in self._routes):
            return
        if self._servers.get(server.place) is server:
            del self._servers[server.place]
        self._left = [left for left in self._left if left.is_in_use] + [server]
        await server.leave(is_lost=is_lost)

    async def close(self) -> None:
        for server in (*self._servers.values(), *self._left):
            await server.close()

    async def evicting_policy(self) -> str | None:
        """The eviction policy of a server that may throw images away, else None (also where asking is not allowed)."""
        for server in list(self._servers.values()):
            try:
                answer = await server.use(lambda this: _execute(this.calls, "CONFIG", "GET", "maxmemory-policy"))
            except RedisError:
                continue
            policy = dict(zip(answer[::2], answer[1::2], strict=True)).get(b"maxmemory-policy", b"") if answer else b""
            if policy not in (b"", b"noeviction"):
                return str(policy.decode())
        return None


def _pool(url: str, limits: Limits, connections: int, read_s: float) -> Redis:
    """For redis://, rediss:// and unix://."""
    return Redis(
        connection_pool=BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=limits.call_s,
            socket_timeout=read_s,
            socket_connect_timeout=limits.connect_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    )


async def _execute(client: Redis, *words: Any) -> Any:
    """One command as it is; the library's method has no types."""
    execute: Callable[..., Awaitable[Any]] = client.execute_command
    return await execute(*words)


async def _disconnect(client: Redis, *, busy: bool) -> None:
    with suppress(RedisError, OSError, TimeoutError):
        await client.connection_pool.disconnect(inuse_connections=busy)


@contextmanager
def _translated() -> Iterator[None]:
    """The library's errors as ours; its texts name commands and addresses, so they stay in the cause, for the log."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, f"Redis does not serve us ({type(error).__name__})") from error
