"""The moderate task: group testing (paper, appendix A). A batch of jobs in, one outcome per job out. Called by the worker.

    batch --groups of the best sizes--> one paid inference each --> nobody suspected: all cleared
                                                |                `- somebody: halved and asked again (`core.group_testing`)
                                                |- refused or failed twice: the halves by themselves, nothing is concluded
                                                |- an answer that cannot be relied on: each image alone
                                                |- no answer in time: those with little left alone, the others again
                                                `- failed for good: the vendor's error
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
from app.core.group_testing import Question, Step, answered, apart, begin, failed, given_up, hurried, released
from app.core.layout import Placement, relative_scale
from app.core.model import ALONE, Answer, Failure, Job, Layout, Outcome, Tree
from app.core.moderation import Margins, counted_unit, crowding, is_clean, is_shown_too_small, is_unsafe, threshold
from app.core.prevalence import Evidence, Prevalence
from app.errors import Kind, Problem
from app.imaging.compose import Sheet, SpoiledSheet
from app.log import get_logger
from app.providers.calling import Asked, AskFailed, Caller
from app.work.alone import ask_alone
from app.work.group_question import ask_group, is_unsure
from app.work.groups import DELIVERY_MARGIN_S, TRIPPED_OVER, Deliver, Group, side_by_side
from app.work.prevalence import Estimates
from app.work.sheets import Composed, SheetMaker

# What a round takes beside the provider's time, seconds: composing a sheet on a busy machine, reading its answer.
ROUND_MARGIN_S = 0.5
# The first try of an image for which others wait ends after so many rounds: what troubles one is not to cost the others theirs.
FIRST_TRY_ROUNDS = 2
# After these a group is asked again, where there is time. After a time-out its images go alone without a limit to a single
# attempt, which the pipeline does; the rest no second try would help.
ASKED_AGAIN = TRIPPED_OVER | {Kind.THROTTLED}

log = get_logger(__name__)


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
        known = await self.estimates.known(group.lane.stream)
        sizes = partition(len(group.items), known.estimate, min(self.largest, group.lane.capacity))
        await self._begin(group, sizes, known, deliver)

    async def answer_each_alone(self, group: Group, deliver: Deliver) -> None:
        """The same without any group: for batches that have failed their workers before."""
        await self._begin(group, [1] * len(group.items), Prevalence(), deliver)

    async def _begin(self, group: Group, sizes: Sequence[int], known: Prevalence, deliver: Deliver) -> None:
        first = begin([item.job.id for item in group.items], sizes)
        names = [""] if len(first.ask) == 1 else [f".{number}" for number in range(1, len(first.ask) + 1)]
        tests = [
            _Test(self, group.part(group.items, name), question, known, deliver)
            for name, question in zip(names, first.ask, strict=True)
        ]
        await side_by_side([test.run() for test in tests], f"group tests {group.sheet_id}")


class _Test:
    """One group from its first question to its last answer."""

    def __init__(self, work: ModerateWork, group: Group, first: Question, known: Prevalence, deliver: Deliver) -> None:
        self._work = work
        self._group = group
        self._first = first
        self._known = known
        self._deliver = deliver
        self._items = {item.job.id: item for item in group.items if item.job.id in first.ids}
        self._bills = {job_id: group.bills[job_id] for job_id in first.ids}
        self._first_layouts: dict[str, Layout] = {}
        self._sheets = 0
        self._seen_unit = 1.0  # the lowest score that spoke against anybody
        self._evidence = Evidence()

    async def run(self) -> None:
        await self._ask(self._first)
        self._work.estimates.seen(self._group.lane.stream, *self._evidence.counts(self._known.alarm_share))

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
        waiting = (*(question.ids if question.is_group else ()), *question.sibling)
        return {job_id for job_id in waiting if self._left_s([job_id]) < 2 * self._round_s()}

    async def _ask_group(self, question: Question) -> Step:
        jobs = self._jobs(question)
        try:
            composed = await self._work.sheets.compose(jobs)
        except SpoiledSheet as spoiled:  # the vendor judges those, alone
            return hurried(question, set(spoiled.failures))
        except Problem:  # the sheet as a whole could not be made: fewer images will fit
            return failed(question)
        bars = {place.job_id: self._bar(place, composed.sheet) for place in composed.sheet.plan.placements}
        unseen = {job_id for job_id, bar in bars.items() if bar is None}
        if unseen:
            return hurried(question, unseen)
        sound = {job_id: bar for job_id, bar in bars.items() if bar is not None}
        try:
            asked = await self._pay(question, composed, min(sound.values()))
        except AskFailed as failure:
            self._charge(question, composed, failure.paid, failure.provider_s)
            self._tested(question, "failed")
            return await self._group_failed(question, failure)
        self._charge(question, composed, asked.paid, asked.provider_s, asked.attempt_s)
        return await self._group_answered(question, asked, sound)

    def _bar(self, place: Placement, sheet: Sheet) -> float | None:
        """Score from which on the sheet's answer speaks against this image; None where it is shown too small for any."""
        images, scale = len(sheet.plan.placements), relative_scale(place, sheet.plan.sheet)
        if is_shown_too_small(images, scale):
            return None
        return threshold(
            self._items[place.job_id].job.inquiry,
            self._work.margins.of(crowding(images, scale)),
            steps=self._work.sheets.capabilities.moderation_steps,
            seen_unit=self._seen_unit,
        )

    async def _pay(self, question: Question, composed: Composed, threshold_unit: float) -> Asked:
        """Ask about the sheet, in a time that leaves each image that depends on it enough to be asked alone."""
        jobs = self._jobs(question)
        self._work.sheets.ledger.sheet(str(composed.sheet.plan.layout), self._bills[jobs[0].id].release.value, len(jobs))
        return await ask_group(
            self._work.caller,
            composed.sheet,
            jobs,
            threshold_unit=threshold_unit,
            time_left_s=self._left_s((*question.ids, *question.sibling)) - self._round_s(),
            permit=self._group.permit,
        )

    async def _group_answered(self, question: Question, asked: Asked, bars: Mapping[str, float]) -> Step:
        reading, jobs = asked.reading, self._jobs(question)
        unsure = is_unsure(reading, jobs)
        against = {job.id: counted_unit(reading.detections, job.inquiry, bars[job.id]) for job in jobs}
        suspects = {job_id for job_id, score_unit in against.items() if score_unit is not None}
        self._seen_unit = min([self._seen_unit, *(score_unit for score_unit in against.values() if score_unit is not None)])
        if question.round == 1:
            self._evidence.judged |= frozenset(question.ids)
            self._evidence.is_alarmed |= bool(unsure or suspects)
        self._tested(question, "unsure" if unsure else "flagged" if suspects else "clean")
        if unsure:
            return apart(question)
        step = answered(question, suspects)
        await self._clear(step.cleared, reading.extra, question.round)
        return step

    async def _group_failed(self, question: Question, failure: AskFailed) -> Step:
        """What one image may have caused is halved. Otherwise those whose time it was that ended are asked alone in what is
        left of it, and the others again. What no second try helps is everybody's error; after a time-out the pipeline asks
        alone.
        """
        kind, left_s = failure.problem.kind, self._left_s(question.ids)
        if kind is Kind.IMAGE_REFUSED or (kind in TRIPPED_OVER and left_s > 2 * self._round_s()):
            return failed(question)
        if kind in ASKED_AGAIN:
            later = replace(question, round=question.round + 1)
            return hurried(later, {job_id for job_id in question.ids if self._left_s([job_id]) <= left_s + DELIVERY_MARGIN_S})
        result = Failure.of(failure.problem)
        await self._deliver([Outcome(job_id, result, self._bills[job_id]) for job_id in question.ids])
        return given_up(question)

    async def _clear(self, job_ids: Sequence[str], extra: Mapping[str, Tree], rounds: int) -> None:
        if not job_ids:
            return
        self._evidence.cleared += len(job_ids)
        for _ in job_ids:
            self._work.ledger.moderated("cleared", rounds)
        answer = Answer((), extra=extra)
        await self._deliver([Outcome(job_id, answer, self._bills[job_id]) for job_id in job_ids])

    async def _ask_single(self, question: Question) -> Step:
        (job_id,) = question.ids
        job = self._items[job_id].job
        outcome = await self._alone(job, self._first_try_s(question))
        if isinstance(outcome.result, Failure):
            if question.sibling and outcome.result.kind.retryable and self._left_s(question.ids) > self._round_s():
                self._bills[job_id] = outcome.bill
                return released(question)
            await self._deliver([outcome])
            return given_up(question)
        await self._deliver([outcome])
        detections = outcome.result.detections
        if is_clean(detections, job.inquiry):
            self._evidence.safe += 1
            self._evidence.safe_and_judged += job_id in self._evidence.judged
        else:
            self._evidence.unsafe += 1
        self._work.ledger.moderated("single", question.round)
        return answered(question, question.ids if is_unsafe(detections, job.inquiry) else ())

    def _first_try_s(self, question: Question) -> float:
        """All of its time; of an image for which others wait, no more than they can spare."""
        left_s, round_s = self._left_s(question.ids), self._round_s()
        if not question.sibling:
            return left_s
        spare_s = min(self._left_s(question.sibling) - round_s, FIRST_TRY_ROUNDS * round_s)
        return min(left_s, max(round_s, spare_s))

    async def _alone(self, job: Job, time_left_s: float) -> Outcome:
        sheets, bill = self._work.sheets, self._bills[job.id]
        if not bill.sheet_id:  # it comes straight from the accumulator, not from a group
            sheets.ledger.sheet(str(ALONE), bill.release.value, 1)
            bill = replace(bill, sheet_id=self._group.sheet_id)
        outcome = await ask_alone(
            job,
            bill,
            self._work.caller,
            sheets.capabilities,
            sheets.pixels,
            time_left_s=time_left_s,
            permit=self._group.permit,
        )
        return replace(outcome, bill=replace(outcome.bill, layout=self._first_layouts.get(job.id, ALONE)))

    def _charge(self, question: Question, composed: Composed, paid: int, provider_s: float, attempt_s: float = 0.0) -> None:
        """Split evenly over those who were asked about. The layout stays that of an image's first sheet."""
        self._sheets += 1
        name = "" if self._sheets == 1 else f".{self._sheets}"
        part = replace(self._group, bills=self._bills)
        part = part.part([self._items[job_id] for job_id in question.ids], name)
        charged = part.charged(
            paid,
            layout=composed.sheet.plan.layout,
            compose_s=composed.compose_s,
            provider_s=provider_s,
            attempt_s=attempt_s,
        )
        for job_id, bill in charged.items():
            layout = self._first_layouts.setdefault(job_id, bill.layout)
            self._bills[job_id] = replace(bill, layout=layout)

    def _tested(self, question: Question, result: str) -> None:
        self._work.ledger.group_tested(len(question.ids), result)
        log.info("group tested", sheet_id=self._group.sheet_id, images=len(question.ids), result=result, round=question.round)

    def _jobs(self, question: Question) -> list[Job]:
        return [self._items[job_id].job for job_id in question.ids]

    def _round_s(self) -> float:
        return self._work.caller.p95_s() + ROUND_MARGIN_S

    def _left_s(self, job_ids: Sequence[str]) -> float:
        """The time that the most pressed of them still has."""
        return min(self._group.deadlines_s[job_id] for job_id in job_ids) - self._work.clock.now_s()
