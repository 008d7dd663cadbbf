"""The reader of Dockerfiles: stages, continuations, commands, copies, and what .dockerignore leaves."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tests.support.dockerfile import Copy, Instruction, kept_by_dockerignore, parse_dockerfile

TEXT = r"""
# syntax=docker/dockerfile:1
FROM base:1 AS build
WORKDIR /src
COPY one two ./
WORKDIR sub
COPY app ./app
ENV A=1 B=$A

FROM base:1
# a comment between
COPY --from=build /opt/x /opt/x
HEALTHCHECK --interval=5s \
    CMD ["python", "-c", "print(\"[]\")"]
"""


def test_nothing_has_no_stages() -> None:
    assert parse_dockerfile("# only a comment\n") == {}


def test_stages_have_their_names_and_the_image_has_none() -> None:
    stages = parse_dockerfile(TEXT)
    assert list(stages) == ["build", ""]
    assert stages["build"].environment() == {"A": "1", "B": "$A"}
    assert stages["build"].all_of("WORKDIR") == [Instruction("WORKDIR", "/src"), Instruction("WORKDIR", "sub")]


def test_copies_go_where_the_working_directory_was_at_that_place() -> None:
    stages = parse_dockerfile(TEXT)
    assert stages["build"].copies() == [
        Copy("", ("one", "two"), PurePosixPath("/src")),
        Copy("", ("app",), PurePosixPath("/src/sub/app")),
    ]
    assert stages[""].copies() == [Copy("build", ("/opt/x",), PurePosixPath("/opt/x"))]


def test_a_command_is_read_over_continued_lines() -> None:
    assert parse_dockerfile(TEXT)[""].last("HEALTHCHECK").json_command() == ["python", "-c", 'print("[]")']


@pytest.mark.parametrize(
    ("ignored", "path", "kept"),
    [
        ("", "app", True),
        ("# app", "app", True),
        ("*", "app", False),
        ("*\n!app", "app", True),
        ("*\n!app", ".env", False),
        ("!app\n*", "app", False),
        ("**/__pycache__", "app", True),
    ],
)
def test_the_last_line_that_matches_decides(ignored: str, path: str, kept: bool) -> None:
    assert kept_by_dockerignore(ignored, [path]) == {path: kept}
