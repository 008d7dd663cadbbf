"""Unsafe content -> the safeSearchAnnotation of one image.

In: findings of moderation. Out: a likelihood for each of the vendor's five words. Its own findings keep the likelihood that it
gave; of another vendor's the category is put into Google's words and the score into its likelihoods. What has no category, or
one that Google has no word for (drugs, gambling, hate symbols), is left out. Nothing found, as of an image that was cleared
with its group, is Google's answer to an image without fault; only of what the provider does not look for nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from app.core.model import Detection
from app.core.moderation import Category, category_of
from app.core.names import AZURE, REKOGNITION
from app.wire.google.refusals import VENDOR

# Gore is violence to Google: "violence ... may include death, serious harm".
_WORDS: Mapping[Category | None, str] = MappingProxyType(
    {
        Category.ADULT: "adult",
        Category.SPOOF: "spoof",
        Category.MEDICAL: "medical",
        Category.VIOLENCE: "violence",
        Category.GORE: "violence",
        Category.RACY: "racy",
    }
)
_CLEAN, _UNKNOWN = "VERY_UNLIKELY", "UNKNOWN"
# What the others do not look for: neither has a word for medical or edited pictures.
_UNSEEN: Mapping[str, frozenset[str]] = MappingProxyType(dict.fromkeys((REKOGNITION, AZURE), frozenset({"medical", "spoof"})))
# Least score of each likelihood. The vendor states no numbers; POSSIBLE begins where others' findings count by default.
_LIKELIHOODS = ((0.9, "VERY_LIKELY"), (0.7, "LIKELY"), (0.5, "POSSIBLE"), (0.2, "UNLIKELY"), (0.0, _CLEAN))
# From clean to certain; UNKNOWN says least.
_ORDER = (_UNKNOWN, *(likelihood for _, likelihood in reversed(_LIKELIHOODS)))


def safe_search(findings: Iterable[Detection], behind: str = "") -> dict[str, str]:
    """The annotation. Of several findings of one word the surest counts. `behind`: the vendor that looked."""
    said: dict[str, list[str]] = {}
    for finding in findings:
        word = _WORDS.get(category_of(finding))
        if word is not None:
            said.setdefault(word, []).append(_likelihood(finding))
    unseen = _UNSEEN.get(behind, frozenset())
    otherwise = {word: _UNKNOWN if word in unseen else _CLEAN for word in _WORDS.values()}
    return {word: max(said.get(word, [likelihood]), key=_ORDER.index) for word, likelihood in otherwise.items()}


def _likelihood(finding: Detection) -> str:
    own = finding.fields.get("likelihood") if finding.vendor == VENDOR else None
    if isinstance(own, str) and own in _ORDER:
        return own
    return next((likelihood for least, likelihood in _LIKELIHOODS if finding.score_unit >= least), _CLEAN)
