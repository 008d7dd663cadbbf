"""A model's graph as the rest of the detectors see it: named inputs and outputs, and a way to run it.

Implemented by `onnx`. Open dimensions are None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output."""

    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return " x ".join("?" if length is None else str(length) for length in self.shape)


class Graph(Protocol):
    """A loaded model. `run` may be called from several threads at once."""

    @property
    def inputs(self) -> Mapping[str, Port]: ...

    @property
    def outputs(self) -> Mapping[str, Port]: ...

    def run(self, feeds: Arrays) -> Arrays:
        """All outputs by name."""
        ...


def described(ports: Mapping[str, Port]) -> str:
    """For messages: `images(1 x 3 x ? x ?), ...`."""
    return ", ".join(f"{name}({port})" for name, port in ports.items())
