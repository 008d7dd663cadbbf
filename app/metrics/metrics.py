"""All metrics of one process: each method is a fact that somebody tells. See the package for what the savings mean."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from app.figures import by_label, summary, total
from app.metrics.families import Choice, Groups, Joins, Money, Quota, Sheets, State, Times, Watch
from app.metrics.labels import (
    BUILT_ENDPOINTS,
    BYPASSES,
    DENSITY_DIRECTIONS,
    ENDPOINTS,
    ERROR_KINDS,
    FATES,
    GRIDDED_TASKS,
    GROUP_RESULTS,
    JOINS,
    LAYOUTS,
    LEASE_EVENTS,
    LOOKS,
    OUTCOMES,
    PAID_KINDS,
    PASSTHROUGH,
    PROVIDER_FAULTS,
    PROVIDERS,
    QUOTA_LIMITS,
    RELEASES,
    SHADOW_OUTCOMES,
    TASKS,
    UNKNOWN_PREVALENCE,
    VERDICTS,
    known,
)
from app.metrics.making import WithoutCreated


class Metrics:
    """All metrics of one process, on one registry."""

    def __init__(self, registry: CollectorRegistry, *, version: str, role: str, provider: str) -> None:
        """Series that a dashboard asks for start at 0 for this provider and the endpoints served, so no panel is empty."""
        self._registry = registry
        self._money = Money(registry)
        self._times = Times(registry)
        self._sheets = Sheets(registry)
        self._choice = Choice(registry)
        self._watch = Watch(registry)
        self._groups = Groups(registry)
        self._quota = Quota(registry)
        self._joins = Joins(registry)
        self._state = State(registry)
        self._state.build.info({"version": version, "role": role, "provider": known(provider, PROVIDERS)})
        self._prepare(provider)

    def _prepare(self, provider: str) -> None:
        self._state.certificate_ok.set(1)
        for task in GRIDDED_TASKS:
            self._money.prepare(provider, task)
            self._state.pending.labels(task)
        self._times.provider.labels(provider)
        self._watch.prepare()
        self._groups.prepare()
        self._quota.prepare()
        self._joins.prepare()
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

    def ready(self, *, serves: bool) -> None:
        self._state.ready.set(int(serves))

    def certificate(self, *, ok: bool) -> None:
        """Whether the server shows the certificate that stands in its files now."""
        self._state.certificate_ok.set(int(ok))

    def tasks(self, count: int) -> None:
        """So many tasks live on the event loop now."""
        self._state.tasks.set(count)

    def lease_event(self, event: str) -> None:
        """`reclaimed`: a batch was claimed again after its lease. `refused`: a late holder's result was turned away."""
        self._state.leases.labels(known(event, LEASE_EVENTS)).inc()

    def escalated(self) -> None:
        """An image of a grid is asked again alone."""
        self._sheets.escalations.inc()

    def joined(self, how: str) -> None:
        """A question was answered for nothing, because an equal one had been asked."""
        self._joins.joined.labels(known(how, JOINS)).inc()

    def unjoined(self) -> None:
        """The store could not say whether an equal question is under way."""
        self._joins.unjoined.inc()

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

    def quota_refused(self, limit: str) -> None:
        """A client has asked for more than the operator lets him."""
        self._quota.refused.labels(known(limit, QUOTA_LIMITS)).inc()

    def quota_unshared(self) -> None:
        """A client's limits were looked at without the store that all processes share."""
        self._quota.unshared.inc()

    def clients_file(self, *, ok: bool) -> None:
        self._quota.file_ok.set(int(ok))

    def render(self) -> bytes:
        """The exposition text, of type `CONTENT_TYPE`."""
        return generate_latest(WithoutCreated(self._registry))

    def snapshot(self) -> dict[str, Any]:
        """The figures as plain values, for `/v1/stats`. Everything is since the start of this process.

        inferences.saved and dollars.saved are exact (net of debts, so they may be negative); saved_percent is of what
        the answered images would have cost alone, and what is passed through stays out of it. Times are in seconds,
        estimated from buckets as Prometheus does, and null before the first one.
        """
        money, sheets, state, times = self._money, self._sheets, self._state, self._times
        answered = total(money.answered)
        by_kind = by_label(money.paid, "kind")
        saved = total(money.saved) - total(money.owed)
        return {
            "requests": {
                "by_outcome": by_label(state.requests, "outcome"),
                "by_endpoint": by_label(state.requests, "endpoint"),
            },
            "images": {
                "answered": answered,
                "pending": by_label(state.pending, "task"),
                "per_sheet_mean": summary(sheets.images)["mean"],
            },
            "inferences": {
                "paid": total(money.paid),
                "by_kind": by_kind,
                "saved": saved,
                "saved_percent": 100 * saved / answered if answered else 0.0,
            },
            "tasks": {"answered": by_label(money.answered, "task"), "paid": by_label(money.paid, "task")},
            "dollars": {"spent": total(money.dollars), "saved": total(money.dollars_saved) - total(money.dollars_owed)},
            "sheets": {"by_layout": by_label(sheets.sheets, "layout"), "by_release": by_label(sheets.sheets, "release")},
            "seconds": {
                "added": summary(times.added),
                "wait": summary(times.wait),
                "compose": summary(times.compose),
                "provider": summary(times.provider),
                "request": summary(times.request),
            },
            "boxes": by_label(sheets.boxes, "fate"),
            "bypass": by_label(sheets.bypass, "reason"),
            "escalations": total(sheets.escalations),
            "joined": by_label(self._joins.joined, "how"),
            "join_failures": total(self._joins.unjoined),
            "scout": {"looks": by_label(self._choice.looks, "outcome"), "seconds": summary(self._choice.look_seconds)},
            "shadow": self._watch.snapshot(),
            "groups": self._groups.snapshot(),
            "quotas": self._quota.snapshot(),
            "provider_errors": by_label(state.errors, "kind"),
            "accumulator": {"up": total(state.accumulator_up) > 0, "leases": by_label(state.leases, "event")},
        }
