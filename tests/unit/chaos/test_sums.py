"""What a chaos run adds up: money, recovery, the report and its verdict."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.history import Books, Ending, History, Task
from tests.chaos.judge import judged
from tests.chaos.money import GROUP_TEST, MODERATION, NO_FAULT, bill
from tests.chaos.recovery import Usual, caught_s, quantile_s, recovered_after_s, shared, usual
from tests.chaos.report import Report, report
from tests.chaos.telling import text
from tests.unit.chaos.fabricated import LIMIT_S, attempt, boxes_of, payment, request, span

FAULT = span("fault", 110.0, 115.0, 150.0)


def test_who_is_paid_for_once_is_not_paid_for_again() -> None:
    found = bill([payment(1, 2), payment(3)], [request(number) for number in (1, 2, 3)], [FAULT], LIMIT_S)
    assert (found.paid, found.images, found.again, found.unclaimed) == (2, 3, {}, 0)


def test_a_second_payment_is_found_and_put_down_to_its_fault() -> None:
    early, late = request(1, at_s=100.0), request(2, at_s=112.0)
    paid = [payment(1, at_s=100.5), payment(1, at_s=100.9), payment(2, at_s=112.5), payment(2, 3, at_s=116.0)]
    assert bill(paid, [early, late], [FAULT], LIMIT_S).again == {NO_FAULT: 1, "asked again: fault": 1}


def test_half_of_a_pair_is_another_image() -> None:
    first = payment(1)
    half = type(first)(100.6, "DetectLabels", frozenset(sorted(first.markers)[:1]))
    found = bill([first, half], [request(1)], [], LIMIT_S)
    assert (found.again, found.unclaimed) == ({}, 1)


def test_group_tests_may_ask_again() -> None:
    moderated = request(1, task=Task.MODERATE)
    paid = [payment(1, 2, item=MODERATION), payment(1, at_s=100.9, item=MODERATION), payment(1)]
    assert bill(paid, [moderated], [FAULT], LIMIT_S).again == {GROUP_TEST: 1}


def test_the_sooner_all_is_well_the_sooner_it_has_recovered() -> None:
    def recovered(ill_until_s: float, layout: str = "2x1", takes_s: float = 1.0) -> float | None:
        asked = [
            judged(
                request(
                    number,
                    attempt(
                        sent_s=at_s, ended_s=at_s + takes_s, layout=layout, seen=() if at_s < ill_until_s else boxes_of(number)
                    ),
                ),
                LIMIT_S,
            )
            for number, at_s in ((number, 115.0 + number * 0.25) for number in range(80))
        ]
        return recovered_after_s(asked, FAULT, window_s=2.0, usually=Usual(0.8, 1.0), now_s=135.0)

    assert recovered(0.0) == pytest.approx(0.0)
    assert recovered(120.0) == pytest.approx(4.8, abs=0.11)
    assert recovered(134.0) is None
    assert recovered(0.0, layout="1x1") is None  # right, but nobody shares
    assert recovered(0.0, takes_s=1.9) == pytest.approx(0.0)
    assert recovered(0.0, takes_s=2.1) is None  # right, but slower than usual


def test_those_under_way_are_looked_at_apart() -> None:
    asked = [request(1, attempt(sent_s=114.0, ended_s=121.0)), request(2, attempt(sent_s=116.0, ended_s=130.0))]
    assert caught_s(asked, FAULT) == 6.0
    assert caught_s(asked[1:], FAULT) is None
    assert usual(asked) == Usual(1.0, 7.0)


def test_too_few_requests_say_nothing() -> None:
    asked = [judged(request(number, at_s=116.0 + number), LIMIT_S) for number in range(2)]
    assert recovered_after_s(asked, FAULT, window_s=2.0, usually=Usual(0.0, 1.0), now_s=140.0) is None


def test_quantiles() -> None:
    assert [quantile_s([3.0, 1.0, 2.0], share) for share in (0.5, 0.99)] == [2.0, 3.0]
    assert quantile_s([], 0.5) is None
    assert shared([request(1), request(2, attempt(layout="1x1"))]) == 0.5


def told(*requests: Any, **more: Any) -> Report:
    history = History(LIMIT_S, requests, [FAULT], [payment(1)], **more)
    return report(history, warm_until_s=105.0, window_s=2.0)


def test_a_clean_run_has_not_failed() -> None:
    found = told(request(1), request(2, at_s=112.0))
    assert (found.failures, found.sent, found.right, [phase.sent for phase in found.phases]) == ([], 2, 2, [1, 1])
    assert "nothing lost" in text(found)
    assert found.as_json()["sent"] == 2


@pytest.mark.parametrize(
    ("asked", "failure"),
    [
        (request(1, attempt(ending=Ending.BROKEN, status=0)), "lost: 1"),
        (request(1, attempt(seen=boxes_of(2))), "wrong: 1"),
        (request(1, attempt(seen=())), "incomplete: 1"),
        (request(1, attempt(seen=boxes_of(1), surplus_bytes=1)), "doubled: 1"),
        (request(1, attempt(status=502)), "errors that no SDK understands"),
        (request(1, attempt(seen=boxes_of(1), ended_s=100.9 + LIMIT_S)), "p99 beyond"),
    ],
)
def test_what_must_not_be_fails_the_run(asked: Any, failure: str) -> None:
    found = told(asked, request(2))
    assert any(line.startswith(failure) for line in found.failures), found.failures
    assert "chaos FAILED" in text(found)


def test_books_that_do_not_agree_fail_the_run() -> None:
    assert told(request(1), books=[Books("api-0", 2, 1)]).failures == ["doubled: 1, the first: api-0 counts 2 of 1 sent"]


def test_a_run_without_requests_has_proven_nothing() -> None:
    assert told().failures == ["nothing was sent"]
