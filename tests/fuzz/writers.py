"""Every front that can be asked for a feature, and what it writes of findings; read by the vendor's own SDK.

In: the findings of one image. Out: nothing, or a Defect. The vendors' own full answers (tests/support/*_answers) are what the
findings begin as.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.model import Answer, Bill, Detection, Feature, Inquiry, Outcome, Picture, RawRequest
from app.errors import Kind, Problem
from app.providers.azure.parse import parse as parse_azure
from app.providers.contract import Reading
from app.providers.google.parse import parse as parse_google
from app.providers.rekognition.parse import parse as parse_rekognition
from app.wire.azure import AzureOptions, azure_dialects
from app.wire.contract import Answered, Call, Calls, Dialect, JoiningDialect, RawReply
from app.wire.google import GoogleDialect, GoogleOptions
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from tests.fuzz.seeds import ARN
from tests.fuzz.shapes import FIRST_ERROR, check_answer, strict_json
from tests.support import azure_answers, google_answers, rekognition_answers
from tests.support.google_wire import asked_image, grpc_request, rest_request
from tests.support.wire import aws_request, azure_request, native_request, old_azure_request

REQUEST_ID = "request-1"
FULL: Mapping[str, Mapping[Feature, dict[str, Any]]] = {
    "rekognition": rekognition_answers.FULL,
    "google": google_answers.FULL,
    "azure": azure_answers.FULL,
}
_AWS: Mapping[str, dict[str, Any]] = {
    "DetectLabels": {},
    "DetectFaces": {"Attributes": ["ALL"]},
    "RecognizeCelebrities": {},
    "DetectProtectiveEquipment": {"SummarizationAttributes": {"MinConfidence": 1, "RequiredEquipmentTypes": ["HEAD_COVER"]}},
    "DetectCustomLabels": {"ProjectVersionArn": ARN},
    "DetectText": {},
    "DetectModerationLabels": {"MinConfidence": 1},
}
_GOOGLE = (
    *("OBJECT_LOCALIZATION", "FACE_DETECTION", "LANDMARK_DETECTION", "LOGO_DETECTION", "TEXT_DETECTION"),
    *("DOCUMENT_TEXT_DETECTION", "LABEL_DETECTION", "SAFE_SEARCH_DETECTION"),
)
_NATIVE = ("objects", "faces", "celebrities", "people", "landmarks", "logos", "text", "protective_equipment")


@dataclass(frozen=True, slots=True)
class Writer:
    """A front, and a request of its that asks for one feature."""

    front: str
    dialect: Dialect
    calls: Calls
    operation: str

    @property
    def vendor(self) -> str:
        return self.dialect.name

    @property
    def inquiry(self) -> Inquiry:
        return self.calls.calls[0].inquiries[0]

    def write(self, picture: Picture, answer: Answer) -> RawReply:
        outcome = Outcome("job-1", answer, Bill())
        if isinstance(self.dialect, JoiningDialect):
            return self.dialect.write_calls(self.calls, [Answered(picture, (outcome,))], None, REQUEST_ID)
        return self.dialect.write(self.calls.calls[0], picture, [outcome], REQUEST_ID)


@cache
def writers(feature: Feature) -> tuple[Writer, ...]:
    return tuple(writer for writer in _every() if writer.inquiry.feature is feature)


@cache
def _every() -> tuple[Writer, ...]:
    azure = azure_dialects(AzureOptions(grid_text=True))
    google, own = GoogleDialect(), GoogleDialect(GoogleOptions(behind="google"))
    aws = RekognitionDialect(RekognitionOptions(grid_text=True))
    found: list[Writer] = []
    found += [_writer("rekognition", aws, aws_request(name, members)) for name, members in _AWS.items()]
    for name in _GOOGLE:
        image = asked_image({"type": name, "maxResults": 5})
        found.append(_writer("google", own, rest_request(image, query="$alt=json;enum-encoding=int")))
        found.append(_writer("google", google, rest_request(image, query="fields=responses(faceAnnotations,*/boundingPoly)")))
        found.append(_writer("google over grpc", google, grpc_request(image)))
    for name in ("objects", "people", "read", "tags"):
        query = f"api-version=2024-02-01&features={name}"
        found.append(_writer("azure 4.0", azure.analysis, azure_request(query)))
    for name in ("Objects", "Faces", "Brands", "Tags", "Adult"):
        found.append(_writer("azure 3.2", azure.vision, old_azure_request(f"visualFeatures={name}")))
    found.append(_writer("azure 3.2", azure.vision, old_azure_request("", "detect")))
    found += [_writer("native", NativeDialect(), native_request(f"features={name}&min_score=0")) for name in _NATIVE]
    found += [_writer("native", NativeDialect(), native_request("", operation=name)) for name in ("classify", "moderate")]
    return tuple(found)


def _writer(front: str, dialect: Dialect, raw: RawRequest) -> Writer:
    read = dialect.read(raw)
    calls = Calls((read,)) if isinstance(read, Call) else read
    if not isinstance(calls, Calls):
        raise TypeError(f"{front} hands on {raw.path}?{raw.query}")
    return Writer(front, dialect, calls, calls.calls[0].operation)


def written(writer: Writer, picture: Picture, answer: Answer, *, as_found: bool) -> str:
    """What the front makes of an answer. `as_found`: with the vendor's own broken members, which its own SDK need not read."""
    reply = writer.write(picture, answer)
    if reply.status >= FIRST_ERROR:  # a vendor's garbage is told as the vendor's fault
        garbled = writer.dialect.refuse(Problem(Kind.PROVIDER_GARBLED, ""), REQUEST_ID)
        if as_found and reply.status == garbled.status:
            return "garbled"
        check_answer(writer.front, writer.operation, reply)
    if as_found and writer.vendor in {"rekognition", "azure"}:
        strict_json(reply.body)
    else:
        check_answer(writer.front, writer.operation, reply)
    return "written"


def parse(vendor: str, feature: Feature, body: bytes) -> Reading:
    """As the provider does; Google's answers are messages."""
    match vendor:
        case "rekognition":
            return parse_rekognition(feature, body)
        case "azure":
            return parse_azure(feature, body)
        case _:
            batch = image_annotator.BatchAnnotateImagesResponse.deserialize(body)
            return parse_google(feature, google_answers.IMAGE, batch)


@cache
def body_of(vendor: str, feature: Feature) -> bytes:
    """The vendor's full answer, as it comes."""
    full = _known(FULL[vendor][feature])
    if vendor != "google":
        return json.dumps(full).encode()
    message = json_format.ParseDict({"responses": [full]}, image_annotator.BatchAnnotateImagesResponse.pb()())
    data: bytes = message.SerializeToString()
    return data


def _known(node: Any) -> Any:
    """Without the members that no SDK knows: they come through, and its model would find them strange."""
    if isinstance(node, dict):
        return {name: _known(value) for name, value in node.items() if name.lower() != "novelty"}
    return [_known(item) for item in node] if isinstance(node, list) else node


@cache
def sound(vendor: str, feature: Feature) -> tuple[Detection, ...]:
    """The findings of the vendor's full answer."""
    return parse(vendor, feature, body_of(vendor, feature)).detections


@cache
def offered() -> tuple[tuple[str, Feature], ...]:
    """Vendors with the features that they answer."""
    return tuple((vendor, feature) for vendor, answers in FULL.items() for feature in answers)
