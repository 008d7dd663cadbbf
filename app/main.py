"""The composition root: reads the settings, builds every part, passes them to each other, runs them, takes them down.

Nobody imports this module but the command line. The order of going down is the order of `_go_down`.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from app import __version__, allocator
from app.assembly import Parts, assemble
from app.core.calibration import CalibrationError
from app.core.clients import ClientsError
from app.detectors.contract import UnusableModel
from app.embedded import EmulatorFailed
from app.errors import Problem
from app.log import configure, get_logger
from app.server.front import FrontDoor
from app.server.grpc import GrpcRules, GrpcServer
from app.server.http import build_app
from app.server.operators import Operators
from app.server.running import Server, ServerRules, build_server, connections_that_fit, listen
from app.server.tls import Certificate
from app.server.tongues import Tongues
from app.settings import Settings

# Longest that a request which is still being sent may hold us up, seconds: an image takes as long over a slow line, and nothing
# has been paid for it yet.
READING_S = 5.0
# Kept of the time for finishing: saying so to whoever is still inside, giving back what is under way, seconds.
LAST_WORDS_S = 1.0

log = get_logger(__name__)


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    configure(settings.log_format, settings.log_level)
    allocator.settle()
    try:
        uvloop.run(_serve(settings))
    except ClientsError as error:
        log.error("cannot start", reason=f"{settings.clients}: {error}")
        return 1
    except (OSError, EmulatorFailed, UnusableModel, CalibrationError) as error:
        log.error("cannot start", reason=str(error))
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        certificate = _certificate(settings)
        most = connections_that_fit(settings.max_connections)
        listener = listen(settings.host, settings.port, settings.client_timeout_s)
        stack.callback(listener.close)
        parts = await assemble(settings, stack)
        door = FrontDoor(parts.desk, settings.client_timeout_s) if parts.desk is not None else None
        probes = parts.vitals.probes()
        operators = Operators(settings.ops_token)
        tongues = Tongues(parts.native, parts.rekognition, parts.azure, parts.google)
        app = build_app(door, tongues, probes, operators, __version__)
        context = certificate.context if certificate else None
        server = build_server(app, ServerRules(most, settings.client_timeout_s, settings.shutdown_s, context), tongues)
        grpc = await _start_grpc(parts, settings, _grpc_rules(settings, most), certificate)
        await _run_parts(parts, Front(server, grpc, listener, certificate), stop, settings)


def _certificate(settings: Settings) -> Certificate | None:
    """Of the server itself, where it speaks TLS. Raises OSError."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificate(Path(settings.tls_cert), Path(settings.tls_key))


def _grpc_rules(settings: Settings, most: int) -> GrpcRules:
    """Messages that have not come whole take as much memory as all bodies that have, at most."""
    landing = max(1, settings.max_held_bytes // settings.max_body_bytes)
    return GrpcRules(most, settings.client_timeout_s, drain_s=settings.drain_s, landing=landing)


async def _start_grpc(parts: Parts, settings: Settings, rules: GrpcRules, certificate: Certificate | None) -> GrpcServer | None:
    """The gRPC port, said on a line of its own before the ready line. None in a worker process.

    A port that nobody chose is no reason not to start: another process of ours may have it already.
    """
    if parts.desk is None:
        return None
    is_chosen = "grpc_port" in settings.model_fields_set
    grpc = GrpcServer(parts.desk, parts.google, rules)
    try:
        address = await grpc.start(settings.host, settings.grpc_port if is_chosen or settings.port else 0, certificate)
    except OSError as error:
        if is_chosen:
            raise
        log.warning("no gRPC", reason=str(error), hint="TESSERA_GRPC_PORT chooses another port")
        return None
    sys.stdout.write(f"tessera grpc {address}\n")
    sys.stdout.flush()
    return grpc


@dataclass(frozen=True, slots=True)
class Front:
    """What stands between us and the clients."""

    server: Server
    grpc: GrpcServer | None
    listener: socket.socket
    certificate: Certificate | None

    @property
    def url(self) -> str:
        host, port = self.listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.certificate else 'http'}://{shown}:{port}"


async def _run_parts(parts: Parts, front: Front, stop: asyncio.Event, settings: Settings) -> None:
    """All long-lived tasks, owned here; the first that ends by itself takes the process down."""
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(front.server.serve(sockets=[front.listener]), name="http server")
        following = _followed(front, parts, tasks)
        working = tasks.create_task(parts.worker.run(), name="worker") if parts.worker else None
        stopping = tasks.create_task(stop.wait(), name="stop signal")
        _spare_the_collector()
        parts.vitals.started()
        sys.stdout.write(f"tessera ready {front.url}\n")  # for whoever started us with port 0
        sys.stdout.flush()
        log.info("ready", role=settings.role, provider=settings.provider, url=front.url)
        await asyncio.wait({serving, stopping, *([working] if working else [])}, return_when=asyncio.FIRST_COMPLETED)
        await _go_down(parts, Carriers(front.server, serving, front.grpc), working, settings)
        stopping.cancel()
        if following is not None:
            following.cancel()


def _followed(front: Front, parts: Parts, tasks: asyncio.TaskGroup) -> asyncio.Task[None] | None:
    if front.certificate is None:
        return None
    return tasks.create_task(front.certificate.follow(parts.metrics), name="certificate")


def _spare_the_collector() -> None:
    """What has been built by now stays until the end: without this, each full collection looks at it again, for 50 ms."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True)
class Carriers:
    """Whatever carries requests here: HTTP, and gRPC where it is served."""

    server: Server
    serving: asyncio.Task[None]
    grpc: GrpcServer | None

    async def close(self, grace_s: float) -> None:
        """No new requests; those under way have so long to end."""
        self.server.should_exit = True
        if self.grpc is not None:
            await self.grpc.stop(grace_s)
        await asyncio.wait({self.serving})


async def _go_down(parts: Parts, carriers: Carriers, working: asyncio.Task[None] | None, settings: Settings) -> None:
    """Readiness falls; a while later gathering ends and what has gathered goes out; answers are delivered; then the rest.

    All of it after the drain takes `shutdown_s` at most: what is not done by then is refused, or given back for others.
    """
    parts.vitals.drain()
    carriers.server.part()
    log.info("draining", seconds=settings.drain_s)
    await asyncio.wait({carriers.serving}, timeout=settings.drain_s)
    if parts.pipeline is not None:
        parts.pipeline.drain()
    try:
        await parts.accumulator.drain()
    except Problem as problem:  # then nothing waits there that we could reach
        log.warning("cannot drain the accumulator", reason=problem.detail)
    closing = asyncio.create_task(carriers.close(settings.shutdown_s), name="closing")
    clock = asyncio.get_running_loop()
    if parts.desk is not None:
        clock.call_later(READING_S, parts.desk.end_reading)
    until_s = clock.time() + max(settings.shutdown_s - LAST_WORDS_S, settings.shutdown_s / 2)
    await asyncio.wait({closing}, timeout=until_s - clock.time())
    if parts.desk is not None:
        parts.desk.end()
    await closing
    if parts.worker is not None and working is not None:
        await parts.worker.stop()
        await asyncio.wait({working}, timeout=max(0.0, until_s - clock.time()))
        working.cancel()
        await asyncio.wait({working})
