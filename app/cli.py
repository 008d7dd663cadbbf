"""The `tessera` command. Each subcommand imports what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__

if TYPE_CHECKING:
    from app.settings import Settings


def build_parser() -> argparse.ArgumentParser:
    """All subcommands and their options."""
    parser = argparse.ArgumentParser(
        prog="tessera", description="Several clients' images, one paid inference, everyone's own boxes."
    )
    parser.add_argument("--version", action="version", version=f"tessera {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_emulate(commands)
    _add_demo(commands)
    _add_calibrate(commands)
    _add_simulate(commands)
    _add_bench(commands)
    settings = commands.add_parser("settings", help="print all settings as a table")
    settings.set_defaults(run=_settings)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    options = build_parser().parse_args(arguments)
    return int(options.run(options))


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="run the proxy; settings come from the environment (TESSERA_*) or .env")
    serve.add_argument("--role", choices=("all", "api", "worker"), help="overrides TESSERA_ROLE")
    serve.add_argument("--host", help="overrides TESSERA_HOST")
    serve.add_argument("--port", type=int, help="overrides TESSERA_PORT; 0 takes a free one")
    serve.add_argument(
        "--model",
        type=Path,
        help="overrides TESSERA_MODEL: the ONNX model of a local provider, or the embedded emulator's eyes",
    )
    serve.set_defaults(run=_serve)


def _add_emulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.emulators.options import add_vendors

    emulate = commands.add_parser("emulate", help="run a vendor to practise against; it looks at the pixels it is sent")
    add_vendors(emulate)
    emulate.set_defaults(run=_emulate)


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.demo.run import add_arguments

    demo = commands.add_parser("demo", help="the main job on real input against an emulated upstream, with everything counted")
    add_arguments(demo)
    demo.set_defaults(run=_demo)


def _add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.calibration.options import add_arguments

    calibrate = commands.add_parser("calibrate", help="measure what gridding loses and saves on your own pictures")
    add_arguments(calibrate)
    calibrate.set_defaults(run=_calibrate)


def _add_simulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.simulation.command import add_arguments

    simulate = commands.add_parser("simulate", help="what each window and layout would save on your arrivals; pays nothing")
    add_arguments(simulate)
    simulate.set_defaults(run=_simulate)


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.bench.command import add_benches

    bench = commands.add_parser("bench", help="what a task costs here, beside what theory says; against an emulated upstream")
    add_benches(bench)
    bench.set_defaults(run=_bench)


def _serve(options: argparse.Namespace) -> int:
    # gRPC's own core writes to standard error, past our log: plain lines, and in them whatever a peer says when it goes away
    # (GOAWAY's debug text), line ends included, so that anybody could write lines of ours. It reads this when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from app.main import run

    settings = _settings_with(options, "role", "host", "port", "model")
    return 2 if settings is None else run(settings)


def _calibrate(options: argparse.Namespace) -> int:
    from app.calibrate.command import run

    # What it is about to write must not be read, and a scout without it is what it is for.
    settings = _settings_with(options, "provider", "model", "layouts", "scout", without=("calibration",))
    return 2 if settings is None else run(options, settings)


def _settings_with(options: argparse.Namespace, *names: str, without: Sequence[str] = ()) -> Settings | None:
    """The settings, with the command line's own words in place of the environment's; None where they cannot be used."""
    from app.settings import SettingsError, load_settings

    environ = dict(os.environ)
    overrides = {name: getattr(options, name) for name in names}
    environ.update({f"TESSERA_{name.upper()}": str(value) for name, value in overrides.items() if value is not None})
    environ.update({f"TESSERA_{name.upper()}": "" for name in without})
    try:
        return load_settings(environ, Path(".env"))
    except SettingsError as error:
        print(f"tessera: {error}", file=sys.stderr)
        return None


def _emulate(options: argparse.Namespace) -> int:
    from app.emulators.options import from_arguments
    from app.emulators.serve import run

    run(options.vendor, from_arguments(options))
    return 0


def _demo(options: argparse.Namespace) -> int:
    from app.demo.run import run

    return run(options)


def _simulate(options: argparse.Namespace) -> int:
    from app.simulation.command import run

    return run(options)


def _bench(options: argparse.Namespace) -> int:
    from app.bench.command import run

    return run(options)


def _settings(_options: argparse.Namespace) -> int:
    from app.settings import settings_table

    print(settings_table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
