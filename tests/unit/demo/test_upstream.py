"""The emulated vendor as the demo uses it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import httpx
import pytest

from app.demo.upstream import emulator_line, inferences_paid, recorded
from app.emulators.options import EmulatorOptions, add_arguments, from_arguments


def understood(line: list[str]) -> EmulatorOptions:
    """What the emulator's own command line makes of it."""
    place = line.index("rekognition")
    assert line[place - 1] == "emulate"
    parser = argparse.ArgumentParser()
    add_arguments(parser, "rekognition")
    return from_arguments(parser.parse_args(line[place + 1 :]))


def test_for_the_run_the_vendor_takes_its_time_and_records(tmp_path: Path) -> None:
    options = understood(emulator_line(None, tmp_path))
    assert (options.port, options.watch_stdin, options.record, options.model) == (0, True, tmp_path, None)
    assert options.latency_ms > options.jitter_ms > 0
    assert not options.classical, "nothing but markers is in the scenes"


def test_for_the_truth_it_answers_as_fast_as_it_can(tmp_path: Path) -> None:
    model = tmp_path / "detector.onnx"
    options = understood(emulator_line(model))
    assert (options.latency_ms, options.record, options.model, options.classical) == (0, None, model, True)


def test_the_bill_is_the_vendors_own_count() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/_emulator/counters"
        return httpx.Response(200, json={"totals": {"requests": 9, "inferences": 7}})

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        assert inferences_paid(http, "http://upstream") == 7


def test_without_a_count_there_is_no_bill() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(404))) as http, pytest.raises(httpx.HTTPError):
        inferences_paid(http, "http://upstream")


def test_recorded_calls_are_read_back_in_order(tmp_path: Path) -> None:
    for number, answer in ((2, {"Labels": []}), (10, None), (1, {"Labels": [{"Name": "Car"}]})):
        (tmp_path / f"{number:06d}.jpg").write_bytes(b"image %d" % number)
        facts = {"images": [f"{number:06d}.jpg"], "status": 200, "answer": answer}
        (tmp_path / f"{number:06d}.json").write_text(json.dumps(facts))
    found = list(recorded(tmp_path))
    assert [sheet.content for sheet in found] == [b"image 1", b"image 2", b"image 10"]
    assert [sheet.number for sheet in found] == [1, 2, 3]
    assert [dict(sheet.answer) for sheet in found] == [{"Labels": [{"Name": "Car"}]}, {"Labels": []}, {}]
