"""Scenes: what is in them, places in a thing, and who is larger."""

from __future__ import annotations

import pytest

from app.emulators.scene import Seen, largest_first
from tests.support.seen import HEIGHT, WIDTH, face, marker, person, scene, thing


def test_markers_are_told_from_everything_else_by_their_label() -> None:
    (seen,) = scene(marker(12), face(), thing("Car-0001"), person())
    assert [found.marker_id for found in seen.seen] == [12, None, None, None]  # Car-0001 is no identity: 1 is a dog
    assert [found.marker_id for found in seen.markers] == [12]
    assert [found.sighting.label for found in seen.of_kinds("face", "person")] == ["Face", "Person"]


def test_an_empty_scene_has_nothing() -> None:
    (seen,) = scene()
    assert seen.seen == ()
    assert seen.markers == seen.of_kinds("face") == []


@pytest.mark.parametrize(("turn", "wanted"), [(0, (60, 30)), (1, (130, 40)), (2, (120, 110)), (3, (50, 100))])
def test_places_in_a_marker_turn_with_it(turn: int, wanted: tuple[float, float]) -> None:
    (seen,) = scene(marker(1, (40, 20, 140, 120), turn=turn))
    assert seen.seen[0].place(0.2, 0.1) == pytest.approx(wanted)


def test_places_in_anything_else_are_shares_of_its_box() -> None:
    (seen,) = scene(face((200, 50, 260, 110)))
    assert seen.seen[0].place(0.5, 0.25) == (230, 65)


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        ((10, 20, 30, 50), (30, 20, 3)),
        ((-50, -50, 20, 10), (10, 20, 3)),
        ((WIDTH - 5, HEIGHT - 5, WIDTH + 50, HEIGHT + 50), (5, 5, 3)),
        ((WIDTH + 10, 0, WIDTH + 20, 10), (10, 1, 3)),
        ((-20, -20, -10, -10), (1, 1, 3)),
        ((50, 60, 50, 60), (1, 1, 3)),
    ],
)
def test_a_crop_lies_in_the_image_and_is_never_empty(
    box: tuple[float, float, float, float], shape: tuple[int, int, int]
) -> None:
    (seen,) = scene(thing("X", box))
    assert seen.crop(seen.seen[0]).shape == shape


def test_the_largest_come_first_and_equals_keep_their_order() -> None:
    small, large, other = (
        Seen(thing(name, box)) for name, box in (("s", (0, 0, 1, 1)), ("l", (0, 0, 9, 9)), ("o", (5, 5, 6, 6)))
    )
    assert [found.sighting.label for found in largest_first([small, large, other], 9)] == ["l", "s", "o"]
    assert largest_first([small, large, other], 1) == [large]
    assert largest_first([], 3) == []
