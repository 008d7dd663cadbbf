"""Smart crops: the largest part of the image with a given shape, moved to where the things are.

In: a scene and aspect ratios. Out: JSON.
"""

from __future__ import annotations

from app.emulators.azure.geometry import Box, Point, rectangle
from app.emulators.azure.parameters import Json
from app.emulators.scene import Scene

LEAST_OWN_RATIO, MOST_OWN_RATIO = 0.5, 2.0
"""Limits of the ratio that the service chooses where none is asked for: here the image's own, within these."""
RATIO_DIGITS = 2


def crops(scene: Scene, ratios: tuple[float, ...]) -> list[Json]:
    """One crop per ratio, in their order."""
    height_px, width_px = scene.rgb.shape[:2]
    own = round(min(MOST_OWN_RATIO, max(LEAST_OWN_RATIO, width_px / height_px)), RATIO_DIGITS)
    return [{"aspectRatio": ratio, "boundingBox": rectangle(_crop(scene, ratio))} for ratio in ratios or (own,)]


def _crop(scene: Scene, ratio: float) -> Box:
    height_px, width_px = scene.rgb.shape[:2]
    crop_width, crop_height = min(width_px, height_px * ratio), min(height_px, width_px / ratio)
    x, y = _interest(scene)
    left = min(max(0.0, x - crop_width / 2), width_px - crop_width)
    top = min(max(0.0, y - crop_height / 2), height_px - crop_height)
    return (left, top, left + crop_width, top + crop_height)


def _interest(scene: Scene) -> Point:
    """The centre of all things, each with the weight of its area; the image's own where nothing was seen."""
    height_px, width_px = scene.rgb.shape[:2]
    weight = sum(thing.area_px for thing in scene.seen)
    if not weight:
        return (width_px / 2, height_px / 2)
    centres = [(thing.place(0.5, 0.5), thing.area_px) for thing in scene.seen]
    return (sum(x * area for (x, _), area in centres) / weight, sum(y * area for (_, y), area in centres) / weight)
