"""The judge of the chaos runs can find what must not be: each kind of it is put into a history, and has to come out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.demo.truth import Seen
from app.detectors.markers import marker_class, marker_label
from tests.chaos import images
from tests.chaos.history import Attempt, Books, Ending, Request, Task
from tests.chaos.judge import MARGIN_S, Judgement, Verdict, answered_under_one_id, counted_too_much, judged
from tests.unit.chaos.fabricated import LIMIT_S, attempt, boxes_of, moved, request

OWN = images.truth(1)
FIRST, SECOND = OWN.boxes
STRANGER = marker_label(images.pair(2)[0])
FAR = moved(OWN.boxes[FIRST], 0.4)


def verdict(*attempts: Attempt) -> Judgement:
    return judged(request(1, *attempts), LIMIT_S)


def seeing(*more: Seen, layout: str = "2x1") -> Judgement:
    """An answer with its own boxes and these."""
    return verdict(attempt(seen=(*boxes_of(1), *more), layout=layout))


def test_a_right_answer_is_right() -> None:
    found = verdict()
    assert (found.verdict, found.wrong, found.doubled, found.error, found.was_retried) == (Verdict.RIGHT, (), (), "", False)


@pytest.mark.parametrize(
    "ended",
    [
        attempt(ending=Ending.SILENT, status=0),
        attempt(ending=Ending.BROKEN, status=0),
        attempt(ending=Ending.REFUSED, status=0),
        attempt(seen=boxes_of(1), ended_s=100.0 + LIMIT_S + MARGIN_S + 0.1),
    ],
    ids=["silence", "connection lost", "nobody there", "too late"],
)
def test_a_lost_answer_is_found(ended: Attempt) -> None:
    assert verdict(ended).verdict is Verdict.LOST
    by_itself = request(1, ended, attempt(seen=boxes_of(1)), sdk_tries=True)
    assert judged(by_itself, LIMIT_S).verdict is (Verdict.RIGHT if ended.ending is Ending.REFUSED else Verdict.LOST)


def test_an_answer_in_the_margin_is_not_lost() -> None:
    assert verdict(attempt(seen=boxes_of(1), ended_s=100.0 + LIMIT_S + MARGIN_S / 2)).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    "strange",
    [
        Seen(STRANGER, 0.9, OWN.boxes[FIRST]),
        Seen(STRANGER.lower(), 0.9, FAR),
        Seen(STRANGER, 0.9, None),
        Seen(marker_label(FIRST), 0.9, FAR),
        Seen(marker_label(FIRST), 0.9, OWN.boxes[FIRST]),
        Seen(marker_class(FIRST), 0.9, FAR),
        Seen("Ghost", 0.9, FAR),
    ],
    ids=[
        "another identity in an own place",
        "another identity, in small letters",
        "another identity without a place",
        "its own identity in another place as well",
        "its own identity twice",
        "its own class in another place",
        "what lies outside the sheet",
    ],
)
def test_a_box_of_somebody_else_is_found(strange: Seen) -> None:
    found = seeing(strange)
    assert found.verdict is Verdict.WRONG
    assert len(found.wrong) == 1


def test_boxes_that_belong_to_nobody_are_no_harm() -> None:
    assert seeing(Seen(marker_class(FIRST), 0.9, OWN.boxes[FIRST])).verdict is Verdict.RIGHT
    assert seeing(Seen("Vehicle", 0.9, None)).verdict is Verdict.RIGHT
    assert seeing(Seen("Speck", 0.9, FAR)).verdict is Verdict.RIGHT
    assert seeing(Seen("Ghost", 0.9, FAR), layout="1x1").verdict is Verdict.RIGHT


def test_a_missing_box_is_found_and_a_shifted_one_is_wrong() -> None:
    first, second = boxes_of(1)
    assert verdict(attempt(seen=(first,))).verdict is Verdict.INCOMPLETE
    assert verdict(attempt(seen=())).verdict is Verdict.INCOMPLETE
    shifted = verdict(attempt(seen=(first, replace(second, box=moved(OWN.boxes[SECOND], 0.2)))))
    assert shifted.verdict is Verdict.WRONG
    assert "not where it is" in shifted.wrong[0]


def test_somebody_elses_request_id_is_found() -> None:
    found = verdict(attempt(seen=boxes_of(1), answered_id="r-2"))
    assert (found.verdict, found.wrong) == (Verdict.WRONG, ("answer to r-2",))
    refused = verdict(attempt(status=500, error="ThrottlingException", answered_id="r-2"))
    assert refused.wrong == ("answer to r-2",)


def test_two_requests_under_one_id_are_found() -> None:
    one, other = request(1), request(2)
    assert answered_under_one_id([one, other]) == []
    stolen = replace(other, attempts=(replace(other.attempts[0], answered_id="r-1"),))
    assert answered_under_one_id([one, stolen]) == ["r-1 stands in two answers"]


def test_a_second_answer_is_found() -> None:
    answered = attempt(seen=boxes_of(1))
    assert verdict(answered, answered).doubled == ("r-1 answered 2 times",)
    assert verdict(attempt(seen=boxes_of(1), surplus_bytes=12)).doubled == ("12 bytes after the answer to r-1",)


def test_an_sdk_that_tries_again_may_do_so_after_an_error_only() -> None:
    throttled, right = attempt(status=400, error="ThrottlingException"), attempt(seen=boxes_of(1), sent_s=101.5, ended_s=102.0)
    found = judged(request(1, throttled, right, sdk_tries=True), LIMIT_S)
    assert (found.verdict, found.doubled, found.hushed, found.request.seconds) == (Verdict.RIGHT, (), 1, 0.5)
    assert verdict(throttled, right).doubled == ("r-1 answered 2 times",)
    assert judged(request(1, right, right, sdk_tries=True), LIMIT_S).doubled == ("r-1 answered 2 times",)


def test_a_process_that_counts_more_than_it_was_sent_is_found() -> None:
    assert counted_too_much([Books("api-0", 5, 5), Books("api-1", 4, 5)]) == []
    assert counted_too_much([Books("api-0", 6, 5)]) == ["api-0 counts 6 of 5 sent"]


def test_errors_are_told_apart() -> None:
    clear = verdict(attempt(status=400, error="ThrottlingException"))
    assert (clear.verdict, clear.error) == (Verdict.VENDOR_ERROR, "400 ThrottlingException")
    in_place = verdict(attempt(error="RESOURCE_EXHAUSTED"))  # Google says it in an answer with status 200
    assert (in_place.verdict, in_place.error) == (Verdict.VENDOR_ERROR, "200 RESOURCE_EXHAUSTED")
    assert verdict(attempt(status=500)).verdict is Verdict.UNCLEAR_ERROR
    assert verdict(attempt(status=0)).verdict is Verdict.UNCLEAR_ERROR


def test_a_request_that_was_sent_again_is_judged_by_its_last_attempt() -> None:
    broken = attempt(ending=Ending.BROKEN, status=0, was_killed=True)
    found = verdict(broken, attempt(seen=boxes_of(1), answered_id="r-1"))
    assert (found.verdict, found.doubled, found.was_retried) == (Verdict.RIGHT, (), True)
    assert verdict(broken, broken).verdict is Verdict.LOST


def moderated(*labels: str, unsafe: bool) -> Judgement:
    asked: Request = request(
        3,
        attempt(seen=tuple(Seen(label, 0.9, None) for label in labels)),
        task=Task.MODERATE,
        truth=images.truth(3, unsafe=unsafe),
    )
    return judged(asked, LIMIT_S)


def test_content_of_another_image_is_found() -> None:
    own, other = images.truth(3, unsafe=True).content, images.truth(4, unsafe=True).content
    assert moderated(unsafe=False).verdict is Verdict.RIGHT
    assert moderated(own, unsafe=True).verdict is Verdict.RIGHT
    assert moderated(unsafe=True).verdict is Verdict.INCOMPLETE
    assert moderated(own, other, unsafe=True).verdict is Verdict.WRONG
    assert moderated(own, unsafe=False).verdict is Verdict.WRONG
