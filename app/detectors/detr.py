"""DETR and its relatives through Hugging Face transformers. Called by `torch`; transformers is imported when a model is loaded.

In: a folder, or the name of a model on the hub. Out: the model and the recipe that its own configuration amounts to: how images
are sized and normalised (`preprocessor_config.json`), the classes (`id2label`), and whether its scores are a softmax with "no
object" as the last class (DETR, YOLOS) or sigmoids (Deformable DETR, RT-DETR and later ones). Only a hub's name downloads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.detectors.classes import Classes, spelled
from app.detectors.contract import UnusableModel
from app.detectors.graph import Port
from app.detectors.recipe import LONGEST_PX, SHORTEST_PX, WHITE, Activation, Fit, InputRecipe, OutputKind, OutputRecipe, Recipe
from app.detectors.torch import Loaded, Tensors, device

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
PREPARATION = "preprocessor_config.json"
IMAGE = "pixel_values"
# ImageNet's, with which DETR's backbone was trained.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TRIAL_SIDE_PX = 64
_NAMELESS = frozenset({"", "n/a", "no-object"})


def load_detr(place: str) -> Loaded:
    """Raises UnusableModel, ImportError."""
    from transformers import AutoModelForObjectDetection
    from transformers.utils import cached_file, logging

    is_local = Path(place).is_dir()
    if not is_local and not HUB_NAME.fullmatch(place):
        raise UnusableModel(f"detr:{place}: neither a folder nor the name of a model on the hub")
    logging.disable_progress_bar()  # it would be drawn between the log's lines
    try:
        model = AutoModelForObjectDetection.from_pretrained(place, local_files_only=is_local)
        prepared = cached_file(place, PREPARATION, local_files_only=is_local, _raise_exceptions_for_missing_entries=False)
        preparation = json.loads(Path(prepared).read_text(encoding="utf-8")) if prepared else {}
    except Exception as error:  # transformers and the hub raise whatever their parts raise
        raise UnusableModel(f"detr:{place}: cannot be loaded: {error}") from error
    model.eval().to(device())
    return _described(f"detr:{Path(place).name}", model, preparation)


def _described(source: str, model: Any, preparation: Mapping[str, Any]) -> Loaded:
    labels = {int(number): str(label) for number, label in model.config.id2label.items()}
    classes = labelled(labels)
    width = _columns(model)
    if width not in (classes.count, classes.count + 1):
        raise UnusableModel(f"{source}: has {classes.count} classes and {width} columns of logits")
    activation = Activation.SOFTMAX if width == classes.count + 1 else Activation.SIGMOID
    try:
        recipe = Recipe(source, input_recipe(preparation), OutputRecipe(OutputKind.DETR_LOGITS, activation=activation), classes)
    except ValueError as error:
        raise UnusableModel(f"{source}: {PREPARATION}: {error}") from error

    def forward(tensors: Tensors) -> Tensors:
        found = model(**tensors)
        return {"logits": found.logits, "pred_boxes": found.pred_boxes}

    floats = np.dtype(np.float32)
    inputs = {IMAGE: Port((None, 3, None, None), floats)}
    outputs = {"logits": Port((None, None, width), floats), "pred_boxes": Port((None, None, 4), floats)}
    return Loaded(model, forward, inputs, outputs, recipe, "detr")


def labelled(labels: Mapping[int, str]) -> Classes:
    """The classes of a configuration's `id2label`; gaps are labelled N/A there."""
    known = {number: spelled(label) for number, label in labels.items() if label.strip().lower() not in _NAMELESS}
    return Classes("id2label", known, max(labels, default=-1) + 1)


def input_recipe(preparation: Mapping[str, Any]) -> InputRecipe:
    """What a preprocessor's configuration says; DETR's own values where it says nothing. Raises ValueError."""
    rescale = preparation.get("rescale_factor", 1 / WHITE) if preparation.get("do_rescale", True) else 1.0
    normalise = bool(preparation.get("do_normalize", True))
    fit, size = _size(preparation)
    return InputRecipe(
        fit,
        **size,
        divisor=1 / float(rescale),
        mean=_channels(preparation.get("image_mean", MEAN)) if normalise else (0.0, 0.0, 0.0),
        std=_channels(preparation.get("image_std", STD)) if normalise else (1.0, 1.0, 1.0),
        name=IMAGE,
    )


def _size(preparation: Mapping[str, Any]) -> tuple[Fit, dict[str, Any]]:
    """`size` is {shortest_edge, longest_edge}, {height, width}, or, in old files, a number beside `max_size`."""
    size = preparation.get("size", {})
    if isinstance(size, int):
        size = {"shortest_edge": size, "longest_edge": preparation.get("max_size", LONGEST_PX)}
    if not isinstance(size, dict):
        raise ValueError(f"size is {size!r}")
    if "height" in size and "width" in size:
        return Fit.STRETCH, {"size_wh": (int(size["width"]), int(size["height"]))}
    shortest, longest = size.get("shortest_edge", SHORTEST_PX), size.get("longest_edge", LONGEST_PX)
    return Fit.SHORTEST_SIDE, {"shortest_px": int(shortest), "longest_px": int(longest)}


def _channels(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _columns(model: Any) -> int:
    """How wide the logits are: only running it tells."""
    import torch

    with torch.inference_mode():
        found = model(**{IMAGE: torch.zeros(1, 3, _TRIAL_SIDE_PX, _TRIAL_SIDE_PX, device=device())})
    return int(found.logits.shape[-1])
