"""Unsafe content in Azure's three kinds: its own flags stay, those of others go up at the border."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.geometry import Size
from app.core.model import Detection, Feature
from app.core.moderation import Category
from app.core.moderation_words import AZURE_CATEGORIES
from app.wire.azure.moderation import write_adult

SIZE = Size(200, 100)
CLEAN = {
    "isAdultContent": False,
    "isRacyContent": False,
    "isGoryContent": False,
    "adultScore": 0.0,
    "racyScore": 0.0,
    "goreScore": 0.0,
}


def unsafe(word: str, score: float, vendor: str = "rekognition", **facts: Any) -> Detection:
    return Detection(Feature.MODERATION, word, score, None, vendor, facts)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], {}),
        ([unsafe("Explicit Nudity", 0.75)], {"isAdultContent": True, "adultScore": 0.75}),
        ([unsafe("racy", 0.5, "google", likelihood="POSSIBLE")], {"isRacyContent": True, "racyScore": 0.5}),
        ([unsafe("racy", 0.499, "google")], {"racyScore": 0.499}),
        ([unsafe("violence", 0.75, "google")], {"isGoryContent": True, "goreScore": 0.75}),
        ([unsafe("Visually Disturbing", 0.25), unsafe("Weapons", 0.125)], {"goreScore": 0.25}),
        ([unsafe("Weapons", 0.25), unsafe("Visually Disturbing", 0.75)], {"isGoryContent": True, "goreScore": 0.75}),
        ([unsafe("Blood", 0.75, parents=["Graphic Violence"])], {"isGoryContent": True, "goreScore": 0.75}),
        # What Azure has no kind for, and what nobody has put into a category.
        ([unsafe("Gambling", 0.9), unsafe("medical", 0.9, "google"), unsafe("New", 0.9)], {}),
        ([unsafe("adult", 0.75, "azure", flagged=False)], {"adultScore": 0.75}),
        ([unsafe("gore", 0.25, "azure", flagged=True)], {"isGoryContent": True, "goreScore": 0.25}),
        ([unsafe("gore", 0.75, "azure")], {"isGoryContent": True, "goreScore": 0.75}),
        ([unsafe("adult", 0.25, "google", flagged=True)], {"adultScore": 0.25}),
        ([unsafe("adult", 1.5)], {"isAdultContent": True, "adultScore": 1.0}),
    ],
)
def test_flags_and_scores(found: list[Detection], expected: dict[str, Any]) -> None:
    assert write_adult(found, SIZE) == CLEAN | expected


@pytest.mark.parametrize("category", Category)
def test_what_the_answer_has_members_for_is_what_clients_are_asked_alone_for(category: Category) -> None:
    is_said = write_adult([unsafe(category.value, 0.9)], SIZE) != CLEAN
    assert is_said == (category.value in AZURE_CATEGORIES)
