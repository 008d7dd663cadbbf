"""Image Analysis 4.0: what a query asks for, what splits lanes, what is refused, what is the vendor's own business."""

from __future__ import annotations

import pytest

from app.core.geometry import Size
from app.core.model import Feature, Inquiry, Picture
from app.wire.azure.analysis40 import PATH, ask, billed, seal
from app.wire.azure.api import Asked, Seal, check_sides
from app.wire.azure.query import Query
from app.wire.azure.refusals import Reason, Refused

VERSION = "api-version=2024-02-01"


def asked(query: str) -> Asked:
    found = ask(PATH, Query.parse(f"{VERSION}&{query}"))
    assert found is not None
    return found


def test_features_that_share_sheets() -> None:
    found = asked("features=tags,people,objects,read&language=en")
    assert found.features == ("tags", "people", "objects", "read")
    features = {"tags": Feature.LABELS, "people": Feature.PEOPLE, "objects": Feature.OBJECTS, "read": Feature.TEXT}
    assert found.inquiries == {
        name: Inquiry(feature, "{}", own_vendor="azure", own_request=f"{VERSION}&features={name}&language=en")
        for name, feature in features.items()
    }
    assert not found.pinned


def test_objects_do_not_know_the_words_of_other_languages() -> None:
    assert asked("features=tags,people&language=de").inquiries.keys() == {"people"}


@pytest.mark.parametrize(
    ("query", "name", "parameters"),
    [
        ("features=objects", "objects", "{}"),
        ("features=objects&model-version=latest", "objects", "{}"),
        ("features=objects&model-version=2023-10-01", "objects", '{"model-version":"2023-10-01"}'),
        ("features=read&language=de", "read", '{"language":"de"}'),
        ("features=people&language=de", "people", "{}"),
        ("features=tags&model-version=2023-10-01", "tags", '{"model-version":"2023-10-01"}'),
        ("features=read&language=de&model-version=2023-10-01", "read", '{"language":"de","model-version":"2023-10-01"}'),
        ("features=objects&gender-neutral-caption=true&smartcrops-aspect-ratios=0.9", "objects", "{}"),
    ],
)
def test_what_changes_the_inference_splits_lanes(query: str, name: str, parameters: str) -> None:
    assert asked(query).inquiries[name].parameters == parameters


def test_own_words_hold_no_key_and_nothing_of_other_features() -> None:
    """And whatever a newer SDK may say."""
    found = asked("features=objects,caption&subscription-key=secret&gender-neutral-caption=true&new-thing=1")
    assert found.inquiries["objects"].own_request == f"{VERSION}&features=objects&new-thing=1"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", Reason.NO_FEATURES),
        ("features=objects,cats", Reason.FEATURE),
        ("features=objects&language=de", Reason.LANGUAGE),
        ("features=tags&language=klingon", Reason.LANGUAGE),
        ("features=objects&model-version=new", Reason.ARGUMENT),
        ("features=caption&gender-neutral-caption=yes", Reason.ARGUMENT),
        ("features=smartCrops&smartcrops-aspect-ratios=0.5", Reason.ARGUMENT),
        ("features=smartCrops&smartcrops-aspect-ratios=wide", Reason.ARGUMENT),
    ],
)
def test_refused(query: str, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        asked(query)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (PATH, "features=objects"),
        (PATH, "api-version=2023-04-01-preview&features=objects"),
        (PATH, f"{VERSION}&features=objects&model-name=mine"),
        ("/computervision/models", VERSION),
    ],
)
def test_the_vendors_own_business(path: str, query: str) -> None:
    assert ask(path, Query.parse(query)) is None


def test_what_is_charged_for() -> None:
    assert billed(PATH, Query.parse("features=tags, caption,")) == {"tags", "caption"}
    assert billed("/computervision/models", Query.parse("features=tags")) == frozenset()


def test_every_answer_has_model_and_size_of_the_upright_image() -> None:
    known = Seal(Picture("jpeg", Size(400, 300), orientation=6), None, "request-1")
    assert seal({"a": 1}, known) == {"a": 1, "modelVersion": "2023-10-01", "metadata": {"width": 300, "height": 400}}


@pytest.mark.parametrize(("width", "height", "allowed"), [(50, 16_000, True), (49, 100, False), (100, 16_001, False)])
def test_sides(width: int, height: int, allowed: bool) -> None:
    picture = Picture("jpeg", Size(width, height))
    if allowed:
        check_sides(picture)
        return
    with pytest.raises(Refused) as caught:
        check_sides(picture)
    assert caught.value.reason is Reason.IMAGE_SIDES
