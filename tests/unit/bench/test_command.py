"""`tessera bench` from its command line: what it takes, and what it refuses."""

from __future__ import annotations

import argparse

import pytest

from app.bench.command import add_benches
from app.bench.order import LARGEST, PREVALENCES, WARM_UP, ModerationOrder


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_benches(parser)
    return parser.parse_args(["moderation", *arguments])


def test_the_defaults_are_those_of_the_order() -> None:
    options = parsed()
    assert {name: getattr(options, name) for name in ModerationOrder.__dataclass_fields__} == {
        name: getattr(ModerationOrder(), name) for name in ModerationOrder.__dataclass_fields__
    }
    assert (options.prevalences, options.largest) == (PREVALENCES, LARGEST)


def test_everything_can_be_chosen() -> None:
    options = parsed(
        "--images", "300", "--prevalences", "0, 0.25,1", "--largest", "25", "--seed", "9", "--clients", "3", "--json"
    )
    chosen = ModerationOrder(300, (0.0, 0.25, 1.0), 25, 3, 9, True)
    assert ModerationOrder(**{name: getattr(options, name) for name in ModerationOrder.__dataclass_fields__}) == chosen


@pytest.mark.parametrize(
    "arguments",
    [
        ("--images", "0"),
        ("--prevalences", "1.1"),
        ("--prevalences", "0.1,"),
        ("--prevalences", ""),
        ("--largest", "26"),
        ("--largest", "0"),
        ("--clients", "0"),
        ("--seed", "-1"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize(("images", "warm_up"), [(10_000, WARM_UP), (2 * WARM_UP, WARM_UP), (300, 150), (1, 0)])
def test_of_few_images_half_are_the_warm_up(images: int, warm_up: int) -> None:
    assert ModerationOrder(images=images).warm_up == warm_up
