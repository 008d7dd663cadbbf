"""The emulated vendor as the demo uses it: how it is started, what it counted, what it recorded.

In: its address, or the folder it recorded into. Out: counts and sheets. Called by `stage`. The emulator's own interface under
`/_emulator/` and its recording are described in `app/emulators/control.py` and `record.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.demo.processes import tessera

LATENCY_MS = 120  # least time per answer: the vendor's own takes 80 to 800 ms, mostly the lower end
JITTER_MS = 40  # plus or minus


@dataclass(frozen=True, slots=True)
class SentSheet:
    """One image as the upstream received it, and what it answered."""

    number: int
    content: bytes = field(repr=False)
    answer: Mapping[str, Any] = field(repr=False)


def emulator_line(model: Path | None, record: Path | None = None) -> list[str]:
    """How the emulator is started. Without a model its eyes are the markers alone: nothing else is in the scenes.

    With a folder to record into it takes a vendor's time; without one it is only asked for the truth, as fast as it can.
    """
    line = tessera("emulate", "rekognition", "--port", "0", "--watch-stdin")
    line += ["--model", str(model.resolve())] if model else ["--no-classical"]
    if record:
        line += ["--record", str(record), "--latency-ms", str(LATENCY_MS), "--jitter-ms", str(JITTER_MS)]
    return line


def inferences_paid(http: httpx.Client, emulator_url: str) -> int:
    """What the vendor would put on the bill."""
    counters = http.get(f"{emulator_url}/_emulator/counters").raise_for_status().json()
    return int(counters["totals"]["inferences"])


def recorded(folder: Path) -> Iterator[SentSheet]:
    """Every call that was recorded, in order. A refused one has no labels."""
    for number, told in enumerate(sorted(folder.glob("*.json")), start=1):
        facts = json.loads(told.read_text(encoding="utf-8"))
        yield SentSheet(number, (folder / facts["images"][0]).read_bytes(), facts.get("answer") or {})
