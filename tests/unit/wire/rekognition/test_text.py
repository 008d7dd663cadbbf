"""DetectText from a grid: each image's own words, in lines of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Answer, Bypass, Detection, Feature, Outcome, Tree
from app.wire.contract import Call
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from tests.support.wire import PICTURE, aws_request

BOX = UnitBox(0.25, 0.25, 0.5, 0.5)
OTHER = UnitBox(0.5, 0.25, 0.75, 0.5)
DIALECT = RekognitionDialect(RekognitionOptions(grid_text=True))


def own(text: str, line: int, words: int, box: UnitBox, score_unit: float = 0.99) -> Detection:
    """A word as Rekognition's provider gives it."""
    geometry: Tree = {"BoundingBox": box, "Polygon": [UnitPoint(box.left, box.top)]}
    item: dict[str, Tree] = {"DetectedText": text, "Type": "WORD", "Id": 40, "ParentId": line, "Confidence": 99.0}
    whole: dict[str, Tree] = {"DetectedText": "ALL OF IT", "Type": "LINE", "Id": line, "Geometry": {"BoundingBox": BOX}}
    fields: dict[str, Tree] = {"line": line, "words": words, "word": {**item, "Geometry": geometry}, "whole": whole}
    return Detection(Feature.TEXT, text, score_unit, box, "rekognition", fields)


def call_for(filters: dict[str, Any] | None = None, dialect: RekognitionDialect = DIALECT) -> Call:
    call = dialect.read(aws_request("DetectText", {"Filters": filters} if filters else {}))
    assert isinstance(call, Call)
    return call


def answer(*words: Detection, filters: dict[str, Any] | None = None) -> dict[str, Any]:
    outcome = Outcome("job", Answer(words, extra={"TextModelVersion": "3.0"}))
    body: dict[str, Any] = json.loads(DIALECT.write(call_for(filters), PICTURE, [outcome], "request").body)
    return body


def test_a_line_that_kept_its_words_is_the_vendors_own_and_all_are_numbered_anew() -> None:
    body = answer(own("ONE", 12, 2, BOX), own("TWO", 12, 2, OTHER), own("ELSE", 3, 1, OTHER))
    items = body["TextDetections"]
    assert body["TextModelVersion"] == "3.0"
    assert [(item["Type"], item["Id"], item.get("ParentId")) for item in items] == [
        ("LINE", 0, None),
        ("LINE", 1, None),
        ("WORD", 2, 0),
        ("WORD", 3, 0),
        ("WORD", 4, 1),
    ]
    assert items[0]["DetectedText"] == "ALL OF IT"
    assert items[2]["Geometry"]["BoundingBox"] == {"Left": 0.25, "Top": 0.25, "Width": 0.25, "Height": 0.25}


def test_a_line_that_lost_words_to_a_neighbour_is_made_of_those_that_are_left() -> None:
    line, _, _ = answer(own("ONE", 12, 3, BOX, 0.9), own("TWO", 12, 3, OTHER, 0.98))["TextDetections"]
    assert (line["DetectedText"], line["Type"], line["Confidence"]) == ("ONE TWO", "LINE", 94.0)
    assert line["Geometry"]["BoundingBox"] == {"Left": 0.25, "Top": 0.25, "Width": 0.5, "Height": 0.25}
    assert len(line["Geometry"]["Polygon"]) == 4


def test_words_of_another_vendor_get_the_smallest_valid_shape() -> None:
    stranger = Detection(Feature.TEXT, "HELLO", 0.9, BOX, "azure", {"line": 0})
    line, word = answer(stranger)["TextDetections"]
    assert (line["DetectedText"], word["DetectedText"], word["ParentId"]) == ("HELLO", "HELLO", line["Id"])
    assert word["Geometry"]["BoundingBox"] == line["Geometry"]["BoundingBox"]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (None, ["SURE"]),  # without a filter: 80 percent
        ({"WordFilter": {"MinConfidence": 10}}, ["SURE", "UNSURE"]),
        ({"WordFilter": {"MinBoundingBoxWidth": 0.3}}, []),
        ({"WordFilter": {"MinBoundingBoxHeight": 0.3}}, []),
        ({"WordFilter": {"MinBoundingBoxHeight": 0.25, "MinBoundingBoxWidth": 0.25}}, ["SURE"]),
    ],
)
def test_each_image_has_its_own_filter(filters: dict[str, Any] | None, left: list[str]) -> None:
    body = answer(own("SURE", 1, 1, BOX), own("UNSURE", 2, 1, BOX, 0.5), filters=filters)
    assert [item["DetectedText"] for item in body["TextDetections"] if item["Type"] == "WORD"] == left


def test_text_shares_sheets_only_where_the_operator_says_so() -> None:
    assert call_for().alone is None
    assert call_for(dialect=RekognitionDialect()).alone is Bypass.SETTING


def test_regions_of_interest_belong_to_one_image() -> None:
    region = {"RegionsOfInterest": [{"BoundingBox": {"Left": 0, "Top": 0, "Width": 1, "Height": 0.5}}]}
    assert call_for(region).alone is Bypass.FEATURES
