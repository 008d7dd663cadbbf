"""Bodies are bounded one by one and all together, and nobody sends in vain what was announced to be too much."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request

from app.errors import Kind, Problem
from app.server.reading import BodyRoom, read_request

LIMIT_BYTES = 100
TIME_S = 30.0


def request(chunks: Sequence[bytes] = (), **headers: str) -> Request:
    """A request whose body comes in these chunks; asking for more than there are fails."""
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw}
    return Request(scope, receive)


async def kind_of(one: Request, room: BodyRoom, still_holds_bytes: int = 0) -> Kind:
    """The problem of a body that is not taken, after which so much of it is still held."""
    before_bytes = room.held_bytes
    with room.share() as share:
        with pytest.raises(Problem) as raised:
            await read_request(one, LIMIT_BYTES, share, TIME_S)
        assert room.held_bytes - before_bytes == still_holds_bytes
    return raised.value.kind


async def test_a_body_is_read_whole_and_its_room_given_back() -> None:
    room = BodyRoom(1000)
    with room.share() as share:
        raw = await read_request(request([b"a" * 60, b"b" * 40]), LIMIT_BYTES, share, TIME_S)
        assert (raw.body, room.held_bytes) == (b"a" * 60 + b"b" * 40, 100)
    assert room.held_bytes == 0


async def test_one_byte_too_many_is_refused_after_the_rest_was_taken_in() -> None:
    """What is only thrown away takes no room from others."""
    assert await kind_of(request([b"a" * 100, b"b", b"c" * 50]), BodyRoom(1000)) is Kind.BODY_TOO_LARGE


async def test_all_bodies_together_are_bounded() -> None:
    room = BodyRoom(150)
    with room.share() as share:
        await read_request(request([b"a" * 100]), LIMIT_BYTES, share, TIME_S)
        assert await kind_of(request([b"b" * 30, b"b" * 30]), room, still_holds_bytes=30) is Kind.OVER_CAPACITY
        assert room.held_bytes == 100, "what was refused holds nothing"
        with room.share() as other:
            assert (await read_request(request([b"c" * 50]), LIMIT_BYTES, other, TIME_S)).body == b"c" * 50


async def test_who_asks_before_sending_too_much_is_told_at_once() -> None:
    assert await kind_of(request(expect="100-continue", content_length="101"), BodyRoom(1000)) is Kind.BODY_TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "GZip, br", "deflate", "zstd"])
async def test_nothing_is_unpacked(encoding: str) -> None:
    """A body of a few kilobytes may unfold to gigabytes. What is refused was read to its end first, so that it is heard."""
    assert await kind_of(request([b"a" * 9], content_encoding=encoding), BodyRoom(1000), 9) is Kind.MALFORMED_REQUEST


async def test_a_body_has_its_time() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nothing ever comes")

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    with BodyRoom(1000).share() as share, pytest.raises(Problem, match="in time") as raised:
        await read_request(Request(scope, receive), LIMIT_BYTES, share, 0.01)
    assert raised.value.kind is Kind.MALFORMED_REQUEST
