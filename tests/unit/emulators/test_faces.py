"""Which things count as faces, and what is known of them."""

from __future__ import annotations

import pytest

from app.emulators.faces import face_seed, faces_in, roll_degrees
from tests.support.seen import face, marker, person, scene, thing


def test_markers_and_faces_are_faces_the_largest_first() -> None:
    (seen,) = scene(face((200, 50, 260, 110)), marker(8, (40, 20, 140, 120)), person(), thing("Cup"))
    assert [found.marker_id for found in faces_in(seen, 9)] == [8, None]
    assert [found.marker_id for found in faces_in(seen, 1)] == [8]


@pytest.mark.parametrize(("turn", "degrees"), [(0, 0), (1, 90), (2, 180), (3, -90)])
def test_a_markers_roll_is_measured(turn: int, degrees: float) -> None:
    (seen,) = scene(marker(8, turn=turn))
    assert abs(roll_degrees(seen.seen[0])) == pytest.approx(abs(degrees))


def test_a_face_has_no_roll_and_its_seed_comes_from_its_pixels() -> None:
    (seen,) = scene(face(), marker(8))
    assert roll_degrees(seen.seen[0]) == 0
    assert face_seed(seen, seen.seen[0]) == 501  # grey 128 of 255
    assert face_seed(seen, seen.seen[1]) == 8
