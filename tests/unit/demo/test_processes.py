"""What a child process gets to see of the user's environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.demo.processes import READY_LINE, TAIL_LINES, environment, tail


@pytest.mark.parametrize(
    "name", ["TESSERA_REDIS_URL", "AWS_PROFILE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "https_proxy", "no_proxy"]
)
def test_settings_that_are_not_the_demos_stay_outside(name: str) -> None:
    assert name not in environment({name: "x"}, {})


def test_the_rest_of_the_environment_and_the_demos_own_settings_go_in() -> None:
    found = environment({"PATH": "/bin", "PYTHONPATH": "/elsewhere"}, {"TESSERA_PORT": "0"})
    assert (found["PATH"], found["TESSERA_PORT"]) == ("/bin", "0")
    source, rest = found["PYTHONPATH"].split(os.pathsep)
    assert (Path(source) / "app" / "demo" / "processes.py").is_file()
    assert rest == "/elsewhere"


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("emulator ready http://127.0.0.1:4711\n", "http://127.0.0.1:4711"),
        ("tessera ready http://127.0.0.1:8080\r\n", "http://127.0.0.1:8080"),
        ("somebody ready http://127.0.0.1:1\n", None),
        ("the tessera ready http://127.0.0.1:1\n", None),
    ],
)
def test_only_a_whole_ready_line_counts(line: str, url: str | None) -> None:
    found = READY_LINE.match(line)
    assert (found.group(1) if found else None) == url


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert tail(log) == "  | (empty)"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert tail(log).splitlines() == [f"  | line {number}" for number in range(100 - TAIL_LINES, 100)]
