"""Health, readiness, metrics, statistics and the dashboard: what operators and their machines look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response


class Readiness(StrEnum):
    """What `/readyz` says. Degraded is ready: images go alone, answers still come."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    STUCK = "stuck"
    DRAINING = "draining"


SERVING = frozenset({Readiness.READY, Readiness.DEGRADED})


@dataclass(frozen=True, slots=True)
class Vitals:
    """Where the probes get their facts from. `metrics` refreshes what is only known by asking, and returns the text."""

    readiness: Callable[[], Readiness]
    details: Callable[[], dict[str, Any]]
    metrics: Callable[[], Awaitable[tuple[bytes, str]]]
    stats: Callable[[], Awaitable[dict[str, Any]]] = field(repr=False)


def add_probes(app: FastAPI, vitals: Vitals) -> None:
    page = files("app.server").joinpath("dashboard.html").read_text(encoding="utf-8")

    @app.get("/healthz", tags=["operations"], summary="Is the process alive? Depends on nothing else")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", tags=["operations"], summary="Should traffic be sent here?")
    async def readyz() -> Response:
        readiness = vitals.readiness()
        status = 200 if readiness in SERVING else 503
        return JSONResponse({"status": readiness.value, **vitals.details()}, status_code=status)

    @app.get("/metrics", tags=["operations"], summary="Prometheus metrics")
    async def metrics() -> Response:
        body, content_type = await vitals.metrics()
        return Response(body, headers={"content-type": content_type})

    @app.get("/v1/stats", tags=["operations"], summary="The same figures as JSON, and the effective settings")
    async def stats() -> dict[str, Any]:
        return await vitals.stats()

    @app.get("/dashboard", tags=["operations"], include_in_schema=False)
    async def dashboard(_request: Request) -> Response:
        return HTMLResponse(page)
