"""Categories of an image, in the vendor's taxonomy as far as it is needed, with celebrities and landmarks as their details.

In: a picture. Out: the member `categories` of 3.2. Celebrities are markers, named by their identity; landmarks are the markers
that stand for one (`meanings`).
"""

from __future__ import annotations

from app.detectors.markers import marker_label
from app.emulators.azure.geometry import face_rectangle
from app.emulators.azure.parameters import Json
from app.emulators.azure.picture import Picture
from app.emulators.azure.tags import tags_in
from app.emulators.azure.things import surest_first
from app.emulators.meanings import is_landmark
from app.emulators.scene import Seen

CELEBRITIES, LANDMARKS = "Celebrities", "Landmarks"
CATEGORY_OF_TAG = {
    "cat": "animal_cat",
    "dog": "animal_dog",
    "bird": "animal_bird",
    "animal": "animal_",
    "bicycle": "trans_bicycle",
    "bus": "trans_bus",
    "car": "trans_car",
    "transportation": "trans_",
    "food": "food_",
    "person": "people_",
    "face": "people_portrait",
    "outdoor": "outdoor_",
    "indoor": "indoor_",
    "night": "dark_",
}
"""What a tag says about the category; the other names of the taxonomy are never answered with."""
WHOLE_IMAGE_SHARE = 0.5
"""Scores of categories are lower than those of tags: there are many that an image could belong to."""
MOST_CATEGORIES = 3


def categories(picture: Picture, details: tuple[str, ...]) -> list[Json]:
    """The surest first. Details stand in the categories that they belong to, which are there if they have something to say."""
    scores: dict[str, float] = {}
    for tag in tags_in(picture.scene):
        name = CATEGORY_OF_TAG.get(tag.name)
        if name is not None:  # there is always one: every image is outdoors or indoors
            scores[name] = max(scores.get(name, 0.0), tag.confidence_unit * WHOLE_IMAGE_SHARE)
    best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:MOST_CATEGORIES]
    found = {name: _category(name, score) for name, score in best}
    if CELEBRITIES in details:
        _add(found, "people_", "celebrities", [_celebrity(face) for face in surest_first(picture.faces.markers)])
    if LANDMARKS in details:
        _add(found, "building_", "landmarks", [_landmark(marker) for marker in _landmarks(picture)])
    return list(found.values())


def _category(name: str, score: float) -> Json:
    return {"name": name, "score": score}


def _add(found: dict[str, Json], name: str, member: str, values: list[Json]) -> None:
    """Put a detail into a category, which is as sure as the surest of its values where it was not there before."""
    if values:
        category = found.setdefault(name, _category(name, values[0]["confidence"]))
        category["detail"] = {member: values}


def _celebrity(face: Seen) -> Json:
    return {
        "name": marker_label(face.marker_id or 0),
        "confidence": face.sighting.score_unit,
        "faceRectangle": face_rectangle(face.sighting.box_xyxy_px),
    }


def _landmarks(picture: Picture) -> list[Seen]:
    return surest_first([seen for seen in picture.scene.markers if seen.marker_id is not None and is_landmark(seen.marker_id)])


def _landmark(marker: Seen) -> Json:
    return {"name": f"Landmark-{marker.marker_id:04d}", "confidence": marker.sighting.score_unit}
