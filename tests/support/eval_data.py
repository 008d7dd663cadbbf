"""Photographs and detectors for measuring, where this machine has them: `shared/eval` in or beside the repository.

The project never contains them; tests that want them are skipped elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PLACES = (REPOSITORY / "shared" / "eval", REPOSITORY.parent / "shared" / "eval")
FOLDER = next((place for place in PLACES if place.is_dir()), None)

needs_eval_data = pytest.mark.skipif(FOLDER is None, reason="shared/eval is not on this machine")


def photographs(pool: str, most: int) -> list[Path]:
    """The first photographs of a pool ("voc2012" or "coco2017"), by name."""
    assert FOLDER is not None
    return sorted((FOLDER / pool / "JPEGImages").glob("*.jpg"))[:most]


def boxes_file(photograph: Path) -> Path:
    """The boxes of a photograph, in VOC's XML."""
    return photograph.parents[1] / "Annotations" / f"{photograph.stem}.xml"


def models() -> list[Path]:
    """The detectors; none where there is no folder."""
    return [] if FOLDER is None else sorted((FOLDER / "models").glob("*.onnx"))
