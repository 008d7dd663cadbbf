"""Every failure has a kind; a kind says whose fault it is and whether trying again helps."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from app import errors
from app.errors import Fault, Kind, Problem, VendorError


def test_a_problem_reads_as_its_kind_and_one_sentence() -> None:
    problem = Problem(Kind.INVALID_IMAGE, "the image is cut off")
    assert str(problem) == "invalid_image: the image is cut off"
    assert (problem.kind, problem.detail, problem.vendor, problem.retry_after_s) == (
        Kind.INVALID_IMAGE,
        "the image is cut off",
        None,
        None,
    )


def test_a_problem_keeps_the_vendors_own_words_and_when_to_come_back() -> None:
    vendor = VendorError("rekognition", 400, "ThrottlingException", "Rate exceeded", '{"__type":"ThrottlingException"}')
    problem = Problem(Kind.THROTTLED, "the provider is busy", vendor=vendor, retry_after_s=1.5)
    assert (problem.vendor, problem.retry_after_s) == (vendor, 1.5)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_name_of_its_own_and_says_whose_fault_it_is(kind: Kind) -> None:
    """The name travels in logs, metrics and Redis; a kind that went through a copy or a pickle is still the same one."""
    assert [other for other in Kind if other.value == kind.value] == [kind]
    assert kind.value == kind.name.lower()
    assert kind.fault in Fault
    assert copy.deepcopy(kind) is kind
    assert pickle.loads(pickle.dumps(kind)) is kind


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.fault is Fault.CALLER])
def test_what_the_caller_did_wrong_is_worth_a_retry_only_where_he_was_too_fast(kind: Kind) -> None:
    assert kind.retryable is (kind is Kind.RATE_LIMITED)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.fault is Fault.TESSERA])
def test_what_is_our_fault_is_always_worth_a_retry(kind: Kind) -> None:
    assert kind.retryable


def test_only_what_the_provider_refuses_by_content_is_final() -> None:
    final = {kind for kind in Kind if kind.fault is Fault.PROVIDER and not kind.retryable}
    assert final == {Kind.IMAGE_REFUSED, Kind.REQUEST_REFUSED, Kind.PROVIDER_DENIED}


def test_the_tree_in_the_docstring_shows_every_kind_under_its_fault() -> None:
    shown: dict[str, Fault] = {}
    fault: Fault | None = None
    for line in (errors.__doc__ or "").splitlines():
        if heading := re.search(r"fault (CALLER|PROVIDER|TESSERA)", line):
            fault = Fault[heading[1]]
        elif fault is not None:
            shown |= dict.fromkeys(re.findall(r"[A-Z_]{4,}", line), fault)
    assert shown == {kind.name: kind.fault for kind in Kind}
