"""`python -m tests.fuzz`: bend what comes in, print what came of it, end with 1 where anything broke."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.engine import AFTERWARDS, Tally, peak_mib
from tests.fuzz.plan import KINDS, PURE, own_rss_mib, play_pure, play_served, shares

DEFAULT_CASES = 120_000
MOST_SEED = 10**6
# A case that holds its thread for so long hangs: the process says where, and ends with 1.
HANGS_AFTER_S = 900.0


def main(arguments: list[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=DEFAULT_CASES, help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="what makes a run the same again (default: a new one each time)")
    parser.add_argument("--only", default="", metavar="KIND,...", help=f"these kinds alone: {', '.join(KINDS)}")
    chosen = parser.parse_args(arguments)
    only = frozenset(name.strip() for name in chosen.only.split(",") if name.strip())
    if not only <= set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(only - set(KINDS)))}")
    seed = random.randrange(MOST_SEED) if chosen.seed is None else chosen.seed
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it repeats what each bad form is told
    return 1 if _run(seed, shares(chosen.cases, only)) else 0


def _run(seed: int, counts: dict[str, int]) -> bool:
    """Whether anything broke."""
    began_s, before_mib = time.monotonic(), own_rss_mib()
    print(f"seed {seed}, about {sum(counts.values()):,} cases", flush=True)
    tallies: list[Tally] = []
    with tempfile.TemporaryDirectory(prefix="tessera-fuzz-") as folder:
        pure = {kind: count for kind, count in counts.items() if kind in PURE}
        served = {kind: count for kind, count in counts.items() if kind not in PURE}
        for kind, count in pure.items():
            faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
            tallies.append(_shown(play_pure(kind, seed, count)))
        if pure:
            print(
                f"\nthis process: {before_mib:.0f} MiB before, {own_rss_mib():.0f} after, {peak_mib():.0f} at most", flush=True
            )
        if served:
            for tally in play_served(seed, served, Path(folder)):
                faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
                tallies.append(_shown(tally))
        faulthandler.cancel_dump_traceback_later()
    broken = sum(tally.came["DEFECT"] + (AFTERWARDS in tally.defects) for tally in tallies)
    print(f"\n{sum(tally.cases for tally in tallies):,} cases in {time.monotonic() - began_s:.0f} s, {broken} defects")
    return broken > 0


def _shown(tally: Tally) -> Tally:
    memory = f"{tally.memory_mib[0]:.0f} -> {tally.memory_mib[-1]:.0f} MiB" if tally.memory_mib else "memory not looked at"
    slowest = f"slowest {tally.slowest_s * 1000:.0f} ms (case {tally.slowest})"
    print(f"\n{tally.kind}: {tally.cases:,} cases, {slowest}, {memory}")
    print("   " + "; ".join(f"{came} {count:,}" for came, count in tally.came.most_common()))
    for number, what in tally.defects.items():
        print(f"   DEFECT in case {number}: {what}")
    sys.stdout.flush()
    return tally


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
