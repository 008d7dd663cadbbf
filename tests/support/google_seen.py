"""What the emulated Google Cloud Vision answers to a scene made by hand, after it passed through the vendor's own types."""

from __future__ import annotations

from typing import Any

from app.detectors.contract import Sighting
from app.emulators.google.asked import AskedImage, Feature, Wishes, wishes_of
from app.emulators.google.features import ANSWERING
from app.emulators.google.messages import as_tree, image_answer
from tests.support.marker_scenes import Pixels
from tests.support.seen import scene


def wishes(*features: str, most: int = 0, **context: Any) -> Wishes:
    told = {"features": [{"type": name, "maxResults": most} for name in features], "imageContext": context}
    return wishes_of(AskedImage(b"x", "", told))


def answered(feature: str, *sightings: Sighting, most: int = 0, rgb: Pixels | None = None, **context: Any) -> Any:
    """The answer to one feature. An answer with a member that the vendor does not have is an error."""
    (seen,) = scene(*sightings, rgb=rgb)
    wanted = wishes(feature, most=most, **context)
    tree = ANSWERING[Feature(feature)].answer(seen, wanted.results[Feature(feature)], wanted)
    return as_tree(image_answer(tree))


def box_of(polygon: Any) -> tuple[float, ...]:
    """left, top, right, bottom of a BoundingPoly whose vertices run clockwise from the top left; zeros are left out there."""
    vertices = polygon.get("vertices") or polygon["normalizedVertices"]
    first, third = vertices[0], vertices[2]
    return (first.get("x", 0), first.get("y", 0), third.get("x", 0), third.get("y", 0))
