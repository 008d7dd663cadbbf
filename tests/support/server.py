"""`tessera serve` as processes of their own, for tests: started with settings from the environment, ended by signals.

with running_server(TESSERA_UPSTREAM_URL=emulator.url) as server:
    client = server.client()
    ...
    assert server.stats()["inferences"]["paid"] == 1
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REPOSITORY = Path(__file__).parents[2]
READY, GRPC = b"tessera ready ", b"tessera grpc "
START_S = 60.0  # imports, and the embedded emulator's, on a machine that is busy with other tests
STOP_S = 40.0  # longer than TESSERA_SHUTDOWN_S
CALL_S = 60.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A child process, its addresses (no gRPC from a worker), and the file that its log goes to."""

    url: str
    process: subprocess.Popen[bytes] = field(repr=False)
    log_file: Path
    grpc: str = ""

    def stats(self) -> dict[str, Any]:
        """`/v1/stats`."""
        status, value = self.probe("/v1/stats")
        assert status == 200
        return value

    def ready(self) -> tuple[int, str]:
        """Status code and word of `/readyz`."""
        status, value = self.probe("/readyz")
        return status, value["status"]

    def probe(self, path: str) -> tuple[int, dict[str, Any]]:
        """GET a path that answers JSON."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=CALL_S) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def logs(self) -> list[dict[str, Any]]:
        """All log lines so far."""
        return [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines() if line.startswith("{")]

    def client(
        self,
        service: str = "rekognition",
        *,
        access_key: str = "CLIENTKEY",
        attempts: int = 1,
        read_s: float = CALL_S,
    ) -> Any:
        """A real boto3 client; nothing changed but the address (and how often it tries by itself, and for how long)."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key="any-secret",
            config=Config(retries={"total_max_attempts": attempts}, read_timeout=read_s, max_pool_connections=64),
        )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and wait; the exit code. Killed when it does not end."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """The exit code of a process that has been told to end. Killed when it does not."""
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def kill(self) -> None:
        """As by a power cut."""
        self.process.kill()
        self.wait()


@contextmanager
def running_server(log_file: Path, *arguments: str, **settings: str) -> Iterator[RunningServer]:
    """Start `tessera serve` on a free port; it is gone when the block ends."""
    server = start_server(log_file, *arguments, release=REPOSITORY, **settings)
    try:
        yield server
    finally:
        server.stop()


def start_server(log_file: Path, *arguments: str, release: Path = REPOSITORY, **settings: str) -> RunningServer:
    """The same without an end; the caller stops it. `release`: where the code is that runs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TESSERA_", "AWS_"))}
    environment |= {"PYTHONUNBUFFERED": "1", **settings}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0", *arguments]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=release, env=environment)
    try:
        url, grpc = _announced(process)
    except BaseException:
        RunningServer("", process, log_file).stop()
        raise AssertionError(f"tessera serve did not start:\n{log_file.read_text(encoding='utf-8')[-3000:]}") from None
    return RunningServer(url, process, log_file, grpc)


def _announced(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """The addresses on its ready line and on its gRPC line; the pipe is watched, so a process that ends is noticed at once."""
    pipe = process.stdout
    assert pipe is not None
    deadline_s = time.monotonic() + START_S
    said = b""
    while READY not in said or not said.endswith(b"\n"):
        readable, _, _ = select.select([pipe], [], [], max(0.0, deadline_s - time.monotonic()))
        assert readable, "no ready line in time"
        chunk = os.read(pipe.fileno(), 4096)
        assert chunk, "it ended before it was ready"
        said += chunk
    lines = said.splitlines()
    assert all(line.startswith((READY, GRPC)) for line in lines), said
    grpc = next((line[len(GRPC) :].decode() for line in lines if line.startswith(GRPC)), "")
    return next(line[len(READY) :].strip().decode() for line in lines if line.startswith(READY)), grpc
