"""`tessera bench moderation` as a user starts it: the real parts, an emulated vendor that looks, and figures that are true."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LIMIT_S = 120.0


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", "bench", "moderation", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


@pytest.mark.timeout(LIMIT_S + 30)
def test_group_tests_save_where_little_is_unsafe_and_cost_nothing_where_much_is() -> None:
    done = bench("--images", "400", "--prevalences", "0.02,0.5", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rare, often = json.loads(done.stdout)["lines"]
    for line, unsafe in ((rare, 8), (often, 200)):
        assert (line["images"], line["unsafe"]) == (400, unsafe)
        assert (line["missed"], line["false_alarms"], line["unanswered"]) == (0, 0, 0)
        assert line["billed"] == pytest.approx(line["paid"])
        assert line["measured"] <= 1.02
    assert rare["warm"] < 0.5
    assert rare["entropy"] < rare["optimum"] < rare["dorfman"]
    assert often["optimum"] == 1.0


@pytest.mark.timeout(LIMIT_S + 30)
def test_the_table_has_a_row_for_each_prevalence() -> None:
    done = bench("--images", "60", "--prevalences", "0.1", "--clients", "20", "--largest", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    first, *_, names, row, _, said, most, answered = done.stdout.splitlines()
    assert first == "60 images a line, groups of at most 4, 20 clients at once, seed 1"
    assert names.split()[0] == "prevalence"
    assert row.split()[0] == "0.1"
    assert "by chance" in said
    assert "never above 1.02" in most
    assert "no wrong verdict" in answered
