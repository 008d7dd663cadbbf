"""`python -m tests.chaos`: break things under load, print what became of it, end with 1 where something did not hold."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.driver import long_run, perform, short_run
from tests.chaos.telling import text


def main(arguments: list[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="half a minute: short faults, short time limits")
    parser.add_argument("--seed", type=int, default=1, help="decides arrivals, fronts and images (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.0, help="go through the faults again until so long has passed")
    parser.add_argument("--only", default="", metavar="FAULT,...", help="these faults alone, comma between")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the processes' logs in this folder")
    chosen = parser.parse_args(arguments)
    only = [name.strip() for name in chosen.only.split(",") if name.strip()]
    run = short_run(chosen.seed, only) if chosen.short else long_run(chosen.seed, chosen.seconds, only)
    began_s = time.monotonic()

    def told(words: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began_s:6.1f} s  {words}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="tessera-chaos-") as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = perform(run, folder, told)
    told("done")
    sys.stdout.write("\n" + text(found, run.bounds) + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(found.as_json(), indent=1) + "\n", encoding="utf-8")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
