"""What clients have spent, when Redis is killed and nobody is left who remembers (docs/redis.md, "What is lost with it")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.core.quota import Amount, Ask, Limit, Limits, tenant_key
from app.core.quota_account import Lot
from tests.contract.conftest import PATIENT
from tests.support.deployment import REPOSITORY, interpolated, load_yaml
from tests.support.redis_fleet import Fleet
from tests.support.redis_server import RedisServer

SHOP = tenant_key("client:shop")
CENT, LIMITS = Amount.of(0.01, 1), Limits(dollars_per_month=0.01)


def shipped_options(environment: Mapping[str, str]) -> list[str]:
    """How docker-compose.yml starts Redis; --maxmemory and its policy are tests/test_deploy.py's."""
    program, *options = load_yaml(REPOSITORY / "docker-compose.yml")["services"]["redis"]["command"]
    assert program == "redis-server"
    return [interpolated(option, environment) for option in options]


async def refused(fleet: Fleet, lot: Lot | None = None) -> Limit | None:
    """What a new process is told that asks for a cent, after it has spent another."""
    store: Any = (await fleet.api()).quotas
    if lot is not None:
        await store.settle(SHOP, lot)
    verdict = (await store.take(SHOP, LIMITS, [Ask("one", 1, CENT, 40.0)]))["one"]
    return None if verdict.refused is None else Limit(verdict.refused)


@pytest.mark.redis
@pytest.mark.parametrize(("environment", "after"), [({}, None), ({"REDIS_APPENDONLY": "yes"}, Limit.DOLLARS)])
async def test_the_month_survives_a_restart_of_everything_only_with_a_log_on_disk(
    environment: dict[str, str], after: Limit | None
) -> None:
    server = RedisServer.start(*shipped_options(environment))
    try:
        async with Fleet(server.url, limits=PATIENT) as fleet:
            namespace = fleet.namespace
            assert await refused(fleet, Lot("teller", 1, (), CENT)) is Limit.DOLLARS
        server.kill()
        server.launch()
        async with Fleet(server.url, limits=PATIENT) as fleet:
            fleet.namespace = namespace
            assert await refused(fleet) is after
    finally:
        server.stop()
