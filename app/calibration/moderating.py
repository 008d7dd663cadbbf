"""The run of `calibrate --task moderate`: every photograph alone, then groups of growing size.

In: photographs that people have labelled, and somebody to ask. Out: `Findings`: for each size what was seen, and the margin
that its groups are to be asked at. Called by the command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.calibration.dataset import DatasetError
from app.calibration.group_dealing import deal_groups, quiet_neighbours
from app.calibration.group_scoring import (
    MARGINS,
    THRESHOLDS,
    Chosen,
    SeenSheet,
    choose_margin,
    is_flagged,
    largest_advised,
)
from app.calibration.labelled import Labelled
from app.calibration.measuring import PlannedSheet
from app.calibration.runner import Ask, Say, sizes_of
from app.calibration.store import Measured
from app.calibration.tiers import deal
from app.core.mix import ALONE_TIER


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `answers_of`: what is stored of one sheet, by photograph; empty where it got no answer.

    `largest`: the operator's own largest group, for the advice.
    """

    sizes: tuple[int, ...]
    seed: int
    least_share: float
    largest: int
    ask: Ask
    answers_of: Callable[[PlannedSheet], Mapping[str, Measured]]


@dataclass(frozen=True, slots=True)
class Group:
    """Groups of one size: what was seen on their sheets, and the margin that follows."""

    size: int
    sheets: tuple[SeenSheet, ...]
    chosen: Chosen


@dataclass(slots=True)
class Findings:
    """`alone`: the best score of each photograph alone; `unsafe`: which of them people call so."""

    alone: Mapping[str, float]
    unsafe: frozenset[str]
    groups: list[Group] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    advised: int = 1


async def go(plan: Plan, labelled: Labelled, say: Say) -> Findings:
    """Raises `measuring.Stopped` where the provider or the money ends; DatasetError where nothing can be measured."""
    answers = await plan.ask("alone", deal(sizes_of(labelled.dataset.photos), ALONE_TIER, f"{plan.seed}.0"))
    alone = {name: best_score(answer) for name, answer in answers.items()}
    found = Findings(alone, labelled.unsafe & alone.keys())
    say(f"alone: {len(alone)} photographs")
    if not any(is_flagged(alone[name], THRESHOLDS[0]) for name in found.unsafe):
        raise DatasetError(
            f"the provider flags none of the {len(found.unsafe)} unsafe photographs alone (at {THRESHOLDS[0]:g}): "
            "there is nothing that a group could miss"
        )
    for size in plan.sizes:
        await _measure(plan, found, size, say)
    if not found.groups:
        raise DatasetError(f"no group could be measured: {'; '.join(found.notes)}")
    _advise(plan, found)
    return found


def best_score(answer: Measured) -> float:
    return max((one.score_unit for one in answer.detections), default=0.0)


async def _measure(plan: Plan, found: Findings, size: int, say: Say) -> None:
    safe = sorted(found.alone.keys() - found.unsafe)
    if len(safe) < size:
        found.notes.append(f"groups of {size} were not measured: they need {size} safe photographs, there are {len(safe)}")
        return
    neighbours, are_quiet = quiet_neighbours(found.alone, safe, size)
    if not are_quiet:
        found.notes.append(f"groups of {size}: some neighbours score by themselves, so what was found may be theirs")
    sheets = deal_groups(size, sorted(found.unsafe), neighbours, safe, f"{plan.seed}.0")
    await plan.ask(f"groups of {size}", [sheet for sheet, _ in sheets])
    seen = _seen(plan, sheets)
    if len(seen) < len(sheets):
        found.notes.append(f"groups of {size}: {len(sheets) - len(seen)} of {len(sheets)} sheets got no answer")
    chosen = choose_margin(seen, found.alone, plan.least_share)
    if chosen is None:
        found.notes.append(f"groups of {size}: no sheet with a photograph that is flagged alone got an answer")
        return
    found.groups.append(Group(size, tuple(seen), chosen))
    say(f"groups of {size}: {len(seen)} sheets, margin {chosen.margin:.2f}{'' if chosen.is_enough else ', not enough'}")


def _seen(plan: Plan, sheets: Sequence[tuple[PlannedSheet, str | None]]) -> list[SeenSheet]:
    """Sheets that were answered; all photographs of one have the same answer, the sheet's."""
    seen = []
    for sheet, unsafe in sheets:
        answers = plan.answers_of(sheet)
        if answers:
            seen.append(SeenSheet(max(map(best_score, answers.values())), unsafe))
    return seen


def _advise(plan: Plan, found: Findings) -> None:
    chosen = {group.size: group.chosen for group in found.groups}
    found.advised = largest_advised(chosen)
    lacking = [size for size, one in chosen.items() if not one.is_enough]
    if lacking:
        sizes = ", ".join(map(str, lacking))
        found.notes.append(
            f"WARNING: no margin up to {MARGINS[-1]:g} reaches a sensitivity of {plan.least_share:g} in groups of {sizes}: "
            f"set TESSERA_MODERATE_GROUP to {found.advised} at most"
        )
    elif plan.largest > found.advised:
        found.notes.append(
            f"groups above {found.advised} were not measured: the careful default margins hold for them; "
            f"TESSERA_MODERATE_GROUP={found.advised} keeps to what was"
        )
