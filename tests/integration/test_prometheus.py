"""A real Prometheus with the shipped configuration scrapes a run; then every shipped query has something to show."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from PIL import Image

from app.demo.processes import Child, Command, tessera
from tests.support.dashboards import DEPLOY, Query, dashboard_queries, rule_queries, scaling_queries
from tests.support.programs import find_program
from tests.support.prometheus import ASK_AGAIN_S, Prometheus, running_prometheus
from tests.support.redis_server import RedisServer
from tests.support.vendor import running_vendor

SCRAPE_INTERVAL = "250ms"
# What Grafana's variables become: windows that hold several scrapes.
RATE_INTERVAL, RANGE = "5s", "1m"
DEADLINE_S = 60.0
RULES_TEST = Path(__file__).parents[1] / "data" / "prometheus" / "rules_test.yml"

pytestmark = pytest.mark.prometheus


@dataclass(frozen=True, slots=True)
class Target:
    """A run to be scraped: where (by job of the shipped configuration), and how to make it do some of everything."""

    addresses: dict[str, list[str]]
    work: Callable[[], Awaitable[None]]


@asynccontextmanager
async def running_target(folder: Path) -> AsyncIterator[Target]:
    """An API process and a worker with a Redis between them and a vendor behind, started as an operator starts them."""
    async with AsyncExitStack() as stack:
        vendor_url = await stack.enter_async_context(running_vendor())
        redis = await asyncio.to_thread(RedisServer.start)
        stack.callback(redis.stop)
        settings = {"TESSERA_REDIS_URL": redis.url, "TESSERA_UPSTREAM_URL": vendor_url, "TESSERA_SHADOW_PERCENT": "50"}
        urls = {}
        for role in ("worker", "api"):
            command = Command(role, tessera("serve", "--role", role, "--port", "0"), settings, folder / f"{role}.log")
            child = Child(command)
            stack.push_async_callback(asyncio.to_thread, child.stop)
            urls[role] = (await asyncio.to_thread(child.__enter__)).url
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=urls["api"], trust_env=False, timeout=DEADLINE_S))
        addresses = {f"tessera-{role}": [url.removeprefix("http://")] for role, url in urls.items()}
        yield Target(addresses, lambda: some_of_everything(client))


def plain_image(shade: int) -> bytes:
    stored = BytesIO()
    Image.new("RGB", (640, 480), (40, 90, shade)).save(stored, "JPEG")
    return stored.getvalue()


async def some_of_everything(client: httpx.AsyncClient) -> None:
    """Images that share sheets (two of them equal), one that its client wants alone, and one that is no image."""
    images = [plain_image(shade) for shade in (60, 90, 120, 120)]
    answers = await asyncio.gather(
        *(client.post("/v1/detect", content=image) for image in images),
        client.post("/v1/detect", content=images[0], headers={"X-Tessera-Grid": "off"}),
        client.post("/v1/detect", content=b"no image"),
    )
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 415]


def shipped_config(addresses: dict[str, list[str]]) -> dict[str, Any]:
    """deploy/prometheus/prometheus.yml with our addresses and short intervals; everything else as it is shipped."""
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] |= dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), SCRAPE_INTERVAL)
    config["rule_files"] = [str(DEPLOY / "prometheus" / pattern) for pattern in config["rule_files"]]
    assert {scrape["job_name"] for scrape in config["scrape_configs"]} == addresses.keys()
    for scrape in config["scrape_configs"]:
        scrape["static_configs"] = [{"targets": addresses[scrape["job_name"]]}]
    return config


async def unanswered(queries: list[Query], prometheus: Prometheus, target: Target) -> list[Query]:
    """Work until every query has had a finite value; the queries that had none when the time was over."""
    left = queries
    try:
        async with asyncio.timeout(DEADLINE_S):
            while left:
                await target.work()
                asked = [(query, query.with_window(RATE_INTERVAL, RANGE)) for query in left]
                left = [query for query, sent in asked if not await prometheus.has_finite_value(sent)]
                await asyncio.sleep(ASK_AGAIN_S)
    except TimeoutError:
        pass
    return left


@pytest.mark.redis
async def test_every_shipped_query_finds_something_in_a_real_run(tmp_path: Path) -> None:
    queries = [*dashboard_queries(), *scaling_queries()]
    async with running_target(tmp_path) as target, running_prometheus(shipped_config(target.addresses), tmp_path) as prometheus:
        assert await unanswered(queries, prometheus, target) == []
        assert await prometheus.values("up") == [1.0, 1.0]
        assert await prometheus.values("sum(tessera_images_answered_total) > 0")
        groups = (await prometheus.ask("rules"))["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert len(rules) == len(rule_queries())
        assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def promtool(*arguments: str) -> None:
    binary = find_program("promtool")
    assert binary is not None
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_shipped_configuration_is_valid() -> None:
    promtool("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))


def test_the_shipped_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", str(RULES_TEST))
