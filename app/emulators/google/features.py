"""The table of features: who answers, and through which eyes.

In: a view of an image, and wishes. Out: the JSON tree of an AnnotateImageResponse. Called by `service`, in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.emulators.google import faces, labels, objects, places, text, whole
from app.emulators.google.asked import Feature, Wishes
from app.emulators.google.errors import Json
from app.emulators.looking import View
from app.emulators.scene import Scene


@dataclass(frozen=True, slots=True)
class Answering:
    """`answer` takes a scene, the most results, and all wishes."""

    answer: Callable[[Scene, int, Wishes], Json]
    about_faces: bool = False


ANSWERING: Mapping[Feature, Answering] = {
    Feature.FACE_DETECTION: Answering(faces.answer, about_faces=True),
    Feature.LANDMARK_DETECTION: Answering(places.landmarks),
    Feature.LOGO_DETECTION: Answering(places.logos),
    Feature.LABEL_DETECTION: Answering(labels.labels),
    Feature.TEXT_DETECTION: Answering(text.sparse),
    Feature.DOCUMENT_TEXT_DETECTION: Answering(text.dense),
    Feature.SAFE_SEARCH_DETECTION: Answering(whole.safe_search),
    Feature.IMAGE_PROPERTIES: Answering(whole.properties),
    Feature.CROP_HINTS: Answering(whole.crop_hints),
    Feature.WEB_DETECTION: Answering(labels.web),
    Feature.OBJECT_LOCALIZATION: Answering(objects.answer),
}
"""All but product search, which `asked` refuses."""


def annotate(view: View, wishes: Wishes) -> Json:
    """Everything that is wanted of one image. Raises `RefusedImageError`."""
    found: Json = {}
    for feature in _applied(wishes):
        answering = ANSWERING[feature]
        scene = view.faces if answering.about_faces else view.objects
        found |= answering.answer(scene, wishes.results[feature], wishes)
    return found


def _applied(wishes: Wishes) -> list[Feature]:
    """Of the two kinds of text detection, which write the same fields, the dense one takes precedence."""
    dense = Feature.DOCUMENT_TEXT_DETECTION in wishes.results
    return [feature for feature in wishes.results if not (dense and feature is Feature.TEXT_DETECTION)]
