"""Partial responses: which members of an answer a client wants (`fields`, `$fields`, or the header `X-Goog-FieldMask`).

In: the selector, and the type of the answer. Out: a `Mask`, and messages without what it leaves out. Pure; knows messages by
their descriptors only. Syntax ("partial responses" of Google's REST APIs): names with commas between, `a/b` or `a.b` for a
member of a member, `a(b,c)` for several of them, `*` for any name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import Kind, Problem
from app.wire.values import quoted

# Most names in a selector: an answer about one image has about 100 members that somebody might want one by one.
MAX_NAMES = 256
# Deepest member that can be named; an answer has nine levels.
MAX_DEPTH = 16
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[*/.(),]", re.ASCII)
_ANY, _STEPS, _ENDS, _MARKS = "*", frozenset("/."), frozenset({",", ")", None}), frozenset("/.(),")


@dataclass(slots=True)
class _Selector:
    """What was asked for below one name, by the names as written; `is_whole`: all of it."""

    names: dict[str, _Selector] = field(default_factory=dict)
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Mask:
    """Members that stay, by the message's own names; None: with all that is in them."""

    members: Mapping[str, Mask | None]


def mask_of(text: str, descriptor: Any) -> Mask | None:
    """What `text` means in messages of this type. Raises Problem(INVALID_PARAMETER), also for a name that finds nothing."""
    return _resolved(_parsed(text), descriptor, is_strict=True)


def prune(message: Any, mask: Mask | None) -> None:
    """Leave in a message only what the mask means, in place."""
    if mask is None:
        return
    for one, value in message.ListFields():
        below = mask.members.get(one.name)
        if one.name not in mask.members:
            message.ClearField(one.name)
        elif below is not None:
            for inner in value if one.is_repeated else (value,):
                prune(inner, below)


def _parsed(text: str) -> _Selector:
    compact = "".join(text.split())
    tokens = _TOKEN.findall(compact)
    if "".join(tokens) != compact or sum(token not in _MARKS for token in tokens) > MAX_NAMES:
        raise _invalid(text)
    root = _Selector()
    if _read_list(root, iter(tokens), 0, text) is not None:
        raise _invalid(text)
    return root


def _read_list(into: _Selector, tokens: Iterator[str], depth: int, text: str) -> str | None:
    """Read paths with commas between; what ended the list: nothing more, or a parenthesis."""
    after: str | None = ","
    while after == ",":
        after = _read_path(into, tokens, depth, text)
    return after


def _read_path(at: _Selector, tokens: Iterator[str], depth: int, text: str) -> str | None:
    """Read `a/b`, perhaps with a list in parentheses at its end; what came after it."""
    after: str | None = "/"
    while after in _STEPS:
        name = next(tokens, ",")
        depth += 1
        if name in _MARKS or depth > MAX_DEPTH:
            raise _invalid(text)
        at = at.names.setdefault(name, _Selector())
        after = next(tokens, None)
    if after == "(":
        if _read_list(at, tokens, depth, text) != ")":
            raise _invalid(text)
        after = next(tokens, None)
    else:
        at.is_whole = True
    if after not in _ENDS:
        raise _invalid(text)
    return after


def _resolved(selector: _Selector, descriptor: Any, *, is_strict: bool) -> Mask | None:
    """A mask without members where nothing was found. Below a `*`, not every member has to have what is named."""
    if selector.is_whole:
        return None
    members: dict[str, Mask | None] = {}
    for name, below in selector.names.items():
        found = {}
        for one in _named(name, descriptor):
            mask = _resolved(below, one.message_type, is_strict=is_strict and name != _ANY)
            if mask is None or mask.members:
                found[one.name] = mask
        if is_strict and not found:
            words = f"Error expanding 'fields' parameter. Cannot find matching fields for path {quoted(name)}."
            raise Problem(Kind.INVALID_PARAMETER, words)
        for one_name, mask in found.items():
            members[one_name] = _either(members[one_name], mask) if one_name in members else mask
    return Mask(members)


def _named(name: str, descriptor: Any) -> list[Any]:
    """The members that a name means: in the spelling of JSON, or of the message. A plain value has none."""
    if descriptor is None:
        return []
    if name == _ANY:
        return list(descriptor.fields)
    one = descriptor.fields_by_camelcase_name.get(name) or descriptor.fields_by_name.get(name)
    return [] if one is None else [one]


def _either(one: Mask | None, other: Mask | None) -> Mask | None:
    """What either of them leaves."""
    if one is None or other is None:
        return None
    joint = dict(one.members)
    for name, mask in other.members.items():
        joint[name] = _either(joint[name], mask) if name in joint else mask
    return Mask(joint)


def _invalid(text: str) -> Problem:
    return Problem(Kind.INVALID_PARAMETER, f"Invalid value at query parameter 'fields': {quoted(text)}")
