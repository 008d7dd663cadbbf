"""`make soak`, or `python -m tests.soak`: mixed load for half an hour, and what grows meanwhile.

Exit code 1 where something grows, or an answer is wrong, or is missing.

--short plays the same for 20 s: then answers are judged, and what is left over, but no trend.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.soak.report import table, write_json, write_plots
from tests.soak.run import Plan, soak

MINUTES = 30.0
# Requests per second that keep two cores busy to a half, clients and emulator included, and to three quarters at noon.
RATE_PER_S = 25.0
# Of a run that is shorter than usual, the share that counts as warming up.
WARM_UP_SHARE = 0.2
SHORT = Plan(seconds=20.0, rate_per_s=10.0, every_s=2.0, day_s=10.0, api=1, workers=1, leaves=("flight", "outcome", "reply"))


def whole_day_s(judged_s: float, usual_s: float) -> float:
    """A day of about the usual length of which the judged part holds whole ones: else a morning would look like a leak."""
    return judged_s / max(1, round(judged_s / usual_s))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="length of the run (default: %(default)g)")
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="mean requests per second (default: %(default)g)")
    parser.add_argument("--short", action="store_true", help="20 seconds, one API process and one worker; no trends")
    parser.add_argument("--seed", type=int, default=1, help="another order of requests (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--plots", type=Path, help="write plots (SVG) into this folder")
    options = parser.parse_args()
    seconds = 60 * options.minutes
    warm_up_s = min(Plan(0, 0).warm_up_s, WARM_UP_SHARE * seconds)
    day_s = whole_day_s(seconds - warm_up_s, Plan(0, 0).day_s)
    plan = SHORT if options.short else Plan(seconds, options.rate, warm_up_s=warm_up_s, day_s=day_s)
    with tempfile.TemporaryDirectory(prefix="tessera-soak-") as folder:
        found = soak(replace(plan, seed=options.seed), Path(folder))
    print(table(found))
    if options.json:
        write_json(found, options.json)
    if options.plots:
        write_plots(found, options.plots)
    return 1 if found.mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
