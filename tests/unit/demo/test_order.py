"""Orders: defaults by kind of run, and one sentence for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.demo.order import MOST_SCENES, Order
from app.detectors.markers import MARKER_COUNT

HERE = Path(__file__)


def test_there_are_as_many_scenes_as_identities() -> None:
    assert MOST_SCENES == MARKER_COUNT


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        (Order(), ""),
        (Order(images=HERE.parent, model=HERE), ""),
        (Order(images=HERE.parent), "--images needs --model: the emulator has to see something in photographs"),
        (Order(model=HERE), "--model needs --images: the generated scenes are read by their markers"),
        (Order(images=HERE.parent, model=HERE / "none"), f"there is no file {HERE / 'none'}"),
        (Order(count=MOST_SCENES), ""),
        (Order(count=MOST_SCENES + 1), "--count: at most 1000 generated images can be told apart"),
        (Order(images=HERE.parent, model=HERE, count=MOST_SCENES + 1), ""),
    ],
)
def test_what_makes_no_sense_is_said(order: Order, complaint: str) -> None:
    assert order.complaint == complaint


def test_photographs_come_fewer_and_slower_unless_told_otherwise() -> None:
    scenes, photographs = Order(), Order(images=HERE.parent, model=HERE)
    assert scenes.rate_per_s > photographs.rate_per_s
    assert scenes.images_wanted > photographs.images_wanted
    told = Order(images=HERE.parent, model=HERE, rate=3.5, count=9)
    assert (told.rate_per_s, told.images_wanted) == (3.5, 9)
