"""Beyond a limit every SDK raises its own exception. A rate is tried again where an SDK does that, a budget never."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from azure.cognitiveservices.vision.computervision.models import ComputerVisionErrorResponseException
from azure.core.exceptions import HttpResponseError
from botocore.config import Config
from botocore.exceptions import ClientError
from google.api_core.exceptions import ResourceExhausted, TooManyRequests

from tests.support.azure_clients import analysis_client, vision_client
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.google_clients import asked, grpc_client, rest_client, with_key
from tests.support.load import identity_images
from tests.support.plain_http import WEB
from tests.support.server import RunningServer, running_server

NAMES = ("native", "aws", "rest", "grpc", "azure", "old")
# Nobody is to come again within the test; and those who try by themselves have to wait half a second.
CLIENTS = "\n".join(
    [
        *(f'[{name}-slow]\nkeys = ["{name}-slow"]\nimages_per_second = 0.01\nburst = 2' for name in NAMES),
        *(f'[{name}-poor]\nkeys = ["{name}-poor"]\ndollars_per_month = 0.0005' for name in NAMES),
        *(f'[{name}-patient]\nkeys = ["{name}-patient"]\nimages_per_second = 2\nburst = 1' for name in NAMES),
        '[aws-slow.aws]\naws-slow = ""\n[aws-poor.aws]\naws-poor = ""\n[aws-patient.aws]\naws-patient = ""',
    ]
)
SCENE = next(iter(identity_images(range(1)))).content
# Nobody may be left hanging for longer than this, seconds: what a refused budget takes with all of an SDK's own tries.
SOON_S = 8.0


@dataclass(frozen=True, slots=True)
class Rig:
    server: RunningServer
    emulator: RunningEmulator


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("quotas")
    file = folder / "clients.toml"
    file.write_text(CLIENTS, encoding="utf-8")
    with (
        running_emulator("--no-classical") as emulator,
        running_server(
            folder / "log", TESSERA_UPSTREAM_URL=emulator.url, TESSERA_CLIENTS=str(file), TESSERA_MAX_WAIT_MS="0"
        ) as server,
    ):
        yield Rig(server, emulator)


def ask_native(rig: Rig, key: str) -> None:
    reply = WEB.post(f"{rig.server.url}/v1/detect", content=SCENE, headers={"x-api-key": key, "content-type": "image/jpeg"})
    reply.raise_for_status()


def ask_aws(rig: Rig, key: str, tries: int = 3) -> None:
    client: Any = boto3.session.Session().client(
        "rekognition",
        endpoint_url=rig.server.url,
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=Config(retries={"mode": "standard", "total_max_attempts": tries}),
    )
    client.detect_labels(Image={"Bytes": SCENE})


def ask_rest(rig: Rig, key: str) -> None:
    client: Any = rest_client(rig.server.url, key)
    client.batch_annotate_images(requests=asked((SCENE, ["OBJECT_LOCALIZATION"])))


def ask_grpc(rig: Rig, key: str) -> None:
    with grpc_client(rig.server.grpc) as client:
        annotate: Any = client.batch_annotate_images
        annotate(requests=asked((SCENE, ["OBJECT_LOCALIZATION"])), metadata=with_key(key))


def ask_azure(rig: Rig, key: str) -> None:
    from azure.ai.vision.imageanalysis.models import VisualFeatures

    with analysis_client(rig.server.url, key, retries=10) as client:  # as it comes from Microsoft
        client.analyze(SCENE, [VisualFeatures.OBJECTS])


def ask_old_azure(rig: Rig, key: str) -> None:
    vision_client(rig.server.url, key).detect_objects_in_stream(io.BytesIO(SCENE))


ASK: dict[str, Callable[[Rig, str], None]] = dict(
    zip(NAMES, (ask_native, ask_aws, ask_rest, ask_grpc, ask_azure, ask_old_azure), strict=True)
)
RAISED = (httpx.HTTPStatusError, ClientError, TooManyRequests, HttpResponseError, ComputerVisionErrorResponseException)


def refusal(rig: Rig, name: str, key: str) -> tuple[Any, float]:
    """What the SDK raises, and after how long."""
    began_s = time.monotonic()
    with pytest.raises(RAISED) as raised:
        ASK[name](rig, key)
    return raised.value, time.monotonic() - began_s


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_that_is_spent_leaves_nobody_hanging(rig: Rig, name: str) -> None:
    paid = rig.emulator.paid()
    error, seconds = refusal(rig, name, f"{name}-poor")
    assert seconds < SOON_S
    body = error.response.text if name in {"native", "old"} else str(error)
    assert "$0.0005 a month" in body
    match name:
        case "native":
            assert (error.response.status_code, error.response.headers.get("retry-after")) == (429, None)
            assert error.response.json()["type"] == "urn:tessera:problem:budget-spent"
        case "aws":
            assert error.response["Error"]["Code"] == "ThrottlingException"
            assert "x-amz-retry-after" not in error.response["ResponseMetadata"]["HTTPHeaders"]
        case "rest" | "grpc":
            assert error.reason == "RESOURCE_QUOTA_EXCEEDED"
        case "azure":
            assert (error.status_code, error.error.code) == (429, "429")
            assert "retry-after" not in error.response.headers
        case "old":
            assert error.response.status_code == 429
    assert rig.emulator.paid() == paid


@pytest.mark.parametrize("name", ["native", "rest", "grpc", "old"])
def test_beyond_the_rate_the_vendors_throttling_says_when_to_come_again(rig: Rig, name: str) -> None:
    """For SDKs that do not try it again by themselves."""
    for _ in range(2):
        ASK[name](rig, f"{name}-slow")
    paid = rig.emulator.paid()
    error, seconds = refusal(rig, name, f"{name}-slow")
    assert seconds < SOON_S
    match name:
        case "native":
            assert (error.response.status_code, error.response.json()["type"]) == (429, "urn:tessera:problem:rate-limited")
            assert 90 <= int(error.response.headers["retry-after"]) <= 100
        case "rest" | "grpc":
            assert isinstance(error, ResourceExhausted if name == "grpc" else TooManyRequests)
            assert error.reason == "RATE_LIMIT_EXCEEDED"
            (again,) = (one for one in error.details if "etry" in str(type(one)) + str(one))
            told_s = again.retry_delay.seconds if name == "grpc" else float(again["retryDelay"].rstrip("s"))
            assert 90 <= told_s <= 100
        case "old":
            assert error.response.status_code == 429
    assert rig.emulator.paid() == paid


def test_boto3_raises_its_throttling_when_its_own_tries_are_over(rig: Rig) -> None:
    """Between two of them it waits as long as it is told, but 6 s at most: its other tries are left out here."""
    for _ in range(2):
        ask_aws(rig, "aws-slow")
    with pytest.raises(ClientError) as raised:
        ask_aws(rig, "aws-slow", tries=1)
    error = raised.value
    assert error.response["Error"]["Code"] == type(error).__name__ == "ThrottlingException"
    told_ms = int(error.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-retry-after"])
    assert 85_000 <= told_ms <= 100_000


@pytest.mark.parametrize("name", ["aws", "azure"])
def test_sdks_that_try_again_by_themselves_get_their_answer_at_the_rate(rig: Rig, name: str) -> None:
    """Their users never see that there is a limit."""
    began_s = time.monotonic()
    for _ in range(3):
        ASK[name](rig, f"{name}-patient")
    assert time.monotonic() - began_s >= 1.0


def test_a_batch_takes_as_many_images_as_it_brings(rig: Rig) -> None:
    client: Any = rest_client(rig.server.url, "rest-patient")
    client.batch_annotate_images(requests=asked(*[(SCENE, ["OBJECT_LOCALIZATION"])] * 3))
    with pytest.raises(TooManyRequests) as raised:
        client.batch_annotate_images(requests=asked((SCENE, ["OBJECT_LOCALIZATION"])))
    (again,) = (one for one in raised.value.details if "retryDelay" in one)
    assert 0.5 < float(again["retryDelay"].rstrip("s")) <= 1.5


def test_what_was_refused_is_counted_and_no_key_is_shown(rig: Rig) -> None:
    refusal(rig, "native", "native-poor")
    stats = rig.server.stats()["quotas"]
    assert stats["refused"]["dollars"] >= 1
    assert stats["clients"]["native-poor"]["dollars"] == {"used": 0, "limit": 0.0005}
