"""Image Analysis 4.0: what it takes, and what its answer has."""

from __future__ import annotations

import pytest

from app.emulators.azure.analysis40 import FEATURES, answer, charges, read, seal
from app.emulators.azure.errors import Problem, Refused
from app.emulators.azure.picture import Picture
from app.emulators.images import ImageFormat
from tests.support.seen import HEIGHT, WIDTH, face, marker, person, scene, thing

VERSION = {"api-version": "2023-10-01"}


def picture() -> Picture:
    (seen,) = scene(marker(8), person(score=0.2), thing("Cup"), face())
    return Picture(seen, seen, ImageFormat.WEBP)


@pytest.mark.parametrize("version", ["2023-10-01", "2024-02-01"])
def test_features_and_shapes_are_read(version: str) -> None:
    query = {
        "api-version": version,
        "features": "smartcrops,people",
        "smartcrops-aspect-ratios": "0.75,1.8",
        "gender-neutral-caption": "true",
        "language": "es",
        "model-version": "latest",
    }
    wishes = read(query)
    assert (wishes.features, wishes.ratios) == (("smartCrops", "people"), (0.75, 1.8))
    assert charges(wishes) == ("smartCrops", "people")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({}, Problem.NOT_FOUND),
        ({"features": "objects"}, Problem.NOT_FOUND),
        ({"api-version": "2023-02-01-preview", "features": "objects"}, Problem.NOT_FOUND),
        ({**VERSION, "model-name": "mine"}, Problem.NOT_FOUND),
        (VERSION, Problem.NO_FEATURES),
        ({**VERSION, "features": ""}, Problem.NO_FEATURES),
        ({**VERSION, "features": "objects,faces"}, Problem.FEATURE),
        ({**VERSION, "features": "tags", "language": "xx"}, Problem.LANGUAGE),
        ({**VERSION, "features": "tags,objects", "language": "es"}, Problem.LANGUAGE),
        ({**VERSION, "features": "tags", "gender-neutral-caption": "perhaps"}, Problem.ARGUMENT),
        ({**VERSION, "features": "tags", "model-version": "new"}, Problem.ARGUMENT),
        ({**VERSION, "features": "smartCrops", "smartcrops-aspect-ratios": "0.74"}, Problem.ARGUMENT),
        ({**VERSION, "features": "smartCrops", "smartcrops-aspect-ratios": "1,1.81"}, Problem.ARGUMENT),
        ({**VERSION, "features": "smartCrops", "smartcrops-aspect-ratios": "nan"}, Problem.ARGUMENT),
        ({**VERSION, "features": "smartCrops", "smartcrops-aspect-ratios": "wide"}, Problem.ARGUMENT),
    ],
)
def test_other_queries_are_refused(query: dict[str, str], problem: Problem) -> None:
    with pytest.raises(Refused) as caught:
        read(query)
    assert caught.value.problem is problem


@pytest.mark.parametrize("feature", FEATURES)
def test_the_answer_has_a_member_for_each_feature_and_no_other(feature: str) -> None:
    found = answer(picture(), read({**VERSION, "features": feature}))
    assert list(found) == [f"{feature}Result"]


def test_every_answer_has_model_version_and_size() -> None:
    assert seal({}, picture(), "id") == {"modelVersion": "2023-10-01", "metadata": {"width": WIDTH, "height": HEIGHT}}


def test_objects_have_one_tag_each_and_people_none() -> None:
    found = answer(picture(), read({**VERSION, "features": "objects,people"}))
    assert found["objectsResult"]["values"][0] == {
        "boundingBox": {"x": 40, "y": 20, "w": 100, "h": 100},
        "tags": [{"name": "Car-0008", "confidence": 0.98}],
    }
    assert [one["tags"][0]["name"] for one in found["objectsResult"]["values"]] == ["Car-0008", "cup", "person"]
    assert [one["confidence"] for one in found["peopleResult"]["values"]] == [0.98, 0.2]


def test_captions_are_told_with_and_without_places() -> None:
    found = answer(picture(), read({**VERSION, "features": "caption,denseCaptions"}))
    assert set(found["captionResult"]) == {"text", "confidence"}
    assert found["denseCaptionsResult"]["values"][0] == {
        **found["captionResult"],
        "boundingBox": {"x": 0, "y": 0, "w": WIDTH, "h": HEIGHT},
    }
