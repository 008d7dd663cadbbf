"""The scout at work: a tiny local detector looks at an image before anything is paid, off the event loop.

In: an image as it came. Out: a `Glimpse`, or None where the scout fails, is too busy or too slow: then the image goes into the
fixed layout, and nobody waits. Called by admission (`choosing`) and by calibration, so that both see the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from app.clock import Clock
from app.core.geometry import Size
from app.core.model import Picture
from app.core.scouting import Glimpse
from app.detectors.contract import Detector, Sighting
from app.errors import Problem
from app.imaging.decode import decode
from app.log import get_logger

# Twice the input of the usual tiny detectors: enough for their own reduction, and JPEG decodes it at a fraction of the cost.
LOOK_SIDE_PX = 640
# Longest wait for a look, seconds: some six looks of a tiny detector on a busy core, far below a vendor's answer.
PATIENCE_S = 0.15
# Looks that wait or run, per thread: more could not be done within the patience.
MOST_WAITING = 6

log = get_logger(__name__)


class ScoutLedger(Protocol):
    """What is counted about looks; the metrics module implements it. Outcomes: looked, busy, late, failed."""

    def scouted(self, outcome: str, seconds: float) -> None: ...


class Scout:
    """Threads of its own: onnxruntime lets go of the interpreter lock while it computes."""

    def __init__(self, detector: Detector, ledger: ScoutLedger, clock: Clock, *, threads: int) -> None:
        self._detector = detector
        self._ledger = ledger
        self._clock = clock
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scout")
        self._waiting = 0

    async def look(self, image: bytes, picture: Picture, *, patience_s: float = PATIENCE_S) -> Glimpse | None:
        """What it sees, or None where that is not to be had in time."""
        started_s = self._clock.now_s()
        if self._waiting >= MOST_WAITING * self._threads:
            self._ledger.scouted("busy", 0.0)
            return None
        self._waiting += 1
        looking = asyncio.get_running_loop().run_in_executor(self._pool, look, self._detector, image, picture)
        looking.add_done_callback(self._done)
        outcome, glimpse = "looked", None
        try:
            glimpse = await asyncio.wait_for(looking, patience_s)
        except TimeoutError:
            outcome = "late"
        except Exception as error:  # a model can fail in many ways, and none of them is the client's affair
            outcome = "failed"
            if not isinstance(error, Problem):  # an image that does not decode: the vendor will say so
                log.warning("the scout failed", error=repr(error))
        self._ledger.scouted(outcome, self._clock.now_s() - started_s)
        return glimpse

    def _done(self, looking: asyncio.Future[Glimpse]) -> None:
        self._waiting -= 1
        if not looking.cancelled():
            looking.exception()  # it was asked for above, or nobody waits any more

    def close(self) -> None:
        """Wait for nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def look(detector: Detector, image: bytes, picture: Picture) -> Glimpse:
    """The look itself. Raises Problem for an image that does not decode, and whatever the detector raises."""
    upright = picture.upright
    scale = min(1.0, LOOK_SIDE_PX / upright.longest_px)
    size = Size(max(1, round(upright.width_px * scale)), max(1, round(upright.height_px * scale)))
    pixels = np.asarray(decode(image, picture, size))
    return _glimpse(upright, size, detector.look(pixels))


def _glimpse(upright: Size, seen_at: Size, found: Sequence[Sighting]) -> Glimpse:
    ordered = sorted(found, key=lambda sighting: -sighting.score_unit)
    kinds = {label: number for number, label in enumerate(sorted({sighting.label for sighting in ordered}))}
    frame = np.array([seen_at.width_px, seen_at.height_px] * 2, float)
    boxes = np.array([sighting.box_xyxy_px for sighting in ordered], float).reshape(-1, 4) / frame
    scores = np.array([sighting.score_unit for sighting in ordered], float)
    return Glimpse(upright, np.clip(boxes, 0.0, 1.0), scores, np.array([kinds[found.label] for found in ordered], np.int64))
