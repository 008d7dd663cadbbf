"""What a command line may say, and what is said of the rest."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from app.arguments import count, not_negative, number, positive, ratio, seed


@pytest.mark.parametrize(
    ("check", "text", "value"),
    [
        (number, "-1.5", -1.5),
        (positive, "1e-3", 0.001),
        (not_negative, "0", 0.0),
        (ratio, "0", 0.0),
        (ratio, "1", 1.0),
        (count, "1", 1),
        (count, "12", 12),
        (seed, "0", 0),
    ],
)
def test_what_is_understood(check: Callable[[str], float], text: str, value: float) -> None:
    assert check(text) == value


@pytest.mark.parametrize(
    ("check", "text", "said"),
    [
        (number, "", "is no number"),
        (number, "ten", "is no number"),
        (number, "nan", "is no number"),
        (number, "inf", "is no number"),
        (positive, "0", "above 0"),
        (positive, "-1", "above 0"),
        (not_negative, "-0.1", "negative"),
        (ratio, "1.1", "from 0 to 1"),
        (ratio, "-0.1", "from 0 to 1"),
        (count, "0", "whole number from 1"),
        (count, "1.5", "whole number from 1"),
        (seed, "-1", "whole number from 0"),
    ],
)
def test_what_is_not(check: Callable[[str], float], text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        check(text)
