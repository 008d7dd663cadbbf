"""`tessera calibrate --task classify` as an operator runs it: labels by every way, on a small data set that the model knows."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.calibrate_command import calibrate
from tests.support.colour_model import write_colour_model
from tests.support.colour_photographs import PHOTOGRAPHS, write_photographs

# Several processes, on a busy machine.
pytestmark = pytest.mark.timeout(300)


def lines(out: Path) -> list[str]:
    return (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()


def arguments(place: Path, *more: str) -> list[str]:
    model = str(write_colour_model(place)) if not (place / "colours.onnx").exists() else str(place / "colours.onnx")
    given = ["--task", "classify", "--dataset", f"voc:{place / 'photographs'}", "--provider", "onnx", "--model", model]
    return [*given, "--out", str(place / "out"), *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("classify")
    write_photographs(place / "photographs")
    return place


@pytest.fixture(scope="module")
def done(place: Path) -> subprocess.CompletedProcess[str]:
    prices = {"TESSERA_PRICE_PER_INFERENCE": "0.01"}
    stopped = calibrate(arguments(place, "--budget-dollars", "0.7"), **prices)
    assert stopped.returncode == 1
    assert len(lines(place / "out")) == 70  # one limit for labels and detections together
    run = calibrate(arguments(place), **prices)
    assert run.returncode == 0, run.stderr
    return run


def test_it_prints_a_table_and_writes_its_files(place: Path, done: subprocess.CompletedProcess[str]) -> None:
    starts = ("alone  ", "detection alone", "1x2|2x1", "2x2", "2x3|3x2", "3x3")
    for start in starts:
        assert any(line.startswith(start) and "1.000" in line for line in done.stdout.splitlines()[-20:]), start
    data = json.loads((place / "out" / "classify.json").read_bytes())
    ways = {way["name"]: way for way in data["ways"]}
    assert ways["alone"]["figures"] == ways["detection alone"]["figures"]  # a local model's labels are what it detects
    assert ways["alone"]["figures"]["mAP"] > 0.95
    assert ways["2x2"]["inferences_per_image"] == pytest.approx(0.25)
    assert ways["alone"]["classes"]["Red"]["recall"] == 1.0
    assert {"classify.html", "classify.txt"} <= {path.name for path in (place / "out").iterdir()}


def test_running_it_again_pays_nothing(place: Path, done: subprocess.CompletedProcess[str]) -> None:
    before = lines(place / "out")
    keys = [json.loads(line)["key"] for line in before]
    assert len(keys) == len(set(keys))
    assert keys.count(keys[0]) == 1
    assert len(keys) >= 2 * PHOTOGRAPHS + PHOTOGRAPHS // 2
    again = calibrate(arguments(place))
    assert (again.returncode, lines(place / "out")) == (0, before)


def test_only_the_grids_that_were_named(place: Path, done: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    out = Path(shutil.copytree(place / "out", tmp_path / "out"))
    run = calibrate(arguments(place, "--layouts", "2x2", "--out", str(out)))
    assert run.returncode == 0
    names = [way["name"] for way in json.loads((out / "classify.json").read_bytes())["ways"]]
    assert names == ["alone", "detection alone", "2x2"]


def test_photographs_without_an_object_that_counts_are_no_data_set(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "photographs", tmp_path / "photographs")
    for annotation in (tmp_path / "photographs" / "Annotations").iterdir():
        annotation.write_text(annotation.read_text(encoding="utf-8").replace("<difficult>0", "<difficult>1"), encoding="utf-8")
    run = calibrate(arguments(place, "--dataset", f"voc:{tmp_path / 'photographs'}"))
    assert run.returncode == 2
    assert "there is no object in it that counts" in run.stderr


def test_a_folder_is_no_data_set_for_it(place: Path) -> None:
    run = calibrate(arguments(place, "--dataset", f"folder:{place / 'photographs'}"))
    assert run.returncode == 2
    assert "--task classify needs to know what is in the photographs" in run.stderr
