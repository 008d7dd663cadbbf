"""`tessera serve` as a process with an emulated vendor behind it, for cases that go through sockets; and its memory.

with standing(folder, "rekognition") as stand:
    stand.server.url
    stand.check_alive()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.engine import KIB, require
from tests.fuzz.seeds import image
from tests.support.emulator import running_emulator
from tests.support.http_raw import exchange, request
from tests.support.server import RunningServer, running_server

PROVIDERS = ("rekognition", "google", "azure")
_KEY = "key-of-the-operator"
# Nobody waits for company: what is looked at is what is refused. What the allocator keeps of images that are gone would hide
# what is kept for good, so images are small, and there is one arena: with one for each thread the process takes 60 MiB more,
# and two thousand images instead of a few hundred until that stands still (measured: at 183 MiB, and at 240).
_SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "5",
    "TESSERA_GRID_TEXT": "true",
    "TESSERA_MAX_PIXELS": "1000000",
    "MALLOC_ARENA_MAX": "1",
}


@dataclass(frozen=True, slots=True)
class Stand:
    """A server, and which vendor it pays."""

    server: RunningServer
    provider: str

    def rss_mib(self) -> float:
        """What the server's process holds in memory now."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / KIB

    def check_alive(self) -> None:
        """It runs, answers a good request well, and has nothing to blame itself for."""
        require(self.server.process.poll() is None, "the server has ended")
        reply = exchange(
            self.server.url, request(image(), path="/v1/detect", target=None, headers={"Content-Type": "image/jpeg"})
        )
        require(reply.status == 200, f"a good request is answered with {reply.status}: {reply.body[:300]!r}")
        own = self.server.stats()["requests"]["by_outcome"]["own_error"]
        require(own == 0, f"{own} errors of its own")
        bad = [line for line in self.server.logs() if line["level"] in {"error", "critical"}]
        require(not bad, f"it logs {bad[:2]}")
        log = self.server.log_file.read_text(encoding="utf-8")
        foreign = [line for line in log.splitlines() if not line.startswith("{")]
        require(not foreign, f"lines in its log that are none: {foreign[:2]}")


@contextmanager
def standing(folder: Path, provider: str = "rekognition") -> Iterator[Stand]:
    secret = ["--secret", _KEY] if provider == "azure" else []
    with running_emulator("--no-classical", *secret, vendor=provider) as emulator:
        settings = {
            "TESSERA_PROVIDER": "emulator" if provider == "rekognition" else provider,
            "TESSERA_UPSTREAM_URL": emulator.url,
            **({"TESSERA_UPSTREAM_GRPC": emulator.grpc} if provider == "google" else {}),
            **({"TESSERA_AZURE_KEY": _KEY} if provider == "azure" else {}),
        }
        with running_server(folder / f"server-{provider}.log", **_SETTINGS, **settings) as server:
            yield Stand(server, provider)
