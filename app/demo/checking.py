"""Is an answer this image's own? The judge of the demo.

In: what an image really shows and what its answer says. Out: a `Verdict` with a mark per box, for the table and the
drawings. Two judges: `judge_exact` for scenes whose objects carry an identity, `judge_alike` for photographs, where the
truth is the same detector's answer to the image alone and a grid honestly changes the detector's view. Called by `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.geometry import UnitBox
from app.demo.truth import Seen, TrueObject, overlap
from app.detectors.markers import CLASSES, marker_id_of

# The smallest object is about 45 px wide on the densest sheet that the scenes are made for; all four edges 2 px off still
# overlap by 0.83. A box mapped with the wrong scale, gutter or cell overlaps far less than 0.8.
EXACT_OVERLAP = 0.8
ALIKE_OVERLAP = 0.5  # the mAP@0.5 rule, by which the paper and the VOC devkit match boxes
ALIKE_MIN_SCORE = 0.5  # below it a detector guesses: such boxes come and go with the slightest change of scale


class Fate(StrEnum):
    """What became of one box."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Mark:
    """One box and its fate. A wrong label without any box has none to draw."""

    label: str
    box: UnitBox | None
    fate: Fate


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every expected object is right or missing; everything else in the answer that should not be there is wrong."""

    marks: tuple[Mark, ...]

    def count(self, fate: Fate) -> int:
        return sum(1 for mark in self.marks if mark.fate is fate)

    @property
    def expected(self) -> int:
        return self.count(Fate.RIGHT) + self.count(Fate.MISSING)


Judge = Callable[[Sequence[TrueObject], Sequence[Seen]], Verdict]


def judge_exact(objects: Sequence[TrueObject], seen: Sequence[Seen]) -> Verdict:
    """Identities decide. Wrong: somebody else's identity, or a box of a class where this image has no such object.

    A label without a box is wrong if it names an identity or a class that is not here. `Outdoors` may be said of any image,
    and what the ancestors of an ancestor are is the vendor's own business.
    """
    own = {thing.label: thing for thing in objects}
    families = {thing.family for thing in objects if thing.family}
    ancestors = {parent for thing in objects for parent in thing.parents}
    marks: list[Mark] = []
    for label, thing in own.items():
        marks += _identity_marks(thing, [one for one in seen if one.label == label])
    for family in sorted(families):
        claims = [one for one in seen if one.label == family and one.box is not None]
        marks += _family_marks([thing for thing in objects if thing.family == family], claims)
    named = own.keys() | families
    strangers = [one for one in seen if one.label not in named and (one.box is not None or _betrays(one.label, ancestors))]
    return Verdict((*marks, *(Mark(one.label, one.box, Fate.WRONG) for one in strangers)))


def _betrays(label: str, ancestors: set[str]) -> bool:
    """Whether only an object that is not in this image can have brought this label in."""
    return label not in ancestors and (marker_id_of(label) is not None or label in {kind.name for kind in CLASSES})


def _identity_marks(thing: TrueObject, claims: Sequence[Seen]) -> list[Mark]:
    """The best claim is right when it is in place; with none in place the object is missing. Every further claim is wrong."""
    placed = sorted(
        ((overlap(thing.box, one.box), one) for one in claims if one.box is not None), key=lambda pair: pair[0], reverse=True
    )
    if not placed or placed[0][0] < EXACT_OVERLAP:
        verdict = Mark(thing.label, thing.box, Fate.MISSING)
    else:
        verdict = Mark(thing.label, placed[0][1].box, Fate.RIGHT)
    return [verdict, *(Mark(one.label, one.box, Fate.WRONG) for _, one in placed[1:])]


def _family_marks(things: Sequence[TrueObject], claims: Sequence[Seen]) -> list[Mark]:
    """A class may list the boxes of this image's own objects of the class, each once. Anything else is wrong."""
    pairs = match(things, claims, EXACT_OVERLAP)
    taken = {claim for _, claim in pairs}
    return [Mark(one.label, one.box, Fate.WRONG) for index, one in enumerate(claims) if index not in taken]


def judge_alike(objects: Sequence[TrueObject], seen: Sequence[Seen]) -> Verdict:
    """Same label, overlap of at least a half, each box once, the surest first. Wrong: the lone answer has no such box."""
    sure = sorted((one for one in seen if one.box is not None and one.score_unit >= ALIKE_MIN_SCORE), key=_surest_first)
    marks: list[Mark] = []
    for label in sorted({thing.label for thing in objects} | {one.label for one in sure}):
        marks += _alike_marks([t for t in objects if t.label == label], [one for one in sure if one.label == label])
    return Verdict(tuple(marks))


def _surest_first(one: Seen) -> float:
    return -one.score_unit


def _alike_marks(things: Sequence[TrueObject], claims: Sequence[Seen]) -> list[Mark]:
    pairs = match(things, claims, ALIKE_OVERLAP)
    found, taken = {thing for thing, _ in pairs}, {claim for _, claim in pairs}
    right = [Mark(claims[claim].label, claims[claim].box, Fate.RIGHT) for _, claim in pairs]
    missing = [Mark(one.label, one.box, Fate.MISSING) for index, one in enumerate(things) if index not in found]
    wrong = [Mark(one.label, one.box, Fate.WRONG) for index, one in enumerate(claims) if index not in taken]
    return [*right, *missing, *wrong]


def match(things: Sequence[TrueObject], claims: Iterable[Seen], least_overlap: float) -> list[tuple[int, int]]:
    """Pairs (thing, claim) by index: each claim in turn takes the free thing it covers best, if it covers it enough."""
    free = set(range(len(things)))
    pairs: list[tuple[int, int]] = []
    for number, claim in enumerate(claims):
        if claim.box is None or not free:
            continue
        best = max(sorted(free), key=lambda index: overlap(things[index].box, claim.box or things[index].box))
        if overlap(things[best].box, claim.box) >= least_overlap:
            free.remove(best)
            pairs.append((best, number))
    return pairs
