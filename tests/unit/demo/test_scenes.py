"""The generated scenes keep their promises: same seed same bytes, every kind, truth in place, within the vendor's limits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from app.core.geometry import PixelBox, Size
from app.demo.checking import judge_exact
from app.demo.encoding import ENCODINGS, Encoding
from app.demo.painting import Style
from app.demo.scenes import MOST_OBJECTS, SHAPES, SIDES_PX, Plan, Scene, kinds, make_scene, make_scenes, plan_scenes
from app.demo.truth import Seen, overlap
from app.detectors.markers import MARKER_COUNT, MarkerDetector

SEED = 3
MOST_BYTES = 5_242_880  # inline images of Rekognition
SMALL_CELL_PX = 630  # longest side that an image gets on a 3x3 sheet of 1920 px
ROUND = len(SHAPES)  # scenes until every shape and every encoding has occurred


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return make_scenes(ROUND, SEED, threads=2)


def upright(scene: Scene, longest_px: int | None = None) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(scene.content)) as stored:
        picture = ImageOps.exif_transpose(stored).convert("RGB")
    if longest_px is not None and max(picture.size) > longest_px:
        picture.thumbnail((longest_px, longest_px), Image.Resampling.BOX)
    return np.asarray(picture)


def read_back(pixels: NDArray[np.uint8]) -> list[Seen]:
    size = Size(pixels.shape[1], pixels.shape[0])
    return [Seen(one.label, one.score_unit, PixelBox(*one.box_xyxy_px).to_unit(size)) for one in MarkerDetector().look(pixels)]


def test_the_same_seed_paints_the_same_bytes_whatever_the_order_and_the_threads(scenes: Sequence[Scene]) -> None:
    plans = plan_scenes(ROUND, SEED)
    assert [make_scene(plans[number]).content for number in (9, 4)] == [scenes[9].content, scenes[4].content]
    assert make_scene(plan_scenes(ROUND, SEED + 1)[4]).content != scenes[4].content


def test_one_round_shows_every_encoding_and_every_shape(scenes: Sequence[Scene]) -> None:
    assert set(kinds(scenes)) == {encoding.name for encoding in ENCODINGS}
    ratios = [scene.size.width_px / scene.size.height_px for scene in scenes]
    assert min(ratios) < 0.5 < 1 < 2.5 < max(ratios)
    assert any(abs(ratio - 1) < 0.02 for ratio in ratios)
    assert max(scene.size.longest_px for scene in scenes) > 3500
    assert min(scene.size.longest_px for scene in scenes) < 300


def test_sizes_and_bytes_stay_within_limits(scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        assert SIDES_PX[0] <= scene.size.shortest_px <= scene.size.longest_px <= SIDES_PX[1]
        assert len(scene.content) < MOST_BYTES


BY_VARIANT = {(encoding.format, encoding.mode, encoding.progressive): encoding for encoding in ENCODINGS}


@pytest.mark.parametrize("encoding", BY_VARIANT.values(), ids=[encoding.name for encoding in BY_VARIANT.values()])
def test_the_largest_picture_of_each_encoding_is_one_that_the_vendor_takes(encoding: Encoding) -> None:
    side_px = encoding.longest_px
    plan = Plan(0, Size(side_px, side_px * 3 // 4), encoding, Style.LANTERNS, (1, 2, 3), (SEED, 0))
    assert len(make_scene(plan).content) < MOST_BYTES


def test_files_are_what_they_claim_to_be(scenes: Sequence[Scene]) -> None:
    """Format, colour mode, progressive flag and EXIF orientation are in the bytes, and the upright size is the promised one."""
    for scene, encoding in zip(scenes, (ENCODINGS[n % len(ENCODINGS)] for n in range(ROUND)), strict=True):
        with Image.open(io.BytesIO(scene.content)) as stored:
            assert (stored.format, stored.mode) == (encoding.format, encoding.mode), encoding
            assert bool(stored.info.get("progressive")) is encoding.progressive
            assert stored.getexif().get(0x0112, 1) == encoding.orientation
            assert ImageOps.exif_transpose(stored).size == (scene.size.width_px, scene.size.height_px)


def test_every_object_is_read_back_where_the_truth_says(scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        pixels = upright(scene)
        verdict = judge_exact(scene.objects, read_back(pixels))
        assert [mark for mark in verdict.marks if mark.fate.value != "right"] == [], (scene.number, scene.kind)
        found = {one.label: one.box for one in read_back(pixels)}
        assert all(overlap(thing.box, found[thing.label] or thing.box) > 0.95 for thing in scene.objects)


def test_every_object_survives_the_smallest_cell(scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        labels = {one.label for one in read_back(upright(scene, SMALL_CELL_PX))}
        assert labels == {thing.label for thing in scene.objects}, (scene.number, scene.kind, str(scene.size))


@pytest.mark.parametrize("count", [1, 140, 400, MARKER_COUNT])
def test_no_identity_occurs_twice_in_a_run(count: int) -> None:
    plans = plan_scenes(count, SEED)
    ids = [marker_id for plan in plans for marker_id in plan.marker_ids]
    assert len(ids) == len(set(ids))
    assert all(1 <= len(plan.marker_ids) <= MOST_OBJECTS for plan in plans)


@pytest.mark.parametrize("count", [0, -1, MARKER_COUNT + 1])
def test_more_scenes_than_identities_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="told apart"):
        plan_scenes(count, SEED)


def test_objects_do_not_touch(scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        assert all(overlap(one.box, other.box) == 0 for one, other in combinations(scene.objects, 2))
