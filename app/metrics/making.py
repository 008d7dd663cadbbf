"""How metrics are made: one prefix, one registry that is passed in, no global one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

PREFIX = "tessera"


def new_registry() -> CollectorRegistry:
    """A registry with the process's own memory, CPU, descriptors and garbage in it. Nothing global is touched."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class WithoutCreated(Collector):
    """The registry without `*_created`: a second series for every counter, which no dashboard here reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


def counter(registry: CollectorRegistry, name: str, help: str, *labels: str) -> Counter:
    return Counter(name, help, labels, namespace=PREFIX, registry=registry)


def gauge(registry: CollectorRegistry, name: str, help: str, *labels: str) -> Gauge:
    return Gauge(name, help, labels, namespace=PREFIX, registry=registry)


def histogram(registry: CollectorRegistry, name: str, help: str, buckets: Sequence[float], *labels: str) -> Histogram:
    return Histogram(name, help, labels, namespace=PREFIX, buckets=buckets, registry=registry)
