"""TESSERA_CLIENTS: whom the operator has named is let in, by any of his keys; everybody else gets his own vendor's refusal."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from azure.ai.vision.imageanalysis import ImageAnalysisClient
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError
from botocore.config import Config
from botocore.exceptions import ClientError
from google.api_core.exceptions import BadRequest, Forbidden, InvalidArgument, PermissionDenied, Unauthenticated

from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.google_clients import grpc_client, rest_client, with_key
from tests.support.load import identity_images
from tests.support.plain_http import WEB
from tests.support.server import RunningServer, running_server

CLIENTS = """
[shop]
keys = ["shop-key-1", "shop-key-2"]
[shop.aws]
AKIDSHOP = "shop-secret"

[archive]
keys = ["archive-key"]

[twin]
keys = ["twin-key-1", "twin-key-2"]
"""
SCENES = [image.content for image in identity_images(range(2))]


@dataclass(frozen=True, slots=True)
class Rig:
    server: RunningServer
    emulator: RunningEmulator

    def aws(self, access_key_id: str, secret: str) -> Any:
        return boto3.session.Session().client(
            "rekognition",
            endpoint_url=self.server.url,
            region_name="eu-west-1",
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def detect(self, scene: bytes, **headers: str) -> httpx.Response:
        return WEB.post(f"{self.server.url}/v1/detect", content=scene, headers={"content-type": "image/jpeg", **headers})


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("clients")
    file = folder / "clients.toml"
    file.write_text(CLIENTS, encoding="utf-8")
    with (
        running_emulator("--no-classical") as emulator,
        running_server(
            folder / "log",
            TESSERA_UPSTREAM_URL=emulator.url,
            TESSERA_CLIENTS=str(file),
            TESSERA_MAX_WAIT_MS="2000",
            TESSERA_LAYOUTS="2x1",
        ) as server,
    ):
        yield Rig(server, emulator)


def test_a_client_signs_with_the_secret_that_the_operator_gave_him(rig: Rig) -> None:
    answer = rig.aws("AKIDSHOP", "shop-secret").detect_labels(Image={"Bytes": SCENES[0]})
    assert answer["Labels"]


@pytest.mark.parametrize(
    ("access_key_id", "secret", "code"),
    [
        ("AKIDSHOP", "guessed", "InvalidSignatureException"),
        ("AKIDOTHER", "shop-secret", "UnrecognizedClientException"),
        ("shop-key-1", "shop-secret", "UnrecognizedClientException"),
    ],
)
@pytest.mark.parametrize("operation", ["detect_labels", "detect_text"])  # the second is handed on: not by strangers
def test_strangers_get_the_vendors_refusal_and_cost_nothing(
    rig: Rig, operation: str, access_key_id: str, secret: str, code: str
) -> None:
    paid = rig.emulator.paid()
    with pytest.raises(ClientError) as raised:
        getattr(rig.aws(access_key_id, secret), operation)(Image={"Bytes": SCENES[0]})
    assert raised.value.response["Error"]["Code"] == code
    assert rig.emulator.paid() == paid


@pytest.mark.parametrize("headers", [{"x-api-key": "archive-key"}, {"authorization": "Bearer shop-key-2"}])
def test_native_clients_show_a_key_or_a_token(rig: Rig, headers: dict[str, str]) -> None:
    assert rig.detect(SCENES[0], **headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "guessed"}, {"authorization": "Bearer AKIDSHOP"}])
def test_native_strangers_get_a_401_that_says_how(rig: Rig, headers: dict[str, str]) -> None:
    reply = rig.detect(SCENES[0], **headers)
    assert (reply.status_code, reply.headers["content-type"]) == (401, "application/problem+json")
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "guessed" not in reply.text


def test_azures_clients_show_a_key(rig: Rig) -> None:
    with ImageAnalysisClient(rig.server.url, AzureKeyCredential("archive-key")) as client:
        assert client.analyze(SCENES[0], [VisualFeatures.OBJECTS]).objects is not None
    with (
        ImageAnalysisClient(rig.server.url, AzureKeyCredential("guessed")) as stranger,
        pytest.raises(ClientAuthenticationError) as raised,
    ):
        stranger.analyze(SCENES[0], [VisualFeatures.OBJECTS])
    assert raised.value.status_code == 401


def test_googles_clients_show_a_key_over_rest_and_over_grpc(rig: Rig) -> None:
    image: Any = {"content": SCENES[0]}
    over_rest: Any = rest_client(rig.server.url, "archive-key")
    assert over_rest.object_localization(image).localized_object_annotations
    with grpc_client(rig.server.grpc) as client:
        localize: Any = client.object_localization
        assert localize(image, metadata=with_key("shop-key-1")).localized_object_annotations


def test_googles_strangers_get_googles_own_exceptions(rig: Rig) -> None:
    """Over both transports a wrong key, no credentials and a bad token are three different things."""
    image: Any = {"content": SCENES[0]}
    wrong_key: Any = rest_client(rig.server.url, "guessed")
    with pytest.raises(BadRequest) as raised:
        wrong_key.object_localization(image)
    assert raised.value.reason == "API_KEY_INVALID"
    nobody: Any = rest_client(rig.server.url)
    with pytest.raises(Forbidden, match="unregistered callers"):
        nobody.object_localization(image)
    bad_token = [("authorization", "Bearer guessed")]
    with grpc_client(rig.server.grpc) as client:
        localize: Any = client.object_localization
        with pytest.raises(InvalidArgument) as refused:
            localize(image, metadata=with_key("guessed"))
        assert refused.value.reason == "API_KEY_INVALID"
        with pytest.raises(PermissionDenied, match="unregistered callers"):
            localize(image)
        with pytest.raises(Unauthenticated):
            localize(image, metadata=bad_token)
    reply = WEB.post(f"{rig.server.url}/v1/images:annotate", json={}, headers=dict(bad_token))
    assert (reply.status_code, reply.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def shared(rig: Rig, first_key: str, second_key: str) -> list[str]:
    """The layouts of two images that arrive together, under these keys."""
    pairs = zip(SCENES, [first_key, second_key], strict=True)
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda pair: rig.detect(pair[0], **{"x-api-key": pair[1]}), pairs))
    return [reply.headers["x-tessera-grid"] for reply in replies]


def test_two_keys_of_one_client_share_a_sheet_and_two_clients_never_do(rig: Rig) -> None:
    assert shared(rig, "twin-key-1", "twin-key-2") == ["2x1", "2x1"]
    assert shared(rig, "twin-key-1", "archive-key") == ["1x1", "1x1"]


def test_one_client_shares_a_sheet_with_himself_whichever_sdk_he_uses(rig: Rig) -> None:
    """An AWS access key and an API key of one table of the file; another client's beside them stays alone."""

    def through_boto3() -> str:
        answer = rig.aws("AKIDSHOP", "shop-secret").detect_labels(Image={"Bytes": SCENES[0]})
        return str(answer["ResponseMetadata"]["HTTPHeaders"]["x-tessera-grid"])

    for key, layout in (("shop-key-1", "2x1"), ("archive-key", "1x1")):
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.submit(through_boto3), pool.submit(rig.detect, SCENES[1], **{"x-api-key": key})
        assert (one.result(), other.result().headers["x-tessera-grid"]) == (layout, layout)


def test_no_key_is_in_the_log(rig: Rig) -> None:
    for key in ("shop-key-1", "guessed"):
        rig.detect(SCENES[0], **{"x-api-key": key})
    rig.aws("AKIDSHOP", "shop-secret").detect_labels(Image={"Bytes": SCENES[0]})
    text = rig.server.log_file.read_text(encoding="utf-8")
    assert "answered" in text
    for secret in ("shop-key-1", "shop-secret", "archive-key", "guessed"):
        assert secret not in text
