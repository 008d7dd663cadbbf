"""One proxy and one upstream for all SDK tests of a test process: every test is a tenant of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sdk import Rig, running_rig


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("sdk"), TESSERA_GRID_TEXT="true") as running:
        yield running
