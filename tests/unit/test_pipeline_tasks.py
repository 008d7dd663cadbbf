"""Admission of the paper's other two tasks: labels by detection or alone, groups by the share of unsafe images."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from app.core.geometry import UnitBox
from app.core.model import ALONE, Answer, Bypass, Detection, Feature, Inquiry, Outcome, Task
from app.pipeline import Policy
from app.wire.contract import InlineImage, Wishes
from app.work.grouping import Groups
from app.work.pixels import PixelPool
from tests.support.colours import painted
from tests.support.front_half import POLICY, Front, call, front, only, with_budget
from tests.support.intakes import GRID_BILL, FakeIntake
from tests.support.moderate_bench import AlarmedProvider, FixedEstimates

LABELS = call(inquiries=(Inquiry(Feature.LABELS, min_score_unit=0.5),), operation="classify")
MODERATE = call(inquiries=(Inquiry(Feature.MODERATION, min_score_unit=0.5),), operation="moderate")
GRIDS = replace(POLICY, label_grids=frozenset({"native"}))
LEFT, RIGHT = UnitBox(0.0, 0.0, 0.4, 1.0), UnitBox(0.6, 0.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


def moderating(
    pixels: PixelPool, prevalence: float, *, policy: Policy = POLICY, largest: int = 9
) -> tuple[Front, FixedEstimates]:
    estimates = FixedEstimates(prevalence)
    provider = AlarmedProvider(alarming={"red": ("violence", 0.9)})
    return front(pixels, policy=policy, groups=Groups(estimates, largest), provider=provider), estimates


async def test_labels_of_a_grid_are_gathered_from_what_was_detected(pixels: PixelPool) -> None:
    intake = FakeIntake()
    found = front(pixels, intake=intake, policy=GRIDS)
    dogs = tuple(Detection(Feature.OBJECTS, "Dog", score, box) for score, box in ((0.7, LEFT), (0.9, RIGHT)))
    cat = Detection(Feature.OBJECTS, "Cat", 0.8, LEFT)
    faint = tuple(Detection(Feature.OBJECTS, name, 0.49, LEFT) for name in ("Cat", "Bird"))  # a neighbour asked for less
    answering = asyncio.create_task(found.pipeline.answer(LABELS, "request"))
    await intake.arrived.wait()
    (job,) = intake.jobs.values()
    assert (job.lane.task, job.lane.feature, job.lane.capacity) == (Task.CLASSIFY, Feature.LABELS, 2)
    intake.futures[job.id].set_result(Outcome(job.id, Answer((*dogs, cat, *faint)), GRID_BILL))
    result = only((await answering).outcomes).result
    assert isinstance(result, Answer)
    assert [(label.label, label.score_unit, label.fields["count"]) for label in result.detections] == [
        ("Dog", 0.9, 2),
        ("Cat", 0.8, 1),
    ]
    assert {label.feature for label in result.detections} == {Feature.LABELS}


async def test_labels_of_a_vendors_front_go_alone_unless_the_operator_wants_them_in_grids(pixels: PixelPool) -> None:
    found = front(pixels, policy=GRIDS)
    outcome = only((await found.pipeline.answer(replace(LABELS, endpoint="google"), "request")).outcomes)
    assert found.tally.bypasses == [Bypass.SETTING]
    assert outcome.bill.layout == ALONE
    (_, asked), *_ = found.provider.asked
    assert asked.feature is Feature.LABELS


async def test_a_group_is_as_large_as_the_share_of_unsafe_images_allows(pixels: PixelPool) -> None:
    for prevalence, cells in ((0.001, 9), (0.1, 6), (0.2, 3)):
        found, _ = moderating(pixels, prevalence)
        await found.pipeline.answer(MODERATE, "request")
        (job,) = found.intake.jobs.values()
        assert (job.lane.task, job.lane.capacity) == (Task.MODERATE, cells)


async def test_where_many_are_unsafe_each_goes_alone_and_is_learned_from(pixels: PixelPool) -> None:
    found, estimates = moderating(pixels, 0.4)
    red = only((await found.pipeline.answer(MODERATE, "request")).outcomes)
    green = replace(MODERATE, source=InlineImage(painted("green")))
    await found.pipeline.answer(green, "request")
    assert found.tally.bypasses == [Bypass.PREVALENCE] * 2
    assert found.tally.paid_kinds == ["single"] * 2
    assert estimates.told == [(1, 1), (1, 0)]
    assert isinstance(red.result, Answer)
    assert [detection.label for detection in red.result.detections] == ["violence"]


async def test_who_accepts_no_loss_is_in_no_group(pixels: PixelPool) -> None:
    careful, _ = moderating(pixels, 0.001)
    await careful.pipeline.answer(replace(MODERATE, wishes=Wishes(max_map_drop=0.0)), "request")
    operator, _ = moderating(pixels, 0.001, policy=with_budget(max_map_drop=0.0))
    await operator.pipeline.answer(MODERATE, "request")
    assert careful.tally.bypasses == operator.tally.bypasses == [Bypass.BUDGET]


async def test_without_groups_everybody_goes_alone(pixels: PixelPool) -> None:
    found = front(pixels)
    await found.pipeline.answer(MODERATE, "request")
    assert found.tally.bypasses == [Bypass.SETTING]


async def test_the_layouts_for_detection_say_nothing_about_groups(pixels: PixelPool) -> None:
    found, _ = moderating(pixels, 0.001, policy=with_budget(fixed_layouts=(ALONE,)))
    await found.pipeline.answer(MODERATE, "request")
    (job,) = found.intake.jobs.values()
    assert job.lane.capacity == 9


async def test_images_of_one_stream_are_known_however_they_are_packed(pixels: PixelPool) -> None:
    rare, _ = moderating(pixels, 0.001)
    often, _ = moderating(pixels, 0.2)
    for found in (rare, often):
        await found.pipeline.answer(MODERATE, "request")
    (one,), (other,) = rare.intake.jobs.values(), often.intake.jobs.values()
    assert one.lane.key != other.lane.key
    assert one.lane.stream == other.lane.stream


def transparent() -> bytes:
    buffer = BytesIO()
    Image.new("RGBA", (160, 120), (220, 20, 20, 0)).save(buffer, "PNG")
    return buffer.getvalue()


async def test_what_looks_different_on_a_sheet_is_moderated_alone(pixels: PixelPool) -> None:
    """Red, and transparent: on a sheet it would be white."""
    found, _ = moderating(pixels, 0.001)
    asked = replace(MODERATE, source=InlineImage(transparent()))
    outcome = only((await found.pipeline.answer(asked, "request")).outcomes)
    assert found.tally.bypasses == [Bypass.TRANSPARENT]
    assert isinstance(outcome.result, Answer)
    assert [detection.label for detection in outcome.result.detections] == ["violence"]
    both = replace(asked, inquiries=(Inquiry(Feature.OBJECTS), *MODERATE.inquiries))
    await found.pipeline.answer(both, "request")
    assert found.tally.bypasses == [Bypass.TRANSPARENT] * 2
