"""Work off the event loop, and its end."""

from __future__ import annotations

import threading

import pytest

from app.errors import Kind, Problem
from app.providers.threads import Threads


async def test_work_runs_on_a_thread_of_the_providers_own() -> None:
    threads = Threads("x")
    assert (await threads.run(lambda: threading.current_thread().name)).startswith("provider-x")
    threads.close()


async def test_a_closed_provider_takes_no_more_work() -> None:
    threads = Threads("x")
    threads.close()
    threads.close()
    with pytest.raises(Problem) as raised:
        await threads.run(int)
    assert raised.value.kind is Kind.SHUTTING_DOWN
