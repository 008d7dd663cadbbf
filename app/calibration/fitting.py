"""Fits the forest that foresees what an image would lose in each tier. The only file that knows scikit-learn.

In: a row of figures per image (`core.scouting.figures`), the measured losses per image and tier. Out: a `Forest`, and the
foreseen losses of images that the forest did not learn from (cross-fitting), so that a mix is judged on images it never saw.
"""

from __future__ import annotations

from typing import Any

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
# What a leaf foresees is drawn so far towards the mean of all images: some hundred photographs teach less than trees believe.
# Of 0, 0.2, 0.4 and 0.6 this lost least over two data sets and two detectors (docs/accuracy.md).
DRAWN_TO_THE_MEAN = 0.4

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
    return _plain([tree.tree_ for tree in grown.estimators_], figures.shape[1], losses.mean(axis=0))


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


def _plain(trees: list[Any], features: int, mean: Rows) -> Forest:
    """scikit-learn's trees as one row of arrays, their values drawn towards the mean."""
    roots, parts, offset = [], [], 0
    for tree in trees:
        roots.append(offset)
        parts.append(_part(tree, offset, mean))
        offset += len(parts[-1][0])
    feature, threshold, left, right, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Forest(np.array(roots, np.int32), feature, threshold, left, right, values, features)


def _part(tree: Any, offset: int, mean: Rows) -> tuple[NDArray[Any], ...]:
    is_leaf = tree.children_left < 0
    values = tree.value.reshape(len(is_leaf), len(mean))
    return (
        np.where(is_leaf, LEAF, tree.feature).astype(np.int32),
        np.where(is_leaf, 0.0, tree.threshold).astype(np.float64),
        np.where(is_leaf, 0, tree.children_left + offset).astype(np.int32),
        np.where(is_leaf, 0, tree.children_right + offset).astype(np.int32),
        (values + DRAWN_TO_THE_MEAN * (mean - values)).astype(np.float32),
    )
