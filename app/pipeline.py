"""The front half: a Call in, outcomes out. Called by the server for every dialect.

    call -> admission -> per inquiry: joins an equal one that is under way (`joining`), or
                         one job -> its tier, or its group's size -> gather in the accumulator -> surer -> outcome
                            |                       |
                            |                       |- the store is down, full, or nobody works: alone
                            |                       `- not claimed or not back in time: withdrawn, alone
                            `- a reason not to share a sheet (see core.model.Bypass): alone

Nothing waits for the proxy: whatever fails here ends in sending the image alone, as long as its own time allows.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import Protocol

from app.accumulator.contract import Intake
from app.admission import Admission, Image
from app.clock import Clock
from app.core.budget import Budget
from app.core.flights import flight_key
from app.core.grouping import PREVALENCE
from app.core.labels import labels_of
from app.core.layout import fits_a_grid
from app.core.mix import Choice
from app.core.model import ALONE, Answer, Bill, Bypass, Failure, Feature, Inquiry, Job, Lane, Outcome, Picture, Task
from app.core.placeless import Placeless
from app.errors import Kind
from app.fares import Fare, Fares
from app.gathering import Gatherer, Missed
from app.imaging.decode import is_cheap
from app.joining import Joiner, Question
from app.providers.calling import Caller
from app.providers.contract import Capabilities, LinkReader, ObjectStore
from app.providers.latency import LatencyTracker
from app.wire.contract import Answered, Call
from app.work.alone import ask_alone
from app.work.choosing import Chooser
from app.work.escalating import Escalator
from app.work.grouping import Groups
from app.work.pixels import PixelPool
from app.work.shadow import Shadow

# Kept back from a request's time for sending the image alone when its grid did not come back: so many times the
# provider's live p95, and at least the margin (connecting, a busy machine), seconds.
ALONE_RESERVE_P95S = 2.0
ALONE_RESERVE_MARGIN_S = 0.5
# What a grid takes beside its window and the provider's time, seconds: composing, demultiplexing, two hops through Redis.
GRID_MARGIN_S = 0.3
# A grid is not begun when less than this would be left for gathering, seconds: the window could hold nobody else.
SHORTEST_WINDOW_S = 0.005
# Why there is no company for an image, by the source of such a choice; the accuracy budget where it is no other.
TRANSPARENT = "transparent"
_BYPASSES = {PREVALENCE: Bypass.PREVALENCE, TRANSPARENT: Bypass.TRANSPARENT}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided, read once from the settings. `label_grids`: endpoints whose labels come from grids."""

    max_wait_s: float
    request_timeout_s: float
    budget: Budget
    max_pixels: int
    alone_at_once: int
    mix_tenants: bool = False
    grid_text: bool = False
    label_grids: frozenset[str] = frozenset()


class FrontLedger(Protocol):
    """What is counted in the front half; the metrics module implements it."""

    def waited(self, seconds: float) -> None: ...
    def bypass(self, reason: Bypass) -> None: ...
    def added(self, seconds: float) -> None: ...
    def answered(self, images: int, feature: str, task: str) -> None: ...
    def escalated(self) -> None: ...


class Pipeline:
    """Answers calls. Everything it works with is passed in; one per API process."""

    def __init__(
        self,
        intake: Intake,
        caller: Caller,
        capabilities: Capabilities,
        policy: Policy,
        *,
        store: ObjectStore | None,
        pixels: PixelPool,
        ledger: FrontLedger,
        clock: Clock,
        links: LinkReader | None = None,
        chooser: Chooser | None = None,
        shadow: Shadow | None = None,
        groups: Groups | None = None,
        joiner: Joiner | None = None,
    ) -> None:
        self._admission = Admission(capabilities, pixels, clock, policy.max_pixels, store, links)
        self._caller = caller
        self._capabilities = capabilities
        self._policy = policy
        self._pixels = pixels
        self._ledger = ledger
        self._clock = clock
        self._chooser = chooser or Chooser()
        self._escalator = Escalator(caller, capabilities, pixels, ledger)
        self._shadow = shadow
        self._groups = groups
        self._joiner = joiner
        self._grid_latency = LatencyTracker()  # composing and one attempt, when nothing goes wrong
        self._placeless = Placeless()
        self._alone = 0
        self._draining = False
        self._gatherer = Gatherer(intake, clock, self._may_leave_the_queue)

    @property
    def is_degraded(self) -> bool:
        """Whether the accumulator failed the last time it was tried: images go alone, answers still come."""
        return self._gatherer.is_degraded

    def drain(self) -> None:
        """From now on every image is sent alone at once: nobody waits for company that will not come.

        What has gathered goes out now; where it does not come back (the workers may be going down as well), it goes alone.
        """
        self._draining = True
        if self._shadow is not None:
            self._shadow.drain()
        asyncio.get_running_loop().call_later(self._reserve_s(), self._gatherer.give_up_waiting)

    async def answer(self, call: Call, request_id: str, fares: Fares | None = None) -> Answered:
        """One outcome per inquiry. Raises Problem when the image itself cannot be had or used. `fares` says what it has cost
        where its client does not wait for the end.
        """
        fares = fares or Fares()
        deadline_s = self._clock.now_s() + self._policy.request_timeout_s
        image = await self._admission.admit(call, deadline_s)
        async with asyncio.TaskGroup() as tasks:
            asking = [
                tasks.create_task(self._ask(call, inquiry, image, request_id, deadline_s, fares), name=f"ask {request_id}")
                for inquiry in call.inquiries
            ]
        return Answered(image.picture, tuple(task.result() for task in asking))

    async def _ask(
        self, call: Call, inquiry: Inquiry, image: Image, request_id: str, deadline_s: float, fares: Fares
    ) -> Outcome:
        """One inquiry's outcome: that of an equal one which is under way, or its own."""
        inquiry = inquiry.heard_by(self._capabilities.vendor)  # what nobody there understands must not split lanes

        async def fly(fare: Fare) -> Outcome:
            way = asyncio.current_task()
            if way is not None:
                fares.begin(inquiry, fare, way)
            return await self._fly(call, inquiry, image, request_id, deadline_s, fare)

        if self._joiner is None:
            return await fly(Fare())
        key = flight_key(call.tenant.at(call.endpoint), self._way(call), image.sha256, inquiry)
        return await self._joiner.share(Question(key, call.retry_id, deadline_s - self._reserve_s()), fly)

    def _way(self, call: Call) -> list[str]:
        """What else decides how an image is asked about: equal images on different ways are different questions."""
        wishes = call.wishes
        goes_alone = not wishes.grid or _is_too_short(wishes.max_wait_s)
        known = self._capabilities
        return [known.provider, call.endpoint, str(call.alone), str(goes_alone), repr(wishes.max_map_drop)]

    async def _fly(self, call: Call, inquiry: Inquiry, image: Image, request_id: str, deadline_s: float, fare: Fare) -> Outcome:
        """The whole way: from a shared sheet or alone."""
        lane = self._lane(call, inquiry)
        choice = self._choice(lane, call.wishes.max_map_drop, image)
        job = self._job(call, inquiry, lane, image, request_id, deadline_s, choice)
        outcome = await self._gathered_or_alone(call, job, choice, deadline_s, fare)
        outcome = _named(inquiry, self._sure_enough(inquiry, outcome))
        spent_s = self._policy.request_timeout_s - (deadline_s - self._clock.now_s())
        self._ledger.added(max(0.0, spent_s - outcome.bill.provider_s))
        return outcome

    def _sure_enough(self, inquiry: Inquiry, outcome: Outcome) -> Outcome:
        """Where the client names no threshold, and the provider has none of its own: without what nobody would show."""
        least_unit, result = self._capabilities.usual_score_unit, outcome.result
        if least_unit is None or inquiry.min_score_unit is not None or isinstance(result, Failure):
            return outcome
        sure = tuple(detection for detection in result.detections if detection.score_unit >= least_unit)
        return replace(outcome, result=replace(result, detections=sure))

    async def _gathered_or_alone(self, call: Call, job: Job, choice: Choice, deadline_s: float, fare: Fare) -> Outcome:
        reason = self._reason_to_go_alone(call, job, choice)
        shadow = None if job.lane.task is Task.MODERATE else self._shadow  # groups answer for themselves, image by image
        if reason is None:
            job = await self._placed(job, choice)
            if shadow is not None:
                job = shadow.limited(job)
            reason = Bypass.BUDGET if job.lane.capacity < 2 else self._gatherer.outage_now()
        if reason is not None:
            return await self._send_alone(job, Missed(reason, Bill()), deadline_s, fare)
        gathered = await self._gatherer.gather(job, fare)
        if isinstance(gathered, Missed):
            if fare.is_given_up:
                raise asyncio.CancelledError("nobody waits for it any more")
            return await self._send_alone(job, gathered, deadline_s, fare)
        self._ledger.waited(gathered.bill.waited_s)
        self._learn(job, gathered)
        if shadow is not None:
            shadow.consider(job, gathered)
        return await self._surer(job, gathered, choice, deadline_s)

    async def _placed(self, job: Job, choice: Choice) -> Job:
        """The job in its own tier's lane; where a scout has to look first, the look comes off its time."""
        if not choice.mix.needs_placing:
            return job
        began_s = self._clock.now_s()
        place = await self._chooser.place(choice, job.image, job.picture, time_left_s=job.max_wait_s)
        time_left_s = max(0.0, job.time_left_s - (self._clock.now_s() - began_s))
        return replace(
            job,
            lane=replace(job.lane, layouts=place.tier.layouts, mode=place.tier.mode, shape=place.shape),
            view=place.view,
            time_left_s=time_left_s,
            max_wait_s=min(job.max_wait_s, self._time_for_gathering_s(time_left_s)),
        )

    async def _surer(self, job: Job, gathered: Outcome, choice: Choice, deadline_s: float) -> Outcome:
        """Asked again alone, where the mix says so, the grid was unsure, and there is time."""
        escalation, now_s = choice.mix.escalation, self._clock.now_s()
        if escalation is None or deadline_s - now_s < self._reserve_s():
            return gathered
        return await self._escalator.surer(job, gathered, escalation, time_left_s=deadline_s - now_s)

    def _lane(self, call: Call, inquiry: Inquiry) -> Lane:
        """Where images like this one meet; how many share a sheet is decided next."""
        return Lane(
            tenant="*" if self._policy.mix_tenants else call.tenant.at(call.endpoint),
            provider=self._capabilities.provider,
            task=inquiry.feature.task,
            feature=inquiry.feature,
            parameters=inquiry.parameters,
            layouts=(ALONE,),
        )

    def _choice(self, lane: Lane, wish: float | None, image: Image) -> Choice:
        """By the accuracy budget; groups by the share of unsafe images, but where no loss at all is accepted. What would look
        different on a sheet is in no group: that is how somebody would hide it.
        """
        budget = self._policy.budget
        if lane.task is not Task.MODERATE or self._groups is None or budget.is_nothing(wish):
            return budget.choice(lane.feature.on_sheet, wish)
        return self._groups.choice(lane) if image.is_plain else Choice.alone(TRANSPARENT)

    def _job(
        self, call: Call, inquiry: Inquiry, lane: Lane, image: Image, request_id: str, deadline_s: float, choice: Choice
    ) -> Job:
        time_left_s = max(0.0, deadline_s - self._clock.now_s() - self._reserve_s())
        wish_s = self._policy.max_wait_s if call.wishes.max_wait_s is None else call.wishes.max_wait_s
        return Job(
            id=uuid.uuid4().hex,
            request_id=request_id,
            lane=replace(lane, layouts=choice.widest.layouts, mode=choice.widest.mode),
            inquiry=inquiry,
            picture=image.picture,
            image=image.data,
            max_wait_s=min(wish_s, self._policy.max_wait_s, self._time_for_gathering_s(time_left_s, _rounds(lane))),
            time_left_s=time_left_s,
        )

    def _reserve_s(self) -> float:
        """Time that an image needs to be sent alone after its grid failed it."""
        return ALONE_RESERVE_P95S * self._grid_latency.p95_s(self._clock.now_s()) + ALONE_RESERVE_MARGIN_S

    def _time_for_gathering_s(self, time_left_s: float, rounds: int = 1) -> float:
        """The end of the grid's time - live p95 of the provider - margin is the latest flush: no grid is paid in vain."""
        return max(0.0, time_left_s - rounds * (self._grid_latency.p95_s(self._clock.now_s()) + GRID_MARGIN_S))

    def _learn(self, job: Job, outcome: Outcome) -> None:
        """What an answer took that nothing held up (failures and retries say nothing about the next one), and its boxes."""
        self._placeless.saw(job.inquiry, outcome, self._clock.now_s())
        if isinstance(outcome.result, Answer):
            self._grid_latency.observe(self._clock.now_s(), outcome.bill.compose_s + outcome.bill.attempt_s)

    def _reason_to_go_alone(self, call: Call, job: Job, choice: Choice) -> Bypass | None:
        """The first reason that applies, the caller's own before ours."""
        reasons = {
            Bypass.CALLER: not call.wishes.grid or _is_too_short(call.wishes.max_wait_s),
            Bypass.SETTING: _is_too_short(self._policy.max_wait_s) or self._stays_alone(call, job),
            call.alone or Bypass.FEATURES: call.alone is not None or self._placeless.knows(job.inquiry, self._clock.now_s()),
            _BYPASSES.get(choice.source, Bypass.BUDGET): job.lane.capacity < 2,
            Bypass.SIZE: not self._fits_a_grid(job.picture),
            Bypass.DRAINING: self._draining,
            Bypass.DEADLINE: job.max_wait_s < SHORTEST_WINDOW_S,
        }
        return next((reason for reason, applies in reasons.items() if applies), None)

    def _stays_alone(self, call: Call, job: Job) -> bool:
        """What the operator decides: text suffers most from being made smaller, labels without boxes are lost in a grid, and
        groups may hide what is small.
        """
        match job.lane.feature:
            case Feature.TEXT:
                return not self._policy.grid_text
            case Feature.LABELS:
                return call.endpoint not in self._policy.label_grids
            case Feature.MODERATION:
                return self._groups is None
        return False

    def _fits_a_grid(self, picture: Picture) -> bool:
        known = self._capabilities
        return is_cheap(picture) and fits_a_grid(picture.upright, min_side_px=known.min_side_px, max_side_px=known.max_side_px)

    def _may_leave_the_queue(self, job: Job, leaving: int) -> bool:
        """Whether going alone is sooner. It is not while the vendor throttles (alone, everybody takes twice the calls), or
        while those who are alone already wait for each other.
        """
        if self._caller.throttled_for_s(job.lane.feature.on_sheet) > 0:
            return False
        return self._alone + leaving < self._policy.alone_at_once

    async def _send_alone(self, job: Job, missed: Missed, deadline_s: float, fare: Fare) -> Outcome:
        self._ledger.bypass(missed.reason)
        if self._alone_in_s() > deadline_s - self._clock.now_s():
            too_many = Failure(Kind.OVER_CAPACITY, "too many images are waiting to be sent alone", retry_after_s=1.0)
            return Outcome(job.id, too_many, missed.bill)
        self._alone += 1
        try:
            outcome = await ask_alone(
                job,
                missed.bill,
                self._caller,
                self._capabilities,
                self._pixels,
                time_left_s=deadline_s - self._clock.now_s(),
                under_way=fare.under_way,
            )
        finally:
            self._alone -= 1
        self._learn(job, outcome)
        if self._groups is not None:
            self._groups.saw_alone(job, outcome)
        self._ledger.answered(int(isinstance(outcome.result, Answer)), job.lane.feature, job.lane.task)
        return outcome

    def _alone_in_s(self) -> float:
        """How long one more image would wait until those that are alone already are done."""
        rounds = self._alone // self._policy.alone_at_once
        return rounds * self._grid_latency.p95_s(self._clock.now_s())


def _is_too_short(max_wait_s: float | None) -> bool:
    """Whether somebody chose a window in which there would be nobody else."""
    return max_wait_s is not None and max_wait_s < SHORTEST_WINDOW_S


def _named(inquiry: Inquiry, outcome: Outcome) -> Outcome:
    """The labels of what was detected, where labels were asked for and objects were found. Boxes that do not reach the client's
    own threshold count for no label: the sheet was asked at its most modest neighbour's.
    """
    result = outcome.result
    if inquiry.feature is not Feature.LABELS or isinstance(result, Failure):
        return outcome
    if all(detection.feature is Feature.LABELS for detection in result.detections):
        return outcome
    least_unit = inquiry.min_score_unit or 0.0
    own = (detection for detection in result.detections if detection.score_unit >= least_unit)
    return replace(outcome, result=replace(result, detections=labels_of(own)))


def _rounds(lane: Lane) -> int:
    """Questions that there has to be time for: a group test needs one more, for whoever is asked alone after the first."""
    return 2 if lane.task is Task.MODERATE else 1
