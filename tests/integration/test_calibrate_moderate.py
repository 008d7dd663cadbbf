"""`tessera calibrate --task moderate` as an operator runs it, against the embedded emulator, which looks at the pixels."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.geometry import Size
from tests.support.calibrate_command import calibrate
from tests.support.colour_model import write_colour_model
from tests.support.moderated import safe_picture, unsafe_picture
from tests.support.native import native_client
from tests.support.server import running_server

# Several processes, on a busy machine.
pytestmark = pytest.mark.timeout(300)
SIZE = Size(480, 360)
UNSAFE, SAFE = 6, 10


def lines(out: Path) -> list[str]:
    return (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()


def arguments(place: Path, *more: str, provider: str = "emulator") -> list[str]:
    given = ["--task", "moderate", "--dataset", f"folder:{place / 'pictures'}", "--provider", provider]
    return [*given, "--layouts", "2x1,2x2", "--out", str(place / "out"), *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("moderate")
    rng = np.random.default_rng(1)
    for side in ("Unsafe", "safe"):
        (place / "pictures" / side).mkdir(parents=True)
    for number in range(UNSAFE):
        (place / "pictures" / "Unsafe" / f"{number}.jpg").write_bytes(unsafe_picture(rng, SIZE, 0.3))
    for number in range(SAFE):
        (place / "pictures" / "safe" / f"{number}.jpg").write_bytes(safe_picture(rng, SIZE))
    return place


@pytest.fixture(scope="module")
def done(place: Path) -> subprocess.CompletedProcess[str]:
    stopped = calibrate(arguments(place, "--budget-dollars", "0.01"))
    assert stopped.returncode == 1
    assert "the limit of $0.01 is reached" in stopped.stderr
    assert len(lines(place / "out")) == 10
    run = calibrate(arguments(place))
    assert run.returncode == 0, run.stderr
    return run


def calibration(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "calibration.json").read_bytes()))


def test_it_prints_a_table_and_writes_margins(place: Path, done: subprocess.CompletedProcess[str]) -> None:
    assert "6 unsafe and 10 safe" in done.stdout
    assert "up to " in done.stdout  # what it may cost
    rows = [line.split()[0] for line in done.stdout.splitlines() if line and line.split()[0] in {"alone", "2", "4"}]
    assert rows == ["alone", "2", "4"]
    data = calibration(place / "out")
    assert (data["provider"], data["mixes"]) == ("emulator", [])
    margins = {int(size): margin for size, margin in data["moderation"]["margins"].items()}
    assert 0.0 < margins[2] <= margins[4] < 0.9  # the emulator's scores fall with the size
    assert data["moderation"]["groups"]["4"]["reached"] is True
    assert {"moderate.html", "moderate.txt"} <= {path.name for path in (place / "out").iterdir()}


def test_what_was_paid_before_it_stopped_was_not_paid_again(place: Path, done: subprocess.CompletedProcess[str]) -> None:
    before = lines(place / "out")
    keys = [json.loads(line)["key"] for line in before]
    assert len(keys) == len(set(keys)) == UNSAFE + SAFE + 2 * (UNSAFE + SAFE)
    again = calibrate(arguments(place))
    assert (again.returncode, lines(place / "out")) == (0, before)


def test_the_proxy_serves_with_it(place: Path, done: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    settings = {"TESSERA_PROVIDER": "emulator", "TESSERA_CALIBRATION": str(place / "out" / "calibration.json")}
    picture = (place / "pictures" / "Unsafe" / "0.jpg").read_bytes()
    with running_server(tmp_path / "log", **settings) as server, native_client(server.url) as client:
        assert server.stats()["accuracy"]["source"].startswith("paper")
        assert client.post(picture).status_code == 200


def test_mixes_of_an_earlier_calibration_stay(place: Path, done: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    out = Path(shutil.copytree(place / "out", tmp_path / "out"))
    data = calibration(out)
    mix = {"name": "2x2", "tiers": [{"layouts": ["2x2"], "mode": "kept", "crops": False, "by_shape": False}]}
    figures = {"inferences_per_image": 0.25, "drop": 0.1, "interval": [None, None], "trade": 0.0, "escalation": None}
    del data["moderation"]
    (out / "calibration.json").write_text(json.dumps(data | {"mixes": [mix | figures], "photographs": 7}))
    assert calibrate(arguments(place, "--out", str(out))).returncode == 0
    merged = calibration(out)
    assert ([one["name"] for one in merged["mixes"]], merged["photographs"]) == (["2x2"], 7)
    assert set(merged["moderation"]["margins"]) == {"2", "4"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--dataset", "voc:any"), "needs folder:DIR with the subfolders unsafe/ and safe/"),
        (("--layouts", "1x1"), "groups have 2 to 25 images"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(place: Path, more: tuple[str, ...], said: str) -> None:
    run = calibrate(arguments(place, *more))
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_local_model_does_not_judge_unsafe_content(place: Path, tmp_path: Path) -> None:
    run = calibrate(arguments(place, "--provider", "onnx", "--model", str(write_colour_model(tmp_path))))
    assert run.returncode == 2
    assert "a local model (onnx) does not judge unsafe content" in run.stderr


def test_another_providers_calibration_is_not_overwritten(place: Path, tmp_path: Path) -> None:
    theirs = {"version": 1, "provider": "google", "feature": "objects", "mixes": [], "moderation": {"margins": {"2": 0.1}}}
    (tmp_path / "calibration.json").write_text(json.dumps(theirs))
    run = calibrate(arguments(place, "--out", str(tmp_path)))
    assert run.returncode == 2
    assert "measured with provider google, not with emulator" in run.stderr
    assert not (tmp_path / "answers.jsonl").exists()
