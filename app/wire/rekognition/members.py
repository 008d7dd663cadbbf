"""Typed, checked reading of the members of an AWS JSON request.

Wrong JSON types are MALFORMED_REQUEST (AWS: SerializationException), values outside their constraints INVALID_PARAMETER
(InvalidParameterException). `null` is the same as absent, unknown members are ignored, as AWS's JSON protocol has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import Kind, Problem
from app.wire.values import quoted

PERCENT_MAX = 100.0
# AWS integers are 32 bit.
INTEGER_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one structure; `path` is where it stands in the request, for messages."""

    values: Mapping[str, Any]
    path: str = ""

    def structure(self, name: str) -> Members:
        """A nested structure; an absent one reads as an empty one."""
        value = self.values.get(name)
        if value is None:
            return Members({}, self._named(name))
        if not isinstance(value, dict):
            raise self._wrong_type(name, "an object")
        return Members(value, self._named(name))

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def percent(self, name: str) -> float | None:
        """A number from 0 to 100."""
        return self._number(name, PERCENT_MAX)

    def ratio(self, name: str) -> float | None:
        """A number from 0 to 1."""
        return self._number(name, 1)

    def _number(self, name: str, most: float) -> float | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong_type(name, "a number")
        if not 0 <= value <= most:
            raise self.invalid(name, f"must be between 0 and {most:g}, not {quoted(str(value))}")
        return float(value)

    def count(self, name: str) -> int | None:
        """An integer that is not negative."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong_type(name, "an integer")
        if not 0 <= value <= INTEGER_MAX:
            raise self.invalid(name, f"must be between 0 and {INTEGER_MAX}, not {quoted(str(value))}")
        return value

    def text(self, name: str, pattern: re.Pattern[str], expected: str) -> str | None:
        """A string that the pattern matches as a whole."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong_type(name, "a string")
        if not pattern.fullmatch(value):
            raise self.invalid(name, f"must be {expected}")
        return value

    def texts(self, name: str, *, max_items: int, max_characters: int, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """A list of strings; an absent one reads as an empty one."""
        values = self._strings(name)
        if len(values) > max_items:
            raise self.invalid(name, f"must have at most {max_items} items, not {len(values)}")
        for value in values:
            if len(value) > max_characters or not pattern.fullmatch(value):
                raise self.invalid(name, f"must hold strings of at most {max_characters} plain characters, not {quoted(value)}")
        return values

    def choices(self, name: str, allowed: frozenset[str]) -> frozenset[str]:
        """A list of words out of `allowed`, as a set; an absent one reads as an empty one."""
        values = frozenset(self._strings(name))
        unknown = sorted(values - allowed)
        if unknown:
            raise self.invalid(name, f"must hold only {', '.join(sorted(allowed))}, not {quoted(unknown[0])}")
        return values

    def required(self, name: str) -> None:
        if not self.has(name):
            raise self.invalid(name, "is missing")

    def invalid(self, name: str, why: str) -> Problem:
        return Problem(Kind.INVALID_PARAMETER, f"{self._named(name)} {why}")

    def _strings(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong_type(name, "a list of strings")
        return tuple(value)

    def _wrong_type(self, name: str, expected: str) -> Problem:
        return Problem(Kind.MALFORMED_REQUEST, f"{self._named(name)} must be {expected}")

    def _named(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
