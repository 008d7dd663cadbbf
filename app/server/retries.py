"""Requests that are handed on whole: a retry joins the try that is under way, and gets the vendor's reply to it.

In and out: as `desk.Relay`, around the provider's own; called by the desk. Only a request that names its call
(`wire.headers.retry_id`) can be known again; what is the same besides is its path, its query, its body, and the
credentials that were shown with it. A client that leaves does not end what has been sent: it is paid, and its retry gets the
reply; whoever had it sent is charged when it is known whether the vendor charges. Long replies are not held: they stream to the
one who asked, and a retry is handed on anew. Within one process.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from app.core.flights import How
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.contract import Forwarder, ForwardReply, Resumed
from app.wire.headers import retry_id

FIRST_ERROR_STATUS = 400
# Longest reply that is held for a retry, bytes; and all of them together, and their number.
LONGEST_HELD_BYTES = 256 * 1024
MOST_HELD_BYTES = 16 * 1024 * 1024
MOST_HELD = 1000
# Requests that go on without their clients, all together, bytes: their bodies count for nobody's room any more.
MOST_LEFT_BYTES = 64 * 1024 * 1024
# So long a reply is held, seconds: as `joining.JoinTimes.retry_s`.
RETRY_S = 60.0
# Where credentials are shown. Of AWS's only the access key id: a retry is signed anew.
_CREDENTIALS = ("authorization", "ocp-apim-subscription-key", "x-goog-api-key", "x-api-key")
# What the vendor may have charged all the same.
_IN_VAIN = frozenset({Kind.PROVIDER_TIMEOUT, Kind.PROVIDER_GARBLED})
_AWS_KEY_ID = re.compile(r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/")


class RetryLedger(Protocol):
    """What is counted here; the metrics module implements it."""

    def joined(self, how: How) -> None: ...


@dataclass(frozen=True, slots=True)
class _Whole:
    """A reply that has been read to its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Account:
    """Of one request: `charge` it for what was sent on its account; `left`: that goes on without its client, and is charged
    when it ends.
    """

    charge: Callable[[], None]
    left: Callable[[asyncio.Task[Any]], None]


@dataclass(slots=True)
class _Held:
    """A try under way, or its reply. `is_left`: its client has gone; `is_kept`: its reply is there for a retry."""

    task: asyncio.Task[_Whole | ForwardReply]
    body_bytes: int
    is_left: bool = False
    is_kept: bool = False


class RetryJoiner:
    """Belongs to one event loop; implements `desk.Relay`."""

    def __init__(self, forwarder: Forwarder, ledger: RetryLedger, *, retry_s: float = RETRY_S, most: int = MOST_HELD) -> None:
        self._forwarder = forwarder
        self._ledger = ledger
        self._retry_s = retry_s
        self._most = most
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._held_bytes = 0
        self._left_bytes = 0
        self._closing: set[asyncio.Task[None]] = set()

    async def forward(self, request: RawRequest, *, timeout_s: float, account: Account) -> ForwardReply:
        """`account`: of the request that is charged. Raises Problem."""
        key = _key_of(request)
        held = self._held.get(key) if key is not None else None
        if held is not None and (reply := await self._joined(held)) is not None:
            return reply
        if key is None or key in self._held or not self._has_room():
            return await self._unheld(request, timeout_s, account)
        return await self._led(key, request, timeout_s, account)

    async def close(self) -> None:
        """End what is under way; nobody waits for it any more."""
        tasks = [held.task for held in self._held.values() if not held.task.done()]
        for task in tasks:
            task.cancel()
        if tasks or self._closing:
            await asyncio.wait({*tasks, *self._closing})

    async def _unheld(self, request: RawRequest, timeout_s: float, account: Account) -> ForwardReply:
        """One that nobody can come back for: it ends with its client."""
        try:
            reply = await self._forwarder.forward(request, timeout_s=timeout_s)
        except (Problem, asyncio.CancelledError) as error:
            if _may_be_charged(error):
                account.charge()
            raise
        if _is_charged(reply):
            account.charge()
        return reply

    async def _led(self, key: str, request: RawRequest, timeout_s: float, account: Account) -> ForwardReply:
        task = asyncio.create_task(self._carry(request, timeout_s), name="handed on")
        held = self._held[key] = _Held(task, len(request.body))
        task.add_done_callback(lambda _task: self._ended(key, held, account))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            self._left(held, account)
            raise
        found = task.result()
        return _replayed(found) if isinstance(found, _Whole) else found

    def _left(self, held: _Held, account: Account) -> None:
        """Its client has gone. It is carried to its end for a retry, as long as such do not take too much."""
        held.is_left = True
        if held.task.done():  # at the very moment when the reply came
            self._close_unread(_found(held.task))
            return
        account.left(held.task)
        self._left_bytes += held.body_bytes
        held.task.add_done_callback(lambda _task: self._is_gone(held))
        if self._left_bytes > MOST_LEFT_BYTES:
            held.task.cancel()

    def _is_gone(self, held: _Held) -> None:
        self._left_bytes -= held.body_bytes

    async def _joined(self, held: _Held) -> ForwardReply | None:
        """The reply to the first try; None where there is none to be had, and this one has to go itself."""
        await asyncio.wait({held.task})
        found = _found(held.task)
        if not isinstance(found, _Whole):
            return None
        self._ledger.joined(How.RETRY)
        return _replayed(found)

    async def _carry(self, request: RawRequest, timeout_s: float) -> _Whole | ForwardReply:
        """The whole reply, or, where it is long, as it came."""
        reply = await self._forwarder.forward(request, timeout_s=timeout_s)
        read = b""
        try:
            async for piece in reply.body:
                read += piece
                if len(read) > LONGEST_HELD_BYTES:
                    return ForwardReply(reply.status, reply.headers, Resumed(read, reply.body))
        except Problem as problem:  # our client has seen nothing of it yet: he gets a clear error in its place
            raise Problem(Kind.PROVIDER_GARBLED, "the provider's reply broke off") from problem
        return _Whole(reply.status, reply.headers, read)

    def _ended(self, key: str, held: _Held, account: Account) -> None:
        """Only success is kept, if it can be read: a retry after an error is another try."""
        found = _found(held.task)
        if _is_charged(found) if found is not None else _may_be_charged(_error(held.task)):
            account.charge()
        if isinstance(found, _Whole) and _is_charged(found) and _is_json(found.body):
            held.is_kept = True
            self._held_bytes += len(found.body)
            asyncio.get_running_loop().call_later(self._retry_s, self._forget, key, held)
            while self._held_bytes > MOST_HELD_BYTES and self._forget_the_oldest():
                pass
            return
        self._held.pop(key, None)
        if held.is_left:
            self._close_unread(found)

    def _close_unread(self, found: _Whole | ForwardReply | None) -> None:
        """Nobody is there to read it."""
        if isinstance(found, ForwardReply):
            closing = asyncio.create_task(_close(found), name="close handed on")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _has_room(self) -> bool:
        """For one more; what is done makes room, what is under way does not."""
        return len(self._held) < self._most or self._forget_the_oldest()

    def _forget_the_oldest(self) -> bool:
        """Of those that are done. False where there is none."""
        for key, held in self._held.items():
            if held.is_kept:
                self._forget(key, held)
                return True
        return False

    def _forget(self, key: str, held: _Held) -> None:
        if self._held.get(key) is not held:
            return
        del self._held[key]
        found = held.task.result()
        self._held_bytes -= len(found.body) if isinstance(found, _Whole) else 0


def _key_of(request: RawRequest) -> str | None:
    """The same for all tries of one call of one tenant; None for a request that names no call, or only looks: what it sees may
    change, nothing is paid for it, and there are clients whose id is the same on all of their calls.
    """
    call_id = retry_id(request.headers)
    if not call_id or request.method != "POST":
        return None
    shown = (_shown(request.headers.get(name, "")) for name in _CREDENTIALS)
    digest = hashlib.sha256()
    target = request.headers.get("x-amz-target", "")
    for part in (call_id, request.method, request.path, request.query, target, *shown):
        digest.update(f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
    digest.update(request.body)
    return digest.hexdigest()


def _shown(credential: str) -> str:
    signed = _AWS_KEY_ID.match(credential)
    return signed.group(1) if signed else credential


def _replayed(whole: _Whole) -> ForwardReply:
    async def body() -> AsyncIterator[bytes]:
        yield whole.body

    return ForwardReply(whole.status, whole.headers, body())


def _found(task: asyncio.Task[_Whole | ForwardReply]) -> _Whole | ForwardReply | None:
    """The reply of a task that is done; None where there is none."""
    return None if task.cancelled() or task.exception() is not None else task.result()


def _error(task: asyncio.Task[_Whole | ForwardReply]) -> BaseException | None:
    return asyncio.CancelledError() if task.cancelled() else task.exception()


def _is_charged(reply: _Whole | ForwardReply) -> bool:
    return reply.status < FIRST_ERROR_STATUS


def _may_be_charged(error: BaseException | None) -> bool:
    """It was sent, and nobody has heard the whole of the reply: guessed upwards."""
    return isinstance(error, asyncio.CancelledError) or (isinstance(error, Problem) and error.kind in _IN_VAIN)


def _is_json(body: bytes) -> bool:
    """As every answer of the three vendors is; their errors in front of it are pages."""
    try:
        json.loads(body or b"{}")
    except ValueError:
        return False
    return True


async def _close(reply: ForwardReply) -> None:
    closing = getattr(reply.body, "aclose", None)
    if closing is not None:
        await closing()
