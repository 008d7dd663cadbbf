"""Everybody gets their own boxes, and nobody somebody else's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.demux import Demultiplexed, demultiplex
from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.layout import GridPlan, GridRules, Placement, plan_grid
from app.core.model import Detection, Feature, GridMode, Layout, Tree
from tests.support.grids import BOXES, EVERY_LAYOUT, ODD_BOXES, POINTS, Images, images, plans, viewed_plans

SHEET = Size(210, 100)
# Two images of 100x100, ten pixels apart, each shown at half its size; the second with a margin in its cell.
LEFT = Placement("left", 0, 0, cell=PixelBox(0, 0, 100, 100), content=PixelBox(0, 0, 100, 100), source=Size(200, 200))
RIGHT = Placement("right", 0, 1, cell=PixelBox(110, 0, 210, 100), content=PixelBox(110, 20, 210, 80), source=Size(200, 120))
KEPT = GridPlan(GridMode.KEPT, Layout(1, 2), SHEET, (LEFT, RIGHT))
PAPER = plan_grid([(name, Size(1000, 750)) for name in "abc"], [Layout(2, 2)], GridRules(GridMode.PAPER, 2000), {})
HALF_A_PIXEL = 0.5
ROUNDED_DECIMALS = 9


def seen(box: UnitBox | None, label: str = "Dog", fields: Mapping[str, Tree] | None = None) -> Detection:
    return Detection(Feature.OBJECTS, label, 0.9, box, "rekognition", fields or {})


def at(left_px: float, top_px: float, right_px: float, bottom_px: float, sheet: Size = SHEET) -> UnitBox:
    return PixelBox(left_px, top_px, right_px, bottom_px).to_unit(sheet)


def only(result: Demultiplexed, job_id: str) -> Detection:
    assert (result.kept, result.seam, result.gutter, result.unplaced) == (1, 0, 0, 0)
    (detection,) = result.by_job[job_id]
    return detection


def edges(box: UnitBox | None) -> tuple[float, float, float, float]:
    assert box is not None
    return box.left, box.top, box.right, box.bottom


class TestLaws:
    """What holds for every plan and every box."""

    @given(plans(at_most=6), BOXES, POINTS)
    def test_a_box_comes_back_within_half_a_pixel_of_where_it_was(self, plan: GridPlan, box: UnitBox, point: UnitPoint) -> None:
        for place in plan.placements:
            depth = UnitLength(point.x * place.content_size.width_px / plan.sheet.width_px)
            there = seen(
                place.to_sheet(box, plan.sheet), fields={"at": place.point_to_sheet(point, plan.sheet), "depth": depth}
            )
            (back,) = demultiplex(plan, [there]).by_job[place.job_id]
            assert back.box is not None
            was, now = box.to_pixels(place.source), back.box.to_pixels(place.source)
            assert max(abs(a - b) for a, b in zip(was, now, strict=True)) < HALF_A_PIXEL
            landmark = back.fields["at"]
            assert isinstance(landmark, UnitPoint)
            assert abs(landmark.x - point.x) * place.source.width_px < HALF_A_PIXEL
            assert abs(landmark.y - point.y) * place.source.height_px < HALF_A_PIXEL
            depth_again = back.fields["depth"]
            assert isinstance(depth_again, UnitLength)
            assert depth_again.x == pytest.approx(point.x)

    @given(plans(), st.lists(ODD_BOXES, max_size=5))
    def test_every_box_has_one_fate_however_odd_it_is(self, plan: GridPlan, boxes: list[UnitBox]) -> None:
        found = [seen(box, fields={"at": box, "points": [UnitPoint(math.nan, box.left)]}) for box in boxes]
        result = demultiplex(plan, [*found, seen(None)])
        assert set(result.by_job) == {place.job_id for place in plan.placements}
        assert result.kept == sum(len(own) for own in result.by_job.values())
        assert result.kept + result.seam + result.gutter == len(boxes)
        assert result.unplaced == 1

    @given(plans(st.just(GridMode.KEPT)), ODD_BOXES)
    def test_nothing_crosses_cells(self, plan: GridPlan, box: UnitBox) -> None:
        """Whoever gets a box owns at least half of it, and gets no part of anybody else's."""
        result = demultiplex(plan, [seen(box)])
        for place in plan.placements:
            for own in result.by_job[place.job_id]:
                assert own.box is not None
                assert min(edges(own.box)) >= 0
                assert max(edges(own.box)) <= 1
                on_sheet = place.to_sheet(own.box, plan.sheet).to_pixels(plan.sheet)
                assert on_sheet.area_px >= box.to_pixels(plan.sheet).area_px * 0.49 - 1e-9  # boxes of no width at all

    @given(images(6), st.lists(BOXES, min_size=6, max_size=6), st.randoms(use_true_random=False))
    def test_permuting_the_jobs_permutes_the_answers(self, some: Images, boxes: list[UnitBox], random: Random) -> None:
        shuffled = list(some)
        random.shuffle(shuffled)
        truth = {job_id: box for (job_id, _), box in zip(some, boxes, strict=False)}
        for mode in GridMode:
            answers = [answered(order, mode, truth) for order in (some, shuffled)]
            assert answers[0].keys() == answers[1].keys()
            for job_id, answer in answers[0].items():
                assert answer == pytest.approx(answers[1][job_id], abs=1e-6)


class TestViews:
    """The same where a sheet shows only a part of an image: its view bounds what can be found in it."""

    @given(viewed_plans(at_most=6), BOXES, POINTS)
    def test_what_lies_inside_the_view_comes_back_where_it_was(self, plan: GridPlan, part: UnitBox, dot: UnitPoint) -> None:
        for place in plan.placements:
            corner, opposite = within(place, UnitPoint(part.left, part.top)), within(place, UnitPoint(part.right, part.bottom))
            box, point = UnitBox(corner.x, corner.y, opposite.x, opposite.y), within(place, dot)
            depth = UnitLength(place.content_size.width_px / plan.sheet.width_px)
            there = seen(
                place.to_sheet(box, plan.sheet), fields={"at": place.point_to_sheet(point, plan.sheet), "depth": depth}
            )
            (back,) = demultiplex(plan, [there]).by_job[place.job_id]
            assert back.box is not None
            was, now = box.to_pixels(place.source), back.box.to_pixels(place.source)
            assert list(now) == pytest.approx(list(was), abs=1e-6)
            assert isinstance(landmark := back.fields["at"], UnitPoint)
            assert (landmark.x, landmark.y) == pytest.approx((point.x, point.y), abs=1e-9)
            assert isinstance(width := back.fields["depth"], UnitLength)
            assert width.x == pytest.approx(place.shown_size.width_px / place.source.width_px)

    @given(viewed_plans(st.just(GridMode.KEPT)), ODD_BOXES, POINTS)
    def test_nothing_crosses_cells_or_leaves_the_view(self, plan: GridPlan, box: UnitBox, far: UnitPoint) -> None:
        result = demultiplex(plan, [seen(box, fields={"at": far})])
        for place in plan.placements:
            for own in result.by_job[place.job_id]:
                assert own.box is not None
                landmark = own.fields["at"]
                assert isinstance(landmark, UnitPoint)
                shown = place.shown
                assert shown.left <= own.box.left <= own.box.right <= shown.right
                assert shown.top <= own.box.top <= own.box.bottom <= shown.bottom
                assert shown.left <= landmark.x <= shown.right
                assert shown.top <= landmark.y <= shown.bottom
                on_sheet = place.to_sheet(own.box, plan.sheet).to_pixels(plan.sheet)
                assert on_sheet.area_px >= box.to_pixels(plan.sheet).area_px * 0.49 - 1e-9  # boxes of no width at all

    @pytest.mark.parametrize(
        ("box", "own"),
        [
            (at(110, 20, 210, 80), (0.25, 0.5, 0.75, 1)),  # all that is shown
            (at(100, 10, 170, 50), (0.25, 0.5, 0.55, 0.75)),  # clipped to the view, although the image goes on
            (at(135, 35, 160, 50), (0.375, 0.625, 0.5, 0.75)),
        ],
    )
    def test_written_out(self, box: UnitBox, own: tuple[float, ...]) -> None:
        """The view of 100x60 is the lower half of the middle of an image of 200x120."""
        part = replace(RIGHT, view=PixelBox(50, 60, 150, 120))
        plan = replace(KEPT, placements=(LEFT, part))
        found = only(demultiplex(plan, [seen(box, fields={"eye": UnitPoint(0, 1)})]), "right")
        assert edges(found.box) == pytest.approx(own)
        assert place_of(found.fields["eye"]) == (0.25, 1.0)

    @pytest.mark.parametrize("far", [math.inf, -math.inf, math.nan, 1e308])
    def test_paper_mode_clips_nothing_but_what_no_json_can_hold(self, far: float) -> None:
        fields: Mapping[str, Tree] = {"nose": UnitPoint(far, 0.5), "hat": UnitBox(-math.inf, 0, math.inf, 1)}
        (found,) = demultiplex(PAPER, [seen(at(0, 0, 300, 300, PAPER.sheet), fields=fields)]).by_job["a"]
        assert isinstance(nose := found.fields["nose"], UnitPoint)
        assert isinstance(hat := found.fields["hat"], UnitBox)
        assert math.isfinite(nose.x)
        assert math.isfinite(hat.width)

    def test_paper_mode_clips_nothing(self) -> None:
        images = [(name, Size(1000, 750)) for name in "abc"]
        rules = GridRules(GridMode.PAPER, 2000)
        plan = plan_grid(images, [Layout(2, 2)], rules, {}, views={"b": PixelBox(500, 0, 1000, 375)})
        found = [seen(at(400, 0, 700, 300, plan.sheet)), seen(at(0, 0, 500, 375, plan.sheet))]
        result = demultiplex(plan, found)
        assert edges(result.by_job["b"][0].box) == pytest.approx((0.4, 0, 0.7, 0.4))
        assert edges(result.by_job["a"][0].box) == pytest.approx((0, 0, 1, 1))


def within(place: Placement, part: UnitPoint) -> UnitPoint:
    """A point of the view, in ratios of the view, as a point of the image."""
    return UnitPoint(place.shown.left + part.x * place.shown.width, place.shown.top + part.y * place.shown.height)


def answered(some: Images, mode: GridMode, truth: dict[str, UnitBox]) -> dict[str, tuple[float, ...]]:
    """Plan, look with perfect eyes, hand out."""
    plan = plan_grid(some, EVERY_LAYOUT, GridRules(mode, sheet_side_px=2000), {})
    found = [seen(place.to_sheet(truth[place.job_id], plan.sheet), place.job_id) for place in plan.placements]
    result = demultiplex(plan, found)
    for job_id, own in result.by_job.items():
        assert [detection.label for detection in own] == [job_id]
    return {job_id: edges(own[0].box) for job_id, own in result.by_job.items()}


class TestKept:
    """The centre picks the image, half of the area must lie on it, the rest is cut off."""

    def test_an_empty_sheet_answers_everybody(self) -> None:
        assert demultiplex(KEPT, []) == Demultiplexed({"left": (), "right": ()}, 0, 0, 0, 0)

    @pytest.mark.parametrize(
        ("box", "job_id", "own"),
        [
            (at(0, 0, 100, 100), "left", (0, 0, 1, 1)),
            (at(110, 20, 210, 80), "right", (0, 0, 1, 1)),
            (at(25, 50, 75, 100), "left", (0.25, 0.5, 0.75, 1)),
            (at(80, 0, 120, 20), "left", (0.8, 0, 1, 0.2)),  # just half on the left image
            (at(81, 0, 121, 20), "left", None),  # just not
            (at(-30, -30, 60, 60), "left", None),  # 4/9 inside
            (at(-10, -10, 60, 60), "left", (0, 0, 0.6, 0.6)),
            (at(60, 0, 130, 40), "left", (0.6, 0, 1, 0.4)),  # leans over to the neighbour
            (at(150, 0, 170, 40), "right", (0.4, 0, 0.6, 1 / 3)),  # half of it above the image, in its own margin
        ],
    )
    def test_where_boxes_go(self, box: UnitBox, job_id: str, own: tuple[float, ...] | None) -> None:
        result = demultiplex(KEPT, [seen(box)])
        if own is None:
            assert result.kept == 0
        else:
            assert edges(only(result, job_id).box) == pytest.approx(own)

    @pytest.mark.parametrize(
        ("box", "fate"),
        [
            (at(80, 20, 130, 80), "seam"),  # astride
            (at(0, 0, 210, 100), "seam"),  # the whole sheet: a detector that sees a collage
            (at(101, 0, 109, 100), "gutter"),
            (at(120, 0, 200, 19), "gutter"),  # in the margin of a cell
            (at(160, -40, 170, 30), "gutter"),  # mostly above
            (at(300, 0, 400, 100), "gutter"),
            (at(105, 50, 105, 50), "gutter"),
            (at(90, 50, 120, 50), "seam"),  # a line from one to the other
            (UnitBox(-math.inf, -math.inf, math.inf, math.inf), "gutter"),
            (UnitBox(-1e300, -1e300, 1e300, 1e300), "gutter"),
            (None, "unplaced"),
        ],
    )
    def test_what_is_nobodys(self, box: UnitBox | None, fate: str) -> None:
        result = demultiplex(KEPT, [seen(box)])
        assert result.kept == 0
        assert {name: getattr(result, name) for name in ("seam", "gutter", "unplaced")} == {
            name: int(name == fate) for name in ("seam", "gutter", "unplaced")
        }

    @pytest.mark.parametrize("corner", [(0, 0), (100, 100), (0, 100), (100, 0)])
    def test_a_box_without_area_on_the_edge_belongs_to_the_image(self, corner: tuple[int, int]) -> None:
        x_px, y_px = corner
        assert edges(only(demultiplex(KEPT, [seen(at(x_px, y_px, x_px, y_px))]), "left").box) == (x_px / 100, y_px / 100) * 2

    def test_the_vendors_order_is_kept(self) -> None:
        boxes = [at(0, 0, 50, 50), at(120, 30, 150, 60), at(10, 10, 60, 60)]
        result = demultiplex(KEPT, [seen(box, str(number)) for number, box in enumerate(boxes)])
        assert [found.label for found in result.by_job["left"]] == ["0", "2"]
        assert [found.label for found in result.by_job["right"]] == ["1"]


class TestFields:
    """The vendor's own item: all geometry moves, everything else stays."""

    def test_every_leaf_is_moved_and_everything_else_survives(self) -> None:
        fields: dict[str, Tree] = {
            "Name": "Person",
            "Confidence": 99.5,
            "Count": 2,
            "Known": True,
            "Nothing": None,
            "BoundingBox": at(120, 20, 160, 80),
            "Landmarks": [{"Type": "eyeLeft", "At": UnitPoint(160 / 210, 0.5)}],
            "Polygon": [UnitPoint(110 / 210, 0.2), UnitPoint(1.0, 0.8)],
            "Parents": [{"Name": "Human"}],
        }
        moved = only(demultiplex(KEPT, [seen(at(120, 20, 160, 80), fields=fields)]), "right").fields
        box, eyes, polygon = moved["BoundingBox"], list_of(moved["Landmarks"]), list_of(moved["Polygon"])
        assert isinstance(box, UnitBox)
        assert edges(box) == pytest.approx((0.1, 0, 0.5, 1))
        assert [(eye["Type"], place_of(eye["At"])) for eye in eyes if isinstance(eye, dict)] == [("eyeLeft", (0.5, 0.5))]
        assert [place_of(corner) for corner in polygon] == [(0, 0), (1, 1)]
        unmoved = ("Name", "Confidence", "Count", "Known", "Nothing", "Parents")
        assert {name: moved[name] for name in unmoved} == {name: fields[name] for name in unmoved}

    def test_points_beyond_the_image_are_put_on_its_edge(self) -> None:
        found = seen(at(50, 50, 100, 100), fields={"eye": UnitPoint(1.0, -3.0), "nose": UnitPoint(math.nan, 0.5)})
        moved = only(demultiplex(KEPT, [found]), "left").fields
        assert place_of(moved["eye"]) == (1, 0)
        assert 0 <= place_of(moved["nose"])[0] <= 1

    def test_a_neighbours_items_are_left_out_of_nested_lists(self) -> None:
        """A label with its instances: those on the other image are not this client's."""
        mine, theirs, far = at(10, 10, 50, 50), at(120, 30, 160, 70), UnitBox(1e9, 0, 1e9 + 1, 1)
        tree: dict[str, Tree] = {
            "Instances": [{"BoundingBox": mine}, {"BoundingBox": theirs}, {"BoundingBox": far}, {"NoBox": 1}],
            "Boxes": [mine, theirs],
            "Deep": [{"Geometry": {"Box": theirs}}, {"Geometry": {"Box": mine}}],
            "Parts": [{"Name": "head", "Worn": [{"BoundingBox": theirs}]}],
            "Dots": [{"BoundingBox": at(20, 20, 20, 20)}, {"BoundingBox": at(130, 40, 130, 40)}],
        }
        moved = only(demultiplex(KEPT, [seen(mine, fields=tree)]), "left").fields
        home = UnitBox(0.1, 0.1, 0.5, 0.5)
        assert [edges_of(item) for item in list_of(moved["Instances"])] == [pytest.approx(edges(home)), None]
        assert len(list_of(moved["Boxes"])) == 1
        assert len(list_of(moved["Deep"])) == 1
        assert moved["Parts"] == [{"Name": "head", "Worn": []}]
        assert len(list_of(moved["Dots"])) == 1


def place_of(tree: Tree) -> tuple[float, float]:
    assert isinstance(tree, UnitPoint)
    return round(tree.x, ROUNDED_DECIMALS), round(tree.y, ROUNDED_DECIMALS)


def list_of(tree: Tree) -> list[Tree]:
    assert isinstance(tree, list)
    return tree


def edges_of(item: Tree) -> tuple[float, ...] | None:
    assert isinstance(item, dict)
    box = item.get("BoundingBox")
    return edges(box) if isinstance(box, UnitBox) else None


class TestPaper:
    """The paper's own rule, for reproduction: no clipping, nothing dropped that has a cell."""

    @pytest.mark.parametrize(
        ("box", "job_id", "own"),
        [
            (at(0, 0, 500, 375, PAPER.sheet), "a", (0, 0, 1, 1)),
            (at(500, 0, 1000, 375, PAPER.sheet), "b", (0, 0, 1, 1)),
            (at(0, 375, 250, 750, PAPER.sheet), "c", (0, 0, 0.5, 1)),
            (at(400, 0, 700, 300, PAPER.sheet), "b", (-0.2, 0, 0.4, 0.8)),  # astride: to the midpoint's cell, not clipped
            (at(0, 0, 1000, 375, PAPER.sheet), "b", (-1, 0, 1, 1)),  # a midpoint on the border is the next cell's
        ],
    )
    def test_the_midpoint_decides(self, box: UnitBox, job_id: str, own: tuple[float, ...]) -> None:
        assert edges(only(demultiplex(PAPER, [seen(box)]), job_id).box) == pytest.approx(own)

    @pytest.mark.parametrize(
        "box",
        [
            at(600, 400, 900, 700, PAPER.sheet),  # the empty cell
            at(-300, 0, 100, 100, PAPER.sheet),
            at(0, 700, 100, 900, PAPER.sheet),
            UnitBox(-math.inf, 0, math.inf, 1),
        ],
    )
    def test_a_midpoint_in_no_images_cell_is_nobodys(self, box: UnitBox) -> None:
        result = demultiplex(PAPER, [seen(box)])
        assert (result.kept, result.gutter) == (0, 1)

    def test_geometry_in_fields_is_moved_but_neither_clipped_nor_dropped(self) -> None:
        theirs = at(600, 0, 700, 100, PAPER.sheet)
        found = seen(at(0, 0, 100, 100, PAPER.sheet), fields={"list": [theirs], "point": UnitPoint(0.75, 0.25)})
        moved = only(demultiplex(PAPER, [found]), "a").fields
        (box,) = list_of(moved["list"])
        assert isinstance(box, UnitBox)
        assert edges(box) == pytest.approx((1.2, 0, 1.4, 100 / 375))
        assert place_of(moved["point"]) == (1.5, 0.5)


def test_everything_but_the_geometry_of_a_detection_stays() -> None:
    found = replace(seen(at(0, 0, 50, 50)), score_unit=0.123, feature=Feature.FACES)
    moved = only(demultiplex(KEPT, [found]), "left")
    assert (moved.feature, moved.label, moved.score_unit, moved.vendor) == (Feature.FACES, "Dog", 0.123, "rekognition")
