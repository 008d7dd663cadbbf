"""DetectModerationLabels: the last fifty markers are unsafe."""

from __future__ import annotations

from typing import Any

import pytest

from app.detectors.contract import Sighting
from app.emulators.meanings import FIRST_UNSAFE_ID
from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.moderation import TAXONOMY, answer, read
from app.emulators.rekognition.parameters import Json
from tests.support.seen import check_against_model, face, marker, person, scene


def asked(*sightings: Sighting, **members: Any) -> list[Json]:
    reply = answer(scene(*sightings), read(members))
    check_against_model("DetectModerationLabels", reply)
    assert reply["ModerationModelVersion"] == "7.0"
    labels: list[Json] = reply["ModerationLabels"]
    return labels


def test_clean_images_have_no_labels() -> None:
    assert asked(marker(0), marker(FIRST_UNSAFE_ID - 1), face(), person()) == []


@pytest.mark.parametrize(
    ("marker_id", "labels"),
    [
        (
            953,
            [
                ("Weapon Violence", "Graphic Violence", 3),
                ("Graphic Violence", "Violence", 2),
                ("Violence", "", 1),
            ],
        ),
        (955, [("Explicit Sexual Activity", "Explicit", 2), ("Explicit", "", 1)]),
        (951, [("Gambling", "", 1)]),
        (961, [("Gambling", "", 1)]),
    ],
)
def test_an_unsafe_marker_gives_a_label_and_those_above_it(marker_id: int, labels: list[tuple[str, str, int]]) -> None:
    assert asked(marker(marker_id, score=0.9)) == [
        {"Confidence": 90.0, "Name": name, "ParentName": parent, "TaxonomyLevel": level} for name, parent, level in labels
    ]


def test_all_three_levels_occur_and_no_label_has_two_parents() -> None:
    assert {len(names) for names in TAXONOMY} == {1, 2, 3}
    pairs = {pair for names in TAXONOMY for pair in zip(names, (*names[1:], ""), strict=True)}
    assert len({name for name, _ in pairs}) == len(pairs)


def test_each_label_comes_once_as_sure_as_its_surest_marker() -> None:
    found = asked(marker(958, score=0.7), marker(968, score=0.95))
    assert [(label["Name"], label["Confidence"]) for label in found] == [("Weapons", 95.0), ("Violence", 95.0)]


def test_a_parent_is_as_sure_as_the_surest_label_below_it_and_others_keep_their_own_scores() -> None:
    found = asked(marker(958, score=0.7), marker(953, score=0.8), marker(951, score=0.6))
    assert [(label["Name"], label["Confidence"]) for label in found] == [
        ("Weapon Violence", 80.0), ("Graphic Violence", 80.0), ("Violence", 80.0), ("Weapons", 70.0), ("Gambling", 60.0)
    ]  # fmt: skip


@pytest.mark.parametrize(("least", "count"), [(None, 0), (0, 2), (40, 2), (46, 0)])
def test_the_threshold_defaults_to_50(least: float | None, count: int) -> None:
    assert len(asked(marker(958, score=0.45), MinConfidence=least)) == count


@pytest.mark.parametrize(
    ("side_px", "confidence"), [(100, 90.0), (60, 70.0), (30, 49.5), (4, 18.1), (3, None)], ids=lambda value: str(value)
)
def test_the_smaller_the_less_sure_down_to_nothing_at_all(side_px: int, confidence: float | None) -> None:
    found = asked(marker(951, (40, 20, 40 + side_px, 20 + side_px), score=0.9), MinConfidence=0)
    assert [label["Confidence"] for label in found] == ([] if confidence is None else [pytest.approx(confidence, abs=0.1)])


def test_an_adapter_is_a_text_and_changes_nothing() -> None:
    assert asked(marker(951), ProjectVersion="arn:x") == asked(marker(951))
    with pytest.raises(ServiceError):
        read({"ProjectVersion": 5})
