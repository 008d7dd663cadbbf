"""Detection models in PyTorch: the paper's own two, DETR through transformers and Faster R-CNN through torchvision.

    detr:facebook/detr-resnet-50    an object detector of the Hugging Face hub (transformers' AutoModelForObjectDetection)
    detr:folder                     the same from a local folder; nothing is downloaded
    fasterrcnn:weights.pth          torchvision's Faster R-CNN (ResNet-50 FPN, v1 or v2) with weights of one's own
    fasterrcnn:default              with torchvision's weights for COCO, downloaded on first use

In: such a name, and RGB pixels. Out: `Sighting`s, as `onnx` gives them: each model is wrapped as a `Graph` and read by a
recipe. Torch is imported when a model is built, never with this module. On a CUDA device where there is one. Called by the
local provider.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.detectors.contract import ModelFacts, Sighting, UnusableModel
from app.detectors.graph import Arrays, Port
from app.detectors.recipe import Recipe
from app.detectors.recipe_file import load_recipe
from app.detectors.sight import Sight

EXTRA = "tessera[torch]"
_DIGEST_DIGITS = 12

Tensors: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in evaluation mode, how it is called with tensors by name, and what it is."""

    model: Any
    forward: Callable[[Tensors], Tensors]
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    recipe: Recipe
    paper_table: str


class TorchDetector:
    """A detection model. Models in evaluation mode may be run from several threads at once."""

    def __init__(self, name: str, *, recipe: Path | None = None) -> None:
        """`recipe`: in place of what the model says of itself. Raises UnusableModel."""
        kind, _, place = name.partition(":")
        loaded = _loaded(kind, place)
        known = loaded.recipe if recipe is None else load_recipe(recipe)
        self._name = f"{kind}:{Path(place).name}"
        self._loaded = loaded
        self._sight = Sight(_TorchGraph(loaded), known)

    @property
    def facts(self) -> ModelFacts:
        recipe = self._sight.recipe
        return ModelFacts(
            identity=f"{self._name}:{_digest(self._loaded.model)}-{recipe.digest}",
            seen=recipe.input.seen(),
            has_people=recipe.classes.has_people,
            usual_score_unit=recipe.usual_score_unit,
            paper_table=self._loaded.paper_table,
        )

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        return self._sight.look(rgb)


def one_core_per_image() -> None:
    """A setting of the whole process, so only its owner calls this: several images are looked at side by side instead."""
    import torch

    torch.set_num_threads(1)


def device() -> str:
    """Where models run."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _loaded(kind: str, place: str) -> Loaded:
    try:
        match kind:
            case "detr":
                from app.detectors.detr import load_detr

                return load_detr(place)
            case "fasterrcnn":
                from app.detectors.faster_rcnn import load_faster_rcnn

                return load_faster_rcnn(place)
            case _:
                raise UnusableModel(f"{kind}: no such kind of model; detr:... and fasterrcnn:... are known")
    except ImportError as error:
        raise UnusableModel(f"{kind}: needs the extra {EXTRA} ({error})") from error


class _TorchGraph:
    """A model as a graph: arrays in, arrays out."""

    def __init__(self, loaded: Loaded) -> None:
        self._forward = loaded.forward
        self._device = device()
        self.inputs = loaded.inputs
        self.outputs = loaded.outputs

    def run(self, feeds: Arrays) -> Arrays:
        import torch

        try:
            with torch.inference_mode():
                tensors = {name: torch.from_numpy(values).to(self._device) for name, values in feeds.items()}
                return {name: tensor.float().cpu().numpy() for name, tensor in self._forward(tensors).items()}
        except RuntimeError as error:  # what torch raises for shapes, types and memory alike
            raise UnusableModel(f"the model cannot be run: {error}") from error


def _digest(model: Any) -> str:
    """Of all weights: the same wherever the files lie."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:_DIGEST_DIGITS]
