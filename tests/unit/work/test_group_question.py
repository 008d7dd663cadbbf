"""One question about a whole sheet: everybody on it has its answer, or none."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.core.model import Answer, Failure, Inquiry, Item, Outcome, Release
from app.core.moderation import LEAST_THRESHOLD_UNIT
from app.errors import Kind, Problem
from app.work.group_question import GroupQuestions
from app.work.groups import open_group
from app.work.pixels import PixelPool
from tests.support.moderate_bench import AlarmedProvider, ModerateBench, items, job

ALARM = ("violence", 0.95)
FOUR = ("red", "green", "blue", "yellow")


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


async def ask(provider: AlarmedProvider, pixels: PixelPool, group: tuple[Item, ...]) -> dict[str, Outcome]:
    bench = ModerateBench(provider, pixels)
    work = GroupQuestions(bench.caller, bench.work.sheets, bench.clock)
    await work.answer(open_group("sheet", group, Release.FULL, bench.clock.now_s()), bench.deliver)
    outcomes = bench.by_id()
    assert set(outcomes) == {item.job.id for item in group}
    return outcomes


def least(group: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(
        replace(item, job=replace(item.job, inquiry=Inquiry(item.job.inquiry.feature, min_score_unit=LEAST_THRESHOLD_UNIT)))
        for item in group
    )


async def test_everybody_has_the_sheets_answer_and_a_share_of_its_bill(pixels: PixelPool) -> None:
    provider = AlarmedProvider(alarming={"red": ALARM})
    outcomes = await ask(provider, pixels, least(items(*FOUR)))
    found = [outcome.result.detections for outcome in outcomes.values() if isinstance(outcome.result, Answer)]
    assert len(found) == 4
    assert [[one.label for one in some] for some in found] == [["violence"]] * 4
    assert [outcome.bill.inferences for outcome in outcomes.values()] == [0.25] * 4
    [(_, inquiry)] = provider.asked
    assert inquiry.min_score_unit == LEAST_THRESHOLD_UNIT


async def test_one_by_itself_goes_as_it_is(pixels: PixelPool) -> None:
    [outcome] = (await ask(AlarmedProvider(alarming={"red": ALARM}), pixels, items("red"))).values()
    assert isinstance(outcome.result, Answer)
    assert outcome.result.verbatim is not None


@pytest.mark.parametrize(
    "provider",
    [
        AlarmedProvider(broken=1),  # a group test would not believe it
        AlarmedProvider(poison=frozenset({"red"})),
        AlarmedProvider(script=deque([Problem(Kind.REQUEST_REFUSED, "no such account")])),
    ],
)
async def test_a_sheet_that_gets_no_whole_answer_is_nobodys(pixels: PixelPool, provider: AlarmedProvider) -> None:
    outcomes = await ask(provider, pixels, items(*FOUR))
    assert all(isinstance(outcome.result, Failure) for outcome in outcomes.values())


async def test_an_image_that_does_not_decode_spoils_its_sheet_and_nothing_is_paid(pixels: PixelPool) -> None:
    bad = Item(job("bad", image=b"no image"), waited_s=0.0, time_left_s=30.0)
    outcomes = await ask(provider := AlarmedProvider(), pixels, (*items("red", "blue"), bad))
    assert provider.asked == []
    result = outcomes["red"].result
    assert isinstance(result, Failure)
    assert result.detail == "cannot be decoded: bad"


async def test_a_sheet_that_cannot_be_made_is_nobodys_and_nothing_is_paid(pixels: PixelPool) -> None:
    provider = AlarmedProvider()
    bench = ModerateBench(provider, pixels)
    known = bench.work.sheets.capabilities
    tiny = replace(bench.work.sheets, capabilities=replace(known, max_image_bytes=dict.fromkeys(known.max_image_bytes, 10)))
    group = open_group("sheet", items("red", "blue"), Release.FULL, bench.clock.now_s())
    await GroupQuestions(bench.caller, tiny, bench.clock).answer(group, bench.deliver)
    assert [type(outcome.result) for outcome in bench.by_id().values()] == [Failure, Failure]
    assert provider.asked == []
