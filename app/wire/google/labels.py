"""Labels of a whole image -> labelAnnotations.

In: findings of LABELS, asked of the image alone or gathered out of what was detected on a sheet (`core.labels`). Out: entities
without a place, the surest first. The vendor's own keep their `mid` and `topicality`; where nobody told the topicality, it is
the score.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.model import Detection
from app.core.names import spoken
from app.wire.google.refusals import VENDOR

_OWN = ("mid", "topicality")


def label_annotations(findings: Iterable[Detection]) -> list[dict[str, Any]]:
    """One for each word: labels of another vendor that become the same word are one, as sure as the surest of them."""
    items: dict[str, dict[str, Any]] = {}
    for finding in sorted(findings, key=lambda finding: -finding.score_unit):
        item = _entity(finding)
        items.setdefault(item["description"], item)
    return list(items.values())


def _entity(finding: Detection) -> dict[str, Any]:
    score = finding.score_unit
    own = {name: finding.fields[name] for name in _OWN if name in finding.fields} if finding.vendor == VENDOR else {}
    return {"description": spoken(finding.label, finding.vendor, VENDOR), "score": score, "topicality": score, **own}
