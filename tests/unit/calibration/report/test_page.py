"""The page: whole in itself, well formed, and safe whatever files are called."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from app.calibration.report.files import files
from app.calibration.report.model import CalibrationReport
from app.calibration.report.page import page
from tests.support.calibrated import BARE, FULL, HOSTILE

SVG = '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg><path d="M0 0"/></svg>'
VOID = frozenset({"meta", "img", "path", "use"})
# Attributes by which a page loads something.
LOADING = frozenset({"src", "href", "srcset", "xlink:href", "data", "action", "poster"})


class Seen(HTMLParser):
    """Tags, what is loaded, and the text; fails where tags do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in LOADING]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture(scope="module", name="written")
def _written() -> dict[str, bytes]:
    return files(FULL)


def test_nothing_is_loaded_from_anywhere_and_no_script_runs(written: dict[str, bytes]) -> None:
    """All that is referred to is in the page itself: images as data, parts of the drawing by their own ids."""
    text = written["report.html"].decode()
    seen = Seen(text)
    assert {where.partition(":")[0] for where in seen.loaded if not where.startswith("#")} == {"data"}
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(seen.tags)
    assert re.findall(r"url\((?!#)|@import", text) == []


def test_names_from_outside_are_text_and_nothing_else() -> None:
    seen = Seen(page(FULL, SVG))
    assert "script" not in seen.tags
    assert seen.text.count(HOSTILE) >= 6


def test_every_row_class_size_and_note_is_told() -> None:
    text = Seen(page(FULL, SVG)).text
    for row in FULL.rows:
        assert text.count(row.name) >= 3
    for said in (
        "voc:",
        "onnx",
        "340",
        "801",
        "3 without objects",
        "3,521 inferences, $3.52",
        "small (12)",
        "cat (61)",
        "A note",
    ):
        assert said in text
    assert "Chosen for a budget of 0.03:" in text
    assert "50.0 % saved, 0.020 mAP lost (0.000 .. 0.040)" in text
    assert "image is missing: 5" in text
    assert "overlaps an annotated object" in text


def test_sheets_are_in_the_page_with_their_own_type() -> None:
    kinds = [where.partition(";")[0] for where in Seen(page(FULL, SVG)).loaded]
    assert kinds == ["data:image/jpeg", "data:image/png"]


@pytest.mark.parametrize(
    ("report", "missing"),
    [
        (BARE, ["By size", "By class", "Example sheets", "Left out", "Notes", "Chosen", "Price", "$", "inferences,"]),
        (replace(FULL, price_dollars=0.0), ["$"]),
        (replace(FULL, max_map_drop=None), ["for a budget"]),
    ],
)
def test_what_is_not_known_is_not_mentioned(report: CalibrationReport, missing: list[str]) -> None:
    text = Seen(page(report, SVG)).text
    assert [said for said in missing if said in text] == []


def test_without_annotations_the_page_says_what_was_compared() -> None:
    assert "taken for the truth" in Seen(page(BARE, SVG)).text


def test_losses_are_red_and_gains_green() -> None:
    text = page(FULL, SVG)
    assert 'rgba(214, 69, 65, 0.28), rgba(214, 69, 65, 0.28))">0.150</td>' in text
    assert 'rgba(38, 140, 90, 0.02), rgba(38, 140, 90, 0.02))">-0.010</td>' in text


def test_all_files_are_written_and_the_same_report_gives_the_same_bytes(written: dict[str, bytes]) -> None:
    assert sorted(written) == ["cost-accuracy.png", "cost-accuracy.svg", "report.html", "report.txt"]
    assert files(FULL) == written
