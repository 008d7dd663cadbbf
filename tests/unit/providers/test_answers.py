"""What JSON of any vendor must be to be taken for a finding, a number, a place; everything else is `Broken`, or garbled."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Kind, Problem
from app.providers.answers import Broken, checked, coordinate, entries, number, read_object, text


@pytest.mark.parametrize("value", [None, "1", True, [], {}])
def test_only_numbers_are_numbers(value: Any) -> None:
    with pytest.raises(Broken):
        number(value)


def test_numbers_are_read_as_ratios() -> None:
    assert (number(1), number(0.5)) == (1.0, 0.5)


@pytest.mark.parametrize("value_unit", [100.1, -100.1, float("inf"), float("nan")])
def test_a_place_is_in_or_around_the_image(value_unit: float) -> None:
    assert (coordinate(-100.0), coordinate(100.0)) == (-100.0, 100.0)
    with pytest.raises(Broken):
        coordinate(value_unit)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}'])
def test_an_answer_that_is_no_object_is_garbled(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        read_object(body)
    assert raised.value.kind is Kind.PROVIDER_GARBLED


def test_an_object_is_read() -> None:
    assert read_object(b' {"a": [1]} ') == {"a": [1]}


@pytest.mark.parametrize(("value", "found"), [(None, []), ([], []), ([1, {}], [1, {}]), ("x", ["no list"]), ({}, ["no list"])])
def test_what_stands_in_place_of_a_list_is_one_broken_entry(value: Any, found: list[Any]) -> None:
    assert entries({"Things": value}, "Things") == found


@pytest.mark.parametrize("entry", [None, "no list", 7, []])
def test_a_finding_is_an_object(entry: Any) -> None:
    assert checked({}) == {}
    with pytest.raises(Broken):
        checked(entry)


@pytest.mark.parametrize("value", [None, 7, ["x"]])
def test_a_name_is_text(value: Any) -> None:
    assert text({"Name": "Car"}, "Name") == "Car"
    with pytest.raises(Broken):
        text({"Name": value}, "Name")
