"""Reads the members of a request: absent and null are the same, a wrong JSON type is a SerializationException, a value
outside its limits an InvalidParameterException.

In: a JSON object. Out: plain values. Called by each operation's `read`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.emulators.rekognition.errors import invalid_parameter, serialization

Json = dict[str, Any]


def section(body: Mapping[str, Any], name: str) -> Json:
    """A member that is an object; empty where it is absent."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise serialization(f"{name} is not an object")
    return value


def required_text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        raise invalid_parameter(f"{name} must not be null")
    if not isinstance(value, str):
        raise serialization(f"{name} is not a string")
    return value


def percent(body: Mapping[str, Any], name: str, default: float) -> float:
    """A number from 0 to 100."""
    value = _number(body, name, default)
    if not 0 <= value <= 100:
        raise invalid_parameter(f"{name} must have a value from 0 to 100, not {value}")
    return value


def whole(body: Mapping[str, Any], name: str, default: int, most: int | None = None) -> int:
    """A whole number from 0; above `most` it is an error."""
    value = _number(body, name, default)
    if value != int(value):
        raise serialization(f"{name} is not a whole number")
    if value < 0 or (most is not None and value > most):
        raise invalid_parameter(f"{name} must have a value from 0{'' if most is None else f' to {most}'}, not {value}")
    return int(value)


def _number(body: Mapping[str, Any], name: str, default: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise serialization(f"{name} is not a number")
    return value


def texts(body: Mapping[str, Any], name: str, *, most: int, longest: int) -> tuple[str, ...]:
    """A list of at most `most` strings of at most `longest` characters."""
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise serialization(f"{name} is not a list of strings")
    if len(value) > most or any(len(item) > longest for item in value):
        raise invalid_parameter(f"{name} takes at most {most} entries of at most {longest} characters")
    return tuple(value)


def words(body: Mapping[str, Any], name: str, allowed: Collection[str]) -> tuple[str, ...]:
    """A list of words of an enumeration."""
    value = texts(body, name, most=len(allowed), longest=max(map(len, allowed)))
    unknown = [word for word in value if word not in allowed]
    if unknown:
        raise invalid_parameter(f"{name} must be of [{', '.join(allowed)}], not {unknown[0]}")
    return value
