"""Numbers on a command line, checked: types for argparse that say what is wrong in words. Called by the commands' options."""

from __future__ import annotations

import argparse
import math


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return value


def positive(text: str) -> float:
    """Above 0."""
    if (value := number(text)) <= 0:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value


def not_negative(text: str) -> float:
    """From 0."""
    if (value := number(text)) < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, not {text}")
    return value


def ratio(text: str) -> float:
    """From 0 to 1."""
    if not 0 <= (value := number(text)) <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return value


def count(text: str) -> int:
    """A whole number from 1."""
    value = number(text)
    if value < 1 or not value.is_integer():
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text}")
    return int(value)


def seed(text: str) -> int:
    """A whole number from 0."""
    value = number(text)
    if value < 0 or not value.is_integer():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, not {text}")
    return int(value)
