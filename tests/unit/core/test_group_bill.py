"""What group tests cost over time, estimate and all, played in plain numbers: near the best, and hardly above one by one."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from app.core.group_cost import halving_optimum, partition
from app.core.group_testing import Question, answered, begin
from app.core.grouping import group_choice
from app.core.prevalence import Evidence, Prevalence

LARGEST = 9
IMAGES = 12_000
WARM_UP = 2_000


@dataclass(slots=True)
class Stream:
    """Images of which some are unsafe, and some only alarm a group. Groups are formed and learned from as in the proxy."""

    unsafe_share: float
    alarm_share: float
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    known: Prevalence = field(default_factory=Prevalence)
    paid: int = 0
    asked_about: int = 0
    lone: int = 0

    def play(self, images: int) -> None:
        until = self.asked_about + images
        while self.asked_about < until:
            size = group_choice(self.known.estimate, LARGEST).widest.cells
            kinds = {f"{number}": self._kind() for number in range(size)}
            for question in begin(list(kinds), partition(size, self.known.estimate, LARGEST)).ask:
                self._test(question, kinds)

    def _kind(self) -> str:
        if self.chance.random() < self.unsafe_share:
            return "unsafe"
        return "alarming" if self.chance.random() < self.alarm_share else "safe"

    def _test(self, first: Question, kinds: dict[str, str]) -> None:
        evidence, waiting = Evidence(), [first]
        self.asked_about += len(first.ids)
        self.lone += not first.is_group
        while waiting:
            question = waiting.pop()
            self.paid += 1
            if question.is_group:
                flagged = any(kinds[one] != "safe" for one in question.ids)
                if question.round == 1:
                    evidence.judged, evidence.is_alarmed = frozenset(question.ids), flagged
                step = answered(question, question.ids if flagged else ())
                evidence.cleared += len(step.cleared)
            else:
                is_unsafe = kinds[question.ids[0]] == "unsafe"
                evidence.unsafe += is_unsafe
                evidence.safe += not is_unsafe
                evidence.safe_and_judged += not is_unsafe and question.ids[0] in evidence.judged
                step = answered(question, question.ids if is_unsafe else ())
            waiting += step.ask
        self.known = self.known.seen(*evidence.counts(self.known.alarm_share))


@pytest.mark.parametrize("unsafe_share", [0.0, 0.001, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0])
def test_without_false_alarms_the_bill_is_near_the_best_possible(unsafe_share: float) -> None:
    stream = Stream(unsafe_share, 0.0)
    stream.play(WARM_UP)
    before = stream.paid
    stream.play(IMAGES)
    cost = (stream.paid - before) / IMAGES
    assert cost == pytest.approx(halving_optimum(unsafe_share, LARGEST), rel=0.05, abs=0.004)
    assert stream.paid / stream.asked_about <= 1.02


@pytest.mark.parametrize("unsafe_share", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("alarm_share", [0.02, 0.1, 0.3, 0.4, 0.5, 0.7, 1.0])
def test_false_alarms_never_make_it_dearer_than_one_by_one(unsafe_share: float, alarm_share: float) -> None:
    """Images that flag every group and are accepted alone: without counting them groups of three would go on for ever."""
    stream = Stream(unsafe_share, alarm_share)
    stream.play(IMAGES)
    assert stream.paid / stream.asked_about <= 1.03
    if alarm_share >= 0.4:
        assert stream.lone > IMAGES / 2


def test_the_share_of_false_alarms_is_found_although_nobody_sees_one() -> None:
    stream = Stream(0.0, 0.1)
    stream.play(IMAGES)
    assert stream.known.alarm_share == pytest.approx(0.1, abs=0.05)


def test_a_flood_ends_groups_and_its_end_brings_them_back() -> None:
    stream = Stream(0.01, 0.0)
    stream.play(WARM_UP)
    assert group_choice(stream.known.estimate, LARGEST).widest.cells == LARGEST
    stream.unsafe_share = 0.6
    stream.play(WARM_UP)
    assert group_choice(stream.known.estimate, LARGEST).widest.cells == 1
    stream.unsafe_share = 0.01
    stream.play(3 * WARM_UP)
    assert group_choice(stream.known.estimate, LARGEST).widest.cells >= 6
