"""From a graph's outputs to findings, as a recipe says.

In: the outputs by name, the `Fitted` image that went in. Out: `Raw` findings in pixels of the image. Called by `sight`. What
does not look as the recipe says is a ValueError that begins with the recipe's key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from app.detectors.graph import Array, Arrays, Port, described
from app.detectors.recipe import OUTPUT_ROLES, Activation, BoxUnit, OutputKind, Recipe
from app.detectors.resizing import Fitted, Floats
from app.detectors.suppression import Raw, pairs, suppressed
from app.detectors.yolo import BOX, OBJECTNESS, YOLOV5_ANCHORS, corners, places, yolov5, yolov8, yolox

_NO_OBJECT = 1


class Interpretation:
    """Reads the outputs of one graph. Holds no state between images."""

    def __init__(self, recipe: Recipe, outputs: Mapping[str, Port]) -> None:
        self._recipe = recipe
        self._names = _names(recipe, outputs)

    def __call__(self, outputs: Arrays, fitted: Fitted) -> Raw:
        by_role = {role: outputs[name] for role, name in self._names.items()}
        return _READERS[self._recipe.output.kind](by_role, fitted, self._recipe)


def _names(recipe: Recipe, outputs: Mapping[str, Port]) -> dict[str, str]:
    """The graph's output for each role: as the recipe says, or of the role's own name, or the only one there is."""
    roles = OUTPUT_ROLES[recipe.output.kind]
    names = {role: recipe.output.names.get(role, role) for role in roles}
    if len(roles) == 1 and len(outputs) == 1 and not recipe.output.names:
        return {roles[0]: next(iter(outputs))}
    for role, name in names.items():
        if name not in outputs:
            raise ValueError(f"output.names.{role}: the graph has no output {name!r}: {described(outputs)}")
    return names


def _boxes_labels_scores(outputs: Arrays, fitted: Fitted, recipe: Recipe) -> Raw:
    boxes = _rows(outputs["boxes"], "boxes", BOX)
    scores = _activated(_flat(outputs["scores"]), recipe.output.activation)
    labels = _flat(outputs["labels"]).astype(np.int64)
    if not len(boxes) == len(scores) == len(labels):
        raise ValueError(f"output.kind: {len(boxes)} boxes, {len(labels)} labels and {len(scores)} scores do not go together")
    match recipe.output.boxes:
        case BoxUnit.INPUT:
            boxes = fitted.restore(boxes)
        case BoxUnit.UNIT:
            boxes = fitted.restore(_to_pixels(boxes, fitted))
        case BoxUnit.ORIGINAL:
            pass
    return suppressed(_best_first(Raw(boxes, scores, labels)), recipe.output.overlap_unit)


def _detr_logits(outputs: Arrays, fitted: Fitted, recipe: Recipe) -> Raw:
    raw = _rows(outputs["pred_boxes"], "pred_boxes", BOX)
    boxes = fitted.restore(_to_pixels(corners(raw[:, :2], raw[:, 2:]), fitted))
    is_softmax = recipe.output.activation is Activation.SOFTMAX
    width = recipe.classes.count + (_NO_OBJECT if is_softmax else 0)
    logits = _rows(outputs["logits"], "logits", width, recipe)
    if len(logits) != len(boxes):
        raise ValueError(f"output.kind: {len(boxes)} boxes and {len(logits)} rows of logits do not go together")
    if is_softmax:
        found = _best_class_each(boxes, _softmax(logits)[:, :-1])
    else:
        found = pairs(boxes, _activated(logits, Activation.SIGMOID), recipe.floor_unit)
    return suppressed(found, recipe.output.overlap_unit)


def _yolo(outputs: Arrays, fitted: Fitted, recipe: Recipe) -> Raw:
    kind, output = recipe.output.kind, outputs["output"]
    count = places(fitted.size_wh) * (YOLOV5_ANCHORS if kind is OutputKind.YOLOV5 else 1)
    classes = recipe.classes.count
    wanted = (BOX + classes, count) if kind is OutputKind.YOLOV8 else (count, BOX + OBJECTNESS + classes)
    if output.ndim != 3 or output.shape[1:] != wanted:
        found = " x ".join(map(str, output.shape))
        said = f"{wanted[0]} x {wanted[1]} ({classes} classes in {recipe.classes.name})"
        raise ValueError(f"output.kind: {kind.value} is 1 x {said} for this input, and this is {found}")
    decode = {OutputKind.YOLOX: yolox, OutputKind.YOLOV5: yolov5, OutputKind.YOLOV8: yolov8}[kind]
    boxes, scores = decode(output[0].astype(np.float32), fitted)
    return suppressed(pairs(boxes, _activated(scores, recipe.output.activation), recipe.floor_unit), recipe.output.overlap_unit)


_READERS: Mapping[OutputKind, Callable[[Arrays, Fitted, Recipe], Raw]] = {
    OutputKind.DETR_LOGITS: _detr_logits,
    OutputKind.BOXES_LABELS_SCORES: _boxes_labels_scores,
    OutputKind.YOLOX: _yolo,
    OutputKind.YOLOV5: _yolo,
    OutputKind.YOLOV8: _yolo,
}


def _rows(output: Array, role: str, width: int, recipe: Recipe | None = None) -> Floats:
    """(rows, width), or the same with one image around it."""
    if output.ndim not in (2, 3) or output.shape[-1] != width or (output.ndim == 3 and output.shape[0] != 1):
        said = f" ({recipe.classes.count} classes in {recipe.classes.name})" if recipe else ""
        raise ValueError(f"output.kind: {role} should be rows of {width}{said}, and is {' x '.join(map(str, output.shape))}")
    rows: Floats = output.reshape(-1, width).astype(np.float32)
    return rows


def _flat(output: Array) -> Array:
    return output.reshape(-1)


def _activated(values: Array, activation: Activation) -> Floats:
    numbers: Floats = values.astype(np.float32)
    if activation is Activation.SIGMOID:
        numbers = (1.0 / (1.0 + np.exp(-np.clip(numbers, -80.0, 80.0)))).astype(np.float32)  # beyond it float32 is 0 or 1
    return numbers


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _best_class_each(boxes: Floats, scores: Floats) -> Raw:
    """One class per query, as DETR has it."""
    classes = scores.argmax(axis=1)
    return _best_first(Raw(boxes, scores[np.arange(len(scores)), classes], classes.astype(np.int64)))


def _best_first(found: Raw) -> Raw:
    order = np.argsort(-found.scores)
    return Raw(found.boxes[order], found.scores[order], found.classes[order])


def _to_pixels(boxes: Floats, fitted: Fitted) -> Floats:
    """From ratios of the input to its pixels."""
    scaled: Floats = boxes * np.array(fitted.size_wh * 2, np.float32)
    return scaled
