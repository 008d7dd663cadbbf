"""What a call asks for, as plain values: images, and what is wanted of each.

In: the vendor's messages, by way of `messages`. Out: `AskedImage`s, and the refusals of what cannot be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.emulators.google.errors import Json, ServiceError, invalid_argument, nothing_asked, too_many_images

MOST_IMAGES = 16
DEFAULT_RESULTS = 10
"""Widely seen; the vendor states no default."""
MOST_RESULTS = 100
"""Our own cap, so that answers stay finite: the vendor publishes none."""
MOST_ASPECT_RATIOS = 16


class Feature(StrEnum):
    """What can be asked of an image."""

    FACE_DETECTION = "FACE_DETECTION"
    LANDMARK_DETECTION = "LANDMARK_DETECTION"
    LOGO_DETECTION = "LOGO_DETECTION"
    LABEL_DETECTION = "LABEL_DETECTION"
    TEXT_DETECTION = "TEXT_DETECTION"
    DOCUMENT_TEXT_DETECTION = "DOCUMENT_TEXT_DETECTION"
    SAFE_SEARCH_DETECTION = "SAFE_SEARCH_DETECTION"
    IMAGE_PROPERTIES = "IMAGE_PROPERTIES"
    CROP_HINTS = "CROP_HINTS"
    WEB_DETECTION = "WEB_DETECTION"
    PRODUCT_SEARCH = "PRODUCT_SEARCH"
    OBJECT_LOCALIZATION = "OBJECT_LOCALIZATION"


@dataclass(frozen=True, slots=True)
class AskedImage:
    """One image of a call. `told` is the request without the image, in the vendor's JSON."""

    content: bytes = field(default=b"", repr=False)
    uri: str = ""
    told: Json = field(default_factory=dict)

    @property
    def present(self) -> bool:
        return bool(self.content or self.uri)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of one image: features with their number of results, and what the context says."""

    results: dict[Feature, int]
    language: str
    aspect_ratios: tuple[float, ...]


def check_count(images: tuple[AskedImage, ...]) -> None:
    if len(images) > MOST_IMAGES:
        raise too_many_images()


def wishes_of(image: AskedImage) -> Wishes:
    """Raises `ServiceError` where nothing, or nothing that can be answered, is asked."""
    features = image.told.get("features", [])
    if not features or not image.present:
        raise nothing_asked()
    context = image.told.get("imageContext", {})
    ratios = tuple(context.get("cropHintsParams", {}).get("aspectRatios", ()))
    if len(ratios) > MOST_ASPECT_RATIOS or not all(_is_ratio(ratio) for ratio in ratios):
        raise invalid_argument(f"Aspect ratios are above 0, and at most {MOST_ASPECT_RATIOS}.")
    languages = context.get("languageHints") or ["en"]
    return Wishes(_results(features), languages[0], ratios)


def _is_ratio(value: object) -> bool:
    """JSON writes NaN and Infinity as text."""
    return isinstance(value, int | float) and value > 0


def _results(features: list[Json]) -> dict[Feature, int]:
    """A feature that is asked for twice counts once, with the larger number."""
    found: dict[Feature, int] = {}
    for asked in features:
        feature, most = _feature(asked.get("type", 0)), asked.get("maxResults", 0)
        if most < 0:
            raise invalid_argument(f"maxResults cannot be {most}.")
        found[feature] = max(found.get(feature, 0), min(most or DEFAULT_RESULTS, MOST_RESULTS))
    return found


def _feature(name: str | int) -> Feature:
    """Numbers that are no feature arrive as numbers."""
    if name not in set(Feature):
        raise invalid_argument(f"Unsupported feature type: {name}.")
    if name == Feature.PRODUCT_SEARCH:
        raise _no_products()
    return Feature(name)


def _no_products() -> ServiceError:
    return invalid_argument("Product search needs a product set, and there is none here.")
