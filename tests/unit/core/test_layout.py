"""The choice of the grid and the plan: what it promises to whoever paints it and whoever reads the answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.accuracy import drops, table
from app.core.fitting import harmonic_mean
from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.layout import (
    PAPER_CELL,
    GridPlan,
    GridRules,
    Placement,
    fits_a_grid,
    plan_grid,
    relative_scale,
)
from app.core.model import ALONE, GridMode, Layout
from tests.support.grids import BOXES, EVERY_LAYOUT, POINTS, Images, images, plans, rules, viewed_plans, views

LANDSCAPE, PORTRAIT, SQUARE = Size(1280, 960), Size(960, 1280), Size(1000, 1000)
KEPT = GridRules(GridMode.KEPT, sheet_side_px=1920)
PAPER = GridRules(GridMode.PAPER, sheet_side_px=1920)
DROPS = drops(table("rekognition"))
PAIRS = [Layout(1, 2), Layout(2, 1)]


def named(*sizes: Size) -> Images:
    return [(f"job-{number}", size) for number, size in enumerate(sizes)]


def whole(left: float, top: float, right: float, bottom: float) -> PixelBox:
    return PixelBox(left, top, right, bottom)


def placement(job_id: str = "a", column: int = 0, **changes: PixelBox) -> Placement:
    cell = whole(column * 100, 0, column * 100 + 100, 100)
    return Placement(job_id, 0, column, cell=changes.get("cell", cell), content=changes.get("content", cell), source=SQUARE)


class TestChoice:
    """Of the layouts with room, the one that keeps the images largest."""

    @pytest.mark.parametrize(
        ("sizes", "layouts", "chosen"),
        [
            ((LANDSCAPE, LANDSCAPE), PAIRS, "2x1"),
            ((PORTRAIT, PORTRAIT), PAIRS, "1x2"),
            ((SQUARE, SQUARE), PAIRS, "2x1"),  # a tie: the smaller drop
            ((LANDSCAPE, LANDSCAPE), PAIRS[:1], "1x2"),  # what is allowed, if the better one is not
            ((PORTRAIT, PORTRAIT), PAIRS[1:], "2x1"),
            ((LANDSCAPE,) * 4, [Layout(2, 2), Layout(4, 1), Layout(1, 4)], "2x2"),
            ((Size(2000, 400),) * 4, [Layout(2, 2), Layout(4, 1), Layout(1, 4)], "4x1"),
            ((Size(400, 2000),) * 4, [Layout(2, 2), Layout(4, 1), Layout(1, 4)], "1x4"),
            ((LANDSCAPE, LANDSCAPE), EVERY_LAYOUT, "2x1"),  # larger grids could hold two as well; their drops are larger
            ((LANDSCAPE,), EVERY_LAYOUT, "1x1"),
            ((LANDSCAPE,) * 3, [ALONE, *PAIRS, Layout(2, 2)], "2x2"),  # one cell stays empty
        ],
    )
    def test_by_shape(self, sizes: tuple[Size, ...], layouts: list[Layout], chosen: str) -> None:
        assert str(plan_grid(named(*sizes), layouts, KEPT, DROPS).layout) == chosen

    def test_without_known_drops_fewer_cells_settle_a_tie(self) -> None:
        assert plan_grid(named(SQUARE), [Layout(2, 2), ALONE], KEPT, {}).layout == ALONE

    def test_paper_mode_stretches_so_that_all_shapes_are_stacked(self) -> None:
        assert plan_grid(named(PORTRAIT, PORTRAIT), PAIRS, PAPER, {}).layout == Layout(2, 1)

    @pytest.mark.parametrize("mode", GridMode)
    def test_no_room_is_an_error(self, mode: GridMode) -> None:
        with pytest.raises(ValueError, match="room for 3 images"):
            plan_grid(named(SQUARE, SQUARE, SQUARE), [ALONE, *PAIRS], replace(KEPT, mode=mode), {})

    def test_gutters_that_fill_the_sheet_leave_no_room(self) -> None:
        with pytest.raises(ValueError, match="room"):
            plan_grid(named(SQUARE, SQUARE), PAIRS, replace(KEPT, sheet_side_px=17), {})

    def test_a_paper_sheet_that_the_provider_would_refuse_is_not_chosen(self) -> None:
        with pytest.raises(ValueError, match="room"):
            plan_grid(named(SQUARE, SQUARE), [Layout(2, 1)], replace(PAPER, max_sheet_side_px=749, sheet_side_px=700), {})

    @pytest.mark.parametrize("twice", [[], [("a", SQUARE), ("a", PORTRAIT)]])
    def test_ids_must_differ_and_there_must_be_some(self, twice: Images) -> None:
        with pytest.raises(ValueError, match="different ids"):
            plan_grid(twice, [Layout(2, 2)], KEPT, {})

    @given(images(), rules(), st.lists(st.sampled_from(EVERY_LAYOUT), max_size=5))
    def test_a_wider_choice_never_makes_images_smaller(self, some: Images, rule: GridRules, layouts: list[Layout]) -> None:
        narrow = plan_grid(some, [Layout(3, 3)], rule, {})
        wide = plan_grid(some, [Layout(3, 3), *layouts], rule, {})
        # What was compared are exact lengths; whole pixels then cost each image at most one a side, and the sheet another.
        shortest_px = min(place.content_size.shortest_px for place in (*narrow.placements, *wide.placements))
        assert mean_scale(wide) >= mean_scale(narrow) * (1 - 2 / shortest_px)


def sides(size: Size) -> tuple[int, int]:
    return size.width_px, size.height_px


def mean_scale(plan: GridPlan) -> float:
    return harmonic_mean([place.content_size.longest_px / plan.sheet.longest_px for place in plan.placements])


class TestKept:
    """Aspect kept, gutter between images, nothing larger than it need be."""

    def test_two_landscapes_written_out(self) -> None:
        plan = plan_grid(named(LANDSCAPE, LANDSCAPE), PAIRS, KEPT, DROPS)
        assert (plan.mode, plan.sheet) == (GridMode.KEPT, Size(1269, 1920))
        assert [place.content for place in plan.placements] == [whole(0, 0, 1269, 952), whole(0, 968, 1269, 1920)]

    def test_small_images_are_not_enlarged_together(self) -> None:
        plan = plan_grid(named(Size(300, 200), Size(300, 200)), PAIRS, KEPT, {})
        assert plan.sheet == Size(300, 416)
        assert [place.content_size for place in plan.placements] == [Size(300, 200)] * 2

    def test_a_small_image_next_to_a_large_one_fills_its_cell(self) -> None:
        plan = plan_grid(named(Size(200, 150), Size(4000, 3000)), PAIRS, KEPT, {})
        assert [place.content_size for place in plan.placements] == [Size(1269, 952)] * 2

    def test_a_sheet_is_padded_to_what_the_provider_accepts(self) -> None:
        plan = plan_grid(named(Size(90, 20), Size(90, 20)), [Layout(1, 2)], replace(KEPT, min_sheet_side_px=80), {})
        assert plan.sheet == Size(196, 80)

    @given(plans(st.just(GridMode.KEPT)))
    def test_the_aspect_is_kept_to_a_pixel(self, plan: GridPlan) -> None:
        for place in plan.placements:
            cell, size = place.cell, place.source
            scale = min((cell.right_px - cell.left_px) / size.width_px, (cell.bottom_px - cell.top_px) / size.height_px)
            for length_px, own_px in zip(sides(place.content_size), sides(size), strict=True):
                assert length_px == pytest.approx(max(1, own_px * scale), abs=0.5 + 1e-9)  # a pixel is the least

    @given(images(), rules(st.just(GridMode.KEPT)))
    def test_images_are_a_gutter_apart(self, some: Images, rule: GridRules) -> None:
        plan = plan_grid(some, [Layout(3, 3)], rule, {})
        for one, other in combinations(plan.placements, 2):
            apart_x = max(one.content.left_px - other.content.right_px, other.content.left_px - one.content.right_px)
            apart_y = max(one.content.top_px - other.content.bottom_px, other.content.top_px - one.content.bottom_px)
            assert max(apart_x, apart_y) >= rule.gutter_px

    @given(images(), rules(st.just(GridMode.KEPT)))
    def test_the_sheet_keeps_to_the_side_and_is_no_larger_than_of_use(self, some: Images, rule: GridRules) -> None:
        plan = plan_grid(some, [Layout(3, 3)], rule, {})
        assert plan.sheet.longest_px <= rule.sheet_side_px
        shown = min(place.content_size.longest_px / place.source.longest_px for place in plan.placements)
        assert shown <= 1.0

    @given(images(), rules(st.just(GridMode.KEPT)), st.randoms(use_true_random=False))
    def test_the_order_of_arrival_changes_nothing(self, some: Images, rule: GridRules, random: Random) -> None:
        shuffled = list(some)
        random.shuffle(shuffled)
        assert plan_grid(shuffled, EVERY_LAYOUT, rule, DROPS) == plan_grid(some, EVERY_LAYOUT, rule, DROPS)

    def test_extreme_shapes_still_get_a_pixel(self) -> None:
        plan = plan_grid(named(Size(6000, 1), Size(1, 6000), SQUARE), [Layout(2, 2)], replace(KEPT, sheet_side_px=64), {})
        assert all(place.content_size.shortest_px >= 1 for place in plan.placements)


class TestPaper:
    """Every image stretched to one cell size, no gutter, row by row."""

    @given(images(), st.sampled_from([layout for layout in EVERY_LAYOUT if layout.cells >= 9]))
    def test_cells_are_filled_row_by_row_in_the_order_given(self, some: Images, layout: Layout) -> None:
        plan = plan_grid(some, [layout], PAPER, {})
        assert plan.sheet == Size(layout.columns * 500, layout.rows * 375)
        for index, ((job_id, size), place) in enumerate(zip(some, plan.placements, strict=True)):
            row, column = divmod(index, layout.columns)
            cell = whole(column * 500, row * 375, column * 500 + 500, row * 375 + 375)
            assert place == Placement(job_id, row, column, cell=cell, content=cell, source=size)

    def test_scales_differ_by_axis(self) -> None:
        place = plan_grid(named(Size(1000, 375)), [ALONE], PAPER, {}).placements[0]
        assert (place.scale_x, place.scale_y) == (0.5, 1.0)
        assert relative_scale(place, PAPER_CELL) == pytest.approx(0.5**0.5 * 2)


class TestMapping:
    """From a place on the sheet to the image and back."""

    def test_written_out(self) -> None:
        place = placement(column=1, content=whole(110, 20, 190, 80))
        sheet = Size(200, 100)
        assert place.content_size == Size(80, 60)
        assert (place.scale_x, place.scale_y) == (0.08, 0.06)
        assert place.to_sheet(UnitBox(0, 0, 1, 1), sheet) == UnitBox(0.55, 0.2, 0.95, 0.8)
        back = place.to_image(UnitBox(0.55, 0.2, 0.75, 0.5), sheet)
        assert (back.left, back.top, back.right, back.bottom) == pytest.approx((0, 0, 0.5, 0.5))
        assert place.point_to_image(UnitPoint(0, 0), sheet) == UnitPoint(-110 / 80, -20 / 60)
        assert relative_scale(placement(), sheet) == pytest.approx(0.5)

    @given(plans(), BOXES, POINTS)
    def test_there_and_back(self, plan: GridPlan, box: UnitBox, point: UnitPoint) -> None:
        for place in plan.placements:
            back = place.to_image(place.to_sheet(box, plan.sheet), plan.sheet)
            assert list(back.to_pixels(SQUARE)) == pytest.approx(list(box.to_pixels(SQUARE)), abs=1e-6)
            returned = place.point_to_image(place.point_to_sheet(point, plan.sheet), plan.sheet)
            assert (returned.x, returned.y) == pytest.approx((point.x, point.y), abs=1e-9)


class TestViews:
    """A part of an image is planned like an image of its size; the whole image is what everything is mapped to."""

    def test_written_out(self) -> None:
        place = replace(placement(content=whole(10, 20, 90, 80)), view=whole(200, 100, 600, 400))
        sheet = Size(200, 100)
        assert (place.shown_size, place.shown) == (Size(400, 300), UnitBox(0.2, 0.1, 0.6, 0.4))
        assert (place.scale_x, place.scale_y) == (0.2, 0.2)
        assert place.to_sheet(place.shown, sheet) == UnitBox(0.05, 0.2, 0.45, 0.8)
        back = place.to_image(UnitBox(0.05, 0.2, 0.25, 0.5), sheet)
        assert (back.left, back.top, back.right, back.bottom) == pytest.approx((0.2, 0.1, 0.4, 0.25))
        assert place.length_to_image(UnitLength(0.4), sheet).x == pytest.approx(0.4)
        assert relative_scale(place, sheet) == pytest.approx(1.0)  # half of the sheet shows 0.4 of the image: 400 px as 80

    @given(viewed_plans(), BOXES, POINTS)
    def test_there_and_back(self, plan: GridPlan, box: UnitBox, point: UnitPoint) -> None:
        for place in plan.placements:
            back = place.to_image(place.to_sheet(box, plan.sheet), plan.sheet)
            assert list(back.to_pixels(SQUARE)) == pytest.approx(list(box.to_pixels(SQUARE)), abs=1e-6)
            returned = place.point_to_image(place.point_to_sheet(point, plan.sheet), plan.sheet)
            assert (returned.x, returned.y) == pytest.approx((point.x, point.y), abs=1e-9)

    @given(viewed_plans())
    def test_the_content_shows_exactly_the_view(self, plan: GridPlan) -> None:
        for place in plan.placements:
            on_sheet = place.to_sheet(place.shown, plan.sheet).to_pixels(plan.sheet)
            assert list(on_sheet) == pytest.approx(list(place.content), abs=1e-6)

    def test_the_smaller_a_part_the_less_room_it_gets(self) -> None:
        """All are seen at one relative scale: a quarter of an image needs half of the side that all of one needs."""
        half = {"job-0": whole(320, 240, 960, 720)}
        plan = plan_grid(named(LANDSCAPE, LANDSCAPE), PAIRS, replace(KEPT, gutter_px=0), DROPS, views=half)
        scales = [relative_scale(place, plan.sheet) for place in plan.placements]
        assert scales == pytest.approx([2 / 3 * 4 / 3] * 2, rel=0.01)

    @given(images(), rules(st.just(GridMode.PAPER)), st.data())
    def test_parts_are_planned_like_images_of_their_size(self, some: Images, rule: GridRules, data: st.DataObject) -> None:
        parts = {job_id: data.draw(views(size)) for job_id, size in some}
        plan = plan_grid(some, [Layout(3, 3)], rule, {}, views=parts)
        cut = [(job_id, size_of(part)) for job_id, part in parts.items()]
        alike = plan_grid(cut, [Layout(3, 3)], rule, {})
        assert (plan.sheet, [place.content for place in plan.placements]) == (
            alike.sheet,
            [place.content for place in alike.placements],
        )
        for place in plan.placements:
            assert (place.source, place.view) == (dict(some)[place.job_id], parts[place.job_id])

    @given(images(), rules())
    def test_a_view_of_everything_changes_nothing(self, some: Images, rule: GridRules) -> None:
        parts = {job_id: whole(0, 0, size.width_px, size.height_px) for job_id, size in some}
        plan = plan_grid(some, EVERY_LAYOUT, rule, DROPS)
        shown = plan_grid(some, EVERY_LAYOUT, rule, DROPS, views=parts)
        assert replace(shown, placements=tuple(replace(place, view=None) for place in shown.placements)) == plan
        assert [place.shown for place in shown.placements] == [UnitBox(0, 0, 1, 1)] * len(some)

    def test_the_shape_of_the_view_decides_the_layout(self) -> None:
        upright = {name: whole(300, 0, 700, 960) for name in ("job-0", "job-1")}
        assert str(plan_grid(named(LANDSCAPE, LANDSCAPE), PAIRS, KEPT, DROPS, views=upright).layout) == "1x2"

    def test_a_view_of_nobodys_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="one of the images"):
            plan_grid(named(SQUARE), [ALONE], KEPT, {}, views={"job-1": whole(0, 0, 1, 1)})

    def test_a_view_beyond_its_image_cannot_be_placed(self) -> None:
        with pytest.raises(ValueError, match="part of its image"):
            replace(placement(), view=whole(0, 0, 1001, 1))


def size_of(view: PixelBox) -> Size:
    return Size(int(view.right_px - view.left_px), int(view.bottom_px - view.top_px))


class TestPlan:
    """A plan that could hand a box to the wrong image cannot be built."""

    @given(plans(at_most=25))
    def test_contents_are_disjoint_and_inside(self, plan: GridPlan) -> None:
        for place in plan.placements:
            assert place.cell.intersection(place.content) == place.content
            assert place.content.right_px <= plan.sheet.width_px
            assert place.content.bottom_px <= plan.sheet.height_px
        for one, other in combinations(plan.placements, 2):
            common = one.content.intersection(other.content)
            assert common is None or common.area_px == 0

    @pytest.mark.parametrize(
        ("places", "sheet", "reason"),
        [
            ((), Size(200, 100), "at least one image"),
            ((placement("a"), placement("a", 1)), Size(200, 100), "one place"),
            ((placement("a", 2),), Size(300, 100), "column 2"),
            ((placement("a", 1),), Size(199, 100), "leaves the sheet"),
            (
                (placement("a"), placement("b", 1, cell=whole(99, 0, 199, 100), content=whole(99, 0, 199, 100))),
                Size(200, 100),
                "overlap",
            ),
        ],
    )
    def test_refused(self, places: tuple[Placement, ...], sheet: Size, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            GridPlan(GridMode.KEPT, Layout(1, 2), sheet, places)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (whole(0, 0, 50.5, 50), "whole pixels"),
            (whole(0, 0, float("inf"), 50), "whole pixels"),
            (whole(10, 10, 10, 50), "empty"),
            (whole(0, 0, 101, 50), "leaves its cell"),
        ],
    )
    def test_content_lies_on_whole_pixels_inside_its_cell(self, content: PixelBox, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            placement(content=content)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"sheet_side_px": 0},
            {"gutter_px": -1},
            {"min_sheet_side_px": 0},
            {"min_sheet_side_px": 1921},
            {"max_sheet_side_px": 0},
        ],
    )
    def test_rules_that_contradict_themselves_are_refused(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError):
            replace(KEPT, **wrong)  # type: ignore[arg-type]  # all of these fields are integers

    def test_the_providers_limit_stands_above_the_wanted_side(self) -> None:
        assert replace(KEPT, sheet_side_px=3000, max_sheet_side_px=2000).side_px == 2000


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        (Size(80, 80), True),
        (Size(79, 80), False),
        (Size(400, 80), True),
        (Size(80, 401), False),
        (Size(10_000, 2_000), True),
        (Size(10_001, 5_000), False),
    ],
)
def test_what_may_share_a_sheet(size: Size, fits: bool) -> None:
    assert fits_a_grid(size) is fits


def test_a_provider_may_have_other_limits() -> None:
    assert fits_a_grid(Size(60, 50), min_side_px=50)
    assert not fits_a_grid(Size(600, 500), max_side_px=599)
    assert not fits_a_grid(Size(301, 100), max_aspect=3.0)
