"""Group tests: a clean group is one inference, nobody is cleared but by an answer, singles get their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clock import SystemClock
from app.core.geometry import Size
from app.core.group_testing import answered, begin
from app.core.model import Answer, Detection, Failure, Feature, Inquiry, Item, Outcome, Release
from app.errors import Kind, Problem
from app.providers.calling import LeaseLost
from app.providers.contract import Capabilities, Reading
from app.work.groups import open_group
from app.work.pixels import PixelPool
from tests.support.colours import COLOURS, painted
from tests.support.moderate_bench import AlarmedProvider, ModerateBench, items, job

EIGHT = tuple(COLOURS)
ALARM = ("violence", 0.95)


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(2)
    yield pool
    pool.close()


async def answer(bench: ModerateBench, group: tuple[Item, ...]) -> dict[str, Outcome]:
    await bench.work.answer(open_group("sheet", group, Release.FULL, bench.clock.now_s()), bench.deliver)
    outcomes = bench.by_id()
    assert set(outcomes) == {item.job.id for item in group}
    return outcomes


def colours_of(outcome: Outcome) -> list[object]:
    assert isinstance(outcome.result, Answer), outcome
    return [detection.fields["colour"] for detection in outcome.result.detections]


def was_alone(outcome: Outcome) -> bool:
    return isinstance(outcome.result, Answer) and outcome.result.verbatim is not None


async def test_a_clean_group_accepts_all_its_images_for_one_inference(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(), pixels)
    outcomes = await answer(bench, items(*EIGHT))
    assert bench.tally.paid_kinds == ["group_test"]
    assert bench.tally.groups == [(8, "clean")]
    for outcome in outcomes.values():
        assert outcome.result == Answer(())
        assert (outcome.bill.inferences, outcome.bill.layout.cells) == (1 / 8, 9)
    assert bench.estimates.told == [(8, 0)]
    assert set(bench.tally.verdicts) == {("cleared", 1)}


def questions(unsafe: frozenset[str], order: tuple[str, ...]) -> int:
    """What the state machine asks where every answer is right."""
    waiting, asked = list(begin(order, [len(order)]).ask), 0
    while waiting:
        question = waiting.pop()
        asked += 1
        is_flagged = bool(unsafe & set(question.ids))
        waiting += answered(question, question.ids if is_flagged else ()).ask
    return asked


@settings(max_examples=40)
@given(unsafe=st.frozensets(st.sampled_from(EIGHT)), order=st.permutations(EIGHT))
async def test_every_image_gets_its_own_verdict_and_the_bill_adds_up(unsafe: frozenset[str], order: list[str]) -> None:
    pool = PixelPool(1)
    try:
        bench = ModerateBench(AlarmedProvider(alarming=dict.fromkeys(unsafe, ALARM)), pool)
        outcomes = await answer(bench, items(*order))
    finally:
        pool.close()
    for colour, outcome in outcomes.items():
        assert colours_of(outcome) == ([colour] if colour in unsafe else [])
        assert was_alone(outcome) or colour not in unsafe
    paid = len(bench.tally.paid_kinds)
    assert paid == questions(unsafe, tuple(order))
    assert sum(outcome.bill.inferences for outcome in outcomes.values()) == pytest.approx(paid)
    assert {outcome.bill.layout.cells for outcome in outcomes.values()} == {9}
    assert bench.estimates.told == [(8, len(unsafe))]


async def test_parts_of_a_group_are_composed_anew_and_larger(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(alarming={"red": ALARM}), pixels)
    await answer(bench, tuple(Item(job(colour, size=Size(800, 600)), 0.0, 30.0) for colour in EIGHT))
    layouts = [layout for layout, _, images in bench.tally.sheets if images > 1]
    assert layouts[0] == "3x3"
    assert layouts[1] == "2x2"
    first, second = (size for size, _ in bench.provider.asked[:2])
    assert second.width_px / 2 > 1.4 * first.width_px / 3


async def test_a_group_is_asked_at_a_lower_threshold_and_singles_at_their_own(pixels: PixelPool) -> None:
    """Alone 0.95; in a ninth of the picture 0.55; an image of 0.6 is only 0.35 there, and must not be passed as clean."""
    bench = ModerateBench(AlarmedProvider(alarming={"blue": ("adult", 0.6)}), pixels)
    outcomes = await answer(bench, items(*EIGHT))
    assert colours_of(outcomes["blue"]) == ["blue"]
    thresholds = [inquiry.min_score_unit for _, inquiry in bench.provider.asked]
    assert thresholds[0] == pytest.approx(0.2)
    assert min(value for value in thresholds if value is not None) == pytest.approx(0.2)
    assert [inquiry.own_vendor for _, inquiry in bench.provider.asked[:1]] == [""]


async def test_each_client_has_his_own_threshold_and_categories(pixels: PixelPool) -> None:
    """Red is alarming only to those who care for gambling, and blue only to those with low thresholds."""
    provider = AlarmedProvider(alarming={"red": ("gambling", 0.95), "blue": ("adult", 0.5)})
    careless = Inquiry(Feature.MODERATION, min_score_unit=0.9, categories=("adult",))
    careful = Inquiry(Feature.MODERATION, min_score_unit=0.3)
    bench = ModerateBench(provider, pixels)
    group = [Item(job(colour, careless), 0.0, 30.0) for colour in ("red", "green", "yellow")]
    group += [Item(job(colour, careful), 0.0, 30.0) for colour in ("blue", "cyan", "black")]
    outcomes = await answer(bench, tuple(group))
    assert {colour for colour, outcome in outcomes.items() if was_alone(outcome)} == {"blue", "cyan", "black"} - cleared(
        outcomes
    )
    assert colours_of(outcomes["blue"]) == ["blue"]
    assert cleared(outcomes) >= {"red", "green", "yellow"}, "nobody there asked about gambling"


def cleared(outcomes: dict[str, Outcome]) -> set[str]:
    return {colour for colour, outcome in outcomes.items() if not was_alone(outcome)}


async def test_a_poisoned_image_costs_its_neighbours_no_answer_and_clears_nobody(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(alarming={"blue": ALARM}, poison=frozenset({"red"})), pixels)
    outcomes = await answer(bench, items(*EIGHT))
    assert isinstance(outcomes["red"].result, Failure)
    assert outcomes["red"].result.kind is Kind.IMAGE_REFUSED
    assert colours_of(outcomes["blue"]) == ["blue"]
    assert all(isinstance(outcomes[colour].result, Answer) for colour in EIGHT if colour != "red")
    assert (8, "failed") in bench.tally.groups


@pytest.mark.parametrize("kind", [Kind.PROVIDER_UNAVAILABLE, Kind.PROVIDER_GARBLED])
async def test_a_vendor_that_trips_over_one_image_is_asked_about_the_parts(pixels: PixelPool, kind: Kind) -> None:
    provider = AlarmedProvider(alarming={"cyan": ALARM}, tripping=frozenset({"red"}), trip=kind)
    outcomes = await answer(ModerateBench(provider, pixels), items(*EIGHT))
    assert was_alone(outcomes["red"])
    assert colours_of(outcomes["cyan"]) == ["cyan"]


@pytest.mark.parametrize(
    "kind", [Kind.PROVIDER_TIMEOUT, Kind.PROVIDER_DENIED, Kind.PROVIDER_UNAVAILABLE, Kind.PROVIDER_GARBLED]
)
async def test_no_failure_ever_becomes_a_clean_verdict(pixels: PixelPool, kind: Kind) -> None:
    """Whatever is answered after any number of failures was answered by the vendor, and is right."""
    for failures in (1, 2, 3, 5, 8, 400):
        provider = AlarmedProvider(alarming={"red": ALARM, "blue": ALARM})
        provider.script = deque([Problem(kind, "not now")] * failures)
        bench = ModerateBench(provider, pixels)
        outcomes = await answer(bench, items(*EIGHT, time_left_s=6.0))
        for colour, outcome in outcomes.items():
            if isinstance(outcome.result, Answer):
                assert colours_of(outcome) == ([colour] if colour in ("red", "blue") else [])
            else:
                assert outcome.result.kind in {kind, Kind.DEADLINE_EXCEEDED}
        if failures == 400:
            assert all(isinstance(outcome.result, Failure) for outcome in outcomes.values())


async def test_a_vendor_that_throttles_to_the_end_clears_nobody(pixels: PixelPool) -> None:
    provider = AlarmedProvider(alarming={"red": ALARM})
    provider.script = deque([Problem(Kind.THROTTLED, "not now")] * 400)
    bench = ModerateBench(provider, pixels, clock=SystemClock())
    for outcome in (await answer(bench, items(*EIGHT, time_left_s=4.0))).values():
        assert isinstance(outcome.result, Failure)
        assert outcome.result.kind in {Kind.THROTTLED, Kind.DEADLINE_EXCEEDED}


async def test_an_answer_that_cannot_be_read_whole_sends_each_image_alone(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(alarming={"red": ALARM}, broken=1), pixels)
    outcomes = await answer(bench, items("red", "green", "blue"))
    assert all(was_alone(outcome) for outcome in outcomes.values())
    assert bench.tally.groups == [(3, "unsure")]
    assert bench.estimates.told == [(3, 1)]
    assert bench.tally.paid_kinds == ["group_test", "single", "single", "single"]


async def test_a_single_answer_that_another_vendors_client_would_get_in_part_is_an_error(pixels: PixelPool) -> None:
    class Unreadable(AlarmedProvider):
        async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> object:  # type: ignore[override]  # a Reading
            return replace(await super().infer(image, inquiry, timeout_s=timeout_s), broken=1)

    foreign = Inquiry(Feature.MODERATION, min_score_unit=0.5)
    own = Inquiry(Feature.MODERATION, min_score_unit=0.5, own_vendor="rekognition", own_request="{}")
    bench = ModerateBench(Unreadable(), pixels)
    outcomes = await answer(bench, (Item(job("red", foreign), 0.0, 30.0), Item(job("green", own), 0.0, 30.0)))
    assert isinstance(outcomes["red"].result, Failure)
    assert outcomes["red"].result.kind is Kind.PROVIDER_GARBLED
    assert was_alone(outcomes["green"]), "its own vendor's client reads the body himself"


async def test_who_cannot_afford_another_round_is_asked_alone_at_once(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(alarming={"red": ALARM}, takes_s=0.5), pixels)
    hurried = tuple(Item(job(colour), 0.0, 2.0) for colour in ("red", "green"))
    patient = items("blue", "yellow", "cyan")
    outcomes = await answer(bench, (*hurried, *patient))
    assert all(was_alone(outcomes[colour]) for colour in ("red", "green"))
    assert cleared(outcomes) == {"blue", "yellow", "cyan"}
    assert bench.tally.groups == [(3, "clean")]


@pytest.mark.parametrize("time_left_s", [1.0, 2.0, 3.0, 4.0, 6.0, 9.0])
async def test_too_little_time_clears_nobody(pixels: PixelPool, time_left_s: float) -> None:
    """The vendor takes 0.6 s, one after the other: however little time there is, nobody is called clean for want of it."""
    bench = ModerateBench(AlarmedProvider(alarming=dict.fromkeys(EIGHT[:3], ALARM), takes_s=0.6), pixels)
    group = open_group("sheet", items(*EIGHT, time_left_s=time_left_s), Release.FULL, bench.clock.now_s())
    await bench.work.answer(group, bench.deliver)
    assert len(bench.by_id()) == len(EIGHT)
    for colour, outcome in bench.by_id().items():
        if isinstance(outcome.result, Answer):
            assert colours_of(outcome) == ([colour] if colour in EIGHT[:3] else [])


async def test_an_image_that_does_not_decode_goes_alone_and_the_rest_together(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(alarming={"red": ALARM}), pixels)
    spoiled = Item(job("green", image=b"\x89PNG no image at all"), 0.0, 30.0)
    outcomes = await answer(bench, (spoiled, *items("red", "blue", "yellow")))
    assert isinstance(outcomes["green"].result, Failure)
    assert colours_of(outcomes["red"]) == ["red"]
    assert {"blue", "yellow"} <= set(outcomes)


async def test_a_high_prevalence_sends_everybody_alone(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(alarming={"red": ALARM}), pixels, prevalence=0.4)
    outcomes = await answer(bench, items(*EIGHT))
    assert bench.tally.paid_kinds == ["single"] * 8
    assert colours_of(outcomes["red"]) == ["red"]
    assert all(str(outcome.bill.layout) == "1x1" for outcome in outcomes.values())


async def test_batches_that_failed_before_are_asked_one_by_one(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(), pixels)
    group = open_group("sheet", items(*EIGHT), Release.FULL, bench.clock.now_s())
    await bench.work.answer_each_alone(group, bench.deliver)
    assert len(bench.by_id()) == 8
    assert bench.tally.paid_kinds == ["single"] * 8


async def test_a_false_alarm_is_told_as_one(pixels: PixelPool) -> None:
    """Below its client's threshold and above the group's: it will flag the next group, too."""
    bench = ModerateBench(AlarmedProvider(alarming={"red": ("violence", 0.49)}), pixels)
    outcomes = await answer(bench, items(*EIGHT))
    assert was_alone(outcomes["red"])
    assert bench.estimates.told == [(8, 0)]
    assert bench.estimates.alarms == [(8.0, 1.0)]


async def test_a_lost_lease_ends_the_test_and_pays_nothing_more(pixels: PixelPool) -> None:
    bench = ModerateBench(AlarmedProvider(alarming={"red": ALARM}), pixels)
    permits = iter([True, True, False])

    async def permit(_lease_s: float) -> bool:
        return next(permits, False)

    group = open_group("sheet", items(*EIGHT), Release.FULL, bench.clock.now_s(), permit)
    with pytest.raises(LeaseLost):
        await bench.work.answer(group, bench.deliver)
    assert len(bench.tally.paid_kinds) <= 2
    assert bench.estimates.told == []


class Undecided(AlarmedProvider):
    """Says of every picture that it does not know whether it is racy, as Google may."""

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        reading = await super().infer(image, inquiry, timeout_s=timeout_s)
        unknown = Detection(Feature.MODERATION, "racy", 0.0, None, fields={"likelihood": "UNKNOWN", "colour": ""})
        return replace(reading, detections=(*reading.detections, unknown))


async def test_who_gets_no_word_of_the_vendors_is_not_told_that_it_is_safe(pixels: PixelPool) -> None:
    """In a group that is no verdict. Alone it is an error, but for who did not ask about it, or reads the vendor's words."""
    anybody = Inquiry(Feature.MODERATION, min_score_unit=0.5)
    own = replace(anybody, own_vendor="rekognition", own_request="{}")
    other = replace(anybody, categories=("violence",))
    bench = ModerateBench(Undecided(), pixels)
    asked = {"red": anybody, "green": own, "blue": other}
    outcomes = await answer(bench, tuple(Item(job(colour, inquiry), 0.0, 30.0) for colour, inquiry in asked.items()))
    assert bench.tally.groups == [(3, "unsure")]
    assert isinstance(outcomes["red"].result, Failure)
    assert was_alone(outcomes["green"])
    assert was_alone(outcomes["blue"])
    assert bench.estimates.told == [(2, 1)], "what the vendor does not know of is not counted as clean"


async def test_one_pressed_image_does_not_cost_the_others_their_answers(pixels: PixelPool) -> None:
    """The vendor fails until the first one's time is nearly over: it is asked alone then, and the others again."""
    provider = AlarmedProvider(alarming={"blue": ALARM})
    provider.script = deque([Problem(Kind.THROTTLED, "not now", retry_after_s=0.4)] * 8)
    bench = ModerateBench(provider, pixels, clock=SystemClock())
    outcomes = await answer(bench, (Item(job("red"), 0.0, 4.5), *items("green", "blue", "yellow")))
    assert colours_of(outcomes["blue"]) == ["blue"]
    assert all(isinstance(outcomes[colour].result, Answer) for colour in ("green", "blue", "yellow"))


async def test_an_image_that_troubles_the_vendor_alone_does_not_hold_up_those_who_wait_for_it(pixels: PixelPool) -> None:
    class Troubled(AlarmedProvider):
        """Fails for red alone, for ever."""

        async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
            if image == painted("red"):
                raise Problem(Kind.PROVIDER_UNAVAILABLE, "not this one")
            return await super().infer(image, inquiry, timeout_s=timeout_s)

    bench = ModerateBench(Troubled(alarming={"red": ALARM}), pixels, clock=SystemClock())
    group = (Item(job("red"), 0.0, 7.0), *items("green", "blue", time_left_s=6.0))
    outcomes = await answer(bench, group)
    assert isinstance(outcomes["red"].result, Failure)
    assert all(isinstance(outcomes[colour].result, Answer) for colour in ("green", "blue"))


async def test_each_image_is_told_its_own_first_layout_and_its_own_sheet(pixels: PixelPool) -> None:
    """Who went alone from the start was on no grid; two groups of one batch are two sheets."""
    bench = ModerateBench(AlarmedProvider(), pixels)
    outcomes = await answer(bench, (Item(job("red"), 0.0, 1.2), *items("green", "blue", "yellow")))
    assert str(outcomes["red"].bill.layout) == "1x1"
    assert {str(outcomes[colour].bill.layout) for colour in ("green", "blue", "yellow")} != {"1x1"}
    several = ModerateBench(AlarmedProvider(), pixels, prevalence=0.2)
    found = await answer(several, items(*EIGHT[:6]))
    assert len({outcome.bill.sheet_id for outcome in found.values()}) == 2


class Wordy(AlarmedProvider):
    """Has five scores, as Google has five words."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, moderation_steps=STEPS)

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        reading = await super().infer(image, inquiry, timeout_s=timeout_s)
        said = [replace(one, score_unit=max(step for step in STEPS if step <= one.score_unit)) for one in reading.detections]
        return replace(reading, detections=tuple(said))


STEPS = (0.0, 0.25, 0.5, 0.75)


@pytest.mark.parametrize("count", range(2, 9))
async def test_what_drops_by_a_word_on_a_sheet_is_found_in_groups_of_any_size(pixels: PixelPool, count: int) -> None:
    """Just enough for its client alone. Wherever it lies in its group, it is asked alone in the end."""
    for place in range(count):
        colours = [colour for colour in EIGHT if colour != "red"][: count - 1]
        colours.insert(place, "red")
        bench = ModerateBench(Wordy(alarming={"red": ("violence", 0.74)}), pixels)
        assert colours_of((await answer(bench, items(*colours)))["red"]) == ["red"]


async def test_an_image_that_is_shown_far_smaller_than_the_others_is_asked_alone(pixels: PixelPool) -> None:
    """A panorama among portraits: no margin is known for that."""
    panorama = Item(job("red", size=Size(1600, 140)), 0.0, 30.0)
    portraits = [Item(job(colour, size=Size(160, 1400)), 0.0, 30.0) for colour in EIGHT if colour != "red"]
    bench = ModerateBench(AlarmedProvider(alarming={"red": ("violence", 0.55)}), pixels)
    outcomes = await answer(bench, (panorama, *portraits))
    assert colours_of(outcomes["red"]) == ["red"]
