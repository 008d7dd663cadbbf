"""Tags and adult content of a whole image: what becomes a detection, and what is broken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Detection, Feature
from app.core.moderation import category_of
from app.providers.azure.trees import Frame
from app.providers.azure.whole import KINDS, adult, tags
from tests.support.azure_answers import ADULT, TAGS

FRAME = Frame(800, 400)
SAID: dict[str, Any] = ADULT["adult"]


def judged(**changes: Any) -> list[Detection | None]:
    return list(adult([SAID | changes], FRAME))


def test_each_tag_is_a_label() -> None:
    assert list(tags(TAGS["tagsResult"]["values"], FRAME)) == [
        Detection(Feature.LABELS, "outdoor", 0.9, None, "azure"),
        Detection(Feature.LABELS, "grass", 0.4, None, "azure"),
    ]


@pytest.mark.parametrize("wrong", [None, 7, "grass", {}, {"name": 7}, {"name": "grass", "confidence": "high"}])
def test_a_broken_tag_goes_and_its_neighbours_stay(wrong: Any) -> None:
    sound = {"name": "outdoor", "confidence": 0.9}
    assert [each and each.label for each in tags([sound, wrong, sound], FRAME)] == ["outdoor", None, "outdoor"]


def test_adult_content_is_three_findings_with_the_vendors_own_scores_and_conclusions() -> None:
    assert judged() == [
        Detection(Feature.MODERATION, "adult", 0.25, None, "azure", {"flagged": False}),
        Detection(Feature.MODERATION, "racy", 0.75, None, "azure", {"flagged": True}),
        Detection(Feature.MODERATION, "gore", 0.0, None, "azure", {"flagged": False}),
    ]


def test_its_words_are_ours_to_filter_by() -> None:
    assert [each and category_of(each) for each in judged()] == [label for label, _, _ in KINDS]


@pytest.mark.parametrize("score", [None, "0.1", True, [], {}])
@pytest.mark.parametrize(("place", "member"), [(0, "adultScore"), (1, "racyScore"), (2, "goreScore")])
def test_a_score_that_is_none_is_broken_and_never_zero(place: int, member: str, score: Any) -> None:
    assert [each is None for each in judged(**{member: score})] == [kind == place for kind in range(3)]


@pytest.mark.parametrize("flag", [None, 0, "false", []])
def test_a_conclusion_that_is_none_is_left_out_and_the_score_counts(flag: Any) -> None:
    first, *_ = judged(isAdultContent=flag)
    assert first == Detection(Feature.MODERATION, "adult", 0.25, None, "azure")


@pytest.mark.parametrize(("score", "score_unit"), [(0, 0.0), (1, 1.0), (1e308, 1.0), (2**80, 1.0)])
def test_scores_are_ratios(score: float, score_unit: float) -> None:
    first, *_ = judged(adultScore=score)
    assert first is not None
    assert first.score_unit == score_unit


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.lists(st.none())


@given(st.dictionaries(st.sampled_from([member for kind in KINDS for member in kind]), values))
def test_whatever_is_said_it_is_three_findings_or_broken_ones(said: dict[str, Any]) -> None:
    for (label, score_member, _), finding in zip(KINDS, adult([said], FRAME), strict=True):
        score = said.get(score_member)
        is_number = isinstance(score, int | float) and not isinstance(score, bool) and score >= 0
        assert (finding is not None) == is_number
        assert finding is None or (finding.label == label and 0.0 <= finding.score_unit <= 1.0)
