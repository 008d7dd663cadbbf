"""Group testing: every truth of up to ten images, and any answers, failures and hurry that hypothesis thinks of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.group_cost import group_cost
from app.core.group_testing import Question, Step, answered, apart, begin, failed, given_up, hurried

LARGEST = 10
PREVALENCES = (0.0, 0.001, 0.03, 0.1, 0.25, 0.5, 0.9, 1.0)


@dataclass(slots=True)
class Course:
    """What happened to some images: answers in their order, and how each image ended."""

    answers: list[tuple[Question, frozenset[str]]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def ends(self) -> list[str]:
        return sorted([*self.cleared, *self.alone, *self.failures])

    def groups(self) -> Iterator[tuple[Question, frozenset[str]]]:
        return ((question, suspects) for question, suspects in self.answers if question.is_group)


def played(first: Step, suspects_of: Callable[[Question], Collection[str]]) -> Course:
    """Ask until nothing is left to ask."""
    course = Course(cleared=[*first.cleared])
    waiting = [*first.ask]
    while waiting:
        question = waiting.pop(0)
        suspects = frozenset(suspects_of(question))
        course.answers.append((question, suspects))
        if not question.is_group:
            course.alone += question.ids
        step = answered(question, suspects)
        course.cleared += step.cleared
        waiting += step.ask
    return course


def names(count: int) -> tuple[str, ...]:
    return tuple("abcdefghijklmnopqrstuvwxyz"[:count])


def truths(ids: Sequence[str]) -> Iterator[frozenset[str]]:
    """Every set of unsafe images."""
    return (frozenset(some) for count in range(len(ids) + 1) for some in itertools.combinations(ids, count))


def partitions(count: int, largest: int) -> Iterator[tuple[int, ...]]:
    """Every way to write `count` as a sum, largest first. (Groups know nothing of each other, so their order is no matter.)"""
    if not count:
        yield ()
    for size in range(min(count, largest), 0, -1):
        yield from ((size, *rest) for rest in partitions(count - size, size))


def of_truth(unsafe: frozenset[str]) -> Callable[[Question], Collection[str]]:
    """A vendor that says of a group only whether anything in it is unsafe: then all of them are suspected."""
    return lambda question: question.ids if unsafe & {*question.ids} else ()


def ids_of(step: Step) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(question.ids, question.sibling) for question in step.ask]


# --- all truths ---


@pytest.mark.parametrize("count", range(LARGEST + 1))
def test_for_every_truth_and_every_first_grouping_each_image_ends_once_and_rightly(count: int) -> None:
    ids = names(count)
    for sizes, unsafe in itertools.product(partitions(count, count), truths(ids)):
        course = played(begin(ids, sizes), of_truth(unsafe))
        assert course.ends == sorted(ids)
        assert unsafe <= {*course.alone}
        assert not unsafe & {*course.cleared}
        assert_no_half_is_asked_in_vain(course)


def assert_no_half_is_asked_in_vain(course: Course) -> None:
    """When one half is clean, the other one is known to be unsafe: asking it as a group would tell nothing."""
    asked = {question.ids for question, _ in course.groups()}
    for question, suspects in course.answers:
        assert len(question.sibling) < 2 or (question.sibling in asked) == bool(suspects)


@pytest.mark.parametrize("count", range(1, LARGEST + 1))
def test_it_takes_as_many_questions_as_the_cost_says(count: int) -> None:
    """Every truth by its probability: exactly the expected cost, not about."""
    ids = names(count)
    questions = [(len(unsafe), len(played(begin(ids, [count]), of_truth(unsafe)).answers)) for unsafe in truths(ids)]
    for prevalence in PREVALENCES:
        expected = sum(prevalence**unsafe * (1 - prevalence) ** (count - unsafe) * asked for unsafe, asked in questions)
        assert group_cost(count, prevalence) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("unsafe", "asked"),
    [
        ("", ["abcde"]),
        ("a", ["abcde", "ab", "a", "b", "cde"]),
        ("c", ["abcde", "ab", "c", "de"]),
        ("e", ["abcde", "ab", "c", "d", "e"]),
        ("ae", ["abcde", "ab", "a", "b", "cde", "c", "d", "e"]),
    ],
)
def test_a_flagged_group_is_halved_smaller_half_first(unsafe: str, asked: list[str]) -> None:
    course = played(begin(names(5), [5]), of_truth(frozenset(unsafe)))
    assert sorted("".join(question.ids) for question, _ in course.answers) == sorted(asked)


@pytest.mark.parametrize("count", range(1, 33))
def test_rounds_are_few(count: int) -> None:
    """A question's round is one more than that of the answer before it; at worst two for each halving."""
    halvings = max(0, count - 1).bit_length()
    worst = 0
    ids = tuple(f"{number}" for number in range(count))
    for unsafe in [frozenset({one}) for one in ids] + [frozenset(ids), frozenset(ids[::2]), frozenset(ids[-2:])]:
        course = played(begin(ids, [count]), of_truth(unsafe))
        worst = max(worst, *(question.round for question, _ in course.answers))
    assert worst <= 1 + 2 * halvings


# --- any suspects ---


@given(count=st.integers(1, LARGEST), data=st.data())
def test_whoever_an_answer_suspects_each_image_ends_once_and_nobody_is_cleared_unasked(count: int, data: st.DataObject) -> None:
    """Clients have thresholds and filters of their own: an answer may speak against any of the images."""

    def suspects_of(question: Question) -> Collection[str]:
        return data.draw(st.sets(st.sampled_from(question.ids)))

    ids = names(count)
    sizes = data.draw(st.sampled_from([*partitions(count, count)]))
    course = played(begin(ids, sizes), suspects_of)
    assert course.ends == sorted(ids)
    assert_cleared_rightly(course)
    for question, suspects in course.answers:
        if not suspects and len(question.sibling) > 1:
            assert question.sibling not in {other.ids for other, _ in course.groups()}


def assert_cleared_rightly(course: Course) -> None:
    for one in course.cleared:
        assert any(one in question.ids and one not in suspects for question, suspects in course.groups())


@given(ids=st.integers(2, LARGEST).map(names), data=st.data())
def test_those_an_answer_does_not_speak_against_are_cleared_with_it(ids: tuple[str, ...], data: st.DataObject) -> None:
    suspects = data.draw(st.sets(st.sampled_from(ids)))
    step = answered(Question(ids), suspects)
    assert {*step.cleared} == {*ids} - suspects
    assert sorted(one for question in step.ask for one in (*question.ids, *question.sibling)) == sorted(suspects)


# --- failures and hurry ---


@st.composite
def mishaps(draw: st.DrawFn, question: Question) -> str:
    """What becomes of a question; a single image's answer is always relied on."""
    return draw(st.sampled_from(["answer", "answer", "fail", "give up", *(["apart"] if question.is_group else [])]))


@given(count=st.integers(1, LARGEST), data=st.data())
def test_whatever_fails_each_image_ends_once_and_nobody_is_cleared_by_it(count: int, data: st.DataObject) -> None:
    ids = names(count)
    course = Course()
    waiting = [*begin(ids, data.draw(st.sampled_from([*partitions(count, count)]))).ask]
    for _ in range(20 * count):
        if not waiting:
            break
        question = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        if data.draw(st.booleans()):
            step = hurried(question, data.draw(st.sets(st.sampled_from([*question.ids, *question.sibling]))))
            question, *others = step.ask
            waiting += others
            assert not step.cleared
        step = suffered(question, course, data)
        course.cleared += step.cleared
        waiting += step.ask
    assert not waiting
    assert course.ends == sorted(ids)
    assert_cleared_rightly(course)


def suffered(question: Question, course: Course, data: st.DataObject) -> Step:
    """One question's fate, written down."""
    fate = data.draw(mishaps(question))
    if fate == "apart":
        return apart(question)
    if fate == "give up":
        course.failures += question.ids
        return given_up(question)
    if fate == "fail":
        course.failures += () if question.is_group else question.ids
        return failed(question)
    suspects = frozenset(data.draw(st.sets(st.sampled_from(question.ids))))
    course.answers.append((question, suspects))
    course.alone += () if question.is_group else question.ids
    return answered(question, suspects)


QUESTION = Question(("a", "b", "c"), ("d", "e", "f"), 2)


def test_after_no_answer_the_halves_are_asked_by_themselves_and_nothing_is_concluded() -> None:
    assert ids_of(failed(QUESTION)) == [(("a", "b"), ()), (("c",), ()), (("d", "e", "f"), ())]
    assert failed(QUESTION).cleared == ()
    assert failed(Question(("a",))) == Step()


def test_after_an_answer_that_nobody_can_be_sure_of_each_image_is_asked_alone() -> None:
    assert ids_of(apart(QUESTION)) == [(("a",), ()), (("b",), ()), (("c",), ()), (("d", "e", "f"), ())]
    assert apart(QUESTION).cleared == ()


def test_after_a_failure_of_all_its_images_only_the_half_that_waits_is_asked() -> None:
    assert ids_of(given_up(QUESTION)) == [(("d", "e", "f"), ())]
    assert given_up(Question(("a", "b"))) == Step()


@pytest.mark.parametrize(
    ("pressed", "asked"),
    [
        ("", [("abc", "def")]),
        ("b", [("b", ""), ("ac", ""), ("def", "")]),  # that a and c are clean says nothing about d, e and f: it may be b
        ("e", [("e", ""), ("abc", "df")]),
        ("abc", [("a", ""), ("b", ""), ("c", ""), ("def", "")]),
        ("def", [("d", ""), ("e", ""), ("f", ""), ("abc", "")]),
        ("abcdef", [(one, "") for one in "abcdef"]),
    ],
)
def test_those_without_time_for_another_round_are_asked_alone_now(pressed: str, asked: list[tuple[str, str]]) -> None:
    step = hurried(QUESTION, set(pressed))
    assert [("".join(ids), "".join(sibling)) for ids, sibling in ids_of(step)] == asked
    assert {question.round for question in step.ask} == {QUESTION.round}
    assert step.cleared == ()


@pytest.mark.parametrize("follow", [failed, apart, given_up, lambda question: answered(question, question.ids)])
def test_what_follows_is_of_the_next_round(follow: Callable[[Question], Step]) -> None:
    assert {question.round for question in follow(QUESTION).ask} == {QUESTION.round + 1}


# --- what makes no sense ---


def test_beginning_with_nothing_asks_nothing() -> None:
    assert begin([], []) == Step()


@pytest.mark.parametrize("sizes", [[2], [4], [1, 1], [3, 1]])
def test_sizes_that_do_not_add_up_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="groups that end"):
        begin(["a", "b", "c"], sizes)


@pytest.mark.parametrize(("ids", "sibling"), [((), ()), ((), ("a",)), (("a", "a"), ()), (("a",), ("a",)), (("a",), ("b", "b"))])
def test_a_question_is_about_images_each_of_them_once(ids: tuple[str, ...], sibling: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="stands once"):
        Question(ids, sibling)


def test_an_answer_cannot_speak_against_images_that_were_not_asked_about() -> None:
    with pytest.raises(ValueError, match="nothing was asked"):
        answered(QUESTION, ["d"])


def test_a_single_image_is_never_cleared_its_own_answer_is_its_end() -> None:
    assert answered(Question(("a",)), []) == answered(Question(("a",)), ["a"]) == Step()
