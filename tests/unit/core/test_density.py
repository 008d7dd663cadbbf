"""The limit on cells: when it falls, when it is tried to be lifted, when it is. Events in, changes out, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.agreement import Interval, wilson
from app.core.density import STEPS, Change, Density, Direction, Patience, Stage
from app.core.model import ALONE, Layout

LEAST = 0.8
PATIENCE = Patience(samples=4, margin=0.02, rest_s=100.0, most_rest_s=400.0)
PAIR, TALL, FOUR, NINE = Layout(2, 1), Layout(1, 2), Layout(2, 2), Layout(3, 3)
BAD, GOOD, SO_SO = 0.1, 1.0, 0.81


@dataclass(frozen=True, slots=True)
class Saw:
    """So many images of a layout, each agreeing so far."""

    layout: Layout
    value: float
    times: int = 4
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Time passes."""

    at_s: float


Event = Saw | Turn
Short = tuple[Direction, Stage, int | None, int | None]
SPARSER, TRIAL, DENSER = Direction


def play(density: Density, events: Sequence[Event]) -> list[Change]:
    """All changes, in order."""
    changes: list[Change | None] = []
    for event in events:
        if isinstance(event, Turn):
            changes.append(density.turn(event.at_s))
        else:
            changes += [density.saw(event.layout, event.value, event.at_s) for _ in range(event.times)]
    return [change for change in changes if change is not None]


def short(changes: Sequence[Change]) -> list[Short]:
    return [(change.direction, change.stage, change.before, change.cells) for change in changes]


FELL_TO_TWO: Short = (SPARSER, Stage.LIMITED, None, 2)
FELL_TO_ONE: Short = (SPARSER, Stage.LIMITED, 2, 1)

STORIES: dict[str, tuple[list[Event], list[Short]]] = {
    "nothing happens": ([Turn(1e9)], []),
    "all agree": ([Saw(FOUR, GOOD, 100), Turn(1e9)], []),
    "too few to judge": ([Saw(FOUR, BAD, 3)], []),
    "below, but not surely: the interval reaches above the limit": ([Saw(FOUR, 0.75, 30)], []),
    "surely below": ([Saw(FOUR, BAD)], [FELL_TO_TWO]),
    "layouts are judged each by itself": ([Saw(PAIR, GOOD, 50), Saw(FOUR, BAD)], [FELL_TO_TWO]),
    "a step below the layout, whatever it is": ([Saw(Layout(5, 5), BAD)], [(SPARSER, Stage.LIMITED, None, 9)]),
    "nine to four": ([Saw(NINE, BAD)], [(SPARSER, Stage.LIMITED, None, 4)]),
    "three to two": ([Saw(Layout(3, 1), BAD)], [FELL_TO_TWO]),
    "two to one": ([Saw(TALL, BAD)], [(SPARSER, Stage.LIMITED, None, 1)]),
    "an image alone says nothing": ([Saw(ALONE, BAD, 50)], []),
    "stragglers of denser sheets say nothing": ([Saw(FOUR, BAD), Saw(FOUR, BAD, 50)], [FELL_TO_TWO]),
    "step by step": (
        [Saw(NINE, BAD), Saw(FOUR, BAD), Saw(PAIR, BAD)],
        [(SPARSER, Stage.LIMITED, None, 4), (SPARSER, Stage.LIMITED, 4, 2), FELL_TO_ONE],
    ),
    "what was seen before the fall is forgotten": (
        [Saw(PAIR, BAD, 3), Saw(FOUR, BAD), Saw(PAIR, BAD, 3)],
        [FELL_TO_TWO],
    ),
    "no trial before it has rested": ([Saw(FOUR, BAD), Saw(PAIR, GOOD), Turn(99.0)], [FELL_TO_TWO]),
    "no trial without samples": ([Saw(FOUR, BAD), Saw(PAIR, GOOD, 3), Turn(100.0)], [FELL_TO_TWO]),
    "no trial while agreement is only just above": ([Saw(FOUR, BAD), Saw(PAIR, SO_SO), Turn(100.0)], [FELL_TO_TWO]),
    "a trial that succeeds frees": (
        [Saw(FOUR, BAD), Saw(PAIR, GOOD), Turn(100.0), Saw(FOUR, GOOD, 4, 110.0)],
        [FELL_TO_TWO, (TRIAL, Stage.TRIAL, 2, None), (DENSER, Stage.FREE, None, None)],
    ),
    "a trial needs its samples": (
        [Saw(FOUR, BAD), Saw(PAIR, GOOD), Turn(100.0), Saw(FOUR, GOOD, 3, 110.0), Turn(1e6)],
        [FELL_TO_TWO, (TRIAL, Stage.TRIAL, 2, None)],
    ),
    "only the tried layouts decide a trial": (
        [Saw(FOUR, BAD), Saw(PAIR, GOOD), Turn(100.0), Saw(PAIR, GOOD, 50, 110.0)],
        [FELL_TO_TWO, (TRIAL, Stage.TRIAL, 2, None)],
    ),
    "a trial that is only just above fails": (
        [Saw(FOUR, BAD), Saw(PAIR, GOOD), Turn(100.0), Saw(FOUR, SO_SO, 4, 110.0)],
        [FELL_TO_TWO, (TRIAL, Stage.TRIAL, 2, None), (SPARSER, Stage.LIMITED, None, 2)],
    ),
    "at one cell time alone begins a trial": (
        [Saw(PAIR, BAD), Turn(99.0), Turn(100.0), Saw(PAIR, GOOD, 4, 110.0)],
        [(SPARSER, Stage.LIMITED, None, 1), (TRIAL, Stage.TRIAL, 1, None), (DENSER, Stage.FREE, None, None)],
    ),
    "back up the way it came": (
        [
            *(Saw(NINE, BAD), Saw(FOUR, BAD), Saw(PAIR, BAD)),
            *(Turn(100.0), Saw(PAIR, GOOD, 4, 101.0)),
            *(Saw(TALL, GOOD, 4, 150.0), Turn(201.0), Saw(FOUR, GOOD, 4, 210.0)),
            *(Saw(FOUR, GOOD, 4, 250.0), Turn(310.0), Saw(NINE, GOOD, 4, 320.0)),
        ],
        [
            *((SPARSER, Stage.LIMITED, None, 4), (SPARSER, Stage.LIMITED, 4, 2), FELL_TO_ONE),
            *((TRIAL, Stage.TRIAL, 1, 2), (DENSER, Stage.LIMITED, 2, 2)),
            *((TRIAL, Stage.TRIAL, 2, 4), (DENSER, Stage.LIMITED, 4, 4)),
            *((TRIAL, Stage.TRIAL, 4, None), (DENSER, Stage.FREE, None, None)),
        ],
    ),
    "a sparse layout that turns bad during a trial": (
        [Saw(FOUR, BAD), Saw(PAIR, GOOD), Turn(100.0), Saw(PAIR, BAD, 4, 110.0)],
        [FELL_TO_TWO, (TRIAL, Stage.TRIAL, 2, None), (SPARSER, Stage.LIMITED, None, 1)],
    ),
}


@pytest.mark.parametrize(("events", "expected"), STORIES.values(), ids=STORIES)
def test_a_story(events: list[Event], expected: list[Short]) -> None:
    assert short(play(Density(LEAST, PATIENCE), events)) == expected


def test_each_failed_trial_doubles_the_rest_up_to_the_most() -> None:
    density, now_s, rests_s = Density(LEAST, PATIENCE), 0.0, []
    play(density, [Saw(PAIR, BAD)])
    for _ in range(5):
        began_s = now_s
        while not play(density, [Turn(now_s)]):
            now_s += 50.0
        rests_s.append(now_s - began_s)
        assert short(play(density, [Saw(PAIR, BAD, 4, now_s)])) == [(SPARSER, Stage.LIMITED, None, 1)]
    assert rests_s == [100.0, 200.0, 400.0, 400.0, 400.0]


@pytest.mark.parametrize(("fell_s", "rest_s"), [(300.0, 200.0), (500.0, 100.0)], ids=["soon", "after a long calm"])
def test_a_limit_that_was_lifted_too_soon_stands_longer_the_next_time(fell_s: float, rest_s: float) -> None:
    density = Density(LEAST, PATIENCE)
    play(density, [Saw(PAIR, BAD), Turn(100.0), Saw(PAIR, GOOD, 4, 100.0), Saw(PAIR, BAD, 4, fell_s)])
    assert (density.stage, density.cells) == (Stage.LIMITED, 1)
    assert play(density, [Turn(fell_s + rest_s - 1)]) == []
    assert short(play(density, [Turn(fell_s + rest_s)])) == [(TRIAL, Stage.TRIAL, 1, None)]


def test_a_change_carries_its_evidence() -> None:
    (fell,) = play(Density(LEAST, PATIENCE), [Saw(FOUR, 0.25)])
    assert (fell.layout, fell.because) == (FOUR, wilson(0.25, 4))
    (_, trial) = play(Density(LEAST, PATIENCE), [Saw(PAIR, BAD), Turn(100.0)])
    assert (trial.layout, trial.because) == (None, None)


def test_only_denser_layouts_are_tried() -> None:
    density = Density(LEAST, PATIENCE)
    assert not density.is_tried(FOUR)
    play(density, [Saw(FOUR, BAD), Saw(PAIR, GOOD)])
    assert not density.is_tried(FOUR)
    play(density, [Turn(100.0)])
    assert [density.is_tried(layout) for layout in (ALONE, PAIR, FOUR, NINE)] == [False, False, True, True]


ALLOWED: dict[str, tuple[list[Event], tuple[Layout, ...], tuple[Layout, ...]]] = {
    "no limit": ([], (ALONE, FOUR, NINE), (ALONE, FOUR, NINE)),
    "within the limit": ([Saw(FOUR, BAD)], (ALONE, TALL, PAIR), (ALONE, TALL, PAIR)),
    "some are beyond": ([Saw(FOUR, BAD)], (ALONE, TALL, PAIR, FOUR), (ALONE, TALL, PAIR)),
    "all are beyond": ([Saw(FOUR, BAD)], (FOUR,), STEPS[2]),
    "only alone is left": ([Saw(NINE, BAD)], (ALONE, NINE), STEPS[4]),
    "no grid at all": ([Saw(PAIR, BAD)], (ALONE, TALL, PAIR, FOUR), (ALONE,)),
    "no grid was wanted": ([Saw(FOUR, BAD)], (ALONE,), (ALONE,)),
    "a trial": ([Saw(PAIR, BAD), Turn(100.0)], (ALONE, FOUR), (ALONE, FOUR)),
}


@pytest.mark.parametrize(("events", "layouts", "expected"), ALLOWED.values(), ids=ALLOWED)
def test_layouts_within_the_limit(events: list[Event], layouts: tuple[Layout, ...], expected: tuple[Layout, ...]) -> None:
    density = Density(LEAST, PATIENCE)
    play(density, events)
    assert density.allowed(layouts) == expected


def test_steps_hold_as_many_cells_as_they_say() -> None:
    for cells, layouts in STEPS.items():
        assert {layout.cells for layout in layouts} == {cells}


def test_a_limit_near_one_can_still_be_lifted() -> None:
    changes = play(Density(0.995, PATIENCE), [Saw(PAIR, BAD), Turn(100.0), Saw(PAIR, 1.0, 4, 110.0)])
    assert [change.direction for change in changes] == [SPARSER, TRIAL, DENSER]


events = st.lists(
    st.one_of(
        st.builds(
            Saw, st.sampled_from([PAIR, FOUR, NINE, Layout(5, 5)]), st.sampled_from([0.0, SO_SO, 1.0]), st.integers(1, 9)
        ),
        st.builds(Turn, st.just(1e9)),
    ),
    max_size=40,
)


@given(events)
def test_whatever_happens_limits_are_steps_and_stages_fit_them(story: list[Event]) -> None:
    density = Density(LEAST, Patience(samples=4, rest_s=0.0, most_rest_s=0.0))
    changes = play(density, story)
    for before, after in pairwise([Change(DENSER, Stage.FREE, None, None), *changes]):
        assert after.before == before.cells or after.before in STEPS
        assert after.cells is None or after.cells in STEPS
        if after.stage is Stage.FREE:
            assert after.cells is None
        if after.stage is Stage.LIMITED:
            assert after.cells is not None
        if after.direction is SPARSER:
            assert after.cells is not None
            assert after.before is None or after.cells < after.before
            assert isinstance(after.because, Interval)
    assert density.allowed((ALONE,)) == (ALONE,)
