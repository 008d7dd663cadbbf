"""Moderation by group tests, for real: whatever the vendor and the machines do, nobody is called safe who is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from app.detectors.markers import MarkerDetector, marker_id_of
from app.emulators.meanings import FIRST_UNSAFE_ID
from app.imaging.array import read_rgb
from tests.support.cluster import Cluster, running_cluster, until
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.moderation_load import Moderated, Told, moderate, pictures
from tests.support.server import RunningServer, running_server

SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "150",
    "TESSERA_PROVIDER_TIMEOUT_MS": "1000",
    "TESSERA_REQUEST_TIMEOUT_MS": "9000",
}
# So many safe pictures teach a fresh proxy that groups pay.
LESSON = 40


@dataclass(frozen=True, slots=True)
class Case:
    """What the emulator is told. `may_fail`: answers may be the vendor's own errors."""

    name: str
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Mapping[str, Any]] = ()
    may_fail: bool = False


CASES = (
    Case("nothing is wrong"),
    Case("throttles 30 %", {"throttle_share": 0.3}),
    Case("fails for every third call", faults=[{"kind": "error500", "share": 0.33}]),
    Case("stalls twice for longer than we wait", faults=[{"kind": "stall", "times": 2, "seconds": 2.5}]),
    Case("answers nonsense twice", faults=[{"kind": "garbage", "times": 2}]),
    Case("breaks off in mid-answer twice", faults=[{"kind": "truncated", "times": 2}]),
    Case("hangs up twice", faults=[{"kind": "close", "times": 2}]),
    Case("refuses a sheet for no reason", faults=[{"kind": "refuse", "times": 1}]),
    Case("refuses everything", faults=[{"kind": "refuse", "share": 1.0}], may_fail=True),
    Case("fails always", faults=[{"kind": "error500", "share": 1.0}], may_fail=True),
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    with running_emulator("--no-classical") as running:
        yield running


@pytest.fixture(scope="module")
def some(emulator: RunningEmulator) -> list[Moderated]:
    return pictures(emulator, safe=44, unsafe=4, seed=1)


@pytest.fixture(scope="module")
def server(emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    log_file = tmp_path_factory.mktemp("moderation") / "serve.log"
    with running_server(log_file, TESSERA_UPSTREAM_URL=emulator.url, **SETTINGS) as running:
        assert wrong(moderate([running.url], pictures(emulator, safe=LESSON, unsafe=0, seed=2))) == []
        yield running


def wrong(replies: Sequence[Told]) -> list[Told]:
    return [reply for reply in replies if not reply.is_right]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_verdict_is_right_whatever_the_vendor_does(
    server: RunningServer, emulator: RunningEmulator, some: list[Moderated], case: Case
) -> None:
    emulator.reset()
    before = paid_by(server)
    emulator.behave(**case.behaviour)
    for fault in case.faults:
        emulator.add_fault(**fault)
    replies = moderate([server.url], some[:16] if case.may_fail else some)
    mistakes = wrong(replies)
    assert [reply for reply in mistakes if reply.labels is not None] == []
    assert mistakes == [] or case.may_fail
    until("the emulator is idle", lambda: emulator.counters()["in_flight"] == 0)
    if case.name == "nothing is wrong":
        assert sum(reply.share for reply in replies) == pytest.approx(emulator.paid(), abs=0.05)
        assert paid_by(server) - before == emulator.paid() < 0.75 * len(some)


def paid_by(server: RunningServer) -> int:
    return int(server.stats()["inferences"]["paid"])


def test_a_poisoned_picture_costs_its_neighbours_nothing(
    server: RunningServer, emulator: RunningEmulator, some: list[Moderated]
) -> None:
    """The vendor refuses whatever shows this one: it gets that answer, the others theirs."""
    emulator.reset()
    emulator.behave(poison=[FIRST_UNSAFE_ID])
    replies = moderate([server.url], some)
    refused = [reply for reply in replies if reply.labels is None]
    assert [reply.status for reply in refused] == [422] or [reply.status for reply in refused] == [415]
    assert [reply for reply in wrong(replies) if reply.labels is not None] == []


def test_bad_images_get_clear_errors_and_their_neighbours_answers(
    server: RunningServer, emulator: RunningEmulator, some: list[Moderated]
) -> None:
    emulator.reset()
    cut_off = some[0].data[: len(some[0].data) // 2]
    bad = [Moderated(data, ()) for data in (b"no image", cut_off, some[0].data[:200])]
    replies = moderate([server.url], [*some[:12], *bad, *some[12:24]])
    by_data = {reply.picture.data: reply for reply in replies}
    assert by_data[b"no image"].status == 415
    assert [reply for reply in wrong(replies) if reply.picture not in bad] == []


@pytest.mark.redis
def test_processes_share_what_they_know_and_lose_nothing_when_one_dies(tmp_path: Path) -> None:
    with running_cluster(tmp_path, api=2, workers=2, settings=SETTINGS) as cluster:
        teach(cluster)
        some = pictures(cluster.emulator, safe=70, unsafe=3, seed=3)
        replies = moderate([api.url for api in cluster.apis], some)
        assert wrong(replies) == []
        assert sum(reply.layout != "1x1" for reply in replies) > len(some) / 2
        cluster.start("api")  # it asks nobody alone to find out what the others know
        newcomer = cluster.apis[-1]
        assert wrong(moderate([newcomer.url], some[:20])) == []
        until("it knows", lambda: newcomer.stats()["groups"]["prevalence"] is not None)
        replies = moderate([newcomer.url], some)
        assert wrong(replies) == []
        assert newcomer.stats()["bypass"]["prevalence"] < 20
        cluster.emulator.behave(latency_ms=200)
        cluster.workers[0].kill()
        assert wrong(moderate([api.url for api in cluster.apis], some)) == []


def teach(cluster: Cluster) -> None:
    lesson = pictures(cluster.emulator, safe=LESSON, unsafe=0, seed=4)
    assert wrong(moderate([api.url for api in cluster.apis], lesson)) == []


def test_tenants_never_share_a_group(tmp_path: Path) -> None:
    """Seen in the pixels that the vendor got: no picture of theirs shows markers of both."""
    eyes, sheets = MarkerDetector(), tmp_path / "sheets"

    def seen_in(data: bytes) -> set[int]:
        rgb = read_rgb(data, max_pixels=10_000_000)
        return {known for seen in eyes.look(rgb) if (known := marker_id_of(seen.label)) is not None}

    with (
        running_emulator("--no-classical", "--record", str(sheets)) as emulator,
        running_server(tmp_path / "serve.log", TESSERA_UPSTREAM_URL=emulator.url, **SETTINGS) as server,
    ):
        some = [
            replace(one, key=f"key-of-tenant-{max(seen_in(one.data)) % 2}")
            for one in pictures(emulator, safe=120, unsafe=4, seed=5)
        ]
        for file in sheets.iterdir():
            file.unlink()
        replies = moderate([server.url], some)
        assert wrong(replies) == []
        assert {reply.layout for reply in replies} > {"1x1"}
    shown = [seen_in(file.read_bytes()) for file in sheets.glob("*.jpg")]
    assert max(map(len, shown)) > 3
    assert [markers for markers in shown if len({marker % 2 for marker in markers}) != 1] == []
