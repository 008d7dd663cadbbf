"""How vendors say unsafe content: every word means its category, and who cannot say it is not asked alone about it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.core.model import Detection, Feature, Inquiry
from app.core.moderation import Category, category_of, is_unsafe
from app.core.moderation_words import (
    AZURE_CATEGORIES,
    AZURE_WORDS,
    GOOGLE_CATEGORIES,
    GOOGLE_WORDS,
    REKOGNITION_CATEGORIES,
    REKOGNITION_LABELS,
    looked_for,
    word_of,
)
from app.core.names import AZURE, GOOGLE, REKOGNITION
from tests.support.moderated import speaks_against

# What is told apart by us, and not by a vendor whose word is the wider one.
WIDER = {
    (REKOGNITION, Category.TOBACCO): Category.DRUGS,
    (GOOGLE, Category.GORE): Category.VIOLENCE,
    (AZURE, Category.VIOLENCE): Category.GORE,
}


def finding(label: str) -> Detection:
    return Detection(Feature.MODERATION, label, 0.9, None)


@pytest.mark.parametrize(
    ("vendor", "words"), [(REKOGNITION, REKOGNITION_LABELS), (GOOGLE, GOOGLE_WORDS), (AZURE, AZURE_WORDS)], ids=str
)
def test_every_word_comes_back_as_its_category_or_a_wider_one(vendor: str, words: Mapping[Category, str]) -> None:
    for category, word in words.items():
        assert word_of(finding(category.value), words) == word
        assert category_of(finding(word)) is WIDER.get((vendor, category), category)


def test_what_a_vendor_cannot_say_or_nobody_knows_has_no_word() -> None:
    assert word_of(finding("gambling"), AZURE_WORDS) is None
    assert word_of(finding("Something New"), REKOGNITION_LABELS) is None


def test_what_each_front_can_say() -> None:
    assert set(GOOGLE_CATEGORIES) == {"adult", "racy", "violence", "gore", "medical", "spoof"}
    assert set(AZURE_CATEGORIES) == {"adult", "racy", "gore", "violence"}
    assert set(Category) - set(REKOGNITION_CATEGORIES) == {"medical", "spoof"}


def test_every_vendor_says_what_it_looks_for_and_all_of_it_is_known() -> None:
    assert looked_for(REKOGNITION) == set(Category) - {Category.MEDICAL, Category.SPOOF}
    assert looked_for(GOOGLE) == {Category.ADULT, Category.SPOOF, Category.MEDICAL, Category.VIOLENCE, Category.RACY}
    assert looked_for(AZURE) == {Category.ADULT, Category.RACY, Category.GORE}
    assert looked_for("") == looked_for("somebody else") == set(Category)


@pytest.mark.parametrize(
    ("categories", "unsayable", "sayable"),
    [
        (GOOGLE_CATEGORIES, "Gambling", "Violence"),
        (AZURE_CATEGORIES, "Alcohol", "Graphic Violence"),
        (REKOGNITION_CATEGORIES, "spoof", "adult"),
    ],
)
def test_what_the_answer_could_not_say_costs_its_client_nothing(
    categories: tuple[str, ...], unsayable: str, sayable: str
) -> None:
    """A sheet on which it is found is clean for him; what nobody has put into a category counts for everybody."""
    inquiry = Inquiry(Feature.MODERATION, min_score_unit=0.5, categories=categories)
    for label, counts in [(unsayable, False), (sayable, True), ("Something New", True)]:
        assert is_unsafe([finding(label)], inquiry) is counts
        assert speaks_against([finding(label)], inquiry, 0.5) is counts
