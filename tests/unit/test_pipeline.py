"""The front half: images are gathered where that is allowed, and nobody waits for the proxy where it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from app.clock import ManualClock
from app.core.clients import Tenant
from app.core.geometry import Size
from app.core.model import (
    ALONE,
    Answer,
    Bill,
    Bypass,
    Failure,
    Feature,
    GridMode,
    Inquiry,
    Layout,
    Outcome,
    Picture,
    Release,
)
from app.errors import Kind, Problem
from app.gathering import OVERDUE_S
from app.pipeline import ALONE_RESERVE_MARGIN_S, Policy
from app.wire.contract import Call, InlineImage, LinkedImage, StoredImage, Wishes
from app.work.pixels import PixelPool
from tests.support.colours import CAPABILITIES, painted
from tests.support.front_half import POLICY, call, front, label_of, only, with_budget
from tests.support.intakes import GRID_BILL, FakeIntake, gridded

ANY_IMAGE = {"formats": frozenset({"jpeg", "png", "webp"}), "max_image_bytes": 100_000_000}


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


async def test_what_the_front_vendor_does_not_take_is_neither_gathered_nor_paid(pixels: PixelPool) -> None:
    """The dialect looks at the header facts and says so in its own words; images on the web are not fetched."""

    def small(picture: Picture) -> None:
        raise Problem(Kind.IMAGE_TOO_LARGE, f"{picture.stored} is not 50x50")

    here = front(pixels)
    for wrong, said in (
        (call(check=small), "160x120 is not"),
        (call(source=LinkedImage("http://x/")), "fetches no images"),
    ):
        with pytest.raises(Problem) as caught:
            await here.pipeline.answer(wrong, "request")
        assert said in caught.value.detail
    assert (len(here.intake.jobs), here.provider.asked) == (0, [])


async def test_an_image_that_may_share_is_enqueued_and_its_outcome_returned(pixels: PixelPool) -> None:
    here = front(pixels)
    answered = await here.pipeline.answer(call(), "request")
    assert label_of(only(answered.outcomes)) == "Thing"
    assert answered.picture.upright == Size(160, 120)
    job = next(iter(here.intake.jobs.values()))
    assert (job.lane.tenant, job.lane.layouts, job.max_wait_s) == ("native:tenant", (ALONE, Layout(2, 1), Layout(1, 2)), 0.2)
    assert (here.tally.bypasses, here.tally.waits) == ([], [0.05])


@pytest.mark.parametrize("mode", GridMode)
async def test_the_operators_grid_mode_is_the_lanes(pixels: PixelPool, mode: GridMode) -> None:
    here = front(pixels, policy=with_budget(mode=mode))
    await here.pipeline.answer(call(), "request")
    assert [job.lane.mode for job in here.intake.jobs.values()] == [mode]


async def test_each_inquiry_is_a_job_of_its_own_and_outcomes_keep_their_order(pixels: PixelPool) -> None:
    here = front(pixels)
    answered = await here.pipeline.answer(call(inquiries=(Inquiry(Feature.FACES), Inquiry(Feature.OBJECTS))), "request")
    by_id = {job.id: job.inquiry.feature for job in here.intake.jobs.values()}
    assert [by_id[outcome.job_id] for outcome in answered.outcomes] == [Feature.FACES, Feature.OBJECTS]


@pytest.mark.parametrize(("vendor", "parameters"), [("azure", "{}"), ("rekognition", '{"language":"de"}')])
async def test_parameters_in_another_vendors_language_split_no_lanes(pixels: PixelPool, vendor: str, parameters: str) -> None:
    here = front(pixels)
    inquiry = Inquiry(Feature.OBJECTS, '{"language":"de"}', own_vendor=vendor, own_request="language=de")
    await here.pipeline.answer(call(inquiries=(inquiry,)), "request")
    (job,) = here.intake.jobs.values()
    assert (job.lane.parameters, job.inquiry.parameters) == (parameters, parameters)


ALONE_CASES = [
    ("the caller says so", call(wishes=Wishes(grid=False)), POLICY, Bypass.CALLER),
    ("it asks for something without geometry", call(alone=Bypass.FEATURES), POLICY, Bypass.FEATURES),
    ("the operator sends these alone", call(alone=Bypass.SETTING), POLICY, Bypass.SETTING),
    ("no budget at all", call(), with_budget(max_map_drop=0.0), Bypass.BUDGET),
    ("the request's budget is zero, whatever the operator fixed", call(wishes=Wishes(max_map_drop=0.0)),
     with_budget(fixed_layouts=(Layout(2, 2),)), Bypass.BUDGET),
    ("text, which nobody allowed to share", call(inquiries=(Inquiry(Feature.TEXT),)), POLICY, Bypass.SETTING),
    ("too small for a sheet", call(source=InlineImage(painted("red", Size(60, 60)))), POLICY, Bypass.SIZE),
    ("no time for a window", call(), replace(POLICY, request_timeout_s=0.6), Bypass.DEADLINE),
    ("the caller does not want to wait", call(wishes=Wishes(max_wait_s=0.0)), POLICY, Bypass.CALLER),
    ("the operator wants nobody to wait", call(), replace(POLICY, max_wait_s=0.0), Bypass.SETTING),
]  # fmt: skip


@pytest.mark.parametrize(("why", "request_", "policy", "reason"), ALONE_CASES, ids=[case[0] for case in ALONE_CASES])
async def test_what_may_not_share_is_sent_alone_at_once(
    why: str, request_: Call, policy: Policy, reason: Bypass, pixels: PixelPool
) -> None:
    here = front(pixels, policy=policy)
    outcome = only((await here.pipeline.answer(request_, "request")).outcomes)
    assert label_of(outcome) == "red"
    assert (outcome.bill.layout, outcome.bill.inferences) == (ALONE, 1.0)
    assert here.tally.bypasses == [reason]
    assert here.intake.tries == 0
    assert here.tally.answered_images == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.OVER_CAPACITY, Bypass.CAPACITY),
        (Kind.ACCUMULATOR_UNAVAILABLE, Bypass.ACCUMULATOR),
        (Kind.NO_WORKER, Bypass.NO_WORKER),
        (Kind.SHUTTING_DOWN, Bypass.DRAINING),
    ],
)
async def test_a_refusing_accumulator_costs_nobody_an_answer(kind: Kind, reason: Bypass, pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake(problem=Problem(kind, "no")))
    assert label_of(only((await here.pipeline.answer(call(), "request")).outcomes)) == "red"
    assert here.tally.bypasses == [reason]


async def test_a_dead_accumulator_is_not_tried_by_everybody(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake(problem=Problem(Kind.ACCUMULATOR_UNAVAILABLE, "no")))
    for _ in range(5):
        await here.pipeline.answer(call(), "request")
    assert here.intake.tries == 1
    assert here.pipeline.is_degraded
    assert here.tally.bypasses == [Bypass.ACCUMULATOR] * 5


async def test_a_batch_that_does_not_come_back_is_withdrawn_and_the_image_sent_alone(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake(), replace(POLICY, request_timeout_s=3.6))
    outcome = only((await here.pipeline.answer(call(), "request")).outcomes)
    assert label_of(outcome) == "red"
    assert here.intake.withdrawn == list(here.intake.jobs)
    assert here.tally.bypasses == [Bypass.LATE]


async def test_a_grid_ends_early_enough_for_the_image_to_be_sent_alone_after_it(pixels: PixelPool) -> None:
    """Or it would be paid twice each time: a worker that has less time than the front waits for it begins nothing in vain."""
    here = front(pixels)
    await here.pipeline.answer(call(), "request")
    job = next(iter(here.intake.jobs.values()))
    assert job.max_wait_s < job.time_left_s < POLICY.request_timeout_s - ALONE_RESERVE_MARGIN_S


async def bypasses_after(bill: Bill, pixels: PixelPool) -> list[Bypass]:
    """What becomes of the second of two images when the first one's answer took what the bill says."""
    clock = ManualClock(100.0)
    here = front(pixels, FakeIntake(answers=True, bill=bill), clock=clock)
    for number in range(2):
        await here.pipeline.answer(call(), f"request {number}")
        clock.advance(1.0)
    return here.tally.bypasses


async def test_a_vendor_too_slow_for_a_grid_and_another_try_is_asked_alone(pixels: PixelPool) -> None:
    assert await bypasses_after(replace(GRID_BILL, attempt_s=4.0), pixels) == [Bypass.DEADLINE]


async def test_what_retries_took_says_nothing_about_the_next_image(pixels: PixelPool) -> None:
    assert await bypasses_after(replace(GRID_BILL, provider_s=9.0), pixels) == []


async def test_text_shares_where_the_operator_allows_it(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake(answers=True), replace(POLICY, grid_text=True))
    await here.pipeline.answer(call(inquiries=(Inquiry(Feature.TEXT),)), "request")
    assert (here.tally.bypasses, here.intake.tries) == ([], 1)


async def test_a_custom_model_that_gave_no_boxes_wastes_no_second_sheet(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake(answers=True, box=None))
    custom = call(inquiries=(Inquiry(Feature.CUSTOM_OBJECTS, '{"model":1}'),))
    other = call(inquiries=(Inquiry(Feature.CUSTOM_OBJECTS, '{"model":2}'),))
    for each in (custom, custom, other):
        await here.pipeline.answer(each, "request")
    assert here.tally.bypasses == [Bypass.FEATURES]
    assert len(here.intake.jobs) == 2


async def test_what_nobody_claims_goes_alone_long_before_its_time_is_up(pixels: PixelPool) -> None:
    """Workers that are busy beyond what they can do, or gone without a word, hold nobody up for long."""
    here = front(pixels, FakeIntake())
    async with asyncio.timeout(POLICY.request_timeout_s / 2):
        assert label_of(only((await here.pipeline.answer(call(), "request")).outcomes)) == "red"
    assert here.intake.withdrawn == list(here.intake.jobs)
    assert here.tally.bypasses == [Bypass.OVERDUE]


async def test_a_queue_that_moves_is_given_more_time(pixels: PixelPool) -> None:
    """Answers come back, only this image's turn has not come: the workers are busy, and half the price is worth a wait."""
    here = front(pixels, FakeIntake())
    first = asyncio.create_task(here.pipeline.answer(call(), "first"))
    await here.intake.arrived.wait()
    second = asyncio.create_task(here.pipeline.answer(call(), "second"))
    await asyncio.wait({second}, timeout=OVERDUE_S / 2)
    job = next(iter(here.intake.jobs.values()))
    here.intake.futures[job.id].set_result(gridded(job))
    await first
    moved_s = time.monotonic()
    await second
    assert time.monotonic() - moved_s >= OVERDUE_S - 0.1
    assert here.tally.bypasses == [Bypass.OVERDUE]


async def test_what_is_in_a_sheet_is_waited_for(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake(claimed=True), replace(POLICY, request_timeout_s=6.0))
    outcome = only((await here.pipeline.answer(call(), "request")).outcomes)
    assert (label_of(outcome), here.tally.bypasses) == ("red", [Bypass.LATE])


async def test_while_the_vendor_throttles_nobody_leaves_the_queue_to_ask_it_twice_as_often(pixels: PixelPool) -> None:
    """The workers are busy because the vendor is: alone, every image would take a call of its own, for good."""
    here = front(pixels, FakeIntake(), replace(POLICY, request_timeout_s=6.0))
    here.provider.script.append(Problem(Kind.THROTTLED, "slow down"))
    await here.pipeline.answer(call(wishes=Wishes(grid=False)), "learns it")
    await here.pipeline.answer(call(), "request")
    assert here.tally.bypasses == [Bypass.CALLER, Bypass.LATE]


async def test_a_store_that_does_not_answer_holds_nobody_up(pixels: PixelPool) -> None:
    policy = replace(POLICY, request_timeout_s=3.6)
    here = front(pixels, FakeIntake(hangs=True), policy)
    async with asyncio.timeout(policy.request_timeout_s):
        assert label_of(only((await here.pipeline.answer(call(), "request")).outcomes)) == "red"
    assert here.pipeline.is_degraded


async def test_to_be_let_in_by_the_breaker_is_a_probe_and_not_wasted_on_what_goes_alone_anyway(pixels: PixelPool) -> None:
    clock = ManualClock(100.0)
    here = front(pixels, FakeIntake(answers=True, problem=Problem(Kind.ACCUMULATOR_UNAVAILABLE, "no")), clock=clock)
    await here.pipeline.answer(call(), "fails")
    here.intake.problem = None
    clock.advance(1.5)
    await here.pipeline.answer(call(wishes=Wishes(grid=False)), "alone anyway")
    await here.pipeline.answer(call(), "probe")
    assert here.tally.bypasses == [Bypass.ACCUMULATOR, Bypass.CALLER]
    assert not here.pipeline.is_degraded


async def test_when_nobody_works_any_more_those_who_wait_already_go_alone_too(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake())
    waiting = asyncio.create_task(here.pipeline.answer(call(), "first"))
    await here.intake.arrived.wait()
    here.intake.problem = Problem(Kind.NO_WORKER, "no")
    async with asyncio.timeout(POLICY.request_timeout_s / 2):
        outcomes = [only((await here.pipeline.answer(call(), "second")).outcomes), only((await waiting).outcomes)]
    assert [label_of(outcome) for outcome in outcomes] == ["red", "red"]
    assert here.intake.withdrawn == list(here.intake.jobs)
    assert here.tally.bypasses == [Bypass.NO_WORKER, Bypass.NO_WORKER]


async def test_who_is_in_a_sheet_waits_for_it_though_nobody_claims_any_more(pixels: PixelPool) -> None:
    """The last worker finishes what it holds: alone, the image would be paid twice."""
    here = front(pixels, FakeIntake(claimed=True))
    waiting = asyncio.create_task(here.pipeline.answer(call(), "first"))
    await here.intake.arrived.wait()
    here.intake.problem = Problem(Kind.NO_WORKER, "no")
    assert label_of(only((await here.pipeline.answer(call(), "second")).outcomes)) == "red"
    (job,) = here.intake.jobs.values()
    here.intake.futures[job.id].set_result(gridded(job))
    assert label_of(only((await waiting).outcomes)) == "Thing"
    assert (here.intake.withdrawn, len(here.provider.asked)) == ([], 1)


@pytest.mark.parametrize("nobody_claims", [False, True])
async def test_what_does_not_come_back_after_a_drain_goes_alone(pixels: PixelPool, nobody_claims: bool) -> None:
    """The workers may be going down as well; waiting for the request's own time would outlast our own."""
    here = front(pixels, FakeIntake(claimed=True))
    waiting = asyncio.create_task(here.pipeline.answer(call(), "request"))
    await here.intake.arrived.wait()
    if nobody_claims:
        here.intake.problem = Problem(Kind.NO_WORKER, "no")
        await here.pipeline.answer(call(), "another")
    here.pipeline.drain()
    async with asyncio.timeout(POLICY.request_timeout_s / 2):
        assert label_of(only((await waiting).outcomes)) == "red"
    assert here.tally.bypasses[-1] is Bypass.LATE


async def test_a_failure_of_our_own_is_no_answer_but_the_vendor_s_is(pixels: PixelPool) -> None:
    """A time-out ended with the time of the grid, and there is some left for the image alone."""
    alone = {Kind.INTERNAL, Kind.DEADLINE_EXCEEDED, Kind.PROVIDER_TIMEOUT}
    for kind in [*alone, Kind.IMAGE_REFUSED, Kind.THROTTLED, Kind.PROVIDER_UNAVAILABLE]:
        here = front(pixels, FakeIntake())
        asking = asyncio.create_task(here.pipeline.answer(call(), "request"))
        await here.intake.arrived.wait()
        job = next(iter(here.intake.jobs.values()))
        here.intake.futures[job.id].set_result(Outcome(job.id, Failure(kind, "broken")))
        outcome = only((await asking).outcomes)
        assert isinstance(outcome.result, Answer if kind in alone else Failure)


async def test_a_client_that_leaves_takes_its_job_out(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake())
    asking = asyncio.create_task(here.pipeline.answer(call(), "request"))
    await here.intake.arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert here.intake.withdrawn == list(here.intake.jobs)
    assert here.provider.asked == []


async def test_an_outcome_that_arrives_in_time_is_not_withdrawn(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake())
    asking = asyncio.create_task(here.pipeline.answer(call(), "request"))
    await here.intake.arrived.wait()
    job = next(iter(here.intake.jobs.values()))
    here.intake.futures[job.id].set_result(gridded(job))
    assert label_of(only((await asking).outcomes)) == "Thing"
    assert here.intake.withdrawn == []


async def test_after_drain_nobody_waits_for_company(pixels: PixelPool) -> None:
    here = front(pixels)
    here.pipeline.drain()
    await here.pipeline.answer(call(), "request")
    assert here.tally.bypasses == [Bypass.DRAINING]


async def test_who_could_only_wait_for_its_time_out_is_refused_at_once(pixels: PixelPool) -> None:
    """One at a time, and 0.8 s each as far as anybody knows: in 2 s the third could be begun, and the fourth could not."""
    here = front(pixels, policy=replace(POLICY, alone_at_once=1, request_timeout_s=2.0))
    here.provider.gate = asyncio.Event()
    asking = []
    for number in range(4):
        asking.append(asyncio.create_task(here.pipeline.answer(call(wishes=Wishes(grid=False)), f"request {number}")))
        await here.tally.until_bypasses(number + 1)
    result = only((await asking.pop()).outcomes).result
    assert isinstance(result, Failure)
    assert result.kind is Kind.OVER_CAPACITY
    here.provider.gate.set()
    assert [label_of(only((await each).outcomes)) for each in asking] == ["red"] * 3


async def test_nobody_leaves_the_queue_to_wait_in_a_longer_one(pixels: PixelPool) -> None:
    """A burst: the workers are busy, and so would be whoever sends its images alone."""
    policy = replace(POLICY, alone_at_once=2, request_timeout_s=6.0)
    here = front(pixels, FakeIntake(), policy)
    here.provider.gate = asyncio.Event()
    asking = [asyncio.create_task(here.pipeline.answer(call(), f"request {number}")) for number in range(5)]
    await here.tally.until_bypasses(5)
    here.provider.gate.set()
    assert [label_of(only((await each).outcomes)) for each in asking] == ["red"] * 5
    assert sorted(here.tally.bypasses) == [*[Bypass.LATE] * 3, *[Bypass.OVERDUE] * 2]


async def test_what_a_failed_grid_took_stays_on_the_bill(pixels: PixelPool) -> None:
    here = front(pixels, FakeIntake())
    asking = asyncio.create_task(here.pipeline.answer(call(), "request"))
    await here.intake.arrived.wait()
    job = next(iter(here.intake.jobs.values()))
    here.intake.futures[job.id].set_result(Outcome(job.id, Failure(Kind.PROVIDER_TIMEOUT, "slow"), GRID_BILL))
    bill = only((await asking).outcomes).bill
    assert (bill.layout, bill.release, bill.inferences, bill.waited_s) == (ALONE, Release.SINGLE, 1.5, GRID_BILL.waited_s)
    assert bill.provider_s > GRID_BILL.provider_s


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (call(source=InlineImage(b"")), Kind.INVALID_IMAGE),
        (call(source=InlineImage(b"no image at all")), Kind.INVALID_IMAGE),
        (call(source=InlineImage(painted("red")[:60])), Kind.INVALID_IMAGE),
        (call(max_image_bytes=10), Kind.IMAGE_TOO_LARGE),
        (call(source=StoredImage("bucket", "key")), Kind.FORBIDDEN),
        (call(source=LinkedImage("https://photos.example/a.jpg")), Kind.FORBIDDEN),
    ],
)
async def test_a_bad_image_is_refused_before_it_meets_anybody(request_: Call, kind: Kind, pixels: PixelPool) -> None:
    here = front(pixels)
    with pytest.raises(Problem) as raised:
        await here.pipeline.answer(request_, "request")
    assert raised.value.kind is kind
    assert (here.intake.tries, here.provider.asked) == (0, [])


@dataclass(slots=True)
class OneLink:
    """A `LinkReader` that knows one image."""

    image: bytes
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def read(self, url: str, *, max_bytes: int, timeout_s: float) -> bytes:
        assert 0 < timeout_s <= POLICY.request_timeout_s
        self.asked.append((url, max_bytes))
        return self.image


async def test_a_linked_image_is_fetched_once_and_gathered_like_any_other(pixels: PixelPool) -> None:
    """Also where one feature shares a sheet and another (text) goes alone."""
    plain = call(inquiries=(Inquiry(Feature.OBJECTS), Inquiry(Feature.TEXT)))
    assert isinstance(plain.source, InlineImage)
    links = OneLink(plain.source.data)
    here = front(pixels, links=links)
    answered = await here.pipeline.answer(replace(plain, source=LinkedImage("https://photos.example/a.jpg")), "request")
    assert all(isinstance(outcome.result, Answer) for outcome in answered.outcomes)
    assert here.tally.bypasses == [Bypass.SETTING]
    assert links.asked == [("https://photos.example/a.jpg", plain.max_image_bytes)]


async def test_what_the_provider_does_not_offer_is_refused_by_name(pixels: PixelPool) -> None:
    here = front(pixels)
    with pytest.raises(Problem, match="landmarks: not available") as raised:
        await here.pipeline.answer(call(inquiries=(Inquiry(Feature.LANDMARKS),)), "request")
    assert raised.value.kind is Kind.UNKNOWN_OPERATION


async def test_what_would_be_decoded_whole_and_written_anew_is_not_taken_at_any_size(pixels: PixelPool) -> None:
    """The provider reads no WebP, and no more bytes than it says: a large one would take the memory of many others."""
    here = front(pixels)
    small, large = Size(400, 400), Size(4100, 4100)
    padding = b"\0" * CAPABILITIES.max_image_bytes[Feature.OBJECTS]
    for taken in [painted("red", small, "WEBP"), painted("red", small), painted("red", small) + padding]:
        await here.pipeline.answer(call(source=InlineImage(taken), **ANY_IMAGE), "request")
    for refused in [painted("red", large, "WEBP"), painted("red", large) + padding]:
        with pytest.raises(Problem) as raised:
            await here.pipeline.answer(call(source=InlineImage(refused), **ANY_IMAGE), "request")
        assert raised.value.kind is Kind.IMAGE_TOO_LARGE


async def test_tenants_share_a_lane_only_when_the_operator_says_so(pixels: PixelPool) -> None:
    for mix, lanes in [(False, 2), (True, 1)]:
        here = front(pixels, policy=replace(POLICY, mix_tenants=mix))
        for tenant in ("one", "two"):
            await here.pipeline.answer(call(tenant=Tenant(tenant)), "request")
        assert len({job.lane.key for job in here.intake.jobs.values()}) == lanes
