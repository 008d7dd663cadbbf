"""`tessera simulate`: its options, and the way in.

In: the command line and an arrival log. Out: a table (or JSON) on standard output, complaints on standard error, the exit
code. Called by `cli`. The engine is imported when it runs, so that `tessera --help` stays instant.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.arguments import count, not_negative, positive

if TYPE_CHECKING:
    from app.core.model import Layout
    from app.simulation.arrivals import ArrivalLog, Skipped
    from app.simulation.replay import Serving
    from app.simulation.report import Row

LAYOUT = re.compile(r"[1-5]x[1-5]")  # what TESSERA_LAYOUTS takes
LONGEST_WINDOW_MS = 60_000.0  # what TESSERA_MAX_WAIT_MS takes
WINDOWS_MS = (50.0, 100.0, 200.0, 400.0)
LAYOUTS = ("2x1", "2x2")
IMAGES = 2000
# Composing a 2x2 sheet of megapixel photographs takes about that long on one core, ms.
COMPOSE_MS = 20.0
# Of a log with one mistake in every line nobody reads all.
MOST_NAMED = 10
# The 95th percentile of a standard normal distribution.
_Z95 = 1.6448536


@dataclass(frozen=True, slots=True)
class ProviderTime:
    """What one answer takes: always `p50_s`, or spread around it (log-normal, as vendors' times nearly are) up to `p95_s`."""

    p50_s: float
    p95_s: float

    def draw(self, seed: int) -> Callable[[], float]:
        """Every call gives the next time; the same seed gives the same times."""
        chance = random.Random(seed)  # noqa: S311  # made-up times, no secret
        mu, sigma = math.log(self.p50_s), math.log(self.p95_s / self.p50_s) / _Z95
        return lambda: chance.lognormvariate(mu, sigma)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All options of `tessera simulate`."""
    arrivals = parser.add_argument_group("arrivals: a log, or a rate")
    arrivals.add_argument(
        "log",
        nargs="?",
        metavar="LOG",
        help="a time per line (seconds or ISO timestamp), then a lane's name if any; - for stdin",
    )
    arrivals.add_argument("--sort", action="store_true", help="put the log in order first (otherwise times may not go back)")
    arrivals.add_argument("--rate", type=positive, metavar="R", help="images per second, at random (Poisson), in one lane")
    arrivals.add_argument("--images", type=count, default=IMAGES, metavar="N", help="with --rate: so many (%(default)s)")
    arrivals.add_argument("--seed", type=int, default=1, metavar="S", help="same seed, same figures (%(default)s)")
    parser.add_argument("--windows", type=_windows_ms, default=WINDOWS_MS, metavar="MS,...", help="windows (50,100,200,400)")
    parser.add_argument("--layouts", type=_layouts, default=LAYOUTS, metavar="RxC,...", help="grids (2x1,2x2)")
    parser.add_argument(
        "--provider-ms", type=_provider_time, default="80,200", metavar="P50[,P95]", help="one answer's time (%(default)s)"
    )
    parser.add_argument(
        "--compose-ms", type=not_negative, default=COMPOSE_MS, metavar="MS", help="making a sheet (%(default)g)"
    )
    limits = parser.add_argument_group("limits: the settings of the same names")
    limits.add_argument("--max-inflight", type=count, default=32, metavar="N", help="sheets at once, all workers (%(default)s)")
    limits.add_argument("--max-alone", type=count, default=64, metavar="N", help="images alone at once (%(default)s)")
    limits.add_argument("--max-pending", type=count, default=2000, metavar="N", help="images waiting (%(default)s)")
    limits.add_argument("--request-timeout-ms", type=positive, default=30_000.0, metavar="MS", help="(%(default)g)")
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def run(options: argparse.Namespace) -> int:
    """Read, play, print; 2 where the arrivals cannot be used."""
    from app.simulation.arrivals import LogRefused
    from app.simulation.report import about, heading, table, values

    try:
        log = _arrivals(options)
    except (OSError, LogRefused) as error:
        print(f"tessera simulate: {error}", file=sys.stderr)
        return 2
    for line in _complaints(log.skipped):
        print(f"tessera simulate: {line}", file=sys.stderr)
    rows = list(_rows(options, log))
    if options.json:
        print(json.dumps({"arrivals": about(log), "rows": [values(row) for row in rows]}, indent=2))
    else:
        print(f"{heading(log)}\n\n{table(rows)}")
    return 0


def _arrivals(options: argparse.Namespace) -> ArrivalLog:
    from app.simulation.arrivals import LogRefused, poisson, read_log

    if (options.log is None) == (options.rate is None):
        raise LogRefused("say either a log or --rate")
    if options.rate is not None:
        return poisson(options.images, options.rate, options.seed)
    with _opened(options.log) as lines:
        return read_log(lines, sort=options.sort)


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    """Bytes that are no text make bad lines, not an error: the other lines are still good."""
    if name == "-":
        yield sys.stdin
        return
    with Path(name).open(encoding="utf-8-sig", errors="replace") as lines:
        yield lines


def _complaints(skipped: tuple[Skipped, ...]) -> Iterator[str]:
    for line in skipped[:MOST_NAMED]:
        yield f"line {line.number} skipped: {line.reason}"
    if len(skipped) > MOST_NAMED:
        yield f"{len(skipped) - MOST_NAMED} more lines skipped"


def _rows(options: argparse.Namespace, log: ArrivalLog) -> Iterator[Row]:
    """Every row draws the same provider times, so that only window and layout differ."""
    from app.core.model import Layout
    from app.simulation.replay import Replay
    from app.simulation.report import Row

    for window_ms in options.windows:
        for layout in map(Layout.parse, options.layouts):
            serving = _serving(options, window_ms, layout)
            yield Row(window_ms, layout, Replay(serving, options.provider_ms.draw(options.seed)).play(log.arrivals))


def _serving(options: argparse.Namespace, window_ms: float, layout: Layout) -> Serving:
    from app.simulation.replay import Serving

    return Serving(
        window_s=window_ms / 1000,
        layout=layout,
        compose_s=options.compose_ms / 1000,
        request_timeout_s=options.request_timeout_ms / 1000,
        max_inflight=options.max_inflight,
        max_alone=options.max_alone,
        max_pending=options.max_pending,
    )


def _windows_ms(text: str) -> tuple[float, ...]:
    windows = tuple(not_negative(part.strip()) for part in text.split(","))
    if max(windows) > LONGEST_WINDOW_MS:
        raise argparse.ArgumentTypeError(f"a window is at most {LONGEST_WINDOW_MS:g} ms")
    return windows


def _layouts(text: str) -> tuple[str, ...]:
    layouts = tuple(part.strip() for part in text.split(","))
    for layout in layouts:
        if not LAYOUT.fullmatch(layout):
            raise argparse.ArgumentTypeError(f"{layout!r} is not a layout (rows x columns, 1x1 to 5x5, for example 2x1)")
    return layouts


def _provider_time(text: str) -> ProviderTime:
    p50_ms, *others = (positive(part.strip()) for part in text.split(","))
    p95_ms = others[0] if others else p50_ms
    if len(others) > 1 or p95_ms < p50_ms:
        raise argparse.ArgumentTypeError(f"one time, or the p50 and a p95 that is not below it, not {text}")
    return ProviderTime(p50_ms / 1000, p95_ms / 1000)
