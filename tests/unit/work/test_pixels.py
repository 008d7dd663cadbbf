"""Two queues of threads: what is short does not wait behind what is long, and a container's share of the processors counts."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from app.work.pixels import PixelPool, usable_cores


async def test_what_is_short_overtakes_what_is_still_to_be_decoded() -> None:
    pool, free = PixelPool(1), threading.Event()
    try:
        decoding = pool.in_turn(free.wait, 30.0)
        assert await pool.ahead(lambda: "header") == "header"
        free.set()
        assert await decoding
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("quota", "cores"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None), ("9900000 100000", None)]
)
def test_the_container_s_share_bounds_the_threads(quota: str, cores: int | None, tmp_path: Path) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota, encoding="ascii")
    assert usable_cores(file) == (cores or len(os.sched_getaffinity(0)))


def test_without_a_container_all_processors_count(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "nothing") == len(os.sched_getaffinity(0))
