"""`tessera demo`: its options, and the way in.

In: the command line. Out: the exit code: 0 only if everything that the demo promises came true. Called by `cli`. The demo
itself (`stage`) is imported when it runs, so that `tessera --help` stays instant.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from app.arguments import count, positive, ratio, seed
from app.demo.order import CLIENTS, MAX_MAP_DROP, OUT, PHOTOGRAPHS, PHOTOGRAPHS_PER_S, SCENES, SCENES_PER_S, SEED, Order


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All options of `tessera demo`."""
    photographs = parser.add_argument_group("photographs instead of generated scenes")
    photographs.add_argument("--images", type=Path, metavar="DIR", help="folder of jpg, png and webp files; needs --model")
    photographs.add_argument("--model", type=Path, metavar="FILE", help="ONNX detector that the emulator looks through")
    parser.add_argument(
        "--rate", type=positive, metavar="R", help=f"images per second ({SCENES_PER_S:g}; photographs {PHOTOGRAPHS_PER_S:g})"
    )
    parser.add_argument("--clients", type=count, default=CLIENTS, metavar="N", help="concurrent clients (%(default)s)")
    parser.add_argument("--count", type=count, metavar="N", help=f"images in all ({SCENES}; photographs {PHOTOGRAPHS})")
    parser.add_argument(
        "--max-map-drop",
        type=ratio,
        default=MAX_MAP_DROP,
        metavar="X",
        help="accuracy budget of the proxy (%(default)s)",
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="folder for the results (%(default)s)")
    parser.add_argument("--seed", type=seed, default=SEED, metavar="S", help="same seed, same images (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Run the demo; prints as it goes."""
    from app.demo.stage import perform

    return perform(Order(**{name: getattr(options, name) for name in Order.__dataclass_fields__}))
