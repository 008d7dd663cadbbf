"""How a model is looked through: prepare, run, read, name. The same for every graph; what differs is in the recipe.

In: a graph and its recipe; then RGB pixels. Out: `Sighting`s above the recipe's floor. Called by `onnx`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.detectors.classes import Classes, is_person
from app.detectors.contract import Sighting, UnusableModel
from app.detectors.graph import Graph
from app.detectors.outputs import Interpretation
from app.detectors.preparing import Preparation
from app.detectors.recipe import Recipe
from app.detectors.suppression import MOST_FINDINGS, Raw

_TRIAL_SIZE_PX = 64


class Sight:
    """A model with its recipe. Tries the graph once, so that a recipe that does not fit is found out before it is needed."""

    def __init__(self, graph: Graph, recipe: Recipe) -> None:
        """Raises UnusableModel."""
        self._graph = graph
        try:
            self._prepare = Preparation(recipe.input, graph.inputs)
            self._interpret = Interpretation(recipe, graph.outputs)
            self.recipe = replace(recipe, input=self._prepare.recipe)
            self.look(np.zeros((_TRIAL_SIZE_PX, _TRIAL_SIZE_PX, 3), np.uint8))
        except ValueError as error:
            raise UnusableModel(f"{recipe.source}: {error}") from error

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        feeds, fitted = self._prepare(rgb)
        found = self._interpret(self._graph.run(feeds), fitted)
        return sightings(found, fitted.image_wh, self.recipe.classes, self.recipe.floor_unit)


def sightings(found: Raw, image_wh: tuple[int, int], classes: Classes, floor_unit: float) -> list[Sighting]:
    """The best findings above the floor, clipped to the image, named; those without a name or an area are left out."""
    order = np.argsort(-found.scores)[:MOST_FINDINGS]
    keep = order[found.scores[order] > floor_unit]
    boxes = np.clip(found.boxes[keep], 0.0, [*image_wh, *image_wh])
    rows = zip(boxes.tolist(), found.scores[keep].tolist(), found.classes[keep].tolist(), strict=True)
    return [
        _sighting(box, score, number, classes)
        for box, score, number in rows
        if box[2] > box[0] and box[3] > box[1] and number in classes.by_number
    ]


def _sighting(box: list[float], score: float, number: int, classes: Classes) -> Sighting:
    known = classes.by_number[number]
    kind = "person" if is_person(known.label) else "object"
    return Sighting(kind, known.label, min(score, 1.0), (box[0], box[1], box[2], box[3]), parents=known.parents)
