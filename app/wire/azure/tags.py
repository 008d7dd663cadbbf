"""Labels of a whole image -> the tags of both APIs.

In: findings of LABELS, asked of the image alone or gathered out of what was detected on a sheet (`core.labels`). Out: words
with a confidence, the surest first. Labels of another vendor that become the same word are one tag, as sure as the surest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.geometry import Size
from app.core.model import Detection
from app.wire.azure.findings import confidence, name_of


def write_tags(findings: Sequence[Detection], size: Size) -> dict[str, Any]:
    """`tagsResult` of 4.0."""
    return {"values": write_old_tags(findings, size)}


def write_old_tags(findings: Sequence[Detection], size: Size) -> list[dict[str, Any]]:
    """`tags` of 3.2."""
    best: dict[str, float] = {}
    for finding in sorted(findings, key=lambda finding: -finding.score_unit):
        best.setdefault(name_of(finding), confidence(finding))
    return [{"name": name, "confidence": score} for name, score in best.items()]
