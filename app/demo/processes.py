"""The demo's child processes: the emulated vendor and the proxy, started as a user would start them.

In: what to run. Out: the address that the child announced in its ready line; afterwards its log in a file. A child never
outlives the demo: its stdin is our pipe, and leaving the context stops it. Called by `run`.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

READY_WAIT_S = 40.0  # imports and a model to load, on a machine that is busy with other things
STOP_WAIT_S = 10.0  # the proxy drains; after this it is killed
TAIL_LINES = 20  # of a log, shown when its process failed
READY_LINE = re.compile(r"^(?:emulator|tessera) ready (http://\S+)\s*$")
# Ours are set one by one; the user's own settings, cloud accounts and HTTP proxies have no business in a demo on loopback.
FOREIGN_VARIABLES = re.compile(r"^(TESSERA_|AWS_|(HTTP|HTTPS|ALL|NO)_PROXY$)", re.IGNORECASE)


class ChildError(Exception):
    """A child process did not start, or ended before its time. The message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: its name for people, the program and its arguments, the settings it gets, and where its log goes."""

    name: str
    line: Sequence[str]
    settings: Mapping[str, str]
    log: Path


class Child:
    """A running child process. Use as a context manager: entering starts it and waits until it is ready."""

    def __init__(self, command: Command, *, ready_wait_s: float = READY_WAIT_S, stop_wait_s: float = STOP_WAIT_S) -> None:
        self._command = command
        self._ready_wait_s = ready_wait_s
        self._stop_wait_s = stop_wait_s
        self._ready = threading.Event()
        self._url = ""
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._url

    def __enter__(self) -> Child:
        self._command.log.parent.mkdir(parents=True, exist_ok=True)
        log = self._command.log.open("w", encoding="utf-8", buffering=1)
        self._process = start(self._command, log)
        self._reader = threading.Thread(
            target=self._follow, args=(self._process, log), name=f"log of {self._command.name}", daemon=True
        )
        self._reader.start()
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def check(self) -> None:
        """Raise ChildError if it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise ChildError(self._obituary("ended before its time"))

    def stop(self) -> None:
        """Ask it to end (stdin closes, then SIGTERM), and kill it if it does not."""
        process = self._process
        if process is None:
            return
        if process.stdin:
            with suppress(OSError):  # it may be gone already
                process.stdin.close()
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(self._stop_wait_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader:
            self._reader.join(self._stop_wait_s)

    def _await_ready(self) -> None:
        if not self._ready.wait(self._ready_wait_s):
            raise ChildError(self._obituary(f"was not ready after {self._ready_wait_s:g} s"))
        if not self._url:
            raise ChildError(self._obituary("ended before it was ready"))

    def _follow(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        """Copy its output to its log, watch for the ready line; its end wakes whoever waits, too."""
        with log, process.stdout or nullcontext(()) as lines:
            for line in lines:
                log.write(line)
                ready = READY_LINE.match(line)
                if ready and not self._ready.is_set():
                    self._url = ready.group(1)
                    self._ready.set()
        self._ready.set()

    def _obituary(self, what: str) -> str:
        return f"{self._command.name} {what}. The end of {self._command.log}:\n{tail(self._command.log)}"


def tessera(*arguments: str) -> list[str]:
    """The command line of a `tessera` command, whether or not it is installed."""
    return [sys.executable, "-m", "app.cli", *arguments]


def start(command: Command, log: IO[str]) -> subprocess.Popen[str]:
    """Start it in the folder of its log, so that no `.env` of the user's is picked up."""
    log.write(f"$ {shlex.join(command.line)}\n")
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
        list(command.line),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=command.log.parent,
        env=environment(os.environ, command.settings),
        start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops its children in order
    )


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Inside, SIGTERM ends the demo the way Ctrl-C does: through every `finally`. Only the main thread can arrange that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def environment(base: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """What a child sees: the user's environment without settings that are not the demo's, and this very `app`."""
    kept = {name: value for name, value in base.items() if not FOREIGN_VARIABLES.match(name)}
    source = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (source, kept.get("PYTHONPATH", ""))))
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **settings}


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  | {line}" for line in lines[-TAIL_LINES:]) or "  | (empty)"
