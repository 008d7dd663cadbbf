"""What an emulator is started with, and the same as command-line options.

Called by the command line (`tessera emulate`, `python -m app.emulators`) and by whoever builds an emulator in code.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from app.emulators.faults import Fault, FaultKind, fault_from_text

VENDORS: Mapping[str, str] = MappingProxyType(
    {"rekognition": "Amazon Rekognition", "google": "Google Cloud Vision", "azure": "Azure AI Vision"}
)
"""Who can be emulated: the package of that name beside this file, and what people call it."""
GRPC_VENDORS = frozenset({"google"})
"""Those that also speak gRPC, at a port of its own."""
DEFAULT_PORT = 8090
"""Beside the proxy's 8080 and 8081."""


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """How an emulator listens, looks and behaves.

    `latency_ms`, `jitter_ms`: an answer takes at least this long, plus or minus a random part; looking counts towards it,
    and refusals come at once.
    `rate_per_s`: calls above it are throttled; `throttle_share` of the others as well. `poison`: an image that shows one
    of these marker ids is refused as a bad image. `model`: ONNX eyes; `classical`: OpenCV's faces and people.
    `record`: a folder for every image received and its answer. `buckets`: a folder whose folders are buckets.
    `secret`: if given, calls must be made with it: signatures are verified, or no other key is accepted.
    `grpc_port`: for vendors that speak gRPC. `seed` makes everything random repeatable.
    """

    host: str = "127.0.0.1"
    port: int = 0
    grpc_port: int = 0
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_per_s: float | None = None
    throttle_share: float = 0.0
    faults: tuple[Fault, ...] = ()
    poison: frozenset[int] = frozenset()
    model: Path | None = None
    classical: bool = True
    record: Path | None = None
    buckets: Path | None = None
    secret: str | None = None
    seed: int = 0
    threads: int | None = None
    watch_stdin: bool = False

    @property
    def pool_size(self) -> int:
        """Threads that look at images."""
        return self.threads or os.cpu_count() or 1


def add_vendors(parser: argparse.ArgumentParser) -> None:
    """Add a subcommand per vendor, with the options that it has; its name arrives as `vendor`."""
    vendors = parser.add_subparsers(dest="vendor", required=True, metavar="VENDOR")
    for name, words in VENDORS.items():
        add_arguments(vendors.add_parser(name, help=words), name)


def add_arguments(parser: argparse.ArgumentParser, vendor: str) -> None:
    """Add an emulator's options; `from_arguments` reads them."""
    listen = parser.add_argument_group("listening")
    listen.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    listen.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    if vendor in GRPC_VENDORS:
        listen.add_argument("--grpc-port", type=int, default=0, help="port for gRPC (default: a free one)")
    else:
        parser.set_defaults(grpc_port=0)
    listen.add_argument(
        "--watch-stdin", action="store_true", help="end when standard input closes: a child dies with its parent"
    )
    listen.add_argument(
        "--secret",
        metavar="KEY",
        help="what calls must be signed or made with: secret access key or API key (default: anything)",
    )
    _add_eyes(parser.add_argument_group("looking"))
    _add_behaviour(parser.add_argument_group("behaving"))


def _add_eyes(eyes: argparse._ArgumentGroup) -> None:
    eyes.add_argument("--model", type=Path, metavar="FILE.onnx", help="look through this detector (and for markers)")
    eyes.add_argument("--no-classical", action="store_true", help="do not look with OpenCV's face and people detectors")
    eyes.add_argument("--buckets", type=Path, metavar="DIR", help="folders in it are buckets: DIR/BUCKET/KEY")
    eyes.add_argument(
        "--record", type=Path, metavar="DIR", help="write every image as received, and its answer, into this folder"
    )
    eyes.add_argument("--threads", type=int, metavar="N", help="images looked at at once (default: one per core)")


def _add_behaviour(behaviour: argparse._ArgumentGroup) -> None:
    behaviour.add_argument(
        "--latency-ms", type=float, default=0.0, metavar="MS", help="least time per answer (default: %(default)s)"
    )
    behaviour.add_argument("--jitter-ms", type=float, default=0.0, metavar="MS", help="random part of it, plus or minus")
    behaviour.add_argument("--rate", type=float, metavar="N", help="throttle what comes faster than this per second")
    behaviour.add_argument(
        "--throttle-share", type=float, default=0.0, metavar="SHARE", help="throttle this share of the calls (0..1)"
    )
    behaviour.add_argument(
        "--poison", type=int, action="append", default=[], metavar="ID", help="refuse images with this marker"
    )
    behaviour.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="kind=KIND[,times=N|share=S][,seconds=S][,operation=NAME]",
        help=f"go wrong; KIND: {', '.join(FaultKind)}",
    )
    behaviour.add_argument("--seed", type=int, default=0, help="makes everything random repeatable (default: %(default)s)")


def _fault(text: str) -> Fault:
    try:
        return fault_from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def from_arguments(arguments: argparse.Namespace) -> EmulatorOptions:
    """Options from what `add_arguments` parsed."""
    return EmulatorOptions(
        host=arguments.host,
        port=arguments.port,
        grpc_port=arguments.grpc_port,
        latency_ms=arguments.latency_ms,
        jitter_ms=arguments.jitter_ms,
        rate_per_s=arguments.rate,
        throttle_share=arguments.throttle_share,
        faults=tuple(arguments.fault),
        poison=frozenset(arguments.poison),
        model=arguments.model,
        classical=not arguments.no_classical,
        record=arguments.record,
        buckets=arguments.buckets,
        secret=arguments.secret,
        seed=arguments.seed,
        threads=arguments.threads,
        watch_stdin=arguments.watch_stdin,
    )
