"""`tessera simulate` from its command line: what it prints, what it names, what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from statistics import quantiles

import pytest

from app.cli import main
from app.simulation.command import ProviderTime


def simulate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["simulate", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "arrivals.log"
    path.write_text("\ufefftime lane\n10.0 a\n10.0 b\n10.04 a\n# a comment\n10.5 b\nsoon\n", encoding="utf-8")
    return path


def test_a_log_gives_a_row_per_window_and_layout(capsys: pytest.CaptureFixture[str], log: Path) -> None:
    code, out, err = simulate(capsys, str(log), "--windows", "100,200", "--layouts", "2x1,2x2", "--provider-ms", "80")
    assert code == 0
    assert out.startswith("4 images in 0.5 s (6.0 a second), 2 lanes\n")
    assert [line.split()[:6] for line in out.splitlines()[3:]] == [
        ["100", "ms", "2x1", "25.0", "%", "3"],
        ["100", "ms", "2x2", "25.0", "%", "3"],
        ["200", "ms", "2x1", "25.0", "%", "3"],
        ["200", "ms", "2x2", "25.0", "%", "3"],
    ]
    assert err.splitlines() == [
        "tessera simulate: line 1 skipped: 'time' is neither seconds nor an ISO timestamp",
        "tessera simulate: line 7 skipped: 'soon' is neither seconds nor an ISO timestamp",
    ]


def test_the_same_as_json(capsys: pytest.CaptureFixture[str], log: Path) -> None:
    code, out, _ = simulate(capsys, str(log), "--windows", "100", "--layouts", "2x1", "--provider-ms", "80,160", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["arrivals"] == {"images": 4, "seconds": 0.5, "per_second": 6.0, "lanes": 2, "skipped_lines": 2}
    assert [(row["window_ms"], row["layout"], row["inferences"], row["saved_percent"]) for row in found["rows"]] == [
        (100.0, "2x1", 3, 25.0)
    ]
    assert found["rows"][0]["added_ms"]["p95"] == 100.0


def test_a_rate_needs_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--rate", "20", "--images", "300", "--windows", "50,200", "--layouts", "2x2", "--json")
    code, out, _ = simulate(capsys, *arguments)
    rows = json.loads(out)["rows"]
    assert code == 0
    assert [row["images"] for row in rows] == [300, 300]
    assert rows[0]["saved_percent"] < rows[1]["saved_percent"] < 75.0
    assert simulate(capsys, *arguments)[1] == out, "the same seed gives the same figures"


def test_a_log_may_come_through_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("2\n1\n"))
    code, out, _ = simulate(capsys, "-", "--sort", "--windows", "2000", "--layouts", "2x1", "--json")
    assert code == 0
    assert json.loads(out)["rows"][0]["inferences"] == 1


def test_of_many_bad_lines_ten_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.log"
    path.write_bytes(b"1\n" + b"\xff\xfe\n" * 13)
    code, _, err = simulate(capsys, str(path), "--windows", "50", "--layouts", "2x1")
    assert code == 0
    assert len(err.splitlines()) == 11
    assert err.splitlines()[-1] == "tessera simulate: 3 more lines skipped"


REFUSED = {
    "neither log nor rate": ([], "say either a log or --rate"),
    "both": (["LOG", "--rate", "3"], "say either a log or --rate"),
    "no such file": (["nowhere.log"], "No such file or directory"),
    "out of order": (["LOG"], "line 2 is earlier than line 1; --sort puts the log in order"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_arrivals_that_cannot_be_used_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], said: str
) -> None:
    path = tmp_path / "arrivals.log"
    path.write_text("2\n1\n", encoding="utf-8")
    code, out, err = simulate(capsys, *(str(path) if word == "LOG" else word for word in arguments))
    assert (code, out) == (2, "")
    assert said in err


OPTIONS = {
    "a word for a number": (["--rate", "fast"], "'fast' is no number"),
    "no rate at all": (["--rate", "0"], "must be above 0"),
    "half an image": (["--rate", "1", "--images", "1.5"], "must be a whole number from 1"),
    "a window before its time": (["--windows", "50,-1"], "must not be negative"),
    "a window of minutes": (["--windows", "90000"], "at most 60000 ms"),
    "no layout": (["--layouts", "2x1,six"], "'six' is not a layout"),
    "a p95 below the p50": (["--provider-ms", "80,40"], "a p95 that is not below it"),
    "three times": (["--provider-ms", "80,90,100"], "a p95 that is not below it"),
}


@pytest.mark.parametrize(("arguments", "said"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_that_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["simulate", *arguments])
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_the_provider_s_time_is_drawn_around_its_quantiles() -> None:
    draw = ProviderTime(0.08, 0.2).draw(seed=1)
    cuts = quantiles((draw() for _ in range(20_000)), n=20)
    assert cuts[9] == pytest.approx(0.08, rel=0.03)
    assert cuts[18] == pytest.approx(0.2, rel=0.05)
    assert {round(ProviderTime(0.08, 0.08).draw(seed)(), 9) for seed in range(3)} == {0.08}
