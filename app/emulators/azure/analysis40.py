"""Image Analysis 4.0: one operation, whose answer has a member for each feature that was asked for.

In: the query, a picture. Out: JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.emulators.azure.captions import MOST_DENSE, Caption, candidates, dense
from app.emulators.azure.crops import crops
from app.emulators.azure.errors import Problem, Refused
from app.emulators.azure.geometry import rectangle
from app.emulators.azure.parameters import Json, Query, check_model_version, language, truth, words
from app.emulators.azure.picture import Picture
from app.emulators.azure.reading import read_result
from app.emulators.azure.tags import tags_in
from app.emulators.azure.things import name_of, objects_in, people_in
from app.emulators.scene import Scene

API_VERSIONS = ("2023-10-01", "2024-02-01")
MODEL_VERSION = "2023-10-01"
LEAST_RATIO, MOST_RATIO = 0.75, 1.8
ENGLISH = "en"
OBJECTS, SMART_CROPS = "objects", "smartCrops"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The features in the caller's order, and the shapes of the crops."""

    features: tuple[str, ...]
    ratios: tuple[float, ...]


def read(query: Query) -> Wishes:
    """An api-version that is not served and a custom model (there are none) are simply not found."""
    if query.get("api-version") not in API_VERSIONS or query.get("model-name"):
        raise Refused(Problem.NOT_FOUND)
    features = words(query, "features", FEATURES, Problem.FEATURE)
    if not features:
        raise Refused(Problem.NO_FEATURES)
    if language(query) != ENGLISH and OBJECTS in features:
        raise Refused(Problem.LANGUAGE)  # objects have names in English only
    truth(query, "gender-neutral-caption", False)  # changes nothing: the captions here are always neutral
    check_model_version(query)
    return Wishes(features, _ratios(query))


def _ratios(query: Query) -> tuple[float, ...]:
    texts = [text for text in query.get("smartcrops-aspect-ratios", "").split(",") if text.strip()]
    try:
        ratios = tuple(float(text) for text in texts)
    except ValueError as error:
        raise Refused(Problem.ARGUMENT, "'smartcrops-aspect-ratios' is not a list of numbers") from error
    if not all(LEAST_RATIO <= ratio <= MOST_RATIO for ratio in ratios):
        allowed = f"[{LEAST_RATIO} to {MOST_RATIO}]"
        raise Refused(Problem.ARGUMENT, f"'smartcrops-aspect-ratios' aspect ratio is not in allowed range {allowed}")
    return ratios


def charges(wishes: Wishes) -> tuple[str, ...]:
    """Each feature is a transaction (the vendor's pages leave that open; it is what people report)."""
    return wishes.features


def answer(picture: Picture, wishes: Wishes) -> Json:
    scene = picture.scene
    found = {member: make(scene) for feature in wishes.features for member, make in MEMBERS.get(feature, {}).items()}
    if SMART_CROPS in wishes.features:
        found["smartCropsResult"] = {"values": crops(scene, wishes.ratios)}
    return found


def seal(body: Json, picture: Picture, _request_id: str) -> Json:
    """What every answer has."""
    width_px, height_px = picture.size_wh_px
    return {"modelVersion": MODEL_VERSION, **body, "metadata": {"width": width_px, "height": height_px}}


def _tags(scene: Scene) -> Json:
    return {"values": [{"name": tag.name, "confidence": tag.confidence_unit} for tag in tags_in(scene)]}


def _caption(scene: Scene) -> Json:
    return _sentence(candidates(scene, 1)[0])


def _sentence(caption: Caption) -> Json:
    return {"text": caption.text, "confidence": caption.confidence_unit}


def _dense_captions(scene: Scene) -> Json:
    found = dense(scene)[:MOST_DENSE]
    return {"values": [{**_sentence(caption), "boundingBox": rectangle(caption.box_xyxy_px)} for caption in found]}


def _objects(scene: Scene) -> Json:
    return {
        "values": [
            {
                "boundingBox": rectangle(thing.sighting.box_xyxy_px),
                "tags": [{"name": name_of(thing.sighting.label), "confidence": thing.sighting.score_unit}],
            }
            for thing in objects_in(scene)
        ]
    }


def _people(scene: Scene) -> Json:
    return {
        "values": [
            {"boundingBox": rectangle(person.sighting.box_xyxy_px), "confidence": person.sighting.score_unit}
            for person in people_in(scene)
        ]
    }


MEMBERS: Mapping[str, Mapping[str, Callable[[Scene], Json]]] = MappingProxyType(
    {
        "tags": {"tagsResult": _tags},
        "caption": {"captionResult": _caption},
        "denseCaptions": {"denseCaptionsResult": _dense_captions},
        OBJECTS: {"objectsResult": _objects},
        "read": {"readResult": read_result},
        "people": {"peopleResult": _people},
    }
)
FEATURES = (*MEMBERS, SMART_CROPS)
