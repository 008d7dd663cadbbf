"""By its head alone a request is known for its vendor's, and refused in the vendor's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

import pytest

from app.errors import Kind, Problem
from app.server.tongues import Tongues
from app.wire.azure import azure_dialects
from app.wire.google import GoogleDialect
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect

TONGUES = Tongues(NativeDialect(), RekognitionDialect(), azure_dialects(), GoogleDialect())
AWS, GOOGLE = {"x-amz-target": "RekognitionService.DetectLabels"}, {"x-goog-api-client": "gl-python"}


@pytest.mark.parametrize(
    ("url", "headers", "name"),
    [
        ("/v1/detect?features=objects", {}, "native"),
        ("/", {}, "native"),
        ("/", AWS, "rekognition"),
        ("/v1/images:annotate?alt=json", {}, "google"),
        ("/v1/images%3Aannotate", {}, "google"),
        ("/v1/anything", GOOGLE, "google"),
        ("/computervision/imageanalysis:analyze?features=objects", {}, "azure"),
        ("/vision/v3.2/analyze", {}, "azure"),
        ("/%ff", {}, "native"),
    ],
)
def test_who_cannot_be_served_is_told_so_in_his_own_words(url: str, headers: Mapping[str, str], name: str) -> None:
    refusal = TONGUES.full(url.encode(), [(key.encode(), value.encode()) for key, value in headers.items()])
    dialect = TONGUES.of(url.partition("?")[0].replace("%3A", ":"), headers)
    reply = dialect.refuse(Problem(Kind.OVER_CAPACITY, "", retry_after_s=1.0), "id")
    assert dialect.name == name
    assert (refusal.status, json.loads(refusal.words).keys()) == (HTTPStatus(reply.status), json.loads(reply.body).keys())
    fields = dict(line.split(": ", 1) for line in refusal.fields.decode().splitlines())
    assert fields.keys() == {key.lower() for key in reply.headers}
    assert fields["content-type"] == {key.lower(): value for key, value in reply.headers.items()}["content-type"]
