"""The run of `calibrate --task classify`: every way to come by an image's labels, over the same photographs.

    labels of the vendor's own operation, alone -> detection alone -> detection on each grid

Labels of a detection are gathered as they are when serving (`core.labels.labels_of`). In: photographs with their truth, and
somebody to ask. Out: `Findings`. Called by the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.calibration.dataset import DatasetError, Photo
from app.calibration.labelling import Judge, Row, never_named, truths_of
from app.calibration.mixing import mean_cost
from app.calibration.runner import Ask, Say, sizes_of
from app.calibration.store import Measured
from app.calibration.tiers import deal
from app.core.labels import labels_of
from app.core.mix import ALONE_TIER, Tier
from app.core.model import Detection

ALONE, DETECTED_ALONE = "alone", "detection alone"

Answers = Mapping[str, Measured]


@dataclass(slots=True)
class Findings:
    """`photos`: those with an answer alone. `images`: by class, as the data set writes it. `threshold_unit`: the best one of
    the reference.
    """

    photos: tuple[Photo, ...]
    rows: list[Row]
    images: Mapping[str, int]
    threshold_unit: float
    notes: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """What all others are compared with."""
        return self.rows[0].name


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `labels` is None where the provider has no operation of its own for labels."""

    tiers: tuple[Tier, ...]
    seed: int
    labels: Ask | None
    objects: Ask


async def go(plan: Plan, photos: Sequence[Photo], say: Say) -> Findings:
    """Raises `measuring.Stopped` where the provider or the money ends; DatasetError where nothing can be measured."""
    ways = await _ways(plan, photos, say)
    first = next(iter(ways.values()))
    kept = tuple(photo for photo in photos if photo.id in first)
    labels = {name: _labels(first | {key: answers[key] for key in answers if key in first}) for name, answers in ways.items()}
    missing = never_named(kept, list(labels.values()))
    truths = truths_of(kept, without=missing)
    if not truths.present.any():
        raise DatasetError("the provider's answers name none of the data set's classes: there is nothing to measure")
    judge = Judge(truths, next(iter(labels.values())), seed=plan.seed)
    rows = [
        judge.row(name, mean_cost({key: ways[name].get(key, first[key]) for key in first}), found, is_first=number == 0)
        for number, (name, found) in enumerate(labels.items())
    ]
    notes = [] if plan.labels else ["the provider has no operation for labels: what detection finds alone is the reference"]
    if missing:
        named = ", ".join(f"{name} ({count})" for name, count in missing.items())
        notes.append(f"left out, for no answer ever names them (photographs): {named}")
    return Findings(kept, rows, {name: count for name, count in truths.images.items() if count}, judge.threshold_unit, notes)


async def _ways(plan: Plan, photos: Sequence[Photo], say: Say) -> dict[str, dict[str, Measured]]:
    """Answers by the name of the way, the reference first."""
    sizes, seed = sizes_of(photos), f"{plan.seed}.0"
    alone = deal(sizes, ALONE_TIER, seed)
    ways: dict[str, dict[str, Measured]] = {}
    if plan.labels is not None:
        ways[ALONE] = await plan.labels(ALONE, alone)
        say(f"{ALONE}: {len(ways[ALONE])} photographs")
    for name, tier in {DETECTED_ALONE: ALONE_TIER, **{str(tier): tier for tier in plan.tiers}}.items():
        ways[name] = await plan.objects(name, deal(sizes, tier, seed))
        say(f"{name}: {len(ways[name])} photographs")
    return ways


def _labels(answers: Answers) -> dict[str, tuple[Detection, ...]]:
    """Of each photograph; a vendor's own labels stay as they are."""
    return {
        name: answer.detections if all(one.box is None for one in answer.detections) else labels_of(answer.detections)
        for name, answer in answers.items()
    }
