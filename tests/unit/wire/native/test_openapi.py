"""What is published agrees with what is done: examples fit the models, defaults are those of the code."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.model import Inquiry
from app.wire.native import DESCRIPTIONS, EXAMPLES, OPERATIONS, PROBLEM_EXAMPLES, NativeDialect, ProblemReply
from tests.support.wire import native_request

LISTS = ("features", "categories")


def query_of(name: str) -> dict[str, Any]:
    """The schemas of the published parameters by name."""
    return {item["name"]: item["schema"] for item in DESCRIPTIONS[name]["parameters"] if item["in"] == "query"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_are_valid_answers(name: str) -> None:
    assert OPERATIONS[name].reply.model_validate(EXAMPLES[name]).model_dump(mode="json") == EXAMPLES[name]
    assert DESCRIPTIONS[name]["responses"]["200"]["content"]["application/json"]["example"] == EXAMPLES[name]


def test_examples_are_valid_problems() -> None:
    for status, example in PROBLEM_EXAMPLES.items():
        assert ProblemReply.model_validate(example, strict=True).model_dump() == example
        assert example["status"] == status


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_published_defaults_are_what_an_empty_query_means(name: str) -> None:
    inquiries = NativeDialect().read(native_request(operation=name)).inquiries
    meant = {
        "features": [inquiry.feature.value for inquiry in inquiries],
        "max_results": inquiries[0].max_results,
        "min_score": inquiries[0].min_score_unit,
        "categories": [*inquiries[0].categories],
    }
    published = {parameter: schema.get("default", []) for parameter, schema in query_of(name).items()}
    assert published == {parameter: meant[parameter] for parameter in OPERATIONS[name].parameters}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_published_word_can_be_asked_for(name: str) -> None:
    words = {parameter: schema["items"]["enum"] for parameter, schema in query_of(name).items() if parameter in LISTS}
    query = "&".join(f"{parameter}={','.join(listed)}" for parameter, listed in words.items())
    inquiries = NativeDialect().read(native_request(query, operation=name)).inquiries
    assert all(isinstance(inquiry, Inquiry) for inquiry in inquiries)
    assert [inquiry.feature.value for inquiry in inquiries] == words["features"]
    assert [*inquiries[0].categories] == words.get("categories", [])
