"""Reading the query."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.emulators.azure.errors import Problem, Refused
from app.emulators.azure.parameters import Query, check_model_version, language, truth, whole, words

ALLOWED = ("tags", "denseCaptions", "read")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ()),
        ("", ()),
        (" , ", ()),
        ("read,tags", ("read", "tags")),
        ("READ, densecaptions", ("read", "denseCaptions")),
        ("tags,read,Tags", ("tags", "read")),
    ],
)
def test_words_come_once_each_in_the_callers_order(text: str | None, found: tuple[str, ...]) -> None:
    assert words({} if text is None else {"features": text}, "features", ALLOWED, Problem.FEATURE) == found


@pytest.mark.parametrize(
    ("name", "value", "found"), [("x", "true", True), ("x", "False", False), ("x", "", True), ("y", "false", True)]
)
def test_truth(name: str, value: str, found: bool) -> None:
    assert truth({name: value}, "x", True) is found


def test_values_that_are_allowed() -> None:
    assert [whole({"n": text}, "n", 7) for text in ("", "1", "12")] == [7, 1, 12]
    assert [language(query) for query in ({}, {"language": ""}, {"language": "ja"})] == ["en", "en", "ja"]
    assert language({"language": "unk"}, frozenset({"unk"})) == "unk"
    for version in ("", "latest", "2023-10-01", "2021-04-12-preview"):
        check_model_version({"model-version": version})


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        (lambda query: words(query, "x", ALLOWED, Problem.DETAILS), Problem.DETAILS),
        (lambda query: truth(query, "x", True), Problem.ARGUMENT),
        (lambda query: whole(query, "x", 1), Problem.ARGUMENT),
        (lambda query: language({"language": query["x"]}), Problem.LANGUAGE),
        (lambda query: check_model_version({"model-version": query["x"]}), Problem.ARGUMENT),
    ],
)
@pytest.mark.parametrize("value", ["nonsense", "0", "-1", "1.5", "²"])
def test_values_that_are_not(read: Callable[[Query], object], problem: Problem, value: str) -> None:
    with pytest.raises(Refused) as caught:
        read({"x": value})
    assert caught.value.problem is problem
