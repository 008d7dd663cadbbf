"""A forest of plain numbers predicts what its trees say, and refuses what is no forest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.core.forest import Forest

# Two trees over two figures: "first <= 0.5 ? (1, 10) : (3, 30)", and "second <= 2 ? (0, 0) : (2, 20)".
DATA: dict[str, Any] = {
    "features": 2,
    "roots": [0, 3],
    "feature": [0, -1, -1, 1, -1, -1],
    "threshold": [0.5, 0, 0, 2.0, 0, 0],
    "left": [1, 0, 0, 4, 0, 0],
    "right": [2, 0, 0, 5, 0, 0],
    "values": [[0, 0], [1, 10], [3, 30], [0, 0], [0, 0], [2, 20]],
}


@pytest.mark.parametrize(
    ("row", "said"),
    [((0.5, 2.0), (0.5, 5.0)), ((0.6, 2.0), (1.5, 15.0)), ((0.0, 9.0), (1.5, 15.0)), ((9.0, 9.0), (2.5, 25.0))],
)
def test_the_mean_of_its_trees(row: tuple[float, float], said: tuple[float, float]) -> None:
    assert Forest.from_json(DATA).predict(row) == said


def test_it_survives_being_written_down() -> None:
    forest = Forest.from_json(DATA)
    again = Forest.from_json(forest.to_json())
    assert again.to_json() == forest.to_json()
    assert again.outputs == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"left": [7, 0, 0, 4, 0, 0]},
        {"right": [-2, 0, 0, 5, 0, 0]},
        {"roots": []},
        {"roots": [6]},
        {"feature": [2, -1, -1, 1, -1, -1]},
        {"feature": [-2, -1, -1, 1, -1, -1]},
        {"threshold": [0.5]},
        {"values": [0, 0, 0, 0, 0, 0]},
        {"values": []},
        {"left": [0, 0, 0, 4, 0, 0]},  # in a circle
        {"threshold": [float("nan"), 0, 0, 2.0, 0, 0]},
        {"values": [[1, 2], [1, 10], [3, 30], [0, 0], [0, None], [2, 20]]},
    ],
)
def test_what_is_no_forest_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Forest.from_json(DATA | changes)


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 features"):
        Forest.from_json(DATA).predict((1.0, 2.0, 3.0))


def test_figures_are_compared_in_32_bits_as_they_were_learned() -> None:
    edge = float(np.float32(0.1))
    forest = Forest.from_json(DATA | {"threshold": [edge, 0, 0, 2.0, 0, 0]})
    assert forest.predict((0.1, 0.0))[0] == 0.5
