"""`tessera calibrate`: its options. Called by `cli`; everything heavy is imported when the command runs."""

from __future__ import annotations

import argparse
from pathlib import Path

OUT = Path("calibration-out")
COSTS = (0.25, 0.5, 0.75)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All options of `tessera calibrate`."""
    parser.add_argument(
        "--dataset",
        required=True,
        metavar="KIND:PATH",
        help="voc:DIR, coco:ANNOTATIONS.json:IMAGES or folder:DIR (no truth: the answers alone are the reference)",
    )
    parser.add_argument("--provider", help="overrides TESSERA_PROVIDER")
    parser.add_argument("--model", type=Path, metavar="FILE", help="overrides TESSERA_MODEL: the local provider's, or eyes")
    parser.add_argument("--scout", type=Path, metavar="FILE", help="overrides TESSERA_SCOUT: a tiny ONNX detector")
    parser.add_argument("--layouts", metavar="LIST", help="fixed grids to try, comma between (2x1, 2x2, 3x2, 3x3)")
    parser.add_argument(
        "--costs",
        type=_costs,
        default=COSTS,
        metavar="LIST",
        help="inferences per image at which mixes are really regrouped (0.25,0.5,0.75)",
    )
    parser.add_argument("--limit", type=_count, metavar="N", help="so many photographs, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which photographs meet on a sheet (%(default)s)")
    parser.add_argument("--budget-dollars", type=_dollars, metavar="X", help="what may be spent; needed with a paid provider")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="folder for the results (%(default)s)")


def _costs(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split(","))
    if not all(0 < value <= 1 for value in values):
        raise argparse.ArgumentTypeError(f"inferences per image lie above 0 and up to 1, not {text}")
    return values


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return value


def _dollars(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be at least 0, not {text}")
    return value
