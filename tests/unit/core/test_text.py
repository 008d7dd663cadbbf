"""Words become lines again, each image from its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import UnitBox
from app.core.model import Detection, Feature
from app.core.text import hull_of, lines_of, score_unit_of, text_of


def word(text: str, line: object = None, box: UnitBox | None = None, score_unit: float = 0.9) -> Detection:
    fields = {"line": line} if isinstance(line, int | str) else {}
    return Detection(Feature.TEXT, text, score_unit, box, fields=fields)


def test_lines_stand_in_the_order_of_their_first_words() -> None:
    words = [word("B1", 7), word("A1", 2), word("B2", 7), word("A2", 2)]
    assert [text_of(line) for line in lines_of(words)] == ["B1 B2", "A1 A2"]


def test_a_word_without_a_line_is_one_by_itself() -> None:
    assert [text_of(line) for line in lines_of([word("a"), word("b"), word("c", "no number")])] == ["a", "b", "c"]


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 3) | st.none())))
def test_no_word_is_lost_or_doubled_and_no_line_is_mixed(asked: list[tuple[str, int | None]]) -> None:
    words = [word(text, line) for text, line in asked]
    lines = lines_of(words)
    assert sorted(id(each) for line in lines for each in line) == sorted(map(id, words))
    assert all(len({each.fields.get("line") for each in line}) == 1 for line in lines)


def test_a_line_is_where_its_words_are_and_as_sure_as_they_are() -> None:
    words = [word("a", 1, UnitBox(0.1, 0.2, 0.3, 0.4), 0.5), word("b", 1, UnitBox(0.5, 0.1, 0.6, 0.3), 1.0), word("c", 1)]
    assert hull_of(words) == UnitBox(0.1, 0.1, 0.6, 0.4)
    assert hull_of([word("c")]) == UnitBox(0.0, 0.0, 0.0, 0.0)
    assert score_unit_of(words[:2]) == 0.75
