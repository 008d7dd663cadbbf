"""Checked reading of a request's query, and writing it anew for fewer features.

Names of parameters are taken in any case, and the values of one that stands there several times are joined with commas, as
Azure's framework does it. Raises `Refused`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from app.wire.azure.refusals import Reason, Refused
from app.wire.values import quoted

# Fields of a query that are looked at before giving up: the largest operation has eight parameters.
_MAX_QUERY_FIELDS = 64
# Azure's gateway takes the key in the query, too.
KEY_PARAMETER = "subscription-key"
LATEST = "latest"
ENGLISH = "en"
_MODEL_VERSION = re.compile(r"(?:latest|\d{4}-\d{2}-\d{2})(?:-preview)?", re.ASCII)
# "Language support for Azure AI Vision": languages of tags and captions; objects have names in English only.
_LANGUAGES = (
    "ar az bg bs ca cs cy da de el en es et eu fi fr ga gl he hi hr hu id it ja kk ko lt lv mk ms nb nl pl prs pt pt-BR pt-PT "
    "ro ru sk sl sr-Cyrl sr-Latn sv th tr uk vi zh zh-Hans zh-Hant"
)
LANGUAGES = frozenset(_LANGUAGES.split())


@dataclass(frozen=True, slots=True)
class Query:
    """A query: its fields as they came, and by name in lower case."""

    fields: tuple[tuple[str, str], ...]
    values: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Query:
        try:
            fields = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError as error:
            raise Refused(Reason.ARGUMENT, f"The query has more than {_MAX_QUERY_FIELDS} parameters") from error
        values: dict[str, str] = {}
        for name, value in fields:
            known = name.lower()
            values[known] = f"{values[known]},{value}" if known in values else value
        return cls(tuple(fields), values)

    def text(self, name: str, default: str = "") -> str:
        """A parameter's value; an empty one is as good as none."""
        return self.values.get(name.lower(), "") or default

    def words(self, name: str, allowed: Iterable[str], reason: Reason) -> tuple[str, ...]:
        """A comma list out of `allowed`, each word once, in the caller's order and the vendor's spelling."""
        spelling = {word.lower(): word for word in allowed}
        asked = [word.strip().lower() for word in self.text(name).split(",") if word.strip()]
        unknown = next((word for word in asked if word not in spelling), None)
        if unknown is not None:
            raise Refused(reason, f"{name}: {quoted(unknown)}")
        return tuple(dict.fromkeys(spelling[word] for word in asked))

    def truth(self, name: str) -> bool:
        value = self.text(name, "false").lower()
        if value not in {"true", "false"}:
            raise Refused(Reason.ARGUMENT, f"'{name}' is not a boolean")
        return value == "true"

    def language(self) -> str:
        value = self.text("language", ENGLISH)
        if value not in LANGUAGES:
            raise Refused(Reason.LANGUAGE, quoted(value))
        return value

    def model_version(self) -> str:
        value = self.text("model-version", LATEST)
        if not _MODEL_VERSION.fullmatch(value):
            raise Refused(Reason.ARGUMENT, "'model-version' is not valid")
        return value

    def ratios(self, name: str, least: float, most: float) -> None:
        """Checks a comma list of aspect ratios; they are the vendor's to read."""
        try:
            found = [float(word) for word in self.text(name).split(",") if word.strip()]
        except ValueError as error:
            raise Refused(Reason.ARGUMENT, f"'{name}' is not a list of numbers") from error
        if not all(least <= ratio <= most for ratio in found):
            raise Refused(Reason.ARGUMENT, f"'{name}' aspect ratio is not in allowed range [{least} to {most}]")

    def rewritten(self, name: str, words: Sequence[str], *, without: frozenset[str] = frozenset()) -> str:
        """The same query with other words in the list `name`, and without any key and what else is to be left out."""
        text = ",".join(words)
        fields: list[tuple[str, str]] = []
        for known, value in self.fields:
            if known.lower() != name.lower():
                fields += [] if known.lower() in {KEY_PARAMETER, *without} else [(known, value)]
            elif text:
                fields.append((known, text))
                text = ""
        return written([*fields, (name, text)] if text else fields)


def written(fields: Iterable[tuple[str, str]]) -> str:
    """A query as the vendor's SDKs write it: commas stay commas."""
    return urlencode(list(fields), safe=",", quote_via=quote)
