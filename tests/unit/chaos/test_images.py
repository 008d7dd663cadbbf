"""Identities: no two images of a run have the same pair, and a marker comes back late."""

from __future__ import annotations

from app.core.geometry import UnitBox
from app.demo.truth import overlap
from app.detectors.markers import MarkerDetector
from tests.chaos import images
from tests.chaos.judge import IN_PLACE, identity
from tests.support.marker_scenes import reread

MANY = 20_000


def test_no_two_images_have_the_same_pair() -> None:
    pairs = [images.pair(number) for number in range(MANY)]
    assert len(set(pairs)) == MANY
    assert all(0 <= first < second < images.FIRST_UNSAFE for first, second in pairs)


def test_a_marker_comes_back_only_when_who_had_it_is_gone() -> None:
    last: dict[int, int] = {}
    for number in range(MANY):
        for marker_id in images.pair(number):
            assert number - last.get(marker_id, -MANY) >= images.APART
            last[marker_id] = number


def test_what_an_image_is_said_to_show_is_seen_in_it() -> None:
    for number, unsafe in ((1, False), (2, False), (images.HALF + 3, True)):
        truth = images.truth(number, unsafe=unsafe)
        size = images.size_of(number)
        seen = MarkerDetector().look(reread(images.content(number, unsafe=unsafe)))
        found = {identity(one.label): one.box_xyxy_px for one in seen}
        assert found.keys() == truth.boxes.keys()
        for marker_id, box in truth.boxes.items():
            left, top, right, bottom = found[marker_id]
            unit = UnitBox(left / size.width_px, top / size.height_px, right / size.width_px, bottom / size.height_px)
            assert overlap(unit, box) > IN_PLACE


def test_unsafe_content_is_what_its_marker_says() -> None:
    assert {images.truth(number, unsafe=True).content for number in range(images.UNSAFE)} == set(images.CONTENT.values())
    assert images.truth(4).content == ""
