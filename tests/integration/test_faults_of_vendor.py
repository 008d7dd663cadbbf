"""The vendor misbehaves, for real: one proxy in one process, one emulator that does wrong on request.

After each fault: every request has exactly one answer, with its own image's boxes and no other, and the two books agree:
what the emulator was paid, and what we say we paid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.cluster import until
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.load import OK, Client, Load, NativeClient, Reply, SdkClient, identity_images, mistakes, run_load
from tests.support.server import RunningServer, running_server

THROTTLED = 12  # calls; from then on the vendor is asked twice a second
IMAGES = 24
# So fast that nearly all images share sheets, and still one by one.
BURST_PER_S = 120.0
POISONED = 7
MIN_SAVED_PERCENT = 40.0
# A face is found again in a sheet within this much of where it is, ratio of the image.
BOX_TOLERANCE_UNIT = 0.02

SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "150",
    "TESSERA_PROVIDER_TIMEOUT_MS": "1000",
    "TESSERA_REQUEST_TIMEOUT_MS": "20000",
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """The proxy and the vendor behind it, both shared by the tests of this file: each begins with `reset`."""

    emulator: RunningEmulator
    server: RunningServer

    def paid(self) -> tuple[int, int]:
        """What the emulator was paid since its reset, and what the proxy has paid since it started."""
        until("the emulator is idle", lambda: self.emulator.counters()["in_flight"] == 0)
        return self.emulator.paid(), int(self.server.stats()["inferences"]["paid"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    folder = tmp_path_factory.mktemp("vendor")
    with (
        running_emulator("--no-classical") as emulator,
        running_server(folder / "serve.log", TESSERA_UPSTREAM_URL=emulator.url, **SETTINGS) as server,
    ):
        yield Upstream(emulator, server)


@pytest.fixture
def upstream(shared: Upstream) -> Upstream:
    shared.emulator.reset()
    return shared


@dataclass(frozen=True, slots=True)
class Case:
    """What the emulator is told. `unseen`: attempts that we must count as paid and that the emulator did not charge."""

    name: str
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Mapping[str, Any]] = ()
    unseen: int = 0
    saves: bool = True


CASES = (
    Case("nothing is wrong"),
    Case("throttles 30 %", {"throttle_share": 0.3}),
    Case("allows 15 calls per second", {"rate_per_s": 15.0}),
    Case("fails twice", faults=[{"kind": "error500", "times": 2}]),
    Case("fails for every third call", faults=[{"kind": "error500", "share": 0.33}]),
    # It looks at what it was sent, however late; we have asked again by then. Nobody can know, so both count.
    Case("stalls twice for longer than we wait", faults=[{"kind": "stall", "times": 2, "seconds": 2.5}]),
    Case("answers nonsense twice", faults=[{"kind": "garbage", "times": 2}]),
    Case("breaks off in mid-answer twice", faults=[{"kind": "truncated", "times": 2}]),
    # It did not look; but from the outside a connection that ends after the request was sent may have been billed.
    Case("hangs up twice", faults=[{"kind": "close", "times": 2}], unseen=2),
    Case("refuses a sheet for no reason", faults=[{"kind": "refuse", "times": 1}]),
    Case(
        "does everything wrong at once",
        {"throttle_share": 0.1},
        [{"kind": "error500", "share": 0.1}, {"kind": "truncated", "share": 0.05}, {"kind": "garbage", "share": 0.05}],
        saves=False,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_image_gets_its_own_boxes_and_the_books_agree(upstream: Upstream, case: Case) -> None:
    upstream.emulator.behave(faults=list(case.faults), **case.behaviour)
    paid_before = upstream.paid()[1]
    replies = run_load([NativeClient(upstream.server.url)], identity_images(range(IMAGES)), rate_per_s=BURST_PER_S)
    assert mistakes(replies) == []
    billed, ours = upstream.paid()
    assert ours - paid_before == billed + case.unseen
    assert sum(reply.share for reply in replies) == pytest.approx(ours - paid_before, abs=0.01)
    if case.saves:
        assert billed < IMAGES


def test_a_poisoned_image_fails_alone_and_its_neighbours_do_not_notice(upstream: Upstream) -> None:
    """A refused sheet is halved until the bad image is alone; the vendor's own error goes to its client."""
    upstream.emulator.behave(poison=[POISONED])
    paid_before = upstream.paid()[1]
    clients: list[Client] = [NativeClient(upstream.server.url), SdkClient(upstream.server.client())]
    replies = run_load(clients, identity_images(range(IMAGES)), rate_per_s=BURST_PER_S)
    assert mistakes(replies, may_fail=lambda reply: reply.image.marker_id == POISONED) == []
    (refused,) = [reply for reply in replies if reply.image.marker_id == POISONED]
    assert refused.status == 400
    assert refused.error == "InvalidImageFormatException"
    billed, ours = upstream.paid()
    assert ours - paid_before == billed


def test_an_image_that_no_vendor_would_take_is_refused_before_it_meets_anybody(upstream: Upstream) -> None:
    images = identity_images(range(8))
    client = NativeClient(upstream.server.url)
    broken = [type(image)(image.marker_id, image.content[: len(image.content) // 2], image.truth) for image in images[:3]]
    replies = run_load([client], [*broken, *images[3:]], rate_per_s=BURST_PER_S)
    assert [reply.status for reply in replies[:3]] == [415, 415, 415]
    assert mistakes(replies[3:]) == []
    assert upstream.emulator.counters()["totals"]["refused"] == 0


def test_a_sheet_whose_answer_was_cut_off_is_asked_again_in_halves(upstream: Upstream) -> None:
    """DetectFaces gives 100 faces at most, the largest first: behind so many specks others may be missing."""
    upstream.emulator.add_fault("many_boxes", operation="DetectFaces", times=1)
    paid_before = upstream.paid()[1]
    client = NativeClient(upstream.server.url, features="faces")
    replies = run_load([client], identity_images(range(8)), rate_per_s=BURST_PER_S)
    assert [reply.error or reply.seen for reply in replies if not has_its_own_face_only(reply)] == []
    billed, ours = upstream.paid()
    assert ours - paid_before == billed
    assert sum(reply.share for reply in replies) == pytest.approx(billed, abs=0.01)


def has_its_own_face_only(reply: Reply) -> bool:
    """A marker is a face for DetectFaces: one is seen, and it lies where the image has its marker."""
    boxes = [seen.box for seen in reply.seen]
    return reply.status == OK and [box.left if box else None for box in boxes] == [
        pytest.approx(reply.image.truth.box.left, abs=BOX_TOLERANCE_UNIT)
    ]


def test_boxes_outside_the_sheet_belong_to_nobody(upstream: Upstream) -> None:
    upstream.emulator.add_fault("outside_boxes", share=1.0)
    replies = run_load([NativeClient(upstream.server.url)], identity_images(range(IMAGES)), rate_per_s=BURST_PER_S)
    gridded = [reply for reply in replies if reply.layout != "1x1"]
    assert len(gridded) >= IMAGES - 4
    assert mistakes(gridded) == []


def test_after_a_spell_of_throttling_everybody_is_answered_and_sheets_are_shared_again_at_once(upstream: Upstream) -> None:
    """What the spell took is no measure of the vendor: images would go alone, or be paid twice, long after it."""
    upstream.emulator.behave(throttle_share=1.0)
    url = upstream.server.url
    during = Load([NativeClient(url)], identity_images(range(IMAGES)), rate_per_s=BURST_PER_S).start()
    until("sheets were throttled again and again", lambda: upstream.emulator.counters()["totals"]["throttled"] >= THROTTLED)
    upstream.emulator.behave(throttle_share=0.0)
    assert mistakes(during.wait()) == []
    paid_before = upstream.paid()[0]
    assert mistakes(run_load([NativeClient(url)], identity_images(range(IMAGES)), rate_per_s=BURST_PER_S)) == []
    assert 100 * (1 - (upstream.paid()[0] - paid_before) / IMAGES) >= MIN_SAVED_PERCENT


def test_a_vendor_that_is_away_for_good_ends_in_its_own_error_and_in_time(upstream: Upstream) -> None:
    """The retries end with the request's own time (here the shortest of it: a wish for little patience is the client's)."""
    upstream.emulator.add_fault("garbage")
    replies = run_load([SdkClient(upstream.server.client())], identity_images(range(6)), rate_per_s=BURST_PER_S)
    assert {reply.status for reply in replies} <= {500, 502, 503}
    assert all(reply.error for reply in replies)
    assert max(reply.seconds for reply in replies) < 20
