"""TEXT_DETECTION and DOCUMENT_TEXT_DETECTION."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.google_seen import answered, box_of
from tests.support.seen import HEIGHT, WIDTH, face, marker

WORDS = (
    marker(2, (60, 0, 110, 50), 0.9),
    marker(1, (0, 0, 50, 50), 0.95),
    marker(3, (0, 60, 50, 110)),
    marker(4, (300, 100, 380, 180)),
)
TEXT = "M0001 M0002\nM0003\nM0004"
BREAKS = {"SPACE": " ", "EOL_SURE_SPACE": "\n", "LINE_BREAK": "\n"}


def parts(answer: Any, *names: str) -> list[Any]:
    """All things of the last name, below things of the others."""
    found = [answer["fullTextAnnotation"]]
    for name in names:
        found = [part for whole in found for part in whole[name]]
    return found


@pytest.mark.parametrize("feature", ["TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION"])
def test_no_words_no_text(feature: str) -> None:
    assert answered(feature, face()) == {}


def test_the_first_entry_is_everything_and_the_others_are_words() -> None:
    found = answered("TEXT_DETECTION", *WORDS, languageHints=["de"])["textAnnotations"]
    assert (found[0]["description"], found[0]["locale"]) == (TEXT, "de")
    assert box_of(found[0]["boundingPoly"]) == (0, 0, 380, 180)
    assert [one["description"] for one in found[1:]] == TEXT.split()
    assert box_of(found[2]["boundingPoly"]) == (60, 0, 110, 50)


def test_a_turned_words_corners_start_at_its_own_top_left() -> None:
    found = answered("TEXT_DETECTION", marker(7, (10, 20, 60, 70), turn=1))["textAnnotations"]
    assert found[1]["boundingPoly"]["vertices"][0] == {"x": 60, "y": 20}


def test_the_document_has_a_page_of_blocks() -> None:
    answer = answered("DOCUMENT_TEXT_DETECTION", *WORDS)
    assert answer["fullTextAnnotation"]["text"] == TEXT
    (page,) = parts(answer, "pages")
    assert (page["width"], page["height"]) == (WIDTH, HEIGHT)
    blocks = parts(answer, "pages", "blocks")
    assert [(box_of(block["boundingBox"]), block["blockType"]) for block in blocks] == [
        ((0, 0, 110, 110), "TEXT"),
        ((300, 100, 380, 180), "TEXT"),
    ]
    assert [len(words["words"]) for words in parts(answer, "pages", "blocks", "paragraphs")] == [3, 1]
    assert blocks[0]["confidence"] == pytest.approx(0.9)  # of its least sure word


def test_symbols_and_their_breaks_spell_the_text() -> None:
    answer = answered("DOCUMENT_TEXT_DETECTION", *WORDS)
    symbols = parts(answer, "pages", "blocks", "paragraphs", "words", "symbols")
    ends = [symbol.get("property", {}).get("detectedBreak", {}).get("type", "") for symbol in symbols]
    spelt = "".join(symbol["text"] + BREAKS.get(end, "") for symbol, end in zip(symbols, ends, strict=True))
    assert spelt == TEXT + "\n"
    assert [end for end in ends if end] == ["SPACE", "EOL_SURE_SPACE", "LINE_BREAK", "LINE_BREAK"]
    assert [box_of(symbol["boundingBox"])[0] for symbol in symbols[:5]] == [0, 10, 20, 30, 40]


def test_only_the_dense_kind_says_how_sure_it_is() -> None:
    dense, sparse = (answered(kind, *WORDS) for kind in ("DOCUMENT_TEXT_DETECTION", "TEXT_DETECTION"))
    for names in (("blocks",), ("blocks", "paragraphs"), ("blocks", "paragraphs", "words")):
        assert all("confidence" in part for part in parts(dense, "pages", *names))
        assert not any("confidence" in part for part in parts(sparse, "pages", *names))
