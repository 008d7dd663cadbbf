"""Requests as google-cloud-vision really wrote them are read as what was asked, and what we write is read by its own parser.

Answers are generated from the vendor's own message types, so a field that the vendor adds is tested with the next package.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Answer, Outcome, RawRequest
from app.errors import Kind, Problem
from app.wire.contract import Calls, InlineImage, LinkedImage, Passthrough
from app.wire.google import GRPC_METHOD, GoogleDialect
from app.wire.google.messages import image_answer
from tests.support.google_wire import answered, asked_image, calls_of, grpc_request, rest_request

# Recorded requests of the real SDKs are kept outside the repository; TESSERA_TEST_CAPTURES names their folder.
CAPTURES = Path(os.environ.get("TESSERA_TEST_CAPTURES", Path(__file__).parents[3] / "shared" / "wire" / "captures"))
RECORDED = [path for path in sorted(CAPTURES.glob("google_*.json")) if not path.stem.endswith("_errors")]
GRIDDED = {
    "OBJECT_LOCALIZATION",
    "FACE_DETECTION",
    "LANDMARK_DETECTION",
    "LOGO_DETECTION",
    "TEXT_DETECTION",
    "LABEL_DETECTION",
    "SAFE_SEARCH_DETECTION",
}
RESPONSE = image_annotator.AnnotateImageResponse.pb()
DEPTH = 5
# Exact in binary, so that they come back to the last bit.
FRACTIONS = st.integers(-64, 64).map(lambda number: number / 64)


def recorded(path: Path) -> tuple[RawRequest, list[dict[str, Any]]]:
    """A recorded request, and its images as the vendor's own types read them."""
    known = json.loads(path.read_text(encoding="utf-8"))
    message = image_annotator.BatchAnnotateImagesRequest.pb()()
    if "full_method" in known:
        json_format.ParseDict(known["request_as_proto_json"], message)
        raw = RawRequest("POST", known["full_method"], "", known["metadata"], message.SerializeToString())
    else:
        request = known["request"]
        json_format.Parse(request["body_text"], message)
        headers = {name.lower(): value for name, value in request["headers"]}
        raw = RawRequest(request["method"], request["path"], request["query"], headers, request["body_text"].encode())
    return raw, json_format.MessageToDict(message)["requests"]


@pytest.mark.skipif(not RECORDED, reason="no recorded requests here (TESSERA_TEST_CAPTURES names their folder)")
def test_recorded_requests_are_read() -> None:
    """Every image with something to share is a call with that image; buckets that nobody allowed are refused by themselves."""
    assert {"full_method" in json.loads(path.read_text(encoding="utf-8")) for path in RECORDED} == {True, False}
    for path in RECORDED:
        raw, images = recorded(path)
        read = GoogleDialect().read(raw)
        shared = [one for one in images if GRIDDED & {feature["type"] for feature in one["features"]}]
        inline = [one for one in shared if "content" in one["image"]]
        linked = [one for one in shared if "content" not in one["image"] and "gs:" not in json.dumps(one)]
        if not isinstance(read, Calls):
            assert (isinstance(read, Passthrough), shared) == (True, []), path.stem
            continue
        sources = {call.source for call in read.calls}
        assert sum(isinstance(source, InlineImage) for source in sources) == len(inline), path.stem
        assert sum(isinstance(source, LinkedImage) for source in sources) == len(linked), path.stem


def values(descriptor: Any, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Any JSON that a message of this type may have, with everything in it set that is drawn."""
    fields = {field.json_name: field for field in descriptor.fields if depth or field.message_type is None}
    return st.fixed_dictionaries({}, optional={name: value(field, depth) for name, field in fields.items()})


def value(field: Any, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None and field.message_type.full_name.startswith("google.protobuf."):
        one: st.SearchStrategy[Any] = FRACTIONS  # a number that may be absent
    elif field.message_type is not None:
        one = values(field.message_type, depth - 1)
    elif field.enum_type is not None:
        one = st.sampled_from([entry.name for entry in field.enum_type.values])
    elif field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        one = FRACTIONS
    elif field.cpp_type == field.CPPTYPE_STRING:
        one = st.text("abc/é", max_size=3)
    elif field.cpp_type == field.CPPTYPE_BOOL:
        one = st.booleans()
    else:
        one = st.integers(0, 1000)
    return st.lists(one, max_size=2) if field.is_repeated else one


def of_annotations() -> st.SearchStrategy[dict[str, Any]]:
    """Products have types of Google's own (times), and no part in what can be gridded."""
    fields = [
        field for field in RESPONSE.DESCRIPTOR.fields if field.json_name not in {"productSearchResults", "error", "context"}
    ]
    return st.fixed_dictionaries({}, optional={field.json_name: value(field, DEPTH) for field in fields})


@given(of_annotations())
def test_every_field_of_a_lone_answer_survives(tree: dict[str, Any]) -> None:
    """Over both carriers, and through the quick way into messages as through the vendor's own."""
    message = json_format.ParseDict(tree, RESPONSE())
    assert image_answer(tree) == message
    outcome = Outcome("job-1", Answer((), message.SerializeToString(), "google"))
    asked = asked_image("OBJECT_LOCALIZATION")
    batch = image_annotator.BatchAnnotateImagesResponse.pb()
    for raw in (rest_request(asked), rest_request(asked, query="$alt=json;enum-encoding=int"), grpc_request(asked)):
        body = GoogleDialect().write_calls(calls_of(raw), [answered(outcome)], None, "request-1").body
        read = batch.FromString(body) if raw.path.endswith(GRPC_METHOD) else json_format.Parse(body, batch())
        assert list(read.responses) == [message]


@pytest.mark.parametrize("kind", Kind)
def test_the_vendors_own_parser_reads_every_refusal(kind: Kind) -> None:
    reply = GoogleDialect().refuse(Problem(kind, "why"), "request-1")
    raised = exceptions.from_http_status(  # type: ignore[no-untyped-call]  # the package has no types here
        reply.status, json.loads(reply.body)["error"]["message"]
    )
    assert isinstance(raised, exceptions.ClientError if reply.status < 500 else exceptions.ServerError)
