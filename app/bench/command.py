"""`tessera bench`: its options, and the way in.

In: the command line. Out: a table (or JSON) on standard output, the exit code: 0 only if everything that it measures came true.
Called by `cli`. What is measured is imported when it runs, so that `tessera --help` stays instant.
"""

from __future__ import annotations

import argparse

from app.arguments import count, ratio, seed
from app.bench.order import CLIENTS, IMAGES, LARGEST, MOST_IN_GROUP, PREVALENCES, SEED, ModerationOrder


def add_benches(parser: argparse.ArgumentParser) -> None:
    """A subcommand for each bench."""
    benches = parser.add_subparsers(dest="bench", required=True, metavar="BENCH")
    moderation = benches.add_parser("moderation", help="inferences per image of group tests, beside the best that is possible")
    moderation.add_argument("--images", type=count, default=IMAGES, metavar="N", help="images a line (%(default)s)")
    moderation.add_argument(
        "--prevalences",
        type=_ratios,
        default=PREVALENCES,
        metavar="P,...",
        help=f"shares of unsafe images ({','.join(f'{one:g}' for one in PREVALENCES)})",
    )
    moderation.add_argument("--largest", type=_group, default=LARGEST, metavar="N", help="images in a group (%(default)s)")
    moderation.add_argument("--clients", type=count, default=CLIENTS, metavar="N", help="clients at once (%(default)s)")
    moderation.add_argument("--seed", type=seed, default=SEED, metavar="S", help="same seed, same images (%(default)s)")
    moderation.add_argument("--json", action="store_true", help="the same as JSON")


def run(options: argparse.Namespace) -> int:
    """Run the bench; prints as it goes."""
    from app.bench.stage import perform

    return perform(ModerationOrder(**{name: getattr(options, name) for name in ModerationOrder.__dataclass_fields__}))


def _ratios(text: str) -> tuple[float, ...]:
    return tuple(ratio(part.strip()) for part in text.split(","))


def _group(text: str) -> int:
    if (value := count(text)) > MOST_IN_GROUP:
        raise argparse.ArgumentTypeError(f"a group has at most {MOST_IN_GROUP} images, not {text}")
    return value
