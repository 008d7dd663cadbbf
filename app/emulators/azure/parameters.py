"""Reads the query of a call. Words are taken in any case; a value that is not allowed is a `Refused`.

In: the query. Out: plain values. Called by each operation's `read`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.emulators.azure.errors import Problem, Refused

Json = dict[str, Any]
Query = Mapping[str, str]

MODEL_VERSION = re.compile(r"(latest|\d{4}-\d{2}-\d{2})(-preview)?", re.ASCII)
_LANGUAGES = (
    "ar az bg bs ca cs cy da de el en es et eu fi fr ga gl he hi hr hu id it ja kk ko lt lv mk ms nb nl pl prs pt pt-BR pt-PT "
    "ro ru sk sl sr-Cyrl sr-Latn sv th tr uk vi zh zh-Hans zh-Hant"
)
LANGUAGES = frozenset(_LANGUAGES.split())
"""Languages of tags and captions (the vendor's page on language support). Answers here are in English whatever was asked."""


def words(query: Query, name: str, allowed: Iterable[str], problem: Problem) -> tuple[str, ...]:
    """A comma list of words, each once, in the caller's order and in the vendor's own spelling."""
    spelling = {word.lower(): word for word in allowed}
    asked = [word.strip().lower() for word in query.get(name, "").split(",") if word.strip()]
    if any(word not in spelling for word in asked):
        raise Refused(problem)
    return tuple(dict.fromkeys(spelling[word] for word in asked))


def truth(query: Query, name: str, default: bool) -> bool:
    value = query.get(name, "").lower()
    if value not in ("", "true", "false"):
        raise Refused(Problem.ARGUMENT, f"'{name}' is not a boolean")
    return value == "true" if value else default


def whole(query: Query, name: str, default: int) -> int:
    """A whole number from 1."""
    value = query.get(name, "")
    if value and not (value.isascii() and value.isdecimal() and int(value) > 0):
        raise Refused(Problem.ARGUMENT, f"'{name}' is not a positive whole number")
    return int(value) if value else default


def language(query: Query, allowed: frozenset[str] = LANGUAGES, default: str = "en") -> str:
    value = query.get("language") or default
    if value not in allowed:
        raise Refused(Problem.LANGUAGE)
    return value


def check_model_version(query: Query) -> None:
    """Any version of the right form is taken, and changes nothing."""
    if not MODEL_VERSION.fullmatch(query.get("model-version") or "latest"):
        raise Refused(Problem.ARGUMENT, "'model-version' is not valid")
