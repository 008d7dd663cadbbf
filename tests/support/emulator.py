"""An emulator as a process of its own, for tests: start it, talk to it, read its counters, end it.

with running_emulator("--poison", "13") as emulator:
    client = emulator.client()
    ...
    assert emulator.counters()["totals"]["inferences"] == 1
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config

REPOSITORY = Path(__file__).parents[2]
START_S = 60.0  # imports of OpenCV and onnxruntime on a machine that is busy with other tests
STOP_S = 10.0
CALL_S = 30.0
ACCESS_KEY, SECRET_KEY = "TESTKEY", "test-secret"


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """A child process and its addresses; `grpc` is empty for vendors that do not speak it.

    `client` is for Rekognition; other vendors' clients are in files of their own (`google_clients`).
    """

    url: str
    process: subprocess.Popen[bytes] = field(repr=False)
    grpc: str = ""

    def counters(self) -> dict[str, Any]:
        return self._ask("counters")

    def paid(self) -> int:
        """Inferences paid so far, all operations together."""
        return int(self.counters()["totals"]["inferences"])

    def reset(self) -> None:
        """Counters to zero, behaviour as it was started."""
        self._ask("reset", {})

    def behave(self, **fields: object) -> dict[str, Any]:
        """Replace parts of the behaviour: latency_ms, jitter_ms, rate_per_s, throttle_share, poison, faults."""
        return self._ask("behaviour", fields)

    def add_fault(self, kind: str, **fields: object) -> dict[str, Any]:
        """One more fault: operation, times or share, seconds."""
        return self._ask("faults", {"kind": kind, **fields})

    def payments(self) -> list[dict[str, Any]]:
        """Each inference paid so far: `at_s` (monotonic), `item`, `markers`."""
        found: list[dict[str, Any]] = self._ask("payments")["payments"]
        return found

    def go_away(self, seconds: float) -> None:
        """Refuse connections for so long, those of this class included."""
        self._ask("away", {"seconds": seconds})

    def client(
        self,
        service: Literal["rekognition", "s3"] = "rekognition",
        *,
        secret: str = SECRET_KEY,
        attempts: int = 1,
        read_s: float = CALL_S,
    ) -> Any:
        """A real boto3 client; nothing changed but the address (and how often it tries by itself)."""
        return boto3.session.Session().client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": attempts}, read_timeout=read_s, max_pool_connections=32),
        )

    def _ask(self, name: str, value: object = None) -> dict[str, Any]:
        data = None if value is None else json.dumps(value).encode()
        with urllib.request.urlopen(f"{self.url}/_emulator/{name}", data=data, timeout=CALL_S) as reply:
            answer: dict[str, Any] = json.load(reply)
        return answer


@contextmanager
def running_emulator(*arguments: str, vendor: str = "rekognition", watch_stdin: bool = True) -> Iterator[RunningEmulator]:
    """Start it on a free port with these options; it is gone when the block ends."""
    watching = ["--watch-stdin"] if watch_stdin else []
    command = [sys.executable, "-m", "app.emulators", vendor, "--port", "0", *watching, *arguments]
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        try:
            said = _announced(process)
            yield RunningEmulator(said["ready"], process, said.get("grpc", ""))
        finally:
            stop(process, watch_stdin=watch_stdin)


def stop(process: subprocess.Popen[bytes], *, watch_stdin: bool = True) -> int:
    """Close its standard input (or, where it does not watch that, ask it to end) and wait; its exit code."""
    if process.stdin and not process.stdin.closed:
        process.stdin.close()
    if not watch_stdin:
        process.terminate()
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def _announced(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """The addresses in its lines, up to the one that says that it is ready. One that says nothing in time is an error."""
    assert process.stdout is not None
    said, until_s = b"", time.monotonic() + START_S
    while b"emulator ready " not in said or not said.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], max(0.0, until_s - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 4096) if readable else b""
        if not piece:
            process.kill()
            raise RuntimeError(f"the emulator did not start (exit code {process.wait()}, said {said!r})")
        said += piece
    lines = [line.split() for line in said.decode().splitlines()]
    assert all(len(words) == 3 and words[0] == "emulator" for words in lines), said
    return {name: address for _, name, address in lines}
