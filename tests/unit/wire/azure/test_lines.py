"""Lines are made of the image's own words: none lost, none twice, and what was one line of a sheet is a line of each image."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size, UnitBox, UnitPoint
from app.core.model import Detection, Feature, Tree
from app.wire.azure.lines import write_read
from tests.support.wire import detection

SIZE = Size(100, 100)


def word(text: str, line: int | None, left: float, vendor: str = "google", corners: list[Tree] | None = None) -> Detection:
    """A word of a tenth of the width."""
    fields: dict[str, Tree] = {} if line is None else {"line": line}
    if corners is not None:
        fields["word"] = {"text": text, "boundingPolygon": corners, "confidence": 0.5, "new": 1}
    box = UnitBox(left, 0.2, left + 0.1, 0.3)
    return detection(text, 0.9, box, feature=Feature.TEXT, vendor=vendor, fields=fields)


def lines_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for block in result["blocks"] for line in block["lines"]]


def corners(*xy_px: tuple[int, int]) -> list[dict[str, int]]:
    return [{"x": x, "y": y} for x, y in xy_px]


def test_no_text_is_no_block() -> None:
    assert write_read([], SIZE) == {"blocks": []}


def test_words_of_another_vendor() -> None:
    found = write_read([word("STOP", 3, 0.1), word("here", 3, 0.3), word("Exit", 5, 0.6)], SIZE)
    first, second = lines_of(found)
    assert (first["text"], second["text"]) == ("STOP here", "Exit")
    assert first["boundingPolygon"] == corners((10, 20), (40, 20), (40, 30), (10, 30))
    assert first["words"][0] == {
        "text": "STOP",
        "boundingPolygon": corners((10, 20), (20, 20), (20, 30), (10, 30)),
        "confidence": 0.9,
    }


def test_turned_words_of_azure_keep_their_corners_and_members() -> None:
    """The line reaches from the first word's beginning to the last one's end."""
    up: list[Tree] = [UnitPoint(0.1, 0.5), UnitPoint(0.1, 0.4), UnitPoint(0.2, 0.4), UnitPoint(0.2, 0.5)]
    on: list[Tree] = [UnitPoint(0.1, 0.3), UnitPoint(0.1, 0.2), UnitPoint(0.2, 0.2), UnitPoint(0.2, 0.3)]
    found = write_read([word("a", 1, 0.1, "azure", up), word("b", 1, 0.1, "azure", on)], SIZE)
    (line,) = lines_of(found)
    assert line["boundingPolygon"] == corners((10, 50), (10, 20), (20, 20), (20, 50))
    assert line["words"][0]["new"] == 1
    assert line["words"][0]["boundingPolygon"] == corners((10, 50), (10, 40), (20, 40), (20, 50))


def test_a_word_without_corners_or_without_a_line() -> None:
    odd = write_read([word("a", 1, 0.1, "azure", [])], SIZE)
    assert lines_of(odd)[0]["boundingPolygon"] == []
    assert [line["text"] for line in lines_of(write_read([word("a", None, 0.1), word("b", None, 0.1)], SIZE))] == ["a", "b"]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
def test_lines_of_a_sheet_are_cut_at_the_seam(words: list[tuple[int, bool]]) -> None:
    """Words of one sheet handed to two images: each reads all of its own words in order, grouped by their line."""
    sheet = [(word(f"w{position}", line, 0.1), mine) for position, (line, mine) in enumerate(words)]
    for owner in (True, False):
        own = [one for one, mine in sheet if mine is owner]
        lines = lines_of(write_read(own, SIZE))
        assert sorted(text for line in lines for text in line["text"].split()) == sorted(one.label for one in own)
        assert len(lines) == len({one.fields["line"] for one in own})
