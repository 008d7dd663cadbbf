"""The forest that is stored says what scikit-learn's says, and images are judged by forests that never saw them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.calibration.fitting import DRAWN_TO_THE_MEAN, LEAST_IMAGES, TooFewImages, fit, foreseen
from app.core.forest import Forest

ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn comes with the extra `calibrate`")
RNG = np.random.default_rng(7)
FIGURES = RNG.normal(size=(200, 6)) * (1, 10, 100, 0.01, 1, 1)
LOSSES = np.stack([np.zeros(200), (FIGURES[:, 1] > 3) * 1.0, np.abs(FIGURES[:, 2]) / 50], axis=1)


def test_it_predicts_what_scikit_learn_predicts_drawn_to_the_mean() -> None:
    forest = Forest.from_json(json.loads(json.dumps(fit(FIGURES, LOSSES, seed=3).to_json())))
    grown = ensemble.RandomForestRegressor(n_estimators=100, min_samples_leaf=8, max_features=0.5, random_state=3)
    said_by_it = grown.fit(FIGURES.astype(np.float32), LOSSES).predict(FIGURES.astype(np.float32))
    wanted = said_by_it + DRAWN_TO_THE_MEAN * (LOSSES.mean(axis=0) - said_by_it)
    said = np.array([forest.predict(row) for row in FIGURES.tolist()])
    # thresholds are written with seven digits: a figure that lies on one may fall to the other side in a tree or two
    assert np.abs(said - wanted).max() < 0.05
    assert np.abs(said - wanted).mean() < 1e-3


def test_it_learns_what_can_be_learned() -> None:
    said = foreseen(FIGURES, LOSSES, seed=1)
    assert np.corrcoef(said[:, 1], LOSSES[:, 1])[0, 1] > 0.9
    assert np.corrcoef(said[:, 2], LOSSES[:, 2])[0, 1] > 0.9


def test_it_does_not_know_what_it_never_saw() -> None:
    """With losses that have nothing to do with the figures, a forest that had seen an image would foresee its loss."""
    noise = RNG.normal(size=(200, 2))
    assert abs(np.corrcoef(foreseen(FIGURES, noise, seed=1)[:, 0], noise[:, 0])[0, 1]) < 0.3


def test_same_seed_same_forest() -> None:
    assert fit(FIGURES, LOSSES, seed=3).to_json() == fit(FIGURES, LOSSES, seed=3).to_json()


def test_too_few_images() -> None:
    with pytest.raises(TooFewImages, match=f"at least {LEAST_IMAGES}"):
        fit(FIGURES[:10], LOSSES[:10], seed=1)
