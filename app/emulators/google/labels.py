"""LABEL_DETECTION and WEB_DETECTION: names without geometry, for the whole image.

A marker gives its class and the class's ancestors (its identity stays with the boxes); everything else its own name; the
image as a whole one or two labels by a rule of thumb about its colours. Web detection answers with the same names: nothing is
searched.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.emulators.google.asked import Wishes
from app.emulators.google.catalogue import mid_of
from app.emulators.google.errors import Json
from app.emulators.scene import Scene
from app.emulators.scenery import scenery


def labels(scene: Scene, most: int, _: Wishes) -> Json:
    return {
        "labelAnnotations": [
            {"mid": mid_of(name), "description": name, "score": sureness, "topicality": sureness}
            for name, sureness in _surest(scene, most)
        ]
    }


def web(scene: Scene, most: int, wishes: Wishes) -> Json:
    found = _surest(scene, most)
    entities = [{"entityId": mid_of(name), "description": name, "score": sureness} for name, sureness in found]
    guesses = [{"label": name.lower(), "languageCode": wishes.language} for name, _ in found[:1]]
    return {"webDetection": {"webEntities": entities, "bestGuessLabels": guesses}}


def _surest(scene: Scene, most: int) -> list[tuple[str, float]]:
    """Each name once, as sure as the surest thing of it."""
    found: dict[str, float] = {}
    for name, sureness in _mentions(scene):
        found[name] = max(found.get(name, 0.0), sureness)
    return sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))[:most]


def _mentions(scene: Scene) -> Iterator[tuple[str, float]]:
    for thing in scene.seen:
        own = () if thing.marker_id is not None else (thing.sighting.label,)
        for name in (*own, *thing.sighting.parents):
            yield name, thing.sighting.score_unit
    for whole_image in scenery(scene.rgb):
        for name in (whole_image.name, *whole_image.parents):
            yield name, whole_image.percent / 100
