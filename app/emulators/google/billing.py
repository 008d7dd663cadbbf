"""What an answered image costs: one unit per feature that was applied to it.

In: the features asked for. Out: items of the bill. After the vendor's price list: Safe Search is free beside labels, crop hints
beside image properties. Of the two kinds of text detection only one is applied.
"""

from __future__ import annotations

from collections.abc import Collection

from app.emulators.google.asked import Feature

FREE_BESIDE = {
    Feature.SAFE_SEARCH_DETECTION: Feature.LABEL_DETECTION,
    Feature.CROP_HINTS: Feature.IMAGE_PROPERTIES,
    Feature.TEXT_DETECTION: Feature.DOCUMENT_TEXT_DETECTION,  # not applied: the other takes precedence
}


def charges(features: Collection[Feature]) -> tuple[Feature, ...]:
    """The features that are paid for."""
    return tuple(feature for feature in features if FREE_BESIDE.get(feature) not in features)
