"""`tessera serve` with a model of the operator's own: what it counts, what it refuses, and that a wrong model keeps it down."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.geometry import Size
from tests.support.bad_images import undecodable
from tests.support.colour_model import RECIPE, patches, write_colour_model
from tests.support.native import native_client
from tests.support.sdk import MEETING_MS, new_key, together
from tests.support.server import REPOSITORY, RunningServer, running_server

RED = patches(Size(800, 600), {"Red": (80, 60, 400, 300)})
BLUE = patches(Size(800, 600), {"Blue": (400, 300, 800, 600)})
START_S = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    settings = {
        "TESSERA_PROVIDER": "onnx",
        "TESSERA_MODEL": str(write_colour_model(tmp_path)),
        "TESSERA_PRICE_PER_INFERENCE": "0.5",
        "TESSERA_LAYOUTS": "2x1",
        "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
    }
    with running_server(tmp_path / "log", **settings) as running:
        yield running


def test_a_local_model_counts_as_any_provider_does_and_goes_down_cleanly(server: RunningServer) -> None:
    with native_client(server.url) as client:
        mine = client.with_key(new_key())
        answers = together(lambda: mine.detect(RED.content), lambda: mine.detect(BLUE.content))
        refused = client.post(undecodable("png"), headers={"Content-Type": "image/png"})
        faces = client.post(RED.content, "features=faces")
    assert [[one["label"] for one in answer["detections"]] for answer in answers] == [["Red"], ["Blue"]]
    assert (refused.status_code, faces.status_code) == (422, 404)
    assert "The model cannot read the image" in refused.json()["detail"]
    stats = server.stats()
    assert stats["process"]["provider"] == "onnx"
    assert stats["inferences"]["by_kind"]["grid"] == 1
    assert stats["dollars"] == {"spent": 0.5, "saved": 0.5}
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (RECIPE.replace("fit", "fits"), "colours.toml: input.fits: unknown; did you mean input.fit?"),
        (
            RECIPE.replace('"boxes_labels_scores"\nboxes = "input"', '"yolov8"'),
            "colours.toml: output.names.output: the graph has",
        ),
    ],
)
def test_a_recipe_that_is_wrong_keeps_it_from_starting(tmp_path: Path, recipe: str, said: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TESSERA_")}
    environment |= {"TESSERA_PROVIDER": "onnx", "TESSERA_MODEL": str(write_colour_model(tmp_path, recipe))}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=START_S, check=False
    )
    assert done.returncode == 1
    assert "cannot start" in done.stderr
    assert said in done.stderr
