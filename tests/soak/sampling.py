"""What a run looks like from outside, every few seconds: each process, Redis, the emulator, and the machine.

In: the processes of a cluster. Out: `Samples`, a table of figures by name. Memory, threads and descriptors come from the
kernel; tasks and garbage from the process's own `/metrics`; keys from Redis, by kind. A look takes milliseconds, off the loop.
"""

from __future__ import annotations

import os
import re
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from app.accumulator.keys import OTHER_KEYS, SHARD_KEYS
from tests.bench.crowd import cpu_seconds
from tests.soak.verdict import Series
from tests.support.emulator import RunningEmulator

MIB_PER_KIB = 1 / 1024
MIB = 1024 * 1024
ASK_S = 10.0
# This process: it takes processor time, and keeps figures and pictures, so its memory says nothing.
CLIENTS = "clients"
METRIC = re.compile(r"^(tessera_tasks|python_gc_collections_total\{generation=\"2\"\}) (\S+)$", re.MULTILINE)
NAMES = {"tessera_tasks": "tasks", 'python_gc_collections_total{generation="2"}': "full collections"}
# What may be left in Redis when nobody waits for anything: heartbeats, rates and counters that every lane or shard has once,
# and what tenants have spent. Everything else belongs to a job, and goes with it.
STAYS = frozenset({"workers", "wake", "sequence", "rate", "stay", "prevalence", "pace", "budget", "reserved", "told"})
KNOWN = frozenset(spec.name.partition(":")[0] for spec in (*SHARD_KEYS, *OTHER_KEYS))


@dataclass(frozen=True, slots=True)
class Watched:
    """A process to be looked at; `url` where it tells its own figures."""

    name: str
    pid: int
    url: str = ""


@dataclass(slots=True)
class Samples:
    """Figures by (name, kind) over time; a figure that could not be had once is left out there."""

    units: dict[str, str] = field(default_factory=dict)
    rows: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, at_s: float, name: str, kind: str, value: float, unit: str = "") -> None:
        self.units[kind] = unit
        self.rows.setdefault((name, kind), []).append((at_s, value))

    def series(self, kind: str) -> list[Series]:
        return [
            Series(f"{name} {kind}", kind, self.units[kind], *map(tuple, zip(*row, strict=True)))
            for (name, known), row in self.rows.items()
            if known == kind
        ]


class Sampler:
    """Looks at everything once per `look`."""

    def __init__(self, watched: list[Watched], redis_url: str, redis_pid: int, emulator: RunningEmulator) -> None:
        others = [Watched("emulator", emulator.process.pid), Watched("redis", redis_pid), Watched(CLIENTS, os.getpid())]
        self._watched = [*watched, *others]
        self._emulator = emulator
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=ASK_S)
        self._busy = MachineTime()
        self.samples = Samples()

    def look(self, at_s: float) -> None:
        add = self.samples.add
        for process in self._watched:
            for kind, (value, unit) in of_process(process).items():
                add(at_s, process.name, kind, value, unit)
        info = self._redis.info()
        add(at_s, "redis", "used memory", info["used_memory"] / MIB, "MiB")
        add(at_s, "redis", "clients", info["connected_clients"])
        kinds = self.keys()
        add(at_s, "redis", "keys", sum(kinds.values()))
        for kind in sorted(KNOWN | set(kinds)):
            add(at_s, kind, "keys of a kind", kinds[kind])
        add(at_s, "emulator", "paid", self._emulator.paid())
        add(at_s, "machine", "busy", self._busy.percent(), "%")

    def keys(self) -> Counter[str]:
        """How many keys there are, by what they are for."""
        return Counter(kind_of(name.decode()) for name in self._redis.scan_iter(count=1000))

    def left_over(self) -> dict[str, int]:
        """Keys of jobs; none, where nobody waits any more."""
        return {kind: count for kind, count in self.keys().items() if kind not in STAYS}

    def close(self) -> None:
        self._redis.close()


def kind_of(key: str) -> str:
    """`{tessera-1234:0}:image:5678` -> image."""
    return key.partition("}:")[2].partition(":")[0]


def of_process(process: Watched) -> dict[str, tuple[float, str]]:
    folder = Path(f"/proc/{process.pid}")
    memory = _fields(folder / "smaps_rollup")
    own = memory["Private_Clean"] + memory["Private_Dirty"]
    found = {
        "memory": (memory["Rss"] * MIB_PER_KIB, "MiB"),
        "own memory": (own * MIB_PER_KIB, "MiB"),
        "open files": (float(len(list((folder / "fd").iterdir()))), ""),
        "threads": (_fields(folder / "status")["Threads"], ""),
        "cpu": (cpu_seconds(process.pid), "s"),
    }
    return found | (_told(process.url) if process.url else {})


def _told(url: str) -> dict[str, tuple[float, str]]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=ASK_S) as reply:
        text = reply.read().decode()
    return {NAMES[name]: (float(value), "") for name, value in METRIC.findall(text)}


def _fields(path: Path) -> Mapping[str, float]:
    """The numbers of a file of the kernel's with lines like `Name:   123 kB`."""
    found = re.findall(r"^(\w+):\s+(\d+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: float(value) for name, value in found}


class MachineTime:
    """How busy all cores were since the last look, whoever kept them busy."""

    def __init__(self) -> None:
        self._idle, self._all = self._read()

    def percent(self) -> float:
        idle, everything = self._read()
        idle_s, all_s = idle - self._idle, everything - self._all
        self._idle, self._all = idle, everything
        return 100.0 * (1 - idle_s / all_s) if all_s else 0.0

    @staticmethod
    def _read() -> tuple[float, float]:
        """Idle (waiting for a disk included) and all, in ticks."""
        ticks = [float(word) for word in Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)
