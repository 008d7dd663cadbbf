"""Findings about an image as a whole, without a place: labels and unsafe content. Pure; called by `findings`.

    LABELS      one per labelAnnotation. {"mid": ..., "topicality": ...} as far as they are said; how many there are, and
                what it is a kind of, Google does not say
    MODERATION  five: adult, spoof, medical, violence, racy. {"likelihood": "POSSIBLE", say}; its score is that of `LIKELIHOODS`

For a finding that is broken there is a None; its neighbours stand.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.core.model import Detection, Feature, Tree
from app.providers.answers import Broken, garbled
from app.providers.google.features import LIKELIHOODS, VENDOR
from app.providers.google.trees import Object, label_of, score_of

SUSPICIONS = ("adult", "spoof", "medical", "violence", "racy")
_UNKNOWN = "UNKNOWN"


def labels(answer: Object) -> Iterator[Detection | None]:
    """Every label, in the vendor's order."""
    return (_label(entry) for entry in answer.get("labelAnnotations", ()))


def _label(entry: Object) -> Detection | None:
    fields: dict[str, Tree] = {"mid": entry["mid"]} if entry.get("mid") else {}
    topicality = entry.get("topicality")
    if isinstance(topicality, float):  # "NaN" is text here
        fields["topicality"] = topicality
    try:
        label, score_unit = label_of(entry.get("description")), score_of(entry, "score")
    except Broken:
        return None
    return Detection(Feature.LABELS, label, score_unit, None, VENDOR, fields)


def safe_search(answer: Object) -> Iterator[Detection | None]:
    """All five, whatever they say. Raises Problem(PROVIDER_GARBLED) where nothing is said: silence must not read as clean."""
    said = answer.get("safeSearchAnnotation")
    if said is None:
        raise garbled("the answer to SAFE_SEARCH_DETECTION has no safeSearchAnnotation")
    return (_suspicion(name, said.get(name, _UNKNOWN)) for name in SUSPICIONS)  # proto3 leaves UNKNOWN out


def _suspicion(name: str, likelihood: str | int) -> Detection | None:
    """None for a likelihood that is newer than the protocol here: it arrives as a number."""
    score_unit = LIKELIHOODS.get(str(likelihood))
    if score_unit is None:
        return None
    return Detection(Feature.MODERATION, name, score_unit, None, VENDOR, {"likelihood": likelihood})
