"""The moderate task: group testing (paper, appendix A). A batch of jobs in, one outcome per job out. Called by the worker.

    batch --groups of the best sizes--> one paid inference each --> nobody suspected: all cleared
                                                |                `- somebody: halved and asked again (`core.group_testing`)
                                                |- refused or failed twice: the halves by themselves, nothing is concluded
                                                |- an answer that cannot be read whole: each image alone
                                                `- failed for good: the vendor's error; the pipeline sends alone what it can
    a single image: the client's own bytes and words; what the vendor says is what the client gets

No image is cleared but by a whole answer to a group that it was part of. Rounds take time: before each question the images
that could not afford another round and an answer alone after it are asked alone, now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.clock import Clock
from app.core.group_cost import partition
from app.core.group_testing import Question, Step, answered, apart, begin, failed, given_up, hurried
from app.core.model import ALONE, Answer, Bill, Failure, Job, Layout, Outcome, Tree
from app.core.moderation import Margins, speaks_against
from app.errors import Kind, Problem
from app.imaging.compose import SpoiledSheet
from app.providers.calling import Asked, AskFailed, Caller
from app.work.alone import ask_alone
from app.work.group_question import ask_group, is_unsure
from app.work.groups import TRIPPED_OVER, Deliver, Group, side_by_side
from app.work.sheets import Composed, SheetMaker

# What a round takes beside the provider's time, seconds: composing a sheet on a busy machine, reading its answer.
ROUND_MARGIN_S = 0.5


class Estimates(Protocol):
    """The share of unsafe images, by stream (`Lane.stream`)."""

    async def known(self, stream: str) -> float:
        """The estimate, 0 to 1; waits a moment for what other processes know of a stream that is new here."""
        ...

    def seen(self, stream: str, images: int, unsafe: int) -> None:
        """So many more images were decided."""
        ...


class GroupLedger(Protocol):
    """What is counted about group tests; the metrics module implements it."""

    def group_tested(self, images: int, result: str) -> None:
        """One group was asked about: `clean`, `flagged`, `unsure` or `failed`."""
        ...

    def moderated(self, verdict: str, rounds: int) -> None:
        """One image of a group test got its answer: `cleared` with a group, or `single`; after so many questions in a row."""
        ...


@dataclass(frozen=True, slots=True)
class ModerateWork:
    """Answers groups of jobs with as few paid inferences as their content allows. `largest`: most images in a group."""

    caller: Caller
    sheets: SheetMaker
    estimates: Estimates
    margins: Margins
    largest: int
    ledger: GroupLedger
    clock: Clock

    async def answer(self, group: Group, deliver: Deliver) -> None:
        """Deliver exactly one outcome for each item of the group. Raises only LeaseLost, and what `deliver` raises."""
        prevalence = await self.estimates.known(group.lane.stream)
        sizes = partition(len(group.items), prevalence, min(self.largest, group.lane.capacity))
        await self._begin(group, sizes, deliver)

    async def answer_each_alone(self, group: Group, deliver: Deliver) -> None:
        """The same without any group: for batches that have failed their workers before."""
        await self._begin(group, [1] * len(group.items), deliver)

    async def _begin(self, group: Group, sizes: Sequence[int], deliver: Deliver) -> None:
        first = begin([item.job.id for item in group.items], sizes)
        tests = [_Test(self, group, question, deliver) for question in first.ask]
        await side_by_side([test.run() for test in tests], f"group tests {group.sheet_id}")


class _Test:
    """One group from its first question to its last answer."""

    def __init__(self, work: ModerateWork, group: Group, first: Question, deliver: Deliver) -> None:
        self._work = work
        self._group = group
        self._first = first
        self._deliver = deliver
        self._items = {item.job.id: item for item in group.items if item.job.id in first.ids}
        self._bills = {job_id: group.bills[job_id] for job_id in first.ids}
        self._layout: Layout | None = None  # of the first sheet
        self._sheets = 0
        self._was_flagged = False
        self._decided = 0
        self._unsafe = 0

    async def run(self) -> None:
        await self._ask(self._first)
        if self._decided:
            # A flagged group in which no single image was: somebody is below his client's threshold and above the group's,
            # and will flag the next group as well.
            unsafe = max(self._unsafe, int(self._was_flagged))
            self._work.estimates.seen(self._group.lane.stream, self._decided, min(unsafe, self._decided))

    async def _ask(self, question: Question) -> None:
        pressed = self._pressed(question)
        if pressed:
            await self._follow(hurried(question, pressed))
        elif question.is_group:
            await self._follow(await self._ask_group(question))
        else:
            await self._follow(await self._ask_single(question))

    async def _follow(self, step: Step) -> None:
        if step.ask:
            await side_by_side([self._ask(question) for question in step.ask], f"round of {self._group.sheet_id}")

    def _pressed(self, question: Question) -> set[str]:
        """Those who could be answered alone now, and could not after another round."""
        enough_s = 2 * self._round_s()
        waiting = (*(question.ids if question.is_group else ()), *question.sibling)
        return {job_id for job_id in waiting if self._left_s([job_id]) < enough_s}

    async def _ask_group(self, question: Question) -> Step:
        jobs = self._jobs(question)
        try:
            composed = await self._work.sheets.compose(jobs)
        except SpoiledSheet as spoiled:  # the vendor judges those, alone
            return hurried(question, set(spoiled.failures))
        except Problem:  # the sheet as a whole could not be made: fewer images will fit
            return failed(question)
        margin = self._work.margins.of(len(jobs))
        try:
            asked = await self._pay(question, composed, margin)
        except AskFailed as failure:
            self._charge(question, composed, failure.paid, failure.provider_s)
            self._work.ledger.group_tested(len(jobs), "failed")
            return await self._group_failed(question, failure)
        self._charge(question, composed, asked.paid, asked.provider_s, asked.attempt_s)
        return await self._group_answered(question, asked, margin)

    async def _pay(self, question: Question, composed: Composed, margin: float) -> Asked:
        """Ask about the sheet, in a time that leaves each of its images enough to be asked alone."""
        jobs, plan = self._jobs(question), composed.sheet.plan
        self._layout = self._layout or plan.layout
        self._work.sheets.ledger.sheet(str(plan.layout), self._bills[jobs[0].id].release.value, len(jobs))
        return await ask_group(
            self._work.caller,
            composed.sheet,
            jobs,
            margin=margin,
            time_left_s=self._left_s(question.ids) - self._round_s(),
            permit=self._group.permit,
        )

    async def _group_answered(self, question: Question, asked: Asked, margin: float) -> Step:
        reading = asked.reading
        if is_unsure(reading):
            self._work.ledger.group_tested(len(question.ids), "unsure")
            return apart(question)
        suspects = {job.id for job in self._jobs(question) if speaks_against(reading.detections, job.inquiry, margin)}
        self._was_flagged |= bool(suspects) and question.round == 1
        self._work.ledger.group_tested(len(question.ids), "flagged" if suspects else "clean")
        step = answered(question, suspects)
        await self._clear(step.cleared, reading.extra, question.round)
        return step

    async def _group_failed(self, question: Question, failure: AskFailed) -> Step:
        """What one image may have caused is halved. Otherwise all get the error: those for whom it is too early for that are
        sent alone by the pipeline.
        """
        kind = failure.problem.kind
        if kind is Kind.IMAGE_REFUSED or (kind in TRIPPED_OVER and self._left_s(question.ids) > self._round_s()):
            return failed(question)
        result = Failure.of(failure.problem)
        await self._deliver([Outcome(job_id, result, self._bills[job_id]) for job_id in question.ids])
        return given_up(question)

    async def _clear(self, job_ids: Sequence[str], extra: Mapping[str, Tree], rounds: int) -> None:
        if not job_ids:
            return
        self._decided += len(job_ids)
        for _ in job_ids:
            self._work.ledger.moderated("cleared", rounds)
        answer = Answer((), extra=extra)
        await self._deliver([Outcome(job_id, answer, self._bills[job_id]) for job_id in job_ids])

    async def _ask_single(self, question: Question) -> Step:
        (job_id,) = question.ids
        outcome = await self._alone(self._items[job_id].job, self._bills[job_id])
        await self._deliver([outcome])
        if isinstance(outcome.result, Failure):
            return given_up(question)
        is_unsafe = speaks_against(outcome.result.detections, self._items[job_id].job.inquiry)
        self._decided += 1
        self._unsafe += is_unsafe
        self._work.ledger.moderated("single", question.round)
        return answered(question, question.ids if is_unsafe else ())

    async def _alone(self, job: Job, bill: Bill) -> Outcome:
        sheets = self._work.sheets
        if not bill.sheet_id:  # it comes straight from the accumulator, not from a group
            sheets.ledger.sheet(str(ALONE), bill.release.value, 1)
            bill = replace(bill, sheet_id=self._group.sheet_id)
        outcome = await ask_alone(
            job,
            bill,
            self._work.caller,
            sheets.capabilities,
            sheets.pixels,
            time_left_s=self._left_s([job.id]),
            permit=self._group.permit,
        )
        return replace(outcome, bill=replace(outcome.bill, layout=self._layout or ALONE))

    def _charge(self, question: Question, composed: Composed, paid: int, provider_s: float, attempt_s: float = 0.0) -> None:
        """Split evenly over those who were asked about. The layout stays that of the first sheet."""
        self._sheets += 1
        part = replace(self._group, items=tuple(self._items[job_id] for job_id in question.ids), bills=self._bills)
        part = replace(part, sheet_id=f"{self._group.sheet_id}.{self._sheets}")
        self._bills |= part.charged(
            paid,
            layout=self._layout or composed.sheet.plan.layout,
            compose_s=composed.compose_s,
            provider_s=provider_s,
            attempt_s=attempt_s,
        )

    def _jobs(self, question: Question) -> list[Job]:
        return [self._items[job_id].job for job_id in question.ids]

    def _round_s(self) -> float:
        return self._work.caller.p95_s() + ROUND_MARGIN_S

    def _left_s(self, job_ids: Sequence[str]) -> float:
        """The time that the most pressed of them still has."""
        return min(self._group.deadlines_s[job_id] for job_id in job_ids) - self._work.clock.now_s()
