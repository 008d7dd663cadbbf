"""Photographs go through the code that serves; what was paid is kept, and never paid again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.calibration.dataset import Photo
from app.calibration.measuring import MOST_FAILURES_IN_A_ROW, Measurer, PlannedSheet, Purse, Stopped, digests_of
from app.calibration.store import Measured, Store
from app.calibration.tiers import deal
from app.core.geometry import PixelBox, Size
from app.core.mix import ALONE_TIER, Tier
from app.core.model import Feature, Layout, Picture
from app.errors import Kind, Problem
from app.work.pixels import PixelPool
from tests.support.colours import COLOURS, LANDSCAPE, ColourProvider, painted
from tests.support.detect_bench import Bench

PAIRS = Tier((Layout(2, 1), Layout(1, 2)))
DOLLARS = 0.001


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Photo]:
    """One photograph of each colour, named after it."""
    found = {}
    for colour in COLOURS:
        path = tmp_path / f"{colour}.png"
        path.write_bytes(painted(colour))
        found[colour] = Photo(colour, path, Picture("png", LANDSCAPE))
    return found


def measurer(bench: Bench, folder: Path, limit_dollars: float | None = None, at_once: int = 1) -> Measurer:
    store = Store(folder / "answers.jsonl", Feature.OBJECTS)
    purse = Purse(DOLLARS, limit_dollars)
    return Measurer(
        bench.work,
        store,
        bench.clock,
        identity="colours",
        digests=dict.fromkeys(COLOURS, "same"),
        feature=Feature.OBJECTS,
        at_once=at_once,
        purse=purse,
    )


def labels(answers: dict[str, Measured]) -> dict[str, list[str]]:
    return {name: [found.label for found in answer.detections] for name, answer in answers.items()}


def sizes(photos: dict[str, Photo]) -> dict[str, Size]:
    return {name: photo.picture.upright for name, photo in photos.items()}


def ignored(_count: int) -> None:
    """Nobody watches."""


async def run(measurer: Measurer, sheets: list[PlannedSheet], photos: dict[str, Photo]) -> dict[str, Measured]:
    return await measurer.run(sheets, photos, ignored)


@pytest.mark.parametrize(("tier", "inferences"), [(ALONE_TIER, 8), (PAIRS, 4), (Tier((Layout(3, 3),)), 1)])
async def test_every_photograph_gets_its_own_answer(
    pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path, tier: Tier, inferences: int
) -> None:
    bench = Bench(ColourProvider(), pixels)
    answers = await run(measurer(bench, tmp_path), deal(sizes(photos), tier, "1"), photos)
    assert labels(answers) == {colour: [colour] for colour in COLOURS}
    assert sum(answer.inferences for answer in answers.values()) == pytest.approx(inferences)
    assert len(bench.provider.asked) == inferences


async def test_what_is_stored_is_not_asked_again(pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path) -> None:
    sheets = deal(sizes(photos), PAIRS, "1")
    first = await run(measurer(Bench(ColourProvider(), pixels), tmp_path), sheets, photos)
    again = Bench(ColourProvider(), pixels)
    here = measurer(again, tmp_path)
    assert await run(here, sheets, photos) == first
    assert (again.provider.asked, here.paid) == ([], 0.0)


async def test_a_run_that_was_cut_off_goes_on(pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path) -> None:
    sheets = deal(sizes(photos), PAIRS, "1")
    first = await run(measurer(Bench(ColourProvider(), pixels), tmp_path), sheets, photos)
    kept = (tmp_path / "answers.jsonl").read_bytes()
    (tmp_path / "answers.jsonl").write_bytes(kept[: len(kept) - 40])  # killed in the middle of the last line
    bench = Bench(ColourProvider(), pixels)
    assert await run(measurer(bench, tmp_path), sheets, photos) == first
    assert len(bench.provider.asked) == 1
    last = Bench(ColourProvider(), pixels)
    assert await run(measurer(last, tmp_path), sheets, photos) == first
    assert last.provider.asked == []


async def test_another_seed_another_question(pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path) -> None:
    bench = Bench(ColourProvider(), pixels)
    here = measurer(bench, tmp_path)
    await run(here, deal(sizes(photos), PAIRS, "1"), photos)
    assert here.missing(deal(sizes(photos), PAIRS, "1")) == 0
    assert here.missing(deal(sizes(photos), PAIRS, "2")) > 0


async def test_the_purse_ends_the_run_and_what_was_paid_is_kept(
    pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path
) -> None:
    sheets = deal(sizes(photos), ALONE_TIER, "1")
    bench = Bench(ColourProvider(), pixels)
    with pytest.raises(Stopped, match=r"limit of \$0\.00"):
        await run(measurer(bench, tmp_path, limit_dollars=3 * DOLLARS), sheets, photos)
    assert len(bench.provider.asked) == 3
    rest = Bench(ColourProvider(), pixels)
    await run(measurer(rest, tmp_path), sheets, photos)
    assert len(rest.provider.asked) == 5


async def test_what_is_under_way_counts_against_the_purse_and_is_kept(
    pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path
) -> None:
    bench = Bench(ColourProvider(gate=(gate := asyncio.Event())), pixels)
    here = measurer(bench, tmp_path, limit_dollars=3 * DOLLARS, at_once=8)
    running = asyncio.create_task(run(here, deal(sizes(photos), ALONE_TIER, "1"), photos))
    while len(bench.provider.images) < 3:
        await asyncio.sleep(0)
    gate.set()
    with pytest.raises(Stopped, match="limit"):
        await running
    assert len(bench.provider.images) == len((tmp_path / "answers.jsonl").read_bytes().splitlines()) == 3


async def test_an_interruption_begins_nothing_new_and_keeps_what_is_under_way(
    pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path
) -> None:
    bench = Bench(ColourProvider(gate=(gate := asyncio.Event())), pixels)
    here = measurer(bench, tmp_path, at_once=2)
    running = asyncio.create_task(run(here, deal(sizes(photos), ALONE_TIER, "1"), photos))
    while len(bench.provider.images) < 2:
        await asyncio.sleep(0)
    here.stop("interrupted")
    gate.set()
    with pytest.raises(Stopped, match="interrupted"):
        await running
    assert len(bench.provider.images) == len((tmp_path / "answers.jsonl").read_bytes().splitlines()) == 2


async def test_a_provider_that_is_away_ends_the_run(pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path) -> None:
    sheets = deal(sizes(photos), ALONE_TIER, "1")
    refusal = Problem(Kind.REQUEST_REFUSED, "no such account")
    bench = Bench(ColourProvider(script=deque([refusal] * MOST_FAILURES_IN_A_ROW)), pixels)
    with pytest.raises(Stopped, match="no such account"):
        await run(measurer(bench, tmp_path), sheets, photos)
    assert len(bench.provider.asked) == MOST_FAILURES_IN_A_ROW


async def test_one_refused_photograph_costs_its_neighbours_nothing(
    pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path
) -> None:
    bench = Bench(ColourProvider(poison=frozenset({"red"})), pixels)
    here = measurer(bench, tmp_path)
    answers = await run(here, deal(sizes(photos), Tier((Layout(2, 2),)), "1"), photos)
    assert labels(answers) == {colour: [colour] for colour in COLOURS if colour != "red"}
    assert list(here.unanswered) == ["red"]


async def test_what_is_shown_is_part_of_the_question(pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path) -> None:
    crops = Tier((Layout(2, 1),), crops=True)
    views = {"red": PixelBox(0, 0, 80, 60)}
    (sheet,) = deal(dict.fromkeys(("red", "blue"), LANDSCAPE), crops, "1", views)
    digests = dict.fromkeys(COLOURS, "same")
    assert sheet.key("colours", digests) != PlannedSheet(crops, sheet.photo_ids, {}).key("colours", digests)
    assert sheet.key("colours", digests) != sheet.key("colours", digests | {"red": "another picture of that name"})
    answers = await run(measurer(Bench(ColourProvider(), pixels), tmp_path), [sheet], photos)
    (box,) = [found.box for found in answers["red"].detections]
    assert box is not None
    assert (round(box.right, 1), round(box.bottom, 1)) == (0.5, 0.5)


async def test_a_photograph_that_vanishes_ends_the_run(pixels: PixelPool, photos: dict[str, Photo], tmp_path: Path) -> None:
    await asyncio.to_thread(photos["red"].path.unlink)
    with pytest.raises(Stopped, match="red: cannot be read"):
        await run(measurer(Bench(ColourProvider(), pixels), tmp_path), deal({"red": LANDSCAPE}, ALONE_TIER, "1"), photos)


def test_a_digest_is_of_the_bytes(photos: dict[str, Photo]) -> None:
    before = digests_of(photos.values())
    photos["red"].path.write_bytes(painted("blue"))
    after = digests_of(photos.values())
    assert {name for name in before if before[name] != after[name]} == {"red"}
    assert after["red"] == after["blue"]
