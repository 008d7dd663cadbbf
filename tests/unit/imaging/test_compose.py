"""From a plan and its images to a sheet: every image is where the plan says, and no image spoils another."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.demux import demultiplex
from app.core.geometry import PixelBox, Size
from app.core.layout import GridPlan, GridRules, plan_grid
from app.core.model import Detection, Feature, GridMode, Layout, Picture
from app.errors import Kind, Problem
from app.imaging.compose import FILL_RGB, Encoding, Sheet, Source, SpoiledSheet, compose
from app.imaging.header import inspect
from tests.support.damage import DAMAGED, scrambled
from tests.support.images import ALL_FORMATS, KINDS, encoded, found, noise, opened, painted, source

RULES = {mode: GridRules(mode, sheet_side_px=800) for mode in GridMode}
BIG = Layout(5, 5)
LOSSLESS = Encoding("png")
# Where a scaled edge crosses half of its contrast: within a pixel of the sheet, in every format.
EDGE_PX = 1.0
# Of a pixel of the image: enlarged many times, an edge is a slope, and what JPEG changes about it moves its middle.
SLOPE = 0.02


def plan_for(
    sources: Mapping[str, Source],
    mode: GridMode = GridMode.KEPT,
    layout: Layout = BIG,
    views: Mapping[str, PixelBox] = MappingProxyType({}),
) -> GridPlan:
    images = [(job_id, one.picture.upright) for job_id, one in sources.items()]
    return plan_grid(images, [layout], RULES[mode], {}, views=views)


def rectangle_in(size: Size) -> tuple[int, int, int, int]:
    """Off the middle, and different on every side."""
    return size.width_px // 8, size.height_px // 4, size.width_px // 2, size.height_px * 3 // 4


def gallery() -> dict[str, Source]:
    """Every kind of file, every orientation, landscape and portrait, larger and smaller than its place."""
    sizes = (Size(160, 120), Size(90, 140), Size(400, 100), Size(64, 64), Size(33, 47), Size(501, 333), Size(120, 300))
    files = [(kind, 1) for kind in KINDS] + [("jpeg", turn) for turn in range(2, 9)] + [("webp", 5), ("webp alpha", 8)]
    return {
        f"{kind} {turn}": source(painted(size, rectangle_in(size)), kind, turn)
        for (kind, turn), size in zip(files, sizes * 4, strict=False)
    }


class TestPixels:
    """Paint, compose, and look where the plan says."""

    @pytest.mark.parametrize("mode", GridMode)
    @pytest.mark.parametrize("encoding", [Encoding(), LOSSLESS], ids=["jpeg", "png"])
    def test_every_image_is_where_the_plan_says_and_comes_back_from_there(self, mode: GridMode, encoding: Encoding) -> None:
        sources = gallery()
        plan = plan_for(sources, mode)
        sheet = compose(plan, sources, encoding)
        pixels = opened(sheet.data)
        for place in plan.placements:
            on_sheet = found(pixels, place.content)
            seen = Detection(Feature.OBJECTS, "", 1.0, on_sheet.to_unit(plan.sheet))
            (back,) = demultiplex(plan, [seen]).by_job[place.job_id]
            assert back.box is not None
            own, truth = list(back.box.to_pixels(place.source)), rectangle_in(place.source)
            slack = (EDGE_PX / place.scale_x + 0.5, EDGE_PX / place.scale_y + 0.5) * 2
            assert all(abs(a - b) <= c for a, b, c in zip(own, truth, slack, strict=True)), (place, own, truth)

    def test_between_the_images_there_is_nothing_but_fill(self) -> None:
        sources = {name: source(painted(Size(200, 100), (0, 0, 200, 100)), "png") for name in "abc"}
        plan = plan_for(sources, layout=Layout(2, 2))
        pixels = opened(compose(plan, sources, LOSSLESS).data)
        outside = [
            pixels.getpixel((x, y))
            for x in range(0, plan.sheet.width_px, 3)
            for y in range(0, plan.sheet.height_px, 3)
            if not any(
                (box := place.content).left_px <= x < box.right_px and box.top_px <= y < box.bottom_px
                for place in plan.placements
            )
        ]
        assert set(outside) == {FILL_RGB}

    def test_the_sheet_is_as_planned(self) -> None:
        sources = {name: source(noise(Size(120, 90))) for name in "ab"}
        plan = plan_for(sources)
        sheet = compose(plan, sources, Encoding())
        assert (sheet.size, sheet.plan) == (plan.sheet, plan)
        assert inspect(sheet.data, formats=frozenset({"jpeg"}), max_pixels=10**6) == Picture("jpeg", plan.sheet)

    def test_several_threads_compose_the_same_sheets(self) -> None:
        sources = gallery()
        plan = plan_for(sources)

        def once(_: int) -> bytes:
            return compose(plan, sources, Encoding()).data

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(once, range(8)))) == 1


class TestViews:
    """Of some images only a part is painted: it fills its place, and what is in it is where the plan says."""

    @pytest.mark.parametrize("mode", GridMode)
    @pytest.mark.parametrize("encoding", [Encoding(), LOSSLESS], ids=["jpeg", "png"])
    def test_every_view_is_where_the_plan_says_and_comes_back_from_there(self, mode: GridMode, encoding: Encoding) -> None:
        sources = gallery()
        plan = plan_for(sources, mode, views={name: view_in(one.picture.upright) for name, one in sources.items()})
        pixels = opened(compose(plan, sources, encoding).data)
        for place in plan.placements:
            on_sheet = found(pixels, place.content)
            truth = PixelBox(*rectangle_in(place.source)).to_unit(place.source)
            expected = place.to_sheet(truth, plan.sheet).to_pixels(plan.sheet)
            off_px = EDGE_PX + SLOPE * max(place.scale_x, place.scale_y)
            assert list(on_sheet) == pytest.approx(list(expected), abs=off_px), place
            seen = Detection(Feature.OBJECTS, "", 1.0, on_sheet.to_unit(plan.sheet))
            (back,) = demultiplex(plan, [seen]).by_job[place.job_id]
            assert back.box is not None
            own, slack = list(back.box.to_pixels(place.source)), (off_px / place.scale_x, off_px / place.scale_y) * 2
            assert all(abs(a - b) <= c for a, b, c in zip(own, rectangle_in(place.source), slack, strict=True)), place

    @pytest.mark.parametrize("mode", GridMode)
    def test_a_view_of_everything_is_the_same_sheet(self, mode: GridMode) -> None:
        sources = gallery()
        everything = {name: whole(one.picture.upright) for name, one in sources.items()}
        shown = compose(plan_for(sources, mode, views=everything), sources, LOSSLESS)
        assert shown.data == compose(plan_for(sources, mode), sources, LOSSLESS).data


def whole(size: Size) -> PixelBox:
    return PixelBox(0, 0, size.width_px, size.height_px)


def view_in(size: Size) -> PixelBox:
    """Around the rectangle of `rectangle_in`, with another margin on each side."""
    return PixelBox(size.width_px // 16, size.height_px // 7, size.width_px * 5 // 8, size.height_px - 1)


class TestSpoiled:
    """A bad image is named; its neighbours are not."""

    def test_exactly_the_bad_ones_are_named(self) -> None:
        kinds = {"a": "jpeg", "b": "png", "c": "webp", "d": "png"}
        sources = {name: source(noise(Size(120, 90)), kind) for name, kind in kinds.items()}
        for name in "bc":
            sources[name] = Source(scrambled(sources[name].image), sources[name].picture)
        with pytest.raises(SpoiledSheet, match="2 of the sheet's images") as spoiled:
            compose(plan_for(sources), sources, Encoding())
        assert set(spoiled.value.failures) == {"b", "c"}
        assert {problem.kind for problem in spoiled.value.failures.values()} == {Kind.INVALID_IMAGE}

    @given(st.lists(DAMAGED, min_size=1, max_size=3))
    def test_damage_spoils_only_what_is_damaged(self, damaged: list[bytes]) -> None:
        admitted = {f"bad {number}": one for number, data in enumerate(damaged) if (one := let_in(data)) is not None}
        sources = {"good": GOOD, **admitted}
        plan = plan_for(sources)
        spoiled = tried(plan, sources)
        assert spoiled <= set(admitted)
        rest = {job_id: one for job_id, one in sources.items() if job_id not in spoiled}
        assert tried(plan_for(rest), rest) == set()


GOOD = source(noise(Size(40, 30)))


def let_in(data: bytes) -> Source | None:
    try:
        return Source(data, inspect(data, formats=ALL_FORMATS, max_pixels=100_000))
    except Problem:
        return None


def tried(plan: GridPlan, sources: Mapping[str, Source]) -> set[str]:
    """Compose; the jobs that were named."""
    try:
        assert isinstance(compose(plan, sources, Encoding()), Sheet)
    except SpoiledSheet as spoiled:
        return set(spoiled.failures)
    return set()


class TestLimits:
    """A sheet fits into its bytes, or is a problem."""

    def test_quality_gives_way_to_the_limit(self) -> None:
        sources = {name: source(noise(Size(300, 200), seed)) for seed, name in enumerate("ab")}
        plan = plan_for(sources)
        full = len(compose(plan, sources, Encoding()).data)
        assert len(compose(plan, sources, Encoding(max_bytes=full // 2)).data) <= full // 2

    def test_a_sheet_that_cannot_fit_is_ours_and_nobodys_fault(self) -> None:
        sources = {"a": source(noise(Size(300, 200)))}
        with pytest.raises(Problem, match="does not fit into 1000 bytes") as refusal:
            compose(plan_for(sources), sources, Encoding(max_bytes=1000))
        assert refusal.value.kind is Kind.INTERNAL

    @pytest.mark.parametrize("wrong", [{"format": "webp"}, {"max_bytes": 0}, {"quality": 0}, {"quality": 101}])
    def test_an_impossible_encoding_cannot_be_asked_for(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="cannot be written"):
            Encoding(**wrong)  # type: ignore[arg-type]  # the table mixes fields of two types

    def test_a_plan_for_other_sizes_is_a_mistake_of_the_caller(self) -> None:
        sources = {"a": source(noise(Size(30, 20)))}
        other = {"a": source(noise(Size(31, 20)))}
        with pytest.raises(ValueError, match="planned as 30x20, but is 31x20"):
            compose(plan_for(sources), other, Encoding())


def test_an_images_bytes_stay_out_of_logs() -> None:
    shown = repr(Source(encoded(noise(Size(8, 8))), Picture("jpeg", Size(8, 8))))
    assert "\\x" not in shown
