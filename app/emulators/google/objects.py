"""OBJECT_LOCALIZATION: everything that has a box and is no face, the surest first. Markers go by their identity."""

from __future__ import annotations

from app.emulators.google.asked import Wishes
from app.emulators.google.catalogue import mid_of
from app.emulators.google.errors import Json
from app.emulators.google.geometry import normalized_polygon
from app.emulators.scene import Scene, Seen


def answer(scene: Scene, most: int, _: Wishes) -> Json:
    things = [thing for thing in scene.seen if thing.sighting.kind != "face"]
    things.sort(key=lambda thing: -thing.sighting.score_unit)
    return {"localizedObjectAnnotations": [_annotation(scene, thing) for thing in things[:most]]}


def _annotation(scene: Scene, thing: Seen) -> Json:
    return {
        "mid": mid_of(thing.sighting.label),
        "name": thing.sighting.label,
        "score": thing.sighting.score_unit,
        "boundingPoly": normalized_polygon(scene, thing.sighting.box_xyxy_px),
    }
