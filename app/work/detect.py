"""The detect task: a batch of jobs in, one outcome per job out. Called by the worker, and by whoever measures accuracy.

    group of items --plan--> compose --> one paid inference --> demultiplex --> outcomes
                     |          |               |
                     |          |               |- refused, failed twice, or cut off by a result cap: halve, ask again
                     |          |               |- findings without (sound) geometry: whose are they? ask each alone
                     |          |               `- failed for good: the vendor's error, for those whose time is up
                     |          `- images that do not decode go alone (the vendor judges them), the rest goes on
                     `- a single item is sent as the client's own bytes

Every leaf of that tree delivers its own outcomes as soon as it has them: a bad neighbour costs nobody else a second wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.clock import Clock
from app.core.demux import Demultiplexed, demultiplex
from app.core.inquiry import loosest
from app.core.layout import GridPlan
from app.core.model import ALONE, Answer, Bill, Failure, Item, Outcome
from app.errors import Kind, Problem
from app.imaging.compose import Sheet, SpoiledSheet
from app.providers.calling import Asked, AskFailed, Caller, PaidKind
from app.work.alone import ask_alone
from app.work.groups import DELIVERY_MARGIN_S, TRIPPED_OVER, Deliver, Group, side_by_side
from app.work.sheets import SheetMaker


class BoxLedger(Protocol):
    """What is counted about boxes; the metrics module implements it."""

    def boxes(self, *, kept: int = 0, seam: int = 0, gutter: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class DetectWork:
    """Answers groups of jobs with as few paid inferences as their images allow."""

    caller: Caller
    sheets: SheetMaker
    ledger: BoxLedger
    clock: Clock

    async def answer(self, group: Group, deliver: Deliver) -> None:
        """Deliver exactly one outcome for each item of the group. Raises only LeaseLost, and what `deliver` raises."""
        if len(group.items) == 1:
            await self._answer_alone(group, deliver)
            return
        try:
            composed = await self.sheets.compose([item.job for item in group.items])
        except SpoiledSheet as spoiled:
            await self._apart(group, set(spoiled.failures), deliver)
            return
        except Problem:  # the sheet as a whole could not be made (too many bytes at any quality): fewer images will fit
            await self._halve(group, deliver, dict(group.bills))
            return
        await self._ask_sheet(group, composed.sheet, composed.compose_s, deliver)

    async def answer_each_alone(self, group: Group, deliver: Deliver) -> None:
        """The same without any grid: for batches that have failed their workers before, and unattributable findings."""
        await self._fan_out([group.part((item,), f".{n}") for n, item in enumerate(group.items)], deliver)

    async def _ask_sheet(self, group: Group, sheet: Sheet, compose_s: float, deliver: Deliver) -> None:
        inquiry = loosest([item.job.inquiry for item in group.items])
        release = group.bills[group.items[0].job.id].release
        self.sheets.ledger.sheet(str(sheet.plan.layout), release.value, len(group.items))
        time_left_s = group.time_left_s(self.clock.now_s())
        try:
            asked = await self.caller.ask(
                sheet.data,
                inquiry,
                kind=PaidKind.GRID,
                time_left_s=time_left_s,
                permit=group.permit,
                task=group.lane.task,
            )
        except AskFailed as failed:
            bills = group.charged(failed.paid, layout=sheet.plan.layout, compose_s=compose_s, provider_s=failed.provider_s)
            await self._sheet_failed(group, failed, bills, deliver)
            return
        bills = group.charged(
            asked.paid,
            layout=sheet.plan.layout,
            compose_s=compose_s,
            provider_s=asked.provider_s,
            attempt_s=asked.attempt_s,
        )
        await self._sheet_answered(group, sheet.plan, asked, bills, deliver)

    async def _sheet_answered(
        self, group: Group, plan: GridPlan, asked: Asked, bills: Mapping[str, Bill], deliver: Deliver
    ) -> None:
        if asked.reading.truncated:
            await self._halve(group, deliver, bills)
            return
        split = demultiplex(plan, asked.reading.detections)
        if split.unplaced or asked.reading.broken:
            await self.answer_each_alone(group.part(group.items, "", bills), deliver)
            return
        self.ledger.boxes(kept=split.kept, seam=split.seam, gutter=split.gutter)
        await deliver(_outcomes(group, split, asked, bills))

    async def _sheet_failed(self, group: Group, failed: AskFailed, bills: Mapping[str, Bill], deliver: Deliver) -> None:
        """What one bad image may have caused is halved; otherwise those whose time is up get the error, the rest asks again."""
        if self._may_be_one_image_s_fault(group, failed.problem.kind):
            await self._halve(group, deliver, bills)
            return
        now_s = self.clock.now_s()
        fresh = [item for item in group.items if failed.problem.kind.retryable and self._has_more_time(group, item, now_s)]
        over = [item for item in group.items if item not in fresh]
        result = Failure.of(failed.problem)
        await deliver([Outcome(item.job.id, result, bills[item.job.id]) for item in over])
        if fresh:
            await self.answer(group.part(fresh, "+", bills), deliver)

    def _may_be_one_image_s_fault(self, group: Group, kind: Kind) -> bool:
        """A refused image always is. A failing vendor is asked about the parts only while there is time for an answer."""
        return kind is Kind.IMAGE_REFUSED or (kind in TRIPPED_OVER and group.time_left_s(self.clock.now_s()) > 0)

    def _has_more_time(self, group: Group, item: Item, now_s: float) -> bool:
        """Whether this item had more time than the one that its sheet's attempts ended for."""
        pressed_s = min(group.deadlines_s.values())
        return group.deadlines_s[item.job.id] - pressed_s > DELIVERY_MARGIN_S and group.deadlines_s[item.job.id] > now_s

    async def _halve(self, group: Group, deliver: Deliver, bills: Mapping[str, Bill]) -> None:
        middle = (len(group.items) + 1) // 2
        halves = [group.part(group.items[:middle], "a", bills), group.part(group.items[middle:], "b", bills)]
        await self._fan_out(halves, deliver)

    async def _apart(self, group: Group, job_ids: set[str], deliver: Deliver) -> None:
        """The named jobs alone, the others together."""
        parts = [group.part((item,), f".{n}") for n, item in enumerate(group.items) if item.job.id in job_ids]
        rest = [item for item in group.items if item.job.id not in job_ids]
        await self._fan_out([*parts, group.part(rest, "r")] if rest else parts, deliver)

    async def _fan_out(self, parts: Sequence[Group], deliver: Deliver) -> None:
        await side_by_side([self.answer(part, deliver) for part in parts], f"parts of sheet {parts[0].sheet_id}")

    async def _answer_alone(self, group: Group, deliver: Deliver) -> None:
        item = group.items[0]
        bill = group.bills[item.job.id]
        time_left_s = group.time_left_s(self.clock.now_s())
        if not bill.sheet_id:  # it comes straight from the accumulator, not from a sheet that was taken apart
            self.sheets.ledger.sheet(str(ALONE), bill.release.value, 1)
            bill = replace(bill, sheet_id=group.sheet_id)
        outcome = await ask_alone(
            item.job,
            bill,
            self.caller,
            self.sheets.capabilities,
            self.sheets.pixels,
            time_left_s=time_left_s,
            permit=group.permit,
        )
        await deliver([outcome])


def _outcomes(group: Group, split: Demultiplexed, asked: Asked, bills: Mapping[str, Bill]) -> tuple[Outcome, ...]:
    """One outcome per item, matched by id: a missing id would be a KeyError, never somebody else's boxes."""
    job_ids = [item.job.id for item in group.items]
    return tuple(Outcome(job_id, Answer(split.by_job[job_id], extra=asked.reading.extra), bills[job_id]) for job_id in job_ids)
