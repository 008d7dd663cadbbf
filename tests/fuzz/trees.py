"""JSON as nobody should write it: values of other types, huge numbers, deep nesting, members gone, doubled or renamed.

In: a value and a random source. Out: its bytes, sound JSON or not. Pure.
"""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

DEEP = 2000
LONG = 20_000
# Texts that stand for values which are hard to write as JSON: they are put in place of a marker once the rest is written.
_RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-0",
    "1E400",
    "9" * 400,
    "0." + "3" * 400,
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    "'single'",
    "truth",
    "[1,]",
    "{,}",
    '"\x01"',
    "",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53 + 1,
    2**63,
    -(2**64),
    0.5,
    1e308,
    -1e-320,
    "",
    "a",
    "ALL",
    "\u202e\ufffe\U0001f600",
    "x" * LONG,
    "=" * 7,
    "gs://a/b",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "http://[::1",
    [],
    {},
    [None],
    [[]],
    {"": ""},
    {"a": {"b": []}},
)
_MARK = "raw-value-here"


def mutated_json(rng: Random, value: Any) -> bytes:
    """One to four changes somewhere in the value, and at times one in how it is written."""
    value = copy.deepcopy(value)
    raw = ""
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.15 and not raw:
            raw = rng.choice(_RAW)
            value = _changed(rng, value, _MARK)
        else:
            value = _changed(rng, value, copy.deepcopy(rng.choice(_VALUES)))
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5).replace(f'"{_MARK}"', raw)
    return _written_oddly(rng, text)


def _changed(rng: Random, root: Any, new: Any) -> Any:
    """One change at a random place: another value, a member less, more, or under another name."""
    places = list(_places(root))
    if not places:
        return new
    holder, key = rng.choice(places)
    match rng.randrange(6):
        case 0 | 1:
            holder[key] = new
        case 2:
            del holder[key]
        case 3:
            _double(rng, holder, key)
        case 4:
            holder[key] = rng.choice(([holder[key]], {"x": holder[key]}, [holder[key], new], str(holder[key])))
        case _:
            other, other_key = rng.choice(places)
            holder[key] = copy.deepcopy(other.get(other_key) if isinstance(other, dict) else _at(other, other_key))
    return root


def _double(rng: Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 2, 20, 200))
    else:
        name = rng.choice((f"{key} ", str(key).swapcase(), f"{key}s", str(key)[:-1], "\u0130", "__proto__", "a" * 300))
        holder[name] = copy.deepcopy(holder[key])


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def _places(node: Any) -> Any:
    """Everything in the tree, as a container and a key in it."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(items):
        yield node, key
        yield from _places(child)


def _written_oddly(rng: Random, text: str) -> bytes:
    """Mostly UTF-8; at times doubled keys, another encoding, something before or behind."""
    match rng.randrange(24):
        case 0:
            return text.encode("utf-16", "surrogatepass")
        case 1:
            return b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass")
        case 2:
            return (text + rng.choice((text, "}", "\0", " // end", ","))).encode("utf-8", "surrogatepass")
        case 3:
            return text.encode("utf-8", "surrogatepass")[: rng.randrange(len(text) + 1)]
        case 4 if text.startswith("{") and len(text) > 2:
            return (text[:-1] + "," + text[1:]).encode("utf-8", "surrogatepass")  # every key twice
        case 5:
            return (" " * LONG + text).encode("utf-8", "surrogatepass")
    return text.encode("utf-8", "surrogatepass")
