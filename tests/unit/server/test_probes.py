"""What balancers, Prometheus and people ask a running process."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.server.probes import Readiness, Vitals, add_probes

PATHS = ("/healthz", "/readyz", "/metrics", "/v1/stats", "/dashboard")


async def ask(method: str, path: str, readiness: Readiness = Readiness.READY) -> httpx.Response:
    async def metrics() -> tuple[bytes, str]:
        return b"tessera_images_total 1\n", "text/plain; version=0.0.4"

    async def stats() -> dict[str, Any]:
        return {"images": {"answered": 1}}

    app = FastAPI()
    add_probes(app, Vitals(lambda: readiness, lambda: {"role": "all"}, metrics, stats))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("path", PATHS)
async def test_every_probe_answers_get_and_the_same_head(path: str) -> None:
    """Some balancers ask with HEAD. (The server leaves the body of its answer out.)"""
    get, head = await ask("GET", path), await ask("HEAD", path)
    assert (get.status_code, head.status_code) == (200, 200)
    assert get.headers["content-type"] == head.headers["content-type"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_probe_changes_nothing(path: str) -> None:
    assert (await ask("POST", path)).status_code == 405


@pytest.mark.parametrize(
    ("readiness", "status"),
    [
        (Readiness.STARTING, 503),
        (Readiness.READY, 200),
        (Readiness.DEGRADED, 200),
        (Readiness.STUCK, 503),
        (Readiness.DRAINING, 503),
    ],
)
async def test_traffic_is_wanted_when_ready_or_degraded(readiness: Readiness, status: int) -> None:
    answer = await ask("GET", "/readyz", readiness)
    assert (answer.status_code, answer.json()) == (status, {"status": readiness.value, "role": "all"})


@pytest.mark.parametrize("readiness", list(Readiness))
async def test_health_depends_on_nothing(readiness: Readiness) -> None:
    assert (await ask("GET", "/healthz", readiness)).status_code == 200
