"""Shadows: which images are asked alone behind the clients' backs, what is compared, what follows, what they never do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from app.clock import ManualClock
from app.core.density import Patience
from app.core.geometry import UnitBox
from app.core.model import ALONE, Answer, Bill, Detection, Failure, Feature, Inquiry, Job, Layout, Outcome, Task
from app.errors import Kind, Problem
from app.providers.calling import MOST_SHADOWS, Caller
from app.work.pixels import PixelPool
from app.work.shadow import SHADOW_S, Shadow, Watch
from tests.support.colours import ColourProvider
from tests.support.detect_bench import Tally, job

PAIR, FOUR = Layout(2, 1), Layout(2, 2)
WHOLE = UnitBox(0.0, 0.0, 1.0, 1.0)
PATIENCE = Patience(samples=3, rest_s=100.0)
ALWAYS = Watch(1.0)
GUARDED = Watch(1.0, 0.8, PATIENCE)


@dataclass(slots=True)
class ShadowTally(Tally):
    """Remembers what the shadow tells, and lets a test wait for it."""

    tasks: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    figures: list[tuple[str, float, float, float]] = field(default_factory=list)
    limits: list[tuple[int | None, str]] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def shadow(self, task: str, outcome: str) -> None:
        self.tasks.append(task)
        self.outcomes.append(outcome)
        self.told.set()

    def agreement(self, task: str, layout: str, mean: float, low: float, high: float) -> None:
        self.tasks.append(task)
        self.figures.append((layout, mean, low, high))

    def density(self, task: str, cells: int | None, direction: str) -> None:
        self.tasks.append(task)
        self.limits.append((cells, direction))

    async def until(self, outcomes: int) -> None:
        """Wait until so many images have come to an end, and what follows from the last has followed."""
        while len(self.outcomes) < outcomes:
            self.told.clear()
            await self.told.wait()
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


class Dice(random.Random):
    """Shows what a test wants."""

    value = 0.0

    def random(self) -> float:
        return self.value


@dataclass(slots=True)
class Bench:
    """A shadow and what stands around it."""

    shadow: Shadow
    provider: ColourProvider
    caller: Caller
    clock: ManualClock
    tally: ShadowTally


@asynccontextmanager
async def bench(
    pixels: PixelPool, watch: Watch = ALWAYS, provider: ColourProvider | None = None, dice: random.Random | None = None
) -> AsyncIterator[Bench]:
    provider, clock, tally = provider or ColourProvider(), ManualClock(1000.0), ShadowTally()
    caller = Caller(provider, clock=clock, rng=random.Random(1), attempt_timeout_s=5.0, meter=tally)
    known = provider.capabilities
    shadow = Shadow(watch, caller, known, pixels, ledger=tally, clock=clock, rng=dice or random.Random(1))
    try:
        yield Bench(shadow, provider, caller, clock, tally)
    finally:
        await shadow.close()


def answered(job: Job, label: str = "red", layout: Layout = PAIR, box: UnitBox = WHOLE, score_unit: float = 0.9) -> Outcome:
    """What the grid said of this image."""
    found = Detection(Feature.OBJECTS, label, score_unit, box)
    return Outcome(job.id, Answer((found,)), Bill(layout, 0.5, "sheet"))


RED = job("red")
GOOD, BAD = answered(RED), answered(RED, "blue")


async def see(here: Bench, outcomes: Sequence[Outcome]) -> None:
    """One after another, each to its end."""
    for outcome in outcomes:
        before = len(here.tally.outcomes)
        here.shadow.consider(RED, outcome)
        await here.tally.until(before + 1)


async def test_an_image_of_a_grid_is_asked_alone_compared_and_paid(pixels: PixelPool) -> None:
    async with bench(pixels) as here:
        await see(here, [GOOD, BAD])
    assert here.tally.outcomes == ["compared", "compared"]
    assert [(layout, mean) for layout, mean, _, _ in here.tally.figures] == [("2x1", 1.0), ("2x1", 0.5)]
    assert all(0 <= low < mean <= high or mean == high == 1 for _, mean, low, high in here.tally.figures)
    assert here.tally.paid_kinds == ["shadow", "shadow"]
    assert here.provider.images == [RED.image] * 2
    assert here.tally.answered_images == 0, "it answers nobody"


async def test_layouts_are_compared_apart(pixels: PixelPool) -> None:
    async with bench(pixels) as here:
        await see(here, [GOOD, answered(RED, "blue", FOUR)])
    assert [(layout, mean) for layout, mean, _, _ in here.tally.figures] == [("2x1", 1.0), ("2x2", 0.0)]


async def test_tasks_are_watched_apart_and_told_by_their_names(pixels: PixelPool) -> None:
    labelled = replace(RED, lane=replace(RED.lane, task=Task.CLASSIFY))
    async with bench(pixels, GUARDED) as here:
        await see(here, [GOOD] * 2)
        assert here.tally.tasks == ["detect"] * 4
        for outcomes in range(3, 6):
            here.shadow.consider(labelled, BAD)
            await here.tally.until(outcomes)
        assert here.tally.tasks[4:] == ["classify"] * 7, "three times two figures, and a limit"
        assert here.shadow.limited(labelled).lane.layouts == (ALONE,)
        assert here.shadow.limited(RED) is RED
    assert [mean for _, mean, _, _ in here.tally.figures] == [1.0, 1.0, 0.0, 0.0, 0.0]


async def test_labels_are_compared_by_the_objects_that_their_sheet_was_asked_for(pixels: PixelPool) -> None:
    """The vendor's own labels have no boxes: with them every grid would look perfect."""
    labels = replace(RED, lane=replace(RED.lane, task=Task.CLASSIFY, feature=Feature.LABELS), inquiry=Inquiry(Feature.LABELS))
    async with bench(pixels) as here:
        here.shadow.consider(labels, BAD)
        await here.tally.until(1)
    assert [inquiry.feature for _, inquiry in here.provider.asked] == [Feature.OBJECTS]
    assert [mean for _, mean, _, _ in here.tally.figures] == [0.0]


async def test_it_asks_what_the_sheet_was_asked(pixels: PixelPool) -> None:
    """A client's own limits only filter, and the grid's answer is compared before they do."""
    narrow = replace(RED, inquiry=replace(RED.inquiry, max_results=1, own_vendor="rekognition", own_request="{}"))
    async with bench(pixels) as here:
        here.shadow.consider(narrow, GOOD)
        await here.tally.until(1)
    (_, inquiry), *_ = here.provider.asked
    assert (inquiry.min_score_unit, inquiry.max_results, inquiry.own_request) == (0.5, None, "")


@pytest.mark.parametrize(("min_score_unit", "agrees"), [(None, True), (0.5, True), (0.9, False)])
async def test_what_the_client_would_not_see_does_not_count(
    pixels: PixelPool, min_score_unit: float | None, agrees: bool
) -> None:
    """The vendor is sure by 0.9, the grid by 0.6."""
    asking = replace(RED, inquiry=replace(RED.inquiry, min_score_unit=min_score_unit))
    async with bench(pixels) as here:
        here.shadow.consider(asking, answered(RED, score_unit=0.6))
        await here.tally.until(1)
    assert here.tally.figures[0][1] == float(agrees)


LEFT_OUT = {
    "sent alone": answered(RED, layout=ALONE),
    "no answer": Outcome("red", Failure(Kind.THROTTLED, "no"), Bill(PAIR)),
}


@pytest.mark.parametrize("outcome", LEFT_OUT.values(), ids=LEFT_OUT)
async def test_what_is_no_answer_of_a_grid_is_left_out(pixels: PixelPool, outcome: Outcome) -> None:
    async with bench(pixels) as here:
        here.shadow.consider(RED, outcome)
        await asyncio.sleep(0)
    assert (here.tally.outcomes, here.provider.images) == ([], [])


@pytest.mark.parametrize("share_unit", [0.0, 0.25, 1.0])
async def test_the_share_is_the_operator_s(pixels: PixelPool, share_unit: float) -> None:
    async with bench(pixels, Watch(share_unit)) as here:
        for _ in range(400):
            here.shadow.consider(RED, GOOD)
        under_way = MOST_SHADOWS if share_unit else 0
    chosen = here.tally.outcomes.count("skipped") + under_way
    assert chosen == pytest.approx(400 * share_unit, abs=35 if 0 < share_unit < 1 else 0)


async def test_at_most_so_many_at_once_and_the_others_are_skipped(pixels: PixelPool) -> None:
    gate = asyncio.Event()
    async with bench(pixels, provider=ColourProvider(gate=gate)) as here:
        for _ in range(MOST_SHADOWS + 2):
            here.shadow.consider(RED, GOOD)
        assert here.tally.outcomes == ["skipped", "skipped"]
        gate.set()
        await here.tally.until(MOST_SHADOWS + 2)
    assert here.tally.outcomes.count("compared") == MOST_SHADOWS


async def test_it_gives_way_while_the_vendor_throttles(pixels: PixelPool) -> None:
    """The first is turned away by the vendor and not asked again, the second does not even begin."""
    provider = ColourProvider()
    provider.script.append(Problem(Kind.THROTTLED, "slow down"))
    async with bench(pixels, provider=provider) as here:
        await see(here, [GOOD])
        here.shadow.consider(RED, GOOD)
    assert here.tally.outcomes == ["skipped", "skipped"]
    assert here.tally.paid_kinds == []


async def test_none_begins_while_the_process_goes_down(pixels: PixelPool) -> None:
    async with bench(pixels) as here:
        here.shadow.consider(RED, GOOD)  # it has begun, but not yet asked
        here.shadow.drain()
        here.shadow.consider(RED, GOOD)
        await here.tally.until(1)
    assert (here.tally.outcomes, here.tally.paid_kinds) == (["skipped"], [])


async def test_closing_ends_what_is_under_way(pixels: PixelPool) -> None:
    gate = asyncio.Event()
    async with bench(pixels, provider=ColourProvider(gate=gate)) as here:
        here.shadow.consider(RED, GOOD)
        while not here.provider.images:
            await asyncio.sleep(0)
        await here.shadow.close()
    assert here.tally.outcomes == []
    assert here.tally.paid_kinds == ["shadow"], "it was on its way: the vendor may bill it"
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("shadow")]


FAILURES = {
    "refused": Problem(Kind.IMAGE_REFUSED, "no"),
    "garbled, and nothing else": Problem(Kind.REQUEST_REFUSED, "no"),
    "a mistake of ours": ZeroDivisionError("oops"),
    "too slow": TimeoutError(),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_a_shadow_that_fails_is_counted_and_harms_nobody(pixels: PixelPool, failure: Exception) -> None:
    class Failing(ColourProvider):
        async def infer(self, *_args: object, **_more: object) -> None:  # type: ignore[override]  # it never answers
            raise failure

    async with bench(pixels, provider=Failing()) as here:
        await see(here, [GOOD])
    assert here.tally.outcomes == ["failed"]
    assert here.tally.figures == []


def test_a_shadow_has_an_end() -> None:
    assert 0 < SHADOW_S <= 60


async def test_without_a_limit_of_the_operator_s_lanes_stay_as_they_are(pixels: PixelPool) -> None:
    async with bench(pixels) as here:
        await see(here, [BAD] * 30)
        assert here.shadow.limited(RED) is RED
    assert here.tally.limits == []


async def test_grids_get_sparser_when_agreement_is_surely_below_and_denser_after_a_trial(pixels: PixelPool) -> None:
    """Layouts 2x1, 1x2 and 2x2 -> only pairs -> only alone -> a trial of pairs -> pairs -> a trial of all -> all."""
    pairs, bad_four = (PAIR, Layout(1, 2)), answered(RED, "blue", FOUR)
    async with bench(pixels, GUARDED) as here:
        assert here.shadow.limited(RED) is RED
        await see(here, [bad_four] * 3)
        assert here.shadow.limited(RED).lane.layouts == pairs
        await see(here, [BAD] * 3)
        assert here.shadow.limited(RED).lane.layouts == (ALONE,)
        here.clock.advance(99.0)
        assert here.shadow.limited(RED).lane.layouts == (ALONE,)
        here.clock.advance(1.0)
        assert here.shadow.limited(RED).lane.layouts == pairs
        await see(here, [GOOD] * 6)
        here.clock.advance(100.0)
        assert here.shadow.limited(RED) is RED
        await see(here, [answered(RED, layout=FOUR)] * 3)
    assert here.tally.limits == [
        (2, "sparser"), (1, "sparser"), (2, "trial"), (2, "denser"), (None, "trial"), (None, "denser"),
    ]  # fmt: skip


async def test_in_a_trial_every_image_of_the_tried_layouts_is_compared(pixels: PixelPool) -> None:
    """Whatever the dice say: otherwise a share of one percent would leave a hundred times as many images in doubt."""
    dice = Dice()
    async with bench(pixels, replace(GUARDED, share_unit=0.01), dice=dice) as here:
        await see(here, [BAD] * 3)
        here.clock.advance(100.0)
        dice.value = 0.99
        here.shadow.consider(RED, GOOD)
        assert here.tally.limits == [(1, "sparser")]
        here.shadow.limited(RED)
        await see(here, [GOOD] * 3)
        here.shadow.consider(RED, GOOD)
    assert here.tally.limits == [(1, "sparser"), (None, "trial"), (None, "denser")]
    assert here.tally.outcomes == ["compared"] * 6
