"""Endings: whole, half, nothing. The server is a list that the answer is sent to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from app.emulators.sending import HANG_UP_EXTENSION, Ending, Reply


class Server:
    """Takes what is sent; hanging up is what makes it say that the client is gone."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self._gone = asyncio.Event()
        self._told_end = False

    @property
    def scope(self) -> dict[str, Any]:
        return {"type": "http", "extensions": {HANG_UP_EXTENSION: {"call": self.hang_up}}}

    @property
    def hung_up(self) -> bool:
        return self._gone.is_set()

    def hang_up(self) -> None:
        self._gone.set()

    async def receive(self) -> Message:
        if not self._told_end:
            self._told_end = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


async def played(ending: Ending) -> Server:
    server = Server()
    reply = Reply(b"0123456789", 200, {"content-type": "text/plain"}, ending)
    async with asyncio.timeout(5):
        await reply(server.scope, server.receive, server.send)
    return server


async def test_a_whole_answer_leaves_the_connection_alone() -> None:
    server = await played(Ending.WHOLE)
    assert [message["type"] for message in server.sent] == ["http.response.start", "http.response.body"]
    assert server.sent[1]["body"] == b"0123456789"
    assert not server.hung_up


async def test_half_an_answer_promises_all_and_then_the_connection_ends() -> None:
    server = await played(Ending.HALF)
    start, body = server.sent
    assert (b"content-length", b"10") in start["headers"]
    assert body == {"type": "http.response.body", "body": b"01234", "more_body": True}
    assert server.hung_up


async def test_nothing_is_nothing() -> None:
    server = await played(Ending.NOTHING)
    assert server.sent == []
    assert server.hung_up


async def test_a_server_that_cannot_hang_up_says_so() -> None:
    server = Server()
    with pytest.raises(ConnectionAbortedError, match="cannot drop connections"):
        await Reply(b"", 200, {}, Ending.NOTHING)({"type": "http"}, server.receive, server.send)
