"""Text of one image, rebuilt from its own words."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size, UnitBox
from app.core.model import Detection, Feature
from app.wire.google.messages import image_answer, tree_of
from app.wire.google.text import text_fields
from tests.support.google_wire import own_word

SIZE = Size(400, 200)
FIRST, SECOND, THIRD = UnitBox(0.1, 0.1, 0.2, 0.2), UnitBox(0.25, 0.1, 0.5, 0.2), UnitBox(0.1, 0.3, 0.2, 0.4)


def fields(*words: Detection) -> dict[str, Any]:
    tree = text_fields(words, SIZE)
    assert set(tree_of(image_answer(tree))) == set(tree)
    return tree


def breaks(tree: dict[str, Any]) -> list[str]:
    """What comes after each word."""
    return [
        word["symbols"][-1].get("property", {}).get("detectedBreak", {}).get("type", "")
        for block in tree["fullTextAnnotation"]["pages"][0]["blocks"]
        for paragraph in block["paragraphs"]
        for word in paragraph["words"]
    ]


def test_no_words_are_no_text() -> None:
    assert fields() == {}


def test_lines_paragraphs_and_blocks_come_back() -> None:
    tree = fields(
        own_word("Good", FIRST, 1),
        own_word("day", SECOND, 1, "EOL_SURE_SPACE"),
        own_word("all", THIRD, 2, "LINE_BREAK"),
        own_word("Bye", THIRD, 3, "LINE_BREAK", paragraph=2, block=2),
    )
    whole, *each = tree["textAnnotations"]
    assert whole["description"] == tree["fullTextAnnotation"]["text"] == "Good day\nall\nBye"
    assert whole["locale"] == "en"
    assert whole["boundingPoly"]["vertices"][0] == {"x": 40, "y": 20}
    assert whole["boundingPoly"]["vertices"][2] == {"x": 200, "y": 80}
    assert [one["description"] for one in each] == ["Good", "day", "all", "Bye"]
    (page,) = tree["fullTextAnnotation"]["pages"]
    assert (page["width"], page["height"]) == (400, 200)
    assert page["property"]["detectedLanguages"] == [{"languageCode": "en"}]
    assert [len(block["paragraphs"][0]["words"]) for block in page["blocks"]] == [3, 1]
    assert page["blocks"][0]["boundingBox"]["vertices"][2] == {"x": 200, "y": 80}
    assert breaks(tree) == ["SPACE", "EOL_SURE_SPACE", "LINE_BREAK", "LINE_BREAK"]


def test_a_line_that_went_on_in_the_neighbours_image_ends_here() -> None:
    """On the sheet `Good` was followed by a word of somebody else's."""
    tree = fields(own_word("Good", FIRST, 1, "SPACE"), own_word("all", THIRD, 2, "SPACE"))
    assert tree["fullTextAnnotation"]["text"] == "Good\nall"
    assert breaks(tree) == ["EOL_SURE_SPACE", "LINE_BREAK"]


def test_the_end_of_the_neighbours_part_of_a_line_is_not_ours() -> None:
    """Our line goes on where the neighbour's ended in between."""
    tree = fields(own_word("Good", FIRST, 1, "EOL_SURE_SPACE"), own_word("day", SECOND, 1, "LINE_BREAK"))
    assert tree["fullTextAnnotation"]["text"] == "Good day"


def test_words_without_a_break_between_them_stay_together() -> None:
    tree = fields(own_word("5", FIRST, 1, ""), own_word("%", SECOND, 1, "LINE_BREAK"))
    assert tree["fullTextAnnotation"]["text"] == "5%"
    assert breaks(tree) == ["", "LINE_BREAK"]


def test_a_hyphen_at_the_end_of_a_line_is_written() -> None:
    tree = fields(own_word("over", FIRST, 1, "HYPHEN"), own_word("due", THIRD, 2, "LINE_BREAK"))
    assert tree["fullTextAnnotation"]["text"] == "over-\ndue"


def test_paragraphs_that_alternate_with_anothers_stand_together() -> None:
    words = [own_word(text, FIRST, line, "SPACE", paragraph=line) for text, line in (("a", 1), ("x", 2), ("b", 1), ("y", 2))]
    assert fields(*words)["fullTextAnnotation"]["text"] == "a b\nx y"


def test_words_of_another_vendor_have_letters_and_lines() -> None:
    words = [
        Detection(Feature.TEXT, text, 0.5, box, "azure", {"line": line})
        for text, box, line in (("Good", FIRST, 0), ("day", SECOND, 0), ("all", THIRD, 1))
    ]
    tree = fields(*words)
    assert tree["fullTextAnnotation"]["text"] == "Good day\nall"
    word = tree["fullTextAnnotation"]["pages"][0]["blocks"][0]["paragraphs"][0]["words"][1]
    assert "".join(symbol["text"] for symbol in word["symbols"]) == "day"
    assert word["boundingBox"]["vertices"][0] == {"x": 100, "y": 20}
    assert [(symbol["boundingBox"], symbol["confidence"]) for symbol in word["symbols"]] == [(word["boundingBox"], 0.5)] * 3
    assert "locale" not in tree["textAnnotations"][0]


def test_a_word_without_symbols_is_still_a_word() -> None:
    fields_of_word: dict[str, Any] = {"line": 1, "word": {"confidence": 0.5}, "break": "SPACE"}
    tree = fields(Detection(Feature.TEXT, "Good", 0.5, FIRST, "google", fields_of_word))
    assert tree["textAnnotations"][1]["boundingPoly"]["vertices"][0] == {"x": 40, "y": 20}


def test_what_else_a_symbol_says_is_kept() -> None:
    symbol = {"text": "d", "property": {"detectedLanguages": [{"languageCode": "en"}], "detectedBreak": {"type": "SPACE"}}}
    fields_of_word: dict[str, Any] = {"line": 1, "word": {"symbols": [symbol]}, "break": "SPACE"}
    tree = fields(Detection(Feature.TEXT, "d", 0.5, FIRST, "google", fields_of_word))
    (word,) = tree["fullTextAnnotation"]["pages"][0]["blocks"][0]["paragraphs"][0]["words"]
    assert word["symbols"][0]["property"] == {
        "detectedLanguages": [{"languageCode": "en"}],
        "detectedBreak": {"type": "LINE_BREAK"},
    }


WORDS = st.lists(
    st.tuples(
        st.text("abc", min_size=1, max_size=3),
        st.integers(0, 3),
        st.integers(0, 2),
        st.sampled_from(["", "SPACE", "SURE_SPACE", "EOL_SURE_SPACE", "HYPHEN", "LINE_BREAK", "UNKNOWN"]),
    ),
    max_size=8,
)


@given(WORDS)
def test_every_word_is_there_once_in_both_forms(words: list[tuple[str, int, int, str]]) -> None:
    """Line numbers are unique on a sheet, so a line has one paragraph."""
    given_words = [own_word(text, FIRST, line + 10 * paragraph, end, paragraph) for text, line, paragraph, end in words]
    tree = text_fields(given_words, SIZE)
    each = [one["description"] for one in tree.get("textAnnotations", [])[1:]]
    assert sorted(each) == sorted(text for text, *_ in words)
    text = tree["fullTextAnnotation"]["text"] if tree else ""
    assert "".join(each) == "".join(letter for letter in text if letter in "abc")
    assert len(text.split("\n")) <= len(words) + 1
