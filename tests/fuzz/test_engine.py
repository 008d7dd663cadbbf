"""The judge is judged: a case that raises, dawdles, fills the memory or leaves something behind is told as a defect."""

from __future__ import annotations

import time
from functools import partial
from random import Random

import pytest

from app.wire.contract import RawReply
from tests.fuzz.engine import AFTERWARDS, LARGEST_MIB, Case, Defect, Tally, peak_mib, play, play_together, require
from tests.fuzz.plan import KINDS, own_rss_mib, play_in_parts, shares
from tests.fuzz.shapes import check_refusal, strict_json

# Of the cases here, seconds of CPU time.
LONGEST_S = 0.5
PATIENT_S = 30.0


def sound(rng: Random) -> str:
    return rng.choice(("heads", "tails"))


def raises(_: Random) -> str:
    raise KeyError("Image")


def dawdles(_: Random) -> str:
    until_s = time.thread_time() + LONGEST_S
    while time.thread_time() < until_s:
        pass
    return "late"


def fills(_: Random) -> str:
    return str(len(b"x" * int((peak_mib() + LARGEST_MIB) * 2**20)))


def test_sound_cases_are_counted_and_always_the_same() -> None:
    first, again, together = Tally("coins", 1), Tally("coins", 1), Tally("coins", 1)
    play(first, sound, 50)
    play(again, sound, 50)
    play_together(together, sound, 50)
    assert first.came == again.came == together.came
    assert set(first.came) == {"heads", "tails"}
    assert not first.defects


@pytest.mark.parametrize(
    ("case", "longest_s", "words"),
    [(raises, LONGEST_S, "KeyError"), (dawdles, LONGEST_S, "took "), (fills, PATIENT_S, "MiB")],
    ids=["raises", "dawdles", "fills"],
)
def test_a_broken_case_is_a_defect(case: Case, longest_s: float, words: str) -> None:
    tally = Tally("broken", 1)
    play(tally, case, 1, first=7, longest_s=longest_s)
    assert tally.came == {"DEFECT": 1}
    assert words in tally.defects[7]


def test_what_is_left_behind_is_a_defect() -> None:
    kept: list[bytes] = []

    def hoards(rng: Random) -> str:
        kept.append(rng.randbytes(2**20))
        return "kept"

    tally = Tally("hoard", 1)
    play_in_parts(tally, 80, partial(play, tally, hoards), own_rss_mib)
    assert len(kept) == tally.cases == 80
    assert "the memory grew" in tally.defects[AFTERWARDS]


def test_shares_are_of_the_kinds_that_are_asked_for() -> None:
    assert set(shares(1000)) == set(KINDS)
    assert sum(shares(100_000).values()) >= 99_990
    assert shares(1000, frozenset({"images"})) == {"images": 1000}


@pytest.mark.parametrize("body", [b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"{"])
def test_json_is_read_strictly(body: bytes) -> None:
    with pytest.raises(Defect):
        strict_json(body)


@pytest.mark.parametrize(
    ("front", "reply"),
    [
        ("rekognition", RawReply(400, {}, b"{}")),
        ("rekognition", RawReply(500, {}, b'{"__type": "InternalServerError", "Message": "m"}')),
        ("google", RawReply(400, {}, b'{"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}}')),
        ("azure 4.0", RawReply(400, {}, b'{"error": {"code": "", "message": ""}}')),
        ("native", RawReply(400, {"Content-Type": "application/json"}, b"{}")),
        ("native", RawReply(400, {"X-Request-Id": "a\r\nb"}, b"{}")),
    ],
)
def test_a_refusal_that_no_sdk_finds_an_error_in_is_a_defect(front: str, reply: RawReply) -> None:
    with pytest.raises((Defect, KeyError, ValueError)):
        check_refusal(front, reply)


def test_what_is_required_is_said() -> None:
    with pytest.raises(Defect, match="two owners"):
        require(False, "two owners")
