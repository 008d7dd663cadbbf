"""The clients' file: read anew when it has changed and settled, through links that are swapped; a bad one changes nothing."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.clients_file import ClientsFile
from app.core.clients import ClientsError
from app.core.quota import Limits
from app.errors import Problem

OLD, NEW = '[shop]\nkeys = ["old-key"]\n', '[shop]\nkeys = ["old-key", "new-key"]\nimages_per_second = 2\n'
BROKEN = '[shop\nkeys = ["hush"]\n'


@dataclass(slots=True)
class Gauge:
    values: list[bool] = field(default_factory=list)

    def clients_file(self, *, ok: bool) -> None:
        self.values.append(ok)


def opened(path: Path) -> tuple[ClientsFile, Gauge]:
    gauge = Gauge()
    return ClientsFile(str(path), Limits(), gauge, look_s=0.0), gauge


def looked(file: ClientsFile, times: int = 3) -> int:
    """How many of so many looks found new clients, which then count."""
    found = [one for _ in range(times) if (one := file.look()) is not None]
    for one in found:
        file.clients.become(one)
    return len(found)


def knows(file: ClientsFile, key: str) -> bool:
    try:
        file.clients.of_key(key)
    except Problem:
        return False
    return True


def test_a_new_key_counts_once_the_file_looks_the_same_twice(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(OLD, encoding="utf-8")
    file, _ = opened(path)
    assert looked(file) == 0
    path.write_text(NEW, encoding="utf-8")
    assert file.look() is None  # somebody may still be writing
    assert looked(file) == 1
    assert knows(file, "new-key")
    assert file.clients.limits_of(file.clients.of_key("new-key")) == Limits(2)


def test_a_key_that_is_gone_from_the_file_is_let_in_no_more(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(NEW, encoding="utf-8")
    file, _ = opened(path)
    path.write_text('[shop]\nkeys = ["new-key"]\n', encoding="utf-8")
    assert looked(file) == 1
    assert (knows(file, "old-key"), knows(file, "new-key")) == (False, True)


def test_a_secret_of_kubernetes_is_a_link_to_a_link_that_is_swapped(tmp_path: Path) -> None:
    """clients.toml -> ..data/clients.toml, ..data -> a folder of that moment; even where both files have one age and size."""
    for name, key in (("..first", "a-key"), ("..second", "b-key")):
        (tmp_path / name).mkdir()
        inner = tmp_path / name / "clients.toml"
        inner.write_text(f'[shop]\nkeys = ["{key}"]\n', encoding="utf-8")
        os.utime(inner, (1_700_000_000, 1_700_000_000))
    (tmp_path / "..data").symlink_to("..first")
    path = tmp_path / "clients.toml"
    path.symlink_to("..data/clients.toml")
    file, _ = opened(path)
    (tmp_path / "..data_tmp").symlink_to("..second")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert looked(file) == 1
    assert (knows(file, "a-key"), knows(file, "b-key")) == (False, True)


@pytest.mark.parametrize("bad", [BROKEN, "", '[shop]\nkeys = ["hush"]\ncolour = "red"\n', None])
def test_a_file_that_cannot_be_used_keeps_the_old_clients_and_says_so_once(tmp_path: Path, bad: str | None) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(OLD, encoding="utf-8")
    file, gauge = opened(path)
    with capture_logs() as lines:
        if bad is None:
            path.unlink()
        else:
            path.write_text(bad, encoding="utf-8")
        assert looked(file, 6) == 0
    assert knows(file, "old-key")
    assert gauge.values == [True, False]
    assert [line["log_level"] for line in lines] == ["error"]
    assert "hush" not in str(lines)
    path.write_text(NEW, encoding="utf-8")
    assert looked(file) == 1
    assert knows(file, "new-key")


def test_what_is_no_text_is_a_bad_file_too(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(OLD, encoding="utf-8")
    file, gauge = opened(path)
    path.write_bytes(b"\xff\xfe\x00")
    assert looked(file) == 0
    assert gauge.values == [True, False]


async def test_the_watch_brings_the_clients_up_to_date_and_the_gauge_back(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(OLD, encoding="utf-8")
    file, gauge = opened(path)
    watching = asyncio.create_task(file.watch())
    try:
        for text, wanted in ((BROKEN, False), (NEW, True)):
            path.write_text(text, encoding="utf-8")
            async with asyncio.timeout(10):
                while gauge.values[-1] is not wanted:
                    await asyncio.sleep(0)
        assert knows(file, "new-key")
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def test_the_first_file_has_to_be_good(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(BROKEN, encoding="utf-8")
    with pytest.raises(ClientsError):
        opened(path)
    with pytest.raises(OSError, match="nowhere"):
        opened(tmp_path / "nowhere")


async def test_without_a_file_everybody_has_the_default_limits_and_nothing_is_watched() -> None:
    file = ClientsFile(None, Limits(images_per_s=3), Gauge())
    assert not file.clients.are_named
    assert file.clients.limits_of(file.clients.of_key("any")) == Limits(3)
    await asyncio.wait_for(file.watch(), 1)
