"""A fitted forest of regression trees, as plain numbers: predicts without the library that fitted it.

In: feature values of one image. Out: one number per output, the mean over the trees. Fitted by `app.calibration`, kept in
calibration.json as lists, read at start-up; predicting takes well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Marks a leaf in place of a feature's number.
LEAF = -1


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """All trees' nodes in one row of arrays. `roots`: index of each tree's first node. `values`: nodes x outputs.

    A node with feature f sends an image left where features[f] <= threshold, as scikit-learn does; a leaf has feature -1.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: NDArray[np.float32]
    features: int

    def __post_init__(self) -> None:
        nodes = len(self.feature)
        if not (len(self.threshold) == len(self.left) == len(self.right) == len(self.values) == nodes > 0):
            raise ValueError("the forest's lists are not of one length")
        inner = self.feature != LEAF
        links = np.concatenate([self.left[inner], self.right[inner], self.roots])
        if len(self.roots) == 0 or links.min() < 0 or links.max() >= nodes:
            raise ValueError("the forest's links lead nowhere")
        own = np.arange(nodes)
        if (self.left[inner] <= own[inner]).any() or (self.right[inner] <= own[inner]).any():
            raise ValueError("the forest's links go back: a node lies before those it leads to")
        if not (np.isfinite(self.threshold).all() and np.isfinite(self.values).all()):
            raise ValueError("the forest's numbers are not all finite")
        if self.feature.min() < LEAF or self.feature.max() >= self.features or self.values.ndim != 2:
            raise ValueError("the forest's nodes name features that there are not")

    @property
    def outputs(self) -> int:
        return int(self.values.shape[1])

    def predict(self, row: Sequence[float]) -> tuple[float, ...]:
        """One number per output for one image. Raises ValueError for a row of another length."""
        if len(row) != self.features:
            raise ValueError(f"{len(row)} features for a forest of {self.features}")
        # scikit-learn compares in 32 bits
        values = np.asarray(row, np.float32).astype(np.float64)
        at = self.roots.copy()
        while (inner := (tests := self.feature[at]) != LEAF).any():  # ends: every step leads to a later node
            goes_left = values[np.maximum(tests, 0)] <= self.threshold[at]
            at = np.where(inner, np.where(goes_left, self.left[at], self.right[at]), at)
        return tuple(self.values[at].mean(axis=0, dtype=np.float64).tolist())

    def to_json(self) -> dict[str, Any]:
        return {
            "features": self.features,
            "roots": self.roots.tolist(),
            "feature": self.feature.tolist(),
            "threshold": [float(f"{value:.7g}") for value in self.threshold],
            "left": self.left.tolist(),
            "right": self.right.tolist(),
            "values": [[round(float(value), 5) for value in row] for row in self.values],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Forest:
        """Raises ValueError (or KeyError, TypeError) for what is no forest."""
        whole = {name: np.asarray(data[name], np.int32) for name in ("roots", "feature", "left", "right")}
        return cls(
            threshold=np.asarray(data["threshold"], np.float64),
            values=np.asarray(data["values"], np.float32),
            features=int(data["features"]),
            **whole,
        )
