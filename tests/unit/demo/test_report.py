"""The figures of the demo's table, and when it may say that all is well."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.geometry import UnitBox
from app.demo.checking import Fate, Mark, Verdict
from app.demo.clients import Reply
from app.demo.report import Findings, percentile, sheets_by_layout, summarise, table, write_json

REQUIRED = {
    "images",
    "answered",
    "inferences_paid",
    "saved_percent",
    "boxes_expected",
    "boxes_right",
    "boxes_wrong",
    "boxes_missing",
    "added_latency_ms_p50",
    "added_latency_ms_p95",
    "sheets_by_layout",
}
BOX = UnitBox(0, 0, 1, 1)


def answered(number: int, layout: str = "2x1", share: str = "0.5") -> Reply:
    headers = {
        "x-tessera-grid": layout,
        "x-tessera-inferences": share,
        "server-timing": "wait;dur=50, compose;dur=5, upstream;dur=100",
    }
    answer: dict[str, Any] = {"Labels": [], "ResponseMetadata": {"HTTPHeaders": headers}}
    return Reply(number, 0.2 + number / 1000, answer)


def findings(replies: Sequence[Reply], fates: Sequence[Fate], paid: int) -> Findings:
    verdicts = [Verdict((Mark("Car-0000", BOX, fate),)) for fate in fates]
    return Findings(replies, verdicts, paid, photographs=False, seconds=12.3456, versions={"x": "1"}, arguments={"seed": 7})


GOOD = findings([answered(0), answered(1)], [Fate.RIGHT, Fate.RIGHT], paid=1)


def test_a_good_run_is_summed_up() -> None:
    summary = summarise(GOOD)
    assert (summary.images, summary.answered, summary.saved_percent) == (2, 2, 50.0)
    assert (summary.inferences_paid, summary.inferences_claimed) == (1, 1.0)
    assert (summary.dollars_without, summary.dollars_paid, summary.dollars_saved) == (0.002, 0.001, 0.001)
    assert (summary.boxes_expected, summary.boxes_right, summary.boxes_wrong, summary.boxes_missing) == (2, 2, 0, 0)
    assert summary.added_latency_ms_p50 == pytest.approx(100.5)
    assert (summary.waited_ms_p50, summary.upstream_ms_p50) == (50.0, 100.0)
    assert summary.images_by_layout == {"2x1": 2}
    assert summary.shortcomings == []


@pytest.mark.parametrize(
    ("replies", "fates", "paid", "complaint"),
    [
        ([answered(0), Reply(1, 1.0, error="boom")], [Fate.RIGHT, Fate.RIGHT], 0, "1 of 2 images were not answered"),
        ([answered(0), answered(1)], [Fate.RIGHT, Fate.WRONG], 1, "1 boxes are wrong"),
        ([answered(0), answered(1)], [Fate.MISSING, Fate.RIGHT], 1, "1 boxes are missing"),
        ([answered(0), answered(1)], [Fate.RIGHT, Fate.RIGHT], 2, "only 0.0 % was saved (at least 40 % is expected)"),
        ([Reply(0, 1.0, error="boom")], [], 0, "1 of 1 images were not answered"),
    ],
    ids=["unanswered", "wrong", "missing", "nothing saved", "nobody answered"],
)
def test_each_broken_promise_is_named(replies: list[Reply], fates: list[Fate], paid: int, complaint: str) -> None:
    assert complaint in summarise(findings(replies, fates, paid)).shortcomings


def test_differing_photographs_are_told_but_not_judged() -> None:
    differing = findings([answered(0), answered(1)], [Fate.WRONG, Fate.MISSING], paid=1)
    assert summarise(differing).shortcomings
    told = summarise(replace(differing, photographs=True))
    assert told.shortcomings == []
    assert "told, not judged" in table(told)


def test_the_shares_of_a_layout_add_up_to_its_sheets() -> None:
    replies = [answered(0), answered(1), answered(2, "1x1", "1"), *(answered(n, "3x1", "0.3333") for n in range(3, 9))]
    assert sheets_by_layout(replies) == {"1x1": 1, "2x1": 1, "3x1": 2}
    assert sheets_by_layout([]) == {}
    assert sheets_by_layout([Reply(0, 1.0, error="boom")]) == {}


@pytest.mark.parametrize(("values", "expected"), [([], None), ([5.0], 5.0), ([0.0, 10.0], 5.0)])
def test_a_percentile_of_nothing_is_nothing(values: list[float], expected: float | None) -> None:
    assert percentile(values, 50) == expected


def test_the_json_has_every_promised_member(tmp_path: Path) -> None:
    target = tmp_path / "summary.json"
    write_json(summarise(GOOD), target)
    written = json.loads(target.read_text())
    assert written.keys() >= REQUIRED
    assert (written["passed"], written["shortcomings"], written["errors"]) == (True, [], [])
    assert (written["versions"], written["arguments"], written["seconds"]) == ({"x": "1"}, {"seed": 7}, 12.35)


def test_the_table_says_it_all_in_a_terminals_width() -> None:
    text = table(summarise(GOOD))
    for words in (
        "2 of 2",
        "50.0 %",
        "$0.001 of $0.002",
        "$500 instead of $1,000",
        "1 x 2x1",
        "the answers say 1)",
        "boxes wrong",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80
    assert "unknown" in table(summarise(findings([], [], 0)))
