"""A group of images costs one inference, everybody gets their own findings, and a bad neighbour costs nobody an answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.core.geometry import PixelBox, Size, UnitBox
from app.core.model import ALONE, Answer, Failure, GridMode, Item, Outcome, Picture, Release
from app.errors import Kind, Problem
from app.providers.calling import LeaseLost
from app.work.groups import open_group
from app.work.pixels import PixelPool
from tests.support.colours import COLOURS, LANDSCAPE, ColourProvider, painted
from tests.support.detect_bench import Bench, items, job

# Pixels of a scaled flat image at its border may be blended with the gutter: about one sheet pixel of some 400.
EDGE = 0.02


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(2)
    yield pool
    pool.close()


def labels(outcome: Outcome) -> list[str]:
    assert isinstance(outcome.result, Answer), outcome
    return [detection.label for detection in outcome.result.detections]


def covers_all(box: UnitBox | None) -> bool:
    return box is not None and max(box.left, box.top, 1 - box.right, 1 - box.bottom) <= EDGE


async def answer(bench: Bench, group: tuple[Item, ...]) -> dict[str, Outcome]:
    await bench.work.answer(open_group("sheet", group, Release.FULL, bench.clock.now_s()), bench.deliver)
    outcomes = bench.by_id()
    assert set(outcomes) == {item.job.id for item in group}
    return outcomes


async def test_four_images_cost_one_inference_and_everyone_gets_their_own(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    outcomes = await answer(bench, items("red", "green", "blue", "yellow"))
    for colour, outcome in outcomes.items():
        assert labels(outcome) == [colour]
        assert isinstance(outcome.result, Answer)
        assert covers_all(outcome.result.detections[0].box)
        assert (str(outcome.bill.layout), outcome.bill.inferences, outcome.bill.release) == ("2x2", 0.25, Release.FULL)
    assert bench.tally.paid_kinds == ["grid"]
    assert bench.tally.sheets == [("2x2", "full", 4)]
    assert bench.tally.fates == {"kept": 4, "seam": 0, "gutter": 0}


@given(order=st.permutations(list(COLOURS)[:4]), tall=st.lists(st.booleans(), min_size=4, max_size=4))
async def test_permuting_the_jobs_permutes_the_answers(order: list[str], tall: list[bool]) -> None:
    pool = PixelPool(1)
    try:
        bench = Bench(ColourProvider(), pool)
        shapes = [Size(120, 200) if upright else Size(200, 120) for upright in tall]
        group = tuple(Item(job(colour, size=size), 0.0, 30.0) for colour, size in zip(order, shapes, strict=True))
        outcomes = await answer(bench, group)
        assert all(labels(outcome) == [colour] for colour, outcome in outcomes.items())
    finally:
        pool.close()


def half_and_half() -> bytes:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (LANDSCAPE.width_px, LANDSCAPE.height_px), COLOURS["red"])
    picture.paste(COLOURS["blue"], (LANDSCAPE.width_px // 2, 0, LANDSCAPE.width_px, LANDSCAPE.height_px))
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("mode", GridMode)
async def test_a_sheet_shows_the_views_in_the_lanes_own_mode(pixels: PixelPool, mode: GridMode) -> None:
    bench = Bench(ColourProvider(), pixels)
    viewed = replace(job("red", image=half_and_half()), view=PixelBox(80, 30, 160, 90))
    lane = replace(viewed.lane, mode=mode)
    group = tuple(Item(replace(one, lane=lane), 0.0, 30.0) for one in (viewed, job("green")))
    outcomes = await answer(bench, group)
    assert labels(outcomes["green"]) == ["green"]
    assert labels(outcomes["red"]) == ["blue"]
    assert isinstance(result := outcomes["red"].result, Answer)
    assert isinstance(box := result.detections[0].box, UnitBox)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0.5, 0.25, 1.0, 0.75), abs=EDGE)
    (size, _) = bench.provider.asked[0]
    assert (size == Size(500, 750)) is (mode is GridMode.PAPER)


async def test_an_image_that_is_sent_alone_is_sent_whole(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    viewed = replace(job("red", image=half_and_half()), view=PixelBox(80, 30, 160, 90))
    outcome = (await answer(bench, (Item(viewed, 0.0, 30.0),)))["red"]
    assert bench.provider.images == [half_and_half()]
    assert labels(outcome) == ["red", "blue"]


async def test_a_single_image_is_sent_as_its_own_bytes(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    outcome = (await answer(bench, items("red")))["red"]
    assert bench.provider.images == [painted("red")]
    assert (outcome.bill.layout, outcome.bill.inferences) == (ALONE, 1.0)
    assert isinstance(outcome.result, Answer)
    assert (outcome.result.verbatim, outcome.result.verbatim_vendor) == (b"{}", "rekognition")


async def test_a_format_that_the_vendor_does_not_read_is_re_encoded_when_alone(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    webp = replace(job("red", image=painted("red", format="WEBP")), picture=Picture("webp", Size(160, 120)))
    assert labels((await answer(bench, (Item(webp, 0.0, 30.0),)))["red"]) == ["red"]
    assert bench.provider.images[0][:4] != b"RIFF"


@pytest.mark.parametrize("bad", list(COLOURS)[:4])
async def test_a_refused_sheet_is_halved_until_the_bad_image_is_alone(bad: str, pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(poison=frozenset({bad})), pixels)
    outcomes = await answer(bench, items(*list(COLOURS)[:4]))
    for colour, outcome in outcomes.items():
        if colour == bad:
            assert isinstance(outcome.result, Failure)
            assert outcome.result.kind is Kind.IMAGE_REFUSED
            assert outcome.bill.inferences == 0
        else:
            assert labels(outcome) == [colour]
    assert bench.tally.paid_kinds.count("grid") == 1  # the good half
    assert bench.tally.paid_kinds.count("single") == 1  # the bad one's neighbour


async def test_an_answer_that_was_cut_off_is_asked_again_in_halves_and_all_of_it_is_billed(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(cap=2), pixels)
    outcomes = await answer(bench, items("red", "green", "blue", "yellow"))
    assert all(labels(outcome) == [colour] for colour, outcome in outcomes.items())
    assert bench.tally.paid_kinds == ["grid"] * 3
    assert sum(outcome.bill.inferences for outcome in outcomes.values()) == 3
    assert all(outcome.bill.layout.cells == 2 for outcome in outcomes.values()), "the answered sheet's layout is told"


async def test_findings_without_geometry_belong_to_nobody_and_each_image_is_asked_alone(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(boxless=frozenset({"green"})), pixels)
    outcomes = await answer(bench, items("red", "green"))
    assert {colour: labels(outcome) for colour, outcome in outcomes.items()} == {"red": ["red"], "green": ["green"]}
    assert bench.tally.paid_kinds == ["grid", "single", "single"]
    assert [outcome.bill.inferences for outcome in outcomes.values()] == [1.5, 1.5]
    assert [outcome.bill.layout for outcome in outcomes.values()] == [ALONE, ALONE]


async def test_a_finding_that_cannot_be_read_may_be_anybody_s_and_each_image_is_asked_alone(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(broken=1), pixels)
    outcomes = await answer(bench, items("red", "green"))
    assert {colour: labels(outcome) for colour, outcome in outcomes.items()} == {"red": ["red"], "green": ["green"]}
    assert bench.tally.paid_kinds == ["grid", "single", "single"]


@pytest.mark.parametrize("trip", [Kind.PROVIDER_UNAVAILABLE, Kind.PROVIDER_GARBLED])
async def test_an_image_that_the_vendor_trips_over_takes_no_neighbour_along(trip: Kind, pixels: PixelPool) -> None:
    """It would have answered the others, had they come alone."""
    bench = Bench(ColourProvider(tripping=frozenset({"green"}), trip=trip), pixels)
    outcomes = await answer(bench, items(*list(COLOURS)[:4]))
    assert {colour: labels(outcome) for colour, outcome in outcomes.items()} == {
        colour: [colour] for colour in list(COLOURS)[:4]
    }
    assert bench.tally.sheets[0][0] == "2x2"


async def test_a_sheet_that_was_cut_off_is_not_paid_again_in_halves(pixels: PixelPool) -> None:
    """The vendor may just be slow: each image has time left to be sent alone, and waited for."""
    bench = Bench(ColourProvider(tripping=frozenset({"red"}), trip=Kind.PROVIDER_TIMEOUT), pixels)
    outcomes = await answer(bench, items(*list(COLOURS)[:4]))
    kinds = {outcome.result.kind for outcome in outcomes.values() if isinstance(outcome.result, Failure)}
    assert kinds == {Kind.PROVIDER_TIMEOUT}
    assert len(bench.provider.asked) == 1


async def test_a_sheet_that_failed_is_not_taken_apart_when_the_time_is_up(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(tripping=frozenset({"red"}), takes_s=5.0), pixels)
    outcomes = await answer(bench, items("red", "green", time_left_s=5.0))
    kinds = {outcome.result.kind for outcome in outcomes.values() if isinstance(outcome.result, Failure)}
    assert kinds == {Kind.PROVIDER_UNAVAILABLE}
    assert len(bench.provider.asked) == 1


async def test_a_refusal_that_comes_as_the_time_ends_blames_nobody_but_the_image_that_was_refused(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(poison=frozenset({"red"}), takes_s=5.0), pixels)
    outcomes = await answer(bench, items("red", "green", time_left_s=5.0))
    assert {outcome.result.kind for outcome in outcomes.values() if isinstance(outcome.result, Failure)} == {
        Kind.DEADLINE_EXCEEDED
    }, "then the front half sends each alone"


async def test_what_the_answering_attempt_took_is_told_without_the_retries(pixels: PixelPool) -> None:
    for colours in (["red"], ["red", "green"]):
        script = deque([Problem(Kind.THROTTLED, "slow down", retry_after_s=3.0)])
        bench = Bench(ColourProvider(script=script, takes_s=0.5), pixels)
        outcomes = await answer(bench, items(*colours))
        assert [outcome.bill.attempt_s for outcome in outcomes.values()] == [0.5] * len(colours)
        assert all(outcome.bill.provider_s >= 3.5 for outcome in outcomes.values())


async def test_an_image_that_does_not_decode_goes_alone_and_the_rest_shares(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    broken = painted("green")[:-40]
    group = (*items("red", "blue", "yellow"), Item(job("green", image=broken), 0.0, 30.0))
    outcomes = await answer(bench, group)
    assert isinstance(outcomes["green"].result, Failure)
    assert all(labels(outcomes[colour]) == [colour] for colour in ("red", "blue", "yellow"))
    assert broken in bench.provider.images, "the vendor judges it"
    assert ("2x2", "full", 3) in bench.tally.sheets


async def test_throttling_is_retried_and_only_the_answer_is_paid(pixels: PixelPool) -> None:
    throttled = Problem(Kind.THROTTLED, "slow down")
    bench = Bench(ColourProvider(script=deque([throttled, throttled])), pixels)
    outcomes = await answer(bench, items("red", "green"))
    assert all(labels(outcome) == [colour] for colour, outcome in outcomes.items())
    assert bench.tally.paid_kinds == ["grid"]
    assert bench.tally.errors == [Kind.THROTTLED] * 2


async def test_when_the_time_is_up_everyone_gets_the_vendor_s_own_error(pixels: PixelPool) -> None:
    script = deque(Problem(Kind.THROTTLED, "slow down", retry_after_s=2.0) for _ in range(50))
    bench = Bench(ColourProvider(script=script), pixels)
    outcomes = await answer(bench, items("red", "green", time_left_s=5.0))
    for outcome in outcomes.values():
        assert isinstance(outcome.result, Failure)
        assert outcome.result.kind is Kind.THROTTLED
    assert bench.tally.paid_kinds == []


async def test_an_item_with_more_time_goes_on_after_a_pressed_neighbour_has_failed(pixels: PixelPool) -> None:
    script = deque(Problem(Kind.THROTTLED, "slow down", retry_after_s=1.0) for _ in range(4))
    bench = Bench(ColourProvider(script=script), pixels)
    group = (*items("red", time_left_s=3.0), *items("green", time_left_s=30.0))
    outcomes = await answer(bench, group)
    assert isinstance(outcomes["red"].result, Failure)
    assert labels(outcomes["green"]) == ["green"]


async def test_a_request_that_the_vendor_refuses_is_not_asked_again(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(script=deque([Problem(Kind.REQUEST_REFUSED, "no access")])), pixels)
    outcomes = await answer(bench, items("red", "green"))
    assert all(isinstance(outcome.result, Failure) for outcome in outcomes.values())
    assert len(bench.provider.asked) == 1


async def test_nothing_is_paid_or_delivered_once_the_lease_is_lost(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(poison=frozenset({"red"})), pixels)
    permits = iter([True, False, False])

    async def permit(_lease_s: float) -> bool:
        return next(permits)

    group = open_group("sheet", items("red", "green", "blue", "yellow"), Release.DUE, bench.clock.now_s(), permit)
    with pytest.raises(LeaseLost):
        await bench.work.answer(group, bench.deliver)
    assert bench.delivered == []
    assert bench.tally.paid_kinds == []


async def test_each_alone_asks_every_image_by_itself(pixels: PixelPool) -> None:
    bench = Bench(ColourProvider(), pixels)
    group = open_group("sheet", items("red", "green", "blue"), Release.FULL, bench.clock.now_s())
    await bench.work.answer_each_alone(group, bench.deliver)
    assert all(labels(outcome) == [colour] for colour, outcome in bench.by_id().items())
    assert bench.tally.paid_kinds == ["single"] * 3
