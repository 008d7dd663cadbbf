"""Good requests to begin with: those that the vendors' real SDKs write, and those of tests/fidelity/cases.

The SDKs are pointed at a server that keeps what they send; over gRPC it is the message of the package's own types. Images are
small on purpose, so that many changes hit something that matters.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from azure.ai.vision.imageanalysis.models import VisualFeatures
from google.cloud import vision

from app.core.geometry import Size
from app.core.model import RawRequest
from app.wire.contract import RawReply
from tests.support.aws_model import serialized, service_model
from tests.support.azure_clients import analysis_client, vision_client
from tests.support.dialect_server import serving
from tests.support.google_clients import asked, rest_client
from tests.support.google_wire import GRPC_PATH
from tests.support.images import encoded, painted
from tests.support.wire import aws_request, native_request

CASES = Path(__file__).parents[1] / "fidelity" / "cases"
ARN = "arn:aws:rekognition:us-east-1:123456789012:project/p/version/p.2024/1700000000000"
# As large as every vendor asks for at least (Rekognition: 80 px).
IMAGE_SIDES = Size(88, 84)
URL = "https://example.com/a.jpg"


@cache
def image() -> bytes:
    return encoded(painted(IMAGE_SIDES, (20, 20, 60, 60)))


@cache
def seeds(front: str) -> tuple[RawRequest, ...]:
    """Of `rekognition`, `google`, `google over grpc`, `azure 4.0`, `azure 3.2` or `native`."""
    written = tuple(_WRITERS[front]())
    return written + tuple(_cases(front))


def _cases(front: str) -> list[RawRequest]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob(f"{front}_*.json"))]
    if front == "native":
        return [native_request(one["request"]["query"], operation=one["request"].get("operation", "detect")) for one in found]
    return [aws_request(one["request"]["operation"], one["request"]["members"]) for one in found]


_AWS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("DetectLabels", {"MaxLabels": 10, "MinConfidence": 55.5, "Features": ["GENERAL_LABELS"]}),
    ("DetectLabels", {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Dog"]}}}),
    ("DetectFaces", {"Attributes": ["ALL"]}),
    ("DetectProtectiveEquipment", {"SummarizationAttributes": {"MinConfidence": 80, "RequiredEquipmentTypes": ["FACE_COVER"]}}),
    ("RecognizeCelebrities", {}),
    ("DetectCustomLabels", {"ProjectVersionArn": ARN, "MinConfidence": 1.5, "MaxResults": 3}),
    (
        "DetectModerationLabels",
        {"MinConfidence": 60, "HumanLoopConfig": {"HumanLoopName": "a", "FlowDefinitionArn": "arn:aws"}},
    ),
    ("DetectText", {"Filters": {"WordFilter": {"MinConfidence": 50, "MinBoundingBoxHeight": 0.1}}}),
)


def _rekognition() -> list[RawRequest]:
    model = service_model()
    inline = [serialized(model, name, {"Image": {"Bytes": image()}, **members}) for name, members in _AWS]
    stored = {"Image": {"S3Object": {"Bucket": "pictures", "Name": "a.jpg", "Version": "1"}}}
    compared = {"SourceImage": {"Bytes": image()}, "TargetImage": {"Bytes": image()}, "SimilarityThreshold": 80}
    return [*inline, serialized(model, "DetectFaces", stored), serialized(model, "CompareFaces", compared)]


def _sent(*calls: Callable[[str], object]) -> list[RawRequest]:
    """What SDKs send when they are called so; each is told that it was wrong, and gives up."""
    with serving(lambda raw: RawReply(400, {"Content-Type": "application/json"}, b"{}")) as server:
        for call in calls:
            with suppress(Exception):  # how the SDK takes a refusal is not looked at here
                call(server.url)
        return list(server.requests)


_FEATURES = ["OBJECT_LOCALIZATION", "FACE_DETECTION", "TEXT_DETECTION", "LABEL_DETECTION", "SAFE_SEARCH_DETECTION"]


def _batches() -> list[dict[str, Any]]:
    """Of Google: one image, several, links, contexts, and what cannot share a sheet."""
    one = asked((image(), _FEATURES[:1]))
    many = asked(*((image(), [feature, "IMAGE_PROPERTIES"]) for feature in _FEATURES))
    context = {"language_hints": ["en"], "crop_hints_params": {"aspect_ratios": [1.5]}, "text_detection_params": {}}
    linked = [{"image": {"source": {"image_uri": uri}}, "features": one[0]["features"]} for uri in (URL, "gs://pictures/a.jpg")]
    whole = [{**one[0], "image_context": context, "features": [{"type_": 5, "max_results": 3, "model": "builtin/latest"}]}]
    return [
        {"requests": one},
        {"requests": many, "parent": "projects/p/locations/eu", "labels": {"a": "b"}},
        {"requests": linked},
        {"requests": whole},
    ]


def _google() -> list[RawRequest]:
    return _sent(
        *(lambda url, batch=batch: rest_client(url, "key").batch_annotate_images(request=batch) for batch in _batches())
    )


def _google_grpc() -> list[RawRequest]:
    kind = vision.BatchAnnotateImagesRequest
    headers = {"content-type": "application/grpc", "x-goog-api-key": "key"}
    return [RawRequest("POST", GRPC_PATH, "", headers, kind.serialize(kind(batch))) for batch in _batches()]


def _azure_40() -> list[RawRequest]:
    features = [VisualFeatures.OBJECTS, VisualFeatures.PEOPLE, VisualFeatures.READ, VisualFeatures.TAGS]
    return _sent(
        lambda url: analysis_client(url).analyze(image(), features[:1]),
        lambda url: analysis_client(url).analyze(image(), features, language="en", gender_neutral_caption=True),
        lambda url: analysis_client(url).analyze(image(), list(VisualFeatures), smart_crops_aspect_ratios=[0.9]),
        lambda url: analysis_client(url).analyze_from_url(URL, features[:1]),
        lambda url: _posted(f"{url}/computervision/imageanalysis:analyze?api-version=2024-02-01&features=objects", "file"),
    )


def _azure_32() -> list[RawRequest]:
    stream = io.BytesIO
    return _sent(
        lambda url: vision_client(url).analyze_image_in_stream(stream(image()), ["Objects", "Faces", "Adult"]),
        lambda url: vision_client(url).analyze_image_in_stream(stream(image()), ["Brands"], ["Celebrities"], language="en"),
        lambda url: vision_client(url).detect_objects_in_stream(stream(image())),
        lambda url: vision_client(url).detect_objects(URL),
        lambda url: vision_client(url).tag_image_in_stream(stream(image())),
        lambda url: vision_client(url).recognize_printed_text_in_stream(stream(image())),
        lambda url: _posted(f"{url}/vision/v3.2/detect", "file"),
    )


def _native() -> list[RawRequest]:
    return _sent(
        lambda url: httpx.post(f"{url}/v1/detect?features=objects,faces&max_results=5", content=image()),
        lambda url: httpx.post(f"{url}/v1/classify", content=image(), headers={"content-type": "image/jpeg", "x-api-key": "k"}),
        lambda url: httpx.post(f"{url}/v1/moderate?categories=adult,gore&min_score=0.25", content=image()),
        lambda url: _posted(f"{url}/v1/detect", "image"),
    )


def _posted(url: str, field: str) -> object:
    return httpx.post(url, files={field: ("a.jpg", image(), "image/jpeg"), "more": b"x"})


_WRITERS: Mapping[str, Callable[[], list[RawRequest]]] = {
    "rekognition": _rekognition,
    "google": _google,
    "google over grpc": _google_grpc,
    "azure 4.0": _azure_40,
    "azure 3.2": _azure_32,
    "native": _native,
}
FRONTS = tuple(_WRITERS)
