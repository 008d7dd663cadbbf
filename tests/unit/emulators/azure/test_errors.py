"""Refusals: every problem has its words in both APIs, in the vendor's envelope."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.emulators.azure.errors import WORDING_32, WORDING_40, Problem, Refused, Wording
from app.emulators.counters import Fate

BOTH = pytest.mark.parametrize("wording", [WORDING_40, WORDING_32], ids=["4.0", "3.2"])


@BOTH
@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_has_words(wording: Mapping[Problem, Wording], problem: Problem) -> None:
    row = wording[problem]
    body = row.body("no wonder")
    assert 400 <= row.status < 600
    assert set(body) == {"error"}
    assert set(body["error"]) in ({"code", "message"}, {"code", "message", "innererror"})
    assert body["error"]["message"]
    inner = body["error"].get("innererror", {"code": "x", "message": "y"})
    assert set(inner) == {"code", "message"}
    assert all(inner.values())


def test_an_error_as_the_vendors_page_shows_it() -> None:
    assert WORDING_40[Problem.FEATURE].body("") == {
        "error": {
            "code": "InvalidRequest",
            "message": "Analyze query is invalid.",
            "innererror": {"code": "NotSupportedVisualFeature", "message": "Specified feature type is not valid"},
        }
    }


def test_an_inner_error_repeats_the_message_where_it_has_none_of_its_own() -> None:
    error = WORDING_40[Problem.IMAGE_FORMAT].body("")["error"]
    assert error["innererror"] == {"code": "InvalidImageFormat", "message": error["message"]}


def test_details_go_into_the_words() -> None:
    assert "'text/plain'" in WORDING_40[Problem.MEDIA_TYPE].body("text/plain")["error"]["message"]
    assert WORDING_32[Problem.ARGUMENT].body("{odd}")["error"]["message"] == "{odd}"


@BOTH
def test_an_image_of_too_many_bytes_has_an_inner_error_in_32_only(wording: Mapping[Problem, Wording]) -> None:
    assert ("innererror" in wording[Problem.IMAGE_BYTES].body("")["error"]) == (wording is WORDING_32)


@pytest.mark.parametrize("problem", list(Problem))
def test_only_throttling_asks_to_come_again(problem: Problem) -> None:
    assert Refused(problem).headers == ({"Retry-After": "1"} if problem is Problem.THROTTLED else {})


@pytest.mark.parametrize(
    ("problem", "fate"),
    [(Problem.THROTTLED, Fate.THROTTLED), (Problem.INTERNAL, Fate.FAILED), (Problem.DENIED, Fate.REFUSED)],
)
def test_refusals_count_as_what_they_are(problem: Problem, fate: Fate) -> None:
    assert Refused(problem).fate is fate
