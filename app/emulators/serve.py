"""Runs an emulator as a process of its own, until SIGTERM, Ctrl-C or (if asked) the end of standard input.

Prints one line once it listens: `emulator ready http://HOST:PORT`. Called by the command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.detectors.contract import Detector
from app.detectors.threads import one_core_per_image
from app.emulators.eyes import open_eyes
from app.emulators.options import EmulatorOptions
from app.emulators.sending import AWAY_EXTENSION, HANG_UP_EXTENSION

KEEP_ALIVE_S = 75
"""Longer than a pause between a client's calls usually is: a server that closes first breaks the call that is on its way."""
GRACE_S = 2
"""How long answers that are under way may take when the emulator is told to end."""


class Build(Protocol):
    """What every vendor's package offers as `build_app`."""

    def __call__(self, eyes: Detector, options: EmulatorOptions, *, faces: Detector | None = None) -> Starlette:
        """The service that looks through `eyes`, and through `faces` (default: the same) for everything about faces."""
        ...


def run(vendor: str, options: EmulatorOptions) -> None:
    """Serve until told to end. What keeps it from starting (a port that is taken, a model that is none) ends the process."""
    one_core_per_image()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # 10,000 x 10,000 is within the limits, and broken EXIF is no news
    try:
        eyes = open_eyes(options)
        app = _build(vendor)(eyes.objects, options, faces=eyes.faces)
        listener = _listening_socket(options.host, options.port)
    except (OSError, ValueError) as error:
        raise SystemExit(f"emulator: {error}") from error
    config = _Config(
        app,
        log_level="warning",
        access_log=False,
        http=DroppableProtocol,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    with listener:
        _Server(config, options.watch_stdin).run(sockets=[listener])


def _build(vendor: str) -> Build:
    """Imported when it is asked for: one vendor's libraries take a second to load, and are of no use to the others."""
    build: Build = importlib.import_module(f"app.emulators.{vendor}").build_app
    return build


class _Config(uvicorn.Config):
    """`extensions`: what the server offers to the application with every request."""

    extensions: Mapping[str, dict[object, object]] = MappingProxyType({})


class DroppableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a way for the application to end the connection."""

    config: _Config

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP_EXTENSION: {"call": self.transport.close}, **self.config.extensions}


class _Server(uvicorn.Server):
    """Announces itself, and ends with exit code 0 on a signal (uvicorn would raise the signal once more)."""

    def __init__(self, config: _Config, watch_stdin: bool) -> None:
        super().__init__(config)
        self._watch_stdin = watch_stdin
        self._away: asyncio.Task[None] | None = None
        config.extensions = {AWAY_EXTENSION: {"call": self._go_away}}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        if self._watch_stdin:
            _when_stdin_closes(lambda: loop.call_soon_threadsafe(self._end))
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            sys.stdout.write(f"emulator ready http://{f'[{host}]' if ':' in host else host}:{port}\n")
            sys.stdout.flush()

    def _end(self) -> None:
        self.should_exit = True

    def _go_away(self, seconds: float) -> None:
        if self._away is None or self._away.done():
            self._away = asyncio.create_task(self._be_away(seconds), name="away")

    async def _be_away(self, seconds: float) -> None:
        """As a host whose service is down: the port is closed, who is connected is cut off. Then it listens as before."""
        await asyncio.sleep(0)  # the answer to who asked for it
        addresses = [listener.getsockname()[:2] for server in self.servers for listener in server.sockets]
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await asyncio.sleep(seconds)
        listeners = [_listening_socket(host, port) for host, port in addresses]
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(self._protocol, sock=listener) for listener in listeners]

    def _protocol(self) -> asyncio.Protocol:
        return DroppableProtocol(self.config, self.server_state, self.lifespan.state)


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _when_stdin_closes(tell: Callable[[], object]) -> None:
    """Reads in a thread: standard input may be a pipe, a terminal or a file, and not every loop can watch each of them."""
    descriptor = sys.stdin.fileno()

    def wait() -> None:
        # os.read and not sys.stdin: a daemon thread inside a buffered reader would block the interpreter's end.
        while os.read(descriptor, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            tell()

    threading.Thread(target=wait, name="watch stdin", daemon=True).start()
