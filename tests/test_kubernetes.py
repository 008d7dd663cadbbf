"""The manifests fit the code and each other: settings, commands, probes, selectors, times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from app import __version__
from app.settings import FILE_NAMES, NAMES, Settings
from tests.support.deployment import DEPLOY, load_all_yaml, load_yaml, settings_of

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = load_yaml(FOLDER / "kustomization.yaml")
OBJECTS: list[Mapping[str, Any]] = [thing for name in KUSTOMIZATION["resources"] for thing in load_all_yaml(FOLDER / name)]
CONFIG: Mapping[str, str] = next(thing["data"] for thing in OBJECTS if thing["kind"] == "ConfigMap")


def named(kind: str) -> dict[str, Mapping[str, Any]]:
    return {thing["metadata"]["name"]: thing for thing in OBJECTS if thing["kind"] == kind}


def pod_of(name: str) -> Mapping[str, Any]:
    pod: Mapping[str, Any] = named("Deployment")[name]["spec"]["template"]
    return pod


def container_of(name: str) -> Mapping[str, Any]:
    (container,) = pod_of(name)["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def secret_keys() -> dict[str, str]:
    """The secret tessera-redis as the command in kustomization.yaml makes it, with a password of ours."""
    command = (
        (FOLDER / "kustomization.yaml").read_text(encoding="utf-8").partition("generic tessera-redis")[2].partition("Then")[0]
    )
    found = dict(re.findall(r"--from-literal=(\w+)=(\S+)", command))
    return {key: value.replace("$PASSWORD", "c0ffee") for key, value in found.items()}


def mounted(name: str, path: str) -> Mapping[str, Any]:
    """The volume under whose folder a container finds this path; read-only."""
    mounts = [
        one for one in container_of(name)["volumeMounts"] if PurePosixPath(path).parent == PurePosixPath(one["mountPath"])
    ]
    (volume,) = [one for one in pod_of(name)["spec"]["volumes"] if one["name"] == mounts[0]["name"]]
    assert mounts[0]["readOnly"] is True
    assert "subPath" not in mounts[0]
    assert isinstance(volume, dict)
    return volume


def started(name: str) -> Settings:
    """The settings with which the pod starts, its secrets read."""
    path = CONFIG["TESSERA_REDIS_URL_FILE"]
    secret = mounted(name, path)["secret"]
    (item,) = secret["items"]
    assert (secret["secretName"], item["path"]) == ("tessera-redis", PurePosixPath(path).name)
    plain = {key: value for key, value in CONFIG.items() if key in NAMES}
    return settings_of(container_of(name)["args"], {**plain, "TESSERA_REDIS_URL": secret_keys()[item["key"]]})


ROLES = {"tessera-api": "api", "tessera-worker": "worker"}
both = pytest.mark.parametrize("name", ROLES)


def test_every_manifest_is_listed() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])
    assert {image["newTag"] for image in KUSTOMIZATION["images"]} == {__version__}


def test_every_setting_is_known_and_text() -> None:
    assert CONFIG.keys() <= NAMES.keys() | FILE_NAMES.keys()
    assert {type(value) for value in CONFIG.values()} == {str}


@both
def test_the_command_and_the_settings_start_the_role(name: str) -> None:
    container = container_of(name)
    assert started(name).role == ROLES[name]
    assert {"configMapRef": {"name": "tessera"}} in container["envFrom"]
    assert container["image"] == KUSTOMIZATION["images"][0]["name"]
    grpc = [{"name": "grpc", "containerPort": Settings().grpc_port}] if name == "tessera-api" else []
    assert container["ports"] == [{"name": "http", "containerPort": Settings().port}, *grpc]


@both
def test_redis_is_where_the_settings_say(name: str) -> None:
    url = started(name).redis_url or ""
    password, _, address = url.removeprefix("redis://:").removesuffix("/0").partition("@")
    host, _, port = address.partition(":")
    service = named("Service")[host]["spec"]
    assert [str(entry["port"]) for entry in service["ports"]] == [port]
    assert "noeviction" in container_of(host)["args"]
    assert password == secret_keys()["password"]


def test_redis_wants_a_password_that_is_in_no_manifest() -> None:
    container = container_of("tessera-redis")
    (variable,) = container["env"]
    assert variable == {"name": "REDISCLI_AUTH", "valueFrom": {"secretKeyRef": {"name": "tessera-redis", "key": "password"}}}
    assert options_of(container["args"])["--requirepass"] == "$(REDISCLI_AUTH)"
    assert "Secret" not in {thing["kind"] for thing in OBJECTS}


def test_only_our_pods_reach_redis_and_it_asks_nobody() -> None:
    (policy,) = named("NetworkPolicy").values()
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod_of("tessera-redis")["metadata"]["labels"].items()
    assert (policy["spec"]["policyTypes"], policy["spec"].get("egress")) == (["Ingress", "Egress"], None)
    ((rule,), (peer,)) = policy["spec"]["ingress"], policy["spec"]["ingress"][0]["from"]
    (chosen,) = peer["podSelector"]["matchExpressions"]
    assert {pod_of(name)["metadata"]["labels"][chosen["key"]] for name in ROLES} == set(chosen["values"])
    assert [port["port"] for port in rule["ports"]] == [port["name"] for port in container_of("tessera-redis")["ports"]]


@both
def test_the_clients_file_may_come_and_change_as_a_secret(name: str) -> None:
    """That a change is seen is tests/unit/test_clients_file.py's."""
    (path,) = re.findall(r"# TESSERA_CLIENTS: (\S+)", (FOLDER / "config.yaml").read_text(encoding="utf-8"))
    assert mounted(name, path)["secret"] == {"secretName": "tessera-clients", "optional": True}


@pytest.mark.parametrize("name", [*ROLES, "tessera-redis"])
def test_no_pod_gets_variables_that_look_like_settings(name: str) -> None:
    assert pod_of(name)["spec"]["enableServiceLinks"] is False


@both
def test_going_down_has_the_time_that_it_needs(name: str) -> None:
    settings = started(name)
    probe = container_of(name)["readinessProbe"]
    assert settings.drain_s > probe["periodSeconds"] * probe["failureThreshold"]
    assert settings.shutdown_s > settings.request_timeout_s
    assert pod_of(name)["spec"]["terminationGracePeriodSeconds"] > settings.drain_s + settings.shutdown_s


@both
def test_probes_and_scrapes_ask_for_paths_that_are_served(name: str) -> None:
    from fastapi import FastAPI
    from starlette.routing import Route

    from app.server.operators import Operators
    from app.server.probes import Readiness, Vitals, add_probes

    async def nothing() -> Any:
        raise AssertionError("nobody asks here")

    app = FastAPI()
    add_probes(app, Vitals(lambda: Readiness.READY, dict, nothing, nothing), Operators(None))
    served = {route.path for route in app.routes if isinstance(route, Route)}
    container = container_of(name)
    probes = [container[kind]["httpGet"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert [probe["path"] for probe in probes] == ["/healthz", "/readyz", "/healthz"]
    annotations = pod_of(name)["metadata"]["annotations"]
    assert {probe["path"] for probe in probes} | {annotations["prometheus.io/path"]} <= served
    assert {probe["port"] for probe in probes} == {"http"}
    assert annotations["prometheus.io/port"] == str(Settings().port)


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget", "Deployment"])
def test_selectors_find_their_pods(kind: str) -> None:
    for name, thing in named(kind).items():
        selector = thing["spec"]["selector"]
        labels = selector if kind == "Service" else selector["matchLabels"]
        assert labels.items() <= pod_of(name)["metadata"]["labels"].items()


def test_a_service_leads_to_a_port_that_its_pods_open() -> None:
    for name, service in named("Service").items():
        opened = {port["name"] for port in container_of(name)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= opened


@both
def test_each_role_scales_survives_maintenance_and_leaves_its_number_to_the_scaler(name: str) -> None:
    scalers = [*named("HorizontalPodAutoscaler").values(), *named("ScaledObject").values()]
    (scaler,) = [thing["spec"] for thing in scalers if thing["spec"]["scaleTargetRef"]["name"] == name]
    assert (scaler.get("minReplicas") or scaler.get("minReplicaCount")) == 2
    assert named("PodDisruptionBudget")[name]["spec"]["maxUnavailable"] == 1
    assert "replicas" not in named("Deployment")[name]["spec"]


@pytest.mark.parametrize("name", [*ROLES, "tessera-redis"])
def test_containers_are_unprivileged_and_their_disks_read_only(name: str) -> None:
    assert pod_of(name)["spec"]["securityContext"]["runAsNonRoot"] is True
    security = container_of(name)["securityContext"]
    assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container_of(name)["resources"]["limits"]


KEEP = FOLDER / "keep-accounts"
COMPONENT = load_yaml(KEEP / "kustomization.yaml")


def patched(thing: Any, patch: str) -> Any:
    """The object after the JSON patch of a kustomization: RFC 6902, as far as it is used here."""
    thing = deepcopy(thing)
    for step in yaml.safe_load(patch):
        *way, last = [int(part) if part.isdigit() else part for part in step["path"].split("/")[1:]]
        place = thing
        for part in way:
            place = place[part]
        if last == "-":
            place.append(step["value"])
        else:
            assert (step["op"] == "add") is (isinstance(place, dict) and last not in place)
            place[last] = step["value"]
    return thing


def options_of(arguments: list[str]) -> dict[str, str]:
    """Of an option that is given twice Redis takes the second."""
    assert len(arguments) % 2 == 0
    return dict(zip(arguments[::2], arguments[1::2], strict=True))


def test_accounts_are_kept_by_the_component_that_says_so() -> None:
    assert {path.name for path in KEEP.glob("*.yaml")} - {"kustomization.yaml"} == set(COMPONENT["resources"])
    (claim,) = [load_yaml(KEEP / name) for name in COMPONENT["resources"]]
    (change,) = COMPONENT["patches"]
    redis = named(change["target"]["kind"])[change["target"]["name"]]
    pod = patched(redis, change["patch"])["spec"]["template"]["spec"]
    before, after = (options_of(one["containers"][0]["args"]) for one in (redis["spec"]["template"]["spec"], pod))
    assert (before["--appendonly"], before["--save"]) == ("no", "")
    assert after == before | {"--appendonly": "yes", "--appendfsync": "everysec", "--auto-aof-rewrite-min-size": "1gb"}
    (volume,) = pod["volumes"]
    assert volume["name"] == pod["containers"][0]["volumeMounts"][0]["name"] == "data"
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"]
