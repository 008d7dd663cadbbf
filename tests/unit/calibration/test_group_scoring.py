"""Sensitivity and specificity of groups against plain counting, and the margin that follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.group_scoring import (
    MARGINS,
    THRESHOLDS,
    Chosen,
    SeenSheet,
    Share,
    choose_margin,
    is_flagged,
    largest_advised,
    provider_finds,
    sensitivity,
    specificity,
)
from app.core.model import Detection, Feature, Inquiry
from tests.support.moderated import speaks_against

NAMES = tuple("abcdef")
SCORES = st.integers(0, 100).map(lambda percent: percent / 100)
ALONE = st.fixed_dictionaries(dict.fromkeys(NAMES, SCORES))
SHEETS = st.lists(st.builds(SeenSheet, SCORES, st.one_of(st.none(), st.sampled_from(NAMES))), max_size=12)
LEVELS, ALL_MARGINS = st.sampled_from(THRESHOLDS), st.sampled_from(MARGINS)


@given(SCORES, LEVELS, ALL_MARGINS)
def test_a_score_counts_as_it_does_when_serving(score_unit: float, level: float, margin: float) -> None:
    finding = Detection(Feature.MODERATION, "adult", score_unit, None)
    inquiry = Inquiry(Feature.MODERATION, min_score_unit=level)
    assert is_flagged(score_unit, level, margin) == speaks_against([finding], inquiry, margin)


@given(SHEETS, ALONE, LEVELS, ALL_MARGINS)
def test_shares_are_those_of_plain_counting(
    sheets: list[SeenSheet], alone: dict[str, float], level: float, margin: float
) -> None:
    found = due = kept = clean = 0
    for sheet in sheets:
        is_hot = sheet.score_unit >= level * (1 - margin)
        if sheet.unsafe is None:
            clean += 1
            kept += not is_hot
        elif alone[sheet.unsafe] >= level:
            due += 1
            found += is_hot
    assert sensitivity(sheets, alone, level, margin) == Share(found, due)
    assert specificity(sheets, level, margin) == Share(kept, clean)


@given(SHEETS, ALONE, st.sampled_from((0.5, 0.9, 0.99, 1.0)))
def test_the_margin_is_the_smallest_that_is_enough_at_every_threshold(
    sheets: list[SeenSheet], alone: dict[str, float], goal: float
) -> None:
    chosen = choose_margin(sheets, alone, goal)
    levels = [level for level in THRESHOLDS if sensitivity(sheets, alone, level, 0.0).of]
    if chosen is None:
        assert not levels
        return

    def enough(margin: float) -> bool:
        return all((share := sensitivity(sheets, alone, level, margin)).hits >= goal * share.of for level in levels)

    assert enough(chosen.margin) == chosen.is_enough
    assert not any(enough(margin) for margin in MARGINS if margin < chosen.margin)
    assert chosen.is_enough or chosen.margin == MARGINS[-1]


@given(SHEETS, ALONE, LEVELS)
def test_a_wider_margin_finds_no_less_and_is_alarmed_no_less(
    sheets: list[SeenSheet], alone: dict[str, float], level: float
) -> None:
    found = [sensitivity(sheets, alone, level, margin).hits for margin in MARGINS]
    kept = [specificity(sheets, level, margin).hits for margin in MARGINS]
    assert found == sorted(found)
    assert kept == sorted(kept, reverse=True)


def test_what_the_provider_finds_is_by_peoples_judgement() -> None:
    alone = {"a": 0.9, "b": 0.4, "c": 0.6, "d": 0.1, "e": 0.0}
    assert provider_finds(alone, {"a", "b"}, 0.5) == (Share(1, 2), Share(2, 3))


def test_a_share_of_nothing_is_not_known() -> None:
    assert (Share(0, 0).interval, Share(0, 0).value) == (None, None)


def test_a_share_has_wilsons_interval() -> None:
    interval = Share(100, 100).interval
    assert interval is not None
    assert interval.mean == 1.0
    assert interval.high == pytest.approx(1.0)
    assert interval.low == pytest.approx(100 / (100 + 1.96**2))


@pytest.mark.parametrize(
    ("enough", "largest"),
    [({}, 1), ({2: True}, 2), ({2: True, 4: True, 9: True}, 9), ({2: True, 4: False, 9: True}, 2), ({2: False, 4: True}, 1)],
)
def test_the_largest_group_is_one_whose_parts_are_good_as_well(enough: dict[int, bool], largest: int) -> None:
    assert largest_advised({size: Chosen(0.3, is_enough) for size, is_enough in enough.items()}) == largest
