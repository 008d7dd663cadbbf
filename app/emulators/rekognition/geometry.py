"""How Rekognition writes geometry: ratios of the image, boxes with Left, Top, Width and Height.

In: a scene and places in its pixels. Out: JSON. Called by every operation.
"""

from __future__ import annotations

from app.emulators.rekognition.parameters import Json
from app.emulators.scene import Point, Scene, Seen


def bounding_box(scene: Scene, thing: Seen) -> Json:
    """The vendor's BoundingBox of a thing."""
    left, top, right, bottom = thing.sighting.box_xyxy_px
    return box_of(scene, (left, top), (right, bottom))


def box_of(scene: Scene, first: Point, second: Point) -> Json:
    """The BoundingBox around two corners."""
    (left, right), (top, bottom) = sorted((first[0], second[0])), sorted((first[1], second[1]))
    height_px, width_px = scene.rgb.shape[:2]
    return {
        "Width": (right - left) / width_px,
        "Height": (bottom - top) / height_px,
        "Left": left / width_px,
        "Top": top / height_px,
    }


def point(scene: Scene, place: Point) -> Json:
    """The vendor's Point."""
    return {"X": place[0] / scene.rgb.shape[1], "Y": place[1] / scene.rgb.shape[0]}
