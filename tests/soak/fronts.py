"""Every front as its SDK writes to it, and what its answers say, in one form for all: `Seen` things.

In: a tenant, pictures and what is asked of them. Out: requests as bytes, and findings per picture. The forms are those that the
SDKs were recorded with (paths, headers, encodings, signatures); libraries of theirs do the signing and the protobuf.
"""

from __future__ import annotations

import json
import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.geometry import UnitBox
from app.demo.truth import Seen, seen_in
from tests.soak.pictures import SoakPicture

Json: TypeAlias = Mapping[str, Any]
Findings: TypeAlias = tuple[Seen, ...]

GRPC_METHOD = "/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateImages"
# Likelihoods from which Google's own examples call a picture unsafe.
LIKELY = frozenset({"LIKELY", "VERY_LIKELY", 4, 5})


class Question(StrEnum):
    """What is asked of a picture, and how an answer is judged."""

    THINGS = "things"
    LABELS = "labels"
    NAMES = "names"
    TEXT = "text"
    SAFETY = "safety"


class Refused(Exception):
    """The vendor's clear error in the place of an answer: its words."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A named client of the proxy, and everything that he may show."""

    name: str
    key: str
    access_key: str
    secret: str = field(repr=False)

    def toml(self) -> str:
        """His lines in the clients' file."""
        return f'[{self.name}]\nkeys = ["{self.key}"]\n[{self.name}.aws]\n{self.access_key} = "{self.secret}"\n'


@dataclass(frozen=True, slots=True)
class Request:
    """Ready to be sent. `is_grpc`: the body is a protobuf message, and the headers are metadata."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    is_grpc: bool = False


Write: TypeAlias = Callable[[str, Tenant, Sequence[SoakPicture]], Request]
Read: TypeAlias = Callable[[bytes, Sequence[SoakPicture]], list[Findings]]


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask: `write` gets the address, for what is signed; `read` gives findings per picture, or raises Refused."""

    name: str
    question: Question
    write: Write
    read: Read


def native(operation: str, question: Question, query: str = "", **headers: str) -> Form:
    def write(url: str, tenant: Tenant, pictures: Sequence[SoakPicture]) -> Request:
        own = {"Content-Type": pictures[0].media_type, "X-Api-Key": tenant.key}
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(f"/v1/{operation}{query}", own, pictures[0].content)

    def read(body: bytes, _: Sequence[SoakPicture]) -> list[Findings]:
        answer = json.loads(body)
        found = answer["detections"] if operation == "detect" else answer["labels"]
        return [tuple(Seen(one["label"], one["score"], _native_box(one)) for one in found)]

    return Form(f"native {operation}{query}", question, write, read)


def _native_box(found: Json) -> UnitBox | None:
    return UnitBox(**found["box"]["unit"]) if "box" in found else None


def rekognition(operation: str, question: Question) -> Form:
    def write(url: str, tenant: Tenant, pictures: Sequence[SoakPicture]) -> Request:
        body = json.dumps({"Image": {"Bytes": b64encode(pictures[0].content).decode()}}).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"RekognitionService.{operation}"}
        signed = AWSRequest("POST", f"{url}/", headers, body)
        SigV4Auth(Credentials(tenant.access_key, tenant.secret), "rekognition", "us-east-1").add_auth(signed)
        sdk = {"amz-sdk-invocation-id": str(uuid.uuid4()), "amz-sdk-request": "attempt=1; max=1"}
        return Request("/", {**dict(signed.headers.items()), **sdk}, body)

    def read(body: bytes, _: Sequence[SoakPicture]) -> list[Findings]:
        return [_AWS[operation](json.loads(body))]

    return Form(f"Rekognition {operation}", question, write, read)


def _aws_box(geometry: Json) -> UnitBox:
    box = geometry["BoundingBox"]
    return UnitBox.from_ltwh(box["Left"], box["Top"], box["Width"], box["Height"])


_AWS: Mapping[str, Callable[[Json], Findings]] = {
    "DetectLabels": seen_in,
    "DetectText": lambda answer: tuple(Seen(t["DetectedText"], 1.0, _aws_box(t["Geometry"])) for t in answer["TextDetections"]),
    "RecognizeCelebrities": lambda answer: tuple(
        Seen(one["Name"], 1.0, _aws_box(one["Face"])) for one in answer["CelebrityFaces"]
    ),
    "DetectModerationLabels": lambda answer: tuple(Seen(one["Name"], 1.0, None) for one in answer["ModerationLabels"]),
}


def google_rest(feature: str, question: Question) -> Form:
    def write(url: str, tenant: Tenant, pictures: Sequence[SoakPicture]) -> Request:
        headers = {"Content-Type": "application/json", "X-Goog-Api-Key": tenant.key, "x-goog-api-client": "gl-python/3.11.7"}
        body = json.dumps(_annotate(feature, pictures)).encode()
        return Request("/v1/images:annotate?%24alt=json%3Benum-encoding%3Dint", headers, body)

    def read(body: bytes, pictures: Sequence[SoakPicture]) -> list[Findings]:
        return [_google(one, picture) for one, picture in zip(json.loads(body)["responses"], pictures, strict=True)]

    return Form(f"Google REST {feature}", question, write, read)


def google_grpc(feature: str, question: Question) -> Form:
    def write(url: str, tenant: Tenant, pictures: Sequence[SoakPicture]) -> Request:
        message = json_format.ParseDict(_annotate(feature, pictures), image_annotator.BatchAnnotateImagesRequest.pb()())
        return Request(GRPC_METHOD, {"x-goog-api-key": tenant.key}, message.SerializeToString(), is_grpc=True)

    def read(body: bytes, pictures: Sequence[SoakPicture]) -> list[Findings]:
        message = image_annotator.BatchAnnotateImagesResponse.pb().FromString(body)
        answers = json_format.MessageToDict(message)["responses"]
        return [_google(one, picture) for one, picture in zip(answers, pictures, strict=True)]

    return Form(f"Google gRPC {feature}", question, write, read)


def _annotate(feature: str, pictures: Sequence[SoakPicture]) -> dict[str, Any]:
    images = [{"content": b64encode(picture.content).decode()} for picture in pictures]
    return {"requests": [{"image": image, "features": [{"type": feature}]} for image in images]}


def _google(answer: Json, picture: SoakPicture) -> Findings:
    if "error" in answer:
        raise Refused(str(answer["error"]))
    if "safeSearchAnnotation" in answer:
        said = answer["safeSearchAnnotation"]
        return tuple(Seen(name, 1.0, None) for name in ("adult", "racy", "violence") if said.get(name) in LIKELY)
    things = [Seen(o["name"], o["score"], _ratios(o["boundingPoly"])) for o in answer.get("localizedObjectAnnotations", ())]
    texts = answer.get("textAnnotations", ())[1:]  # the first is all of it
    return (*things, *(Seen(one["description"], 1.0, _pixels(one["boundingPoly"], picture)) for one in texts))


def _ratios(polygon: Json) -> UnitBox:
    return _around([(corner.get("x", 0.0), corner.get("y", 0.0)) for corner in polygon["normalizedVertices"]])


def _pixels(polygon: Json, picture: SoakPicture) -> UnitBox:
    width_px, height_px = picture.size.width_px, picture.size.height_px
    return _around([(corner.get("x", 0) / width_px, corner.get("y", 0) / height_px) for corner in polygon["vertices"]])


def _around(points: Sequence[tuple[float, float]]) -> UnitBox:
    xs, ys = zip(*points, strict=True)
    return UnitBox(min(xs), min(ys), max(xs), max(ys))


def azure(path: str, question: Question) -> Form:
    """`path` with its query: 4.0 and 3.2 alike."""

    def write(url: str, tenant: Tenant, pictures: Sequence[SoakPicture]) -> Request:
        headers = {"Content-Type": "application/octet-stream", "Ocp-Apim-Subscription-Key": tenant.key}
        return Request(path, headers, pictures[0].content)

    def read(body: bytes, pictures: Sequence[SoakPicture]) -> list[Findings]:
        return [_azure(json.loads(body), pictures[0])]

    return Form(f"Azure {path}", question, write, read)


def _azure(answer: Json, picture: SoakPicture) -> Findings:
    if "adult" in answer:
        return (Seen("adult", 1.0, None),) if answer["adult"]["isAdultContent"] else ()
    new = answer.get("objectsResult", {}).get("values", ())
    things = [Seen(one["tags"][0]["name"].capitalize(), 1.0, _azure_box(one["boundingBox"], picture)) for one in new]
    old = answer.get("objects", ())
    things += [Seen(one["object"].capitalize(), 1.0, _azure_box(one["rectangle"], picture)) for one in old]
    lines = [line for block in answer.get("readResult", {}).get("blocks", ()) for line in block["lines"]]
    texts = [Seen(line["text"], 1.0, _pixels({"vertices": line["boundingPolygon"]}, picture)) for line in lines]
    return (*things, *texts)


def _azure_box(box: Json, picture: SoakPicture) -> UnitBox:
    width_px, height_px = picture.size.width_px, picture.size.height_px
    return UnitBox.from_ltwh(box["x"] / width_px, box["y"] / height_px, box["w"] / width_px, box["h"] / height_px)
