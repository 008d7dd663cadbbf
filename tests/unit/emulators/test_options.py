"""The emulator's command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from app.emulators.faults import Fault, FaultKind
from app.emulators.options import DEFAULT_PORT, GRPC_VENDORS, VENDORS, EmulatorOptions, add_arguments, from_arguments


def parsed(*words: str, vendor: str = "rekognition") -> EmulatorOptions:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser, vendor)
    return from_arguments(parser.parse_args(words))


def test_without_options_only_the_port_differs_from_code() -> None:
    """On the command line a port that one can type again; in code a free one, for tests."""
    assert parsed() == EmulatorOptions(port=DEFAULT_PORT)
    assert EmulatorOptions().port == 0


def test_every_option_arrives() -> None:
    words = (
        "--host ::1 --port 0 --watch-stdin --secret S --model m.onnx --no-classical --buckets b --record r --threads 3 "
        "--latency-ms 80 --jitter-ms 20 --rate 5 --throttle-share 0.1 --poison 7 --poison 9 --seed 4 "
        "--fault kind=stall,times=1 --fault kind=close"
    )
    assert parsed(*words.split()) == EmulatorOptions(
        host="::1",
        port=0,
        watch_stdin=True,
        secret="S",
        model=Path("m.onnx"),
        classical=False,
        buckets=Path("b"),
        record=Path("r"),
        threads=3,
        latency_ms=80,
        jitter_ms=20,
        rate_per_s=5,
        throttle_share=0.1,
        poison=frozenset({7, 9}),
        seed=4,
        faults=(Fault(FaultKind.STALL, times=1), Fault(FaultKind.CLOSE)),
    )


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_port_for_grpc_is_offered_where_grpc_is_spoken(vendor: str) -> None:
    if vendor in GRPC_VENDORS:
        assert parsed("--grpc-port", "8091", vendor=vendor).grpc_port == 8091
    else:
        with pytest.raises((argparse.ArgumentError, SystemExit)):
            parsed("--grpc-port", "8091", vendor=vendor)


def test_a_wrong_fault_is_an_error_of_the_command_line() -> None:
    with pytest.raises(argparse.ArgumentError, match="earthquake"):
        parsed("--fault", "kind=earthquake")


def test_there_is_a_thread_per_core_unless_told_otherwise() -> None:
    assert EmulatorOptions().pool_size >= 1
    assert EmulatorOptions(threads=5).pool_size == 5
