"""Sends photographs in given tiers through the code that serves, and keeps every answer.

In: sheets (which photographs, how packed, what of each is shown). Out: each photograph's own answer and its share of the bill.
The way is the worker's own: `work.detect` plans, composes, asks, demultiplexes, halves what is refused. Where sheets are asked
about as wholes (`work.group_question`), each photograph's answer is that of its sheet, and `answers_of` tells them apart.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.calibration.dataset import Photo
from app.calibration.store import Measured, Store
from app.clock import Clock
from app.core.geometry import PixelBox
from app.core.mix import Tier
from app.core.model import Answer, Failure, Feature, Inquiry, Item, Job, Lane, Outcome, Release
from app.work.groups import Deliver, Group, open_group
from app.work.sheets import SheetMaker

# Time for one sheet, seconds: nobody waits for it, so a slow vendor is waited for, too.
SHEET_TIME_S = 120.0
# Of a photograph's SHA-256.
DIGEST_DIGITS = 24
# So many sheets in a row without a single answer: the provider is away, and the rest would fail as well.
MOST_FAILURES_IN_A_ROW = 5


class SheetWork(Protocol):
    """What answers a sheet: one outcome for each item of the group."""

    @property
    def sheets(self) -> SheetMaker: ...

    async def answer(self, group: Group, deliver: Deliver) -> None: ...


@dataclass(frozen=True, slots=True)
class PlannedSheet:
    """Photographs that share a sheet, by id; `views`: what of each is shown, for those that are not shown whole."""

    tier: Tier
    photo_ids: tuple[str, ...]
    views: Mapping[str, PixelBox]

    def key(self, provider: str, digests: Mapping[str, str]) -> str:
        """Everything that the answers depend on: who is asked, how it is packed, and the photographs' own bytes."""
        shown = [[name, digests[name], list(self.views[name]) if name in self.views else None] for name in self.photo_ids]
        text = json.dumps([provider, [str(layout) for layout in self.tier.layouts], self.tier.mode, shown])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def digests_of(photos: Iterable[Photo]) -> dict[str, str]:
    """A digest of each photograph's file, by id: another data set may use the same names. Raises OSError."""
    return {photo.id: _digest(photo.path) for photo in photos}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_DIGITS]


class Stopped(Exception):
    """The run ends early; everything paid so far is kept. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Purse:
    """What a run may spend. `dollars`: price of one inference. `elsewhere`: dollars of the same limit that others spent."""

    dollars: float
    limit_dollars: float | None
    elsewhere: Callable[[], float] = lambda: 0.0

    def affords(self, inferences: float) -> bool:
        return self.limit_dollars is None or inferences * self.dollars + self.elsewhere() <= self.limit_dollars + 1e-9


class Measurer:
    """Runs sheets, a few at once. What the store knows is not asked again."""

    def __init__(
        self,
        work: SheetWork,
        store: Store,
        clock: Clock,
        *,
        identity: str,
        digests: Mapping[str, str],
        feature: Feature,
        at_once: int,
        purse: Purse,
        least_unit: float = 0.0,
    ) -> None:
        """`least_unit`: the score from which on findings are asked for."""
        self._work = work
        self._store = store
        self._clock = clock
        self._identity = identity
        self._digests = digests
        self._feature = feature
        self._slots = asyncio.Semaphore(at_once)
        self._purse = purse
        self._least_unit = least_unit
        self._failures = 0
        self._under_way = 0
        self._stopped: Stopped | None = None
        self.paid = 0.0
        self.unanswered: dict[str, str] = {}

    def key(self, sheet: PlannedSheet) -> str:
        """What the store knows this sheet's answers by."""
        asked = self._identity if self._feature is Feature.OBJECTS else f"{self._identity}, {self._feature}"
        return sheet.key(asked, self._digests)

    def answers_of(self, sheet: PlannedSheet) -> Mapping[str, Measured]:
        """What is stored of this sheet; empty where it got no answer."""
        return self._store.get(self.key(sheet)) or {}

    @property
    def paid_dollars(self) -> float:
        """At list price."""
        return self.paid * self._purse.dollars

    def missing(self, sheets: Sequence[PlannedSheet]) -> int:
        """How many of them have still to be asked."""
        return sum(self._store.get(self.key(sheet)) is None for sheet in sheets)

    def stop(self, why: str) -> None:
        """Begin no further sheet: what is under way ends and is kept, then `run` raises Stopped with this reason."""
        self._stopped = self._stopped or Stopped(why)

    async def run(
        self, sheets: Sequence[PlannedSheet], photos: Mapping[str, Photo], progress: Callable[[int], None]
    ) -> dict[str, Measured]:
        """Every photograph's answer, by id; without those that got none. Raises Stopped."""
        answers: dict[str, Measured] = {}
        async with asyncio.TaskGroup() as tasks:
            for number, sheet in enumerate(sheets):
                await self._slots.acquire()
                if self._stopped is not None:
                    self._slots.release()
                    break
                tasks.create_task(self._one(sheet, photos, answers, progress), name=f"sheet {number}")
        if self._stopped is not None:
            raise self._stopped
        return answers

    async def _one(
        self,
        sheet: PlannedSheet,
        photos: Mapping[str, Photo],
        answers: dict[str, Measured],
        progress: Callable[[int], None],
    ) -> None:
        try:
            key = self.key(sheet)
            known = self._store.get(key)
            if known is None:
                known = await self._ask(sheet, photos, key)
            answers.update(known)
            progress(1)
        except Stopped as stopped:
            self._stopped = self._stopped or stopped
        finally:
            self._slots.release()

    async def _ask(self, sheet: PlannedSheet, photos: Mapping[str, Photo], key: str) -> Mapping[str, Measured]:
        if not self._purse.affords(self.paid + self._under_way + 1):
            raise Stopped(f"the limit of ${self._purse.limit_dollars:.2f} is reached; run again with a higher one to go on")
        self._under_way += 1
        try:
            outcomes = await self._outcomes(sheet, photos, key)
        finally:
            self._under_way -= 1
        self.paid += sum(outcome.bill.inferences for outcome in outcomes)
        return self._kept(key, outcomes)

    async def _outcomes(self, sheet: PlannedSheet, photos: Mapping[str, Photo], key: str) -> list[Outcome]:
        items = [self._item(photos[photo_id], sheet, await self._read(photos[photo_id])) for photo_id in sheet.photo_ids]
        outcomes: list[Outcome] = []

        async def deliver(ready: Sequence[Outcome]) -> None:
            outcomes.extend(ready)

        await self._work.answer(open_group(key, items, Release.FULL, self._clock.now_s()), deliver)
        return outcomes

    def _kept(self, key: str, outcomes: Sequence[Outcome]) -> Mapping[str, Measured]:
        """A sheet of which somebody may still get an answer is not kept: it is asked again by the next run."""
        found = {
            outcome.job_id: Measured(outcome.result.detections, outcome.bill.inferences)
            for outcome in outcomes
            if isinstance(outcome.result, Answer)
        }
        for outcome in outcomes:
            if not isinstance(outcome.result, Answer):
                self.unanswered[outcome.job_id] = outcome.result.detail
        if not any(isinstance(outcome.result, Failure) and outcome.result.kind.retryable for outcome in outcomes):
            self._put(key, found)
        self._failures = 0 if found else self._failures + 1
        if self._failures >= MOST_FAILURES_IN_A_ROW:
            why = next(iter(self.unanswered.values()))
            raise Stopped(f"the provider does not answer ({why}); what was paid is kept, run again to go on")
        return found

    def _put(self, key: str, found: Mapping[str, Measured]) -> None:
        try:
            self._store.put(key, found)
        except OSError as error:
            raise Stopped(f"answers cannot be written: {error}; what was written is kept") from error

    async def _read(self, photo: Photo) -> bytes:
        try:
            return await asyncio.to_thread(photo.path.read_bytes)
        except OSError as error:
            raise Stopped(f"{photo.id}: cannot be read any more: {error}") from error

    def _item(self, photo: Photo, sheet: PlannedSheet, image: bytes) -> Item:
        capabilities = self._work.sheets.capabilities
        lane = Lane(
            tenant="calibration",
            provider=capabilities.provider,
            task=self._feature.task,
            feature=self._feature,
            parameters="{}",
            layouts=sheet.tier.layouts,
            mode=sheet.tier.mode,
        )
        inquiry = Inquiry(self._feature, min_score_unit=self._least_unit)
        job = Job(
            id=photo.id,
            request_id=photo.id,
            lane=lane,
            inquiry=inquiry,
            picture=photo.picture,
            image=image,
            max_wait_s=0.0,
            time_left_s=SHEET_TIME_S,
            view=sheet.views.get(photo.id),
        )
        return Item(job, waited_s=0.0, time_left_s=SHEET_TIME_S)
