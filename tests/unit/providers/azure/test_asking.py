"""Queries: the client's own words for an image alone, the feature and the lane's parameters for everything else."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from app.core.model import Feature, Inquiry, canonical_json
from app.errors import Kind, Problem
from app.providers.azure.asking import target_of

PATH = "/computervision/imageanalysis:analyze?"
VERSION = PATH + "api-version=2023-10-01"


def own(words: str, vendor: str = "azure") -> str:
    return target_of(Inquiry(Feature.OBJECTS, own_vendor=vendor, own_request=words))


@pytest.mark.parametrize(
    ("inquiry", "query"),
    [
        (Inquiry(Feature.OBJECTS), "&features=objects"),
        (Inquiry(Feature.PEOPLE, min_score_unit=0.5, max_results=3), "&features=people"),
        (Inquiry(Feature.TEXT, '{"language":"de"}'), "&features=read&language=de"),
        (Inquiry(Feature.OBJECTS, '{"model-version":"2023-10-01"}'), "&features=objects&model-version=2023-10-01"),
        (Inquiry(Feature.OBJECTS, '{"language":null}'), "&features=objects"),
        (Inquiry(Feature.LABELS, '{"language":"de"}', min_score_unit=0.5), "&features=tags&language=de"),
        (Inquiry(Feature.LABELS, own_vendor="azure", own_request="visualFeatures=Tags&language=en"), "&features=tags"),
        (Inquiry(Feature.TEXT, '{"language":"de"}', own_vendor="google"), "&features=read"),
        (Inquiry(Feature.TEXT, '{"model-version":"x","imageContext":{}}', own_vendor="google"), "&features=read"),
    ],
)  # fmt: skip
def test_a_sheet_is_asked_for_its_feature_with_the_lanes_parameters(inquiry: Inquiry, query: str) -> None:
    assert target_of(inquiry) == VERSION + query


@pytest.mark.parametrize("value", ["a&features=caption", "ü", "a b", "#", "{endpoint}"])
def test_a_parameter_stays_one_parameter(value: str) -> None:
    query = target_of(Inquiry(Feature.TEXT, canonical_json({"language": value}))).removeprefix(PATH)
    assert parse_qs(query) == {"api-version": ["2023-10-01"], "features": ["read"], "language": [value]}
    assert "{" not in query


@pytest.mark.parametrize("parameters", ["", "[]", "null", "{", '{"language":7}', '{"model-version":[]}'])
def test_parameters_that_are_none_are_the_callers_fault(parameters: str) -> None:
    with pytest.raises(Problem) as raised:
        target_of(Inquiry(Feature.TEXT, parameters))
    assert raised.value.kind is Kind.INVALID_PARAMETER


@pytest.mark.parametrize(
    "words",
    [
        "api-version=2024-02-01&features=objects",
        "features=objects,people&language=en&api-version=2024-02-01&new=a%20b",
        "features=objects&x=%7Bendpoint%7D",
    ],
)
def test_a_clients_own_words_are_sent_as_they_are(words: str) -> None:
    assert own(words) == PATH + words


def test_what_no_query_may_hold_is_encoded() -> None:
    """Braces, too: the client library takes them for places to fill in."""
    assert own("features=objects&x={endpoint} #ü\r\n") == PATH + "features=objects&x=%7Bendpoint%7D%20%23%C3%BC%0D%0A"


@pytest.mark.parametrize(
    ("words", "vendor"),
    [
        ("features=objects,caption", "google"),
        ("", "azure"),
        ("visualFeatures=Objects", "azure"),
        ("model-version=latest", "azure"),
    ],
)
def test_words_of_another_api_are_not_sent(words: str, vendor: str) -> None:
    assert own(words, vendor) == VERSION + "&features=objects"


@pytest.mark.parametrize(
    ("feature", "name"), [(Feature.FACES, "Faces"), (Feature.LOGOS, "Brands"), (Feature.MODERATION, "Adult")]
)
def test_what_40_lacks_is_asked_for_in_32(feature: Feature, name: str) -> None:
    """Its parameters and words are 4.0's alone."""
    inquiry = Inquiry(feature, '{"model-version":"2023-10-01"}', own_vendor="azure", own_request="features=people")
    assert target_of(inquiry) == f"/vision/v3.2/analyze?visualFeatures={name}"
