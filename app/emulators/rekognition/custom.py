"""DetectCustomLabels: a detection model (identity labels with boxes), or a classification model without boxes.

Which one it is, the model's ARN says: `/classifier/` in it (a project of that name) is a classification model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.emulators.rekognition.errors import invalid_parameter
from app.emulators.rekognition.geometry import bounding_box
from app.emulators.rekognition.parameters import Json, percent, required_text, whole
from app.emulators.scene import Scene, Seen

TRAINED_THRESHOLD = 50.0
"""Stands for the threshold that the vendor finds for each label while it trains; used where MinConfidence is absent."""
ARN = re.compile(r"arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project/[\w.\-]{1,255}/version/[\w.\-]{1,255}/\d+", re.ASCII)
CLASSIFIER_MARK = "/classifier/"
MOST_RESULTS = 1000


@dataclass(frozen=True, slots=True)
class CustomRequest:
    """What a DetectCustomLabels request asks for."""

    classifier: bool
    min_confidence: float
    max_results: int


def read(body: Json) -> CustomRequest:
    arn = required_text(body, "ProjectVersionArn")
    if not ARN.fullmatch(arn):
        raise invalid_parameter("ProjectVersionArn is not the ARN of a model version")
    return CustomRequest(
        CLASSIFIER_MARK in arn,
        percent(body, "MinConfidence", TRAINED_THRESHOLD),
        whole(body, "MaxResults", MOST_RESULTS),
    )


def answer(scenes: tuple[Scene, ...], request: CustomRequest) -> Json:
    (scene,) = scenes
    things = sorted((thing for thing in scene.seen if thing.sighting.kind != "face"), key=lambda thing: -thing.percent)
    labels = (
        [_whole_image(thing) for thing in _best_per_class(things)]
        if request.classifier
        else [_with_box(scene, thing) for thing in things]
    )
    wanted = [label for label in labels if label["Confidence"] >= request.min_confidence]
    return {"CustomLabels": wanted[: request.max_results]}


def _with_box(scene: Scene, thing: Seen) -> Json:
    return {"Name": thing.sighting.label, "Confidence": thing.percent, "Geometry": {"BoundingBox": bounding_box(scene, thing)}}


def _whole_image(thing: Seen) -> Json:
    return {"Name": _class_of(thing), "Confidence": thing.percent}


def _best_per_class(things: list[Seen]) -> list[Seen]:
    """The first of each class."""
    firsts: dict[str, Seen] = {}
    for thing in things:
        firsts.setdefault(_class_of(thing), thing)
    return list(firsts.values())


def _class_of(thing: Seen) -> str:
    """A marker's class, and the label of anything else."""
    return thing.sighting.label if thing.marker_id is None else thing.sighting.parents[0]
