"""A recipe from nothing but the graph: which of the usual families it belongs to, with COCO's classes.

    inputs                      outputs                        family, and what it wants
    images, orig_target_sizes   labels, boxes, scores          DETR-style (RT-DETR, D-FINE, DEIM): stretched, RGB 0..1
    one image                   (1, places, 5 + classes)       YOLOX, undecoded: letterbox at the top left, BGR 0..255
    one image                   (1, 3 x places, 5 + classes)   YOLOv5, decoded: letterbox, RGB 0..1
    one image                   (1, 4 + classes, places)       YOLOv8 and 11, decoded: letterbox, RGB 0..1

Anything else is a ValueError that says what was found. Called by `onnx` for models without a recipe.
"""

from __future__ import annotations

import numpy as np

from app.detectors.coco import COCO_CLASSES
from app.detectors.graph import Graph, described
from app.detectors.preparing import DEFAULT_SIDE_PX
from app.detectors.recipe import (
    OVERLAP_SUPPRESSED_UNIT,
    WHITE,
    Axes,
    Colours,
    Extra,
    Fit,
    InputRecipe,
    OutputKind,
    OutputRecipe,
    Recipe,
)
from app.detectors.yolo import BOX, OBJECTNESS, YOLOV5_ANCHORS, places

_IMAGE_DIMENSIONS = 4


def guess_recipe(graph: Graph, name: str) -> Recipe:
    """`name`: of the model, for messages. Raises ValueError."""
    if set(graph.inputs) == {"images", "orig_target_sizes"} and {"labels", "boxes", "scores"} <= set(graph.outputs):
        detr = InputRecipe(Fit.STRETCH, divisor=WHITE, extras={"orig_target_sizes": Extra.ORIGINAL_WH})
        return Recipe(name, detr, OutputRecipe(OutputKind.BOXES_LABELS_SCORES))
    shape = _probed_output(graph) if len(graph.inputs) == 1 and len(graph.outputs) == 1 else None
    kind = _yolo_kind(shape, places(_input_size(graph))) if shape is not None else None
    if kind is None:
        raise ValueError(
            f"{name}: no detection model of a known family (DETR-style, YOLOX, YOLOv5, YOLOv8 or 11; {len(COCO_CLASSES)} "
            f"classes), and no recipe: inputs {described(graph.inputs)}, outputs {described(graph.outputs)}"
        )
    return Recipe(name, _YOLO_INPUTS[kind], OutputRecipe(kind, overlap_unit=OVERLAP_SUPPRESSED_UNIT))


_YOLO_INPUTS = {
    OutputKind.YOLOX: InputRecipe(Fit.LETTERBOX_TOPLEFT, colours=Colours.BGR),
    OutputKind.YOLOV5: InputRecipe(Fit.LETTERBOX_CENTRE, divisor=WHITE),
    OutputKind.YOLOV8: InputRecipe(Fit.LETTERBOX_CENTRE, divisor=WHITE),
}


def _yolo_kind(shape: tuple[int, ...], cells: int) -> OutputKind | None:
    classes = len(COCO_CLASSES)
    shapes = {
        (cells, BOX + OBJECTNESS + classes): OutputKind.YOLOX,
        (YOLOV5_ANCHORS * cells, BOX + OBJECTNESS + classes): OutputKind.YOLOV5,
        (BOX + classes, cells): OutputKind.YOLOV8,
    }
    return shapes.get((shape[1], shape[2])) if len(shape) == 3 else None


def _probed_output(graph: Graph) -> tuple[int, ...] | None:
    """The shape of the only output; where the graph leaves it open, what comes out for a black image."""
    ((input_name, wanted),) = graph.inputs.items()
    ((output_name, given),) = graph.outputs.items()
    if len(wanted.shape) != _IMAGE_DIMENSIONS:
        return None
    known = tuple(length for length in given.shape if length is not None)
    if len(known) == len(given.shape):
        return known
    width_px, height_px = _input_size(graph)
    return graph.run({input_name: np.zeros((1, 3, height_px, width_px), wanted.dtype)})[output_name].shape


def _input_size(graph: Graph) -> tuple[int, int]:
    """Width and height that the image input wants."""
    shape = next(port.shape for port in graph.inputs.values() if len(port.shape) == _IMAGE_DIMENSIONS)
    axes = Axes.NCHW.value
    return shape[axes.index("w")] or DEFAULT_SIDE_PX, shape[axes.index("h")] or DEFAULT_SIDE_PX
