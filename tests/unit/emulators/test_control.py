"""The control API: health, counters, reset, behaviour, faults."""

from __future__ import annotations

import pytest

from app.emulators.options import EmulatorOptions
from tests.support.emulated import emulated


async def test_health() -> None:
    async with emulated() as emulator:
        reply = await emulator.http.get("/_emulator/health")
        assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


async def test_behaviour_is_shown_changed_and_reset() -> None:
    async with emulated(EmulatorOptions(latency_ms=3)) as emulator:
        shown = (await emulator.http.get("/_emulator/behaviour")).json()
        assert shown == {
            "latency_ms": 3,
            "jitter_ms": 0,
            "rate_per_s": None,
            "throttle_share": 0,
            "poison": [],
            "faults": [],
        }
        changed = (await emulator.control("behaviour", {"jitter_ms": 1, "poison": [5]})).json()
        assert changed == shown | {"jitter_ms": 1, "poison": [5]}
        added = (await emulator.control("faults", {"kind": "stall", "times": 1})).json()
        assert [fault["kind"] for fault in added["faults"]] == ["stall"]
        assert (await emulator.control("reset", {})).json() == {}
        assert (await emulator.http.get("/_emulator/behaviour")).json() == shown


async def test_counters_are_shown_and_reset() -> None:
    async with emulated() as emulator:
        await emulator.call("ListCollections")
        assert (await emulator.counters())["requests"] == {"ListCollections": 1}
        await emulator.control("reset", {})
        assert (await emulator.counters())["requests"] == {}


@pytest.mark.parametrize("name", ["behaviour", "faults"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"kind": "earthquake"}'])
async def test_nonsense_is_refused_and_changes_nothing(name: str, body: bytes) -> None:
    async with emulated() as emulator:
        before = (await emulator.http.get("/_emulator/behaviour")).json()
        reply = await emulator.http.post(f"/_emulator/{name}", content=body)
        assert reply.status_code == 400
        assert reply.json()["error"]
        assert (await emulator.http.get("/_emulator/behaviour")).json() == before


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"seconds": null}', b'{"seconds": -1}', b'{"seconds": 1, "more": 2}'])
async def test_nobody_goes_away_for_nonsense(body: bytes) -> None:
    async with emulated() as emulator:
        assert (await emulator.http.post("/_emulator/away", content=body)).status_code == 400


async def test_unknown_paths_are_not_found() -> None:
    async with emulated() as emulator:
        assert (await emulator.http.post("/_emulator/nothing")).status_code in (404, 405)
        assert (await emulator.http.get("/_emulator/nothing")).status_code == 404
