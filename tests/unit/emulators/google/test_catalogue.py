"""Ids of names."""

from __future__ import annotations

from app.detectors.markers import MARKER_COUNT, marker_label
from app.emulators.google.catalogue import KNOWN_MIDS, mid_of


def test_known_names_have_their_known_ids() -> None:
    assert mid_of("Car") == "/m/0k4j"
    assert len(set(KNOWN_MIDS.values())) == len(KNOWN_MIDS)


def test_every_name_has_an_id_of_its_own() -> None:
    assert len({mid_of(marker_label(number)) for number in range(MARKER_COUNT)}) == MARKER_COUNT
    assert mid_of("Umbrella") == mid_of("Umbrella")
