"""Whether an image is unsafe for a request. The whole shape is in tests/fidelity/cases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.model import Detection, Feature, Tree
from app.wire.native import NativeDialect
from tests.support.wire import PICTURE, answered, native_request

DIALECT = NativeDialect()
GOOGLES = ("adult", "spoof", "medical", "violence", "racy")


def finding(name: str, score_unit: float = 0.9, *parents: str, vendor: str = "rekognition") -> Detection:
    fields: dict[str, Tree] = {"parents": [*parents]}
    return Detection(Feature.MODERATION, name, score_unit, None, vendor, fields)


def answer_of(*findings: Detection, query: str = "") -> dict[str, Any]:
    call = DIALECT.read(native_request(query, operation="moderate"))
    reply = DIALECT.write(call, PICTURE, [answered(*findings)], "r")
    assert reply.filtered == 0, "unsafe content has no boxes"
    answer: dict[str, Any] = json.loads(reply.body)
    assert answer["unsafe"] == bool(answer["labels"])
    return answer


def names_of(*findings: Detection, query: str = "") -> list[str]:
    return [item["label"] for item in answer_of(*findings, query=query)["labels"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Violence", "Nudity"]),
        ("min_score=0.5", ["Violence", "Nudity"]),
        ("min_score=0.51", ["Violence"]),
        ("min_score=1", []),
        ("min_score=0", ["Violence", "Nudity", "Drinking"]),
        ("max_results=1", ["Violence"]),
        ("categories=adult", ["Nudity"]),
        ("categories=adult,violence", ["Violence", "Nudity"]),
        ("categories=alcohol", []),
        ("categories=alcohol&min_score=0.4", ["Drinking"]),
    ],
)
def test_own_filters(query: str, names: list[str]) -> None:
    """The border itself is in."""
    found = [finding("Nudity", 0.5, "Explicit"), finding("Violence", 0.9), finding("Drinking", 0.4, "Alcohol Use")]
    assert names_of(*found, query=query) == names


def test_likelihoods_of_another_vendor_are_scores() -> None:
    """All five are always named: below the threshold they are no reason."""
    unlikely = [finding(name, 0.05, vendor="google") for name in GOOGLES]
    assert answer_of(*unlikely)["unsafe"] is False
    found = answer_of(*unlikely[1:], finding("adult", 0.95, vendor="google"))
    assert found["labels"] == [{"label": "adult", "category": "adult", "score": 0.95, "parents": []}]


@pytest.mark.parametrize("query", ["", "categories=gore"])
def test_what_nobody_knows_counts_for_everybody(query: str) -> None:
    assert names_of(finding("Something New", 0.9, "Also New"), query=query) == ["Something New"]


@pytest.mark.parametrize("broken", [None, "Violence", 3, [None, {}]])
def test_parents_that_are_none_do_no_harm(broken: Tree) -> None:
    odd = Detection(Feature.MODERATION, "Weapons", 0.9, None, "rekognition", {"parents": broken})
    assert answer_of(odd)["labels"] == [{"label": "Weapons", "category": "violence", "score": 0.9, "parents": []}]
