"""A real Prometheus server for tests: the machine's own or Debian's binary in .tools, on a free loopback port.

In: a configuration as a mapping, and a folder of the test's own. Out: a running server that can be asked PromQL; it ends with
its `async with` block. Waiting is asking its API again until a deadline: there is nothing that would announce a scrape.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.programs import find_program

# Between two questions to the API, seconds; scrapes come every quarter of a second.
ASK_AGAIN_S = 0.1
# Start-up takes well under a second; the machine may be busy with other tests.
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
# Nobody can be told to listen on "any free port" and say which, so a port is chosen here and may be lost to somebody else.
PORT_ATTEMPTS = 5


class PrometheusError(Exception):
    """The server ended before it was ready; the message holds its log."""


class Prometheus:
    """A running server."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, path: str, **parameters: str) -> Any:
        """GET of the HTTP API; returns `data`."""
        answer = await self._client.get(f"/api/v1/{path}", params=parameters)
        body = answer.json()
        assert body["status"] == "success", f"{path} {parameters}: {body}"
        return body["data"]

    async def values(self, expression: str) -> list[float]:
        """The present value of each series that the expression has; NaN where there is none."""
        data = await self.ask("query", query=expression)
        assert data["resultType"] == "vector", f"{expression}: {data['resultType']}"
        return [float(series["value"][1]) for series in data["result"]]

    async def has_finite_value(self, expression: str) -> bool:
        return any(math.isfinite(value) for value in await self.values(expression))


@asynccontextmanager
async def running_prometheus(config: Mapping[str, Any], folder: Path) -> AsyncIterator[Prometheus]:
    """Start a server with this configuration and stop it at the end of the block."""
    config_file = folder / "prometheus.yml"
    config_file.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
    process, port = await _start(config_file, folder)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=START_TIMEOUT_S) as client:
            yield Prometheus(client)
    finally:
        await _stop(process)


async def _start(config_file: Path, folder: Path) -> tuple[asyncio.subprocess.Process, int]:
    binary = find_program("prometheus")
    assert binary is not None, "the marker `prometheus` skips tests where there is none"
    log = folder / "prometheus.log"
    for _ in range(PORT_ATTEMPTS):
        port = _free_port()
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                str(binary),
                f"--config.file={config_file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                stdout=output,
                stderr=output,
            )
        try:
            if await _is_ready(process, port):
                return process, port
        except BaseException:
            await _stop(process)
            raise
        if "address already in use" not in log.read_text(errors="replace"):
            break
    raise PrometheusError(log.read_text(errors="replace"))


async def _is_ready(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until it serves queries; False when it ended instead."""
    async with asyncio.timeout(START_TIMEOUT_S), httpx.AsyncClient(trust_env=False) as client:
        while process.returncode is None:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/-/ready")).is_success:
                    return True
            except httpx.TransportError:  # not listening yet
                pass
            await asyncio.sleep(ASK_AGAIN_S)
    return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
