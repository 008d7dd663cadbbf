"""Two proxies in front of one vendor: as they are set up, and with labels by detection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.emulator import RunningEmulator
from tests.support.server import RunningServer, running_server


@dataclass(frozen=True, slots=True)
class TwoProxies:
    """Both, and the vendor."""

    server: RunningServer
    detecting: RunningServer
    emulator: RunningEmulator

    def units(self) -> dict[str, int]:
        """What the vendor has charged for so far."""
        return dict(self.emulator.counters()["inferences"])

    def paid_since(self, before: Mapping[str, int]) -> dict[str, int]:
        return {name: count - before.get(name, 0) for name, count in self.units().items() if count != before.get(name, 0)}


@contextmanager
def two_proxies(folder: Path, emulator: RunningEmulator, settings: Mapping[str, str]) -> Iterator[TwoProxies]:
    """Both started with these settings."""
    with (
        running_server(folder / "log", **settings) as server,
        running_server(folder / "other", **settings, TESSERA_CLASSIFY="detection") as detecting,
    ):
        yield TwoProxies(server, detecting, emulator)
