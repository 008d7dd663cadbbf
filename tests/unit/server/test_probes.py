"""What balancers, Prometheus and people ask a running process."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.server.operators import Operators
from app.server.pages import policy
from app.server.probes import Readiness, Vitals, add_probes

PATHS = ("/healthz", "/readyz", "/metrics", "/v1/stats", "/dashboard")


async def ask(
    method: str, path: str, readiness: Readiness = Readiness.READY, token: str | None = None, **shown: str
) -> httpx.Response:
    async def metrics() -> tuple[bytes, str]:
        return b"tessera_images_total 1\n", "text/plain; version=0.0.4"

    async def stats() -> dict[str, Any]:
        return {"images": {"answered": 1}}

    app = FastAPI()
    add_probes(app, Vitals(lambda: readiness, lambda: {"role": "all"}, metrics, stats), Operators(token))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return await client.request(method, path, headers=shown)


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


TOKEN = "the-operators-token"
GUARDED, OPEN = PATHS[2:], PATHS[:2]


def basic(words: str) -> str:
    return f"Basic {b64encode(words.encode()).decode()}"


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer  {TOKEN} ", basic(f"anybody:{TOKEN}"), basic(f":{TOKEN}")])
@pytest.mark.parametrize("path", GUARDED)
async def test_who_shows_the_operators_token_may_look(path: str, shown: str) -> None:
    assert (await ask("GET", path, token=TOKEN, authorization=shown)).status_code == 200


@pytest.mark.parametrize(
    "shown", ["", "Bearer", f"Bearer {TOKEN}x", f"Token {TOKEN}", TOKEN, basic(TOKEN), basic("a:"), "Basic *", "Basic /w=="]
)
@pytest.mark.parametrize("path", GUARDED)
async def test_nobody_else_may(path: str, shown: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await ask(method, path, token=TOKEN, authorization=shown)
        assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic")
        assert b"images" not in answer.content


@pytest.mark.parametrize("path", OPEN)
async def test_health_and_readiness_need_no_token(path: str) -> None:
    assert (await ask("GET", path, token=TOKEN)).status_code == 200


def test_a_page_may_do_what_stands_in_it_and_no_more() -> None:
    """The hashes are those that a browser computes: over what is between the tags, to the byte."""
    told = policy(b'<style>a{}</style><script type="module">one()</script><script src="x.js"></script>')
    digest = b64encode(sha256(b"one()").digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in told
    assert f"style-src 'self' 'sha256-{b64encode(sha256(b'a{}').digest()).decode()}';" in told
    assert told.startswith("default-src 'none'; ")
    assert "script-src 'unsafe" not in told


async def test_metrics_are_described_as_what_they_are() -> None:
    document = (await ask("GET", "/openapi.json")).json()
    assert list(document["paths"]["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
