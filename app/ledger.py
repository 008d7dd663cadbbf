"""`Metrics` for one provider with its prices: what the pipeline, the worker, the caller and the door are given.

Fits every ledger and meter Protocol of theirs (a test and mypy check it).
"""

from __future__ import annotations

from collections.abc import Callable

from app.metrics import Metrics
from app.metrics.labels import PASSTHROUGH, PROVIDERS, Named, known


class Ledger:
    """`dollars`: list price of one inference, by the feature that is asked for."""

    def __init__(self, metrics: Metrics, provider: str, dollars: Callable[[str], float]) -> None:
        self._metrics = metrics
        self._provider = known(provider, PROVIDERS)
        self._dollars = dollars
        self.request_done = metrics.request_done
        self.sheet = metrics.sheet
        self.waited = metrics.waited
        self.added = metrics.added
        self.composed = metrics.composed
        self.bypass = metrics.bypass
        self.lease_event = metrics.lease_event
        self.escalated = metrics.escalated
        self.joined = metrics.joined
        self.unjoined = metrics.unjoined
        self.scouted = metrics.scouted
        self.group_tested = metrics.group_tested
        self.moderated = metrics.moderated
        self.shadow = metrics.shadow
        self.agreement = metrics.agreement
        self.density = metrics.density
        self.quota_refused = metrics.quota_refused
        self.quota_unshared = metrics.quota_unshared

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

    def filtered(self, boxes: int) -> None:
        self._metrics.boxes(self._provider, filtered=boxes)

    def passed_through(self, inferences: int, dollars: float) -> None:
        """The provider was handed a request, or a part of one, that it charges so much for."""
        self._metrics.paid(self._provider, "other", PASSTHROUGH, dollars, inferences)
