"""What a DETR's own configuration amounts to, without any library of models."""

from __future__ import annotations

from typing import Any

import pytest

from app.detectors.detr import IMAGE, MEAN, STD, input_recipe, labelled
from app.detectors.recipe import Fit, InputRecipe

NORMALISED: dict[str, Any] = {"divisor": 255.0, "mean": MEAN, "std": STD, "name": IMAGE}
SIZES: list[tuple[dict[str, Any], InputRecipe]] = [
    ({}, InputRecipe(Fit.SHORTEST_SIDE, shortest_px=800, longest_px=1333, **NORMALISED)),
    (
        {"size": {"shortest_edge": 480, "longest_edge": 640}},
        InputRecipe(Fit.SHORTEST_SIDE, shortest_px=480, longest_px=640, **NORMALISED),
    ),
    ({"size": 600, "max_size": 1000}, InputRecipe(Fit.SHORTEST_SIDE, shortest_px=600, longest_px=1000, **NORMALISED)),
    ({"size": {"height": 480, "width": 640}}, InputRecipe(Fit.STRETCH, (640, 480), **NORMALISED)),
]


@pytest.mark.parametrize(("preparation", "recipe"), SIZES)
def test_every_way_of_saying_a_size(preparation: dict[str, Any], recipe: InputRecipe) -> None:
    assert input_recipe(preparation) == recipe


@pytest.mark.parametrize(
    ("preparation", "divisor", "mean", "std"),
    [
        ({"rescale_factor": 0.00392156862745098}, 255.0, MEAN, STD),
        ({"do_normalize": False}, 255.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ({"do_rescale": False, "image_mean": [1, 2, 3], "image_std": [4, 5, 6]}, 1.0, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
    ],
)
def test_normalisation(preparation: dict[str, Any], divisor: float, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    recipe = input_recipe(preparation)
    assert recipe.divisor == pytest.approx(divisor)
    assert (recipe.mean, recipe.std) == (mean, std)


@pytest.mark.parametrize(
    "preparation",
    [{"size": "large"}, {"size": {"height": 0, "width": 9}}, {"image_mean": [1, 2]}, {"size": 900, "max_size": 800}],
)
def test_what_makes_no_sense_is_refused(preparation: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        input_recipe(preparation)


@pytest.mark.parametrize(
    ("labels", "named", "count"),
    [
        ({}, {}, 0),
        ({0: "N/A", 1: "person", 2: "screw", 4: "TV"}, {1: "Person", 2: "screw", 4: "TV"}, 5),
        ({0: "no-object", 1: ""}, {}, 2),
    ],
)
def test_labels_that_coco_knows_are_spelled_as_everywhere(labels: dict[int, str], named: dict[int, str], count: int) -> None:
    classes = labelled(labels)
    assert ({number: known.label for number, known in classes.by_number.items()}, classes.count) == (named, count)
