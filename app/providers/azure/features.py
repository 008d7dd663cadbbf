"""Facts about Image Analysis, one row per feature that can be asked for, and what the service takes and costs.

Version 4.0 has no faces, no brands and no moderation: these are asked for in 3.2, which lives on beside it in the same
resource.

Read by `asking`, `parse` and the composition root. Sources: Microsoft's pages "What is Image Analysis", "Object detection",
"Image Analysis error codes" and "Call the Analyze Image API", as of November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.model import Feature
from app.core.prices import PriceList
from app.providers.contract import Capabilities

VENDOR = "azure"
KEY_HEADER = "ocp-apim-subscription-key"

# The error text of the service: "not allowed to be zero or larger than 20971520 bytes" (its limits page: less than 20 MB).
_MAX_IMAGE_BYTES = 20 * 1024 * 1024
_MAX_IMAGE_BYTES_32 = 4 * 1024 * 1024  # the limits page of 3.2
_FORMATS = frozenset({"jpeg", "png", "webp"})  # and others, which header inspection here does not know
_FORMATS_32 = frozenset({"jpeg", "png"})  # and others again, but no WebP
_MIN_SIDE_PX, _MAX_SIDE_PX = 50, 16_000  # its error text: not "smaller than 50 and larger than 16000"
# The size at which its detector looks is not published. What is said of small things is relative (under 5 % of the image they
# are usually missed), so more pixels promise nothing; a sheet of telephone photographs keeps what a larger one would show.
_SHEET_SIDE_PX = 1920

# UNVERIFIED. Dollars per transaction in the first tier; each visual feature of a call is one. The price page could not be read:
# the figures of 3.2 are older public copies of it, those of 4.0 are from memory. `CSP-Billing-Usage` of a real answer tells
# what was counted, the price page what it costs.
_OLDER_PAGE = 0.0015
_PRICES = {
    **dict.fromkeys(("tags", "objects", "people", "read", "smartCrops"), 0.001),
    **dict.fromkeys(("caption", "denseCaptions"), 0.0015),
    **dict.fromkeys(("Tags", "Faces", "Color", "ImageType", "Categories"), 0.001),
    **dict.fromkeys(("Objects", "Brands", "Adult", "Celebrities", "Landmarks"), _OLDER_PAGE),
    "Description": 0.0025,
}


@dataclass(frozen=True, slots=True)
class VisualFeature:
    """`name` in the query; `findings`: members of the answer on the way to the list of findings, or to the one object that
    holds them all where `is_one`.
    """

    name: str
    findings: tuple[str, ...]
    is_of_32: bool = False
    is_one: bool = False


VISUAL_FEATURES: Mapping[Feature, VisualFeature] = {
    Feature.OBJECTS: VisualFeature("objects", ("objectsResult", "values")),
    Feature.PEOPLE: VisualFeature("people", ("peopleResult", "values")),
    Feature.TEXT: VisualFeature("read", ("readResult", "blocks")),
    Feature.FACES: VisualFeature("Faces", ("faces",), is_of_32=True),
    Feature.LOGOS: VisualFeature("Brands", ("brands",), is_of_32=True),
    Feature.LABELS: VisualFeature("tags", ("tagsResult", "values")),
    Feature.MODERATION: VisualFeature("Adult", ("adult",), is_of_32=True, is_one=True),
}


def capabilities() -> Capabilities:
    """What the service accepts and costs. No cap on the number of findings is documented."""
    older = [feature for feature, row in VISUAL_FEATURES.items() if row.is_of_32]
    return Capabilities(
        provider=VENDOR,
        formats=_FORMATS,
        names={feature: row.name for feature, row in VISUAL_FEATURES.items()},
        max_image_bytes=dict.fromkeys(VISUAL_FEATURES, _MAX_IMAGE_BYTES) | dict.fromkeys(older, _MAX_IMAGE_BYTES_32),
        min_side_px=_MIN_SIDE_PX,
        max_side_px=_MAX_SIDE_PX,
        sheet_side_px=_SHEET_SIDE_PX,
        prices=PriceList(_PRICES, otherwise=_OLDER_PAGE),
        # The paper measured no Azure. Of its three columns this is the only hosted service; what Microsoft says of small and of
        # crowded objects makes it likely that grids cost more here: calibrate before trusting the budget.
        accuracy_table="rekognition",
        vendor=VENDOR,
        narrower=dict.fromkeys(older, _FORMATS_32),
    )
