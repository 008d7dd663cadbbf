"""Markers: what is drawn is read back, exactly, in everything that happens to pictures on their way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.detectors.contract import Sighting
from app.detectors.markers import (
    CLASSES,
    CORNER_NAMES,
    MARKER_COUNT,
    PATCH,
    MarkerDetector,
    draw_marker,
    marker_box_xyxy_px,
    marker_class,
    marker_id_of,
    marker_label,
    marker_parents,
)
from tests.support.eval_data import needs_eval_data, photographs
from tests.support.marker_scenes import Pixels, Placed, busy, in_rows, plain, reread, stored

EYE = MarkerDetector()
NEAR_PX = 1.0  # the promise; what is measured is about a tenth of it


def seen(pixels: Pixels) -> dict[str, Sighting]:
    """What the detector sees, by label; no label twice."""
    found = EYE.look(pixels)
    by_label = {sighting.label: sighting for sighting in found}
    assert len(by_label) == len(found)
    return by_label


def worst_edge_px(found: dict[str, Sighting], markers: tuple[Placed, ...], scale_xy: tuple[float, float] = (1.0, 1.0)) -> float:
    """The largest distance of any edge of any marker's box from where it truly is."""
    scale = np.array(scale_xy * 2)
    return max(float(np.abs(np.array(found[m.label].box_xyxy_px) - np.array(m.box) * scale).max()) for m in markers)


@pytest.mark.parametrize(
    ("marker_id", "name", "label", "parents"),
    [
        (0, "Car", "Car-0000", ("Car", "Vehicle", "Transportation")),
        (1, "Dog", "Dog-0001", ("Dog", "Canine", "Pet", "Mammal", "Animal")),
        (13, "Bottle", "Bottle-0013", ("Bottle",)),
        (999, "Cup", "Cup-0999", ("Cup",)),
    ],
)
def test_an_id_has_a_class_an_identity_label_and_ancestors(
    marker_id: int, name: str, label: str, parents: tuple[str, ...]
) -> None:
    assert (marker_class(marker_id), marker_label(marker_id), marker_parents(marker_id)) == (name, label, parents)


def test_identity_labels_lead_back_to_their_ids() -> None:
    assert [marker_id_of(marker_label(i)) for i in range(MARKER_COUNT)] == list(range(MARKER_COUNT))


@pytest.mark.parametrize(
    "label", ["", "Car", "Car-", "Car-0001", "Dog-1", "Car-1000", "Car-00000", "Car-²", "car-0000", "0000"]
)
def test_every_other_label_is_no_identity(label: str) -> None:
    assert marker_id_of(label) is None


@pytest.mark.parametrize("marker_id", [-1, MARKER_COUNT])
def test_ids_outside_the_dictionary_are_refused(marker_id: int) -> None:
    for use in (marker_class, marker_label, marker_parents, lambda i: draw_marker(i, 40)):
        with pytest.raises(ValueError, match="marker ids run from 0 to 999"):
            use(marker_id)


def test_a_patch_needs_a_pixel_per_module() -> None:
    assert draw_marker(0, PATCH).shape == (PATCH, PATCH)
    with pytest.raises(ValueError, match="at least 10 px"):
        draw_marker(0, PATCH - 1)


@pytest.mark.parametrize("side_px", [10, 33, 80, 101, 250])
def test_a_patch_is_a_white_zone_around_a_black_frame_of_exactly_eighty_percent(side_px: int) -> None:
    patch = draw_marker(5, side_px).astype(float)
    left, top, right, bottom = marker_box_xyxy_px(0, 0, side_px)
    assert (left, top, right, bottom) == pytest.approx((side_px * 0.1, side_px * 0.1, side_px * 0.9, side_px * 0.9))
    middle_of_frame = round(side_px * 0.15 - 0.5)
    row = patch[middle_of_frame]
    assert row[side_px // 2] <= 255 * 0.5
    # Light along a row through the frame: twice the zone's width, whatever fraction of a pixel that is.
    if side_px % PATCH == 0:
        assert row.sum() / 255 == pytest.approx(side_px * 0.2)
    assert (patch[0] >= 254).all() or side_px == PATCH


@pytest.mark.parametrize("side_px", [25, 26, 31, 40, 64, 120])
@pytest.mark.parametrize("quality", [60, 85])
def test_markers_from_20_px_are_all_found_in_jpeg_sheets(side_px: int, quality: int) -> None:
    """A patch of 25 px is a marker of 20 px. Every one is found, none is invented, every edge within a pixel."""
    markers = in_rows(1000, side_px, range(40, 85))
    found = seen(reread(stored(busy(1000, 1000, *markers, seed=side_px), quality=quality)))
    assert set(found) == {marker.label for marker in markers}
    assert worst_edge_px(found, markers) < NEAR_PX


@pytest.mark.parametrize("side_px", [300, 700, 1100, 1500, 1850])
def test_large_markers_are_found_too(side_px: int) -> None:
    marker = Placed(617, 60, 40, side_px)
    found = seen(reread(stored(busy(2000, 1950, marker), quality=80)))
    assert set(found) == {marker.label}
    assert worst_edge_px(found, (marker,)) < NEAR_PX


def test_large_and_small_markers_share_a_picture() -> None:
    markers = (Placed(1, 20, 20, 900), *(Placed(10 + i, 960, 20 + 40 * i, 28) for i in range(20)))
    found = seen(busy(1100, 960, *markers))
    assert set(found) == {marker.label for marker in markers}
    assert worst_edge_px(found, markers) < NEAR_PX


def test_images_larger_than_the_search_copy_keep_their_precision() -> None:
    markers = in_rows(4000, 130, range(500, 520))
    found = seen(busy(4000, 1500, *markers))
    assert set(found) == {marker.label for marker in markers}
    assert worst_edge_px(found, markers) < NEAR_PX


@pytest.mark.parametrize("size_wh", [(300, 900), (900, 420), (450, 450), (1234, 777)])
def test_resized_and_stretched_pictures_are_read(size_wh: tuple[int, int]) -> None:
    markers = in_rows(900, 90, range(200, 240))
    picture = Image.fromarray(busy(900, 900, *markers)).resize(size_wh, Image.Resampling.LANCZOS)
    found = seen(reread(stored(np.asarray(picture), quality=80)))
    assert set(found) == {marker.label for marker in markers}
    assert worst_edge_px(found, markers, (size_wh[0] / 900, size_wh[1] / 900)) < NEAR_PX


@pytest.mark.parametrize("turns", range(4))
def test_a_turned_marker_keeps_its_identity_and_knows_its_own_corners(turns: int) -> None:
    marker = Placed(77, 100, 60, 200)
    found = seen(np.ascontiguousarray(np.rot90(plain(400, 300, marker), turns)))
    sighting = found[marker.label]
    left, top, right, bottom = sighting.box_xyxy_px
    clockwise = [(left, top), (right, top), (right, bottom), (left, bottom)]
    own = [sighting.points[name] for name in CORNER_NAMES]
    assert np.allclose(own, np.roll(clockwise, turns, axis=0), atol=NEAR_PX)


@pytest.mark.parametrize("degrees", [7, 30, 45])
def test_a_tilted_marker_is_read(degrees: int) -> None:
    picture = Image.fromarray(plain(400, 400, Placed(310, 120, 120, 160))).rotate(degrees, Image.Resampling.BICUBIC)
    assert set(seen(np.array(picture))) == {marker_label(310)}


def test_a_mirrored_marker_is_not_read_as_another() -> None:
    markers = in_rows(1000, 60, range(100))
    assert EYE.look(np.ascontiguousarray(plain(1000, 800, *markers)[:, ::-1])) == []


def test_the_same_identity_in_two_places_is_seen_twice() -> None:
    found = EYE.look(plain(500, 300, Placed(9, 20, 40, 120), Placed(9, 260, 60, 180)))
    assert [sighting.label for sighting in found] == [marker_label(9)] * 2


@pytest.mark.parametrize("cut_px", [12, 30, 60])
def test_a_marker_that_the_edge_cuts_is_not_seen(cut_px: int) -> None:
    """Cut through its frame: 12 of 120 px is the quiet zone, the rest is cut from the frame."""
    picture = plain(300, 300, Placed(9, 100, 100, 120))
    assert EYE.look(np.ascontiguousarray(picture[100 + cut_px + 8 :])) == []


def test_sightings_carry_class_score_and_parents() -> None:
    small, large = Placed(8, 10, 10, 40), Placed(16, 100, 10, 200)
    found = seen(plain(400, 300, small, large))
    assert found[large.label].kind == "object"
    assert found[large.label].parents == ("Car", "Vehicle", "Transportation")
    assert 0.9 < found[small.label].score_unit < found[large.label].score_unit < 1.0


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((8, 2000, 3), np.uint8),
        np.full((600, 400, 3), 255, np.uint8),
        np.indices((300, 300)).sum(axis=0, keepdims=True).transpose(1, 2, 0).repeat(3, axis=2).astype(np.uint8),
        (np.indices((400, 400)).sum(axis=0) // 20 % 2 * 255)[..., None].repeat(3, axis=2).astype(np.uint8),
    ],
    ids=["one pixel", "a line", "white", "gradient", "stripes"],
)
def test_nothing_is_seen_where_nothing_is(pixels: Pixels) -> None:
    assert EYE.look(pixels) == []


def test_noise_and_squares_are_no_markers() -> None:
    """Frames with random bits inside: the closest thing to a marker that is none."""
    chance = np.random.default_rng(3)
    picture = np.full((1200, 1200), 255, np.uint8)
    known = {draw_marker(i, PATCH).tobytes() for i in range(MARKER_COUNT)}
    for row in range(20):
        for column in range(20):
            modules = np.full((PATCH, PATCH), 255, np.uint8)
            modules[1:-1, 1:-1] = 0
            modules[2:-2, 2:-2] = chance.integers(0, 2, (6, 6)) * 255
            assert modules.tobytes() not in known
            picture[row * 60 + 5 : row * 60 + 55, column * 60 + 5 : column * 60 + 55] = np.kron(modules, np.ones((5, 5)))
    assert EYE.look(np.ascontiguousarray(picture[..., None].repeat(3, axis=2))) == []


@needs_eval_data
@pytest.mark.parametrize("pool", ["voc2012", "coco2017"])
def test_nothing_in_a_photograph_is_taken_for_a_marker(pool: str) -> None:
    for path in photographs(pool, 80):
        assert EYE.look(np.array(Image.open(path).convert("RGB"))) == [], path.name


@given(
    marker_id=st.integers(0, MARKER_COUNT - 1),
    side_px=st.integers(30, 300),
    left_px=st.integers(0, 200),
    top_px=st.integers(0, 200),
)
@settings(max_examples=40)
def test_any_marker_at_any_place_and_size_is_read_exactly(marker_id: int, side_px: int, left_px: int, top_px: int) -> None:
    marker = Placed(marker_id, left_px, top_px, side_px)
    found = seen(plain(512, 512, marker))
    assert set(found) == {marker.label}
    assert worst_edge_px(found, (marker,)) < 0.25


def test_several_threads_may_look_at_once() -> None:
    pictures = [busy(500, 400, Placed(i, 30 + i, 20, 90), Placed(i + 100, 200, 150, 60), seed=i) for i in range(16)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(EYE.look, pictures))
    assert together == [EYE.look(picture) for picture in pictures]


def test_every_class_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in CLASSES}) == len(CLASSES)
