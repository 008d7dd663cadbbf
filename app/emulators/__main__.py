"""`python -m app.emulators rekognition [options]`: an emulator without the rest of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from app.emulators.options import add_arguments, from_arguments
from app.emulators.serve import run

VENDORS = ("rekognition",)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m app.emulators", description="Run a vendor to practise against.")
    parser.add_argument("vendor", choices=VENDORS)
    add_arguments(parser)
    run(from_arguments(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
