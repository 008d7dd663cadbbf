"""The control API of an emulator, under /_emulator/: JSON in, JSON out, for tests and demos. No vendor has anything like it.

GET  health      {"status": "ok"}
GET  counters    requests, inferences paid, refused, throttled, failed, by operation; in flight now and at most
GET  payments    each inference paid: when (monotonic seconds), for what, the markers in the picture
POST reset       counters to zero, behaviour as at the start
GET  behaviour   latency_ms, jitter_ms, rate_per_s, throttle_share, poison, faults
POST behaviour   an object with any of these fields: they are replaced, the rest stays
POST faults      one fault, added to those there are
POST away        {"seconds": 2}: connections end and new ones are refused for so long, control included
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.emulators.counters import Counters
from app.emulators.faults import fault_from_json
from app.emulators.receiving import body_of
from app.emulators.script import Script, behaviour_as_json, changed
from app.emulators.sending import go_away

PREFIX = "/_emulator"
MOST_TOLD_BYTES = 1024 * 1024
"""Of a longer body nothing is believed; a hundred poisoned markers and faults take a few kilobytes."""


def control_routes(counters: Counters, script: Script) -> list[Route]:
    """The routes; they come before a vendor's own."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def count(_: Request) -> Response:
        return JSONResponse(counters.as_json())

    async def pay(_: Request) -> Response:
        return JSONResponse({"payments": counters.payments()})

    async def reset(_: Request) -> Response:
        counters.reset()
        script.reset()
        return JSONResponse({})

    async def show(_: Request) -> Response:
        return JSONResponse(behaviour_as_json(script.behaviour))

    async def change(request: Request) -> Response:
        return await _told(request, lambda value: script.become(changed(script.behaviour, value)), script)

    async def add_fault(request: Request) -> Response:
        return await _told(request, lambda value: script.add(fault_from_json(value)), script)

    async def away(request: Request) -> Response:
        return await _told(request, lambda value: go_away(request.scope, _seconds(value)), script)

    return [
        _route("health", health, "GET"),
        _route("counters", count, "GET"),
        _route("payments", pay, "GET"),
        _route("reset", reset, "POST"),
        _route("behaviour", show, "GET"),
        _route("behaviour", change, "POST"),
        _route("faults", add_fault, "POST"),
        _route("away", away, "POST"),
    ]


def _route(name: str, endpoint: Callable[[Request], Awaitable[Response]], method: str) -> Route:
    return Route(f"{PREFIX}/{name}", endpoint, methods=[method])


async def _told(request: Request, tell: Callable[[object], None], script: Script) -> Response:
    """Pass the request's JSON on; the answer is the behaviour from now on, or what was wrong."""
    try:
        tell(json.loads(await body_of(request, MOST_TOLD_BYTES) or b""))
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors too
        return JSONResponse({"error": str(error)}, status_code=400)
    return JSONResponse(behaviour_as_json(script.behaviour))


def _seconds(value: object) -> float:
    if not isinstance(value, Mapping) or set(value) != {"seconds"}:
        raise ValueError("it needs `seconds`, and nothing else")
    try:
        seconds = float(value["seconds"])
    except TypeError as error:
        raise ValueError(f"not a number: {error}") from error
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"`seconds` cannot be {seconds}")
    return seconds
