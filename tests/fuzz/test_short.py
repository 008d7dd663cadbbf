"""The short form of `make fuzz`: the same cases every time, at least 5,000 of them, and none may show a defect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.engine import Tally
from tests.fuzz.plan import KINDS, PURE, SERVED, play_at, play_pure
from tests.fuzz.stand import Stand, standing

SEED = 6
CASES_OF = {
    **dict.fromkeys((kind for kind in PURE if kind.startswith("read ")), 500),
    "images": 600,
    "findings": 600,
    "garbled answers": 600,
    "http": 400,
    "grpc": 150,
    "images over http": 60,
    "openapi": 60,
}
AT_LEAST = 5000


def holds(tally: Tally) -> None:
    assert not tally.defects, "\n".join(f"case {number}: {what}" for number, what in tally.defects.items())
    assert tally.cases >= CASES_OF[tally.kind.partition(",")[0]] // 2, "what was planned was not played"


def test_there_are_enough_of_every_kind() -> None:
    assert set(CASES_OF) == set(KINDS)
    assert sum(CASES_OF.values()) >= AT_LEAST


@pytest.mark.parametrize("kind", PURE)
def test_nothing_breaks_in_this_process(kind: str) -> None:
    holds(play_pure(kind, SEED, CASES_OF[kind]))


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


@pytest.mark.parametrize("kind", SERVED)
def test_nothing_breaks_in_a_process_that_serves(stand: Stand, kind: str) -> None:
    holds(play_at(stand, kind, SEED, CASES_OF[kind]))
