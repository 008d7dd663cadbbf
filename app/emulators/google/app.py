"""The emulated Google Cloud Vision as an ASGI application, with a gRPC server that lives as long as it does.

/v1/...            the service over REST, see `app.emulators.google.rest`
/_emulator/*       control, see `app.emulators.control`
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from app.detectors.contract import Detector
from app.emulators.attending import Attendant
from app.emulators.buckets import Buckets
from app.emulators.control import control_routes
from app.emulators.counters import Counters
from app.emulators.google.grpc_server import GrpcServer
from app.emulators.google.rest import Rest
from app.emulators.google.service import Service
from app.emulators.looking import Viewer
from app.emulators.options import EmulatorOptions
from app.emulators.record import Recorder
from app.emulators.script import Script, behaviour_of


def build_app(eyes: Detector, options: EmulatorOptions, *, faces: Detector | None = None) -> Starlette:
    """The service that looks through `eyes`, and through `faces` (default: the same) for everything about faces.

    Its gRPC server listens from the beginning of its lifespan to the end, and says where in a line of its own. OSError where
    that port is taken.
    """
    _check_port(options.host, options.grpc_port)
    pool = ThreadPoolExecutor(options.pool_size, thread_name_prefix="emulator eyes")
    counters, script = Counters(), Script(behaviour_of(options), options.seed)
    service = Service(
        viewer=Viewer(eyes, eyes if faces is None else faces, script),
        attendant=Attendant(counters, script, pool),
        buckets=Buckets(options.buckets),
        recorder=None if options.record is None else Recorder(options.record),
        secret=options.secret,
    )
    server = GrpcServer(service, options.host, options.grpc_port)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with server.listening() as address:
            app.state.grpc_address = address
            sys.stdout.write(f"emulator grpc {address}\n")
            sys.stdout.flush()
            yield
        pool.shutdown(wait=False, cancel_futures=True)

    return Starlette(routes=[*control_routes(counters, script), *Rest(service).routes()], lifespan=lifespan)


def _check_port(host: str, port: int) -> None:
    """Whether the port is free, asked early: once the application starts, its failure would come with a long trace."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
