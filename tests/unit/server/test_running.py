"""How many connections the process has files for."""

from __future__ import annotations

import resource

import pytest

from app.server.crowd import SPARE
from app.server.running import FRONTS, LEAST, OTHER_FILES, connections_that_fit


class Limits:
    """The system's, as far as they are used here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> None:
        self.soft, self.hard = soft, hard
        monkeypatch.setattr(resource, "getrlimit", lambda _which: (self.soft, self.hard))
        monkeypatch.setattr(resource, "setrlimit", self._set)

    def _set(self, which: int, limits: tuple[int, int]) -> None:
        assert (which, limits[1]) == (resource.RLIMIT_NOFILE, self.hard)
        self.soft = limits[0]


WANTED = 1000
NEEDED = FRONTS * (WANTED + SPARE) + OTHER_FILES


@pytest.mark.parametrize(
    ("soft", "hard", "fit", "then"),
    [
        (1 << 20, 1 << 20, WANTED, 1 << 20),
        (1024, 1 << 20, WANTED, NEEDED),  # what is missing is asked for, and no more
        (1024, resource.RLIM_INFINITY, WANTED, NEEDED),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, WANTED, resource.RLIM_INFINITY),
        (1024, 2048, (2048 - OTHER_FILES) // FRONTS - SPARE, 2048),
        (256, 256, LEAST, 256),
    ],
)
def test_as_many_as_there_are_files_for(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, fit: int, then: int) -> None:
    limits = Limits(monkeypatch, soft, hard)
    assert connections_that_fit(WANTED) == fit
    assert limits.soft == then


def test_never_more_than_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    Limits(monkeypatch, 256, 256)
    assert connections_that_fit(3) == 3
