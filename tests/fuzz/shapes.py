"""Replies as the vendors' own SDKs read them: what they cannot read, or find no error in, is a defect.

In: a reply of a front. Out: nothing, or a Defect. JSON is read strictly: NaN and Infinity are not JSON, and doubled keys are a
writer's mistake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import grpc
from azure.ai.vision.imageanalysis.models import ImageAnalysisResult
from azure.cognitiveservices.vision.computervision import models as models_32
from azure.core.exceptions import ODataV4Format
from google.api_core.exceptions import format_http_response_error
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format
from msrest import Deserializer

from app.wire.contract import RawReply
from app.wire.google import packed_status
from app.wire.native import OPERATIONS, ProblemReply
from tests.fuzz.engine import Defect, require
from tests.support.aws_model import parsed, service_model, strangers

FIRST_ERROR = 400
# What a client may be told at all: the vendors' statuses for whatever is wrong with a request. 500 is none of them.
REFUSALS = frozenset({400, 401, 403, 404, 405, 413, 415, 422})
# What it may be told when the provider, or this server, has failed.
FAILURES = REFUSALS | {429, 500, 502, 503, 504}
_BATCH: Any = image_annotator.BatchAnnotateImagesResponse.pb()
_STATUSES_OF_GOOGLE = {code.name for code in grpc.StatusCode}
_READER_OF_32: Any = Deserializer  # it has no types
_OF_32: Any = _READER_OF_32({name: kind for name, kind in vars(models_32).items() if isinstance(kind, type)})


def strict_json(body: bytes) -> Any:
    """Raises Defect for what a strict reader would not take."""

    def refuse(word: str) -> None:
        raise Defect(f"{word} is not JSON: {body[:200]!r}")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        require(len({name for name, _ in pairs}) == len(pairs), f"a doubled key: {body[:200]!r}")
        return dict(pairs)

    try:
        return json.loads(body.decode("utf-8"), parse_constant=refuse, object_pairs_hook=once)
    except ValueError as error:
        raise Defect(f"no JSON: {body[:200]!r}") from error


def check_refusal(front: str, reply: RawReply, statuses: frozenset[int] = REFUSALS) -> None:
    """The vendor's SDK finds its own error in it."""
    require(reply.status in statuses, f"refused with status {reply.status}: {reply.body[:300]!r}")
    for name, value in reply.headers.items():
        require(value.isprintable() and value.isascii(), f"a header that cannot be sent: {name}: {value!r}")
    _REFUSALS[front](reply)


def check_answer(front: str, operation: str, reply: RawReply) -> Any:
    """The vendor's SDK reads it whole; its JSON (of a message: as JSON)."""
    require(reply.status < FIRST_ERROR, f"not answered: {reply.status} {reply.body[:300]!r}")
    return _ANSWERS[front](operation, reply)


def _aws_error(reply: RawReply) -> None:
    strict_json(reply.body)
    seen = parsed(service_model(), "DetectLabels", reply)
    require(seen["Error"]["Code"] and seen["Error"]["Message"], f"botocore finds no error: {reply.body[:300]!r}")


def _google_error(reply: RawReply) -> None:
    error = strict_json(reply.body)["error"]
    require(error["status"] in _STATUSES_OF_GOOGLE and error["message"], f"no google.rpc.Status: {error}")
    require(error["code"] == reply.status, f"another status inside: {error}")
    seen = format_http_response_error(_HttpResponse(reply), "POST", "/v1/images:annotate", error)
    require(seen.code == reply.status, f"google-api-core sees {seen!r}")
    packed_status(reply.body)


class _HttpResponse:
    """As much of a response as google-api-core looks at."""

    def __init__(self, reply: RawReply) -> None:
        self.status_code = reply.status
        self.headers = reply.headers


def _azure_40_error(reply: RawReply) -> None:
    seen = ODataV4Format(strict_json(reply.body)["error"])
    require(seen.code and seen.message, f"azure-core finds no error: {reply.body[:300]!r}")


def _azure_32_error(reply: RawReply) -> None:
    tree = strict_json(reply.body)
    if reply.status in {401, 404}:  # said by the gateway: there is no service behind it whose model it could have
        require(tree["error"]["code"] and tree["error"]["message"], f"no error: {reply.body[:300]!r}")
        return
    seen = _OF_32("ComputerVisionErrorResponse", tree)
    require(seen.error.code and seen.error.message, f"msrest finds no error: {reply.body[:300]!r}")


def _native_error(reply: RawReply) -> None:
    seen = ProblemReply.model_validate(strict_json(reply.body), strict=True)
    require(seen.status == reply.status and seen.title, f"a problem without words: {seen}")
    require(reply.headers["Content-Type"] == "application/problem+json", f"headers {reply.headers}")


def _aws_answer(operation: str, reply: RawReply) -> Any:
    tree = strict_json(reply.body)
    shape = service_model().operation_model(operation).output_shape
    odd = list(strangers(shape, tree))
    require(not odd, f"not in AWS's model: {odd[:3]}")
    parsed(service_model(), operation, reply)
    return tree


def _google_answer(_: str, reply: RawReply) -> Any:
    if reply.headers["Content-Type"] == "application/x-protobuf":
        return json_format.MessageToDict(_BATCH.FromString(reply.body))
    tree = strict_json(reply.body)
    json_format.ParseDict(tree, _BATCH())
    return tree


def _azure_40_answer(_: str, reply: RawReply) -> Any:
    tree = strict_json(reply.body)
    seen = ImageAnalysisResult(tree)
    for found in (seen.objects, seen.people, seen.tags):
        for item in found.list if found is not None else ():
            item.as_dict()
    return tree


def _azure_32_answer(operation: str, reply: RawReply) -> Any:
    tree = strict_json(reply.body)
    require(_OF_32("DetectResult" if operation.endswith("detect") else "ImageAnalysis", tree), "msrest reads nothing")
    return tree


def _native_answer(operation: str, reply: RawReply) -> Any:
    tree = strict_json(reply.body)
    OPERATIONS[operation].reply.model_validate_json(reply.body)
    return tree


_REFUSALS: Mapping[str, Callable[[RawReply], None]] = MappingProxyType(
    {
        "rekognition": _aws_error,
        "google": _google_error,
        "google over grpc": _google_error,
        "azure 4.0": _azure_40_error,
        "azure 3.2": _azure_32_error,
        "native": _native_error,
    }
)
_ANSWERS: Mapping[str, Callable[[str, RawReply], Any]] = MappingProxyType(
    {
        "rekognition": _aws_answer,
        "google": _google_answer,
        "google over grpc": _google_answer,
        "azure 4.0": _azure_40_answer,
        "azure 3.2": _azure_32_answer,
        "native": _native_answer,
    }
)
