"""Faster R-CNN through torchvision. Called by `torch`; torchvision is imported when a model is loaded.

In: a file of weights (a state dict, v1 or v2 of the ResNet-50 FPN model), or "default". Out: the model and its recipe. It
scales images by itself and answers in their own pixels. Only "default" downloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.detectors.classes import Classes, listed, named, usual_classes
from app.detectors.contract import UnusableModel
from app.detectors.graph import Port
from app.detectors.recipe import SCORE_FLOOR_UNIT, WHITE, Axes, Fit, InputRecipe, OutputKind, OutputRecipe, Recipe
from app.detectors.suppression import MOST_FINDINGS
from app.detectors.torch import Loaded, Tensors, device

DEFAULT = "default"
IMAGE = "image"
# The last layer's rows: one per class, the first is the background.
CLASSIFIER = "roi_heads.box_predictor.cls_score.weight"
# Only v1's head has this layer.
V1_HEAD = "roi_heads.box_head.fc6.weight"
COCO_COLUMNS, VOC_COLUMNS = 91, 21
_COUNTER = ".num_batches_tracked"


def load_faster_rcnn(place: str) -> Loaded:
    """Raises UnusableModel, ImportError."""
    import torch
    from torchvision.models import detection

    source = f"fasterrcnn:{Path(place).name}"
    if place != DEFAULT and not Path(place).is_file():
        raise UnusableModel(f"fasterrcnn:{place}: there is no such file (or say fasterrcnn:{DEFAULT})")
    # Low scores are wanted, see recipes; a sheet shows several images' things.
    limits = {"box_score_thresh": SCORE_FLOOR_UNIT, "box_detections_per_img": MOST_FINDINGS}
    try:
        if place == DEFAULT:
            weights = detection.FasterRCNN_ResNet50_FPN_Weights.DEFAULT
            model, columns = detection.fasterrcnn_resnet50_fpn(weights=weights, **limits), COCO_COLUMNS
        else:
            state = torch.load(place, map_location="cpu", weights_only=True)  # weights only: a pickle may hold any code
            model, columns = _filled(detection, state, limits)
    except Exception as error:  # torch and torchvision raise whatever their parts raise
        raise UnusableModel(f"{source}: cannot be loaded: {error}") from error
    model.eval().to(device())
    return _described(source, model, columns)


def _filled(detection: Any, state: Mapping[str, Any], limits: Mapping[str, Any]) -> tuple[Any, int]:
    """A model with these weights, and its classes, the background included."""
    if CLASSIFIER not in state:
        raise ValueError("no state dict of torchvision's Faster R-CNN with ResNet-50 FPN")
    columns = int(state[CLASSIFIER].shape[0])
    build = detection.fasterrcnn_resnet50_fpn if V1_HEAD in state else detection.fasterrcnn_resnet50_fpn_v2
    model = build(weights=None, weights_backbone=None, num_classes=columns, **limits)
    missing, unexpected = model.load_state_dict(state, strict=False)
    lost = [name for name in missing if not name.endswith(_COUNTER)]
    if lost or unexpected:
        raise ValueError(f"weights that do not fit: {', '.join([*lost, *unexpected][:3])}")
    was_frozen = not any(name.endswith(_COUNTER) for name in state)
    if was_frozen and columns == COCO_COLUMNS and V1_HEAD in state:
        _without_epsilon(model)
    return model, columns


def _without_epsilon(model: Any) -> None:
    """torchvision's own v1 weights for COCO were trained so, and it loads them so."""
    for module in model.modules():
        if "BatchNorm" in type(module).__name__:
            module.eps = 0.0


def _described(source: str, model: Any, columns: int) -> Loaded:
    fed = InputRecipe(
        Fit.AS_IS,
        shortest_px=int(min(model.transform.min_size)),
        longest_px=int(model.transform.max_size),
        divisor=WHITE,
        axes=Axes.CHW,
        name=IMAGE,
    )
    recipe = Recipe(source, fed, OutputRecipe(OutputKind.BOXES_LABELS_SCORES), classes_of(columns))

    def forward(tensors: Tensors) -> Tensors:
        (found,) = model([tensors[IMAGE]])
        return {role: found[role] for role in ("boxes", "labels", "scores")}

    floats = np.dtype(np.float32)
    outputs = {"boxes": Port((None, 4), floats), "labels": Port((None,), floats), "scores": Port((None,), floats)}
    return Loaded(model, forward, {IMAGE: Port((3, None, None), floats)}, outputs, recipe, "faster_rcnn")


def classes_of(columns: int) -> Classes:
    """COCO's or VOC's where the number of columns says so; otherwise numbers, until a recipe names them."""
    if columns == COCO_COLUMNS:
        return usual_classes("coco91")
    if columns == VOC_COLUMNS:
        return usual_classes("voc20", first=1)
    return listed("numbers", [named(f"class {number}") for number in range(1, columns)], first=1)
