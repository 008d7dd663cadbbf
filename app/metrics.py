"""Everything that Tessera counts and measures, in one place: names, units, help and the closed sets of label values.

In: facts, told by the pipeline, the worker, the providers' caller and the server through a `ledger.Ledger`; a registry, passed
in. Out: the text for Prometheus (`render`) and plain values for `/v1/stats` and the dashboard page (`snapshot`). Only `main`
builds one. Label values outside their set are a mistake in our own code and raise ValueError; nothing of a request becomes one.

Savings are net, and never overstated: every inference that is paid lowers them by one, every image that is answered raises them
by one. A counter cannot fall, so what was paid and has not been answered for is a debt, and answers pay it back before they
count: `inferences_saved_total` never exceeds answered - paid, and saved - debt is exactly that. The debt is a gauge of its own.
It holds what is under way, and what was paid in vain (retries, a halved sheet, a lapsed lease) until savings make up for it;
another process may never do that, so over several the exact saving is sum(saved) - sum(debt). The dollars work alike.
What is passed through, whole or as the rest of a mixed request, was never to be gridded: it is paid as it would have been
without us, counts among the inferences and the dollars, and neither raises nor lowers a saving.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.figures import by_label as _by
from app.figures import summary as _summary
from app.figures import total as _total

PREFIX = "tessera"
CONTENT_TYPE = CONTENT_TYPE_LATEST  # what `Metrics.render` gives

# The closed sets of label values. This module imports nothing of ours; a test compares them with the enums they mirror.
ENDPOINTS = ("native", "rekognition", "google", "azure")
BUILT_ENDPOINTS = ("native", "rekognition", "google", "azure")  # those that are served so far
TASKS = ("detect", "classify", "moderate", "other")  # other: passed through, or refused before its task was known
GRIDDED_TASKS = ("detect", "classify", "moderate")
UNKNOWN_PREVALENCE = 0.5  # what groups go by while nothing is known
WATCHED_TASKS = ("detect", "classify")  # group tests answer for themselves, image by image
OUTCOMES = ("answered", "caller_error", "provider_error", "own_error", "cancelled")
PROVIDERS = ("emulator", "rekognition", "google", "azure", "onnx", "torch")
PASSTHROUGH = "passthrough"
PAID_KINDS = ("grid", "single", "escalation", "group_test", PASSTHROUGH, "shadow")
RELEASES = ("full", "due", "idle", "drain", "single")
FATES = ("kept", "seam", "gutter", "filtered")
LEASE_EVENTS = ("reclaimed", "refused")
LOOKS = ("looked", "busy", "late", "failed")
LAYOUTS = tuple(f"{rows}x{columns}" for rows in range(1, 6) for columns in range(1, 6))  # of the paper's table
SHADOW_OUTCOMES = ("compared", "failed", "skipped")
GROUP_RESULTS = ("clean", "flagged", "unsure", "failed")
VERDICTS = ("cleared", "single")
DENSITY_DIRECTIONS = ("sparser", "trial", "denser")
BYPASSES = (
    "caller", "budget", "deadline", "late", "overdue", "accumulator", "capacity", "no_worker", "draining", "size", "features",
    "setting", "prevalence", "transparent", "operation",
)  # fmt: skip
PROVIDER_FAULTS = (
    "image_refused", "request_refused", "provider_denied", "throttled", "provider_unavailable", "provider_timeout",
    "provider_garbled",
)  # fmt: skip
ERROR_KINDS = (
    "malformed_request", "unknown_operation", "invalid_parameter", "missing_image", "invalid_image", "image_too_large",
    "body_too_large", "object_unavailable", "unauthenticated", "wrong_signature", "forbidden", *PROVIDER_FAULTS,
    "over_capacity", "deadline_exceeded", "accumulator_unavailable", "no_worker", "shutting_down", "internal",
)  # fmt: skip

# Buckets in seconds. Waiting: dense up to the default limit of 0.2 s and just above it, where the tail shows.
WAIT_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.3, 0.5, 1, 2, 5)
# A look of a tiny detector: 16 ms alone on a core; given up after 0.15 s.
LOOK_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25)
# Composing: one 2x2 sheet of megapixel photographs takes about 20 ms of one core; a queue for the pool shows above.
COMPOSE_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
# A vendor's answer takes 0.08 to 0.8 s; the default time-out is 10 s.
PROVIDER_BUCKETS_S = (0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 1.5, 2.5, 5, 10)
# A whole request: waiting and the vendor together; the default time-out is 30 s.
REQUEST_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 1.5, 2.5, 5, 10, 30)
# Questions in a row until an image of a group test has its answer: a group of 25 is halved five times.
ROUNDS_BUCKETS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 15)
# Cells of the layouts in the paper's table.
IMAGES_BUCKETS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 20, 25)


class Named(Protocol):
    """An enum member whose `value` is its stable name (`errors.Kind`)."""

    @property
    def value(self) -> Any: ...


def new_registry() -> CollectorRegistry:
    """A registry with the process's own memory, CPU and descriptors in it. Nothing global is touched."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


class _Debts:
    """Turns gains and losses into steps of a counter that cannot fall (see the module's docstring)."""

    def __init__(self) -> None:
        self.debt = 0.0

    def step(self, gain: float) -> float:
        """What the counter may grow by; never negative."""
        balance = gain - self.debt
        self.debt = max(0.0, -balance)
        return max(0.0, balance)


class _Money:
    """Inferences and dollars: paid, answered, saved."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("provider", "task")
        self.paid = _counter(registry, "inferences_total", "Inferences paid, each attempt counted.", *labels, "kind")
        self.answered = _counter(registry, "images_answered_total", "Images that got the provider's answer.", *labels)
        self.saved = _counter(registry, "inferences_saved_total", "Images answered less inferences paid.", *labels)
        self.owed = _gauge(registry, "inferences_debt", "Inferences paid and not yet made up for.", *labels)
        self.dollars = _counter(registry, "cost_dollars_total", "Cost of the inferences at list price.", *labels)
        self.dollars_saved = _counter(registry, "cost_saved_dollars_total", "Saving at list price.", *labels)
        self.dollars_owed = _gauge(registry, "cost_debt_dollars", "Dollars spent and not yet made up for.", *labels)
        self._debts: dict[tuple[str, str], tuple[_Debts, _Debts]] = {}

    def prepare(self, provider: str, task: str) -> None:
        for kind in ("grid", "single"):
            self.paid.labels(provider, task, kind)
        for metric in (self.answered, self.saved, self.owed, self.dollars, self.dollars_saved, self.dollars_owed):
            metric.labels(provider, task)

    def move(self, provider: str, task: str, inferences: int, dollars: float) -> None:
        """The savings rise or fall by so much."""
        counted, priced = self._debts.setdefault((provider, task), (_Debts(), _Debts()))
        self.saved.labels(provider, task).inc(counted.step(inferences))
        self.owed.labels(provider, task).set(counted.debt)
        self.dollars_saved.labels(provider, task).inc(priced.step(dollars))
        self.dollars_owed.labels(provider, task).set(priced.debt)


class _Times:
    """Where a request's time goes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request = _histogram(registry, "request_seconds", "Whole time of a request.", REQUEST_BUCKETS_S, "endpoint")
        self.added = _histogram(registry, "added_seconds", "An image's time less the provider's.", REQUEST_BUCKETS_S)
        self.wait = _histogram(registry, "accumulator_wait_seconds", "An image's wait for company.", WAIT_BUCKETS_S)
        self.compose = _histogram(registry, "compose_seconds", "Decoding, composing and encoding a sheet.", COMPOSE_BUCKETS_S)
        self.provider = _histogram(registry, "provider_seconds", "One call of the provider.", PROVIDER_BUCKETS_S, "provider")


class _Sheets:
    """What was put together, and what became of the findings."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sheets = _counter(registry, "sheets_total", "Sheets, by layout and why they were closed.", "layout", "release")
        self.images = _histogram(registry, "grid_images", "Images on a sheet; 1 when sent alone.", IMAGES_BUCKETS)
        self.boxes = _counter(registry, "boxes_total", "Boxes found, by what became of them.", "provider", "fate")
        self.bypass = _counter(registry, "bypass_total", "Images and requests that shared no sheet.", "reason")
        self.escalations = _counter(registry, "escalations_total", "Images asked again, alone or sparser.")


class _Watch:
    """How far grids agree with the same images alone, and what follows from it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Agreement of grid and single answers, latest 200 images"
        self.mean = _gauge(registry, "shadow_agreement", f"{about}: the mean.", "task", "layout")
        self.low = _gauge(registry, "shadow_agreement_low", f"{about}: lower end of its 95 % interval.", "task", "layout")
        self.high = _gauge(registry, "shadow_agreement_high", f"{about}: upper end of its 95 % interval.", "task", "layout")
        self.samples = _counter(
            registry, "shadow_samples_total", "Images of grids to be asked alone as well.", "task", "outcome"
        )
        self.cells = _gauge(registry, "density_limit_cells", "Most cells that agreement allows; 0: no limit.", "task")
        self.changes = _counter(registry, "density_changes_total", "Changes of that limit.", "task", "direction")

    def prepare(self) -> None:
        for task in WATCHED_TASKS:
            self.cells.labels(task)
            for outcome in SHADOW_OUTCOMES:
                self.samples.labels(task, outcome)
            for direction in DENSITY_DIRECTIONS:
                self.changes.labels(task, direction)

    def snapshot(self) -> dict[str, Any]:
        bounds = {"mean": self.mean, "low": self.low, "high": self.high}
        agreement: dict[str, dict[str, dict[str, float]]] = {}
        for name, gauge in bounds.items():
            for family in gauge.collect():
                for sample in family.samples:
                    layouts = agreement.setdefault(sample.labels["task"], {})
                    layouts.setdefault(sample.labels["layout"], {})[name] = sample.value
        limits = {task: cells or None for task, cells in _by(self.cells, "task").items()}
        return {
            "samples": _by(self.samples, "outcome"),
            "agreement": agreement,
            "limit_cells": limits,
            "changes": _by(self.changes, "direction"),
        }


class _Choice:
    """What the accuracy budget chose, and what choosing takes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.drop = _gauge(registry, "expected_map_drop", "Drop of mAP@0.5 that was measured for the chosen mix.")
        self.cost = _gauge(registry, "expected_inferences_per_image", "Inferences per image of the chosen mix, sheets full.")
        self.looks = _counter(registry, "scout_looks_total", "Looks that were wanted of the scout, by outcome.", "outcome")
        self.look_seconds = _histogram(registry, "scout_seconds", "Time until a look was there or given up.", LOOK_BUCKETS_S)


class _Groups:
    """Group tests for unsafe content."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tests = _counter(registry, "group_tests_total", "Groups asked about, by what the answer said.", "result")
        self.sizes = _histogram(registry, "group_images", "Images in a group that is asked about.", IMAGES_BUCKETS)
        self.rounds = _histogram(registry, "group_rounds", "Questions in a row until an image has its answer.", ROUNDS_BUCKETS)
        self.verdicts = _counter(registry, "group_verdicts_total", "Images of group tests, by how they ended.", "verdict")
        about = (
            f"Estimated share of unsafe images, mean of the streams known here; {UNKNOWN_PREVALENCE} while nothing is known."
        )
        self.prevalence = _gauge(registry, "prevalence", about)
        self.known_prevalence: float | None = None

    def prepare(self) -> None:
        self.prevalence.set(UNKNOWN_PREVALENCE)
        for result in GROUP_RESULTS:
            self.tests.labels(result)
        for verdict in VERDICTS:
            self.verdicts.labels(verdict)

    def snapshot(self) -> dict[str, Any]:
        return {
            "prevalence": self.known_prevalence,
            "tests": _by(self.tests, "result"),
            "verdicts": _by(self.verdicts, "verdict"),
            "images_per_group_mean": _summary(self.sizes)["mean"],
            "rounds_mean": _summary(self.rounds)["mean"],
        }


class _State:
    """How the process and what it depends on are doing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = _counter(registry, "requests_total", "Requests, by how they ended.", "endpoint", "task", "outcome")
        self.errors = _counter(registry, "provider_errors_total", "Failed calls, each attempt counted.", "provider", "kind")
        self.pending = _gauge(registry, "pending_images", "Images waiting; all that share a Redis tell the same.", "task")
        self.accumulator_up = _gauge(registry, "accumulator_up", "1 while the accumulator can be reached.")
        self.leases = _counter(registry, "lease_events_total", "Batches claimed again, late results refused.", "event")
        self.build = Info("build", "What is running.", namespace=PREFIX, registry=registry)


class Metrics:
    """All metrics of one process, on one registry."""

    def __init__(self, registry: CollectorRegistry, *, version: str, role: str, provider: str) -> None:
        """Series that a dashboard asks for start at 0 for this provider and the endpoints served, so no panel is empty."""
        self._registry = registry
        self._money = _Money(registry)
        self._times = _Times(registry)
        self._sheets = _Sheets(registry)
        self._choice = _Choice(registry)
        self._watch = _Watch(registry)
        self._groups = _Groups(registry)
        self._state = _State(registry)
        self._state.build.info({"version": version, "role": role, "provider": known(provider, PROVIDERS)})
        self._prepare(provider)

    def _prepare(self, provider: str) -> None:
        for task in GRIDDED_TASKS:
            self._money.prepare(provider, task)
            self._state.pending.labels(task)
        self._times.provider.labels(provider)
        self._watch.prepare()
        self._groups.prepare()
        self._sheets.sheets.labels("1x1", "single")
        for endpoint in BUILT_ENDPOINTS:
            self._times.request.labels(endpoint)
            for task in GRIDDED_TASKS:
                for outcome in OUTCOMES:
                    self._state.requests.labels(endpoint, task, outcome)
        for fate in FATES:
            self._sheets.boxes.labels(provider, fate)
        for reason in BYPASSES:
            self._sheets.bypass.labels(reason)
        for kind in PROVIDER_FAULTS:
            self._state.errors.labels(provider, kind)
        for event in LEASE_EVENTS:
            self._state.leases.labels(event)
        for outcome in LOOKS:
            self._choice.looks.labels(outcome)

    def request_done(self, endpoint: str, task: str, outcome: str, seconds: float) -> None:
        labels = (known(endpoint, ENDPOINTS), known(task, TASKS), known(outcome, OUTCOMES))
        self._state.requests.labels(*labels).inc()
        self._times.request.labels(endpoint).observe(seconds)

    def paid(self, provider: str, task: str, kind: str, dollars: float, inferences: int = 1) -> None:
        """One attempt that the provider charges for; several inferences where it was asked for several features at once."""
        paid = self._money.paid.labels(known(provider, PROVIDERS), known(task, TASKS), known(kind, PAID_KINDS))
        paid.inc(inferences)
        self._money.dollars.labels(provider, task).inc(dollars)
        if kind != PASSTHROUGH:
            self._money.move(provider, task, -inferences, -dollars)

    def answered(self, provider: str, task: str, images: int, dollars_each: float) -> None:
        """Images got an answer of the provider's; alone they would have cost `dollars_each`."""
        self._money.answered.labels(known(provider, PROVIDERS), known(task, TASKS)).inc(images)
        self._money.move(provider, task, images, images * dollars_each)

    def sheet(self, layout: str, release: str, images: int) -> None:
        """A sheet goes out. Layouts come from the settings or the paper's table, so they are few."""
        self._sheets.sheets.labels(layout, known(release, RELEASES)).inc()
        self._sheets.images.observe(images)

    def waited(self, seconds: float) -> None:
        self._times.wait.observe(seconds)

    def added(self, seconds: float) -> None:
        """One image's whole time in the proxy, less the provider's own time."""
        self._times.added.observe(seconds)

    def composed(self, seconds: float) -> None:
        self._times.compose.observe(seconds)

    def provider_took(self, provider: str, seconds: float) -> None:
        self._times.provider.labels(known(provider, PROVIDERS)).observe(seconds)

    def boxes(self, provider: str, *, kept: int = 0, seam: int = 0, gutter: int = 0, filtered: int = 0) -> None:
        payer = known(provider, PROVIDERS)
        for fate, count in zip(FATES, (kept, seam, gutter, filtered), strict=True):
            self._sheets.boxes.labels(payer, fate).inc(count)

    def bypass(self, reason: str) -> None:
        self._sheets.bypass.labels(known(reason, BYPASSES)).inc()

    def provider_error(self, provider: str, kind: str) -> None:
        self._state.errors.labels(known(provider, PROVIDERS), known(kind, ERROR_KINDS)).inc()

    def pending(self, task: str, images: int) -> None:
        self._state.pending.labels(known(task, TASKS)).set(images)

    def accumulator(self, *, up: bool) -> None:
        self._state.accumulator_up.set(int(up))

    def lease_event(self, event: str) -> None:
        """`reclaimed`: a batch was claimed again after its lease. `refused`: a late holder's result was turned away."""
        self._state.leases.labels(known(event, LEASE_EVENTS)).inc()

    def escalated(self) -> None:
        """An image of a grid is asked again alone."""
        self._sheets.escalations.inc()

    def scouted(self, outcome: str, seconds: float) -> None:
        """A scout was asked to look at an image."""
        self._choice.looks.labels(known(outcome, LOOKS)).inc()
        self._choice.look_seconds.observe(seconds)

    def chosen(self, drop: float, cost: float) -> None:
        """What the accuracy budget bought, as it was measured."""
        self._choice.drop.set(drop)
        self._choice.cost.set(cost)

    def group_tested(self, images: int, result: str) -> None:
        """A group was asked about at once."""
        self._groups.tests.labels(known(result, GROUP_RESULTS)).inc()
        self._groups.sizes.observe(images)

    def moderated(self, verdict: str, rounds: int) -> None:
        """An image of a group test has its answer."""
        self._groups.verdicts.labels(known(verdict, VERDICTS)).inc()
        self._groups.rounds.observe(rounds)

    def prevalence(self, share: float | None) -> None:
        """The estimated share of unsafe images; None: nothing is known yet."""
        self._groups.known_prevalence = share
        self._groups.prevalence.set(UNKNOWN_PREVALENCE if share is None else share)

    def shadow(self, task: str, outcome: str) -> None:
        """An image of a grid was chosen to be asked alone as well, and this became of it."""
        self._watch.samples.labels(known(task, TASKS), known(outcome, SHADOW_OUTCOMES)).inc()

    def agreement(self, task: str, layout: str, mean: float, low: float, high: float) -> None:
        """How far the answers of such grids agree with the same images' answers alone, as far as is known now."""
        labels = (known(task, TASKS), known(layout, LAYOUTS))
        for gauge, value in ((self._watch.mean, mean), (self._watch.low, low), (self._watch.high, high)):
            gauge.labels(*labels).set(value)

    def density(self, task: str, cells: int | None, direction: str) -> None:
        """Agreement has changed how many cells a grid may have."""
        self._watch.cells.labels(known(task, TASKS)).set(cells or 0)
        self._watch.changes.labels(task, known(direction, DENSITY_DIRECTIONS)).inc()

    def render(self) -> bytes:
        """The exposition text, of type `CONTENT_TYPE`."""
        return generate_latest(_WithoutCreated(self._registry))

    def snapshot(self) -> dict[str, Any]:
        """The figures as plain values, for `/v1/stats`. Everything is since the start of this process.

        inferences.saved and dollars.saved are exact (net of debts, so they may be negative); saved_percent is of what
        the answered images would have cost alone, and what is passed through stays out of it. Times are in seconds,
        estimated from buckets as Prometheus does, and null before the first one.
        """
        money, sheets, state, times = self._money, self._sheets, self._state, self._times
        answered = _total(money.answered)
        by_kind = _by(money.paid, "kind")
        saved = _total(money.saved) - _total(money.owed)
        return {
            "requests": {"by_outcome": _by(state.requests, "outcome"), "by_endpoint": _by(state.requests, "endpoint")},
            "images": {
                "answered": answered,
                "pending": _by(state.pending, "task"),
                "per_sheet_mean": _summary(sheets.images)["mean"],
            },
            "inferences": {
                "paid": _total(money.paid),
                "by_kind": by_kind,
                "saved": saved,
                "saved_percent": 100 * saved / answered if answered else 0.0,
            },
            "tasks": {"answered": _by(money.answered, "task"), "paid": _by(money.paid, "task")},
            "dollars": {"spent": _total(money.dollars), "saved": _total(money.dollars_saved) - _total(money.dollars_owed)},
            "sheets": {"by_layout": _by(sheets.sheets, "layout"), "by_release": _by(sheets.sheets, "release")},
            "seconds": {
                "added": _summary(times.added),
                "wait": _summary(times.wait),
                "compose": _summary(times.compose),
                "provider": _summary(times.provider),
                "request": _summary(times.request),
            },
            "boxes": _by(sheets.boxes, "fate"),
            "bypass": _by(sheets.bypass, "reason"),
            "escalations": _total(sheets.escalations),
            "scout": {"looks": _by(self._choice.looks, "outcome"), "seconds": _summary(self._choice.look_seconds)},
            "shadow": self._watch.snapshot(),
            "groups": self._groups.snapshot(),
            "provider_errors": _by(state.errors, "kind"),
            "accumulator": {"up": _total(state.accumulator_up) > 0, "leases": _by(state.leases, "event")},
        }


class _WithoutCreated(Collector):
    """The registry without `*_created`: a second series for every counter, which no dashboard here reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


def _counter(registry: CollectorRegistry, name: str, help: str, *labels: str) -> Counter:
    return Counter(name, help, labels, namespace=PREFIX, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, help: str, *labels: str) -> Gauge:
    return Gauge(name, help, labels, namespace=PREFIX, registry=registry)


def _histogram(registry: CollectorRegistry, name: str, help: str, buckets: Sequence[float], *labels: str) -> Histogram:
    return Histogram(name, help, labels, namespace=PREFIX, buckets=buckets, registry=registry)


def known(value: str, allowed: Sequence[str]) -> str:
    """The value, where it is one of those that are allowed. ValueError otherwise."""
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return value
