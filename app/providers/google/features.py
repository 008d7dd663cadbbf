"""Facts about Cloud Vision's features: what can be asked for, limits, prices.

Read by `asking` (names), `parse` (the cap on results) and the composition root (limits, prices). Sources: the pages
"Supported images", "Quotas and limits", "Pricing" of Cloud Vision, and the comments of the v1 protocol buffers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.core.model import Feature
from app.core.prices import PriceList
from app.providers.contract import Capabilities

VENDOR = "google"

# The v1 protocol's names of what can be asked for, by ours.
TYPES: Mapping[Feature, str] = MappingProxyType(
    {
        Feature.OBJECTS: "OBJECT_LOCALIZATION",
        Feature.FACES: "FACE_DETECTION",
        Feature.LANDMARKS: "LANDMARK_DETECTION",
        Feature.LOGOS: "LOGO_DETECTION",
        Feature.TEXT: "TEXT_DETECTION",
        Feature.LABELS: "LABEL_DETECTION",
        Feature.MODERATION: "SAFE_SEARCH_DETECTION",
    }
)
# Google says no more than these words. They are spread evenly; POSSIBLE is in the middle, where most clients draw their line.
LIKELIHOODS: Mapping[str, float] = MappingProxyType(
    {"UNKNOWN": 0.0, "VERY_UNLIKELY": 0.05, "UNLIKELY": 0.25, "POSSIBLE": 0.5, "LIKELY": 0.75, "VERY_LIKELY": 0.95}
)
DOCUMENT_TEXT = "DOCUMENT_TEXT_DETECTION"  # the same feature for dense pages, and the same price
# "maxResults does not apply" to text; safe search always says the same five things.
UNCAPPED = frozenset({Feature.TEXT, Feature.MODERATION})

# Asked for on a sheet, where every image may use up all of it: without a number the vendor stops at a few (ten, it is said),
# and states no upper end. An answer that is as long as this may have been cut off, and its sheet is asked again in parts.
MOST_RESULTS = 100

_MAX_IMAGE_BYTES = 20_000_000  # "Quotas and limits": 20 MB an image file; the 10 MB of a JSON request do not bind gRPC
_MIN_SIDE_PX = 1  # none is stated
_MAX_SIDE_PX = 8_660  # "Supported images": 75 million pixels, which a square of this side has; no side is stated
# Recommended for faces, which need the most, are 1600 x 1200 for an image: two of them, stacked. Nine of the 640 x 480 that
# are recommended for everything else need less. Beyond that "you gain little and wait longer".
_SHEET_SIDE_PX = 2400

# Dollars for one feature on one image, 1,001st to 5-millionth of a month (the first thousand are free).
_OBJECTS, _WEB, _OTHERS = 0.00225, 0.0035, 0.0015
_PRICES = PriceList(
    each={"OBJECT_LOCALIZATION": _OBJECTS, "WEB_DETECTION": _WEB},
    otherwise=_OTHERS,
    free_beside={
        "SAFE_SEARCH_DETECTION": "LABEL_DETECTION",
        "CROP_HINTS": "IMAGE_PROPERTIES",
        "TEXT_DETECTION": DOCUMENT_TEXT,  # not applied where both are asked for
    },
)


def capabilities() -> Capabilities:
    """What Cloud Vision accepts and costs."""
    return Capabilities(
        provider=VENDOR,
        formats=frozenset({"jpeg", "png", "webp"}),  # of those that it reads, the ones whose header we read
        names=TYPES,
        max_image_bytes=dict.fromkeys(TYPES, _MAX_IMAGE_BYTES),
        min_side_px=_MIN_SIDE_PX,
        max_side_px=_MAX_SIDE_PX,
        sheet_side_px=_SHEET_SIDE_PX,
        prices=_PRICES,
        # The paper measured no Google model. The nearest of its three is the other cloud's: closed, trained on more than the
        # open ones, and least hurt by small images.
        accuracy_table="rekognition",
        vendor=VENDOR,
        moderation_steps=tuple(sorted(LIKELIHOODS.values())),
    )
