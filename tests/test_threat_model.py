"""docs/threat-model.md keeps its word: every test that it names exists, every threat has one, every setting is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import FILE_NAMES, NAMES

REPOSITORY = Path(__file__).parents[1]
TEXT = (REPOSITORY / "docs" / "threat-model.md").read_text(encoding="utf-8")
PROTECTED = TEXT.partition("## What is protected")[2].partition("## What is not protected")[0]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def rows() -> Iterator[list[str]]:
    """The cells of each threat."""
    for line in PROTECTED.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "Threat":
            yield cells


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED.findall(TEXT))), ids=lambda found: found or "all")
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    source = (REPOSITORY / file).read_text(encoding="utf-8")
    assert re.search(rf"^\s*(?:async )?def {name or 'test_'}", source, re.MULTILINE)
    assert not name or re.search(rf"^\s*(?:async )?def {name}\(", source, re.MULTILINE)


def test_every_threat_has_an_answer_and_a_test() -> None:
    threats = list(rows())
    assert len(threats) > 30
    for threat, how, tested in threats:
        assert threat
        assert how
        assert NAMED.search(tested), threat
        assert NAMED.sub("", tested).strip(", ") == "", tested


def test_every_setting_that_is_named_exists() -> None:
    assert set(re.findall(r"TESSERA_[A-Z_0-9]+", TEXT)) <= NAMES.keys() | FILE_NAMES.keys()
