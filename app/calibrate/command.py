"""`tessera calibrate`: which task is measured, and what the command ends with.

Exit codes: 0 done, 1 stopped early (what was paid is kept, the same command goes on), 2 unusable options, data or settings.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from app.calibrate.classify import classify
from app.calibrate.detect import detect
from app.calibrate.moderate import moderate
from app.calibrate.session import Refused
from app.calibration.dataset import DatasetError
from app.calibration.extras import ExtraMissing
from app.calibration.measuring import Stopped
from app.core.model import Task
from app.embedded import EmulatorFailed
from app.settings import Settings

TASKS: Mapping[Task, Callable[[argparse.Namespace, Settings], Awaitable[None]]] = MappingProxyType(
    {Task.DETECT: detect, Task.CLASSIFY: classify, Task.MODERATE: moderate}
)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the calibration; prints as it goes."""
    try:
        asyncio.run(_measured(options, settings))
    except (DatasetError, ExtraMissing, EmulatorFailed, Refused, OSError, ValueError) as error:
        sys.stderr.write(f"tessera: {error}\n")
        return 2
    except Stopped as stopped:
        sys.stderr.write(f"stopped: {stopped}\n")
        return 1
    except KeyboardInterrupt:  # before anything was asked
        return 1
    return 0


async def _measured(options: argparse.Namespace, settings: Settings) -> None:
    await TASKS[Task(options.task)](options, settings)
