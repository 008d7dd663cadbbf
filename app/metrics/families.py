"""The metrics by what they are about: names, units, help, labels. Used by `metrics.Metrics`, which says when each moves."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Info

from app.figures import by_label, summary, total
from app.metrics.labels import (
    DENSITY_DIRECTIONS,
    GROUP_RESULTS,
    JOINS,
    QUOTA_LIMITS,
    SHADOW_OUTCOMES,
    UNKNOWN_PREVALENCE,
    VERDICTS,
    WATCHED_TASKS,
)
from app.metrics.making import PREFIX, counter, gauge, histogram

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


class Debts:
    """Turns gains and losses into steps of a counter that cannot fall (see the module's docstring)."""

    def __init__(self) -> None:
        self.debt = 0.0

    def step(self, gain: float) -> float:
        """What the counter may grow by; never negative."""
        balance = gain - self.debt
        self.debt = max(0.0, -balance)
        return max(0.0, balance)


class Money:
    """Inferences and dollars: paid, answered, saved."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("provider", "task")
        self.paid = counter(registry, "inferences_total", "Inferences paid, each attempt counted.", *labels, "kind")
        self.answered = counter(registry, "images_answered_total", "Images that got the provider's answer.", *labels)
        self.saved = counter(registry, "inferences_saved_total", "Images answered less inferences paid.", *labels)
        self.owed = gauge(registry, "inferences_debt", "Inferences paid and not yet made up for.", *labels)
        self.dollars = counter(registry, "cost_dollars_total", "Cost of the inferences at list price.", *labels)
        self.dollars_saved = counter(registry, "cost_saved_dollars_total", "Saving at list price.", *labels)
        self.dollars_owed = gauge(registry, "cost_debt_dollars", "Dollars spent and not yet made up for.", *labels)
        self._debts: dict[tuple[str, str], tuple[Debts, Debts]] = {}

    def prepare(self, provider: str, task: str) -> None:
        for kind in ("grid", "single"):
            self.paid.labels(provider, task, kind)
        for metric in (self.answered, self.saved, self.owed, self.dollars, self.dollars_saved, self.dollars_owed):
            metric.labels(provider, task)

    def move(self, provider: str, task: str, inferences: int, dollars: float) -> None:
        """The savings rise or fall by so much."""
        counted, priced = self._debts.setdefault((provider, task), (Debts(), Debts()))
        self.saved.labels(provider, task).inc(counted.step(inferences))
        self.owed.labels(provider, task).set(counted.debt)
        self.dollars_saved.labels(provider, task).inc(priced.step(dollars))
        self.dollars_owed.labels(provider, task).set(priced.debt)


class Times:
    """Where a request's time goes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request = histogram(registry, "request_seconds", "Whole time of a request.", REQUEST_BUCKETS_S, "endpoint")
        self.added = histogram(registry, "added_seconds", "An image's time less the provider's.", REQUEST_BUCKETS_S)
        self.wait = histogram(registry, "accumulator_wait_seconds", "An image's wait for company.", WAIT_BUCKETS_S)
        self.compose = histogram(registry, "compose_seconds", "Decoding, composing and encoding a sheet.", COMPOSE_BUCKETS_S)
        self.provider = histogram(registry, "provider_seconds", "One call of the provider.", PROVIDER_BUCKETS_S, "provider")


class Sheets:
    """What was put together, and what became of the findings."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sheets = counter(registry, "sheets_total", "Sheets, by layout and why they were closed.", "layout", "release")
        self.images = histogram(registry, "grid_images", "Images on a sheet; 1 when sent alone.", IMAGES_BUCKETS)
        self.boxes = counter(registry, "boxes_total", "Boxes found, by what became of them.", "provider", "fate")
        self.bypass = counter(registry, "bypass_total", "Images and requests that shared no sheet.", "reason")
        self.escalations = counter(registry, "escalations_total", "Images asked again, alone or sparser.")


class Joins:
    """Answers that were not paid for, because somebody had asked the same: no merit of any grid, and no saving is counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.joined = counter(registry, "joined_total", "Equal questions answered by one that was paid for already.", "how")
        self.unjoined = counter(registry, "join_failures_total", "Questions for which the store could not say if one is equal.")

    def prepare(self) -> None:
        for how in JOINS:
            self.joined.labels(how)


class Watch:
    """How far grids agree with the same images alone, and what follows from it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Agreement of grid and single answers, latest 200 images"
        self.mean = gauge(registry, "shadow_agreement", f"{about}: the mean.", "task", "layout")
        self.low = gauge(registry, "shadow_agreement_low", f"{about}: lower end of its 95 % interval.", "task", "layout")
        self.high = gauge(registry, "shadow_agreement_high", f"{about}: upper end of its 95 % interval.", "task", "layout")
        self.samples = counter(
            registry, "shadow_samples_total", "Images of grids to be asked alone as well.", "task", "outcome"
        )
        self.cells = gauge(registry, "density_limit_cells", "Most cells that agreement allows; 0: no limit.", "task")
        self.changes = counter(registry, "density_changes_total", "Changes of that limit.", "task", "direction")

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
        for name, bound in bounds.items():
            for family in bound.collect():
                for sample in family.samples:
                    layouts = agreement.setdefault(sample.labels["task"], {})
                    layouts.setdefault(sample.labels["layout"], {})[name] = sample.value
        limits = {task: cells or None for task, cells in by_label(self.cells, "task").items()}
        return {
            "samples": by_label(self.samples, "outcome"),
            "agreement": agreement,
            "limit_cells": limits,
            "changes": by_label(self.changes, "direction"),
        }


class Choice:
    """What the accuracy budget chose, and what choosing takes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.drop = gauge(registry, "expected_map_drop", "Drop of mAP@0.5 that was measured for the chosen mix.")
        self.cost = gauge(registry, "expected_inferences_per_image", "Inferences per image of the chosen mix, sheets full.")
        self.looks = counter(registry, "scout_looks_total", "Looks that were wanted of the scout, by outcome.", "outcome")
        self.look_seconds = histogram(registry, "scout_seconds", "Time until a look was there or given up.", LOOK_BUCKETS_S)


class Groups:
    """Group tests for unsafe content."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tests = counter(registry, "group_tests_total", "Groups asked about, by what the answer said.", "result")
        self.sizes = histogram(registry, "group_images", "Images in a group that is asked about.", IMAGES_BUCKETS)
        self.rounds = histogram(registry, "group_rounds", "Questions in a row until an image has its answer.", ROUNDS_BUCKETS)
        self.verdicts = counter(registry, "group_verdicts_total", "Images of group tests, by how they ended.", "verdict")
        about = (
            f"Estimated share of unsafe images, mean of the streams known here; {UNKNOWN_PREVALENCE} while nothing is known."
        )
        self.prevalence = gauge(registry, "prevalence", about)
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
            "tests": by_label(self.tests, "result"),
            "verdicts": by_label(self.verdicts, "verdict"),
            "images_per_group_mean": summary(self.sizes)["mean"],
            "rounds_mean": summary(self.rounds)["mean"],
        }


class Quota:
    """What clients are let in by, and kept out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = counter(registry, "quota_refused_total", "Requests beyond a limit of their client.", "limit")
        self.unshared = counter(registry, "quota_unshared_total", "Requests that one process judged by itself, store away.")
        self.file_ok = gauge(registry, "clients_file_ok", "1 while the clients' file, if there is one, can be used.")

    def prepare(self) -> None:
        self.file_ok.set(1)
        for limit in QUOTA_LIMITS:
            self.refused.labels(limit)

    def snapshot(self) -> dict[str, Any]:
        return {"refused": by_label(self.refused, "limit"), "unshared": total(self.unshared)}


class State:
    """How the process and what it depends on are doing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = counter(registry, "requests_total", "Requests, by how they ended.", "endpoint", "task", "outcome")
        self.errors = counter(registry, "provider_errors_total", "Failed calls, each attempt counted.", "provider", "kind")
        self.pending = gauge(registry, "pending_images", "Images waiting; all that share a Redis tell the same.", "task")
        self.accumulator_up = gauge(registry, "accumulator_up", "1 while the accumulator can be reached.")
        self.ready = gauge(registry, "ready", "1 while `/readyz` says that traffic may come.")
        self.certificate_ok = gauge(registry, "certificate_ok", "1 while TLS shows what stands in its files, if there are any.")
        self.tasks = gauge(registry, "tasks", "Tasks on the event loop: what is under way, and a few that stay.")
        self.leases = counter(registry, "lease_events_total", "Batches claimed again, late results refused.", "event")
        self.build = Info("build", "What is running.", namespace=PREFIX, registry=registry)
