"""A real Redis server for the tests: a process of its own on a loopback port, without persistence, that can be mistreated.

`RedisServer.start` returns when it answers; `freeze` stops it like a machine that hangs, `restart_empty` like one that was
replaced. The binary is found by `find_binary`; where there is none the tests are skipped, and fail in CI.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.programs import find_program

# A server answers within a tenth of a second; a busy machine may need longer, seconds.
START_LIMIT_S = 15.0
PORTS_TO_TRY = 3
# How long one try to connect, and the pause before the next, may take, seconds.
TRY_S = 0.02


def find_binary() -> Path | None:
    """The one that TESSERA_TEST_REDIS_SERVER names, or the machine's own, or the one that `make test` has fetched."""
    named = os.environ.get("TESSERA_TEST_REDIS_SERVER")
    return Path(named) if named else find_program("redis-server")


def require_binary() -> Path:
    """The binary, or the end of the test: skipped at home, failed in CI."""
    binary = find_binary()
    if binary is not None:
        return binary
    reason = "no redis-server: run make test, install one, or set TESSERA_TEST_REDIS_SERVER"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class RedisServer:
    """One server process; `url` stays the same over restarts."""

    def __init__(self, binary: Path, *options: str) -> None:
        self._binary = binary
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="tessera-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.socket_path = Path(self._folder.name) / "redis.sock"

    @classmethod
    def start(cls, *options: str) -> RedisServer:
        """A running server; `options` as on its command line. A port that somebody else took meanwhile is exchanged."""
        binary = require_binary()
        for left in reversed(range(PORTS_TO_TRY)):
            server = cls(binary, *options)
            try:
                server.launch()
            except RuntimeError:
                if not left:
                    raise
            else:
                break
        return server

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket_path}"

    def launch(self) -> None:
        """Start the process, and wait until it answers."""
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket_path)]
        arguments += ["--save", "", "--appendonly", "no", "--dir", self._folder.name, "--maxmemory-policy", "noeviction"]
        log = Path(self._folder.name) / "redis.log"
        self._process = subprocess.Popen([str(self._binary), *arguments, "--logfile", str(log), *self._options])
        limit_s = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > limit_s:
                told = log.read_text() if log.exists() else "no log"
                self.stop()
                raise RuntimeError(f"redis-server did not start: {told}")

    def freeze(self) -> None:
        """Connections stay open, nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Gone at once, as by a power cut."""
        process = self._running()
        process.kill()
        process.wait()
        self.socket_path.unlink(missing_ok=True)

    def restart_empty(self) -> None:
        """Killed and started anew on the same port, with nothing in it."""
        self.kill()
        self.launch()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        self._folder.cleanup()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process

    def _answers(self) -> bool:
        """Asked at its own socket, so that no other server on a port that was just freed can answer for it."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1.0)
                connection.connect(str(self.socket_path))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return _wait_a_moment()


def _wait_a_moment() -> bool:
    """Nothing announces a port that begins to listen: this is the one place that has to ask again."""
    idle, other = socket.socketpair()
    with idle, other:
        idle.settimeout(TRY_S)
        try:
            idle.recv(1)
        except TimeoutError:
            return False
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
