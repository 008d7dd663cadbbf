"""The queries of the shipped monitoring: Grafana's dashboard, Prometheus's rules, the workers' autoscaler.

Out: every query with where it stands, and its metric names. Called by tests/test_deploy.py, which checks the names, and by
tests/integration/test_prometheus.py, which runs the queries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "tessera.json"
RULES = DEPLOY / "prometheus" / "rules" / "tessera.yml"
SCALING = DEPLOY / "kubernetes" / "worker-scaling.yaml"

# Label selectors and lists of labels: what is left of an expression without them has no name in it but metrics and functions.
LABELS = re.compile(r"\{[^}]*\}|\b(?:by|on|group_left)\s*\([^)]*\)")
METRIC = re.compile(r"\b(?:(?:tessera|process)_\w+|up\b)")


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and where it stands."""

    place: str
    expression: str

    @property
    def metrics(self) -> set[str]:
        return set(METRIC.findall(LABELS.sub(" ", self.expression)))

    def with_window(self, rate_interval: str, window: str) -> str:
        """The expression as Grafana would send it."""
        return self.expression.replace("$__rate_interval", rate_interval).replace("$__range", window)


def load_dashboard() -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return dashboard


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All panels that show something; rows are only headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def dashboard_queries() -> list[Query]:
    return [
        Query(f"panel {panel['title']!r}, query {target['refId']}", target["expr"])
        for panel in panels(load_dashboard())
        for target in panel["targets"]
    ]


def rule_queries() -> list[Query]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [Query(f"alert {rule['alert']}", rule["expr"]) for group in groups for rule in group["rules"]]


def scaling_queries() -> Iterator[Query]:
    for trigger in yaml.safe_load(SCALING.read_text(encoding="utf-8"))["spec"]["triggers"]:
        yield Query("the workers' autoscaler", trigger["metadata"]["query"])
