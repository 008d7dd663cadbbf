"""Methods that look at no image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.emulators.google.errors import Code, ServiceError
from app.emulators.google.messages import as_tree, request_from_json
from app.emulators.google.operations import PLAIN_METHODS

FILES = {"requests": [{"inputConfig": {"mimeType": "application/pdf"}}]}
IMAGES = {"requests": [{"features": [{"type": 4}]}]}
OUTPUT = {"outputConfig": {"gcsDestination": {"uri": "gs://b/out/"}}}


def called(method: str, body: object) -> Any:
    return as_tree(PLAIN_METHODS[method](request_from_json(method, json.dumps(body).encode())))


@pytest.mark.parametrize("name", ["operations/finished", "projects/p/locations/eu/operations/finished"])
def test_one_operation_is_finished(name: str) -> None:
    found = called("GetOperation", {"name": name})
    assert (found["name"], found["done"], found["metadata"]["state"]) == (name, True, "DONE")
    assert found["response"]["outputConfig"]["gcsDestination"]["uri"].startswith("gs://")
    assert found == called("GetOperation", {"name": name})


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("GetOperation", {"name": "operations/other"}, Code.NOT_FOUND),
        ("GetOperation", {}, Code.NOT_FOUND),
        ("BatchAnnotateFiles", {}, Code.INVALID_ARGUMENT),
        ("BatchAnnotateFiles", FILES, Code.UNIMPLEMENTED),
        ("AsyncBatchAnnotateFiles", {}, Code.INVALID_ARGUMENT),
        ("AsyncBatchAnnotateFiles", FILES, Code.UNIMPLEMENTED),
        ("AsyncBatchAnnotateImages", {}, Code.INVALID_ARGUMENT),
        ("AsyncBatchAnnotateImages", IMAGES, Code.INVALID_ARGUMENT),
        ("AsyncBatchAnnotateImages", IMAGES | OUTPUT, Code.UNIMPLEMENTED),
    ],
)
def test_others_are_refused(method: str, body: object, code: Code) -> None:
    with pytest.raises(ServiceError) as caught:
        called(method, body)
    assert caught.value.code is code
