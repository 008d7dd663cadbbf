"""Whatever two processes must agree on to understand each other's jobs has a number, and cannot change behind its back.

When this test fails: if a process of the release before could misread what this one writes, or the other way round, raise
`keys.FORMAT` (then releases do not meet in Redis, and images of both are gathered apart while one replaces the other). If it
could not (a script does the same in other words), leave the number. In both cases write the new fingerprint down.
"""

from __future__ import annotations

import hashlib
import re
from enum import Enum

from app.accumulator.codec import encode_job, encode_outcome
from app.accumulator.keys import FORMAT, SHARD_KEYS
from app.accumulator.scripts import load_scripts
from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.model import (
    TASK_DIGITS,
    Answer,
    Bill,
    Detection,
    Failure,
    Feature,
    GridMode,
    Inquiry,
    Job,
    Lane,
    Layout,
    Outcome,
    Picture,
    Release,
    Shape,
    Task,
    Tree,
)
from app.errors import Kind, VendorError

FINGERPRINT = (6, "26f8734efc04530f")
# Those that write or read the records of jobs and batches.
LANE_SCRIPTS = ("enqueue", "claim", "complete", "extend", "give_back", "withdraw", "drain", "recall", "beat")
# Names that stand in jobs and outcomes. (A kind of failure that a reader does not know fails for its own image only.)
NAMES: tuple[type[Enum], ...] = (Task, Feature, GridMode, Shape, Release)

LANE = Lane("tenant", "emulator", Task.DETECT, Feature.OBJECTS, '{"a": 1}', (Layout(1, 1), Layout(2, 1)))
JOB = Job(
    id="job",
    request_id="request",
    lane=LANE,
    inquiry=Inquiry(Feature.OBJECTS, '{"b": 2}', 0.5, 3, "emulator", "{}", ("adult",)),
    picture=Picture("jpeg", Size(640, 480), 6),
    image=b"image",
    max_wait_s=0.25,
    time_left_s=30.0,
    view=PixelBox(1.0, 2.0, 30.0, 40.0),
)
FIELDS: dict[str, Tree] = {
    "box": UnitBox(0.1, 0.2, 0.3, 0.4),
    "at": [UnitPoint(0.5, 0.6), UnitLength(0.7)],
    "$x": 2**70,
    "n": float("inf"),
}
FOUND = Detection(Feature.OBJECTS, "thing", 0.9, UnitBox(0.1, 0.2, 0.3, 0.4), "emulator", FIELDS)
BILL = Bill(Layout(2, 1), 0.5, "sheet", Release.DUE, 0.1, 0.2, 0.3, 0.4)
ANSWERED = Outcome("job", Answer((FOUND,), b"{}", "emulator", {"more": None}), BILL)
FAILED = Outcome("job", Failure(Kind.THROTTLED, "detail", VendorError("emulator", 429, "code", "message", "body"), 1.5), BILL)


def test_the_number_fits_what_is_written() -> None:
    parts = [encode_job(JOB), encode_outcome(ANSWERED), encode_outcome(FAILED), LANE.key.encode(), repr(TASK_DIGITS).encode()]
    parts += [repr([spec.name for spec in SHARD_KEYS]).encode()]
    parts += [f"{names.__name__} {sorted(str(name.value) for name in names)}".encode() for names in NAMES]
    parts += [without_comments(load_scripts()[name].text) for name in LANE_SCRIPTS]
    assert (FORMAT, hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]) == FINGERPRINT


def without_comments(script: bytes) -> bytes:
    """The code alone, however it is laid out."""
    return b" ".join(re.sub(rb"--[^\n]*", b"", script).split())
