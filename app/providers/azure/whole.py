"""Findings about an image as a whole, without a place: tags and adult content. Pure; in `findings`' table.

    LABELS      one per tag of 4.0; the label is its name. No fields: Azure says nothing else of a tag
    MODERATION  three: adult, racy, gore, each with the vendor's own score. {"flagged": what the vendor concluded}, as far as
                that is said

For a finding that is broken there is a None; its neighbours stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from app.core.model import Detection, Feature, Tree
from app.providers.answers import not_negative, or_none, text
from app.providers.azure.features import VENDOR
from app.providers.azure.trees import Frame, score_of

# Label, and the members of `adult` in 3.2 that speak of it.
KINDS = (
    ("adult", "adultScore", "isAdultContent"),
    ("racy", "racyScore", "isRacyContent"),
    ("gore", "goreScore", "isGoryContent"),
)


def tags(items: list[Any], _: Frame) -> Iterator[Detection | None]:
    """Every tag, in the vendor's order."""

    def read(tag: dict[str, Any]) -> Detection:
        return Detection(Feature.LABELS, text(tag, "name"), score_of(tag), None, VENDOR)

    return (or_none(read, tag) for tag in items)


def adult(items: list[Any], _: Frame) -> Iterator[Detection | None]:
    """All three of the one item. One without a score is broken: what is not said must not read as clean."""
    return (or_none(partial(_judged, kind), item) for item in items for kind in KINDS)


def _judged(kind: tuple[str, str, str], said: dict[str, Any]) -> Detection:
    label, score_member, flag_member = kind
    not_negative(said.get(score_member))
    flag = said.get(flag_member)
    fields: dict[str, Tree] = {"flagged": flag} if isinstance(flag, bool) else {}
    return Detection(Feature.MODERATION, label, score_of(said, score_member, otherwise=None), None, VENDOR, fields)
