"""The command line of `tessera demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from app.demo.order import Order
from app.demo.run import add_arguments


def parsed(*arguments: str) -> Order:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return Order(**vars(parser.parse_args(arguments)))


def test_without_arguments_the_defaults_of_the_order_hold() -> None:
    assert parsed() == Order()


def test_every_option_reaches_the_order() -> None:
    line = "--images a --model b.onnx --rate 2.5 --clients 3 --count 4 --max-map-drop 0.1 --out c --seed 5"
    assert parsed(*line.split()) == Order(Path("a"), Path("b.onnx"), 2.5, 3, 4, 0.1, Path("c"), 5)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--rate", "0"),
        ("--rate", "-1"),
        ("--rate", "inf"),
        ("--rate", "fast"),
        ("--clients", "0"),
        ("--count", "-1"),
        ("--count", "1.5"),
        ("--max-map-drop", "-0.1"),
        ("--max-map-drop", "1.1"),
        ("--max-map-drop", "nan"),
        ("--seed", "-1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(option, value)
    assert option in capsys.readouterr().err
