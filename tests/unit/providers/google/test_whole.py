"""Labels and unsafe content of a whole image: what becomes a detection, and what is said where the vendor says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import vision
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Detection, Feature
from app.core.moderation import category_of
from app.errors import Kind, Problem
from app.providers.google.features import LIKELIHOODS
from app.providers.google.whole import SUSPICIONS, labels, safe_search
from tests.support.google_answers import LABEL, SAFE_SEARCH

BY_NUMBER: dict[int, str] = {likelihood.value: name for name, likelihood in vision.Likelihood.__members__.items()}


def answered(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer once it has been through the vendor's own types."""
    message = json_format.ParseDict(answer, image_annotator.AnnotateImageResponse.pb()())
    told: dict[str, Any] = json_format.MessageToDict(message)
    return told


def suspicions(**said: str | int) -> dict[str, Detection | None]:
    found = list(safe_search(answered({"safeSearchAnnotation": said})))
    return dict(zip(SUSPICIONS, found, strict=True))


def test_a_label_keeps_its_machine_id_and_its_topicality() -> None:
    assert list(labels(answered({"labelAnnotations": [LABEL, {"description": "Dog", "score": 0.25}]}))) == [
        Detection(Feature.LABELS, "Street", 0.875, None, "google", {"mid": "/m/01c8br", "topicality": 0.5}),
        Detection(Feature.LABELS, "Dog", 0.25, None, "google"),
    ]


def test_a_label_has_no_place_even_where_one_is_given() -> None:
    """ "Not produced for LABEL_DETECTION", says the protocol; nobody could use it."""
    placed = LABEL | {"boundingPoly": {"vertices": [{"x": 10, "y": 10}]}}
    (label,) = labels(answered({"labelAnnotations": [placed]}))
    assert label is not None
    assert label.box is None


@pytest.mark.parametrize("wrong", [{"description": ""}, {"score": "NaN"}, {"score": "Infinity"}])
def test_a_broken_label_is_counted_and_costs_its_neighbours_nothing(wrong: dict[str, Any]) -> None:
    found = labels(answered({"labelAnnotations": [LABEL, LABEL | wrong, LABEL]}))
    assert [each is None for each in found] == [False, True, False]


def test_a_topicality_that_is_none_is_left_out() -> None:
    (label,) = labels(answered({"labelAnnotations": [LABEL | {"topicality": "NaN"}]}))
    assert label is not None
    assert label.fields == {"mid": "/m/01c8br"}


def test_no_labels_are_no_findings() -> None:
    assert list(labels(answered({}))) == []


def test_each_of_the_five_is_a_finding_as_sure_as_its_likelihood() -> None:
    """What is left out is UNKNOWN: so proto3 writes the zero of an enum."""
    found = suspicions(**SAFE_SEARCH)
    assert found == {
        name: Detection(Feature.MODERATION, name, score_unit, None, "google", {"likelihood": likelihood})
        for name, score_unit, likelihood in (
            ("adult", 0.95, "VERY_LIKELY"),
            ("spoof", 0.25, "UNLIKELY"),
            ("medical", 0.5, "POSSIBLE"),
            ("violence", 0.0, "UNKNOWN"),
            ("racy", 0.75, "LIKELY"),
        )
    }


def test_an_annotation_with_nothing_in_it_says_unknown_five_times() -> None:
    assert {name: each and (each.score_unit, each.fields) for name, each in suspicions().items()} == dict.fromkeys(
        SUSPICIONS, (0.0, {"likelihood": "UNKNOWN"})
    )


def test_no_annotation_is_garbled_and_never_clean() -> None:
    with pytest.raises(Problem) as raised:
        safe_search(answered({"labelAnnotations": [LABEL]}))
    assert raised.value.kind is Kind.PROVIDER_GARBLED


def test_every_likelihood_of_the_protocol_has_a_score_and_likelier_ones_a_higher_one() -> None:
    assert [BY_NUMBER[number] for number in sorted(BY_NUMBER)] == list(LIKELIHOODS)
    scores = list(LIKELIHOODS.values())
    assert scores == sorted(set(scores))
    assert all(0.0 <= score_unit <= 1.0 for score_unit in scores)


def test_what_google_suspects_are_the_protocols_members_and_ours_to_filter_by() -> None:
    assert {field.name for field in vision.SafeSearchAnnotation.pb().DESCRIPTOR.fields} == set(SUSPICIONS)
    found = suspicions(**dict.fromkeys(SUSPICIONS, "LIKELY"))
    assert [each and category_of(each) for each in found.values()] == list(SUSPICIONS)


numbers = st.integers(-(2**31), 2**31 - 1)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(SUSPICIONS, st.integers(0, 8) | numbers)))
def test_whatever_number_a_likelihood_is_it_is_known_or_broken(said: dict[str, int]) -> None:
    for name, finding in suspicions(**said).items():
        likelihood = BY_NUMBER.get(said.get(name, 0))
        assert (finding and finding.fields) == (None if likelihood is None else {"likelihood": likelihood})
