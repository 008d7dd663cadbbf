"""What may be asked of an image, and what may not."""

from __future__ import annotations

from typing import Any

import pytest

from app.emulators.google.asked import MOST_IMAGES, AskedImage, Feature, Wishes, check_count, wishes_of
from app.emulators.google.errors import Code, ServiceError


def asked(told: dict[str, Any], content: bytes = b"x", uri: str = "") -> Wishes:
    return wishes_of(AskedImage(content, uri, told))


def refused(told: dict[str, Any], content: bytes = b"x") -> str:
    with pytest.raises(ServiceError) as caught:
        asked(told, content)
    assert caught.value.code is Code.INVALID_ARGUMENT
    return caught.value.message


LABELS = {"features": [{"type": "LABEL_DETECTION"}]}


@pytest.mark.parametrize(("count", "fits"), [(0, True), (MOST_IMAGES, True), (MOST_IMAGES + 1, False)])
def test_images_of_a_call_are_counted(count: int, fits: bool) -> None:
    images = tuple(AskedImage(b"x") for _ in range(count))
    if fits:
        check_count(images)
    else:
        with pytest.raises(ServiceError, match=r"Too many images per request\."):
            check_count(images)


def test_features_come_with_their_number_of_results() -> None:
    features = [
        {"type": "LABEL_DETECTION"},
        {"type": "FACE_DETECTION", "maxResults": 3},
        {"type": "FACE_DETECTION", "maxResults": 5},
        {"type": "LOGO_DETECTION", "maxResults": 5000},
    ]
    wishes = asked({"features": features})
    assert wishes.results == {Feature.LABEL_DETECTION: 10, Feature.FACE_DETECTION: 5, Feature.LOGO_DETECTION: 100}
    assert (wishes.language, wishes.aspect_ratios) == ("en", ())


def test_the_context_is_read() -> None:
    context = {"languageHints": ["de", "fr"], "cropHintsParams": {"aspectRatios": [1.0, 0.5]}}
    wishes = asked(LABELS | {"imageContext": context}, b"", "gs://b/k")
    assert (wishes.language, wishes.aspect_ratios) == ("de", (1.0, 0.5))


@pytest.mark.parametrize(("told", "content"), [({}, b"x"), ({"features": []}, b"x"), (LABELS, b"")])
def test_image_and_features_must_be_there(told: dict[str, Any], content: bytes) -> None:
    assert "must specify image and features" in refused(told, content)


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"features": [{}]}, "feature type: 0"),
        ({"features": [{"type": 99}]}, "feature type: 99"),
        ({"features": [{"type": "PRODUCT_SEARCH"}]}, "product set"),
        ({"features": [{"type": "LABEL_DETECTION", "maxResults": -1}]}, "maxResults"),
        (LABELS | {"imageContext": {"cropHintsParams": {"aspectRatios": [0.0]}}}, "Aspect ratios"),
        (LABELS | {"imageContext": {"cropHintsParams": {"aspectRatios": [1.0] * 17}}}, "Aspect ratios"),
    ],
)
def test_what_cannot_be_answered_is_refused(told: dict[str, Any], word: str) -> None:
    assert word in refused(told)
