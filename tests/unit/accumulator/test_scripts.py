"""The Lua scripts as text: complete, loaded, and written by the house's rules."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from app.accumulator.keys import SHARD_KEYS
from app.accumulator.scripts import HEAD, SCRIPTS, SECOND_HEADS, load_scripts

# What the second heads name.
SECOND_NAMES = {"PACE", "BUDGET", "RESERVED", "TOLD", "FLIGHT"}
HEADS = [HEAD, *sorted(set(SECOND_HEADS.values()))]
FOLDER = resources.files("app.accumulator") / "lua"


def test_every_file_is_loaded_with_the_common_head() -> None:
    files = {entry.name.removesuffix(".lua") for entry in FOLDER.iterdir()}
    assert files == {*SCRIPTS, *HEADS}
    head = (FOLDER / f"{HEAD}.lua").read_bytes()
    assert all(script.text.startswith(head) for script in load_scripts().values())
    assert len({script.sha for script in load_scripts().values()}) == len(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_head_comment_says_what_comes_in_what_goes_out_and_why_it_is_one_step(name: str) -> None:
    comment = "\n".join(
        line for line in (FOLDER / f"{name}.lua").read_text().split("\n\n")[0].splitlines() if line.startswith("--")
    )
    assert "-- Result" in comment
    assert "Atomic because" in comment


@pytest.mark.parametrize("name", [*SCRIPTS, *HEADS])
def test_keys_come_in_through_keys_only(name: str) -> None:
    """The first word after a command is a key: one of the head's names, KEYS itself, or a local that holds one of them."""
    text = (FOLDER / f"{name}.lua").read_text()
    first_words = re.findall(r"redis\.call\('[A-Z]+',\s*([^,)]+)", text)
    named = {spec.name.upper() for spec in SHARD_KEYS} | SECOND_NAMES
    passed_on = {"hash", "index", "key", "image", "outcome", "reply"}
    assert [word for word in first_words if word not in named | passed_on and not word.startswith("KEYS[")] == []


def test_the_head_names_the_keys_in_the_tables_order() -> None:
    text = (FOLDER / f"{HEAD}.lua").read_text()
    names = re.findall(r"local ([A-Z, ]+) = KEYS", text)
    assert ", ".join(names).split(", ") == [spec.name.upper() for spec in SHARD_KEYS]
