"""The vendors' own SDKs as fronts: boto3, google-cloud-vision over REST and gRPC, Azure 4.0 and 3.2.

Most have their own tries switched off, so that each is dealt out and judged by the run. boto3 and Azure 4.0 come a second time
with the tries that they make by themselves, through the gate: each try is a connection of its own there. (Google's name no
call when they try again, and Azure 3.2 never does.) Every request carries its id in X-Request-Id, as raw ones do; where an SDK
shows the answer's headers, the id must come back.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import boto3
import grpc
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.cognitiveservices.vision.computervision.models import ComputerVisionErrorResponseException
from azure.core.exceptions import HttpResponseError
from botocore.config import Config
from botocore.exceptions import ClientError
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport
from google.protobuf import json_format

from tests.chaos import reading
from tests.chaos.fronts import KEY, Endpoint, Question, unanswered, with_body
from tests.chaos.history import OK, Attempt, Ending, Task
from tests.support.azure_clients import analysis_client, vision_client
from tests.support.google_clients import asked, rest_client, with_key

Told: TypeAlias = tuple[int, Mapping[str, Any], Mapping[str, str]]
"""Status, body as JSON, headers (none where the SDK hides them)."""
Call: TypeAlias = Callable[[Any, Question, float], Told]

_REQUEST_ID = "X-Request-Id"


class SdkFront:
    """`connect` makes a client for a process, once; `call` asks it. `tries_again`: as `Front` says."""

    def __init__(
        self,
        name: str,
        connect: Callable[[Endpoint, float], Any],
        call: Call,
        read: reading.Read,
        task: Task = Task.DETECT,
        *,
        tries_again: bool = False,
    ) -> None:
        self.name = name
        self.task = task
        self.tries_again = tries_again
        self._connect = connect
        self._call = call
        self._read = read
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, endpoint: Endpoint, patience_s: float) -> Any:
        """The one for this process: made when it is first wanted, which takes its time."""
        with self._lock:
            if endpoint.name not in self._clients:
                self._clients[endpoint.name] = self._connect(endpoint, patience_s)
            return self._clients[endpoint.name]

    def ask(self, endpoint: Endpoint, question: Question, patience_s: float) -> Attempt:
        client = self.client(endpoint, patience_s)
        began_s = time.monotonic()
        try:
            status, body, headers = self._call(client, question, patience_s)
        except Exception as error:  # whatever an SDK raises without an answer
            return unanswered(endpoint, began_s, error)
        names = {name.lower(): value for name, value in headers.items()}
        attempt = Attempt(
            endpoint.name,
            began_s,
            time.monotonic(),
            Ending.ANSWERED,
            status,
            layout=names.get("x-tessera-grid", ""),
            answered_id=names.get(_REQUEST_ID.lower()),
        )
        return with_body(attempt, body, question.size, self._read)


_asking = threading.local()


# What boto3 does in its standard mode.
BOTO3_TRIES = Config(retries={"mode": "standard", "total_max_attempts": 3})
ONE_TRY = Config(retries={"total_max_attempts": 1})
# What azure-core does, as `RetryPolicy` has it.
AZURE_TRIES = 10
_ONCE = "close"


def _boto3(endpoint: Endpoint, patience_s: float) -> Any:
    return _boto3_client(endpoint, patience_s, ONE_TRY, {})


def _boto3_again(endpoint: Endpoint, patience_s: float) -> Any:
    return _boto3_client(endpoint, patience_s, BOTO3_TRIES, {"Connection": _ONCE})


def _boto3_client(endpoint: Endpoint, patience_s: float, tries: Config, headers: Mapping[str, str]) -> Any:
    client: Any = boto3.session.Session().client(
        "rekognition",
        endpoint_url=endpoint.url,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key="any",
        config=tries.merge(Config(read_timeout=patience_s, max_pool_connections=64)),
    )

    def add_id(params: dict[str, Any], **_: Any) -> None:
        params["headers"].update({_REQUEST_ID: _asking.id, **headers})

    client.meta.events.register("before-call.rekognition", add_id)
    return client


def _detect_labels(client: Any, question: Question, _: float) -> Told:
    return _boto3_told(client.detect_labels, question)


def _detect_moderation(client: Any, question: Question, _: float) -> Told:
    return _boto3_told(client.detect_moderation_labels, question)


def _boto3_told(method: Callable[..., Any], question: Question) -> Told:
    _asking.id = question.id
    try:
        answer = method(Image={"Bytes": question.image})
    except ClientError as error:
        about = error.response["ResponseMetadata"]
        return about["HTTPStatusCode"], {"__type": error.response["Error"]["Code"]}, about["HTTPHeaders"]
    return OK, answer, answer["ResponseMetadata"]["HTTPHeaders"]


def _google_rest(endpoint: Endpoint, _: float) -> Any:
    return rest_client(endpoint.url, KEY)


def _google_grpc(endpoint: Endpoint, _: float) -> Any:
    return vision.ImageAnnotatorClient(transport=ImageAnnotatorGrpcTransport(channel=grpc.insecure_channel(endpoint.grpc)))


def _annotate(client: Any, question: Question, patience_s: float) -> Told:
    metadata = [*with_key(KEY), (_REQUEST_ID.lower(), question.id)]
    requests = asked((question.image, ["OBJECT_LOCALIZATION"]))
    try:
        answer = client.batch_annotate_images(requests=requests, metadata=metadata, timeout=patience_s, retry=None)
    except GoogleAPICallError as error:
        if any(words in str(error) for words in _GRPC_LOST):
            raise
        return int(error.code or 0), {"error": {"code": type(error).__name__}}, {}
    return OK, json_format.MessageToDict(type(answer).pb(answer)), {}


# gRPC gives a connection that did not come about, or that ended, a status as servers do; its words tell.
_GRPC_LOST = (
    "failed to connect to all addresses",
    "Socket closed",
    "reset by peer",
    "recvmsg",
    "GOAWAY",
    "Broken pipe",
    "Deadline Exceeded",
)


def _azure_4_0(endpoint: Endpoint, patience_s: float) -> Any:
    return analysis_client(endpoint.url, KEY, read_timeout=patience_s, connection_timeout=patience_s)


def _azure_4_0_again(endpoint: Endpoint, patience_s: float) -> Any:
    return analysis_client(endpoint.url, KEY, retries=AZURE_TRIES, read_timeout=patience_s, connection_timeout=patience_s)


def _analyze(client: Any, question: Question, _: float) -> Told:
    return _analyzed(client, question, {})


def _analyze_again(client: Any, question: Question, _: float) -> Told:
    return _analyzed(client, question, {"Connection": _ONCE})


def _analyzed(client: Any, question: Question, sent: Mapping[str, str]) -> Told:
    headers: dict[str, str] = {}

    def keep(response: Any) -> None:
        headers.update(response.http_response.headers)

    try:
        answer = client.analyze(
            question.image,
            [VisualFeatures.OBJECTS],
            headers={_REQUEST_ID: question.id, **sent},
            raw_response_hook=keep,
        )
    except HttpResponseError as error:
        if error.status_code is None:
            raise
        code = "" if error.error is None else error.error.code
        return error.status_code, {"error": {"code": code}}, headers
    return OK, answer.as_dict(), headers


def _azure_3_2(endpoint: Endpoint, patience_s: float) -> Any:
    client = vision_client(endpoint.url, KEY)
    client.config.connection.timeout = patience_s
    return client


def _detect_objects(client: Any, question: Question, _: float) -> Told:
    try:
        raw = client.detect_objects_in_stream(io.BytesIO(question.image), custom_headers={_REQUEST_ID: question.id}, raw=True)
    except ComputerVisionErrorResponseException as error:
        return error.response.status_code, error.response.json(), error.response.headers
    return OK, raw.output.serialize(keep_readonly=True), raw.response.headers


def sdk_fronts() -> dict[str, SdkFront]:
    """Fresh ones: each remembers its clients."""
    fronts = (
        SdkFront("boto3", _boto3, _detect_labels, reading.rekognition),
        SdkFront("boto3, moderate", _boto3, _detect_moderation, reading.moderation, Task.MODERATE),
        SdkFront("google SDK, REST", _google_rest, _annotate, reading.google),
        SdkFront("google SDK, gRPC", _google_grpc, _annotate, reading.google),
        SdkFront("azure SDK 4.0", _azure_4_0, _analyze, reading.azure_4_0),
        SdkFront("boto3, own tries", _boto3_again, _detect_labels, reading.rekognition, tries_again=True),
        SdkFront("azure SDK 4.0, own tries", _azure_4_0_again, _analyze_again, reading.azure_4_0, tries_again=True),
        SdkFront("azure SDK 3.2", _azure_3_2, _detect_objects, reading.azure_3_2),
    )
    return {front.name: front for front in fronts}
