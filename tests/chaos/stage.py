"""The processes of a run, and everything that is done to them: two API processes, two workers, Redis, the emulator.

Each verb does one thing to real processes: signals, a control API, a command to Redis, a file that a process's clock follows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.chaos.balancer import Balancer, Process
from tests.chaos.history import Books, Payment
from tests.chaos.raw import pause
from tests.support.cluster import Cluster, running_cluster, until
from tests.support.server import RunningServer

CLOCK_FOLDER = Path(__file__).parent / "clock"
# So long the emulator holds calls while a worker with a sheet is looked for, seconds.
HOLD_S = 1.5
# A sheet that was claimed so long ago has been composed and sent: the emulator holds the call, seconds.
SENT_S = 0.3
# Less than Redis itself takes: every write is refused.
NO_MEMORY = 1


@dataclass(slots=True)
class Stage:
    """`settings`: what all processes are started with."""

    cluster: Cluster
    balancer: Balancer
    folder: Path
    known: dict[int, Process] = field(default_factory=dict)
    helpers: list[threading.Thread] = field(default_factory=list)
    struck_before: int = 0

    def introduce(self) -> None:
        """Tell the balancer who takes requests now."""
        processes = []
        for server in list(self.cluster.apis):
            pid = server.process.pid
            if pid not in self.known:
                self.known[pid] = Process(server.log_file.stem, server.url, server.grpc)
            if not self.known[pid].was_killed:
                processes.append(self.known[pid])
        self.balancer.know(processes)

    def kill_worker(self) -> str:
        """SIGKILL while the emulator holds its call; what it held is in its log."""
        self.settle()
        self.cluster.emulator.behave(faults=[{"kind": "stall", "seconds": HOLD_S}])
        try:
            worker = self._worker_with_a_sheet()
            worker.process.kill()
        finally:
            self.cluster.emulator.behave(faults=[])
        worker.wait()
        held = sheets_held(worker)
        self._replace()
        return f"it held {len(held)} sheets with {sum(held.values())} images"

    def kill_api(self) -> str:
        """SIGKILL while clients wait for it: they lose their connections."""
        self.settle()
        victim = self.cluster.apis[0]
        self.cluster.emulator.behave(faults=[{"kind": "stall", "seconds": HOLD_S}])
        try:
            until("clients wait for it", lambda: sum(victim.stats()["images"]["pending"].values()) > 0)
            pause(SENT_S)
            self.known[victim.process.pid].was_killed = True
            victim.process.kill()
        finally:
            self.cluster.emulator.behave(faults=[])
        victim.wait()
        self._replace()
        return ""

    def kill_redis(self) -> None:
        self.cluster.redis.kill()

    def restart_redis(self) -> None:
        """Empty: it keeps nothing."""
        self.cluster.redis.launch()

    def set_redis_memory(self, most_bytes: int) -> None:
        """0: as much as it likes."""
        with redis.Redis.from_url(self.cluster.redis.url) as client:
            client.config_set("maxmemory", most_bytes)

    def set_clock(self, process: RunningServer, seconds: float) -> str:
        """Wrong by so much from now on."""
        self.clock_of(process.log_file.stem).write_text(str(seconds))
        return process.log_file.stem

    def clock_of(self, name: str) -> Path:
        return self.folder / f"{name}.clock"

    def misbehave(self, **behaviour: object) -> None:
        """The vendor does so from now on."""
        self.struck_before = self._struck()
        self.cluster.emulator.behave(**behaviour)

    def behave(self) -> str:
        """The vendor is as it should be again, once the fault has struck: one that meets nobody shows nothing."""
        until("a call is struck", lambda: self._struck() > self.struck_before)
        self.cluster.emulator.behave(throttle_share=0.0, faults=[])
        return f"{self._struck() - self.struck_before} calls were struck"

    def _struck(self) -> int:
        counted = self.cluster.emulator.counters()
        return int(sum(counted["struck"].values()) + counted["totals"]["throttled"])

    def payments(self) -> list[Payment]:
        found = self.cluster.emulator.payments()
        return [Payment(float(one["at_s"]), str(one["item"]), frozenset(one["markers"])) for one in found]

    def books(self) -> list[Books]:
        """Of the API processes that are alive."""
        sent = self.balancer.sent()
        return [
            Books(name, sum(int(count) for count in server.stats()["requests"]["by_outcome"].values()), sent[name])
            for server in self.cluster.apis
            for name in [server.log_file.stem]
        ]

    def joined(self) -> dict[str, int]:
        """Requests that another one's inference answered, by how, as the API processes count them that are alive."""
        told = [server.stats()["joined"] for server in self.cluster.apis]
        return {how: sum(int(counts[how]) for counts in told) for how in told[0]}

    def settle(self) -> None:
        """Wait for processes that are being started."""
        while self.helpers:
            self.helpers.pop().join()

    def _replace(self) -> None:
        """As a supervisor does: another process of its role, while everything goes on."""
        helper = threading.Thread(target=self._replaced, name="supervisor")
        self.helpers.append(helper)
        helper.start()

    def _replaced(self) -> None:
        self.cluster.replace_dead()
        self.introduce()

    def _worker_with_a_sheet(self) -> RunningServer:
        """One whose call the emulator holds: it has claimed a sheet since calls are held, and not finished it."""
        before = {worker.process.pid: set(sheets_held(worker)) for worker in self.cluster.workers}
        found: list[RunningServer] = []

        def look() -> bool:
            if self.cluster.emulator.counters()["in_flight"] == 0:
                return False
            found[:] = [worker for worker in self.cluster.workers if set(sheets_held(worker)) - before[worker.process.pid]]
            return bool(found)

        until("a worker holds a sheet", look)
        pause(SENT_S)
        return found[0]


def sheets_held(worker: RunningServer) -> dict[str, int]:
    """Sheets that it has claimed and not finished, and how many images are on each; from its log."""
    held: dict[str, int] = {}
    for line in worker.logs():
        if line["event"] == "sheet claimed":
            held[line["sheet_id"]] = int(line["images"])
        elif line["event"].startswith("sheet "):
            held.pop(line.get("sheet_id", ""), None)
    return held


@contextmanager
def open_stage(folder: Path, settings: Mapping[str, str], emulator: Sequence[str]) -> Iterator[Stage]:
    """All processes, started and ready."""

    def own(name: str) -> Mapping[str, str]:
        clock = folder / f"{name}.clock"
        clock.write_text("0")
        return {"PYTHONPATH": str(CLOCK_FOLDER), "CHAOS_CLOCK": str(clock)}

    with running_cluster(folder, api=2, workers=2, emulator=emulator, settings=settings, own=own) as cluster:
        stage = Stage(cluster, Balancer(), folder)
        stage.introduce()
        try:
            yield stage
        finally:
            stage.settle()  # or a process that is being started would outlive the run
