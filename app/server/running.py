"""Running the HTTP server inside an event loop that somebody else owns (signals and the end of life are `app.main`'s)."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from app.log import get_logger
from app.server.connections import Guard, GuardedConnection
from app.server.crowd import SPARE, Crowd
from app.server.heads import KEEP_ALIVE_S
from app.server.tongues import Tongues

BACKLOG = 2048
MS_PER_S = 1000
# Longest for the TLS handshake of a connection, seconds: until then nobody but the system counts it.
HANDSHAKE_S = 10.0
# File descriptors for everything but clients (vendors, Redis, links, files), where there are so many; half of them otherwise.
OTHER_FILES = 512
# Fewer connections than this are no service.
LEAST = 16
# HTTP and gRPC.
FRONTS = 2

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServerRules:
    """`most`: connections that are served at once. `client_timeout_s`: longest for a head, and until an answer is read."""

    most: int
    client_timeout_s: float
    shutdown_s: float
    tls: ssl.SSLContext | None = None


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers (SIGTERM means draining first here), and with guarded connections."""

    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def part(self) -> None:
        """From now on an answer is the last one on its connection: its client comes back over whoever is ready."""
        last = (b"connection", b"close")
        self.config.encoded_headers.append(last)  # from uvicorn's next tick, within a second
        self.server_state.default_headers = [*self.server_state.default_headers, last]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on the sockets."""
        config, loop = self.config, asyncio.get_running_loop()

        def connect() -> asyncio.Protocol:
            return GuardedConnection(self._guard, config=config, server_state=self.server_state, app_state={}, _loop=loop)

        limit_s = HANDSHAKE_S if config.ssl is not None else None
        self.servers = [
            await loop.create_server(
                connect,
                sock=each,
                backlog=config.backlog,
                ssl=config.ssl,
                ssl_handshake_timeout=limit_s,
                ssl_shutdown_timeout=limit_s,
            )
            for each in sockets or []
        ]
        self.started = True


def listen(host: str, port: int, client_timeout_s: float) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError when the address is taken.

    What a client has not taken in time is the system's to forget, too: once we have closed, only it holds the answer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(client_timeout_s * MS_PER_S))
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def connections_that_fit(wanted: int) -> int:
    """As many connections per front as this process may have files for, at most `wanted`; asks for what is missing first."""
    needed = FRONTS * (wanted + SPARE) + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    most = min(wanted, max(LEAST, (soft - min(OTHER_FILES, soft // 2)) // FRONTS - SPARE))
    log.warning("fewer connections than wanted", wanted=wanted, most=most, open_files=soft, hint="ulimit -n")
    return most


def build_server(app: FastAPI, rules: ServerRules, tongues: Tongues) -> Server:
    context = rules.tls
    config = uvicorn.Config(
        app,
        loop="none",
        http=GuardedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nobody's word is taken for where he comes from
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(rules.shutdown_s)),
        backlog=BACKLOG,
        ssl_context_factory=(lambda _config, _default: context) if context is not None else None,
    )
    return Server(config, Guard(Crowd(rules.most), rules.client_timeout_s, tongues.full))
