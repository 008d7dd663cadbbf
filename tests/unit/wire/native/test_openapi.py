"""What is published agrees with what is done: examples fit the models, defaults are those of the code."""

from __future__ import annotations

from app.core.model import Inquiry
from app.wire.native import DETECT_EXAMPLE, OPENAPI_OPERATION, PROBLEM_EXAMPLES, DetectReply, NativeDialect, ProblemReply
from tests.support.wire import native_request


def test_examples_are_valid_answers() -> None:
    assert DetectReply.model_validate(DETECT_EXAMPLE).model_dump(mode="json") == DETECT_EXAMPLE
    for status, example in PROBLEM_EXAMPLES.items():
        assert ProblemReply.model_validate(example, strict=True).model_dump() == example
        assert example["status"] == status


def test_the_published_defaults_are_what_an_empty_query_means() -> None:
    published = {
        item["name"]: item["schema"].get("default") for item in OPENAPI_OPERATION["parameters"] if item["in"] == "query"
    }
    inquiries = NativeDialect().read(native_request()).inquiries
    assert published == {
        "features": [inquiry.feature.value for inquiry in inquiries],
        "max_results": inquiries[0].max_results,
        "min_score": inquiries[0].min_score_unit,
    }


def test_every_published_feature_can_be_asked_for() -> None:
    features = OPENAPI_OPERATION["parameters"][0]["schema"]["items"]["enum"]
    inquiries = NativeDialect().read(native_request(f"features={','.join(features)}")).inquiries
    assert all(isinstance(inquiry, Inquiry) for inquiry in inquiries)
    assert [inquiry.feature.value for inquiry in inquiries] == features
