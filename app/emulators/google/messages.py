"""The vendor's own message types, from the google-cloud-vision package: the one place where bytes become values and back.

In: JSON or protobuf bytes. Out: plain values; and the other way. Answers are written as JSON trees by the features and pass
through the message types, so no field that the vendor does not have can leave, and zeros are left out as proto3 JSON does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from google.cloud.vision_v1.types import image_annotator
from google.longrunning import operations_pb2
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from app.emulators.google.asked import AskedImage
from app.emulators.google.errors import Code, Json, ServiceError, bad_json, invalid_argument

KNOWN_DETAILS = (error_details_pb2.ErrorInfo,)
"""Imported so that `Any` can hold them."""
BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]*={0,2}\s*", re.ASCII)
"""Both alphabets, padded or not, line breaks in between."""

_REQUESTS = {
    "BatchAnnotateImages": image_annotator.BatchAnnotateImagesRequest.pb(),
    "AsyncBatchAnnotateImages": image_annotator.AsyncBatchAnnotateImagesRequest.pb(),
    "BatchAnnotateFiles": image_annotator.BatchAnnotateFilesRequest.pb(),
    "AsyncBatchAnnotateFiles": image_annotator.AsyncBatchAnnotateFilesRequest.pb(),
    "GetOperation": operations_pb2.GetOperationRequest,
}
_IMAGE_ANSWER = image_annotator.AnnotateImageResponse.pb()
_BATCH_ANSWER = image_annotator.BatchAnnotateImagesResponse.pb()


def request_from_json(method: str, body: bytes) -> Any:
    """A request message from the body of a REST call. Raises `ServiceError`."""
    try:
        tree = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise bad_json("It is not JSON.") from error
    if not isinstance(tree, dict):
        raise bad_json("Its root is not an object.")
    _check_base64(tree)
    try:
        return json_format.ParseDict(tree, _REQUESTS[method]())
    except json_format.ParseError as error:
        raise bad_json(str(error).partition("\n")[0]) from error


def request_from_wire(method: str, data: bytes) -> Any:
    """A request message from a gRPC call. Raises `ServiceError`."""
    try:
        return _REQUESTS[method].FromString(data)
    except DecodeError as error:
        raise ServiceError(Code.INTERNAL, "Failed to parse the request message.") from error


def asked_images(request: Any) -> tuple[AskedImage, ...]:
    """The images of a BatchAnnotateImagesRequest, in order."""
    return tuple(_asked_image(one) for one in request.requests)


def _asked_image(one: Any) -> AskedImage:
    source = one.image.source
    content, uri = one.image.content, source.image_uri or source.gcs_image_uri
    one.ClearField("image")
    return AskedImage(content, uri, json_format.MessageToDict(one))


def image_answer(tree: Json) -> Message:
    """An AnnotateImageResponse from its JSON tree."""
    answer: Message = json_format.ParseDict(tree, _IMAGE_ANSWER())
    return answer


def batch_answer(answers: Iterable[Message]) -> Message:
    """A BatchAnnotateImagesResponse."""
    return _filled(_BATCH_ANSWER(), answers)


def _filled(batch: Any, answers: Iterable[Message]) -> Message:
    batch.responses.extend(answers)
    filled: Message = batch
    return filled


def operation_answer(tree: Json) -> Message:
    """A google.longrunning.Operation from its JSON tree."""
    answer: Message = json_format.ParseDict(tree, operations_pb2.Operation())
    return answer


def as_tree(message: Message) -> Json:
    """A message's JSON, enums by their names."""
    tree: Json = json_format.MessageToDict(message)
    return tree


def as_json(message: Message, *, enum_numbers: bool, pretty: bool) -> bytes:
    """A message as the body of a REST answer."""
    text = json_format.MessageToJson(
        message, use_integers_for_enums=enum_numbers, indent=2 if pretty else None, ensure_ascii=False
    )
    return text.encode()


def status_wire(error: ServiceError) -> bytes:
    """A google.rpc.Status as gRPC carries it beside its own code and words."""
    status: Message = json_format.ParseDict(error.as_status(), status_pb2.Status())
    return status.SerializeToString()


def _check_base64(tree: Json) -> None:
    """protobuf skips over characters that are not base64; the vendor refuses them."""
    requests = tree.get("requests")
    for place, one in enumerate(requests if isinstance(requests, list) else ()):
        image = one.get("image") if isinstance(one, dict) else None
        content = image.get("content") if isinstance(image, dict) else None
        if isinstance(content, str) and not BASE64.fullmatch(content):
            raise invalid_argument(f"Invalid value at 'requests[{place}].image.content' (TYPE_BYTES): not base64.")
