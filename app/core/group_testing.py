"""Group testing as a pure state machine: answers in, what is asked next and who is cleared out.

    begin                              answered(question, suspects)
      |                                  |- nobody suspected: all of them are cleared; the half that waits is known to be unsafe
      v                                  |- some: the others are cleared; those are halved; the half that waits is asked, too
    Question (a group, or one image)     `- one image alone: its own answer is its end, whatever it says
             `- its sibling waits for     failed: the halves are asked each by itself, nothing is concluded
                the answer                apart: every image alone (an answer that nobody can be sure of)
                                          hurried: those with too little time alone now, the others as before

Laws, checked for all truths of up to 10 images (tests/unit/core/test_group_testing.py): every image ends exactly once, cleared
or asked alone; nobody is cleared but by an answer to a group that it was part of, in which nothing was said against it; a half
is not asked as a group when the other one was clean; what it costs is what `core.group_cost` says.

Whom an answer suspects is not decided here (`core.moderation`): images may have different thresholds, so an answer can speak
against some of a group only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True)
class Question:
    """Images that are asked about at once (one: alone, in its client's own words). `sibling`: the other half of a flagged
    group; what becomes of it depends on the answer. `round`: 1 for a first question.
    """

    ids: tuple[str, ...]
    sibling: tuple[str, ...] = ()
    round: int = 1

    def __post_init__(self) -> None:
        if not self.ids or len({*self.ids, *self.sibling}) != len(self.ids) + len(self.sibling):
            raise ValueError(f"each image stands once in a question: {self}")

    @property
    def is_group(self) -> bool:
        return len(self.ids) > 1


@dataclass(frozen=True, slots=True)
class Step:
    """What follows: questions that can be asked at once, side by side, and images that are cleared."""

    ask: tuple[Question, ...] = ()
    cleared: tuple[str, ...] = ()


def begin(ids: Sequence[str], sizes: Iterable[int]) -> Step:
    """First questions: the images in their order, in groups of these sizes. ValueError where the sizes do not add up."""
    ends = tuple(accumulate(sizes))
    if (ends[-1] if ends else 0) != len(ids):
        raise ValueError(f"groups that end at {ends} for {len(ids)} images")
    return Step(tuple(Question(tuple(ids[start:end])) for start, end in pairwise((0, *ends))))


def answered(question: Question, suspects: Collection[str]) -> Step:
    """After an answer that speaks against `suspects`: an empty one, or images of this question."""
    if not set(suspects) <= set(question.ids):
        raise ValueError("nothing was asked about some of the suspects")
    guilty = tuple(one for one in question.ids if one in suspects)
    innocent = tuple(one for one in question.ids if one not in suspects) if question.is_group else ()
    later = question.round + 1
    halves = _flagged(guilty, later) if guilty and question.is_group else ()
    waiting = _unknown(question.sibling, later) if guilty else _flagged(question.sibling, later)
    return Step((*halves, *waiting), innocent)


def failed(question: Question) -> Step:
    """After no answer: one of several images may have been the cause. A single image ends with its failure."""
    later = question.round + 1
    halves: tuple[Question, ...] = ()
    if question.is_group:
        middle = (len(question.ids) + 1) // 2
        halves = (*_unknown(question.ids[:middle], later), *_unknown(question.ids[middle:], later))
    return Step((*halves, *_unknown(question.sibling, later)))


def given_up(question: Question) -> Step:
    """After a failure that ends all of its images: only the half that waits is still to be asked."""
    return Step(_unknown(question.sibling, question.round + 1))


def apart(question: Question) -> Step:
    """After an answer that cannot be relied on: each image alone, and the half that waits by itself."""
    later = question.round + 1
    return Step((*(Question((one,), round=later) for one in question.ids), *_unknown(question.sibling, later)))


def hurried(question: Question, pressed: Collection[str]) -> Step:
    """Before it is asked: images that will have no time for another round are asked alone now, waiting ones too.

    Where one of the question's own leaves, the rest's being clean would no longer say anything about the half that waits.
    """
    now = question.round
    alone = tuple(Question((one,), round=now) for one in (*question.ids, *question.sibling) if one in pressed)
    ids = tuple(one for one in question.ids if one not in pressed)
    sibling = tuple(one for one in question.sibling if one not in pressed)
    if ids == question.ids:
        return Step((*alone, Question(ids, sibling, now)))
    return Step((*alone, *_unknown(ids, now), *_unknown(sibling, now)))


def released(question: Question) -> Step:
    """A first try has failed, and another one would cost the half that waits its time: both are asked, side by side."""
    later = question.round + 1
    return Step((*_unknown(question.ids, later), *_unknown(question.sibling, later)))


def _unknown(ids: tuple[str, ...], round_: int) -> tuple[Question, ...]:
    return (Question(ids, round=round_),) if ids else ()


def _flagged(ids: tuple[str, ...], round_: int) -> tuple[Question, ...]:
    """Images of which at least one is taken to be unsafe: halved without asking about all of them again. The smaller half is
    asked first; where it is one image, it has to be asked anyway. Of a pair both have to be.
    """
    if len(ids) <= 2:
        return tuple(Question((one,), round=round_) for one in ids)
    middle = len(ids) // 2
    return (Question(ids[:middle], ids[middle:], round_),)
