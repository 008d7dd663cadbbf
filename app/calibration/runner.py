"""The run of a calibration, stage by stage: what is sent, what is learned, which mixes come of it.

    alone -> paper's grids -> fixed grids -> (scout looks, cropped grids, forest) -> mixes really regrouped -> rows and mixes

Each stage asks the provider for sheets that no run has paid for before, and adds rows. In: a `Measurer`, the photographs, a
scout's looks. Out: `Findings`. Called by `command`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.calibration.bootstrap import Resampled
from app.calibration.dataset import DatasetError, Photo, has_countable_truth
from app.calibration.fitting import Rows, TooFewImages, fit, foreseen
from app.calibration.measuring import PlannedSheet
from app.calibration.mixing import Assignment, assign_at_cost, doubt_threshold, escalated, mean_cost
from app.calibration.scoring import Accuracy, evaluate, image_loss, taken_for_truth, unanswered
from app.calibration.store import Measured
from app.calibration.tiers import CROPPED_DEALS, PAPER, SCOUTED, deal
from app.core.calibration import Foresight
from app.core.geometry import PixelBox, Size
from app.core.mix import ALL_ALONE, ALONE_TIER, Escalation, Expected, Mix, Tier
from app.core.model import Detection
from app.core.scouting import Glimpse, figures, region

Answers = Mapping[str, Measured]
# Mixes between those that are really regrouped, at these costs, are judged from the stored grids.
COSTS = tuple(round(0.2 + 0.05 * step, 2) for step in range(16))
ESCALATED_SHARES = (0.1, 0.25)

# What a mix is expected to cost and lose before it was scored.
UNKNOWN = Expected(1.0, 0.0)

Ask = Callable[[str, Sequence[PlannedSheet]], Awaitable[dict[str, Measured]]]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One way to send the photographs, and what came of it. `kind`: alone, paper, fixed, cropped, escalation, scout."""

    kind: str
    accuracy: Accuracy
    mix: Mix
    is_regrouped: bool = True

    @property
    def name(self) -> str:
        return self.mix.name

    @property
    def cost(self) -> float:
        return self.mix.expected.cost

    @property
    def drop(self) -> float:
        return self.mix.expected.drop


@dataclass(slots=True)
class Findings:
    """What a run found. `photos`: those with an answer alone, with the truth that all is measured against."""

    photos: tuple[Photo, ...] = ()
    rows: list[Row] = field(default_factory=list)
    foresight: Foresight | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def mixes(self) -> tuple[Mix, ...]:
        """Everything that a budget may choose from; a scouted mix that was regrouped stands for its estimate."""
        by_name = {row.mix.name: row.mix for row in sorted(self.rows, key=lambda row: row.is_regrouped)}
        return tuple(mix for mix in by_name.values() if mix.name != ALL_ALONE.name)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator wants measured."""

    tiers: tuple[Tier, ...]
    costs: tuple[float, ...]
    seed: int
    has_truth: bool
    scout: str = ""


class Run:
    """One calibration; `go` once."""

    def __init__(self, plan: Plan, photos: Sequence[Photo], looks: Mapping[str, Glimpse], ask: Ask, say: Say) -> None:
        self._plan = plan
        self._given = photos
        self._looks = looks
        self._ask = ask
        self._say = say
        self._views = views_of(looks)
        self._alone: Answers = {}
        self._resampled: Resampled | None = None
        self._found = Findings()

    async def go(self) -> Findings:
        """Raises `measuring.Stopped` where the provider or the money ends; what was paid is in the store then."""
        await self._measure_alone()
        for tier in PAPER:
            await self._measure_fixed(tier, "paper")
        for tier in self._plan.tiers:
            await self._measure_fixed(tier, "fixed")
        if self._looks:
            await self._scout()
        return self._found

    async def _measure_alone(self) -> None:
        self._alone = await self._ask("1x1", deal(sizes_of(self._given), ALONE_TIER, self._seed(0)))
        answered = [photo for photo in self._given if photo.id in self._alone]
        if not self._plan.has_truth:
            answered = list(taken_for_truth(answered, detections(self._alone)))
        self._found.photos = self._with_known_classes(answered)
        self._resampled = Resampled(self._found.photos, detections(self._alone), seed=self._plan.seed)
        self._add("alone", self._alone, ALL_ALONE)

    def _with_known_classes(self, photos: Sequence[Photo]) -> tuple[Photo, ...]:
        """Without the truths of classes that no answer ever names: they would count as lost in every row, and hide the drop."""
        missing = unanswered(photos, detections(self._alone))
        if not missing:
            return tuple(photos)
        named = ", ".join(f"{name} ({count})" for name, count in missing.items())
        self._found.notes.append(f"left out, for no answer ever names them (objects): {named}")
        self._say(f"  {self._found.notes[-1]}")
        kept = [replace(photo, truths=tuple(one for one in photo.truths if one.label not in missing)) for photo in photos]
        if not has_countable_truth(kept):
            raise DatasetError("the provider's answers name none of the data set's classes: there is nothing to measure")
        return tuple(kept)

    async def _measure_fixed(self, tier: Tier, kind: str) -> None:
        answers = await self._ask(str(tier), deal(self._sizes(), tier, self._seed(0)))
        answers = self._only_measured(answers)
        self._add(kind, answers, Mix(str(tier), (tier,), UNKNOWN))
        if kind == "fixed":
            self._escalate(tier, answers)

    def _escalate(self, tier: Tier, answers: Answers) -> None:
        """What asking again those of most doubt would have given: both answers are there already."""
        for share in ESCALATED_SHARES:
            threshold = doubt_threshold(answers, share)
            again = escalated(answers, self._alone, threshold)
            name = f"{tier} + {share:.0%} alone"
            mix = Mix(name, (tier,), UNKNOWN, escalation=Escalation(threshold, share))
            self._add("escalation", again, mix)

    async def _scout(self) -> None:
        """Cropped grids, what they lose by image, the forest, and mixes at the wanted costs."""
        seen = [photo for photo in self._found.photos if photo.id in self._looks]
        grids = [await self._cropped(tier) for tier in SCOUTED]
        losses = self._losses(seen, grids)
        rows = np.array([figures(self._looks[photo.id]) for photo in seen])
        try:
            expected = foreseen(rows, losses, seed=self._plan.seed)
            forest = fit(rows, losses, seed=self._plan.seed)
        except TooFewImages as error:
            self._found.notes.append(f"no scouted mixes: {error}")
            return
        self._found.foresight = Foresight(self._plan.scout, SCOUTED, forest)
        by_photo = {photo.id: tuple(row) for photo, row in zip(seen, expected.tolist(), strict=True)}
        for cost in sorted({*COSTS, *self._plan.costs}):
            assignment = assign_at_cost(by_photo, SCOUTED, cost)
            if cost in self._plan.costs:
                await self._regroup(cost, assignment)
            else:
                self._estimate(cost, assignment, grids)

    async def _cropped(self, tier: Tier) -> list[Answers]:
        """The answers of this tier, once for each deal."""
        if tier.is_alone:
            return [self._alone] * CROPPED_DEALS
        deals: list[Answers] = []
        for number in range(CROPPED_DEALS):
            sheets = deal(self._sizes(), tier, self._seed(number), self._views)
            deals.append(self._only_measured(await self._ask(str(tier), sheets)))
        self._add("cropped", deals[0], Mix(str(tier), (tier,), UNKNOWN))
        return deals

    def _losses(self, seen: Sequence[Photo], grids: Sequence[Sequence[Answers]]) -> Rows:
        """Photographs x tiers, the mean over the deals in which the photograph was answered."""
        table = np.zeros((len(seen), len(grids)))
        for row, photo in enumerate(seen):
            alone = self._alone[photo.id].detections
            for column, deals in enumerate(grids):
                if SCOUTED[column].is_alone:
                    continue
                losses = [image_loss(photo, alone, answers[photo.id].detections) for answers in deals if photo.id in answers]
                table[row, column] = float(np.mean(losses)) if losses else 0.0
        return table

    async def _regroup(self, cost: float, assignment: Assignment) -> None:
        """The mix as it would be sent: images of one tier share sheets with each other only."""
        answers: dict[str, Measured] = {}
        sizes = self._sizes()
        for number, tier in enumerate(SCOUTED):
            members = assignment.members(number)
            if members:
                answers.update(
                    await self._ask(
                        f"mix at {cost:.2f}", deal({name: sizes[name] for name in members}, tier, self._seed(0), self._views)
                    )
                )
        self._add_mix(cost, assignment, self._only_measured(answers), is_regrouped=True)

    def _estimate(self, cost: float, assignment: Assignment, grids: Sequence[Sequence[Answers]]) -> None:
        """The mix from the grids that are there: neighbours are of all tiers, costs those of full sheets."""
        picked = assignment.pick([deals[0] for deals in grids])
        answers = {
            name: Measured(answer.detections, assignment.tiers[assignment.by_photo[name]].cost)
            for name, answer in picked.items()
        }
        self._add_mix(cost, assignment, answers, is_regrouped=False)

    def _add_mix(self, cost: float, assignment: Assignment, answers: Answers, *, is_regrouped: bool) -> None:
        mix = Mix(f"scout at {cost:.2f}", SCOUTED, UNKNOWN, assignment.trade)
        self._add("scout", answers, mix, is_regrouped=is_regrouped)

    def _add(self, kind: str, answers: Answers, mix: Mix, *, is_regrouped: bool = True) -> None:
        """Score, say, keep. Photographs without an answer here count as they were answered alone, and are paid so."""
        whole = {**{name: self._alone[name] for name in self._names()}, **answers}
        accuracy = evaluate(self._found.photos, detections(whole))
        expected = Expected(mean_cost(whole), *self._drop(kind, accuracy, whole))
        self._found.rows.append(Row(kind, accuracy, replace(mix, expected=expected), is_regrouped))
        measured = f"{expected.cost:5.3f} inferences per image   mAP@0.5 {accuracy.map50:.3f}   drop {expected.drop:+.3f}"
        self._say(f"{mix.name:<24} {measured} [{expected.low:+.3f}, {expected.high:+.3f}]")

    def _drop(self, kind: str, accuracy: Accuracy, whole: Answers) -> tuple[float, float, float]:
        """Against the photographs alone, with its interval."""
        if kind == "alone" or self._resampled is None:
            return 0.0, 0.0, 0.0
        interval = self._resampled.drop(detections(whole))
        return self._found.rows[0].accuracy.map50 - accuracy.map50, interval.low, interval.high

    def _names(self) -> list[str]:
        return [photo.id for photo in self._found.photos]

    def _sizes(self) -> dict[str, Size]:
        return sizes_of(self._found.photos)

    def _only_measured(self, answers: Answers) -> dict[str, Measured]:
        """Without photographs that got no answer alone: there is nothing to compare them with."""
        return {name: answer for name, answer in answers.items() if name in self._alone}

    def _seed(self, number: int) -> str:
        return f"{self._plan.seed}.{number}"


def detections(answers: Answers) -> dict[str, tuple[Detection, ...]]:
    """Without the bills."""
    return {name: answer.detections for name, answer in answers.items()}


def sizes_of(photos: Iterable[Photo]) -> dict[str, Size]:
    """Upright sizes by id, as `deal` takes them."""
    return {photo.id: photo.picture.upright for photo in photos}


def views_of(looks: Mapping[str, Glimpse]) -> dict[str, PixelBox]:
    """What a cropping tier shows, by id; without photographs that it shows whole."""
    return {name: shown for name, look in looks.items() if (shown := region(look)) is not None}
