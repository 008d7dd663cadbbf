"""ONNX files of a few hundred bytes, written field by field, for tests of the code that runs detectors.

A tiny model answers with fixed boxes; what is variable in it is the mean of its input (all, or one channel), so that a test
can see how the image was prepared. The format is onnx.proto of ONNX's public specification (protocol buffers).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOAT, UINT8, INT64 = 1, 2, 7
IR_VERSION, OPSET = 8, 13

Dimension = int | str


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named constant."""

    name: str
    values: NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output: name, element type, shape (a word for an open dimension)."""

    name: str
    type: int
    shape: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One operation; `numbers` are its whole-number attributes, `axes` the list of that name."""

    op: str
    inputs: tuple[str, ...]
    output: str
    numbers: tuple[tuple[str, int], ...] = ()
    axes: tuple[int, ...] = ()


def model(nodes: Sequence[Node], inputs: Sequence[Port], outputs: Sequence[Port], constants: Sequence[Tensor] = ()) -> bytes:
    """A whole file."""
    graph = b"".join(
        [
            *(_piece(1, _node(node)) for node in nodes),
            _text(2, "tiny"),
            *(_piece(5, _tensor(constant)) for constant in constants),
            *(_piece(11, _port(port)) for port in inputs),
            *(_piece(12, _port(port)) for port in outputs),
        ]
    )
    return _number(1, IR_VERSION) + _piece(7, graph) + _piece(8, _number(2, OPSET))


def rows_model(rows: NDArray[np.float32], side_px: int) -> bytes:
    """One image in, these rows out whatever the image: the shape of the YOLO families."""
    return model(
        [Node("Identity", ("rows",), "output")],
        [Port("images", FLOAT, (1, 3, side_px, side_px))],
        [Port("output", FLOAT, rows.shape)],
        [Tensor("rows", rows)],
    )


def constant_model(
    outputs: Mapping[str, NDArray[np.generic]],
    inputs: Sequence[Port],
    *,
    open_outputs: bool = False,
) -> bytes:
    """These inputs, and these outputs whatever comes in; with `open_outputs` their first dimension is not said."""
    kinds = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}
    ports = []
    for name, values in outputs.items():
        shape: tuple[Dimension, ...] = ("count", *values.shape[1:]) if open_outputs else values.shape
        ports.append(Port(name, kinds[values.dtype], shape))
    nodes = [Node("Identity", (f"{name}_constant",), name) for name in outputs]
    return model(nodes, inputs, ports, [Tensor(f"{name}_constant", values) for name, values in outputs.items()])


def scaled_rows_model(rows: NDArray[np.float32], side_px: int, mask: tuple[float, float, float], batch: Dimension = 1) -> bytes:
    """The same rows times the mean of the prepared image, its channels weighted by `mask`.

    With a word for `batch` the first dimension of input and output stays open.
    """
    return model(
        [*_masked_mean(), Node("Mul", ("rows", "mean"), "output")],
        [Port("images", FLOAT, (batch, 3, side_px, side_px))],
        [Port("output", FLOAT, (batch, *rows.shape[1:]))],
        [Tensor("rows", rows), *_mask_constants(mask, (-1, 1, 1))],
    )


def detr_model(boxes: NDArray[np.float32], labels: NDArray[np.int64], side_px: int, mask: tuple[float, float, float]) -> bytes:
    """DETR-style: `boxes` are ratios, answered in pixels of `orig_target_sizes`; every score is the masked mean."""
    return model(
        [
            *_masked_mean(),
            Node("Mul", ("ones", "mean"), "scores"),
            Node("Cast", ("orig_target_sizes",), "sizes", (("to", FLOAT),)),
            Node("Concat", ("sizes", "sizes"), "sizes_twice", (("axis", 1),)),
            Node("Mul", ("ratios", "sizes_twice"), "boxes"),
            Node("Identity", ("numbers",), "labels"),
        ],
        [Port("images", FLOAT, (1, 3, side_px, side_px)), Port("orig_target_sizes", INT64, (1, 2))],
        [Port("labels", INT64, labels.shape), Port("boxes", FLOAT, boxes.shape), Port("scores", FLOAT, labels.shape)],
        [
            Tensor("ratios", boxes),
            Tensor("numbers", labels),
            Tensor("ones", np.ones(labels.shape, np.float32)),
            *_mask_constants(mask, (1, 1)),
        ],
    )


def _masked_mean() -> list[Node]:
    """The mean over everything but the batch, in the shape that the constants say."""
    return [
        Node("Mul", ("images", "mask"), "masked"),
        Node("ReduceMean", ("masked",), "mean_4d", axes=(1, 2, 3)),
        Node("Reshape", ("mean_4d", "mean_shape"), "mean"),
    ]


def _mask_constants(mask: tuple[float, float, float], shape: tuple[int, ...]) -> list[Tensor]:
    weights = np.array(mask, np.float32) * 3 / sum(mask)  # the mean runs over all three channels
    return [Tensor("mask", weights.reshape(1, 3, 1, 1)), Tensor("mean_shape", np.array(shape, np.int64))]


def _node(node: Node) -> bytes:
    numbers = (_piece(5, _text(1, name) + _number(3, value) + _number(20, 2)) for name, value in node.numbers)
    names = b"".join(_text(1, name) for name in node.inputs)
    axes = _text(1, "axes") + b"".join(_number(8, axis) for axis in node.axes) + _number(20, 7)
    return names + _text(2, node.output) + _text(4, node.op) + b"".join(numbers) + (_piece(5, axes) if node.axes else b"")


def _tensor(constant: Tensor) -> bytes:
    kinds = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}
    sizes = b"".join(_number(1, size) for size in constant.values.shape)
    return sizes + _number(2, kinds[constant.values.dtype]) + _text(8, constant.name) + _piece(9, constant.values.tobytes())


def _port(port: Port) -> bytes:
    sizes = (_number(1, size) if isinstance(size, int) else _text(2, size) for size in port.shape)
    shape = b"".join(_piece(1, size) for size in sizes)
    return _text(1, port.name) + _piece(2, _piece(1, _number(1, port.type) + _piece(2, shape)))


def _text(field: int, text: str) -> bytes:
    return _piece(field, text.encode())


def _piece(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return struct.pack(f"{len(parts) + 1}B", *parts, value)
