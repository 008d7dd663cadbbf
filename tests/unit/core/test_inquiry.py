"""A sheet is asked as loosely as its loosest image."""

from __future__ import annotations

import pytest

from app.core.inquiry import loosest
from app.core.model import Feature, Inquiry


def inquiry(score: float | None, limit: int | None = None, parameters: str = "{}") -> Inquiry:
    return Inquiry(
        Feature.OBJECTS, parameters, min_score_unit=score, max_results=limit, own_vendor="rekognition", own_request="{}"
    )


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0.9], 0.9), ([0.9, 0.2, 0.5], 0.2), ([0.9, None], None), ([None, None], None), ([0.0, 0.5], 0.0)],
)
def test_the_lowest_score_counts_and_none_where_one_leaves_it_to_the_vendor(
    scores: list[float | None], expected: float | None
) -> None:
    assert loosest([inquiry(score) for score in scores]).min_score_unit == expected


def test_no_limit_on_results_because_a_crowded_image_could_use_up_its_neighbours_share() -> None:
    assert loosest([inquiry(0.5, 1), inquiry(0.5, 3)]).max_results is None


def test_no_client_s_own_words_are_sent_for_a_sheet() -> None:
    merged = loosest([inquiry(0.5), inquiry(0.5)])
    assert (merged.own_vendor, merged.own_request) == ("", "")


def test_the_parameters_that_change_the_inference_are_kept() -> None:
    assert loosest([inquiry(0.5, parameters='{"a":1}'), inquiry(0.6, parameters='{"a":1}')]).parameters == '{"a":1}'


@pytest.mark.parametrize("inquiries", [[], [inquiry(0.5), inquiry(0.5, parameters='{"a":1}')]])
def test_inquiries_of_different_lanes_cannot_share(inquiries: list[Inquiry]) -> None:
    with pytest.raises(ValueError, match="one lane"):
        loosest(inquiries)
