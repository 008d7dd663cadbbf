"""One paid question about all images of a sheet together, as group tests ask it. Called by `work.moderate`, and by whoever
measures how much such a question misses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.clock import Clock
from app.core.model import Answer, Bill, Failure, Inquiry, Job, Outcome
from app.core.moderation import is_undecided, loosest_threshold
from app.errors import Kind, Problem
from app.imaging.compose import Sheet, SpoiledSheet
from app.providers.calling import Asked, AskFailed, Caller, PaidKind, Permit
from app.providers.contract import Reading
from app.work.alone import ask_alone
from app.work.groups import Deliver, Group
from app.work.sheets import Composed, SheetMaker


async def ask_group(
    caller: Caller,
    sheet: Sheet,
    jobs: Sequence[Job],
    *,
    threshold_unit: float,
    time_left_s: float,
    permit: Permit | None = None,
) -> Asked:
    """Pay for one inference of the sheet of these jobs, all of one lane, at this threshold. Raises AskFailed, LeaseLost."""
    lane = jobs[0].lane
    inquiry = Inquiry(lane.feature, parameters=lane.parameters, min_score_unit=threshold_unit)
    return await caller.ask(
        sheet.data, inquiry, kind=PaidKind.GROUP_TEST, time_left_s=time_left_s, permit=permit, task=lane.task
    )


def is_unsure(reading: Reading, jobs: Sequence[Job]) -> bool:
    """Whether nothing can be concluded from it about a group of these."""
    if reading.broken or reading.truncated:
        return True
    return any(is_undecided(reading.detections, job.inquiry) for job in jobs)


@dataclass(frozen=True, slots=True)
class GroupQuestions:
    """Asks each group once, as a whole: every image's answer is that of its sheet. An image by itself goes as a client's own.

    For measuring: nothing is halved, and nobody is cleared by it.
    """

    caller: Caller
    sheets: SheetMaker
    clock: Clock

    async def answer(self, group: Group, deliver: Deliver) -> None:
        """Deliver exactly one outcome for each item of the group."""
        jobs = [item.job for item in group.items]
        if len(jobs) == 1:
            await deliver([await self._alone(jobs[0], group)])
            return
        try:
            composed = await self.sheets.compose(jobs)
        except SpoiledSheet as spoiled:
            result = Failure(Kind.IMAGE_REFUSED, f"cannot be decoded: {', '.join(spoiled.failures)}")
            await deliver([Outcome(job.id, result, group.bills[job.id]) for job in jobs])
        except Problem as problem:
            await deliver([Outcome(job.id, Failure.of(problem), group.bills[job.id]) for job in jobs])
        else:
            await self._ask(group, composed, deliver)

    async def _alone(self, job: Job, group: Group) -> Outcome:
        left_s = group.time_left_s(self.clock.now_s())
        bill = group.bills[job.id]
        return await ask_alone(job, bill, self.caller, self.sheets.capabilities, self.sheets.pixels, time_left_s=left_s)

    async def _ask(self, group: Group, composed: Composed, deliver: Deliver) -> None:
        jobs, layout = [item.job for item in group.items], composed.sheet.plan.layout
        left_s = group.time_left_s(self.clock.now_s())
        try:
            asked = await ask_group(
                self.caller,
                composed.sheet,
                jobs,
                threshold_unit=loosest_threshold([job.inquiry for job in jobs], 0.0),
                time_left_s=left_s,
            )
        except AskFailed as failed:
            bills = group.charged(failed.paid, layout=layout, compose_s=composed.compose_s, provider_s=failed.provider_s)
            await deliver(_alike(jobs, Failure.of(failed.problem), bills))
            return
        bills = group.charged(asked.paid, layout=layout, compose_s=composed.compose_s, provider_s=asked.provider_s)
        reading = asked.reading
        if is_unsure(reading, jobs):  # a group test would ask each alone
            result: Answer | Failure = Failure(Kind.PROVIDER_GARBLED, "Parts of the provider's answer cannot be understood")
        else:
            result = Answer(reading.detections)
        await deliver(_alike(jobs, result, bills))


def _alike(jobs: Sequence[Job], result: Answer | Failure, bills: dict[str, Bill]) -> list[Outcome]:
    return [Outcome(job.id, result, bills[job.id]) for job in jobs]
