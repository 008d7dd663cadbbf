"""CompareFaces: equal ids are equal faces; other faces are compared by their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.rekognition.comparing import answer, read
from app.emulators.rekognition.errors import ServiceError
from app.emulators.scene import Scene
from tests.support import cartoons
from tests.support.seen import check_against_model, face, marker, person, scene


def asked(source: tuple[Scene], target: tuple[Scene], threshold: float | None = None) -> tuple[list[float], int]:
    """Similarities of the matches, and how many faces do not match."""
    reply = answer((*source, *target), read({"SimilarityThreshold": threshold}))
    check_against_model("CompareFaces", reply)
    return [match["Similarity"] for match in reply["FaceMatches"]], len(reply["UnmatchedFaces"])


def test_equal_markers_match_and_others_do_not() -> None:
    assert asked(scene(marker(8)), scene(marker(9), marker(8), marker(8), face())) == ([100.0, 100.0], 2)


def test_the_largest_face_of_the_source_is_the_one() -> None:
    source = scene(marker(8, (0, 0, 10, 10)), marker(9, (50, 50, 150, 150)))
    assert asked(source, scene(marker(9))) == ([100.0], 0)


def test_a_source_without_a_face_is_refused() -> None:
    with pytest.raises(ServiceError) as caught:
        asked(scene(person()), scene(face()))
    assert caught.value.code == "InvalidParameterException"


def test_a_target_without_a_face_matches_nothing() -> None:
    assert asked(scene(face()), scene()) == ([], 0)


def test_the_same_pixels_are_similar_and_others_are_not() -> None:
    box = (100, 60, 220, 180)
    portrait = cartoons.face(120, (400, 300), (100, 60))
    noise = np.random.default_rng(2).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    same = scene(face(box), rgb=portrait)
    (similarity,), unmatched = asked(same, same)
    assert similarity == pytest.approx(100)
    assert unmatched == 0
    assert asked(same, scene(face(box), rgb=noise)) == ([], 1)


@pytest.mark.parametrize(("threshold", "matches"), [(0, 1), (None, 0)])
def test_the_threshold_defaults_to_80(threshold: float | None, matches: int) -> None:
    found, _ = asked(scene(marker(8)), scene(marker(9)), threshold)
    assert len(found) == matches
