"""Who was paid for twice is found, and put down to a fault only where that can be its reason."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.chaos.history import Payment, Request, Task
from tests.chaos.money import AFTERMATH_S, ASKED_LATER, GROUP_TEST, MODERATION, NO_FAULT, TAIL_S, Bill, bill
from tests.unit.chaos.fabricated import attempt, equal, payment, request, span

FAULT = span("fault", 110.0, 115.0, 150.0)
HARMLESS = span("harmless", 120.0, 125.0, 150.0, pays_again=False)
BY_FAULT = "asked again: fault"


def again(paid: Sequence[Payment], *asked: Request) -> Bill:
    return bill(paid, asked, [FAULT, HARMLESS])


def test_who_is_paid_for_once_is_not_paid_for_again() -> None:
    found = again([payment(1, 2), payment(3)], *(request(number) for number in (1, 2, 3)))
    assert found == Bill(paid=2, images=3, again={}, twice_by_faults=0, twice=(), unpaid=())


def test_a_second_payment_is_put_down_to_its_fault() -> None:
    found = again([payment(2, at_s=112.5), payment(2, 3, at_s=116.0)], request(2, at_s=112.0), request(3, at_s=112.0))
    assert (found.again, found.twice_by_faults, found.twice) == ({BY_FAULT: 1}, 1, ())


def test_an_inference_counts_once_however_many_it_shows_again() -> None:
    found = again([payment(1, 2, at_s=112.5), payment(1, 2, at_s=116.0)], *(request(number, at_s=112.0) for number in (1, 2)))
    assert (found.again, found.twice_by_faults) == ({BY_FAULT: 2}, 1)


@pytest.mark.parametrize(
    ("asked_s", "paid_s", "reason"),
    [
        (100.0, 109.9, NO_FAULT),
        (100.0, 110.1, BY_FAULT),
        (115.0 + AFTERMATH_S - 0.1, 118.0, BY_FAULT),
        (115.0 + AFTERMATH_S + 0.1, 118.0, NO_FAULT),
        (121.0, 122.0, NO_FAULT),
    ],
    ids=[
        "before the fault",
        "under way when it began",
        "just after it",
        "long after it",
        "under one that cannot be the reason",
    ],
)
def test_a_fault_explains_only_what_it_met(asked_s: float, paid_s: float, reason: str) -> None:
    asked = request(1, attempt(sent_s=asked_s, ended_s=max(asked_s + 1.0, paid_s)), at_s=asked_s)
    found = again([payment(1, at_s=asked_s + 0.1), payment(1, at_s=paid_s)], asked)
    assert found.again == {reason: 1}
    assert (found.twice_by_faults, len(found.twice)) == ((1, 0) if reason is BY_FAULT else (0, 1))


def test_a_payment_after_the_answer_is_found_as_well() -> None:
    late_s = 101.0 + TAIL_S - 0.1
    found = again([payment(1), payment(1, at_s=late_s - 6.0)], request(1))
    assert found.twice == (f"r-1 (native), {late_s - 106.0:.2f} s after it was sent",)


def test_half_of_a_pair_is_another_image() -> None:
    first = payment(1)
    half = Payment(100.6, "DetectLabels", frozenset(sorted(first.markers)[:1]))
    assert again([first, half], request(1)).again == {}


def test_group_tests_ask_again_in_smaller_groups_and_not_twice_the_same() -> None:
    asked = request(1, task=Task.MODERATE)
    group, pair, alone = (payment(*numbers, item=MODERATION) for numbers in ((1, 2, 3), (1, 2), (1,)))
    assert again([group, pair, alone, payment(1)], asked).again == {GROUP_TEST: 2}
    assert again([pair, alone, alone], asked).again == {GROUP_TEST: 1, NO_FAULT: 1}
    assert again([pair, pair], asked).again == {NO_FAULT: 1}


def test_equal_requests_under_way_are_paid_once() -> None:
    assert again([payment(1)], request(1), equal(1)).again == {}
    assert again([payment(1), payment(1, at_s=100.6)], request(1), equal(1)).again == {NO_FAULT: 1}
    for second_s in (112.3, 113.0):  # before and after the first answer
        during = again([payment(1, at_s=112.1), payment(1, at_s=second_s)], request(1, at_s=112.0), equal(1, at_s=112.0))
        assert during.again == {BY_FAULT: 1}


def test_who_asks_when_the_first_has_been_answered_is_paid_anew_but_once() -> None:
    late = equal(1, attempt(sent_s=100.1, ended_s=102.0))
    assert again([payment(1), payment(1, at_s=101.5)], request(1), late).again == {ASKED_LATER: 1}
    found = again([payment(1), payment(1, at_s=101.5), payment(1, at_s=101.7)], request(1), late)
    assert (found.again, found.twice_by_faults, len(found.twice)) == ({ASKED_LATER: 1, NO_FAULT: 1}, 0, 1)


def test_an_answer_that_nobody_paid_for_is_found() -> None:
    assert again([payment(2)], request(1)).unpaid == ("r-1",)
    assert again([payment(2)], request(1, attempt(status=400, error="ThrottlingException"))).unpaid == ()
