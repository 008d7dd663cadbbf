"""A folder sorted by people: both sides are kept, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.calibration.dataset import DatasetError
from app.calibration.labelled import load_labelled
from app.calibration.loading import Terms
from tests.support.datasets import image


def folder(root: Path, **sides: int) -> str:
    for side, count in sides.items():
        (root / side / "deeper").mkdir(parents=True)
        for number in range(count):
            (root / side / "deeper" / f"{number}.jpg").write_bytes(image())
    return f"folder:{root}"


def test_both_sides_whatever_their_case(tmp_path: Path) -> None:
    source = folder(tmp_path, Unsafe=2, SAFE=3, other=4)
    (tmp_path / "unsafe.jpg").write_bytes(image())
    labelled = load_labelled(source, Terms())
    assert labelled.unsafe == {"Unsafe/deeper/0.jpg", "Unsafe/deeper/1.jpg"}
    assert labelled.safe == {f"SAFE/deeper/{number}.jpg" for number in range(3)}
    assert [photo.id for photo in labelled.dataset.photos] == sorted(labelled.unsafe | labelled.safe)


@pytest.mark.parametrize(("limit", "unsafe", "safe"), [(2, 1, 1), (6, 1, 5), (12, 2, 10), (100, 3, 15)])
def test_a_sample_keeps_both(tmp_path: Path, limit: int, unsafe: int, safe: int) -> None:
    labelled = load_labelled(folder(tmp_path, unsafe=3, safe=15), Terms(limit=limit))
    assert (len(labelled.unsafe), len(labelled.safe)) == (unsafe, safe)


def test_bad_images_are_named_and_skipped(tmp_path: Path) -> None:
    source = folder(tmp_path, unsafe=1, safe=1)
    for side in ("unsafe", "safe"):
        (tmp_path / side / "bad.jpg").write_bytes(b"no photograph")
    labelled = load_labelled(source, Terms())
    [names] = labelled.dataset.skipped.values()
    assert [name.split()[0] for name in names] == ["unsafe/bad.jpg", "safe/bad.jpg"]


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        ({}, "there is no image in"),
        ({"unsafe": 1}, "safe/"),
        ({"safe": 1}, "unsafe/"),
        ({"unsafe": 0, "safe": 1}, "unsafe/"),
    ],
)
def test_a_side_that_is_missing_is_said(tmp_path: Path, sides: dict[str, int], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        load_labelled(folder(tmp_path, **sides), Terms())


@pytest.mark.parametrize("source", ["voc:somewhere", "folder:", "somewhere"])
def test_another_kind_of_data_set_is_refused(source: str) -> None:
    with pytest.raises(DatasetError, match="unsafe/ and safe/"):
        load_labelled(source, Terms())


def test_one_photograph_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="at least two"):
        load_labelled(folder(tmp_path, unsafe=1, safe=1), Terms(limit=1))
