"""`tessera calibrate` as an operator runs it: tables and files, nothing paid twice, and a proxy that acts on the result."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.core.geometry import Size
from tests.support.calibrate_command import LIMIT_S, calibrate, command, environment
from tests.support.colour_model import RECIPE, patches, write_colour_model
from tests.support.colour_photographs import PHOTOGRAPHS, write_photographs
from tests.support.native import native_client
from tests.support.plain_http import WEB
from tests.support.sdk import MEETING_MS, new_key, together
from tests.support.server import REPOSITORY, running_server

pytest.importorskip("sklearn", reason="scikit-learn comes with the extra `calibrate`")

# Two whole calibrations on a busy machine.
pytestmark = pytest.mark.timeout(300)
ENOUGH = ("--costs", "0.5", "--layouts", "2x1,2x2")


@dataclass(frozen=True, slots=True)
class Place:
    """A data set, a model that is provider and scout, and a folder for results."""

    photographs: Path
    model: Path
    out: Path

    def arguments(self, *more: str, scout: bool = True) -> list[str]:
        eyes = ["--scout", str(self.model)] if scout else []
        given = ["--dataset", f"voc:{self.photographs}", "--provider", "onnx", "--model", str(self.model), *eyes]
        return [*given, "--out", str(self.out), *ENOUGH, *more]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "answers.jsonl").read_text(encoding="utf-8").splitlines()]


def place_in(folder: Path, *, bad: bool = False) -> Place:
    return Place(write_photographs(folder / "photographs", bad=bad), write_colour_model(folder), folder / "out")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str]:
    """A whole run over a data set with bad input; the tests below read what it left."""
    place = place_in(tmp_path_factory.mktemp("calibrate"), bad=True)
    run = calibrate(place.arguments(), TESSERA_MAX_MAP_DROP="0.9")
    assert run.returncode == 0, run.stderr
    return place, run.stdout


def test_it_prints_a_table_and_writes_what_it_promises(done: tuple[Place, str]) -> None:
    place, said = done
    for row in ("1x1", "1x2 paper", "2x1 paper", "2x2 paper", "2x1", "2x2 + 25% alone", "scout at 0.50"):
        assert any(line.startswith(row) for line in said.splitlines()), row
    assert "a budget of 0.9 mAP buys" in said
    assert {"calibration.json", "report.html", "report.txt", "cost-accuracy.png", "cost-accuracy.svg"} <= {
        path.name for path in place.out.iterdir()
    }
    page = (place.out / "report.html").read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page
    assert 'src="http' not in page


def test_bad_input_is_named_and_skipped(done: tuple[Place, str]) -> None:
    _, said = done
    assert f"{PHOTOGRAPHS + 1} photographs" in said  # and the one whose box lay outside, without it
    for name in ("missing", "unreadable", "broken", "outside"):
        assert name in said


def test_the_calibration_holds_mixes_that_were_measured(done: tuple[Place, str]) -> None:
    place, _ = done
    data = json.loads((place.out / "calibration.json").read_bytes())
    mixes = {mix["name"]: mix for mix in data["mixes"]}
    assert data["provider"] == "onnx"
    assert mixes["2x2"]["inferences_per_image"] == pytest.approx(0.25, abs=0.02)
    assert mixes["scout at 0.50"]["inferences_per_image"] <= 0.52  # each shape's last sheet may be part empty
    assert mixes["2x2"]["drop"] > 0  # patches of one colour run into each other
    assert len(data["scout"]["forest"]["roots"]) > 1


def test_running_it_again_pays_nothing(done: tuple[Place, str]) -> None:
    place, said = done
    before = place.lines()
    again = calibrate(place.arguments(), TESSERA_MAX_MAP_DROP="0.9")
    assert (again.returncode, place.lines()) == (0, before)
    assert [line for line in again.stdout.splitlines() if "inferences per image" in line] == [
        line for line in said.splitlines() if "inferences per image" in line
    ]


def test_margins_that_were_measured_before_stay(done: tuple[Place, str], tmp_path: Path) -> None:
    place, _ = done
    out = Path(shutil.copytree(place.out, tmp_path / "out"))
    known = json.loads((out / "calibration.json").read_bytes()) | {"moderation": {"margins": {"2": 0.2}}}
    (out / "calibration.json").write_text(json.dumps(known), encoding="utf-8")
    assert calibrate(place.arguments("--out", str(out)), TESSERA_MAX_MAP_DROP="0.9").returncode == 0
    assert json.loads((out / "calibration.json").read_bytes())["moderation"] == known["moderation"]


def test_a_run_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    with subprocess.Popen(
        command(place.arguments(scout=False)), cwd=REPOSITORY, env=environment(), stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        while not run.stdout.readline().startswith("1x2 paper"):
            assert run.poll() is None, "it ended before it could be killed"
        run.kill()
    paid = [line["key"] for line in place.lines() if "key" in line]
    assert len(paid) >= PHOTOGRAPHS + PHOTOGRAPHS // 2
    assert calibrate(place.arguments(scout=False)).returncode == 0
    keys = [line["key"] for line in place.lines()]
    assert keys[: len(paid)] == paid
    assert len(keys) == len(set(keys))


def test_it_stops_at_the_dollars_it_was_given_and_keeps_what_was_paid(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    run = calibrate(place.arguments("--budget-dollars", "0.2", scout=False), TESSERA_PRICE_PER_INFERENCE="0.01")
    assert run.returncode == 1
    assert "the limit of $0.20 is reached" in run.stderr
    assert "at list price" in run.stdout
    assert 0 < len(place.lines()) <= 20


def test_an_interrupted_run_says_so_in_one_line_and_keeps_what_it_paid(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    with subprocess.Popen(
        command(place.arguments(scout=False)),
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        while not run.stdout.readline().startswith("1x1"):
            assert run.poll() is None, "it ended before it could be interrupted"
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=LIMIT_S)
    assert run.returncode == 1
    assert "interrupted; what was paid is kept" in said
    assert "Traceback" not in said
    assert len(place.lines()) >= PHOTOGRAPHS


def test_classes_that_the_provider_never_names_are_left_out_and_said(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    for annotation in (place.photographs / "Annotations").iterdir():
        text = annotation.read_text(encoding="utf-8").replace("<name>Red<", "<name>sku-17<")
        annotation.write_text(text, encoding="utf-8")
    run = calibrate(place.arguments(scout=False))
    assert run.returncode == 0
    assert "left out, for no answer ever names them (objects): sku-17" in run.stdout


def test_a_data_set_in_unknown_words_is_no_calibration(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    for annotation in (place.photographs / "Annotations").iterdir():
        annotation.write_text(annotation.read_text(encoding="utf-8").replace("<name>", "<name>sku-"), encoding="utf-8")
    run = calibrate(place.arguments(scout=False))
    assert run.returncode == 2
    assert "name none of the data set's classes" in run.stderr
    assert not (place.out / "calibration.json").exists()


def test_a_paid_provider_is_not_asked_without_a_limit(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    arguments = ["--dataset", f"voc:{place.photographs}", "--provider", "rekognition", "--out", str(place.out)]
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
    run = calibrate(arguments, TESSERA_UPSTREAM_URL="http://127.0.0.1:9", **keys)
    assert run.returncode == 2
    assert "--budget-dollars" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dataset", "voc:/nowhere"), "nowhere"),
        (("--dataset", "pictures"), "pictures"),
        (("--dataset", "folder:.", "--provider", "onnx"), "TESSERA_MODEL"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    run = calibrate([*arguments, "--out", str(tmp_path)])
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def serve_refused(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A start that must end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0"],
        cwd=REPOSITORY,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


class TestServing:
    """The proxy acts on what was found."""

    RED = patches(Size(400, 300), {"Red": (40, 30, 240, 200)}).content
    BLUE = patches(Size(400, 300), {"Blue": (100, 100, 300, 280)}).content

    def settings(self, place: Place, **more: str) -> dict[str, str]:
        return {
            "TESSERA_PROVIDER": "onnx",
            "TESSERA_MODEL": str(place.model),
            "TESSERA_CALIBRATION": str(place.out / "calibration.json"),
            "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
        } | more

    def test_the_budget_chooses_from_the_calibration(self, done: tuple[Place, str], tmp_path: Path) -> None:
        place, _ = done
        with running_server(tmp_path / "log", **self.settings(place, TESSERA_MAX_MAP_DROP="0.9")) as server:
            chosen = server.stats()["accuracy"]
            assert chosen["source"] == "calibration"
            assert chosen["chosen"].startswith("2x2")
            shown = re.search(r"^tessera_expected_map_drop (\S+)$", WEB.get(f"{server.url}/metrics").text, re.MULTILINE)
            assert shown is not None
            assert float(shown[1]) == pytest.approx(chosen["expected_map_drop"], abs=1e-4)
            with native_client(server.url) as client:
                mine = client.with_key(new_key())
                answers = together(
                    lambda: mine.post(self.RED, "features=objects"), lambda: mine.post(self.BLUE, "features=objects")
                )
                alone = mine.post(self.RED, headers={"X-Tessera-Max-Map-Drop": "0", "Content-Type": "image/jpeg"})
        assert [answer.json()["detections"][0]["label"] for answer in answers] == ["Red", "Blue"]
        assert {answer.headers["X-Tessera-Grid"] for answer in answers} == {"2x2"}
        assert alone.headers["X-Tessera-Grid"] == "1x1"

    def test_with_a_scout_it_looks_first(self, done: tuple[Place, str], tmp_path: Path) -> None:
        place, _ = done
        data = json.loads((place.out / "calibration.json").read_bytes())
        data["mixes"] = [mix for mix in data["mixes"] if mix["name"] == "scout at 0.50"]
        data["mixes"][0]["trade"] = 100.0  # as dense as it goes, whatever is foreseen
        (tmp_path / "calibration.json").write_text(json.dumps(data), encoding="utf-8")
        settings = self.settings(place, TESSERA_MAX_MAP_DROP="0.9", TESSERA_SCOUT=str(place.model))
        settings["TESSERA_CALIBRATION"] = str(tmp_path / "calibration.json")
        with running_server(tmp_path / "log", **settings) as server, native_client(server.url) as client:
            mine = client.with_key(new_key())
            answers = together(lambda: mine.detect(self.RED), lambda: mine.detect(self.BLUE))
            stats = server.stats()
        assert [one["label"] for answer in answers for one in answer["detections"]] == ["Red", "Blue"]
        assert stats["scout"]["looks"]["looked"] == 2
        assert stats["inferences"]["by_kind"]["grid"] == 1

    def test_a_calibration_of_another_recipe_keeps_it_from_starting(self, done: tuple[Place, str], tmp_path: Path) -> None:
        place, _ = done
        other = write_colour_model(tmp_path, RECIPE.replace("letterbox_centre", "stretch"))
        run = serve_refused(self.settings(place) | {"TESSERA_MODEL": str(other)})
        assert run.returncode == 1
        assert "measured with onnx:colours.onnx" in run.stderr

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"TESSERA_CALIBRATION": ""}, "TESSERA_SCOUT needs TESSERA_CALIBRATION"),
            ({"TESSERA_PROVIDER": "emulator", "TESSERA_SCOUT": ""}, "measured with provider onnx, not with emulator"),
        ],
    )
    def test_a_calibration_that_does_not_hold_keeps_it_from_starting(
        self, done: tuple[Place, str], changes: dict[str, str], said: str
    ) -> None:
        place, _ = done
        run = serve_refused(self.settings(place, TESSERA_SCOUT=str(place.model)) | changes)
        assert run.returncode == 1
        assert said in run.stderr
