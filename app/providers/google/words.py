"""The words of one answer: fullTextAnnotation as one detection per word, in reading order. Pure; called by `findings`.

    label   the word's text: its symbols, joined
    score   its confidence, 1.0 where the vendor says none (it does only for documents)
    box     around the word's boundingBox
    fields  {"word": Word with symbols and typed geometry,
             "line": int, "paragraph": int, "block": int,    each unique on the image, counted from 0 in reading order
             "block_type": str,                              such as "TEXT"; "" where the vendor does not say
             "break": str,                                   the detectedBreak after the word; "" where there is none
             "locale": str}                                  of the whole text; "" where the vendor does not say

Lines are not in the vendor's document: one ends behind a word with a break that ends lines, and with its paragraph. Whoever
shares a sheet rebuilds lines from the words that are its own, so nobody gets a neighbour's word.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from app.core.geometry import Size
from app.core.model import Detection, Feature, Tree
from app.providers.answers import Broken
from app.providers.google.features import VENDOR
from app.providers.google.trees import Object, hull, label_of, score_of, typed_fields

_LINE_ENDS = frozenset({"EOL_SURE_SPACE", "LINE_BREAK", "HYPHEN"})
_CERTAIN_UNIT = 1.0


def words(answer: Object, size: Size | None) -> Iterator[Detection | None]:
    """Every word; a None for each that is broken. `size`: of the image, where its page does not say its own."""
    locale = _locale(answer)
    blocks, paragraphs, lines = count(), count(), count()
    for page in answer.get("fullTextAnnotation", {}).get("pages", ()):
        frame = _frame(page, size)
        for block in page.get("blocks", ()):
            block_place: dict[str, Tree] = {"block": next(blocks), "block_type": block.get("blockType", ""), "locale": locale}
            for paragraph in block.get("paragraphs", ()):
                place: dict[str, Tree] = {"paragraph": next(paragraphs), **block_place}
                yield from (
                    _read(word, frame, {"line": line, "break": end, **place}) for word, line, end in _in_lines(paragraph, lines)
                )


def _in_lines(paragraph: Object, lines: Iterator[int]) -> Iterator[tuple[Object, int, str]]:
    """Each word with the number of its line and the break behind it."""
    line: int | None = None
    for word in paragraph.get("words", ()):
        line = next(lines) if line is None else line
        end = _break_behind(word)
        yield word, line, end
        line = None if end in _LINE_ENDS else line


def _read(word: Object, frame: Size | None, place: dict[str, Tree]) -> Detection | None:
    try:
        fields = typed_fields(word, frame)
        label = label_of("".join(symbol.get("text", "") for symbol in word.get("symbols", ())))
        score_unit = score_of(word, "confidence", _CERTAIN_UNIT)
        return Detection(Feature.TEXT, label, score_unit, hull(fields.get("boundingBox")), VENDOR, {"word": fields, **place})
    except Broken:
        return None


def _break_behind(word: Object) -> str:
    """One that is marked as a prefix stands before its symbol, not behind."""
    symbols = word.get("symbols") or [{}]
    found = symbols[-1].get("property", {}).get("detectedBreak", {})
    return "" if found.get("isPrefix") else str(found.get("type", ""))


def _frame(page: Object, size: Size | None) -> Size | None:
    """The page's own size, which its pixels count in, where the vendor says it."""
    width_px, height_px = page.get("width", 0), page.get("height", 0)
    return Size(width_px, height_px) if width_px > 0 and height_px > 0 else size


def _locale(answer: Object) -> str:
    """The first of the textAnnotations is the whole text."""
    whole: Object = next(iter(answer.get("textAnnotations", ())), {})
    return str(whole.get("locale", ""))
