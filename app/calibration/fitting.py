"""Fits the forest that foresees what an image would lose in each tier. The only file that knows scikit-learn.

In: a row of figures per image (`core.scouting.figures`), the measured losses per image and tier. Out: a `Forest`, and the
foreseen losses of images that the forest did not learn from (cross-fitting), so that a mix is judged on images it never saw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.forest import LEAF, Forest

# 100 trees with eight images a leaf foresaw as well as 200 with five, at a quarter of the size (docs/accuracy.md).
TREES = 100
LEAST_IMAGES_PER_LEAF = 8
SHARE_OF_FIGURES = 0.5
FOLDS = 5
# Images are dealt into folds so many times, and what was foreseen is averaged: the deal matters less.
DEALS = 3
LEAST_IMAGES = 40

Rows = NDArray[np.float64]


class TooFewImages(ValueError):
    """Nothing can be learned from so few."""


def fit(figures: Rows, losses: Rows, *, seed: int) -> Forest:
    """A forest from all images. `figures`: images x figures; `losses`: images x tiers. Raises TooFewImages."""
    from sklearn.ensemble import RandomForestRegressor

    if len(figures) < LEAST_IMAGES:
        raise TooFewImages(f"{len(figures)} images are too few to learn from: at least {LEAST_IMAGES} are needed")
    grown = RandomForestRegressor(
        n_estimators=TREES,
        min_samples_leaf=LEAST_IMAGES_PER_LEAF,
        max_features=SHARE_OF_FIGURES,
        random_state=seed,
        n_jobs=1,
    ).fit(figures.astype(np.float32), losses)
    return _plain([tree.tree_ for tree in grown.estimators_], figures.shape[1], losses.shape[1])


def foreseen(figures: Rows, losses: Rows, *, seed: int) -> Rows:
    """What forests that never saw an image foresee for it: images x tiers. Raises TooFewImages."""
    total = np.zeros_like(losses)
    for deal in range(DEALS):
        order = np.random.default_rng((seed, deal)).permutation(len(figures))
        for part in np.array_split(order, FOLDS):
            others = np.setdiff1d(order, part)
            forest = fit(figures[others], losses[others], seed=seed + deal)
            total[part] += [forest.predict(figures[index].tolist()) for index in part]
    return total / DEALS


def _plain(trees: list[object], features: int, outputs: int) -> Forest:
    """scikit-learn's trees as one row of arrays."""
    roots, parts, offset = [], [], 0
    for tree in trees:
        roots.append(offset)
        parts.append(_part(tree, offset, outputs))
        offset += len(parts[-1][0])
    joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    feature, threshold, left, right, values = joined
    return Forest(np.array(roots, np.int32), feature, threshold, left, right, values, features)


def _part(tree: object, offset: int, outputs: int) -> tuple[NDArray[np.generic], ...]:
    children_left, children_right = np.asarray(tree.children_left), np.asarray(tree.children_right)  # type: ignore[attr-defined]
    is_leaf = children_left < 0
    feature = np.where(is_leaf, LEAF, np.asarray(tree.feature))  # type: ignore[attr-defined]
    threshold = np.where(is_leaf, 0.0, np.asarray(tree.threshold))  # type: ignore[attr-defined]
    values = np.asarray(tree.value).reshape(len(feature), outputs)  # type: ignore[attr-defined]
    return (
        feature.astype(np.int32),
        threshold.astype(np.float64),
        np.where(is_leaf, 0, children_left + offset).astype(np.int32),
        np.where(is_leaf, 0, children_right + offset).astype(np.int32),
        values.astype(np.float32),
    )
