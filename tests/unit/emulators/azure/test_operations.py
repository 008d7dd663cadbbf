"""The table of operations."""

from __future__ import annotations

import pytest

from app.emulators.azure.operations import API_32, API_40, OPERATIONS
from app.emulators.images import ImageFormat


def test_where_everything_is() -> None:
    assert {path: operation.name for path, operation in OPERATIONS.items()} == {
        "/computervision/imageanalysis:analyze": "analyze",
        "/vision/v3.2/analyze": "v3.2/analyze",
        "/vision/v3.2/detect": "v3.2/detect",
        "/vision/v3.2/tag": "v3.2/tag",
        "/vision/v3.2/describe": "v3.2/describe",
        "/vision/v3.2/ocr": "v3.2/ocr",
        "/vision/v3.2/read/analyze": "v3.2/read/analyze",
    }


@pytest.mark.parametrize("path", OPERATIONS)
def test_each_belongs_to_its_api(path: str) -> None:
    assert OPERATIONS[path].api is (API_32 if "v3.2" in path else API_40)
    assert OPERATIONS[path].deferred == path.endswith("/read/analyze")


def test_the_two_apis_have_limits_of_their_own() -> None:
    assert API_40.bodies.most_bytes == 20_971_520
    assert API_32.bodies.most_bytes == 4_194_304
    assert API_40.images.formats == set(ImageFormat)
    assert API_32.images.formats == {ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.GIF, ImageFormat.BMP}
    assert {(api.images.least_px, api.images.most_px) for api in (API_40, API_32)} == {(50, 16_000)}
