"""Processes that `bench_proxy` measures beside Tessera, made of the same parts (uvicorn, Starlette, httpx).

forwarder   hands every request on unchanged: what any proxy between client and vendor costs, before it does anything useful
vendor      takes a request whole and answers at once, always the same: a vendor elsewhere takes no CPU of this machine

In: an inherited listening socket, so that nobody waits for a line that says it is ready. Run by `standing_in`, as a process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

REPOSITORY = Path(__file__).parents[2]
BACKLOG = 256  # connections; more than any crowd of the benchmarks
STOP_S = 10.0
# Longer than any pause of a benchmark, seconds: a server that closes first breaks the request that is on its way.
KEEP_ALIVE_S = 75
# Longer than any answer takes in a benchmark, seconds.
FORWARD_S = 60.0
# Headers that belong to one connection; the HTTP library writes its own.
HOP_BY_HOP = frozenset({"host", "connection", "content-length", "transfer-encoding"})

# An answer of the usual length: some labels, each with its ancestors, and boxes in all parts of the picture.
LABELS = ("Car", "Person", "Dog", "Bicycle", "Chair", "Bottle")
PLACES = ((0.1, 0.1), (0.6, 0.1), (0.1, 0.6), (0.6, 0.6))
SIDE = 0.2


@dataclass(frozen=True, slots=True)
class StandIn:
    """A child process and its address."""

    url: str
    pid: int


@contextmanager
def standing_in(kind: str, *arguments: str) -> Iterator[StandIn]:
    """Start one; connections wait until it accepts them. It is gone when the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        number, port = listener.fileno(), listener.getsockname()[1]
        command = [sys.executable, "-m", "tests.bench.stand_ins", kind, "--socket", str(number), *arguments]
        process = subprocess.Popen(command, cwd=REPOSITORY, pass_fds=[number])
    try:
        yield StandIn(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def vendor() -> Starlette:
    box = {"Width": SIDE, "Height": SIDE}
    labels = [
        {
            "Name": name,
            "Confidence": 90.0,
            "Instances": [{"BoundingBox": box | {"Left": x, "Top": y}, "Confidence": 90.0} for x, y in PLACES],
            "Parents": [{"Name": "Thing"}],
            "Aliases": [],
            "Categories": [{"Name": "Everything"}],
        }
        for name in LABELS
    ]
    answer = json.dumps({"Labels": labels, "LabelModelVersion": "3.0"}).encode()

    async def at_once(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/x-amz-json-1.1")

    return Starlette(routes=[Route("/", at_once, methods=["POST"])])


def forwarder(to: str) -> Starlette:
    client = httpx.AsyncClient(base_url=to, timeout=FORWARD_S, trust_env=False)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    async def forward(request: Request) -> Response:
        headers = [(name, value) for name, value in request.headers.items() if name not in HOP_BY_HOP]
        reply = await client.post("/", content=await request.body(), headers=headers)
        kept = {name: value for name, value in reply.headers.items() if name not in HOP_BY_HOP | {"date", "server"}}
        return Response(reply.content, reply.status_code, kept)

    async def healthz(_: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    return Starlette(routes=[Route("/", forward, methods=["POST"]), Route("/healthz", healthz)], lifespan=lifespan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("forwarder", "vendor"))
    parser.add_argument("--socket", type=int, required=True, help="number of the inherited listening socket")
    parser.add_argument("--to", default="", help="where the forwarder hands requests on to")
    options = parser.parse_args()
    app = vendor() if options.kind == "vendor" else forwarder(options.to)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=KEEP_ALIVE_S))
    with socket.socket(fileno=options.socket) as listener, contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
