"""Words about the whole image: what was seen, its classes and ancestors, and a rule of thumb about the scenery.

In: a scene. Out: names with confidences, the surest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.emulators.azure.things import names_of
from app.emulators.scene import Scene
from app.emulators.scenery import scenery

PLACES = {"Outdoors": "outdoor", "Indoors": "indoor"}
"""The vendor's words for these."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A word that fits the image."""

    name: str
    confidence_unit: float


def tags_in(scene: Scene) -> list[Tag]:
    """Each word once, as sure as the surest thing that it fits."""
    best: dict[str, float] = {}
    for name, confidence_unit in _mentions(scene):
        best[name] = max(best.get(name, 0.0), confidence_unit)
    return sorted((Tag(*item) for item in best.items()), key=lambda tag: (-tag.confidence_unit, tag.name))


def _mentions(scene: Scene) -> Iterator[tuple[str, float]]:
    for thing in scene.seen:
        for name in names_of(thing):
            yield name, thing.sighting.score_unit
    for place in scenery(scene.rgb):
        for word in (place.name, *place.parents):
            yield PLACES.get(word, word.lower()), place.percent / 100
