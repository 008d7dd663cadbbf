"""Findings about an image as a whole, without a place: labels and unsafe content. Pure; called by `findings`.

    LABELS      one per label. fields as in `core.labels`: {"count": its instances, "parents": [names], "categories": [names]},
                without those that are empty
    MODERATION  one per label of unsafe content. {"moderation": the entry, "parents": [names of its ancestors, nearest first]}

For a finding that is broken there is a None; its neighbours stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.labels import label_facts
from app.core.model import Detection, Feature, Tree
from app.providers.answers import MAX_DEPTH, entries, not_negative, or_none, text
from app.providers.rekognition.operations import VENDOR
from app.providers.rekognition.trees import score_unit, typed_fields


def labels(answer: dict[str, Any]) -> Iterator[Detection | None]:
    """Every label of DetectLabels, those without instances, too."""

    def read(label: dict[str, Any]) -> Detection:
        count = sum(isinstance(instance, dict) for instance in entries(label, "Instances"))
        fields: dict[str, Tree] = {"count": count, **label_facts(label)}
        return Detection(Feature.LABELS, text(label, "Name"), score_unit(label), None, VENDOR, fields)

    return (or_none(read, label) for label in entries(answer, "Labels"))


def moderation(answer: dict[str, Any]) -> Iterator[Detection | None]:
    """Every label of DetectModerationLabels. `ContentTypes` (drawn or photographed) are no findings."""
    listed = entries(answer, "ModerationLabels")
    parents = _parents_by_name(listed)

    def read(label: dict[str, Any]) -> Detection:
        name = text(label, "Name")
        not_negative(label.get("Confidence"))
        fields: dict[str, Tree] = {"moderation": typed_fields(label), "parents": [*_ancestors(name, _parent(label), parents)]}
        return Detection(Feature.MODERATION, name, score_unit(label), None, VENDOR, fields)

    return (or_none(read, label) for label in listed)


def _parents_by_name(listed: list[Any]) -> Mapping[str, str]:
    """Of the labels that say both; every ancestor of a label is listed beside it."""
    said = [label for label in listed if isinstance(label, dict) and isinstance(label.get("Name"), str)]
    return {label["Name"]: _parent(label) for label in said}


def _parent(label: Mapping[str, Any]) -> str:
    """Empty for a label of the top level."""
    name = label.get("ParentName")
    return name if isinstance(name, str) else ""


def _ancestors(name: str, parent: str, parents: Mapping[str, str]) -> list[str]:
    """Nearest first. Ends where names go round in a circle, or deeper than any taxonomy."""
    found: list[str] = []
    while parent and parent != name and parent not in found and len(found) < MAX_DEPTH:
        found.append(parent)
        parent = parents.get(parent, "")
    return found
