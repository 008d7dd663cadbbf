"""ONNX files of a few hundred bytes, written field by field, for tests of the code that runs detectors.

A tiny model answers with fixed boxes; what is variable in it is the mean of its input (all, or one channel), so that a test
can see how the image was prepared. The format is onnx.proto of ONNX's public specification (protocol buffers).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOAT, INT64 = 1, 7
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
    """One operation."""

    op: str
    inputs: tuple[str, ...]
    output: str
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


def fixed_rows(rows: NDArray[np.float32], side_px: int, *, open_output: bool = False) -> bytes:
    """One image in, these rows out whatever the image: the shape of the YOLO families."""
    shape: tuple[Dimension, ...] = tuple(f"d{axis}" for axis in range(rows.ndim)) if open_output else rows.shape
    return model(
        [Node("Identity", ("rows",), "output")],
        [Port("images", FLOAT, (1, 3, side_px, side_px))],
        [Port("output", FLOAT, shape)],
        [Tensor("rows", rows)],
    )


def brightness_rows(rows: NDArray[np.float32], side_px: int, channel: int) -> bytes:
    """One image in; these rows times the mean of one channel of the prepared image out."""
    return model(
        [
            Node("Gather", ("images_by_channel", "channel"), "plane"),
            Node("Transpose", ("images",), "images_by_channel"),
            Node("ReduceMean", ("plane",), "mean"),
            Node("Mul", ("rows", "mean_as_row"), "output"),
            Node("Reshape", ("mean", "row"), "mean_as_row"),
        ][1::-1]
        + [
            Node("ReduceMean", ("plane",), "mean"),
            Node("Reshape", ("mean", "row"), "mean_as_row"),
            Node("Mul", ("rows", "mean_as_row"), "output"),
        ],
        [Port("images", FLOAT, (1, 3, side_px, side_px))],
        [Port("output", FLOAT, rows.shape)],
        [Tensor("rows", rows), Tensor("channel", np.array([channel], np.int64)), Tensor("row", np.array([1, 1, 1], np.int64))],
    )


def _node(node: Node) -> bytes:
    axes = _piece(5, _text(1, "axes") + b"".join(_number(8, axis) for axis in node.axes) + _number(20, 7)) if node.axes else b""
    return b"".join(_text(1, name) for name in node.inputs) + _text(2, node.output) + _text(4, node.op) + axes


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
