"""How every call is treated: counted, timed, braked, struck."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.emulators.attending import Attendant
from app.emulators.counters import Counters
from app.emulators.faults import Fault, FaultKind
from app.emulators.script import Behaviour, Brake, Script

REFUSALS = {FaultKind.THROTTLE: lambda: ValueError("too fast")}


def attendant(behaviour: Behaviour | None = None) -> Attendant:
    return Attendant(Counters(), Script(behaviour or Behaviour(), seed=0), ThreadPoolExecutor(1))


async def test_a_call_is_in_flight_until_it_ends_in_whatever_way() -> None:
    desk = attendant()

    async def fails() -> str:
        assert desk.counters.as_json()["in_flight"] == 1
        raise LookupError

    with pytest.raises(LookupError):
        await desk.attend("Look", fails, lambda _: True)
    assert desk.counters.as_json()["in_flight"] == 0
    assert desk.counters.as_json()["requests"] == {"Look": 1}


@pytest.mark.parametrize(("answered", "least_s"), [(True, 0.145), (False, 0.0)])
async def test_answers_take_their_time_and_refusals_none(answered: bool, least_s: float) -> None:
    loop = asyncio.get_running_loop()
    started_s = loop.time()

    async def at_once() -> int:
        return 7

    assert await attendant(Behaviour(latency_ms=150)).attend("Look", at_once, lambda _: answered) == 7
    assert loop.time() - started_s >= least_s


async def test_the_brake_is_the_scripts() -> None:
    desk = attendant(Behaviour(rate_per_s=0.001))
    assert [desk.brake(), desk.brake()] == [None, Brake.RATE]


def test_faults_that_are_refusals_are_raised_and_others_returned() -> None:
    stall = Fault(FaultKind.STALL, operation="Look")
    assert attendant(Behaviour(faults=(stall,))).struck("Look", REFUSALS) is stall
    assert attendant(Behaviour(faults=(stall,))).struck("Read", REFUSALS) is None
    with pytest.raises(ValueError, match="too fast"):
        attendant(Behaviour(faults=(Fault(FaultKind.THROTTLE),))).struck("Look", REFUSALS)


async def test_work_is_done_in_a_thread() -> None:
    assert await attendant().in_pool(threading.get_ident) != threading.get_ident()
