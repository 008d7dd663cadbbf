"""Watching live: eyes that see worse when things are small make grids sparser by themselves, and the bill says what it cost.

The emulator reads markers down to some 16 px a side. A sheet is at most 1920 px long, so of these images of 2400 x 1800 px a
patch is 0.53 of its size on a pair, and 0.4 on a sheet of four.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import Any

import pytest

from app.core.geometry import PixelBox, Size
from app.demo.truth import TrueObject
from app.detectors.markers import marker_parents
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.load import OK, IdentityImage, NativeClient, Reply
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.server import RunningServer, running_server

SIZE = Size(2400, 1800)
# Read alone and on a pair, not on a sheet of four; read alone only.
LOST_IN_FOUR_PX, LOST_IN_A_PAIR_PX = 34, 26
SETTINGS = {
    "TESSERA_LAYOUTS": "2x2",
    "TESSERA_MAX_WAIT_MS": "2000",  # four at once always fill a sheet
    "TESSERA_SHADOW_PERCENT": "100",
    "TESSERA_MIN_AGREEMENT": "0.9",
}
# Twenty comparisons are needed, four images come at once: some seconds, and many times that on a busy machine.
PATIENCE_S = 50.0


def pictures(first_id: int, patch_px: int, images: int = 4) -> list[IdentityImage]:
    return [_picture(marker_id, patch_px) for marker_id in range(first_id, first_id + images)]


def _picture(marker_id: int, patch_px: int) -> IdentityImage:
    patch = Placed(marker_id, 300 + 31 * (marker_id % 40), 200 + 17 * (marker_id % 40), patch_px)
    truth = TrueObject(patch.label, PixelBox(*patch.box).to_unit(SIZE), marker_parents(marker_id))
    return IdentityImage(marker_id, stored(plain(SIZE.width_px, SIZE.height_px, patch), quality=92), truth)


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    with running_emulator("--no-classical") as running:
        yield running


@pytest.fixture(scope="module")
def server(emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    log = tmp_path_factory.mktemp("shadow") / "server.log"
    with running_server(log, TESSERA_UPSTREAM_URL=emulator.url, **SETTINGS) as running:
        yield running


class Clients:
    """Sends the same images at once, round after round."""

    def __init__(self, server: RunningServer, images: Sequence[IdentityImage]) -> None:
        self._server = server
        self._images = images
        self._numbers = count()

    def until(self, done: Callable[[dict[str, Any]], bool]) -> tuple[dict[str, Any], list[Reply]]:
        """The statistics that are as wanted, and the last round's replies."""
        end_s = time.monotonic() + PATIENCE_S
        with closing(NativeClient(self._server.url)) as client, ThreadPoolExecutor(len(self._images)) as pool:
            while time.monotonic() < end_s:
                replies = list(pool.map(lambda image: client.ask(image, f"r-{next(self._numbers)}"), self._images))
                assert [reply.status for reply in replies] == [OK] * len(replies)
                stats = self._server.stats()
                if done(stats):
                    return stats, replies
        raise AssertionError(stats)


def limit(stats: dict[str, Any]) -> int | None:
    cells = stats["shadow"]["limit_cells"]["detect"]
    return None if cells is None else int(cells)


def test_density_steps_down_until_answers_agree(server: RunningServer, emulator: RunningEmulator) -> None:
    """Four to a sheet lose every marker, pairs keep them; when markers get smaller still, all images go alone."""
    clients = Clients(server, pictures(100, LOST_IN_FOUR_PX))
    stats, _ = clients.until(lambda stats: limit(stats) == 2)
    four = stats["shadow"]["agreement"]["detect"]["2x2"]
    assert four["mean"] == 0.0
    assert four["high"] < 0.9
    assert stats["shadow"]["changes"] == {"sparser": 1, "trial": 0, "denser": 0}

    stats, replies = clients.until(lambda stats: set(stats["shadow"]["agreement"]["detect"]) > {"2x2"})
    pair = next(layout for layout in stats["shadow"]["agreement"]["detect"] if layout != "2x2")
    assert stats["shadow"]["agreement"]["detect"][pair]["mean"] == 1.0
    assert {reply.layout for reply in replies} <= {"2x1", "1x2", "1x1"}
    assert all(reply.image.truth.label in {seen.label for seen in reply.seen} for reply in replies)

    stats, _ = Clients(server, pictures(200, LOST_IN_A_PAIR_PX)).until(lambda stats: limit(stats) == 1)
    assert stats["shadow"]["changes"] == {"sparser": 2, "trial": 0, "denser": 0}
    stats, replies = clients.until(lambda stats: stats["bypass"]["budget"] > 0)
    assert {reply.layout for reply in replies} == {"1x1"}

    changes = [line for line in server.logs() if line["event"] == "grid density"]
    assert [(line["change"], line["before"], line["most_cells"]) for line in changes] == [
        ("sparser", None, 2),
        ("sparser", 2, 1),
    ]
    assert changes[0]["layout"] == "2x2"
    assert changes[0]["high"] < 0.9
    stats, _ = clients.until(lambda stats: stats["inferences"]["paid"] == emulator.paid())
    check_bill(stats)


def check_bill(stats: dict[str, Any]) -> None:
    """What is saved is net of the shadows."""
    inferences, shadow = stats["inferences"], stats["shadow"]["samples"]
    assert inferences["by_kind"]["shadow"] == shadow["compared"] >= 40
    assert shadow["failed"] == 0
    assert inferences["saved"] == stats["images"]["answered"] - inferences["paid"]
