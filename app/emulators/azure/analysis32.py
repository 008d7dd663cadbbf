"""Image Analysis 3.2: `/analyze` with its visual features, and the same features with addresses of their own.

In: the query, a picture. Out: JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.emulators.azure.adult import adult
from app.emulators.azure.captions import candidates
from app.emulators.azure.categories import CELEBRITIES, LANDMARKS, categories
from app.emulators.azure.colors import color
from app.emulators.azure.errors import Problem
from app.emulators.azure.geometry import face_rectangle, rectangle
from app.emulators.azure.image_type import image_type
from app.emulators.azure.parameters import Json, Query, check_model_version, language, whole, words
from app.emulators.azure.picture import Picture
from app.emulators.azure.tags import tags_in
from app.emulators.azure.things import brand_name, brands_in, names_of, objects_in
from app.emulators.faces import faces_in
from app.emulators.scene import Scene, Seen

MODEL_VERSION = "2021-05-01"
CATEGORIES, DESCRIPTION, FACES, OBJECTS, TAGS = "Categories", "Description", "Faces", "Objects", "Tags"
DETAILS = (CELEBRITIES, LANDMARKS)
MOST_FACES = 64
"""The vendor's old pages speak of so many; the present ones name no limit."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The features and details in the caller's order, and how many captions."""

    features: tuple[str, ...]
    details: tuple[str, ...] = ()
    most_captions: int = 1


def read(query: Query) -> Wishes:
    """`/analyze`. Without any feature and detail it answers with the categories."""
    features = words(query, "visualFeatures", FEATURES, Problem.FEATURE)
    details = words(query, "details", DETAILS, Problem.DETAILS)
    language(query)
    check_model_version(query)
    return Wishes(features if features or details else (CATEGORIES,), details)


def read_detect(query: Query) -> Wishes:
    check_model_version(query)
    return Wishes((OBJECTS,))


def read_tag(query: Query) -> Wishes:
    language(query)
    check_model_version(query)
    return Wishes((TAGS,))


def read_describe(query: Query) -> Wishes:
    language(query)
    check_model_version(query)
    return Wishes((DESCRIPTION,), most_captions=whole(query, "maxCandidates", 1))


def charges(wishes: Wishes) -> tuple[str, ...]:
    """Each feature and each detail is a transaction; they are counted by the names of their members."""
    return tuple(_member(name) for name in (*wishes.features, *wishes.details))


def about_faces(wishes: Wishes) -> bool:
    return FACES in wishes.features or CELEBRITIES in wishes.details


def answer(picture: Picture, wishes: Wishes) -> Json:
    """Details stand in the categories, which are there for their sake even where nobody asked for categories."""
    found = {_member(name): make(picture.scene) for name, make in BY_SCENE.items() if name in wishes.features}
    if CATEGORIES in wishes.features or wishes.details:
        found["categories"] = categories(picture, wishes.details)
    if DESCRIPTION in wishes.features:
        found["description"] = _description(picture.scene, wishes.most_captions)
    if FACES in wishes.features:
        found["faces"] = [_face(face) for face in faces_in(picture.faces, MOST_FACES)]
    return found


def seal(body: Json, picture: Picture, request_id: str) -> Json:
    """What every answer has, `/ocr` and `/read` excepted."""
    width_px, height_px = picture.size_wh_px
    metadata = {"height": height_px, "width": width_px, "format": picture.format.value.capitalize()}
    return {**body, "requestId": request_id, "metadata": metadata, "modelVersion": MODEL_VERSION}


def _member(feature: str) -> str:
    return feature[0].lower() + feature[1:]


def _objects(scene: Scene) -> list[Json]:
    return [
        {"rectangle": rectangle(thing.sighting.box_xyxy_px), **_chain(thing, names_of(thing))} for thing in objects_in(scene)
    ]


def _chain(thing: Seen, names: list[str]) -> Json:
    """The first name with those above it as its parents."""
    link = {"object": names[0], "confidence": thing.sighting.score_unit}
    return {**link, "parent": _chain(thing, names[1:])} if names[1:] else link


def _brands(scene: Scene) -> list[Json]:
    return [
        {
            "name": brand_name(brand),
            "confidence": brand.sighting.score_unit,
            "rectangle": rectangle(brand.sighting.box_xyxy_px),
        }
        for brand in brands_in(scene)
    ]


def _tags(scene: Scene) -> list[Json]:
    return [{"name": tag.name, "confidence": tag.confidence_unit} for tag in tags_in(scene)]


def _description(scene: Scene, most: int) -> Json:
    captions = [{"text": caption.text, "confidence": caption.confidence_unit} for caption in candidates(scene, most)]
    return {"tags": [tag.name for tag in tags_in(scene)], "captions": captions}


def _face(face: Seen) -> Json:
    return {"faceRectangle": face_rectangle(face.sighting.box_xyxy_px)}


BY_SCENE: Mapping[str, Callable[[Scene], object]] = MappingProxyType(
    {
        "Adult": adult,
        "Brands": _brands,
        "Color": color,
        "ImageType": lambda scene: image_type(scene.rgb),
        OBJECTS: _objects,
        TAGS: _tags,
    }
)
"""Features that need nothing but what was seen."""
FEATURES = (*BY_SCENE, CATEGORIES, DESCRIPTION, FACES)
