"""Running the HTTP server inside an event loop that somebody else owns (signals and the end of life are `app.main`'s)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from app.server.heads import LimitedHeads

# Longer than the idle time-out of the usual load balancers (60 s), so that it is never us who close a connection that
# the balancer is just about to use again.
KEEP_ALIVE_S = 75
BACKLOG = 2048


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: SIGTERM means draining first here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def build_server(app: FastAPI, *, shutdown_s: float) -> Server:
    config = uvicorn.Config(
        app,
        loop="none",
        http=LimitedHeads,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(shutdown_s)),
        backlog=BACKLOG,
    )
    return Server(config)
