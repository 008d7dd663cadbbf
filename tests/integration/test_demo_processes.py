"""The demo's children: they announce themselves, are stopped with it, and when one fails its own words are shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from app.demo.processes import Child, ChildError, Command

READY = "print('emulator ready http://127.0.0.1:4711', flush=True)"
UNTIL_STDIN_CLOSES = "import sys; sys.stdin.read(); print('good night', flush=True)"
DEAF = "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); threading.Event().wait()"
SHORT_S = 0.3  # for waits that the test wants to run out


def command(folder: Path, *statements: str) -> Command:
    return Command(
        "the child", [sys.executable, "-c", "\n".join(statements)], {"GREETING": "hello"}, folder / "logs" / "child.log"
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_in(log: Path) -> int:
    return int(next(line for line in log.read_text().splitlines() if line.startswith("pid ")).split()[1])


SAY_PID = "import os; print('pid', os.getpid(), os.environ['GREETING'], flush=True)"


def test_a_child_announces_its_address_and_ends_with_the_context(tmp_path: Path) -> None:
    wanted = command(tmp_path, SAY_PID, READY, UNTIL_STDIN_CLOSES)
    with Child(wanted) as child:
        assert child.url == "http://127.0.0.1:4711"
        child.check()
        pid = pid_in(wanted.log)
        assert alive(pid)
    assert not alive(pid)
    assert f"pid {pid} hello" in wanted.log.read_text()


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    wanted = command(tmp_path, SAY_PID, READY, DEAF)
    with Child(wanted, stop_wait_s=SHORT_S):
        pid = pid_in(wanted.log)
    assert not alive(pid)


def test_a_child_that_fails_at_once_is_reported_with_its_own_words(tmp_path: Path) -> None:
    with (
        pytest.raises(ChildError, match=r"(?s)the child ended before it was ready.*port is taken"),
        Child(command(tmp_path, "raise SystemExit('port is taken')")),
    ):
        raise AssertionError("never ready")


def test_a_child_that_never_gets_ready_is_stopped(tmp_path: Path) -> None:
    wanted = command(tmp_path, SAY_PID, UNTIL_STDIN_CLOSES)
    with pytest.raises(ChildError, match="was not ready after"), Child(wanted, ready_wait_s=3.0):
        raise AssertionError("never ready")
    assert not alive(pid_in(wanted.log))


def test_a_child_that_ends_early_is_noticed(tmp_path: Path) -> None:
    with Child(command(tmp_path, READY, "raise SystemExit('out of memory')")) as child:
        child.stop()
        with pytest.raises(ChildError, match=r"(?s)ended before its time.*out of memory"):
            child.check()


def test_an_error_inside_the_context_stops_the_child_too(tmp_path: Path) -> None:
    wanted = command(tmp_path, SAY_PID, READY, UNTIL_STDIN_CLOSES)
    with pytest.raises(KeyboardInterrupt), Child(wanted):
        raise KeyboardInterrupt
    assert not alive(pid_in(wanted.log))
