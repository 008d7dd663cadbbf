"""Text as words: in reading order, with numbers of lines, paragraphs and blocks that are unique on the image."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import UnitBox
from app.core.model import Detection
from app.providers.google.words import words
from tests.support.google_answers import SIZE, text, word

BREAKS = ["", "SPACE", "SURE_SPACE", "EOL_SURE_SPACE", "LINE_BREAK", "HYPHEN"]
ENDS_LINE = {"EOL_SURE_SPACE", "LINE_BREAK", "HYPHEN"}


def read(answer: dict[str, Any]) -> list[Detection]:
    found = list(words(answer, SIZE))
    sound = [each for each in found if each is not None]
    assert len(sound) == len(found)
    return sound


def numbers(answer: dict[str, Any], name: str) -> list[Any]:
    return [each.fields[name] for each in read(answer)]


PAGE = text(
    [
        [word("Mind", 0, "SPACE"), word("the", 50, "EOL_SURE_SPACE"), word("gap", 0, "LINE_BREAK")],
        [word("Exit", 0, "LINE_BREAK")],
    ],
    [[word("Way", 100), word("out", 140)]],
)


def test_words_come_in_reading_order_with_their_places() -> None:
    assert [each.label for each in read(PAGE)] == ["Mind", "the", "gap", "Exit", "Way", "out"]
    assert numbers(PAGE, "line") == [0, 0, 1, 2, 3, 3]
    assert numbers(PAGE, "paragraph") == [0, 0, 0, 1, 2, 2]
    assert numbers(PAGE, "block") == [0, 0, 0, 0, 1, 1]
    assert numbers(PAGE, "break") == ["SPACE", "EOL_SURE_SPACE", "LINE_BREAK", "LINE_BREAK", "", ""]
    assert set(numbers(PAGE, "block_type")) == {"TEXT"}
    assert set(numbers(PAGE, "locale")) == {"en"}


def test_a_word_is_where_it_stands_and_so_are_its_letters() -> None:
    (detection,) = read(text([[word("ab", 100, confidence=0.25)]]))
    assert (detection.score_unit, detection.box) == (0.25, UnitBox(0.5, 0.0, 0.6, 0.1))
    told = detection.fields["word"]
    assert isinstance(told, dict)
    assert isinstance(told["symbols"], list)
    assert [symbol["text"] for symbol in told["symbols"] if isinstance(symbol, dict)] == ["a", "b"]


def test_what_the_vendor_does_not_say_is_left_open() -> None:
    answer = {"fullTextAnnotation": {"pages": [{"blocks": [{"paragraphs": [{"words": [word("a", 100)]}]}]}]}}
    (detection,) = read(answer)
    assert detection.score_unit == 1.0
    assert detection.box == UnitBox(0.5, 0.0, 0.55, 0.1)  # of the image: the page says no size
    assert (detection.fields["block_type"], detection.fields["locale"]) == ("", "")


def test_pixels_count_in_the_pages_own_size() -> None:
    answer = text([[word("a", 100)]])
    answer["fullTextAnnotation"]["pages"][0] |= {"width": 1000, "height": 1000}
    assert read(answer)[0].box == UnitBox(0.1, 0.0, 0.11, 0.01)


def test_a_break_before_a_letter_is_none_behind_the_word() -> None:
    first = word("a", 0, "LINE_BREAK")
    first["symbols"][0]["property"]["detectedBreak"]["isPrefix"] = True
    answer = text([[first, word("b", 20)]])
    assert (numbers(answer, "break"), numbers(answer, "line")) == (["", ""], [0, 0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbols": []},
        {"symbols": [{"text": ""}]},
        {"confidence": "NaN"},
        {"boundingBox": {"vertices": [{"x": 90_000}]}},
    ],
)
def test_a_broken_word_is_counted_and_its_line_goes_on(wrong: dict[str, Any]) -> None:
    found = list(words(text([[word("a", 0, "SPACE"), word("b", 20) | wrong, word("c", 40)]]), SIZE))
    assert [each.fields["line"] if each else None for each in found] == [0, None, 0]


def test_no_text_is_no_word() -> None:
    nothing: list[dict[str, Any]] = [{}, {"fullTextAnnotation": {}}, text(), text([[]])]
    assert [read(answer) for answer in nothing] == [[], [], [], []]


paragraphs = st.lists(st.sampled_from(BREAKS), max_size=5)


@given(st.lists(st.lists(paragraphs, max_size=3), max_size=3))
def test_lines_never_leave_their_paragraph_and_numbers_never_fall(told: list[list[list[str]]]) -> None:
    """A new line begins exactly behind a break that ends one, and with each paragraph."""
    answer = text(*[[[word("a", 0, end) for end in ends] for ends in block] for block in told])
    lines = []
    line = -1
    for ends in (ends for block in told for ends in block):
        begins = True
        for end in ends:
            line += begins
            lines.append(line)
            begins = end in ENDS_LINE
    assert numbers(answer, "line") == lines
    for name in ("paragraph", "block"):
        assert numbers(answer, name) == sorted(numbers(answer, name))
