"""Requests and outcomes for tests of the dialects, made by hand: no server, no socket."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from app.core.geometry import Size, UnitBox, UnitPoint
from app.core.model import Answer, Bill, Detection, Failure, Feature, Layout, Outcome, Picture, RawRequest, Tree
from app.errors import Kind, VendorError

# Not an image that anything would decode: the dialects do not look inside.
PIXELS = b"\xff\xd8\xff\xe0 pixels \xff\xd9"
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/rekognition/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=0123456789abcdef"
)
PICTURE = Picture("jpeg", Size(640, 480))
BOX = UnitBox(0.25, 0.25, 0.75, 0.5)
_KINDS = {kind.value: kind for kind in Kind}


def aws_request(operation: str, members: Mapping[str, Any] | None = None, **headers: str) -> RawRequest:
    """A request as the SDKs send it; `members` without `Image` get one, `headers` are written with underscores."""
    body = {"Image": {"Bytes": b64encode(PIXELS).decode()}} | dict(members or {})
    return aws_body(operation, json.dumps(body).encode(), **headers)


def aws_body(operation: str, body: bytes, **headers: str) -> RawRequest:
    own = {
        "x-amz-target": f"RekognitionService.{operation}",
        "content-type": "application/x-amz-json-1.1",
        "authorization": AUTHORIZATION,
    }
    return RawRequest("POST", "/", "", own | {name.replace("_", "-"): value for name, value in headers.items()}, body)


def native_request(query: str = "", body: bytes = PIXELS, *, operation: str = "detect", **headers: str) -> RawRequest:
    own = {"content-type": "image/jpeg"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest("POST", f"/v1/{operation}", query, own, body)


def azure_request(
    query: str = "api-version=2024-02-01&features=objects",
    body: bytes = PIXELS,
    *,
    path: str = "/computervision/imageanalysis:analyze",
    method: str = "POST",
    **headers: str,
) -> RawRequest:
    """Image Analysis 4.0, unless another path is given."""
    own = {"content-type": "application/octet-stream"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest(method, path, query, own, body)


def old_azure_request(query: str = "visualFeatures=Objects", operation: str = "analyze", **more: Any) -> RawRequest:
    """Version 3.2."""
    return azure_request(query, path=f"/vision/v3.2/{operation}", **more)


def detection(
    label: str = "Thing",
    score_unit: float = 0.9,
    box: UnitBox | None = BOX,
    *,
    feature: Feature = Feature.OBJECTS,
    vendor: str = "",
    fields: Mapping[str, Tree] | None = None,
) -> Detection:
    return Detection(feature, label, score_unit, box, vendor, fields or {})


def answered(*detections: Detection, bill: Bill | None = None, extra: Mapping[str, Tree] | None = None) -> Outcome:
    return Outcome("job-1", Answer(detections, extra=extra or {}), bill or Bill())


def tree_of(value: Any) -> Tree:
    """JSON of a test case -> a tree: {"$box": [left, top, right, bottom]} and {"$at": [x, y]} are its typed leaves."""
    match value:
        case {"$box": [left, top, right, bottom]}:
            return UnitBox(left, top, right, bottom)
        case {"$at": [x, y]}:
            return UnitPoint(x, y)
        case dict():
            return {name: tree_of(item) for name, item in value.items()}
        case list():
            return [tree_of(item) for item in value]
    plain: bool | int | float | str | None = value
    return plain


def outcome_of(value: Mapping[str, Any], job_id: str = "job-1") -> Outcome:
    """JSON of a test case -> an outcome."""
    bill = dict(value.get("bill", {}))
    layout = Layout.parse(bill.pop("layout", "1x1"))
    return Outcome(job_id, _failure(value["failure"]) if "failure" in value else _answer(value), Bill(layout, **bill))


def _failure(value: Mapping[str, Any]) -> Failure:
    vendor = VendorError(**value["vendor"]) if "vendor" in value else None
    return Failure(_KINDS[value["kind"]], value["detail"], vendor, value.get("retry_after_s"))


def _answer(value: Mapping[str, Any]) -> Answer:
    verbatim = json.dumps(value["verbatim"]).encode() if "verbatim" in value else None
    detections = tuple(_detection(item) for item in value["detections"])
    return Answer(detections, verbatim, value.get("verbatim_vendor", ""), value.get("extra", {}))


def _detection(value: Mapping[str, Any]) -> Detection:
    box = UnitBox(*value["box"]) if value["box"] is not None else None
    fields = {name: tree_of(item) for name, item in value["fields"].items()}
    return Detection(Feature(value["feature"]), value["label"], value["score_unit"], box, value["vendor"], fields)
