"""Reading members: defaults, types, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.parameters import percent, required_text, section, texts, whole, words

INVALID, SERIALIZATION = "InvalidParameterException", "SerializationException"
Read = Callable[[dict[str, Any]], object]


def a_percent(body: dict[str, Any]) -> object:
    return percent(body, "X", 55.0)


def a_whole(body: dict[str, Any]) -> object:
    return whole(body, "X", 10, 20)


def any_whole(body: dict[str, Any]) -> object:
    return whole(body, "X", 7)


def some_texts(body: dict[str, Any]) -> object:
    return texts(body, "X", most=2, longest=3)


def some_words(body: dict[str, Any]) -> object:
    return words(body, "X", ("RED", "BLUE"))


def a_section(body: dict[str, Any]) -> object:
    return section(body, "X")


def a_text(body: dict[str, Any]) -> object:
    return required_text(body, "X")


@pytest.mark.parametrize(
    ("read", "default"),
    [(a_percent, 55.0), (a_whole, 10), (any_whole, 7), (some_texts, ()), (some_words, ()), (a_section, {})],
)
def test_absent_and_null_are_the_default(read: Read, default: object) -> None:
    assert read({}) == read({"X": None}) == default


@pytest.mark.parametrize(
    ("read", "value", "wanted"),
    [
        (a_percent, 0, 0),
        (a_percent, 100, 100),
        (a_percent, 33.3, 33.3),
        (a_whole, 0, 0),
        (a_whole, 20, 20),
        (a_whole, 3.0, 3),
        (any_whole, 10**9, 10**9),
        (some_texts, [], ()),
        (some_texts, ["a", "bcd"], ("a", "bcd")),
        (some_words, ["BLUE", "RED"], ("BLUE", "RED")),
        (a_section, {"a": 1}, {"a": 1}),
        (a_text, "", ""),
    ],
)
def test_values_within_their_limits_are_read(read: Read, value: object, wanted: object) -> None:
    assert read({"X": value}) == wanted


@pytest.mark.parametrize(
    ("read", "value", "code"),
    [
        (a_percent, -0.1, INVALID),
        (a_percent, 100.1, INVALID),
        (a_percent, "50", SERIALIZATION),
        (a_percent, True, SERIALIZATION),
        (a_whole, -1, INVALID),
        (a_whole, 21, INVALID),
        (a_whole, 1.5, SERIALIZATION),
        (any_whole, -1, INVALID),
        (some_texts, "ab", SERIALIZATION),
        (some_texts, [1], SERIALIZATION),
        (some_texts, ["a", "b", "c"], INVALID),
        (some_texts, ["abcd"], INVALID),
        (some_words, ["GREY"], INVALID),
        (a_section, [], SERIALIZATION),
        (a_text, None, INVALID),
        (a_text, 3, SERIALIZATION),
    ],
)
def test_other_values_are_refused(read: Read, value: object, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        read({"X": value})
    assert caught.value.code == code
