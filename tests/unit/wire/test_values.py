"""Numbers and hints out of plain text."""

from __future__ import annotations

import pytest

from app.wire.values import compact_decimal, hint, parse_decimal, quoted


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("150", 150.0), ("0.03", 0.03), ("1.0", 1.0), ("007", 7.0)])
def test_plain_decimals_are_read(text: str, number: float) -> None:
    assert parse_decimal(text) == number


@pytest.mark.parametrize("number", [0.8080735266774273, 1e-05, 1.2345678901234567e-07, 1e16, 1.7976931348623157e308, 5e-324])
def test_whatever_a_program_writes_of_a_float_is_read(number: float) -> None:
    assert parse_decimal(repr(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "-1",
        "+1",
        "1.",
        ".5",
        "1e",
        "e3",
        "1e999",
        "nan",
        "inf",
        "1_0",
        "0x10",
        "1,5",
        "1.2.3",
        "9" * 41,
        "\u0661",
        "1\n",
    ],
)
def test_everything_else_is_no_number(text: str) -> None:
    """Python's float() would take half of these."""
    assert parse_decimal(text) is None


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [
        (0.5, 4, "0.5"),
        (1.0, 4, "1"),
        (1 / 9, 4, "0.1111"),
        (0.0, 1, "0"),
        (-0.00001, 1, "0"),
        (100.0, 1, "100"),
        (12.34, 0, "12"),
        (100.0, 0, "100"),
        (float("nan"), 1, "0"),
        (float("inf"), 1, "0"),
    ],
)
def test_decimals_are_written_without_trailing_zeros(number: float, places: int, text: str) -> None:
    assert compact_decimal(number, places) == text


def test_a_near_word_is_offered_otherwise_all_words() -> None:
    assert hint("feature", ["features", "min_score"]) == "; did you mean 'features'?"
    assert hint("Features", ["features", "min_score"]) == "; did you mean 'features'?"
    assert hint("zzz", ["b", "a"]) == "; known: a, b"


def test_repeated_text_is_escaped_and_short() -> None:
    assert quoted("a\r\nb") == r"'a\r\nb'"
    assert len(quoted("x" * 10_000)) < 100
