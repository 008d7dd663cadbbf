"""Plain values out of metrics, for `/v1/stats` and the dashboard page. Called by `metrics`.

In: a counter, a gauge or a histogram. Out: sums, and quantiles as Prometheus estimates them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def _plain(value: float) -> float:
    """Counts as whole numbers, so that JSON says 3 and not 3.0."""
    return int(value) if value.is_integer() else value


def by_label(metric: Counter | Gauge, label: str) -> dict[str, float]:
    """Values summed over all labels but one."""
    sums: dict[str, float] = {}
    for family in metric.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                key = sample.labels.get(label, "")
                sums[key] = sums.get(key, 0.0) + sample.value
    return {key: _plain(value) for key, value in sums.items()}


def total(metric: Counter | Gauge) -> float:
    return sum(by_label(metric, "").values())


def summary(histogram: Histogram) -> dict[str, float | None]:
    """Count, mean and quantiles over all labels."""
    buckets: dict[float, float] = {}
    count = sums = 0.0
    for family in histogram.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                edge = float(sample.labels["le"])
                buckets[edge] = buckets.get(edge, 0) + sample.value
            elif sample.name.endswith("_count"):
                count += sample.value
            elif sample.name.endswith("_sum"):
                sums += sample.value
    found: dict[str, float | None] = {"count": _plain(count), "mean": sums / count if count else None}
    return found | {name: quantile(sorted(buckets.items()), share) for name, share in QUANTILES.items()}


def quantile(cumulative: Sequence[tuple[float, float]], share: float) -> float | None:
    """Prometheus's own estimate: linear inside the bucket; above the last finite edge, that edge."""
    if not cumulative or not cumulative[-1][1]:
        return None
    rank = share * cumulative[-1][1]
    place = next(index for index, (_, count) in enumerate(cumulative) if count >= rank)
    edge, count = cumulative[place]
    lower_edge, lower_count = cumulative[place - 1] if place else (0.0, 0.0)
    if math.isinf(edge):
        return lower_edge
    return lower_edge + (edge - lower_edge) * (rank - lower_count) / (count - lower_count)
