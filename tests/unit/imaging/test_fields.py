"""Numbers in a header, with the bounds checked."""

from __future__ import annotations

import pytest

from app.errors import Kind, Problem
from app.imaging.fields import broken, span, truncated, unsigned


def test_numbers_in_both_byte_orders() -> None:
    assert unsigned(b"\0\x01\x02\x03", 1, 2) == 0x0102
    assert unsigned(b"\0\x01\x02\x03", 1, 2, little=True) == 0x0201


@pytest.mark.parametrize(("at", "length"), [(0, 5), (3, 2), (4, 1), (900, 1)])
def test_what_is_not_there_is_the_end_of_the_image(at: int, length: int) -> None:
    with pytest.raises(Problem, match="truncated"):
        span(b"abcd", at, length)


def test_both_problems_are_about_the_image() -> None:
    assert broken("it is odd").detail == "the image is broken: it is odd"
    assert {broken("").kind, truncated().kind} == {Kind.INVALID_IMAGE}
