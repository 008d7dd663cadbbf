"""Tessera as several processes, for tests: API processes and workers with a Redis between them and an emulator behind.

with running_cluster(tmp_path, api=2, workers=2, settings={"TESSERA_MAX_WAIT_MS": "100"}) as cluster:
    client = cluster.apis[0].client()
    ...
    assert cluster.paid() == cluster.emulator.paid()
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType

from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.redis_server import RedisServer
from tests.support.server import REPOSITORY, RunningServer, start_server

# Between two looks of a probe: a change that is not announced is noticed so soon, seconds.
LOOK_AGAIN_S = 0.02
# Within this a probe must have seen what it looks for, seconds: many times what it takes on a machine with nothing else to do.
PROBE_S = 30.0


@dataclass(slots=True)
class Cluster:
    """The processes. Tests may stop some and start others, of another `release` if they set that."""

    folder: Path
    emulator: RunningEmulator
    redis: RedisServer
    settings: dict[str, str]
    own: Callable[[str], Mapping[str, str]] = lambda _: {}
    release: Path = REPOSITORY
    apis: list[RunningServer] = field(default_factory=list)
    workers: list[RunningServer] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def processes(self) -> list[RunningServer]:
        return [*self.apis, *self.workers]

    @property
    def alive(self) -> list[RunningServer]:
        return [server for server in self.processes if is_alive(server)]

    def paid(self) -> int:
        """Inferences that the living processes count as paid."""
        return sum(int(server.stats()["inferences"]["paid"]) for server in self.alive)

    def answered(self) -> int:
        """Images that the living processes count as answered."""
        return sum(int(server.stats()["images"]["answered"]) for server in self.alive)

    def bypassed(self) -> dict[str, int]:
        """Images that went alone, by reason, over the living API processes."""
        total: dict[str, int] = {}
        for server in self.alive:
            for reason, images in server.stats()["bypass"].items():
                total[reason] = total.get(reason, 0) + int(images)
        return total

    def start(self, *roles: str) -> None:
        """One more process of each role, side by side."""
        with ThreadPoolExecutor(len(roles) or 1) as pool:
            logs = [self.folder / f"{role}-{next(self._numbers)}.log" for role in roles]
            starts = [
                pool.submit(start_server, log, "--role", role, release=self.release, **self.settings, **self.own(log.stem))
                for log, role in zip(logs, roles, strict=True)
            ]
            for role, started in zip(roles, starts, strict=True):
                (self.apis if role == "api" else self.workers).append(started.result())

    def replace_dead(self) -> None:
        """For each process that has ended, another one of its role."""
        dead = ["api" for server in self.apis if not is_alive(server)] + ["worker" for w in self.workers if not is_alive(w)]
        self.apis = [server for server in self.apis if is_alive(server)]
        self.workers = [server for server in self.workers if is_alive(server)]
        self.start(*dead)

    def stop(self) -> None:
        """All of them, side by side."""
        with ThreadPoolExecutor(len(self.processes) or 1) as pool:
            list(pool.map(RunningServer.stop, self.processes))


@contextmanager
def running_cluster(
    folder: Path,
    *,
    api: int = 1,
    workers: int = 1,
    emulator: Sequence[str] = (),
    redis_is_up: bool = True,
    redis_password: str = "any",
    settings: Mapping[str, str] = MappingProxyType({}),
    own: Callable[[str], Mapping[str, str]] = lambda _: {},
) -> Iterator[Cluster]:
    """`emulator`: its options. `redis_is_up`: false for a Redis that is not there yet; `launch` it later.

    `redis_password` goes into its address; the server takes any. `own`: further variables of one process, by its name.
    """
    with ExitStack() as stack:
        redis = RedisServer.start()
        stack.callback(redis.stop)
        if not redis_is_up:
            redis.kill()
        upstream = stack.enter_context(running_emulator("--no-classical", *emulator))
        redis_url = redis.url.replace("redis://", f"redis://default:{redis_password}@")
        known = {"TESSERA_REDIS_URL": redis_url, "TESSERA_UPSTREAM_URL": upstream.url, **settings}
        cluster = Cluster(folder, upstream, redis, known, own)
        stack.callback(cluster.stop)
        cluster.start(*["api"] * api, *["worker"] * workers)
        yield cluster


def is_alive(server: RunningServer) -> bool:
    return server.process.poll() is None


def until(what: str, look: Callable[[], bool], limit_s: float = PROBE_S) -> None:
    """Look again and again until it is so; an AssertionError that names `what` when it does not come to be."""
    pause = threading.Event()
    end_s = time.monotonic() + limit_s
    while not look():
        assert time.monotonic() < end_s, f"not within {limit_s:g} s: {what}"
        pause.wait(LOOK_AGAIN_S)
