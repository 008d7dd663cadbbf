"""A query: names in any case, lists in the vendor's spelling, the vendor's way with wrong values, no key written again."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.azure.query import Query, written
from app.wire.azure.refusals import Reason, Refused

WORDS = ("objects", "denseCaptions")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("features=", ()),
        ("features=,,", ()),
        ("features=objects", ("objects",)),
        ("FEATURES=Objects,%20DENSEcaptions,objects", ("objects", "denseCaptions")),
        ("features=denseCaptions&features=objects", ("denseCaptions", "objects")),
    ],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert Query.parse(text).words("features", WORDS, Reason.FEATURE) == expected


@pytest.mark.parametrize(
    ("text", "ask", "reason"),
    [
        ("x=cats", lambda query: query.words("x", WORDS, Reason.DETAILS), Reason.DETAILS),
        ("x=1", lambda query: query.truth("x"), Reason.ARGUMENT),
        ("language=xx", Query.language, Reason.LANGUAGE),
        ("language=en&language=en", Query.language, Reason.LANGUAGE),
        ("model-version=2", Query.model_version, Reason.ARGUMENT),
        ("x=1.0,wide", lambda query: query.ratios("x", 0.75, 1.8), Reason.ARGUMENT),
        ("x=nan", lambda query: query.ratios("x", 0.75, 1.8), Reason.ARGUMENT),
        ("x=1.81", lambda query: query.ratios("x", 0.75, 1.8), Reason.ARGUMENT),
    ],
)
def test_wrong_values(text: str, ask: Callable[[Query], object], reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        ask(Query.parse(text))
    assert caught.value.reason is reason


def test_right_values() -> None:
    query = Query.parse("a=TRUE&b=false&language=zh-Hans&model-version=2023-10-01-preview&r=0.75,1.8")
    assert (query.truth("a"), query.truth("b"), query.truth("c")) == (True, False, False)
    assert (query.language(), query.model_version()) == ("zh-Hans", "2023-10-01-preview")
    query.ratios("r", 0.75, 1.8)
    assert (Query.parse("").language(), Query.parse("").model_version()) == ("en", "latest")


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(Refused) as caught:
        Query.parse("&".join(["a=1"] * 65))
    assert caught.value.reason is Reason.ARGUMENT


def test_a_query_is_written_with_other_words_and_without_the_key() -> None:
    query = Query.parse("api-version=2024-02-01&Features=tags,objects&Subscription-Key=secret&new-thing=a%20b&features=read")
    assert query.rewritten("features", ["tags", "caption"]) == "api-version=2024-02-01&Features=tags,caption&new-thing=a%20b"
    assert query.rewritten("features", []) == "api-version=2024-02-01&new-thing=a%20b"
    assert query.rewritten("details", ["Landmarks"], without=frozenset({"new-thing", "features"})) == (
        "api-version=2024-02-01&details=Landmarks"
    )


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_what_is_written_reads_the_same(fields: list[tuple[str, str]]) -> None:
    clean = [(name.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode()) for name, value in fields]
    assert parse_qsl(written(clean), keep_blank_values=True) == clean
