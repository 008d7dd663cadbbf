"""Facts about Rekognition's image operations, one row per feature that can be asked for.

Read by `asking` (what may be put into a request), `parse` (where the findings are) and the composition root (limits, price).
Sources: botocore's service model of 2016-06-27, "Guidelines and quotas in Amazon Rekognition", the price page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.model import Feature
from app.core.prices import PriceList
from app.providers.contract import Capabilities

VENDOR = "rekognition"
SERVICE_TARGET = "RekognitionService"  # prefix of X-Amz-Target
CONTENT_TYPE = "application/x-amz-json-1.1"

MOST_LABELS = 1000  # in one answer of DetectLabels (quotas page)

_INLINE_LIMIT_BYTES = 5_242_880  # Image.Bytes in the service model: 5 MB of raw image
_INLINE_LIMIT_SMALL_BYTES = 4_194_304  # the quotas page: 4 MB for protective equipment and custom labels
_MIN_SIDE_PX = 80  # quotas page; protective equipment and custom labels take 64, one figure serves all
_MAX_SIDE_PX = 10_000  # quotas page; 4096 for protective equipment and custom labels, which no sheet reaches
# The smallest face found is 40 px in an image of up to 1920 x 1080 and grows with the image beyond that: a larger sheet
# costs bytes and finds nothing more.
_SHEET_SIDE_PX = 1920
_DOLLARS_PER_IMAGE = 0.001  # price page, US regions, first million images a month


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `marks`: members (and their JSON types) of which a real answer has at least one; lists hold findings.

    `confidence_member`: the way to the member that holds the least confidence. `result_cap`: most entries of those lists, or
    most findings where `caps_findings`.
    """

    name: str
    marks: Mapping[str, type]
    max_image_bytes: int = _INLINE_LIMIT_BYTES
    confidence_member: tuple[str, ...] = ()
    result_cap: int | None = None
    caps_findings: bool = False
    has_trained_thresholds: bool = False


OPERATIONS: dict[Feature, Operation] = {
    # An answer to `Features: ["IMAGE_PROPERTIES"]` alone may come without Labels: no reason to call it garbled.
    Feature.OBJECTS: Operation(
        "DetectLabels",
        {"Labels": list, "ImageProperties": dict},
        confidence_member=("MinConfidence",),
        result_cap=MOST_LABELS,
    ),
    Feature.FACES: Operation("DetectFaces", {"FaceDetails": list}, result_cap=100),
    Feature.CELEBRITIES: Operation("RecognizeCelebrities", {"CelebrityFaces": list, "UnrecognizedFaces": list}, result_cap=64),
    Feature.PROTECTIVE_EQUIPMENT: Operation(
        "DetectProtectiveEquipment", {"Persons": list}, max_image_bytes=_INLINE_LIMIT_SMALL_BYTES, result_cap=15
    ),
    # 100 words (API reference); each is listed beside its line.
    Feature.TEXT: Operation(
        "DetectText",
        {"TextDetections": list},
        confidence_member=("Filters", "WordFilter", "MinConfidence"),
        result_cap=100,
        caps_findings=True,
    ),
    # The same operation, asked about one image.
    Feature.LABELS: Operation(
        "DetectLabels",
        {"Labels": list, "ImageProperties": dict},
        confidence_member=("MinConfidence",),
        result_cap=MOST_LABELS,
    ),
    # No cap is documented: its whole taxonomy has some hundred labels.
    Feature.MODERATION: Operation("DetectModerationLabels", {"ModerationLabels": list}, confidence_member=("MinConfidence",)),
    # Every custom label has a threshold found in training; a MinConfidence that nobody asked for would override it.
    Feature.CUSTOM_OBJECTS: Operation(
        "DetectCustomLabels",
        {"CustomLabels": list},
        max_image_bytes=_INLINE_LIMIT_SMALL_BYTES,
        confidence_member=("MinConfidence",),
        has_trained_thresholds=True,
    ),
}


def capabilities(provider: str) -> Capabilities:
    """What `provider` ("rekognition" or "emulator") accepts and costs: the emulator stands for the real one, price included."""
    return Capabilities(
        provider=provider,
        formats=frozenset({"jpeg", "png"}),
        names={feature: operation.name for feature, operation in OPERATIONS.items()},
        max_image_bytes={feature: operation.max_image_bytes for feature, operation in OPERATIONS.items()},
        min_side_px=_MIN_SIDE_PX,
        max_side_px=_MAX_SIDE_PX,
        sheet_side_px=_SHEET_SIDE_PX,
        prices=PriceList(otherwise=_DOLLARS_PER_IMAGE),
        accuracy_table=VENDOR,
        vendor=VENDOR,
    )
