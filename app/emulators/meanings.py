"""What markers stand for besides everyday objects: unsafe content, logos and landmarks. The same for every vendor.

In: a marker's id. Out: yes or no. A test that wants a clean picture, or one with a logo, takes its ids by this file.
"""

from __future__ import annotations

from app.detectors.markers import MARKER_COUNT

FIRST_UNSAFE_ID = MARKER_COUNT - 50
"""This one and those after it show unsafe content."""
LOGO_EVERY, LANDMARK_EVERY = 4, 5
"""One id in so many is (also) a logo, one in so many a landmark; an id that both divide is both."""


def is_unsafe(marker_id: int) -> bool:
    return marker_id >= FIRST_UNSAFE_ID


def is_logo(marker_id: int) -> bool:
    return marker_id % LOGO_EVERY == 0


def is_landmark(marker_id: int) -> bool:
    return marker_id % LANDMARK_EVERY == 0
