"""Reads a Dockerfile into its instructions, so that a test can carry them out in a plain folder.

In: the file's text. Out: stages, each with its instructions in order. Only what ours uses is understood: comments, line
continuations, `FROM ... AS name`, and the JSON form of commands. Called by tests/test_deploy.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `word` in capitals, and the rest of its line as it stands."""

    word: str
    rest: str

    def json_command(self) -> list[str]:
        """The command in its JSON form; for HEALTHCHECK the part after CMD."""
        command: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return command


@dataclass(frozen=True, slots=True)
class Copy:
    """A COPY: from which stage ("" is the build context), what, and where to (absolute)."""

    stage: str
    sources: tuple[str, ...]
    target: PurePosixPath


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    instructions: tuple[Instruction, ...]

    def all_of(self, word: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.word == word]

    def last(self, word: str) -> Instruction:
        return self.all_of(word)[-1]

    def environment(self) -> dict[str, str]:
        """All ENV pairs, unexpanded."""
        return dict(re.findall(r"(\w+)=(\S+)", " ".join(instruction.rest for instruction in self.all_of("ENV"))))

    def copies(self) -> list[Copy]:
        """Every COPY with its target made absolute by the WORKDIR that holds at that place."""
        found, folder = [], PurePosixPath("/")
        for instruction in self.instructions:
            if instruction.word == "WORKDIR":
                folder /= instruction.rest
            if instruction.word == "COPY":
                words = instruction.rest.split()
                stage = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else ""
                found.append(Copy(stage, tuple(words[:-1]), folder / words[-1]))
        return found


def parse_dockerfile(text: str) -> dict[str, Stage]:
    """Stages by name; the last, which is the image, is named ""."""
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    stages: dict[str, list[Instruction]] = {}
    name = ""
    for line in re.sub(r"\\\n\s*", "", plain).splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            name = match[1] if (match := re.search(r" AS (\w+)$", rest)) else ""
            stages[name] = []
        stages[name].append(Instruction(word, rest.strip()))
    return {name: Stage(name, tuple(instructions)) for name, instructions in stages.items()}


def kept_by_dockerignore(text: str, sources: Iterable[str]) -> dict[str, bool]:
    """Whether each path at the top of the context reaches the builder; the last matching line decides, as Docker has it."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    kept = {}
    for source in sources:
        kept[source] = True
        for line in lines:
            if PurePosixPath(source).match(line.removeprefix("!")):
                kept[source] = line.startswith("!")
    return kept
