"""The README runs: its commands and snippets are executed against a real server, its tables are the code's own."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from app.cli import build_parser, main
from app.core.model import Feature
from app.settings import FILE_NAMES, NAMES, settings_table
from tests.support.server import RunningServer, running_server

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8080"  # what the README says; a test's server has another port
GRPC_ADDRESS = "127.0.0.1:8081"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_S = 60.0


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    return [Block(language, text) for language, text in FENCE.findall(README) if language in languages]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("readme") / "server.log") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the reader's photograph in it."""
    stored = io.BytesIO()
    Image.new("RGB", (640, 480), (120, 160, 90)).save(stored, "JPEG")
    (tmp_path / "photo.jpg").write_bytes(stored.getvalue())
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    """As a reader without any AWS configuration does, after the one line that the page tells them to begin with."""
    exported = re.search(r"`export ([^`]+)`", README)
    assert exported is not None
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **dict(word.split("=", 1) for word in shlex.split(exported[1])),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


CALLS = [block for block in blocks("bash", "python") if ADDRESS in block.text]


@pytest.mark.parametrize("block", CALLS, ids=lambda block: block.text.split("\n")[0][:40])
def test_every_snippet_runs_as_it_stands(block: Block, server: RunningServer, folder: Path) -> None:
    text = block.text.replace(ADDRESS, server.url).replace(GRPC_ADDRESS, server.grpc)
    if block.language == "python":
        run([sys.executable, "-W", "error", "-c", text], folder)
    else:
        output = run(["bash", "-euo", "pipefail", "-c", text], folder)
        assert output.strip().startswith("{"), output


def test_the_snippets_cover_curl_the_sdks_and_the_command_line() -> None:
    assert sum("curl" in block.text for block in CALLS) >= 1
    assert sum("boto3" in block.text for block in CALLS) >= 1
    assert sum("aws rekognition" in block.text for block in CALLS) >= 1
    assert sum("ImageAnalysisClient" in block.text for block in CALLS) >= 1
    assert sum("ImageAnnotatorClient" in block.text and GRPC_ADDRESS in block.text for block in CALLS) >= 1


def test_commands_that_start_servers_are_understood() -> None:
    """They name options and settings that exist; running them is what the other tests do."""
    lines = [line for block in blocks("bash") for line in block.text.splitlines() if "tessera serve" in line]
    assert lines
    for line in lines:
        words = shlex.split(line)
        start = words.index("tessera")
        assert {word.partition("=")[0] for word in words[:start]} <= NAMES.keys()
        build_parser().parse_args(words[start + 1 :])


def test_commands_that_calibrate_are_understood() -> None:
    """In the README and in the page about accuracy; running one is what tests/integration/test_calibrate.py does."""
    pages = [README, (REPOSITORY / "docs" / "accuracy.md").read_text(encoding="utf-8")]
    lines = [line for page in pages for line in page.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("tessera calibrate")]
    assert len(commands) >= 4
    for words in commands:
        build_parser().parse_args(words)


def test_the_simulation_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [block.text for block in blocks("console") if block.text.startswith("$ tessera simulate")]
    assert shown
    for text in shown:
        command, _, output = text.partition("\n")
        assert main(shlex.split(command)[2:]) == 0
        assert capsys.readouterr().out == output


def test_the_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", README)) <= targets


def test_the_table_of_settings_is_the_code_s_own() -> None:
    assert settings_table().strip() in README


def test_every_setting_and_header_that_is_named_exists() -> None:
    assert set(re.findall(r"TESSERA_[A-Z_0-9]+", README)) <= NAMES.keys() | FILE_NAMES.keys()


def test_the_features_that_are_named_exist() -> None:
    for features in re.findall(r"features=([a-z_,]+)", README):
        assert set(features.split(",")) <= {feature.value for feature in Feature}


def test_nothing_is_left_to_be_filled_in() -> None:
    assert "@@" not in README
