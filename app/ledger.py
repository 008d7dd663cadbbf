"""`Metrics` for one provider with its prices: what the pipeline, the worker, the caller and the door are given.

Fits every ledger and meter Protocol of theirs (a test and mypy check it).
"""

from __future__ import annotations

from collections.abc import Callable

from app.metrics import PASSTHROUGH, PROVIDERS, TASKS, Metrics, Named, known


class Ledger:
    """`dollars`: list price of one inference, by the feature that is asked for. `task`: that of what is told without one."""

    def __init__(self, metrics: Metrics, provider: str, task: str, dollars: Callable[[str], float]) -> None:
        self._metrics = metrics
        self._provider = known(provider, PROVIDERS)
        self._task = known(task, TASKS)
        self._dollars = dollars
        self.request_done = metrics.request_done
        self.sheet = metrics.sheet
        self.waited = metrics.waited
        self.added = metrics.added
        self.composed = metrics.composed
        self.bypass = metrics.bypass
        self.lease_event = metrics.lease_event
        self.escalated = metrics.escalated
        self.scouted = metrics.scouted
        self.group_tested = metrics.group_tested
        self.moderated = metrics.moderated

    def paid(self, kind: str, feature: str, task: str) -> None:
        self._metrics.paid(self._provider, task, kind, self._dollars(feature))

    def error(self, kind: Named) -> None:
        self._metrics.provider_error(self._provider, kind.value)

    def took(self, seconds: float) -> None:
        self._metrics.provider_took(self._provider, seconds)

    def answered(self, images: int, feature: str, task: str) -> None:
        self._metrics.answered(self._provider, task, images, self._dollars(feature))

    def boxes(self, *, kept: int = 0, seam: int = 0, gutter: int = 0) -> None:
        self._metrics.boxes(self._provider, kept=kept, seam=seam, gutter=gutter)

    def shadow(self, outcome: str) -> None:
        self._metrics.shadow(self._task, outcome)

    def agreement(self, layout: str, mean: float, low: float, high: float) -> None:
        self._metrics.agreement(self._task, layout, mean, low, high)

    def density(self, cells: int | None, direction: str) -> None:
        self._metrics.density(self._task, cells, direction)

    def filtered(self, boxes: int) -> None:
        self._metrics.boxes(self._provider, filtered=boxes)

    def passed_through(self, inferences: int, dollars: float) -> None:
        """The provider was handed a request, or a part of one, that it charges so much for."""
        self._metrics.paid(self._provider, "other", PASSTHROUGH, dollars, inferences)
