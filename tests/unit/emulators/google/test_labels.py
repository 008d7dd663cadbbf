"""LABEL_DETECTION and WEB_DETECTION."""

from __future__ import annotations

from app.emulators.google.labels import labels
from tests.support.google_seen import answered, wishes
from tests.support.seen import marker, scene, thing


def test_a_class_and_its_ancestors_once_each_and_no_identity() -> None:
    found = answered("LABEL_DETECTION", marker(8, score=0.9), marker(16, score=0.97), thing("Umbrella", score=0.995))
    scores = {one["description"]: one["score"] for one in found["labelAnnotations"]}
    assert {"Car": 0.97, "Vehicle": 0.97, "Umbrella": 0.995}.items() <= scores.items()
    assert not any(name.startswith("Car-") for name in scores)
    assert [one["score"] for one in found["labelAnnotations"]] == sorted(scores.values(), reverse=True)
    assert all(one["topicality"] == one["score"] and "boundingPoly" not in one for one in found["labelAnnotations"])


def test_an_empty_picture_has_labels_of_the_whole_image() -> None:
    assert [one["description"] for one in answered("LABEL_DETECTION")["labelAnnotations"]] == ["Indoors"]


def test_no_more_than_asked_for() -> None:
    (seen,) = scene(marker(8), marker(1))
    assert len(labels(seen, 2, wishes("LABEL_DETECTION"))["labelAnnotations"]) == 2


def test_the_web_has_the_same_names() -> None:
    found = answered("WEB_DETECTION", marker(8, score=0.999), most=2, languageHints=["de"])["webDetection"]
    assert [one["description"] for one in found["webEntities"]] == ["Car", "Transportation"]
    assert found["bestGuessLabels"] == [{"label": "car", "languageCode": "de"}]
