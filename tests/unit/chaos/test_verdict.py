"""A run fails where anything does not hold: each kind of it is put into a history, and has to come out of the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.history import Attempt, Books, Ending, History, Payment, Request, Span
from tests.chaos.report import CALM, Report, report
from tests.chaos.telling import text
from tests.chaos.timeline import USELESS, timeline
from tests.chaos.verdict import LONG, SHORT, Bounds, most_errors, most_errors_in_all, settled
from tests.unit.chaos.fabricated import LIMIT_S, attempt, boxes_of, equal, payment, request, span

HIDDEN = span("hidden", 110.0, 115.0, 150.0, pays_again=False)
USELESS_ANSWERS = replace(span("useless", 110.0, 115.0, 150.0), errors=USELESS)
FIRST_S, EVERY_S = 108.0, 0.1
THROTTLED = attempt(status=400, error="ThrottlingException")


def crowd(count: int = 200, errors: int = 0, error: Attempt = THROTTLED) -> list[Request]:
    """A steady load over the fault and after it; the first ones after it began get an error."""
    asked = [request(number, at_s=FIRST_S + number * EVERY_S) for number in range(count)]
    ill = {int((HIDDEN.began_s - FIRST_S) / EVERY_S) + number for number in range(errors)}
    return [
        replace(one, attempts=(replace(error, sent_s=one.sent_s, ended_s=one.ended_s),)) if number in ill else one
        for number, one in enumerate(asked)
    ]


def paid_for(asked: Sequence[Request]) -> list[Payment]:
    return [payment(number, at_s=one.sent_s + 0.5) for number, one in {one.truth.number: one for one in asked}.items()]


def told(
    asked: Sequence[Request], *more: Payment, fault: Span = HIDDEN, bounds: Bounds = LONG, **changed: Any
) -> tuple[str, ...]:
    history = History(LIMIT_S, asked, [fault], [*paid_for(asked), *more], **changed)
    return settled(report(history, warm_until_s=FIRST_S + 2.0, window_s=2.0), bounds).failures


def found(asked: Sequence[Request], fault: Span = HIDDEN) -> Report:
    return report(History(LIMIT_S, asked, [fault], paid_for(asked)), warm_until_s=FIRST_S + 2.0, window_s=2.0)


def test_a_clean_run_has_not_failed() -> None:
    clean = settled(found(crowd()), LONG)
    assert (clean.failures, clean.sent, clean.right, [phase.name for phase in clean.phases]) == ((), 200, 200, [CALM, "hidden"])
    assert "nothing lost" in text(clean, LONG)
    assert clean.as_json()["sent"] == 200


@pytest.mark.parametrize(
    ("ill", "failure"),
    [
        (request(1, attempt(ending=Ending.BROKEN, status=0)), "lost: 1"),
        (request(1, attempt(seen=boxes_of(2))), "wrong: 1"),
        (request(1, attempt(seen=())), "incomplete: 1"),
        (request(1, attempt(seen=boxes_of(1), surplus_bytes=1)), "doubled: 1"),
        (request(1, attempt(status=502)), "errors that no SDK understands"),
        (request(1, THROTTLED), "errors: 1 of"),
        (request(1, THROTTLED, attempt(seen=boxes_of(1), sent_s=101.0), sdk_tries=True), "errors: 1 of"),
        (request(1, THROTTLED, THROTTLED, sdk_tries=True), "errors: 1 of"),
    ],
)
def test_what_must_not_be_fails_the_run(ill: Request, failure: str) -> None:
    failures = told([ill, *crowd()[2:]])
    assert any(line.startswith(failure) for line in failures), failures
    assert "chaos FAILED" in text(replace(found([ill]), failures=failures), LONG)


def test_an_outage_that_can_be_hidden_gives_no_errors() -> None:
    assert told(crowd(errors=1)) == (
        "errors: 1 of 190 requests (hidden), at most 0 may be",
        "errors: 1 of 200 requests in the whole run, at most 0 may be",
    )


def test_useless_answers_give_errors_up_to_their_share() -> None:
    phase = found(crowd(), USELESS_ANSWERS).phases[1]
    most = most_errors(phase, LONG)
    assert phase.expected_errors == pytest.approx(190 * USELESS)
    assert 190 * USELESS < most < 190 / 27, "more than is to be expected, and less than if all had gone alone"
    assert told(crowd(errors=most), fault=USELESS_ANSWERS) == ()
    failures = told(crowd(errors=most + 1), fault=USELESS_ANSWERS)
    assert [line.partition(",")[0] for line in failures] == [
        f"errors: {most + 1} of 190 requests (useless)",
        f"errors: {most + 1} of 200 requests in the whole run",
    ]


def test_the_whole_run_has_a_bound_of_its_own() -> None:
    """Twice as many phases, each at its own bound: that is no chance."""
    one = found(crowd(), USELESS_ANSWERS)
    phase = replace(one.phases[1], errors=most_errors(one.phases[1], LONG))
    both = replace(one, sent=400, phases=[one.phases[0], phase, phase])
    most = most_errors_in_all(both, LONG)
    assert most < 2 * phase.errors
    assert settled(both, LONG).failures == (
        f"errors: {2 * phase.errors} of 400 requests in the whole run, at most {most} may be",
    )


def test_the_short_form_may_have_more_errors_but_not_any_number() -> None:
    assert told(crowd(errors=10), bounds=SHORT) == ()
    assert told(crowd(errors=20), bounds=SHORT) == ("errors: 20 of 200 requests in the whole run, at most 10 may be",)
    assert "errors: 30 of 190 requests (hidden), at most 29 may be" in told(crowd(errors=30), bounds=SHORT)
    assert "errors: 5 of 10 requests (hidden), at most 4 may be" in told(crowd(30, errors=5)[20:], bounds=SHORT)


def test_only_useless_answers_may_give_errors_and_only_what_loses_answers_is_paid_again() -> None:
    long, short = timeline(short=False), timeline(short=True)
    assert {fault.name: fault.errors for fault in long if fault.errors} == {"garbage": USELESS, "truncated": USELESS}
    harmless = {
        "throttling 30 %",
        "throttling 60 %",
        "errors 500",
        "boxes outside",
        "too many boxes",
        "bad clients",
        "clock wrong",
    }
    assert {fault.name for fault in long if not fault.pays_again} == {*harmless, "vendor stalls"}
    assert {fault.name for fault in short if not fault.pays_again} == harmless - {"throttling 60 %"}
    assert pytest.approx(0.013, abs=0.001) == USELESS


def test_what_does_not_recover_before_the_next_fault_fails_the_long_form() -> None:
    hurried = replace(HIDDEN, until_s=HIDDEN.ended_s + 1.0)
    assert told(crowd(), fault=hurried) == ("not recovered before the next fault: hidden",)
    assert told(crowd(), fault=hurried, bounds=SHORT) == ()
    assert "not before the next fault" in text(found(crowd(), hurried), SHORT)


def slow(seconds: float, numbers: range) -> list[Request]:
    asked = crowd()
    for number in numbers:
        right = asked[number].last
        asked[number] = replace(asked[number], attempts=(replace(right, ended_s=right.sent_s + seconds),))
    return asked


def test_each_phase_and_the_whole_run_answer_within_the_requests_own_time() -> None:
    late = slow(LIMIT_S + 0.2, range(20, 30))
    assert told(late) == (f"p99 beyond {LIMIT_S:g} s: hidden {LIMIT_S + 0.2:.2f} s, the whole run {LIMIT_S + 0.2:.2f} s",)
    assert told(late, bounds=SHORT) == ()
    assert told(slow(LIMIT_S + 0.4, range(20, 30)), bounds=SHORT)[0].startswith(f"p99 beyond {LIMIT_S + 0.3:g} s: hidden")
    one_of_two_hundred = settled(replace(found(crowd()), p99_s=LIMIT_S + 0.1), LONG)
    assert one_of_two_hundred.failures == (f"p99 beyond {LIMIT_S:g} s: the whole run {LIMIT_S + 0.1:.2f} s",)


def test_what_is_paid_twice_without_a_fault_fails_the_run() -> None:
    calm, harmless = payment(3, at_s=FIRST_S + 0.9), payment(50, at_s=113.9)
    for paid in (calm, harmless):
        failures = told(crowd(), paid)
        assert [line.partition(";")[0] for line in failures] == [
            "paid twice without a fault that explains it: 1, at most 0 may be"
        ]
    assert told(crowd(), harmless, fault=replace(HIDDEN, pays_again=True)) == ()
    assert told(crowd(), calm, bounds=SHORT) == ()
    many = [payment(number, at_s=FIRST_S + number * EVERY_S + 0.6) for number in range(20)]
    assert told(crowd(), *many, bounds=SHORT)[0].startswith("paid twice without a fault that explains it: 20, at most 6 may be")


def test_an_answer_that_nobody_paid_for_fails_the_run() -> None:
    asked = crowd()
    history = History(LIMIT_S, asked, [HIDDEN], paid_for(asked)[1:])
    failures = settled(report(history, warm_until_s=FIRST_S + 2.0, window_s=2.0), LONG).failures
    assert failures == ("right answers about pictures that were never paid for: 1, the first: r-0",)


def test_equal_requests_of_which_none_is_joined_fail_the_run() -> None:
    asked = [*crowd(), *(equal(number, at_s=FIRST_S + number * EVERY_S) for number in range(10))]
    assert told(asked) == ("of 10 requests that were equal to others under way none was joined",)
    assert told(asked, bounds=SHORT) == ()
    assert told(asked, joined={"flight": 9, "retry": 0}) == ()
    assert told([*crowd(), equal(1, at_s=FIRST_S + EVERY_S)]) == ()


def test_books_that_do_not_agree_fail_the_run() -> None:
    assert told(crowd(), books=[Books("api-0", 2, 1)]) == ("doubled: 1, the first: api-0 counts 2 of 1 sent",)


def test_a_run_without_requests_has_proven_nothing() -> None:
    assert told([], bounds=SHORT) == ("nothing was sent",)


def test_the_end_of_a_run_has_a_row_for_all_that_it_is_to_prove() -> None:
    printed = text(found(crowd()), LONG)
    rows = {cells[1].strip(): cells[2].strip() for line in printed.splitlines() if len(cells := line.split("|")) == 4}
    assert rows["sent"] == "200"
    assert rows["answered right"] == "200"
    assert rows["answered with the vendor's clear error"] == "0 (of 0 at most)"
    assert [rows[name] for name in ("lost", "answered twice", "wrong-image boxes")] == ["0", "0", "0"]
    assert rows["inferences paid twice, a fault explains it"] == "0"
    assert rows["inferences paid twice, no fault explains it"] == "0"
    assert rows["recovered after: hidden"] == "0.0 s"
