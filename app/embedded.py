"""The embedded upstream: an emulator in a process of its own, so that `tessera serve` answers without any account.

The child prints one line when it listens, and ends when its standard input closes: it cannot outlive its parent.
"""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass, field

READY_LINE = re.compile(rb"^emulator ready (http://\S+)$")
# Importing OpenCV and loading its cascades takes a second or two on a busy small machine.
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


class EmulatorFailed(Exception):
    """The embedded emulator did not come up."""


@dataclass(slots=True)
class EmbeddedEmulator:
    """A running child and its address."""

    url: str
    process: asyncio.subprocess.Process = field(repr=False)

    async def stop(self) -> None:
        """Close its standard input and wait; kill it if it does not listen."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start_emulator(model: str | None) -> EmbeddedEmulator:
    """Start the Rekognition emulator on a free loopback port. Raises EmulatorFailed."""
    command = [sys.executable, "-m", "app.cli", "emulate", "rekognition", "--port", "0", "--watch-stdin"]
    if model:
        command += ["--model", model]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the proxy alone: it still needs its upstream while it drains
    )
    emulator = EmbeddedEmulator("", process)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            emulator.url = await _ready_url(process)
    except (TimeoutError, EmulatorFailed) as error:
        await emulator.stop()
        raise EmulatorFailed("the embedded emulator did not start; its own output says why") from error
    return emulator


async def _ready_url(process: asyncio.subprocess.Process) -> str:
    stdout = process.stdout
    if stdout is None:
        raise EmulatorFailed("no pipe")
    while line := await stdout.readline():
        if match := READY_LINE.match(line.strip()):
            return match[1].decode()
    raise EmulatorFailed("it ended")
