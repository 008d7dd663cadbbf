"""Unsafe content -> the safeSearchAnnotation of one image.

In: findings of moderation. Out: a likelihood for each of the vendor's five words. Its own findings keep the likelihood that it
gave; of another vendor's the category is put into Google's words and the score into its likelihoods. What has no category, or
one that Google has no word for (drugs, gambling, hate symbols), is left out. Nothing found, as of an image that was cleared
with its group, is Google's answer to an image without fault; only of what the provider does not look for nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.core.model import Detection
from app.core.moderation import DEFAULT_THRESHOLD_UNIT
from app.core.moderation_words import GOOGLE_WORDS, looked_for, word_of
from app.wire.google.refusals import VENDOR

_CLEAN, _UNKNOWN = "VERY_UNLIKELY", "UNKNOWN"
# Least score of each likelihood. The vendor states no numbers; POSSIBLE begins where others' findings count by default.
_LIKELIHOODS = ((0.9, "VERY_LIKELY"), (0.7, "LIKELY"), (DEFAULT_THRESHOLD_UNIT, "POSSIBLE"), (0.2, "UNLIKELY"), (0.0, _CLEAN))
# From clean to certain; UNKNOWN says least.
_ORDER = (_UNKNOWN, *(likelihood for _, likelihood in reversed(_LIKELIHOODS)))


def safe_search(findings: Iterable[Detection], behind: str = "") -> dict[str, str]:
    """The annotation. Of several findings of one word the surest counts. `behind`: the vendor that looked."""
    said: dict[str, list[str]] = {}
    for finding in findings:
        word = word_of(finding, GOOGLE_WORDS)
        if word is not None:
            said.setdefault(word, []).append(_likelihood(finding))
    seen = {word for category, word in GOOGLE_WORDS.items() if category in looked_for(behind)}
    otherwise = {word: _CLEAN if word in seen else _UNKNOWN for word in GOOGLE_WORDS.values()}
    return {word: max(said.get(word, [likelihood]), key=_ORDER.index) for word, likelihood in otherwise.items()}


def _likelihood(finding: Detection) -> str:
    own = finding.fields.get("likelihood") if finding.vendor == VENDOR else None
    if isinstance(own, str) and own in _ORDER:
        return own
    return next((likelihood for least, likelihood in _LIKELIHOODS if finding.score_unit >= least), _CLEAN)
