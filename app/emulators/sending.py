"""How an answer leaves: whole, cut off, or not at all.

An ASGI application cannot drop a connection by itself; `serve` runs uvicorn with a protocol that lets it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HANG_UP_EXTENSION = "emulator.hang_up"
"""Key in the ASGI scope's `extensions`; under its "call" is a function that ends the connection after what was sent so far."""

AWAY_EXTENSION = "emulator.away"
"""The same: under its "call" is a function that ends all connections, and listens again so many seconds later."""

GARBAGE = b"<html><body>It works!</body></html>"
"""A body that is no answer of any vendor's."""


class Ending(StrEnum):
    """What becomes of an answer."""

    WHOLE = "whole"
    HALF = "half"
    NOTHING = "nothing"


class Reply(Response):
    """An answer with its ending."""

    def __init__(self, content: bytes, status_code: int, headers: dict[str, str], ending: Ending = Ending.WHOLE) -> None:
        super().__init__(content, status_code, headers)
        self.ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.ending is Ending.WHOLE:
            await super().__call__(scope, receive, send)
            return
        if self.ending is Ending.HALF:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        _hang_up(scope)()
        while (await receive())["type"] != "http.disconnect":
            pass


def go_away(scope: Scope, seconds: float) -> None:
    """Refuse connections for so long. The answer to who asks for it still leaves."""
    _extension(scope, AWAY_EXTENSION)(seconds)


def _hang_up(scope: Scope) -> Callable[[], Any]:
    return _extension(scope, HANG_UP_EXTENSION)


def _extension(scope: Scope, name: str) -> Callable[..., Any]:
    call: Callable[..., Any] | None = scope.get("extensions", {}).get(name, {}).get("call")
    if call is None:
        raise ConnectionAbortedError("this server cannot drop connections: run the emulator with app.emulators.serve")
    return call
