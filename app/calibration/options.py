"""`tessera calibrate`: its options. Called by `cli`; everything heavy is imported when the command runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.arguments import count, not_negative, ratio, seed
from app.core.model import Task

OUT = Path("calibration-out")
COSTS = (0.25, 0.5, 0.75)
# Of a hundred images that a vendor flags alone, a group may miss one.
MIN_SENSITIVITY = 0.99


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All options of `tessera calibrate`."""
    parser.add_argument(
        "--task",
        choices=[task.value for task in Task],
        default=Task.DETECT.value,
        help="boxes, labels, or unsafe content and the margins of group tests (%(default)s)",
    )
    parser.add_argument(
        "--dataset",
        required=True,
        metavar="KIND:PATH",
        help="voc:DIR, coco:ANNOTATIONS.json:IMAGES or folder:DIR (detect: no truth, the answers alone are the reference; "
        "moderate: with the subfolders unsafe/ and safe/)",
    )
    parser.add_argument("--provider", help="overrides TESSERA_PROVIDER")
    parser.add_argument("--model", type=Path, metavar="FILE", help="overrides TESSERA_MODEL: the local provider's, or eyes")
    parser.add_argument("--scout", type=Path, metavar="FILE", help="overrides TESSERA_SCOUT: a tiny ONNX detector")
    parser.add_argument(
        "--layouts", metavar="LIST", help="grids to try, comma between (2x1, 2x2, 3x2, 3x3); moderate: groups of so many cells"
    )
    parser.add_argument(
        "--costs",
        type=_costs,
        default=COSTS,
        metavar="LIST",
        help="inferences per image at which mixes are really regrouped (0.25,0.5,0.75)",
    )
    parser.add_argument(
        "--min-sensitivity",
        type=ratio,
        default=MIN_SENSITIVITY,
        metavar="X",
        help="moderate: of what the provider flags alone, the share that a group must not miss (%(default)s)",
    )
    parser.add_argument("--limit", type=count, metavar="N", help="so many photographs, drawn by the seed")
    parser.add_argument("--seed", type=seed, default=1, metavar="S", help="which photographs meet on a sheet (%(default)s)")
    parser.add_argument(
        "--budget-dollars", type=not_negative, metavar="X", help="what may be spent; needed with a paid provider"
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="folder for the results (%(default)s)")


def _costs(text: str) -> tuple[float, ...]:
    values = tuple(ratio(part) for part in text.split(","))
    if 0 in values:
        raise argparse.ArgumentTypeError(f"inferences per image lie above 0, not {text}")
    return values
