"""The Dockerfile's steps in a plain folder: what it copies is there, what it installs works, what it runs starts."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from app import __version__
from app.settings import NAMES, Settings
from tests.support.deployment import REPOSITORY, settings_of
from tests.support.dockerfile import Stage, kept_by_dockerignore, parse_dockerfile
from tests.support.google_upstream import tls_for

STAGES = parse_dockerfile((REPOSITORY / "Dockerfile").read_text(encoding="utf-8"))
BUILD, IMAGE = STAGES["build"], STAGES[""]
STEP_TIMEOUT_S = 110.0

# What each RUN line is, so that a new one is not simply passed over.
MAKES_ENVIRONMENT = re.compile(r"python -m venv (\S+)")
INSTALLS_REQUIREMENTS = re.compile(r"pip install -r (\S+)")
INSTALLS_PACKAGE = re.compile(r"pip install --no-deps --no-build-isolation \.")
ADDS_USER = re.compile(r"useradd .*--uid (\d+).* (\w+)")


def run(*command: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=STEP_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def the(pattern: re.Pattern[str], stage: Stage) -> re.Match[str]:
    """The one RUN line of this kind."""
    (match,) = [found for step in stage.all_of("RUN") if (found := pattern.fullmatch(step.rest))]
    return match


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """What the builder has before its first RUN: what .dockerignore leaves of the repository, copied where COPY says."""
    folder = tmp_path / "src"
    for copy in BUILD.copies():
        target = tmp_path / copy.target.relative_to("/")
        for source in copy.sources:
            found = REPOSITORY / source
            if found.is_dir():
                shutil.copytree(found, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, target)
    return folder


def test_every_step_is_of_a_known_kind() -> None:
    known = (MAKES_ENVIRONMENT, INSTALLS_REQUIREMENTS, INSTALLS_PACKAGE, ADDS_USER)
    for stage in STAGES.values():
        for step in stage.all_of("RUN"):
            assert any(pattern.fullmatch(step.rest) for pattern in known), step.rest


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8")
    sources = [source for copy in BUILD.copies() for source in copy.sources]
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []
    assert kept_by_dockerignore(ignored, sources) == dict.fromkeys(sources, True)
    assert kept_by_dockerignore(ignored, [".env", ".git", "tests"]) == {".env": False, ".git": False, "tests": False}


def test_the_image_takes_over_exactly_the_environment_that_was_built() -> None:
    built = the(MAKES_ENVIRONMENT, BUILD)[1]
    (copy,) = IMAGE.copies()
    assert (copy.stage, copy.sources, str(copy.target)) == ("build", (built,), built)
    assert IMAGE.environment()["PATH"] == BUILD.environment()["PATH"] == f"{built}/bin:$PATH"


def test_the_requirements_are_pinned_and_agree_with_what_is_tested_here(context: Path) -> None:
    file = context / the(INSTALLS_REQUIREMENTS, BUILD)[1]
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if "==" not in line] == []
    run(sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-r", str(file), folder=context)


def test_the_package_is_built_with_all_its_files_and_its_command_starts(context: Path, tmp_path: Path) -> None:
    the(INSTALLS_PACKAGE, BUILD)
    installed = tmp_path / "installed"
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(installed)]
    run(sys.executable, "-m", "pip", "install", *options, ".", folder=context)
    ours = {path.relative_to(context) for path in (context / "app").rglob("*") if path.is_file()}
    assert [str(path) for path in sorted(ours) if not (installed / path).is_file()] == []
    (entry,) = IMAGE.last("ENTRYPOINT").json_command()
    environment = {"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"}
    assert (
        run(str(installed / "bin" / entry), "--version", folder=tmp_path, environment=environment) == f"tessera {__version__}\n"
    )


def test_the_image_starts_the_proxy_where_it_can_be_reached_as_nobody_special() -> None:
    environment = {name: value for name, value in IMAGE.environment().items() if name.startswith("TESSERA_")}
    assert environment.keys() <= NAMES.keys()
    settings = settings_of(IMAGE.last("CMD").json_command(), environment)
    assert settings.host == "0.0.0.0"
    assert IMAGE.last("EXPOSE").rest == f"{Settings().port} {Settings().grpc_port}"
    assert IMAGE.last("USER").rest == the(ADDS_USER, IMAGE)[1]


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the name that http.server calls
        self.send_response(self.server.answer if self.path == "/healthz" else 404)  # type: ignore[attr-defined]  # set below
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def health_server(answer: int, certificate: Path | None) -> Iterator[int]:
    """A server whose /healthz answers with this status, over TLS with a certificate and its key; yields its port."""
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.answer = answer  # type: ignore[attr-defined]  # read by the handler
        thread = Thread(target=server.serve_forever, name="health")
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
@pytest.mark.parametrize("is_secured", [False, True])
def test_the_health_check_says_what_the_process_says(status: int, healthy: bool, is_secured: bool, tmp_path: Path) -> None:
    python, *rest = IMAGE.last("HEALTHCHECK").json_command()
    assert python == "python"
    certificate = tmp_path / "both.pem" if is_secured else None
    if certificate is not None:
        own = tls_for("127.0.0.1")
        certificate.write_bytes(own.certificate_pem + own.key_pem)
    with health_server(status, certificate) as port:
        environment = {"TESSERA_PORT": str(port), "TESSERA_TLS_CERT": str(certificate or "")}
        done = subprocess.run(
            [sys.executable, *rest], cwd=tmp_path, env=environment, capture_output=True, timeout=30, check=False
        )
    assert (done.returncode == 0) is healthy
