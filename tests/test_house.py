"""Rules of the house that no linter knows: what may not stand in a file, and that importing a module does nothing.

Patterns are put together from pieces so that this file does not find itself.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("app", "deploy", "docs", "tests", ".ci")
MADE_BY_TOOLS = frozenset({"__pycache__"})
LOCAL_FILES = frozenset({".env", ".coverage", ".git"})  # .git is a file in a work tree

REGISTRY_WORDS = ("pypi|pythonhosted|npmjs|crates", "debian|ubuntu|alpinelinux")
UNFINISHED_WORDS = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")
INDEX_OPTIONS = ("index-" + "url", "find-" + "links", "trusted-" + "host")

# What must not stand in a file, with what to do about it.
BANNED: Mapping[str, re.Pattern[str]] = {
    "a registry's host: pip and apt know where to look from the machine's own configuration": re.compile(
        rf"\b[\w-]*\.?(?:(?:{REGISTRY_WORDS[0]})\.(?:org|com|io)|(?:deb|security|archive|dl-cdn)\.(?:{REGISTRY_WORDS[1]})\.\w+)\b"
    ),
    "an index option: pip's own configuration says where packages come from": re.compile(
        rf"--(?:extra-)?(?:{'|'.join(INDEX_OPTIONS)})\b"
    ),
    "a path of one machine: paths are relative to the repository": re.compile(
        r"(?<![\w.*-])/(?:root|work|Users/\w+|home/(?!tessera\b)\w+|tmp/\w)/"
    ),
    "unfinished work: finish it, or file it as an issue": re.compile(rf"\b(?:{'|'.join(UNFINISHED_WORDS)})\b"),
    "an ignore without a reason: say why after the code": re.compile(r"#\s*(?:noqa|type:\s*ignore)(?!.*\s[-#]\s+\w.*\s\w)"),
}


def files() -> Iterator[Path]:
    """Every file that belongs to the project; what tools and runs leave behind does not."""
    yield from (path for path in REPOSITORY.iterdir() if path.is_file() and path.name not in LOCAL_FILES)
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.is_file() and not MADE_BY_TOOLS & set(path.parts):
                yield path


def text_of(path: Path) -> str:
    """The file's text; nothing for a file that is not text (an image among the test data)."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def offences(text: str) -> Iterator[tuple[int, str]]:
    """Line number and reason of each banned thing in the text."""
    for number, line in enumerate(text.splitlines(), start=1):
        for reason, pattern in BANNED.items():
            if pattern.search(line):
                yield number, reason


def test_no_file_holds_what_is_banned() -> None:
    found = [f"{path.relative_to(REPOSITORY)}:{line}: {reason}" for path in files() for line, reason in offences(text_of(path))]
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize(
    "line",
    [
        "see https://" + "pypi" + ".org/simple",
        "deb http://" + "deb.debian" + ".org/debian bookworm main",
        "pip install --" + "index-url=x",
        'open("/' + 'root/x.jpg")',
        "cd /" + "work/main",
        "# TO" + "DO: later",
        "raise NotImplemented" + "Error",
        "x = 1  # no" + "qa: S311",
        "x = 1  # type" + ": ignore[misc]",
    ],
)
def test_banned_things_are_found(line: str) -> None:
    assert len(list(offences(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "",
        "app/work/detect.py and ../work/x",
        "the root of the tree",
        "image: redis:7-bookworm",
        "COPY --chown=tessera . /srv/tessera/",
        "x = 1  # noqa: S311 - jitter, not a secret",
        "x = 1  # type: ignore[misc]  # the stub is wrong",
        "methods = []",
    ],
)
def test_ordinary_lines_pass(line: str) -> None:
    assert list(offences(line)) == []


def effects_of_importing(folder: Path) -> list[str]:
    probe = [sys.executable, "-B", str(REPOSITORY / "tests" / "support" / "import_probe.py"), str(folder)]
    done = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_importing_any_module_has_no_effect() -> None:
    """No socket, thread, process, file or look at the environment before `main` asks for it."""
    assert effects_of_importing(REPOSITORY / "app") == []


@pytest.mark.parametrize(
    ("source", "effect"),
    [
        ("import socket\nsocket.socket().close()", "socket.__new__"),
        ("import os\nHOME = os.environ.get('HOME')", "reads the environment variable HOME"),
        ("import os\nHOME = os.getenv('HOME')", "reads the environment variable HOME"),
        ("import threading\nthreading.Thread(target=int, name='early').start()", "starts the thread early"),
        ("import subprocess\nsubprocess.run(['true'])", "subprocess.Popen"),
        ("import os\nopen(os.devnull, 'w').close()", "writes '/dev/null'"),
        ("import os\nclass Settings:\n    home = os.environ['HOME']", "reads the environment variable HOME"),
        ("def late():\n    import socket\n    socket.socket()", None),
        ("import os\nopen(os.devnull).close()", None),
    ],
)
def test_effects_at_import_are_seen(tmp_path: Path, source: str, effect: str | None) -> None:
    package = tmp_path / "early"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "doing.py").write_text(source)
    found = [line.partition(": ")[2] for line in effects_of_importing(package)]
    assert found[:1] == ([effect] if effect else [])
