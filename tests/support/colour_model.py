"""A tiny ONNX detector that really looks: it finds patches of four pure colours, wherever they are, and tells them apart.

For tests of the whole way of an image with a local model behind it: whose boxes are whose shows at once. Its recipe lies
beside it, as an operator's would.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from app.core.geometry import PixelBox, Size
from app.demo.scenes import Scene
from app.demo.truth import TrueObject
from tests.support.tiny_onnx import FLOAT, INT64, Node, Port, Tensor, model

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "Red": (255, 0, 0),
    "Lime": (0, 255, 0),
    "Blue": (0, 0, 255),
    "Magenta": (255, 0, 255),
}
BACKGROUND = (200, 200, 200)
SIDE_PX = 512
_LIMIT = 0.3  # of a channel: JPEG's own changes stay below, the background is at 0.78
_FAR = 1e6
_CAST_TO_FLOAT = (("to", FLOAT),)
_ALL_AXES = (1, 2, 3)

RECIPE = f"""
[input]
fit = "letterbox_centre"
divisor = 255

[output]
kind = "boxes_labels_scores"
boxes = "input"

[classes]
names = {list(COLOURS)}
first = 1
"""


def write_colour_model(folder: Path, recipe: str = RECIPE) -> Path:
    """`colours.onnx` and `colours.toml`; the path of the model."""
    path = folder / "colours.onnx"
    path.write_bytes(_graph())
    path.with_suffix(".toml").write_text(recipe, encoding="utf-8")
    return path


def patches(size: Size, boxes: Mapping[str, tuple[int, int, int, int]], format: str = "JPEG") -> Scene:
    """A grey picture with a patch of each named colour at the given place, in pixels."""
    pixels = Image.new("RGB", (size.width_px, size.height_px), BACKGROUND)
    for colour, (left, top, right, bottom) in boxes.items():
        ImageDraw.Draw(pixels).rectangle((left, top, right - 1, bottom - 1), fill=COLOURS[colour])
    stored = io.BytesIO()
    pixels.save(stored, format, quality=95)
    things = tuple(TrueObject(colour, PixelBox(*box).to_unit(size)) for colour, box in boxes.items())
    return Scene(0, stored.getvalue(), format, format.lower(), size, things)


def _graph() -> bytes:
    """Per colour: the mask of its pixels, and the smallest and largest place in it."""
    count = len(COLOURS)
    places = np.arange(SIDE_PX, dtype=np.float32)
    return model(
        [
            Node("Sub", ("images", "colours"), "difference"),
            Node("Abs", ("difference",), "distances"),
            Node("ReduceMax", ("distances",), "distance", axes=(1,)),
            Node("Less", ("distance", "limit"), "mask"),
            *_edge("left", "xs", "far", "ReduceMin"),
            *_edge("top", "ys", "far", "ReduceMin"),
            *_edge("right", "xs_end", "none", "ReduceMax"),
            *_edge("bottom", "ys_end", "none", "ReduceMax"),
            Node("Concat", ("left", "top", "right", "bottom"), "edges", (("axis", 1),)),
            Node("Reshape", ("edges", "boxes_shape"), "boxes"),
            Node("Cast", ("mask",), "shares", _CAST_TO_FLOAT),
            Node("ReduceMax", ("shares",), "any", axes=_ALL_AXES),
            Node("Reshape", ("any", "scores_shape"), "scores"),
            Node("Identity", ("numbers",), "labels"),
        ],
        [Port("images", FLOAT, (1, 3, SIDE_PX, SIDE_PX))],
        [Port("boxes", FLOAT, (1, count, 4)), Port("labels", INT64, (1, count)), Port("scores", FLOAT, (1, count))],
        [
            Tensor("colours", (np.array(list(COLOURS.values()), np.float32) / 255).reshape(count, 3, 1, 1)),
            Tensor("limit", np.array([_LIMIT], np.float32)),
            Tensor("far", np.array([_FAR], np.float32)),
            Tensor("none", np.array([0.0], np.float32)),
            Tensor("xs", places.reshape(1, 1, 1, -1)),
            Tensor("ys", places.reshape(1, 1, -1, 1)),
            Tensor("xs_end", places.reshape(1, 1, 1, -1) + 1),
            Tensor("ys_end", places.reshape(1, 1, -1, 1) + 1),
            Tensor("boxes_shape", np.array([1, count, 4], np.int64)),
            Tensor("scores_shape", np.array([1, count], np.int64)),
            Tensor("numbers", np.arange(1, count + 1, dtype=np.int64).reshape(1, count)),
        ],
    )


def _edge(name: str, places: str, otherwise: str, reduce: str) -> list[Node]:
    return [
        Node("Where", ("mask", places, otherwise), f"{name}_places"),
        Node(reduce, (f"{name}_places",), name, axes=_ALL_AXES),
    ]
