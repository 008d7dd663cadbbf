"""The application: it says where it speaks gRPC, and control comes before the vendor's own paths."""

from __future__ import annotations

import pytest

from tests.support.emulated_google import emulated_google


async def test_it_announces_its_grpc_address(capsys: pytest.CaptureFixture[str]) -> None:
    async with emulated_google() as emulator:
        assert capsys.readouterr().out == f"emulator grpc {emulator.grpc}\n"
        assert emulator.grpc.startswith("127.0.0.1:")


async def test_control_is_reached() -> None:
    async with emulated_google() as emulator:
        assert (await emulator.get("/_emulator/health")).json == {"status": "ok"}
        assert (await emulator.counters())["totals"]["requests"] == 0
