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
from app.core.moderation import DEFAULT_THRESHOLD_UNIT
from app.core.moderation_words import AZURE_WORDS, word_of
from app.wire.azure.findings import confidence
from app.wire.azure.refusals import VENDOR

# Names of flag and score, by what they are about.
_MEMBERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "adult": ("isAdultContent", "adultScore"),
        "racy": ("isRacyContent", "racyScore"),
        "gore": ("isGoryContent", "goreScore"),
    }
)


def write_adult(findings: Sequence[Detection], size: Size) -> dict[str, Any]:
    """`adult`: of each kind the highest score, and whether one of its findings is flagged."""
    by_word = {word: [one for one in findings if word_of(one, AZURE_WORDS) == word] for word in _MEMBERS}
    flags = {flag: any(map(_is_flagged, by_word[word])) for word, (flag, _) in _MEMBERS.items()}
    return flags | {score: max(map(confidence, by_word[word]), default=0.0) for word, (_, score) in _MEMBERS.items()}


def _is_flagged(finding: Detection) -> bool:
    """As Azure said; it states no border, so that of others is ours."""
    own = finding.fields.get("flagged") if finding.vendor == VENDOR else None
    return own if isinstance(own, bool) else finding.score_unit >= DEFAULT_THRESHOLD_UNIT
