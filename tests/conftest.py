"""What holds for every test: hypothesis profiles, tests whose servers are missing, and a watch over the event loops.

Everything else is fixtures of one folder (its own conftest.py) or helpers in tests/support.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.support.loop_watch import LoopWatch, watching
from tests.support.programs import PROGRAMS_OF, missing_programs

OUR_CODE = Path(__file__).parents[1] / "app"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# No deadlines: an example's duration says more about the machine's other work than about the code. At home every run looks
# at other examples and remembers those that failed; in CI a red run is one that anybody can repeat.
hypothesis.settings.register_profile("home", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("home"), derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "home")


# Whoever sets up no logging of his own gets plain lines: structlog's own tracebacks hold the event loop for a while.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs a server nobody has is skipped at home; in CI that would hide it, so there it fails."""
    missing = [name for marker in PROGRAMS_OF if item.get_closest_marker(marker) for name in missing_programs(marker)]
    if missing and IN_CI:
        pytest.fail(f"not installed: {', '.join(missing)}", pytrace=False)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (make setup fetches it)")


@pytest.fixture(scope="session", autouse=True)
def loop_watch() -> Iterator[LoopWatch]:
    """Looks at every asyncio loop of the process; under coverage, which slows our code down, at none."""
    watch = LoopWatch(OUR_CODE)
    if "coverage" in sys.modules:
        yield watch
        return
    with watching(watch):
        yield watch


@pytest.fixture(autouse=True)
def _loop_stays_free(request: pytest.FixtureRequest, loop_watch: LoopWatch) -> Iterator[None]:
    """Pixels and blocking calls stay off the loop: a test during which our code held one fails."""
    loop_watch.take_holds()
    yield
    holds = loop_watch.take_holds()
    if holds and not request.node.get_closest_marker("holds_loop"):
        pytest.fail("\n".join(map(str, holds)), pytrace=False)
