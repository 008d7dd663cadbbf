"""The share of unsafe images by stream, as this process knows it: asked and told without waiting, kept in step with the store.

In: images as they are decided (`seen`). Out: the estimate that group sizes follow (`estimate`). One object per process, used by
the pipeline and the worker; everything happens on the event loop that both run on.

    seen ----> shown (at once)                     estimate <---- shown
       `-----> owed --one call at a time per stream--> store --its answer and what is owed since--> shown

The store is behind by a round trip, and this process behind the others by REFRESH_S at most. While the store is away, this
process goes by what it has seen itself, and owes it; what is owed for too long counts less, as it would in the store. A call
whose answer was lost is made again, and may then count twice: that makes the estimate no less true, only a little too sure.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from app.accumulator.contract import PrevalenceStore
from app.clock import Clock
from app.core.prevalence import MEMORY_IMAGES, Prevalence
from app.errors import Problem
from app.log import get_logger

# What others have added is read after so long, seconds: at a hundred images a second within a tenth of the estimate's memory.
# After a failure the store is left alone for as long.
REFRESH_S = 1.0
# Longest wait for the first word of the store about a stream, seconds: far above a round trip, far below an image's time.
FIRST_S = 0.2
# Streams that are read anew when somebody looks at their mean: those that were used last.
MOST_REFRESHED = 50
# Streams that are remembered; the one that was used longest ago is forgotten first.
MOST_STREAMS = 10_000
# Beyond so many, what is owed is halved, images: in the store the older half would by now count 1/e and less.
MOST_OWED = 2 * int(MEMORY_IMAGES)
# What is owed when the process ends is tried for so long, seconds: it is an estimate, and nobody's answer.
CLOSE_S = 1.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lot:
    """Images that were decided, as `Prevalence.seen` takes them."""

    images: int = 0
    unsafe: int = 0
    judged: float = 0.0
    alarms: float = 0.0

    @property
    def counts(self) -> tuple[int, int, float, float]:
        return self.images, self.unsafe, self.judged, self.alarms

    def plus(self, more: Lot) -> Lot:
        return Lot(self.images + more.images, self.unsafe + more.unsafe, self.judged + more.judged, self.alarms + more.alarms)

    def halved(self) -> Lot:
        images = self.images // 2
        return Lot(images, min((self.unsafe + 1) // 2, images), self.judged / 2, self.alarms / 2)


@dataclass(slots=True)
class _Stream:
    """`shown`: what the store told last, with everything since. `owed`: what the store has not been told."""

    name: str
    shown: Prevalence = field(default_factory=Prevalence)
    owed: Lot = Lot()
    told_s: float | None = None  # when the store answered last
    told: asyncio.Event = field(default_factory=asyncio.Event)  # once it has answered, or failed
    busy: bool = False

    def owe(self, lot: Lot) -> None:
        self.owed = self.owed.plus(lot)
        while self.owed.images > MOST_OWED:
            self.owed = self.owed.halved()

    def take(self) -> Lot:
        owed, self.owed = self.owed, Lot()
        return owed


class Estimates(Protocol):
    """What the front half and the worker use of the share of unsafe images, by stream (`Lane.stream`)."""

    def estimate(self, stream: str) -> float:
        """The share as far as it is known, 0 to 1; at once."""
        ...

    async def known(self, stream: str) -> Prevalence:
        """All that is known; waits a moment for what other processes know of a stream that is new here."""
        ...

    def seen(self, stream: str, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> None:
        """So many more images were decided, see `Prevalence.seen`; at once."""
        ...


class Prevalences:
    """Implements `Estimates`: none of it raises, and only `known` waits. Called on a running event loop; `close` ends the calls
    under way.
    """

    def __init__(self, store: PrevalenceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed_s: float | None = None  # since when the store is away
        self._quiet_until_s = float("-inf")
        self._closing = False

    def estimate(self, stream: str) -> float:
        """The share of unsafe images as far as it is known, 0 to 1; the prior's where nothing is."""
        known = self._get(stream)
        self._refresh(known)
        return known.shown.estimate

    async def known(self, stream: str) -> Prevalence:
        """All that is known, after a moment for what others know where this process knows nothing yet: FIRST_S at most."""
        self.estimate(stream)
        known = self._get(stream)
        if known.told_s is None and known.busy:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_S):
                    await known.told.wait()
        return known.shown

    def seen(self, stream: str, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> None:
        """So many images of the stream were decided, see `Prevalence.seen`."""
        if images < 1:
            return
        lot = Lot(images, min(max(0, unsafe), images), judged, min(max(0.0, alarms), judged))
        known = self._get(stream)
        known.shown = known.shown.seen(*lot.counts)
        known.owe(lot)
        self._sync(known)

    def mean(self) -> float | None:
        """Mean of the estimates, by the images behind them; None where no image was seen. Whoever has had nothing to do for a
        while knows what the others have learned by the next time that he is asked.
        """
        for known in list(self._streams.values())[-MOST_REFRESHED:]:
            self._refresh(known)
        shown = [known.shown for known in self._streams.values()]
        images = sum(one.images for one in shown)
        return sum(one.images * one.estimate for one in shown) / images if images > 0 else None

    async def close(self) -> None:
        """Deliver what is owed, as far as that is possible in CLOSE_S. Nothing reaches the store afterwards."""
        self._quiet_until_s = float("-inf")
        for known in self._streams.values():
            if known.owed.images:
                self._sync(known)
        self._closing = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=CLOSE_S)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _get(self, stream: str) -> _Stream:
        known = self._streams.get(stream)
        if known is None:
            known = self._streams[stream] = _Stream(stream)
        self._streams.move_to_end(stream)
        if len(self._streams) > MOST_STREAMS:
            self._streams.popitem(last=False)
        return known

    def _refresh(self, known: _Stream) -> None:
        if known.told_s is None or self._clock.now_s() - known.told_s > REFRESH_S:
            self._sync(known)

    def _sync(self, known: _Stream) -> None:
        """Begin to tell and to ask the store, unless that is under way, or the store has just failed."""
        if known.busy or self._closing or self._clock.now_s() < self._quiet_until_s:
            return
        known.busy = True
        task = asyncio.create_task(self._synced(known), name=f"prevalence {known.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _synced(self, known: _Stream) -> None:
        """One call, and further ones as long as something new is owed."""
        try:
            await self._exchange(known)
            while known.owed.images:
                await self._exchange(known)
        except Problem as problem:
            self._failed(problem.detail)
        except Exception:
            log.error("prevalence failed", exc_info=True)
            self._failed("a mistake of ours")
        else:
            self._succeeded()
        finally:
            known.busy = False
            known.told.set()

    async def _exchange(self, known: _Stream) -> None:
        lot = known.take()
        try:
            found = await (self._store.seen(known.name, *lot.counts) if lot.images else self._store.read(known.name))
        except BaseException:
            known.owe(lot)
            raise
        known.shown = found.seen(*known.owed.counts)
        known.told_s = self._clock.now_s()

    def _failed(self, reason: str) -> None:
        now_s = self._clock.now_s()
        self._quiet_until_s = now_s + REFRESH_S
        if self._failed_s is None:
            self._failed_s = now_s
            log.warning("prevalence is not shared: the store is away", reason=reason)

    def _succeeded(self) -> None:
        if self._failed_s is not None:
            log.info("prevalence is shared again", after_s=round(self._clock.now_s() - self._failed_s, 1))
            self._failed_s = None
