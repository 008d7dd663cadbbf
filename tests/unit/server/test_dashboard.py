"""The dashboard page: one file, no other host; each place that its script fills exists, each figure that it reads is given."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.metrics import Metrics, new_registry
from app.metrics.labels import LEASE_EVENTS
from app.settings import Settings, public_view

PAGE = (Path(__file__).parents[3] / "app" / "server" / "dashboard.html").read_text(encoding="utf-8")
SCRIPT = re.findall(r'<script type="module">(.*?)</script>', PAGE, re.DOTALL)[0]
# Name spaces of SVG: names, never fetched.
NOT_ADDRESSES = ("http://www.w3.org/2000/svg",)


def stats() -> dict[str, Any]:
    """What /v1/stats answers before anything has happened."""
    metrics = Metrics(new_registry(), version="1.2.3", role="all", provider="emulator")
    process = {"role": "all", "provider": "emulator", "version": "1.2.3", "status": "ready"}
    return {"process": process, **metrics.snapshot(), "settings": public_view(Settings())}


def test_the_page_needs_no_other_host() -> None:
    addresses = set(re.findall(r"https?://[^\s'\"<>)]+", PAGE)) - set(NOT_ADDRESSES)
    assert addresses == set()
    assert re.findall(r"""(?:src|href)=["'](?!data:)""", PAGE) == []


def test_every_place_that_the_script_fills_exists_once() -> None:
    places = re.findall(r'id="([\w-]+)"', PAGE)
    filled = set(re.findall(r'\b(?:at|tell|bars)\("([\w-]+)"', SCRIPT))
    assert len(places) == len(set(places))
    assert filled == set(places)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bstats\.([\w.]+?)(?=\)|,|;|\s|\.toFixed)", SCRIPT))))
def test_every_figure_that_the_script_reads_is_given(path: str) -> None:
    found: Any = stats()
    for name in path.split("."):
        assert name in found, path
        found = found[name]


def test_times_have_the_rows_and_columns_that_the_script_shows() -> None:
    rows = re.search(r"const TIMES = \{(.*?)\};", SCRIPT, re.DOTALL)
    assert rows is not None
    assert set(re.findall(r"(\w+): \"", rows[1])) == set(stats()["seconds"])
    columns = re.search(r'\.\.\.\[("p50".*?)\]\.map', SCRIPT)
    assert columns is not None
    for row in stats()["seconds"].values():
        assert {*re.findall(r'"(\w+)"', columns[1]), "count"} == set(row)


def test_a_prevalence_that_is_unknown_is_told_in_words() -> None:
    assert stats()["groups"]["prevalence"] is None
    assert 'prevalence === null ? "nothing known yet" :' in SCRIPT


def test_the_figures_are_plain_enough_for_json() -> None:
    def check(value: Any) -> None:
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
            for item in value.values():
                check(item)
        else:
            assert value is None or isinstance(value, str | int | float | list)

    check(stats())
    assert set(stats()["accumulator"]["leases"]) == set(LEASE_EVENTS)
