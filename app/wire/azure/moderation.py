"""Unsafe content -> the member `adult` of 3.2.

In: findings of moderation. Out: a flag and a score for each of the vendor's three kinds. Its own findings keep the flag that
it gave; of another vendor's the category is put into one of the kinds, and the flag is up from the border on. What has no
category, or one that Azure has no kind for (drugs, gambling, hate symbols), is left out. Nothing found, as of an image that was
cleared with its group: no flag, and scores of zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from app.core.geometry import Size
from app.core.model import Detection
from app.core.moderation import Category, category_of
from app.wire.azure.findings import confidence
from app.wire.azure.refusals import VENDOR

# By the names of flag and score. Others' violence is nearest to what Azure calls gory: "blood or gore".
_KINDS: Mapping[tuple[str, str], frozenset[Category]] = MappingProxyType(
    {
        ("isAdultContent", "adultScore"): frozenset({Category.ADULT}),
        ("isRacyContent", "racyScore"): frozenset({Category.RACY}),
        ("isGoryContent", "goreScore"): frozenset({Category.GORE, Category.VIOLENCE}),
    }
)
UNSAFE_UNIT = 0.5
"""From here on an image counts as unsafe, and another vendor's finding raises the flag. Azure states no border of its own."""


def write_adult(findings: Sequence[Detection], size: Size) -> dict[str, Any]:
    """`adult`: of each kind the highest score, and whether one of its findings is flagged."""
    by_kind = {kind: [one for one in findings if category_of(one) in categories] for kind, categories in _KINDS.items()}
    flags = {flag: any(map(_is_flagged, found)) for (flag, _), found in by_kind.items()}
    return flags | {score: max(map(confidence, found), default=0.0) for (_, score), found in by_kind.items()}


def _is_flagged(finding: Detection) -> bool:
    own = finding.fields.get("flagged") if finding.vendor == VENDOR else None
    return own if isinstance(own, bool) else finding.score_unit >= UNSAFE_UNIT
