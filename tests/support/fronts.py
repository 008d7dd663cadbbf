"""Every front as its own SDK asks it: one feature of one image, by the vendor's name for it.

In: a running server and the feature's name. Out: the answer's list of findings, each with the members that are there, in the
vendor's own words; or how it was refused.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import boto3
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.cognitiveservices.vision.computervision.models import (
    ComputerVisionErrorResponseException,
    ComputerVisionOcrErrorException,
)
from azure.core.exceptions import HttpResponseError
from botocore import xform_name
from botocore.exceptions import ClientError
from google.api_core.exceptions import InvalidArgument
from google.protobuf import json_format

from tests.support.azure_clients import analysis_client, vision_client
from tests.support.google_clients import asked, grpc_client, rest_client, with_key
from tests.support.plain_http import WEB
from tests.support.server import RunningServer

Json: TypeAlias = Mapping[str, Any]
MODEL_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/shelf/version/first/1"
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Said:
    """Findings, or the vendor's own word for a refusal."""

    items: Sequence[Json] = ()
    refusal: str = ""


Ask: TypeAlias = Callable[[RunningServer, str, str, bytes], Said]
"""Server, the client's key, the feature's name, the image."""


def native(server: RunningServer, key: str, feature: str, image: bytes) -> Said:
    """A feature of `/v1/detect`, or the path of another task."""
    headers = {"content-type": "image/jpeg", "x-api-key": key}
    path, listed = (feature, "labels") if feature.startswith("/") else (f"/v1/detect?features={feature}", "detections")
    reply = WEB.post(f"{server.url}{path}", content=image, headers=headers)
    answer = reply.json()
    return Said(answer[listed]) if reply.is_success else Said(refusal=f"{reply.status_code} {answer['type']}")


# Operation -> members of the request beside the image, and the member of the answer that lists what was found.
_AWS: Mapping[str, tuple[Json, str]] = {
    "DetectLabels": ({}, "Labels"),
    "DetectLabels+IMAGE_PROPERTIES": ({"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}, "Labels"),
    "DetectFaces": ({"Attributes": ["ALL"]}, "FaceDetails"),
    "RecognizeCelebrities": ({}, "CelebrityFaces"),
    "DetectProtectiveEquipment": ({}, "Persons"),
    "DetectText": ({}, "TextDetections"),
    "DetectCustomLabels": ({"ProjectVersionArn": MODEL_ARN}, "CustomLabels"),
    "DetectModerationLabels": ({}, "ModerationLabels"),
}


def rekognition(server: RunningServer, key: str, feature: str, image: bytes) -> Said:
    client: Any = boto3.session.Session().client(
        "rekognition", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key="any"
    )
    more, listed = _AWS[feature]
    try:
        return Said(getattr(client, xform_name(feature.partition("+")[0]))(Image={"Bytes": image}, **more)[listed])
    except ClientError as error:
        return Said(refusal=error.response["Error"]["Code"])


# Feature -> the field of the answer that lists what was found, or is all of it; of the others nothing is looked at.
_GOOGLE: Mapping[str, str] = {
    "OBJECT_LOCALIZATION": "localizedObjectAnnotations",
    "FACE_DETECTION": "faceAnnotations",
    "LANDMARK_DETECTION": "landmarkAnnotations",
    "LOGO_DETECTION": "logoAnnotations",
    "TEXT_DETECTION": "textAnnotations",
    "DOCUMENT_TEXT_DETECTION": "textAnnotations",
    "LABEL_DETECTION": "labelAnnotations",
    "SAFE_SEARCH_DETECTION": "safeSearchAnnotation",
}


def google_rest(server: RunningServer, key: str, feature: str, image: bytes) -> Said:
    return _annotated(rest_client(server.url, key), feature, image)


def google_grpc(server: RunningServer, key: str, feature: str, image: bytes) -> Said:
    with grpc_client(server.grpc) as client:
        return _annotated(client, feature, image, metadata=with_key(key))


def _annotated(client: Any, feature: str, image: bytes, **options: Any) -> Said:
    try:
        answer = client.batch_annotate_images(requests=asked((image, [feature])), **options).responses[0]
    except InvalidArgument:
        return Said(refusal="INVALID_ARGUMENT")
    except Exception as error:  # over REST the SDK has an exception of its own for each status
        if getattr(error, "code", None) != _BAD_REQUEST:
            raise
        return Said(refusal="INVALID_ARGUMENT")
    found = json_format.MessageToDict(type(answer).pb(answer)).get(_GOOGLE.get(feature, ""), ())
    return Said([found] if isinstance(found, dict) else found)


def azure_4_0(server: RunningServer, key: str, feature: str, image: bytes) -> Said:
    try:
        answer = analysis_client(server.url, key).analyze(image, [VisualFeatures(feature)]).as_dict()
    except HttpResponseError as error:
        return Said(refusal=_azures(error.response.json() if error.response is not None else {}))  # type: ignore[attr-defined]  # aiohttp's has another
    found = answer.get(f"{feature}Result", {})
    return Said(
        [line for block in found["blocks"] for line in block["lines"]] if "blocks" in found else found.get("values", ())
    )


_OPERATIONS_3_2: Mapping[str, str] = {
    "/detect": "detect_objects_in_stream",
    "/tag": "tag_image_in_stream",
    "/describe": "describe_image_in_stream",
    "/ocr": "recognize_printed_text_in_stream",
    "/read/analyze": "read_in_stream",
}
_DETAILS_3_2 = frozenset({"Celebrities", "Landmarks"})
_OF_ONE_ITEM_3_2 = frozenset({"Adult"})


def azure_3_2(server: RunningServer, key: str, feature: str, image: bytes) -> Said:
    client, stream = vision_client(server.url, key), io.BytesIO(image)
    try:
        if feature == "/ocr":
            answer = client.recognize_printed_text_in_stream(image=stream)
        elif feature in _OPERATIONS_3_2:
            answer = getattr(client, _OPERATIONS_3_2[feature])(stream)
        elif feature in _DETAILS_3_2:
            answer = client.analyze_image_in_stream(stream, details=[feature])
        else:
            answer = client.analyze_image_in_stream(stream, visual_features=[feature])
    except (ComputerVisionErrorResponseException, ComputerVisionOcrErrorException) as error:
        return Said(refusal=_azures(error.response.json()))
    listed: Any = getattr(answer, "objects" if feature == "/detect" else feature.lower(), None)
    items = listed if isinstance(listed, list) else [listed] if feature in _OF_ONE_ITEM_3_2 else []
    return Said([item.serialize(keep_readonly=True) for item in items])


def _azures(body: Json) -> str:
    """The inner code, which says more, where there is one."""
    error = body["error"]
    return str(error.get("innererror", error)["code"])
