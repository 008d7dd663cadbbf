"""Statements about an image as a whole: SAFE_SEARCH_DETECTION, IMAGE_PROPERTIES and CROP_HINTS."""

from __future__ import annotations

from app.emulators.google.asked import Wishes
from app.emulators.google.errors import Json
from app.emulators.google.geometry import around, polygon_of
from app.emulators.pixels import swatches
from app.emulators.scene import Scene
from app.emulators.unsafe import scores_by_kind

SAFE = "VERY_UNLIKELY"
SUSPICIONS = ("adult", "spoof", "medical", "violence", "racy")
"""Unsafe markers take these in turn by id."""
LIKELIHOOD_FROM = ((0.9, "VERY_LIKELY"), (0.7, "LIKELY"), (0.5, "POSSIBLE"), (0.2, "UNLIKELY"), (0.0, SAFE))
"""Least score of each likelihood. The vendor tells no scores: where each begins is ours."""
CROP_SURENESS = 0.8


def safe_search(scene: Scene, _: int, __: Wishes) -> Json:
    found = dict.fromkeys(SUSPICIONS, SAFE)
    for kind, score in scores_by_kind(scene, len(SUSPICIONS)).items():
        found[SUSPICIONS[kind]] = next(likelihood for least, likelihood in LIKELIHOOD_FROM if score >= least)
    return {"safeSearchAnnotation": found}


def properties(scene: Scene, most: int, _: Wishes) -> Json:
    colors = []
    for swatch in swatches(scene.rgb, most):
        red, green, blue = (round(channel) for channel in swatch.rgb)
        color = {"red": red, "green": green, "blue": blue}
        colors.append({"color": color, "score": swatch.share_unit, "pixelFraction": swatch.share_unit})
    return {"imagePropertiesAnnotation": {"dominantColors": {"colors": colors}}}


def crop_hints(scene: Scene, most: int, wishes: Wishes) -> Json:
    """For each aspect ratio (default: the image's own) the largest crop, moved towards what was seen."""
    height_px, width_px = scene.rgb.shape[:2]
    ratios = wishes.aspect_ratios or (width_px / height_px,)
    return {"cropHintsAnnotation": {"cropHints": [_hint(scene, ratio) for ratio in ratios[:most]]}}


def _hint(scene: Scene, ratio: float) -> Json:
    height_px, width_px = scene.rgb.shape[:2]
    crop_width, crop_height = min(width_px, height_px * ratio), min(height_px, width_px / ratio)
    left, top, right, bottom = around([thing.sighting.box_xyxy_px for thing in scene.seen] or [(0, 0, width_px, height_px)])
    crop_left = min(max(0.0, (left + right - crop_width) / 2), width_px - crop_width)
    crop_top = min(max(0.0, (top + bottom - crop_height) / 2), height_px - crop_height)
    return {
        "boundingPoly": polygon_of((crop_left, crop_top, crop_left + crop_width, crop_top + crop_height)),
        "confidence": CROP_SURENESS,
        "importanceFraction": crop_width * crop_height / (width_px * height_px),
    }
