"""`tessera demo` as a user runs it: a process that starts the vendor and the proxy, and leaves its findings in a folder."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.tiny_onnx import detr_model

REPOSITORY = Path(__file__).parents[2]
RUN_LIMIT_S = 100.0  # a small demo takes about 8 s on two idle cores
PROMISED = {
    "images",
    "answered",
    "inferences_paid",
    "saved_percent",
    "boxes_expected",
    "boxes_right",
    "boxes_wrong",
    "boxes_missing",
    "added_latency_ms_p50",
    "added_latency_ms_p95",
    "sheets_by_layout",
}


def demo_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", "demo", *arguments]


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        demo_line(*arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False
    )


def test_a_small_demo_keeps_every_promise(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_demo("--count", "16", "--rate", "40", "--clients", "8", "--out", str(out), "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary.keys() >= PROMISED
    assert (summary["images"], summary["answered"], summary["passed"]) == (16, 16, True)
    assert (summary["boxes_wrong"], summary["boxes_missing"]) == (0, 0)
    assert summary["boxes_right"] == summary["boxes_expected"] >= 16
    assert summary["saved_percent"] == pytest.approx(100 * (16 - summary["inferences_paid"]) / 16, abs=0.01)
    assert summary["saved_percent"] >= 40
    assert 0 < summary["added_latency_ms_p50"] <= summary["added_latency_ms_p95"]
    assert sum(summary["sheets_by_layout"].values()) == summary["inferences_paid"]
    assert set(summary["sheets_by_layout"]) <= {"1x1", "1x2", "2x1"}, "the default budget allows no more"
    check_pictures(out, summary["inferences_paid"])
    assert re.search(r"images answered +16 of 16", done.stdout)


def check_pictures(out: Path, paid: int) -> None:
    """One drawn sheet per inference, and drawn client images; nothing of the raw recording is left."""
    sheets, clients = sorted((out / "sheets").iterdir()), sorted((out / "clients").iterdir())
    assert len(sheets) == paid
    assert len(clients) == 16
    for path in (*sheets, *clients):
        with Image.open(path) as picture:
            picture.load()
    assert {path.name for path in out.iterdir() if path.is_dir()} == {"sheets", "clients"}
    assert {path.name for path in out.glob("*.log")} == {"emulator.log", "proxy.log"}


def test_without_a_budget_nothing_is_gridded_and_the_demo_says_so(tmp_path: Path) -> None:
    done = run_demo("--count", "4", "--rate", "40", "--max-map-drop", "0", "--out", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "only 0.0 % was saved" in done.stdout
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["inferences_paid"], summary["boxes_wrong"], summary["boxes_missing"]) == (4, 0, 0)
    assert summary["sheets_by_layout"] == {"1x1": 4}


def bright_pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", (400, 300), (250, 240, 200 + number)).save(folder / f"{number}.{('jpg', 'png', 'webp')[number % 3]}")
    return folder


def test_photographs_are_seen_through_a_model_and_compared_with_the_lone_answer(tmp_path: Path) -> None:
    """The tiny model sees a dog at the same place of all that is bright, so a sheet's dog is nobody's: told, not judged."""
    place, dog = np.array([[[0.1, 0.1, 0.4, 0.4]]], np.float32), np.array([[16]], np.int64)
    model = tmp_path / "tiny.onnx"
    model.write_bytes(detr_model(place, dog, side_px=64, mask=(1, 1, 1)))
    images, out = bright_pictures(tmp_path / "images", 12), tmp_path / "out"
    done = run_demo("--images", str(images), "--model", str(model), "--rate", "40", "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["images"], summary["answered"], summary["boxes_expected"]) == (12, 12, 12)
    assert summary["boxes_missing"] > 0
    assert summary["photographs"]
    assert len(list((out / "sheets").iterdir())) == summary["inferences_paid"], "asking for the truth is not on the bill"
    assert "told, not judged" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--images", "."], "--images needs --model"),
        (["--model", "detector.onnx"], "--model needs --images"),
        (["--images", ".", "--model", "nowhere.onnx"], "there is no file nowhere.onnx"),
        (["--count", "1001"], "at most 1000"),
        (["--rate", "0"], "must be above 0"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_in_one_sentence(
    arguments: Sequence[str], complaint: str, tmp_path: Path
) -> None:
    done = run_demo(*arguments, "--out", str(tmp_path))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_child_that_fails_is_shown_with_its_own_words(tmp_path: Path) -> None:
    model = tmp_path / "broken.onnx"
    model.write_bytes(b"not a model")
    images = bright_pictures(tmp_path / "images", 1)
    done = run_demo("--images", str(images), "--model", str(model), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "the emulator ended before it was ready" in done.stderr
    assert "  | " in done.stderr, "the end of its log"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A run of the tests in the background of a shell ignores Ctrl-C, and so would everything that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_takes_its_children_with_it(which: signal.Signals, tmp_path: Path) -> None:
    line = demo_line("--count", "30", "--rate", "1", "--out", str(tmp_path))
    with subprocess.Popen(line, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        addresses = []
        for told in demo.stdout:
            addresses += re.findall(r"at (http://127\.0\.0\.1:\d+)", told)
            if "endpoint_url=" in told:
                break
        demo.send_signal(which)
        _, errors = demo.communicate(timeout=RUN_LIMIT_S)
        assert demo.returncode == 130, errors
    assert "interrupted" in errors
    assert len(addresses) == 2
    for address in addresses:
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, trust_env=False)
