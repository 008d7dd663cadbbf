"""Bodies are read whole, and too long ones to their end."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.emulators.receiving import body_of


class Sent:
    """A request's body in parts; knows how many were taken. `leaves`: its client goes when these were sent, and has more."""

    def __init__(self, *parts: bytes, leaves: bool = False) -> None:
        self._parts = parts
        self._leaves = leaves
        self.taken = 0

    async def receive(self) -> Message:
        self.taken += 1
        if self._leaves and self.taken > len(self._parts):
            return {"type": "http.disconnect"}
        return {
            "type": "http.request",
            "body": self._parts[self.taken - 1],
            "more_body": self._leaves or self.taken < len(self._parts),
        }

    def request(self) -> Request:
        return Request({"type": "http", "method": "POST", "headers": []}, self.receive)


@pytest.mark.parametrize(("parts", "body"), [((b"",), b""), ((b"ab", b"cd"), b"abcd"), ((b"ab", b"cd", b"e"), None)])
async def test_a_body_is_taken_up_to_its_limit_and_read_to_its_end(parts: tuple[bytes, ...], body: bytes | None) -> None:
    sent = Sent(*parts)
    assert await body_of(sent.request(), 4) == body
    assert sent.taken == len(parts)


async def test_a_client_that_leaves_in_the_middle_has_sent_no_body() -> None:
    assert await body_of(Sent(b"ab", leaves=True).request(), 4) is None
