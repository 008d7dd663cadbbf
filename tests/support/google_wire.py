"""Requests, findings and answers of Google's dialect for tests, made by hand: no server, no socket."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.geometry import Size, UnitBox, UnitLength, UnitPoint
from app.core.model import Answer, Bill, Detection, Failure, Feature, Outcome, Picture, RawRequest, Tree
from app.errors import Problem
from app.providers.google.features import capabilities
from app.wire.contract import Answered, Calls, RawReply, RestReply
from app.wire.google import GRPC_METHOD, GRPC_SERVICE, GoogleDialect, GoogleOptions

PIXELS = b"\xff\xd8\xff\xe0 pixels \xff\xd9"
PICTURE = Picture("jpeg", Size(400, 200))
BOX = UnitBox(0.25, 0.25, 0.75, 0.5)
GRPC_PATH = f"/{GRPC_SERVICE}/{GRPC_METHOD}"
BEFORE_GOOGLE = GoogleDialect(GoogleOptions(prices=capabilities().prices))
"""With the vendor's own prices, as where Google is the provider."""


def asked_image(*features: str | Mapping[str, Any], content: bytes = PIXELS, **members: Any) -> dict[str, Any]:
    """One AnnotateImageRequest as JSON; features are names, or whole members."""
    image = {"content": b64encode(content).decode()}
    wanted = [{"type": feature} if isinstance(feature, str) else dict(feature) for feature in features]
    return {"image": image, "features": wanted} | members


def rest_request(*images: Mapping[str, Any], path: str = "/v1/images:annotate", query: str = "", **headers: str) -> RawRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest("POST", path, query, named, json.dumps({"requests": images}).encode())


def grpc_request(*images: Mapping[str, Any], **members: Any) -> RawRequest:
    message = json_format.ParseDict({"requests": list(images), **members}, image_annotator.BatchAnnotateImagesRequest.pb()())
    return RawRequest("POST", GRPC_PATH, "", {}, message.SerializeToString())


def calls_of(raw: RawRequest, dialect: GoogleDialect | None = None) -> Calls:
    read = (dialect or GoogleDialect()).read(raw)
    assert isinstance(read, Calls)
    return read


def polygon(box: UnitBox = BOX) -> Tree:
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    corners = [UnitPoint(left, top), UnitPoint(right, top), UnitPoint(right, bottom), UnitPoint(left, bottom)]
    return {"$polygon": list(corners)}


def own_object(name: str = "Cat", score: float = 0.9, box: UnitBox = BOX) -> Detection:
    item: Tree = {"mid": f"/m/{name}", "name": name, "score": score, "boundingPoly": polygon(box)}
    return Detection(Feature.OBJECTS, name, score, box, "google", {"object": item})


def own_face(box: UnitBox = BOX) -> Detection:
    eye: Tree = {"type": "LEFT_EYE", "position": {"$point": UnitPoint(0.5, 0.25), "$depth": UnitLength(-0.125)}}
    item: Tree = {
        "boundingPoly": polygon(box),
        "fdBoundingPoly": polygon(box),
        "landmarks": [eye],
        "rollAngle": -3.5,
        "detectionConfidence": 0.75,
        "joyLikelihood": "VERY_LIKELY",
    }
    return Detection(Feature.FACES, "Face", 0.75, box, "google", {"face": item})


def own_word(text: str, box: UnitBox, line: int, after: str = "SPACE", paragraph: int = 1, block: int = 1) -> Detection:
    symbols: list[Tree] = [{"boundingBox": polygon(box), "text": letter} for letter in text]
    if after:
        symbols[-1] = {"boundingBox": polygon(box), "text": text[-1], "property": {"detectedBreak": {"type": after}}}
    word: Tree = {"boundingBox": polygon(box), "symbols": symbols, "confidence": 0.8}
    numbers: dict[str, Tree] = {"line": line, "paragraph": paragraph, "block": block}
    fields: dict[str, Tree] = {**numbers, "word": word, "block_type": "TEXT", "break": after, "locale": "en"}
    return Detection(Feature.TEXT, text, 0.8, box, "google", fields)


def found(*detections: Detection, bill: Bill | None = None) -> Outcome:
    return Outcome("job-1", Answer(detections), bill or Bill())


def failed(problem: Problem) -> Outcome:
    return Outcome("job-1", Failure.of(problem))


def alone(answer: Mapping[str, Any]) -> Outcome:
    """The vendor's own message about one image."""
    message = json_format.ParseDict(dict(answer), image_annotator.AnnotateImageResponse.pb()())
    return Outcome("job-1", Answer((), message.SerializeToString(), "google"))


def answered(*outcomes: Outcome, picture: Picture = PICTURE) -> Answered:
    return Answered(picture, outcomes)


def rest_reply(*responses: Mapping[str, Any], status: int = 200) -> RestReply:
    return RestReply(status, json.dumps({"responses": responses}).encode())


def written(
    calls: Calls, answers: Sequence[Answered | Problem], rest: Any = None, dialect: GoogleDialect | None = None
) -> list[dict[str, Any]]:
    """The responses of the answer, as JSON."""
    return responses_of((dialect or GoogleDialect()).write_calls(calls, answers, rest, "request-1"))


def responses_of(reply: RawReply) -> list[dict[str, Any]]:
    assert reply.status == 200, reply.body
    if reply.headers["Content-Type"] == "application/x-protobuf":
        message = image_annotator.BatchAnnotateImagesResponse.pb().FromString(reply.body)
        tree = json_format.MessageToDict(message)
    else:
        tree = json.loads(reply.body)
    responses: list[dict[str, Any]] = tree["responses"]
    return responses
