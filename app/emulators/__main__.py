"""`python -m app.emulators VENDOR [options]`: an emulator without the rest of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from app.emulators.options import add_vendors, from_arguments
from app.emulators.serve import run


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m app.emulators", description="Run a vendor to practise against.")
    add_vendors(parser)
    options = parser.parse_args(arguments)
    run(options.vendor, from_arguments(options))


if __name__ == "__main__":
    main()
