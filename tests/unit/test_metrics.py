"""Metrics: fixed names, closed label values, and savings that are net and never overstated."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from app.core.flights import How
from app.core.model import Bypass, Release, Task
from app.core.prevalence import Prevalence
from app.errors import Fault, Kind
from app.ledger import Ledger
from app.metrics import CONTENT_TYPE, Metrics, new_registry
from app.metrics import labels as defined
from app.metrics.families import Debts
from app.metrics.labels import GRIDDED_TASKS

# A price that binary floating point holds exactly, so that sums can be compared.
DOLLARS_EACH = 0.125


def price(feature: str) -> float:
    """The same for everything."""
    assert feature
    return DOLLARS_EACH


def build() -> Metrics:
    return Metrics(new_registry(), version="1.2.3", role="all", provider="rekognition")


def samples(metrics: Metrics) -> dict[str, float]:
    """Every series of the exposition text, as Prometheus would read it: `name{a=b,c=d}` -> value."""
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@pytest.mark.parametrize(
    ("values", "mirrored"),
    [
        (defined.BYPASSES, [member.value for member in Bypass]),
        (defined.RELEASES, [member.value for member in Release]),
        (defined.JOINS, [member.value for member in How]),
        (defined.ERROR_KINDS, [member.value for member in Kind]),
        (defined.PROVIDER_FAULTS, [member.value for member in Kind if member.fault is Fault.PROVIDER]),
        (defined.TASKS, [*(member.value for member in Task), "other"]),
    ],
)
def test_label_values_mirror_the_enums(values: tuple[str, ...], mirrored: list[str]) -> None:
    assert sorted(values) == sorted(mirrored)


def test_the_paid_kinds_of_the_callers_are_known() -> None:
    from app.providers.calling import PaidKind

    assert {member.value for member in PaidKind} <= set(defined.PAID_KINDS)


DESIGNED = {
    "tessera_requests_total": {"endpoint", "task", "outcome"},
    "tessera_inferences_total": {"provider", "task", "kind"},
    "tessera_inferences_saved_total": {"provider", "task"},
    "tessera_cost_dollars_total": {"provider", "task"},
    "tessera_cost_saved_dollars_total": {"provider", "task"},
    "tessera_sheets_total": {"layout", "release"},
    "tessera_grid_images_count": set(),
    "tessera_accumulator_wait_seconds_count": set(),
    "tessera_compose_seconds_count": set(),
    "tessera_provider_seconds_count": {"provider"},
    "tessera_request_seconds_count": {"endpoint"},
    "tessera_pending_images": {"task"},
    "tessera_boxes_total": {"provider", "fate"},
    "tessera_bypass_total": {"reason"},
    "tessera_provider_errors_total": {"provider", "kind"},
    "tessera_escalations_total": set(),
    "tessera_shadow_samples_total": {"task", "outcome"},
    "tessera_density_limit_cells": {"task"},
    "tessera_density_changes_total": {"task", "direction"},
    "tessera_build_info": {"version", "role", "provider"},
}


@pytest.mark.parametrize(("name", "labels"), DESIGNED.items())
def test_the_designs_names_and_labels_are_there_before_anything_happens(name: str, labels: set[str]) -> None:
    series = [key for key in samples(build()) if re.match(rf"{name}(\{{|$)", key)]
    assert series
    for key in series:
        assert set(re.findall(r"[{,](\w+)=", key)) == labels


def test_every_metric_has_help_and_a_base_unit_and_none_is_doubled_by_created() -> None:
    for family in text_string_to_metric_families(build().render().decode()):
        assert family.documentation
        assert not family.name.endswith(("_created", "_ms", "_milliseconds", "_percent"))


def test_the_text_is_of_the_type_that_prometheus_knows() -> None:
    assert CONTENT_TYPE.startswith("text/plain")


def test_the_process_itself_is_measured() -> None:
    assert samples(build())["process_resident_memory_bytes"] > 0


def test_each_fact_moves_its_own_series() -> None:
    metrics = build()
    before = samples(metrics)
    metrics.request_done("native", "detect", "answered", 0.3)
    metrics.paid("rekognition", "detect", "grid", DOLLARS_EACH)
    metrics.sheet("2x1", "full", 2)
    metrics.waited(0.1)
    metrics.added(0.12)
    metrics.composed(0.02)
    metrics.provider_took("rekognition", 0.4)
    metrics.boxes("rekognition", kept=5, seam=1, gutter=2, filtered=3)
    metrics.bypass(Bypass.LATE)
    metrics.provider_error("rekognition", Kind.THROTTLED.value)
    metrics.pending("detect", 7)
    metrics.accumulator(up=True)
    metrics.lease_event("reclaimed")
    metrics.escalated()
    metrics.scouted("late", 0.15)
    metrics.chosen(0.02, 0.5)
    metrics.shadow("detect", "compared")
    metrics.agreement("detect", "2x1", 0.97, 0.9, 0.99)
    metrics.density("detect", 2, "sparser")
    after = samples(metrics)
    moved = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    steps = {key: step for key, step in moved.items() if not re.search(r"_bucket|_sum|^process_|^python_", key)}
    assert steps == {
        "tessera_requests_total{endpoint=native,outcome=answered,task=detect}": 1,
        "tessera_request_seconds_count{endpoint=native}": 1,
        "tessera_inferences_total{kind=grid,provider=rekognition,task=detect}": 1,
        "tessera_cost_dollars_total{provider=rekognition,task=detect}": DOLLARS_EACH,
        "tessera_inferences_debt{provider=rekognition,task=detect}": 1,
        "tessera_cost_debt_dollars{provider=rekognition,task=detect}": DOLLARS_EACH,
        "tessera_sheets_total{layout=2x1,release=full}": 1,
        "tessera_grid_images_count": 1,
        "tessera_accumulator_wait_seconds_count": 1,
        "tessera_added_seconds_count": 1,
        "tessera_compose_seconds_count": 1,
        "tessera_provider_seconds_count{provider=rekognition}": 1,
        "tessera_boxes_total{fate=kept,provider=rekognition}": 5,
        "tessera_boxes_total{fate=seam,provider=rekognition}": 1,
        "tessera_boxes_total{fate=gutter,provider=rekognition}": 2,
        "tessera_boxes_total{fate=filtered,provider=rekognition}": 3,
        "tessera_bypass_total{reason=late}": 1,
        "tessera_provider_errors_total{kind=throttled,provider=rekognition}": 1,
        "tessera_pending_images{task=detect}": 7,
        "tessera_accumulator_up": 1,
        "tessera_lease_events_total{event=reclaimed}": 1,
        "tessera_escalations_total": 1,
        "tessera_scout_looks_total{outcome=late}": 1,
        "tessera_scout_seconds_count": 1,
        "tessera_expected_map_drop": 0.02,
        "tessera_expected_inferences_per_image": 0.5,
        "tessera_shadow_samples_total{outcome=compared,task=detect}": 1,
        "tessera_shadow_agreement{layout=2x1,task=detect}": 0.97,
        "tessera_shadow_agreement_low{layout=2x1,task=detect}": 0.9,
        "tessera_shadow_agreement_high{layout=2x1,task=detect}": 0.99,
        "tessera_density_limit_cells{task=detect}": 2,
        "tessera_density_changes_total{direction=sparser,task=detect}": 1,
    }
    assert after["tessera_grid_images_sum"] == 2


def test_tasks_are_those_that_live_now() -> None:
    metrics = build()
    for count in (7, 3):
        metrics.tasks(count)
    assert samples(metrics)["tessera_tasks"] == 3


def test_what_is_watched_live_is_told_by_task_and_layout() -> None:
    metrics = build()
    quiet = metrics.snapshot()["shadow"]
    assert (quiet["agreement"], quiet["limit_cells"]) == ({}, {"detect": None, "classify": None})
    metrics.shadow("detect", "compared")
    metrics.agreement("detect", "2x1", 0.97, 0.9, 0.99)
    metrics.agreement("detect", "2x2", 0.5, 0.25, 0.75)
    metrics.density("detect", 2, "sparser")
    assert metrics.snapshot()["shadow"] == {
        "samples": {"compared": 1, "failed": 0, "skipped": 0},
        "agreement": {
            "detect": {"2x1": {"mean": 0.97, "low": 0.9, "high": 0.99}, "2x2": {"mean": 0.5, "low": 0.25, "high": 0.75}}
        },
        "limit_cells": {"detect": 2, "classify": None},
        "changes": {"sparser": 1, "trial": 0, "denser": 0},
    }
    metrics.density("detect", None, "denser")
    assert metrics.snapshot()["shadow"]["limit_cells"] == {"detect": None, "classify": None}


def test_a_prevalence_that_nobody_knows_is_told_as_unknown_and_measured_as_what_is_in_force() -> None:
    metrics = build()

    def told() -> tuple[float | None, float]:
        return metrics.snapshot()["groups"]["prevalence"], samples(metrics)["tessera_prevalence"]

    assert told() == (None, Prevalence().estimate)
    for share in (0.0, 0.03):
        metrics.prevalence(share)
        assert told() == (share, share)
    metrics.prevalence(None)
    assert told() == (None, Prevalence().estimate)


def test_a_shadow_is_paid_and_saves_nothing() -> None:
    metrics = build()
    metrics.paid("rekognition", "detect", "grid", DOLLARS_EACH)
    metrics.answered("rekognition", "detect", 4, DOLLARS_EACH)
    metrics.paid("rekognition", "detect", "shadow", DOLLARS_EACH)
    snapshot = metrics.snapshot()
    assert (snapshot["inferences"]["paid"], snapshot["inferences"]["saved"]) == (2, 2)
    assert snapshot["dollars"] == {"spent": 2 * DOLLARS_EACH, "saved": 2 * DOLLARS_EACH}
    assert samples(metrics)["tessera_inferences_total{kind=shadow,provider=rekognition,task=detect}"] == 1


def test_a_value_outside_its_closed_set_is_a_mistake() -> None:
    metrics = build()
    for wrong in (
        lambda: metrics.shadow("detect", "perhaps"),
        lambda: metrics.agreement("detect", "9x9", 1.0, 1.0, 1.0),
        lambda: metrics.density("detect", 2, "up"),
        lambda: metrics.request_done("soap", "detect", "answered", 1),
        lambda: metrics.request_done("native", "count", "answered", 1),
        lambda: metrics.request_done("native", "detect", "fine", 1),
        lambda: metrics.paid("watson", "detect", "grid", 1),
        lambda: metrics.paid("rekognition", "detect", "gift", 1),
        lambda: metrics.answered("watson", "detect", 1, 1),
        lambda: metrics.sheet("2x1", "bored", 2),
        lambda: metrics.bypass("whim"),
        lambda: metrics.provider_error("rekognition", "rude"),
        lambda: metrics.lease_event("lost"),
        lambda: Ledger(metrics, "watson", price),
    ):
        with pytest.raises(ValueError, match="is none of"):
            wrong()


# What happens: images answered as a positive number, inferences paid as a negative one.
@pytest.mark.parametrize(
    ("happened", "saved", "debt"),
    [
        ([], 0, 0),
        ([-1], 0, 1),
        ([-1, 4], 3, 0),
        ([-1, 1], 0, 0),
        ([-1, 1, 1, 1, 1], 3, 0),
        ([-1, -1, 1], 0, 1),
        ([-1, -1, 4], 2, 0),
        ([-1, 4, -1, -1], 3, 2),
        ([-1, 4, -1, -1, -1, 2], 3, 1),
        ([-1, 4, -1, -1, -1, 4], 4, 0),
    ],
)
def test_what_was_paid_is_made_up_for_before_anything_is_saved(happened: list[int], saved: int, debt: int) -> None:
    metrics = build()
    for step in happened:
        if step > 0:
            metrics.answered("rekognition", "detect", step, DOLLARS_EACH)
        else:
            metrics.paid("rekognition", "detect", "grid", DOLLARS_EACH)
    found = samples(metrics)
    labels = "{provider=rekognition,task=detect}"
    assert found[f"tessera_inferences_saved_total{labels}"] == saved
    assert found[f"tessera_inferences_debt{labels}"] == debt
    assert found[f"tessera_cost_saved_dollars_total{labels}"] == saved * DOLLARS_EACH
    assert found[f"tessera_cost_debt_dollars{labels}"] == debt * DOLLARS_EACH
    assert found[f"tessera_images_answered_total{labels}"] == sum(step for step in happened if step > 0)


@given(st.lists(st.integers(-5, 9), max_size=30))
def test_savings_never_fall_never_overstate_and_less_their_debt_are_exact(gains: list[int]) -> None:
    debts = Debts()
    saved = balance = 0.0
    for gain in gains:
        step = debts.step(gain)
        balance += gain
        saved += step
        assert step >= 0
        assert saved - debts.debt == balance


def test_savings_of_one_task_do_not_pay_the_debts_of_another() -> None:
    metrics = build()
    metrics.paid("rekognition", "classify", "single", DOLLARS_EACH)
    metrics.answered("rekognition", "detect", 1, DOLLARS_EACH)
    assert metrics.snapshot()["inferences"]["saved"] == 0
    assert samples(metrics)["tessera_inferences_saved_total{provider=rekognition,task=detect}"] == 1
    assert samples(metrics)["tessera_inferences_debt{provider=rekognition,task=classify}"] == 1


def test_what_is_passed_through_costs_but_lowers_no_saving() -> None:
    """Two features of one image, say, are two inferences: as many as without us."""
    metrics = build()
    Ledger(metrics, "rekognition", price).passed_through(2, DOLLARS_EACH)
    snapshot = metrics.snapshot()
    assert (snapshot["inferences"]["paid"], snapshot["inferences"]["saved"]) == (2, 0)
    assert snapshot["dollars"] == {"spent": DOLLARS_EACH, "saved": 0}


def test_a_ledger_speaks_for_its_provider_and_price() -> None:
    metrics = build()
    ledger = Ledger(metrics, "rekognition", price)
    ledger.paid("single", "objects", "detect")
    ledger.passed_through(1, DOLLARS_EACH)
    ledger.error(Kind.PROVIDER_TIMEOUT)
    ledger.took(0.2)
    ledger.answered(2, "objects", "detect")
    ledger.boxes(kept=1, seam=2, gutter=3)
    ledger.filtered(4)
    ledger.request_done("native", "other", "caller_error", 0.01)
    snapshot = metrics.snapshot()
    assert snapshot["inferences"]["by_kind"] == {"grid": 0, "single": 1, "passthrough": 1}
    assert snapshot["dollars"] == {"spent": 2 * DOLLARS_EACH, "saved": DOLLARS_EACH}
    assert snapshot["boxes"] == {"kept": 1, "seam": 2, "gutter": 3, "filtered": 4}
    assert snapshot["provider_errors"]["provider_timeout"] == 1
    assert snapshot["seconds"]["provider"]["count"] == 1


def test_each_feature_has_its_own_price() -> None:
    metrics = build()
    ledger = Ledger(metrics, "google", {"objects": 0.5, "faces": 0.25}.__getitem__)
    ledger.paid("grid", "objects", "detect")
    ledger.paid("grid", "faces", "detect")
    ledger.answered(2, "objects", "detect")
    ledger.answered(2, "faces", "detect")
    assert metrics.snapshot()["dollars"] == {"spent": 0.75, "saved": 0.75}


def test_what_is_joined_is_counted_apart_and_saves_nothing() -> None:
    metrics = build()
    ledger = Ledger(metrics, "rekognition", price)
    ledger.paid("single", "objects", "detect")
    ledger.answered(1, "objects", "detect")
    for how in How:
        ledger.joined(how)
    ledger.unjoined()
    snapshot = metrics.snapshot()
    assert snapshot["joined"] == {"flight": 1, "retry": 1, "cache": 1}
    assert snapshot["join_failures"] == 1
    assert (snapshot["images"]["answered"], snapshot["inferences"]["saved"], snapshot["dollars"]["saved"]) == (1, 0, 0)


def test_a_ledger_fits_every_protocol_that_asks_for_one() -> None:
    """mypy checks the fit; at run time this only shows that the names are there."""
    from app.joining import JoinLedger
    from app.pipeline import FrontLedger
    from app.providers.calling import Meter
    from app.server.desk import DeskLedger
    from app.server.retries import RetryLedger
    from app.work.detect import BoxLedger
    from app.work.moderate import GroupLedger
    from app.work.shadow import ShadowLedger
    from app.work.sheets import SheetLedger
    from app.work.worker import WorkLedger

    ledger: Ledger = Ledger(build(), "rekognition", price)
    front: FrontLedger = ledger
    joins: JoinLedger = ledger
    retries: RetryLedger = ledger
    meter: Meter = ledger
    desk: DeskLedger = ledger
    sheets: SheetLedger = ledger
    work: WorkLedger = ledger
    boxes: BoxLedger = ledger
    groups: GroupLedger = ledger
    shadow: ShadowLedger = ledger
    assert front is joins is retries is meter is desk is sheets is work is boxes is groups is shadow  # type: ignore[comparison-overlap]  # one object behind all of them


def test_the_snapshot_of_nothing_is_all_zero_and_has_no_times() -> None:
    snapshot = build().snapshot()
    assert snapshot["images"] == {"answered": 0, "pending": dict.fromkeys(GRIDDED_TASKS, 0), "per_sheet_mean": None}
    assert snapshot["inferences"]["saved_percent"] == 0
    assert snapshot["seconds"]["wait"] == {"count": 0, "mean": None, "p50": None, "p95": None, "p99": None}
    assert snapshot["sheets"] == {"by_layout": {"1x1": 0}, "by_release": {"single": 0}}
    assert set(snapshot["bypass"].values()) == {0}


def test_the_snapshot_gives_the_exact_saving_even_where_it_is_a_loss() -> None:
    metrics = build()
    ledger = Ledger(metrics, "rekognition", price)
    for _ in range(3):
        ledger.paid("single", "objects", "detect")
    ledger.answered(1, "objects", "detect")
    inferences = metrics.snapshot()["inferences"]
    assert (inferences["paid"], inferences["saved"], inferences["saved_percent"]) == (3, -2, -200)
    for _ in range(3):
        ledger.paid("grid", "objects", "detect")
    ledger.answered(9, "objects", "detect")
    assert metrics.snapshot()["inferences"]["saved_percent"] == 40
    assert metrics.snapshot()["dollars"]["saved"] == 4 * DOLLARS_EACH


def test_quantiles_and_means_are_taken_over_all_labels() -> None:
    metrics = build()
    metrics.request_done("native", "detect", "answered", 0.2)
    metrics.request_done("rekognition", "detect", "answered", 0.4)
    request = metrics.snapshot()["seconds"]["request"]
    assert request["count"] == 2
    assert request["mean"] == pytest.approx(0.3)
    assert 0.15 < request["p50"] <= 0.2
    assert 0.3 < request["p99"] <= 0.4
