"""Detection models in ONNX files, run on the CPU with onnxruntime and numpy alone.

In: RGB pixels. Out: `Sighting`s with COCO's labels, all above a low floor (who asks filters). Which of the usual families
a file belongs to is read from the graph's own inputs and outputs:

    inputs                      outputs                        family, and what it wants
    images, orig_target_sizes   labels, boxes, scores          DETR-style (RT-DETR, D-FINE, DEIM): stretched, RGB 0..1
    one image                   (1, cells, 5 + classes)        YOLOX, undecoded: letterbox at the top left, BGR 0..255
    one image                   (1, 3 x cells, 5 + classes)    YOLOv5, decoded: letterbox, RGB 0..1
    one image                   (1, 4 + classes, cells)        YOLOv8 and 11, decoded: letterbox, RGB 0..1

(`cells` = the places of the grids with strides 8, 16 and 32.) Anything else is a ValueError that says what was found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.detectors.coco import COCO_CLASSES
from app.detectors.contract import Sighting
from app.detectors.resizing import letterbox, stretch

Floats = NDArray[np.float32]

SCORE_FLOOR_UNIT = 0.001
"""Everything above it is reported: mean average precision needs the unsure ones too."""
MOST_FINDINGS = 300
"""Most findings per image, as DETR-style models give."""
MOST_CANDIDATES = 3000
"""Most boxes that enter suppression: bounds its time on noise."""
OVERLAP_SUPPRESSED_UNIT = 0.65
"""Boxes of one class that overlap more (intersection over union) are one object, as YOLOX's own evaluation has it."""
STRIDES_PX = (8, 16, 32)
"""Grids of the YOLO families, finest first."""
YOLO5_ANCHORS = 3
"""Boxes per cell in YOLOv5."""
DEFAULT_SIDE_PX = 640
"""Input side where the graph leaves it open: what the YOLO families are trained with."""
PERSON_LABEL = "Person"


@dataclass(frozen=True, slots=True)
class _Raw:
    """Findings before labels: boxes xyxy in pixels of the image, scores 0..1, class numbers."""

    boxes: Floats
    scores: Floats
    classes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Graph:
    """What a session says of itself. Open dimensions are None."""

    session: onnxruntime.InferenceSession
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: Mapping[str, tuple[int | None, ...]]

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        names = list(self.outputs)
        return dict(zip(names, self.session.run(names, dict(feeds)), strict=True))


Look = Callable[[NDArray[np.uint8]], _Raw]


class OnnxDetector:
    """A detection model. `onnxruntime` sessions may be run from several threads at once."""

    def __init__(self, model: Path, *, floor_unit: float = SCORE_FLOOR_UNIT, threads: int = 1) -> None:
        """`threads`: cores per image; 1 gives the most images per second where several are looked at at once."""
        self._floor_unit = floor_unit
        self._look = _family(_load(model, threads), model.name)

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        raw = self._look(rgb)
        order = np.argsort(-raw.scores)[:MOST_FINDINGS]
        keep = order[raw.scores[order] > self._floor_unit]
        height_px, width_px = rgb.shape[:2]
        boxes = np.clip(raw.boxes[keep], 0.0, [width_px, height_px, width_px, height_px])
        found = zip(boxes.tolist(), raw.scores[keep].tolist(), raw.classes[keep].tolist(), strict=True)
        return [_sighting(box, score, number) for box, score, number in found if box[2] > box[0] and box[3] > box[1]]


def _sighting(box: list[float], score: float, number: int) -> Sighting:
    known = COCO_CLASSES[number]
    kind = "person" if known.label == PERSON_LABEL else "object"
    return Sighting(kind, known.label, min(score, 1.0), (box[0], box[1], box[2], box[3]), parents=known.parents)


def _load(model: Path, threads: int) -> _Graph:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: the rest are remarks on the graph that its user cannot act on
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise ValueError(f"{model}: not an ONNX model that onnxruntime can load: {error}") from error
    return _Graph(session, _shapes(session.get_inputs()), _shapes(session.get_outputs()))


def _shapes(nodes: list[onnxruntime.NodeArg]) -> dict[str, tuple[int | None, ...]]:
    return {node.name: tuple(d if isinstance(d, int) else None for d in node.shape) for node in nodes}


def _family(graph: _Graph, name: str) -> Look:
    """The function that looks with this graph; ValueError where the family is unknown."""
    if set(graph.inputs) == {"images", "orig_target_sizes"} and {"labels", "boxes", "scores"} <= set(graph.outputs):
        return _detr_style(graph)
    shape = _probed_output(graph) if len(graph.inputs) == 1 and len(graph.outputs) == 1 else None
    if shape is not None and len(shape) == 3:
        classes, cells = len(COCO_CLASSES), _cells(_input_size(graph))
        if shape[1:] == (cells, 5 + classes):
            return _yolox(graph)
        if shape[1:] == (YOLO5_ANCHORS * cells, 5 + classes):
            return _yolo5(graph)
        if shape[1:] == (4 + classes, cells):
            return _yolo8(graph)
    raise ValueError(
        f"{name}: no detection model of a known family (DETR-style, YOLOX, YOLOv5, YOLOv8 or 11; {len(COCO_CLASSES)} classes): "
        f"inputs {_described(graph.inputs)}, outputs {_described(graph.outputs)}"
    )


def _described(shapes: Mapping[str, tuple[int | None, ...]]) -> str:
    return ", ".join(f"{name}({' x '.join('?' if d is None else str(d) for d in shape)})" for name, shape in shapes.items())


def _probed_output(graph: _Graph) -> tuple[int, ...] | None:
    """The shape of the only output; where the graph leaves it open, what comes out for a black image."""
    ((input_name, input_shape),) = graph.inputs.items()
    ((output_name, shape),) = graph.outputs.items()
    if len(input_shape) != 4:
        return None
    known = tuple(d for d in shape if d is not None)
    if len(known) == len(shape):
        return known
    width_px, height_px = _input_size(graph)
    return graph.run({input_name: np.zeros((1, 3, height_px, width_px), np.float32)})[output_name].shape


def _input_size(graph: _Graph) -> tuple[int, int]:
    """Width and height that the image input wants."""
    shape = next(shape for shape in graph.inputs.values() if len(shape) == 4)
    return shape[3] or DEFAULT_SIDE_PX, shape[2] or DEFAULT_SIDE_PX


def _cells(size_wh: tuple[int, int]) -> int:
    return sum((size_wh[0] // stride) * (size_wh[1] // stride) for stride in STRIDES_PX)


def _detr_style(graph: _Graph) -> Look:
    size_wh = _input_size(graph)

    def look(rgb: NDArray[np.uint8]) -> _Raw:
        height_px, width_px = rgb.shape[:2]
        sizes = np.array([[width_px, height_px]], np.int64)
        out = graph.run({"images": _planes(stretch(rgb, size_wh) / 255.0), "orig_target_sizes": sizes})
        return _Raw(out["boxes"][0].astype(np.float32), out["scores"][0].astype(np.float32), out["labels"][0].astype(np.int64))

    return look


def _yolox(graph: _Graph) -> Look:
    size_wh = _input_size(graph)
    places, strides = _grid(size_wh)

    def look(rgb: NDArray[np.uint8]) -> _Raw:
        boxed = letterbox(rgb, size_wh, centred=False)
        rows = _only_output(graph, _planes(boxed.pixels[..., ::-1]))
        centres = (rows[:, :2] + places) * strides
        sizes = np.exp(rows[:, 2:4]) * strides
        return _suppressed(boxed.restore(_corners(centres, sizes)), rows[:, 4:5] * rows[:, 5:])

    return look


def _yolo5(graph: _Graph) -> Look:
    size_wh = _input_size(graph)

    def look(rgb: NDArray[np.uint8]) -> _Raw:
        boxed = letterbox(rgb, size_wh, centred=True)
        rows = _only_output(graph, _planes(boxed.pixels / 255.0))
        return _suppressed(boxed.restore(_corners(rows[:, :2], rows[:, 2:4])), rows[:, 4:5] * rows[:, 5:])

    return look


def _yolo8(graph: _Graph) -> Look:
    size_wh = _input_size(graph)

    def look(rgb: NDArray[np.uint8]) -> _Raw:
        boxed = letterbox(rgb, size_wh, centred=True)
        rows = _only_output(graph, _planes(boxed.pixels / 255.0)).T
        return _suppressed(boxed.restore(_corners(rows[:, :2], rows[:, 2:4])), rows[:, 4:])

    return look


def _planes(pixels: Floats) -> Floats:
    """Height x width x 3 to 1 x 3 x height x width."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)


def _only_output(graph: _Graph, planes: Floats) -> Floats:
    (output,) = graph.run({next(iter(graph.inputs)): planes}).values()
    rows: Floats = output[0].astype(np.float32)
    return rows


def _grid(size_wh: tuple[int, int]) -> tuple[Floats, Floats]:
    """Column and row of each cell, and its stride, finest grid first."""
    places, strides = [], []
    for stride in STRIDES_PX:
        columns, rows = np.meshgrid(np.arange(size_wh[0] // stride), np.arange(size_wh[1] // stride))
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((columns.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _corners(centres: Floats, sizes: Floats) -> Floats:
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def _suppressed(boxes: Floats, scores: Floats) -> _Raw:
    """One box per object: every (box, class) above the floor, the best first, overlapping ones of its class left out."""
    rows, classes = np.nonzero(scores > SCORE_FLOOR_UNIT)
    values = scores[rows, classes]
    order = np.argsort(-values)[:MOST_CANDIDATES]
    rows, classes, values = rows[order], classes[order], values[order]
    kept = keep_best(boxes[rows], classes, OVERLAP_SUPPRESSED_UNIT)[:MOST_FINDINGS]
    return _Raw(boxes[rows[kept]], values[kept], classes[kept].astype(np.int64))


def keep_best(boxes: Floats, classes: NDArray[np.int64], overlap_unit: float) -> NDArray[np.int64]:
    """Indices of the boxes (best first) that overlap no better box of their class by more than `overlap_unit`."""
    alive = np.ones(len(boxes), bool)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == MOST_FINDINGS:
            break
        low = np.maximum(boxes[index, :2], boxes[index + 1 :, :2])
        high = np.minimum(boxes[index, 2:], boxes[index + 1 :, 2:])
        common = np.prod(np.clip(high - low, 0.0, None), axis=1)
        union = np.maximum(areas[index] + areas[index + 1 :] - common, math.ulp(1.0))
        alive[index + 1 :] &= (common / union <= overlap_unit) | (classes[index + 1 :] != classes[index])
    return np.array(kept, np.int64)
