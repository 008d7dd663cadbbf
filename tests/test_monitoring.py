"""Dashboard, alerts and autoscaling ask only for metrics that exist, and leave none of ours unseen.

Whether the queries find something is tests/integration/test_prometheus.py's question.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import Metrics, new_registry
from app.settings import NAMES as SETTINGS
from tests.support.dashboards import Query, dashboard_queries, load_dashboard, panels, rule_queries, scaling_queries
from tests.support.deployment import DEPLOY, REPOSITORY, load_yaml

EVERY_QUERY = [*dashboard_queries(), *rule_queries(), *scaling_queries()]
# Prometheus's own: whether a target answered.
FROM_PROMETHEUS = {"up"}
# What Prometheus and its targets add to every series.
OUTER_LABELS = {"job", "instance", "le"}
# Nothing feeds these before calibration is built, so a panel would be empty.
NOT_SHOWN = {"tessera_escalations"}


def our_metrics() -> Metrics:
    """With a figure where only a first one makes the series."""
    metrics = Metrics(new_registry(), version="0", role="all", provider="rekognition")
    metrics.agreement("detect", "2x1", mean=1.0, low=0.9, high=1.0)
    return metrics


def our_labels() -> dict[str, set[str]]:
    """Every series name of the exposition and the labels that it may have."""
    metrics = our_metrics()
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


@pytest.mark.parametrize("query", EVERY_QUERY, ids=lambda query: query.place)
def test_a_query_asks_only_for_metrics_and_labels_that_exist(query: Query) -> None:
    known = our_labels()
    assert query.metrics
    assert query.metrics - FROM_PROMETHEUS <= known.keys()
    allowed = OUTER_LABELS.union(*(known.get(name, set()) for name in query.metrics))
    grouped = re.findall(r"\b(?:by|on|group_left)\s*\(([^)]*)\)", query.expression)
    chosen = re.findall(r"[{,]\s*(\w+)\s*=", query.expression)
    assert {label.strip() for group in grouped for label in group.split(",")} | set(chosen) <= allowed


def test_metric_names_are_told_from_functions_and_labels() -> None:
    query = Query("here", 'sum by (up_to) (rate(tessera_a_total{kind="tessera_x"}[5m])) / up{job=~"tessera.*"} - process_b')
    assert query.metrics == {"tessera_a_total", "up", "process_b"}


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = {name for query in dashboard_queries() for name in query.metrics}
    metrics = our_metrics()
    for family in text_string_to_metric_families(metrics.render().decode()):
        if family.name.startswith("tessera_") and family.name not in NOT_SHOWN:
            assert {sample.name for sample in family.samples} & shown, family.name


def test_every_panel_has_a_title_a_query_and_the_chosen_data_source() -> None:
    for panel in panels(load_dashboard()):
        assert panel["title"]
        assert panel["targets"]
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_data_source_is_a_variable_that_starts_with_the_provisioned_one() -> None:
    (variable,) = load_dashboard()["templating"]["list"]
    (source,) = load_yaml(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", source["type"])
    assert variable["current"] == {"text": source["name"], "value": source["uid"]}


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    everything = load_dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    places = [(panel["gridPos"], panel["title"]) for panel in everything]
    for (one, name), (other, other_name) in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, f"{name!r} and {other_name!r}"
    assert all(place["x"] + place["w"] <= 24 for place, _ in places)  # the width of Grafana's grid


def test_a_legend_names_only_labels_that_its_query_keeps() -> None:
    known = our_labels()
    for panel in panels(load_dashboard()):
        for target in panel["targets"]:
            query = Query(panel["title"], target["expr"])
            kept = OUTER_LABELS.union(*(known[name] for name in query.metrics))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept


OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
CASES = load_yaml(REPOSITORY / "tests" / "data" / "prometheus" / "rules_test.yml")["tests"]
RULES = [rule for group in load_yaml(DEPLOY / "prometheus" / "rules" / "tessera.yml")["groups"] for rule in group["rules"]]
NAMES = [rule["alert"] for rule in RULES]


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    """In the same order, with something to do in each."""
    sections = OPERATIONS.partition("## Alerts")[2].split("\n### ")[1:]
    assert [section.split("\n")[0] for section in sections] == NAMES
    assert all(len(section.split("\n", 1)[1].strip()) > 100 for section in sections)


def test_what_operations_names_exists() -> None:
    known = our_labels().keys() | {name.rsplit("_", 1)[0] for name in our_labels()}
    assert set(re.findall(r"\btessera_[a-z_]+|\bprocess_[a-z_]+", OPERATIONS)) <= known
    assert set(re.findall(r"\bTESSERA_[A-Z_0-9]+[A-Z0-9]\b", OPERATIONS)) <= SETTINGS.keys()
    assert set(re.findall(r"\bTessera[A-Z]\w+", OPERATIONS)) <= set(NAMES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_is_tried_where_it_should_fire_and_where_it_should_not(rule: dict[str, Any]) -> None:
    """By promtool, in tests/integration/test_prometheus.py."""
    tried = [one for case in CASES for one in case["alert_rule_test"] if one["alertname"] == rule["alert"]]
    assert {bool(one["exp_alerts"]) for one in tried} == {True, False}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
