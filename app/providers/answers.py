"""Reading a vendor's JSON when nothing about it is certain. Pure; shared by the providers whose vendors answer in JSON.

What cannot be what it claims to be raises `Broken`: the finding it belongs to is then left out and counted, the rest of the
answer stands. An answer that is no answer at all is Problem PROVIDER_GARBLED.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from app.core.model import Detection
from app.errors import Kind, Problem

# Boxes of things cut by the edge lie a little outside 0..1. A hundred image widths away is no place, and bounding it here
# keeps every later sum and rounding finite.
FARTHEST_UNIT = 100.0
# The deepest finding of any vendor has 6 levels; deeper than this is an attack on whoever walks the tree recursively.
MAX_DEPTH = 32

_NO_LIST = "no list"


class Broken(ValueError):
    """A piece of an answer that cannot be what it claims to be."""


def garbled(what: str) -> Problem:
    """The problem of an answer that is none."""
    return Problem(Kind.PROVIDER_GARBLED, f"The provider's answer cannot be understood: {what}")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Problem(PROVIDER_GARBLED) for anything else."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise garbled("it is not JSON") from error
    if not isinstance(answer, dict):
        raise garbled("it is not a JSON object")
    return answer


def number(value: Any) -> float:
    """A JSON number (true and false are none)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Broken("not a number")
    return float(value)


def not_negative(value: Any) -> Any:
    """The value, whatever it is. Raises Broken for a number below 0: what nobody can be so sure of must not read as nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        raise Broken("a score below zero")
    return value


def coordinate(value_unit: float) -> float:
    """A ratio of an image's side that can be a place in or around it."""
    if not -FARTHEST_UNIT <= value_unit <= FARTHEST_UNIT:  # also false for NaN
        raise Broken("a coordinate far outside the image")
    return value_unit


def checked(entry: Any) -> dict[str, Any]:
    """A finding, which is a JSON object."""
    if not isinstance(entry, dict):
        raise Broken("a finding that is no object")
    return entry


def or_none(read: Callable[[dict[str, Any]], Detection], entry: Any) -> Detection | None:
    """What `read` makes of a finding; None for a broken one, so that it is counted and its neighbours stand."""
    try:
        return read(checked(entry))
    except Broken:
        return None


def entries(node: dict[str, Any], member: str) -> list[Any]:
    """The members of a list, whatever they are; what stands in place of a list is one broken entry."""
    value = node.get(member)
    if value is None:
        return []
    return value if isinstance(value, list) else [_NO_LIST]


def text(node: dict[str, Any], member: str) -> str:
    """A member that is text."""
    value = node.get(member)
    if not isinstance(value, str):
        raise Broken(f"{member} is not text")
    return value
