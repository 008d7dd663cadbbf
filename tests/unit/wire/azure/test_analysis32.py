"""Version 3.2: what a query asks for, what is refused, what is the vendor's own business."""

from __future__ import annotations

import pytest

from app.core.geometry import Size
from app.core.model import Feature, Inquiry, Picture
from app.wire.azure.analysis32 import ANALYZE_PATH, DETECT_PATH, ask, billed, seal
from app.wire.azure.api import Asked, Seal
from app.wire.azure.query import Query
from app.wire.azure.refusals import Reason, Refused


def asked(query: str, path: str = ANALYZE_PATH) -> Asked:
    found = ask(path, Query.parse(query))
    assert found is not None
    return found


def test_features_that_share_sheets() -> None:
    found = asked("visualFeatures=Adult,objects,FACES,Brands&details=Landmarks&language=es")
    assert (found.operation, found.features, found.details) == (
        "v3.2/analyze",
        ("Adult", "Objects", "Faces", "Brands"),
        ("Landmarks",),
    )
    assert found.inquiries == {
        "Adult": Inquiry(Feature.MODERATION, min_score_unit=0.5, categories=("adult", "racy", "gore", "violence")),
        "Objects": Inquiry(Feature.OBJECTS),
        "Faces": Inquiry(Feature.FACES),
        "Brands": Inquiry(Feature.LOGOS),
    }


def test_tags_can_be_made_of_objects_in_english() -> None:
    for language in ("", "&language=en"):
        assert asked(f"visualFeatures=Tags,Color{language}").inquiries == {"Tags": Inquiry(Feature.LABELS)}
    found = asked("visualFeatures=Tags,Adult&language=de")
    assert (found.features, set(found.inquiries)) == (("Tags", "Adult"), {"Adult"})


@pytest.mark.parametrize(
    ("query", "features", "details"),
    [("", ("Categories",), ()), ("details=Celebrities", (), ("Celebrities",)), ("visualFeatures=Tags", ("Tags",), ())],
)
def test_without_features_it_is_the_categories(query: str, features: tuple[str, ...], details: tuple[str, ...]) -> None:
    assert (asked(query).features, asked(query).details) == (features, details)


def test_detect_is_objects() -> None:
    found = asked("model-version=2021-04-01", DETECT_PATH)
    assert (found.operation, found.features, found.pinned) == ("v3.2/detect", ("Objects",), True)
    assert not asked("model-version=latest", DETECT_PATH).pinned


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("visualFeatures=Hats", Reason.FEATURE),
        ("visualFeatures=Objects&details=Hats", Reason.DETAILS),
        ("visualFeatures=Objects&language=xx", Reason.LANGUAGE),
        ("visualFeatures=Objects&model-version=x", Reason.ARGUMENT),
    ],
)
def test_refused(query: str, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        asked(query)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("path", "query", "names"),
    [
        ("/vision/v3.2/tag", "", {"Tags"}),
        ("/vision/v3.2/describe", "visualFeatures=Adult", {"Description"}),
        ("/vision/v3.1/analyze", "visualFeatures=Adult,Color&details=Landmarks", {"Adult", "Color", "Landmarks"}),
        ("/vision/v2.1/analyze", "", {"Categories"}),
        ("/vision/v3.2/read/analyze", "", {"read"}),
        ("/vision/v3.2/generateThumbnail", "", {"thumbnail"}),
        ("/vision/v3.2/read/analyzeResults/7", "", set()),
        ("/vision/v3.2/models", "", set()),
        ("/vision/", "", set()),
    ],
)
def test_the_vendors_own_business_and_what_is_charged_for(path: str, query: str, names: set[str]) -> None:
    assert ask(path, Query.parse(query)) is None
    assert billed(path, Query.parse(query)) == names


def test_every_answer_has_request_model_and_image() -> None:
    known = Seal(Picture("png", Size(400, 300)), "2023-10-01", "request-1")
    assert seal({"objects": []}, known) == {
        "objects": [],
        "requestId": "request-1",
        "metadata": {"height": 300, "width": 400, "format": "Png"},
        "modelVersion": "2023-10-01",
    }
