"""Small readings and writings of plain text that several dialects share: numbers from headers and queries, hints for typos."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable

# Digits with an optional fraction and exponent, as programs write their floats (Python: 0.8080735266774273, 1e-05): float()
# would also take "nan", "inf", "1_0" and " 1 ". The bounds keep a hostile number from being worked on.
_DECIMAL = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
# How alike two words must be (difflib ratio) before one is offered as a correction of the other: a slip or two of the keyboard.
_ALIKE = 0.6
# Longest piece of a client's text that is repeated in a message, characters: enough to recognise it.
_QUOTED_CHARACTERS = 60


def parse_decimal(text: str) -> float | None:
    """A finite number that is not negative, in decimal notation, or None."""
    number = float(text) if _DECIMAL.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def compact_decimal(number: float, places: int) -> str:
    """At most `places` decimals, and no trailing zeros: 0.5, 12, 0.3333. What is not finite is written as 0."""
    if not math.isfinite(number):
        return "0"
    text = f"{number:.{places}f}".rstrip("0").rstrip(".") if places else f"{number:.0f}"
    return "0" if text in {"-0", ""} else text


def quoted(text: str) -> str:
    """A client's own word, safe to repeat in a message: escaped and cut."""
    return repr(text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "...")


def hint(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'features'?` when a known word is near, otherwise the list of the known ones."""
    words = sorted(known)
    near = difflib.get_close_matches(word.lower()[:_QUOTED_CHARACTERS], words, n=1, cutoff=_ALIKE)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(words)}"


def sentence(text: str) -> str:
    """With a capital and a full stop; `text` is not empty."""
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"
