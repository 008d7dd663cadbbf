"""The soak's judge: an answer is right only if it says of this picture what is in it, and nothing of another's."""

from __future__ import annotations

import pytest

from app.core.geometry import UnitBox
from app.demo.truth import Seen
from tests.soak.fronts import Findings, Question
from tests.soak.judging import mistake
from tests.soak.pictures import picture, unsafe
from tests.soak.sampling import KNOWN, STAYS, kind_of

OWN, OTHER, UNSAFE = picture(7), picture(8), unsafe(1)
FAR = UnitBox(0.0, 0.0, 0.01, 0.01)


def thing(label: str, box: UnitBox | None) -> Seen:
    return Seen(label, 0.9, box)


RIGHT = thing(OWN.truth.label, OWN.truth.box)
CASES: list[tuple[Question, Findings, bool]] = [
    (Question.THINGS, (), False),
    (Question.THINGS, (RIGHT,), True),
    (Question.THINGS, (RIGHT, thing(OTHER.truth.label, OTHER.truth.box)), False),
    (Question.THINGS, (thing(OWN.truth.label, FAR),), False),
    (Question.LABELS, (), False),
    (Question.LABELS, (thing(OWN.truth.label, None), thing(OWN.truth.family, None)), True),
    (Question.LABELS, (thing(OTHER.truth.label, None),), False),
    (Question.LABELS, (RIGHT, thing(OTHER.truth.label, None)), False),
    (Question.NAMES, (RIGHT,), True),
    (Question.NAMES, (thing(OTHER.truth.label, OWN.truth.box),), False),
    (Question.TEXT, (thing("0007", OWN.truth.box),) * 2, True),
    (Question.TEXT, (thing("0007", OWN.truth.box), thing("0008", OTHER.truth.box)), False),
    (Question.TEXT, (thing("0007", None),), False),
    (Question.TEXT, (), False),
    (Question.SAFETY, (), True),
    (Question.SAFETY, (thing("adult", None),), False),
]


@pytest.mark.parametrize(("question", "found", "is_right"), CASES)
def test_an_answer_is_judged_by_what_is_in_the_picture(question: Question, found: Findings, is_right: bool) -> None:
    assert (mistake(question, OWN, found) == "") == is_right


def test_silence_about_an_unsafe_picture_is_a_mistake() -> None:
    assert mistake(Question.SAFETY, UNSAFE, ())
    assert mistake(Question.SAFETY, UNSAFE, (thing("Explicit", None),)) == ""


def test_no_two_pictures_are_alike_and_the_same_number_gives_the_same() -> None:
    files = {picture(number).content for number in range(12)} | {unsafe(number).content for number in range(3)}
    assert len(files) == 15
    assert picture(3) == picture(3)


def test_a_key_is_named_by_what_it_is_for() -> None:
    assert kind_of("{tessera-12ab:0}:image:5678") == "image"
    assert kind_of("{tessera-12ab:1}:queue") == "queue"
    assert STAYS < KNOWN
