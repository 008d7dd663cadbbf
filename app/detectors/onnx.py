"""Detection models in ONNX files, run on the CPU with onnxruntime and numpy alone.

In: a file, and RGB pixels. Out: `Sighting`s, all above a low floor (who asks filters). How to feed and read a model says its
recipe (see `recipe_file`); one without is recognised by its graph where it is of a usual family (see `guess`). Called by the
emulators, the local provider and the scout.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.detectors.contract import ModelFacts, Sighting, UnusableModel
from app.detectors.graph import Arrays, Port
from app.detectors.guess import guess_recipe
from app.detectors.recipe import Recipe
from app.detectors.recipe_file import find_recipe
from app.detectors.sight import Sight

_ERRORS_ONLY = 3
"""onnxruntime's log level: the rest are remarks on the graph that its user cannot act on."""
_DIGEST_DIGITS = 12
"""Of the file's SHA-256: enough to tell an operator's models apart."""
_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


class OnnxDetector:
    """A detection model. `onnxruntime` sessions may be run from several threads at once."""

    def __init__(
        self, model: Path, *, recipe: Recipe | Path | None = None, floor_unit: float | None = None, threads: int = 1
    ) -> None:
        """`recipe`: None finds it (beside the model, shipped, guessed); `floor_unit`: in place of the recipe's.

        `threads`: cores per image; 1 gives the most images per second where several are looked at at once.
        Raises UnusableModel.
        """
        known = recipe if isinstance(recipe, Recipe) else find_recipe(model, recipe)
        graph = _load(model, threads)
        if known is None:
            known = _guessed(graph, model.name)
        self._model = model
        if floor_unit is not None:
            known = replace(known, floor_unit=floor_unit, usual_score_unit=max(floor_unit, known.usual_score_unit))
        self._sight = Sight(graph, known)

    @property
    def recipe(self) -> Recipe:
        """What is in force, with the size of the graph's input."""
        return self._sight.recipe

    @property
    def facts(self) -> ModelFacts:
        """Reads the file once more, for its digest. Raises OSError."""
        with self._model.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()[:_DIGEST_DIGITS]
        recipe = self.recipe
        return ModelFacts(
            identity=f"{self._model.name}:{digest}-{recipe.digest}",
            seen=recipe.input.seen(),
            has_people=recipe.classes.has_people,
            usual_score_unit=recipe.usual_score_unit,
        )

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        return self._sight.look(rgb)


@dataclass(frozen=True, slots=True)
class _OnnxGraph:
    session: onnxruntime.InferenceSession
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]

    def run(self, feeds: Arrays) -> Arrays:
        names = list(self.outputs)
        try:
            values = self.session.run(names, dict(feeds))
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise UnusableModel(f"the graph cannot be run on {_shapes(feeds)}: {error}") from error
        return dict(zip(names, values, strict=True))


def _guessed(graph: _OnnxGraph, name: str) -> Recipe:
    try:
        return guess_recipe(graph, name)
    except ValueError as error:
        raise UnusableModel(str(error)) from error


def _load(model: Path, threads: int) -> _OnnxGraph:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise UnusableModel(f"{model}: not an ONNX model that onnxruntime can load: {error}") from error
    return _OnnxGraph(session, _ports(session.get_inputs()), _ports(session.get_outputs()))


def _ports(nodes: list[onnxruntime.NodeArg]) -> dict[str, Port]:
    ports = {}
    for node in nodes:
        shape = tuple(length if isinstance(length, int) else None for length in node.shape)
        ports[node.name] = Port(shape, np.dtype(_TYPES.get(node.type, np.float32)))
    return ports


def _shapes(feeds: Arrays) -> str:
    return ", ".join(f"{name} {values.shape}" for name, values in feeds.items())
