"""The saving over several processes is that of one shared accumulator.

With Poisson arrivals at rate r in a lane, a window W that opens with the oldest image, and k cells, a sheet holds
1 + min(Poisson(r W), k - 1) images. Two processes that each gathered for themselves would see half the rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, running_cluster
from tests.support.load import NativeClient, Reply, identity_images, mistakes, run_load

pytestmark = pytest.mark.redis

WINDOW_S = 0.125
RATE_PER_S = 16.0  # r W = 2: far from both ends, and two lanes of it leave two cores time to spare
IMAGES = 220
# A timer, a wake-up through Redis and a busy machine make windows longer than asked for, by no more than this, seconds.
LATE_S = 0.06
# Standard deviations: one run in some thousands is as far off by chance.
SIGMAS = 3.5


@dataclass(frozen=True, slots=True)
class Lane:
    """Images that share sheets: what their requests ask for, and the cells that this allows. `seed` is that of the arrivals."""

    name: str
    headers: dict[str, str]
    cells: int
    first_marker: int
    seed: int


# One lane by the accuracy budget, one by the operator's fixed layout: both at the same time, over the same processes.
LANES = (
    Lane("budget", {"X-Tessera-Max-Map-Drop": "0.03"}, cells=2, first_marker=0, seed=11),
    Lane("layout", {}, cells=4, first_marker=500, seed=12),
)


def terms(rate_times_window: float, cells: int) -> list[float]:
    """Probability of 1, 2, ... `cells` images on a sheet."""
    shares = [math.exp(-rate_times_window) * rate_times_window**n / math.factorial(n) for n in range(cells - 1)]
    return [*shares, 1 - sum(shares)]


def mean_images(rate_times_window: float, cells: int) -> float:
    """Expected images per inference."""
    return sum(n * share for n, share in enumerate(terms(rate_times_window, cells), start=1))


def deviation(rate_times_window: float, cells: int, sheets: int) -> float:
    """Standard deviation of the mean over so many sheets."""
    squares = sum(n * n * share for n, share in enumerate(terms(rate_times_window, cells), start=1))
    return math.sqrt((squares - mean_images(rate_times_window, cells) ** 2) / sheets)


def sheets_of_one_accumulator(times_s: Sequence[float], window_s: float, cells: int) -> int:
    """How many sheets these very arrivals make: a sheet ends when it is full, or `window_s` after its first image."""
    sheets, held, opened_s = 0, 0, -math.inf
    for at_s in times_s:
        if held == 0 or held == cells or at_s > opened_s + window_s:
            sheets, held, opened_s = sheets + 1, 0, at_s
        held += 1
    return sheets


def test_the_formula_gives_the_figures_that_are_known() -> None:
    """shared knowledge: for two cells 39 % are saved at r W = 1, 46 % at 2, 48.7 % at 3."""
    saved = [1 - 1 / mean_images(rate_times_window, 2) for rate_times_window in (1, 2, 3)]
    assert saved == pytest.approx([0.387, 0.464, 0.487], abs=0.001)
    assert sheets_of_one_accumulator([0.0, 0.05, 0.06, 0.3, 0.39, 0.41], 0.1, 2) == 4
    assert sheets_of_one_accumulator([0.0, 0.05, 0.06, 0.3, 0.39, 0.41], 0.1, 4) == 3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    settings = {"TESSERA_MAX_WAIT_MS": str(round(1000 * WINDOW_S)), "TESSERA_LAYOUTS": "2x2"}
    folder: Path = tmp_path_factory.mktemp("savings")
    with running_cluster(folder, api=2, workers=2, settings=settings) as cluster:
        yield cluster


def run_lane(cluster: Cluster, lane: Lane) -> list[Reply]:
    """Arrivals that take turns between the API processes: each sees half the rate."""
    clients = [NativeClient(api.url, headers=lane.headers) for api in cluster.apis]
    images = identity_images(range(lane.first_marker, lane.first_marker + IMAGES))
    return run_load(clients, images, rate_per_s=RATE_PER_S, seed=lane.seed, name=lane.name)


def test_two_processes_save_as_much_as_one(cluster: Cluster) -> None:
    with ThreadPoolExecutor(len(LANES)) as pool:
        runs = list(pool.map(lambda lane: run_lane(cluster, lane), LANES))
    for lane, replies in zip(LANES, runs, strict=True):
        assert mistakes(replies) == []
        check_saving(lane, replies)
    inferences = sum(len(sheet_ids(replies)) for replies in runs)
    assert cluster.emulator.paid() == cluster.paid() == inferences
    saved = sum(server.stats()["inferences"]["saved"] for server in cluster.processes)
    assert saved == 2 * IMAGES - inferences


def sheet_ids(replies: Sequence[Reply]) -> set[str]:
    return {sheet for reply in replies for sheet in reply.sheets}


def check_saving(lane: Lane, replies: Sequence[Reply]) -> None:
    sheets = len(sheet_ids(replies))
    times_s = [reply.sent_s for reply in replies]
    rate = (len(replies) - 1) / (times_s[-1] - times_s[0])
    measured = len(replies) / sheets
    expected, longest = (mean_images(rate * window_s, lane.cells) for window_s in (WINDOW_S, WINDOW_S + LATE_S))
    slack = SIGMAS * deviation(rate * WINDOW_S, lane.cells, sheets)
    assert expected - slack < measured < longest + slack, (lane, measured, expected)
    apart = mean_images(rate * WINDOW_S / 2, lane.cells)
    assert measured - apart > expected - slack - apart > 0, "too few images to tell it from two accumulators"

    # Chance taken out: what one accumulator makes of these very arrivals, with the shortest and the longest windows.
    most, least = (
        sheets_of_one_accumulator(times_s, window_s, lane.cells) for window_s in (WINDOW_S - LATE_S / 2, WINDOW_S + LATE_S)
    )
    assert least <= sheets <= most, (lane, least, sheets, most)
