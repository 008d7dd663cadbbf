"""Plain values out of metrics: sums over labels, and quantiles as Prometheus estimates them."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from app.figures import by_label, quantile, summary, total


def test_values_are_summed_over_all_labels_but_one() -> None:
    counter = Counter("seen", "help", ("kind", "place"), registry=CollectorRegistry())
    assert (by_label(counter, "kind"), total(counter)) == ({}, 0)
    counter.labels("cat", "here").inc(2)
    counter.labels("cat", "there").inc(3)
    counter.labels("dog", "there").inc(0.5)
    assert by_label(counter, "kind") == {"cat": 5, "dog": 0.5}
    assert by_label(counter, "place") == {"here": 2, "there": 3.5}
    assert total(counter) == 5.5


def test_a_histogram_without_values_has_no_mean() -> None:
    histogram = Histogram("took", "help", buckets=(1, 2), registry=CollectorRegistry())
    assert summary(histogram) == {"count": 0, "mean": None, "p50": None, "p95": None, "p99": None}
    histogram.observe(0.5)
    assert summary(histogram) == {"count": 1, "mean": 0.5, "p50": 0.5, "p95": 0.95, "p99": 0.99}


@pytest.mark.parametrize(
    ("cumulative", "share", "expected"),
    [
        ([], 0.5, None),
        ([(1, 0.0), (math.inf, 0.0)], 0.5, None),
        ([(1, 10.0), (math.inf, 10.0)], 0.5, 0.5),
        ([(1, 0.0), (2, 10.0), (math.inf, 10.0)], 0.5, 1.5),
        ([(1, 5.0), (2, 10.0), (math.inf, 10.0)], 0.5, 1.0),
        ([(1, 5.0), (2, 5.0), (4, 10.0), (math.inf, 10.0)], 0.95, 3.8),
        ([(1, 5.0), (math.inf, 10.0)], 0.95, 1.0),
    ],
)
def test_quantiles_are_prometheus_own(cumulative: list[tuple[float, float]], share: float, expected: float | None) -> None:
    assert quantile(cumulative, share) == pytest.approx(expected)
