"""docker-compose.yml fits the code: the commands, settings, ports and paths that it names exist.

No container engine is needed. The image is tests/test_dockerfile.py's, the manifests are tests/test_kubernetes.py's, the
monitoring's queries are tests/test_monitoring.py's and tests/integration/test_prometheus.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app import __version__
from app.settings import NAMES, Settings, load_settings
from tests.support.deployment import DEPLOY, REPOSITORY, interpolated, load_yaml, seconds, settings_of

COMPOSE: Mapping[str, Any] = load_yaml(REPOSITORY / "docker-compose.yml")
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SERVING = {name: service for name, service in OURS.items() if service["command"][0] == "serve"}
HTTP_PORT = str(Settings().port)


def environment_of(service: Mapping[str, Any], outside: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the container gets; a name without a value is passed on from outside where it is set there."""
    outside = outside or {}
    given = {name: interpolated(str(value), outside) for name, value in service["environment"].items() if value is not None}
    return given | {name: outside[name] for name, value in service["environment"].items() if value is None and name in outside}


def test_two_api_processes_and_two_workers_share_one_redis() -> None:
    settings = [settings_of(service["command"], environment_of(service)) for service in SERVING.values()]
    assert sorted(each.role for each in settings) == ["api", "api", "worker", "worker"]
    assert {each.redis_url for each in settings} == {"redis://redis:6379/0"}
    assert "noeviction" in SERVICES["redis"]["command"]


def test_redis_writes_to_disk_only_where_that_is_wanted_and_then_to_a_volume() -> None:
    """What it keeps then is tests/contract/test_quota_restart.py's."""
    redis = SERVICES["redis"]
    for outside, said in (({}, "no"), ({"REDIS_APPENDONLY": "yes"}, "yes")):
        command = [interpolated(part, outside) for part in redis["command"]]
        assert (command[command.index("--appendonly") + 1], command[command.index("--save") + 1]) == (said, "")
    assert redis["volumes"] == ["redis:/data"]


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_ours_parses(name: str) -> None:
    from app.cli import build_parser

    assert build_parser().parse_args(OURS[name]["command"])


@pytest.mark.parametrize("name", SERVING)
def test_every_setting_is_known_and_only_aws_stands_beside_ours(name: str) -> None:
    names = set(SERVING[name]["environment"])
    assert {given for given in names if not given.startswith("AWS_")} <= set(NAMES)


def test_it_starts_against_the_emulator_without_any_account() -> None:
    settings = load_settings(environment_of(SERVICES["api-1"]))
    host, _, port = (settings.upstream_url or "").removeprefix("http://").partition(":")
    command = OURS[host]["command"]
    assert settings.provider == "emulator"
    assert command[:2] == ["emulate", "rekognition"]
    assert command[command.index("--port") + 1] == port
    assert str(port) in " ".join(map(str, OURS[host]["healthcheck"]["test"]))


def test_two_variables_point_it_at_aws() -> None:
    outside = {"TESSERA_PROVIDER": "rekognition", "TESSERA_UPSTREAM_URL": "", "AWS_ACCESS_KEY_ID": "A"}
    environment = environment_of(SERVICES["worker-1"], outside)
    settings = load_settings(environment)
    assert (settings.provider, settings.upstream_url) == ("rekognition", None)
    assert environment["AWS_ACCESS_KEY_ID"] == "A"
    assert "AWS_SECRET_ACCESS_KEY" not in environment


@pytest.mark.parametrize("name", SERVING)
def test_nothing_under_way_is_killed_at_the_end(name: str) -> None:
    settings = load_settings(environment_of(SERVING[name]))
    assert seconds(SERVING[name]["stop_grace_period"]) > settings.drain_s + settings.shutdown_s


def test_ports_are_published_once_and_on_loopback_only() -> None:
    published = {name: [port.split(":") for port in service.get("ports", [])] for name, service in SERVICES.items()}
    everything = [port for ports in published.values() for port in ports]
    assert {address for address, _, _ in everything} == {"127.0.0.1"}
    assert len({port for _, port, _ in everything}) == len(everything)
    for name, service in SERVING.items():
        inside = [HTTP_PORT, str(Settings().grpc_port)] if "api" in service["command"] else []
        assert [port for _, _, port in published[name]] == inside


def test_only_processes_of_ours_reach_redis() -> None:
    networks = {name: set(service.get("networks", ["default"])) for name, service in SERVICES.items()}
    (own,) = networks["redis"]
    assert {name for name, joined in networks.items() if own in joined} == {"redis", *SERVING}
    assert COMPOSE["networks"][own]["internal"] is True
    assert all("default" in networks[name] for name in SERVING)


def test_every_dependency_exists_and_can_say_that_it_is_healthy() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_healthy", name
            assert "healthcheck" in SERVICES[needed] or "build" in SERVICES[needed], needed


def test_every_path_that_is_mounted_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (REPOSITORY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume


def test_our_containers_write_nothing_and_may_do_nothing() -> None:
    for service in OURS.values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["image"] == f"tessera:{__version__}"


def test_prometheus_scrapes_every_process_of_ours() -> None:
    jobs = load_yaml(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    scraped = {target for job in jobs for static in job["static_configs"] for target in static["targets"]}
    assert scraped == {f"{name}:{HTTP_PORT}" for name in SERVING}
    for job in jobs:
        role = job["job_name"].removeprefix("tessera-")
        for target in job["static_configs"][0]["targets"]:
            assert SERVICES[target.split(":")[0]]["command"] == ["serve", "--role", role]


def test_grafana_finds_its_data_source_and_its_dashboard() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = load_yaml(provisioning / "datasources" / "prometheus.yaml")["datasources"]
    (provider,) = load_yaml(provisioning / "dashboards" / "tessera.yaml")["providers"]
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert source["url"] == "http://prometheus:9090"
    assert SERVICES["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]
    assert (
        source["jsonData"]["timeInterval"] == load_yaml(DEPLOY / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]
    )
    assert provider["options"]["path"] == mounts["./deploy/grafana/dashboards"]
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/tessera.json"
