"""The vendor does not take the operator's credentials: every client is told that it is not his own, whatever he asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.core.exceptions import HttpResponseError
from botocore.exceptions import ClientError
from google.api_core.exceptions import GoogleAPICallError

from tests.support.azure_clients import analysis_client
from tests.support.emulator import running_emulator
from tests.support.google_clients import rest_client
from tests.support.pictures import picture
from tests.support.plain_http import WEB
from tests.support.sdk import new_key
from tests.support.server import RunningServer, running_server

WORDS = "The proxy's own credentials do not allow this"
WRONG: Mapping[str, Mapping[str, str]] = {
    "rekognition": {"AWS_ACCESS_KEY_ID": "OPERATOR", "AWS_SECRET_ACCESS_KEY": "canary-in-a-wrong-key"},
    "google": {"TESSERA_GOOGLE_API_KEY": "canary-in-a-wrong-key"},
    "azure": {"TESSERA_AZURE_KEY": "canary-in-a-wrong-key"},
}
SCENE = picture(640, 480, 7)


@dataclass(frozen=True, slots=True)
class Behind:
    provider: str
    server: RunningServer


@pytest.fixture(scope="module", params=WRONG)
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator("--no-classical", "--secret", "right", vendor=request.param))
        settings = {
            "TESSERA_PROVIDER": request.param,
            "TESSERA_UPSTREAM_URL": emulator.url,
            "TESSERA_MAX_WAIT_MS": "1",
            "TESSERA_LOG_LEVEL": "debug",
            **WRONG[request.param],
            **({"TESSERA_UPSTREAM_GRPC": emulator.grpc} if emulator.grpc else {}),
        }
        server = running_server(tmp_path_factory.mktemp("denied") / "log", **settings)
        behind = Behind(request.param, stack.enter_context(server))
        yield behind
        told = [behind.server.log_file.read_text(encoding="utf-8"), json.dumps(behind.server.stats())]
        told.append(WEB.get(f"{behind.server.url}/metrics").text)
        assert [text for text in told if "canary-in-a" in text] == [], "a key that the vendor does not take is a secret, too"


def aws(url: str) -> Any:
    return boto3.session.Session().client(
        "rekognition", endpoint_url=url, region_name="us-east-1", aws_access_key_id=new_key(), aws_secret_access_key="any"
    )


def over_native(url: str) -> Any:
    reply = WEB.post(f"{url}/v1/detect", content=SCENE.content, headers={"content-type": "image/jpeg"})
    assert reply.status_code == 502
    raise RuntimeError(reply.json()["title"])


ASKED: Mapping[str, Callable[[str], object]] = {
    "native": over_native,
    "rekognition": lambda url: aws(url).detect_labels(Image={"Bytes": SCENE.content}),
    "google": lambda url: rest_client(url, new_key()).object_localization({"content": SCENE.content}),
    "azure": lambda url: analysis_client(url, new_key()).analyze(SCENE.content, [VisualFeatures.OBJECTS]),
}
HANDED_ON: Mapping[str, Callable[[str], object]] = {
    "rekognition": lambda url: aws(url).list_collections(),
    "google": lambda url: rest_client(url, new_key()).label_detection({"content": SCENE.content}),
    "azure": lambda url: analysis_client(url, new_key()).analyze(SCENE.content, [VisualFeatures.TAGS]),
}


@pytest.mark.parametrize("front", ASKED)
def test_of_a_sheet_every_front_says_so(behind: Behind, front: str) -> None:
    with pytest.raises((RuntimeError, ClientError, HttpResponseError, GoogleAPICallError), match=WORDS):
        ASKED[front](behind.server.url)


def test_and_so_does_the_vendors_own_of_what_is_handed_on(behind: Behind) -> None:
    with pytest.raises((ClientError, HttpResponseError, GoogleAPICallError), match=WORDS):
        HANDED_ON[behind.provider](behind.server.url)
    (refused,) = [line for line in behind.server.logs() if line["event"] == "refused"][-1:]
    assert (refused["kind"], refused["level"], bool(refused["vendor_said"])) == ("provider_denied", "warning", True)
