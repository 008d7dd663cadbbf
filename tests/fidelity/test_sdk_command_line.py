"""The aws command line through the proxy: started as a process, with nothing changed but `--endpoint-url`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.pictures import check_faces, check_labels, picture
from tests.support.sdk import Rig, new_key, together

AWS = Path(sys.executable).with_name("aws")
RUN_S = 60.0
SERVICE_ERROR_CODE = 255  # the exit code of version 1 of the command line for whatever the service refuses


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs the command line in a folder, as one tenant."""

    url: str
    folder: Path
    key: str = field(default_factory=new_key)

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": "any-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(self.folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-credentials"),
            "AWS_MAX_ATTEMPTS": "1",
        }
        command = [sys.executable, str(AWS), "rekognition", *words, "--endpoint-url", self.url, "--output", "json"]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=RUN_S, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def answer(self, *words: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run(*words).stdout)
        return told


@pytest.fixture
def shell(rig: Rig, tmp_path: Path) -> Shell:
    return Shell(rig.server.url, tmp_path)


def test_command_lines_share_sheets_operation_by_operation(rig: Rig, shell: Shell) -> None:
    """Two ask for labels, two for faces, and one for what is the vendor's to answer, all at once: two sheets."""
    scenes = [picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)]
    for number, scene in enumerate(scenes):
        (shell.folder / f"{number}.jpg").write_bytes(scene.content)
    before = rig.calls()
    *told, collections = together(
        lambda: shell.answer("detect-labels", "--image-bytes", "fileb://0.jpg", "--min-confidence", "60"),
        lambda: shell.answer("detect-labels", "--image-bytes", "fileb://1.jpg", "--max-labels", "100"),
        lambda: shell.answer("detect-faces", "--image-bytes", "fileb://0.jpg"),
        lambda: shell.answer("detect-faces", "--image-bytes", "fileb://1.jpg"),
        lambda: shell.answer("list-collections"),
    )
    assert sorted(call.operation for call in rig.sent(before)) == ["DetectFaces", "DetectLabels"]
    for scene, labels, faces in zip(scenes, told[:2], told[2:], strict=True):
        check_labels(scene, labels)
        check_faces(scene, faces)
    assert "people" in collections["CollectionIds"]


def test_moderation(rig: Rig, shell: Shell) -> None:
    (shell.folder / "photo.jpg").write_bytes(picture(800, 600, 953).content)
    words = ("detect-moderation-labels", "--image-bytes", "fileb://photo.jpg", "--min-confidence", "60")
    found = shell.answer(*words)
    assert found == Shell(rig.emulator.url, shell.folder).answer(*words)
    assert [label["Name"] for label in found["ModerationLabels"]] == ["Weapon Violence", "Graphic Violence", "Violence"]


@pytest.mark.parametrize(
    ("content", "words", "told"),
    [
        (b"GIF89a no image", (), "(InvalidImageFormatException)"),
        (b"", (), "(InvalidParameterException)"),
        (b"\xff\xd8\xff", ("--min-confidence", "200"), "MinConfidence must be between 0 and 100"),
    ],
)
def test_an_error_is_shown_in_the_services_words(shell: Shell, content: bytes, words: tuple[str, ...], told: str) -> None:
    (shell.folder / "photo.jpg").write_bytes(content)
    done = shell.run("detect-labels", "--image-bytes", "fileb://photo.jpg", *words, code=SERVICE_ERROR_CODE)
    assert told in done.stderr
