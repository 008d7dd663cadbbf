"""Words -> textAnnotations and fullTextAnnotation, rebuilt for one image from its own words.

In: one finding per word, in reading order, with the numbers of its line, paragraph and block on the sheet that was read. A
line or paragraph of the sheet may have reached over several images; of it each image has its own words, and a line ends where
they end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from app.core.geometry import Size, UnitBox, hull
from app.core.model import Detection, Tree
from app.wire.google.geometry import POLYGON_KEY, Scale, corners, points_of
from app.wire.google.refusals import VENDOR

Json = dict[str, Any]

WORD_END, SURE_WORD_END, LINE_END, PARAGRAPH_END, HYPHEN = "SPACE", "SURE_SPACE", "EOL_SURE_SPACE", "LINE_BREAK", "HYPHEN"
_ENDS_OF_LINES = (LINE_END, PARAGRAPH_END, HYPHEN)
_NO_BREAK = ""
_DEFAULT_BLOCK = "TEXT"


@dataclass(frozen=True, slots=True)
class _Word:
    """A finding and what comes after it in this image."""

    found: Detection
    box: UnitBox
    end: str

    @property
    def after(self) -> str:
        """What stands between this word and the next one."""
        if self.end == HYPHEN:
            return "-\n"
        if self.end in _ENDS_OF_LINES:
            return "\n"
        return " " if self.end else ""

    def number(self, name: str) -> int:
        value = self.found.fields.get(name)
        return value if isinstance(value, int) else 0

    @property
    def place(self) -> tuple[int, int, int]:
        return self.number("block"), self.number("paragraph"), self.number("line")


def text_fields(detections: Sequence[Detection], size: Size) -> Json:
    """Both fields of the answer; nothing at all where there is no text."""
    words = list(_words(detections))
    if not words:
        return {}
    scale, locale = Scale(size), _locale(words)
    text = "".join(word.found.label + word.after for word in words).rstrip("\n ")
    whole = {"description": text, "boundingPoly": _around(words, scale)} | ({"locale": locale} if locale else {})
    each = [{"description": word.found.label, "boundingPoly": _place(word, scale)} for word in words]
    page: Json = {"width": size.width_px, "height": size.height_px, "blocks": list(_blocks(words, scale))}
    if locale:
        page["property"] = {"detectedLanguages": [{"languageCode": locale}]}
    return {"textAnnotations": [whole, *each], "fullTextAnnotation": {"pages": [page], "text": text}}


def _words(detections: Sequence[Detection]) -> Iterator[_Word]:
    """Words of a block stand together, then those of a paragraph, then those of a line, each in the order of its first word."""
    ordered = _ordered([_Word(found, found.box, _NO_BREAK) for found in detections if found.box is not None])
    for at, word in enumerate(ordered):
        following = ordered[at + 1] if at + 1 < len(ordered) else None
        yield _Word(word.found, word.box, _end(word, following))


def _ordered(words: list[_Word]) -> list[_Word]:
    blocks: dict[int, int] = {}
    paragraphs: dict[tuple[int, int], int] = {}
    lines: dict[tuple[int, int, int], int] = {}
    for at, word in enumerate(words):
        block, paragraph, line = word.place
        blocks.setdefault(block, at)
        paragraphs.setdefault((block, paragraph), at)
        lines.setdefault((block, paragraph, line), at)
    return sorted(words, key=lambda word: (blocks[word.place[0]], paragraphs[word.place[:2]], lines[word.place]))


def _end(word: _Word, following: _Word | None) -> str:
    """The break after a word in this image. A line that goes on in a neighbour's image ends here."""
    said = word.found.fields.get("break")
    own = said if isinstance(said, str) and word.found.vendor == VENDOR else None
    if following is None or following.place[:2] != word.place[:2]:
        return own if own in _ENDS_OF_LINES else PARAGRAPH_END
    if following.place != word.place:
        return own if own in _ENDS_OF_LINES else LINE_END
    if own is None:
        return WORD_END
    return WORD_END if own in _ENDS_OF_LINES else own


def _blocks(words: list[_Word], scale: Scale) -> Iterator[Json]:
    for _, block in groupby(words, key=lambda word: word.place[0]):
        own = list(block)
        kind = own[0].found.fields.get("block_type")
        paragraphs = [list(paragraph) for _, paragraph in groupby(own, key=lambda word: word.place[1])]
        yield {
            "boundingBox": _around(own, scale),
            "paragraphs": [_paragraph(paragraph, scale) for paragraph in paragraphs],
            "blockType": kind if isinstance(kind, str) and kind else _DEFAULT_BLOCK,
        }


def _paragraph(words: list[_Word], scale: Scale) -> Json:
    return {"boundingBox": _around(words, scale), "words": [_word(word, scale) for word in words]}


def _word(word: _Word, scale: Scale) -> Json:
    """The vendor's own word with its symbols, or one made of its letters; the last symbol says what comes after it."""
    own = word.found.fields.get("word") if word.found.vendor == VENDOR else None
    item: Json = scale.tree(own) if isinstance(own, dict) else _smallest(word, scale)
    symbols = item.get("symbols")
    if isinstance(symbols, list) and symbols and isinstance(symbols[-1], dict):
        item["symbols"] = [*symbols[:-1], _ended(symbols[-1], word.end)]
    return item


def _ended(symbol: Json, end: str) -> Json:
    known = symbol.get("property")
    rest = {name: value for name, value in known.items() if name != "detectedBreak"} if isinstance(known, dict) else {}
    said = known.get("detectedBreak") if isinstance(known, dict) else None
    before = said if isinstance(said, dict) and said.get("type") == end else {}
    ending = {"detectedBreak": {**before, "type": end}} if end else {}
    without = {name: value for name, value in symbol.items() if name != "property"}
    return without | ({"property": {**rest, **ending}} if rest or ending else {})


def _smallest(word: _Word, scale: Scale) -> Json:
    """Nobody says where its letters are: each has the place of the word, for whoever draws them."""
    whole: Json = {"boundingBox": _place(word, scale), "confidence": word.found.score_unit}
    return {**whole, "symbols": [{"text": letter, **whole} for letter in word.found.label]}


def _place(word: _Word, scale: Scale) -> Json:
    """The word's own polygon (a turned word has turned corners), or its box."""
    own = word.found.fields.get("word") if word.found.vendor == VENDOR else None
    points = _polygon(own.get("boundingBox")) if isinstance(own, dict) else []
    return scale.poly(points or corners(word.box))


def _polygon(node: Tree) -> list[Any]:
    polygon = node.get(POLYGON_KEY) if isinstance(node, dict) else None
    return points_of(polygon) if isinstance(polygon, list) else []


def _around(words: Sequence[_Word], scale: Scale) -> Json:
    """A single word's own polygon, or the box around several."""
    return _place(words[0], scale) if len(words) == 1 else scale.poly(corners(hull(word.box for word in words)))


def _locale(words: Sequence[_Word]) -> str:
    """The language that most words are in, where the vendor said so."""
    known = [locale for word in words if isinstance(locale := word.found.fields.get("locale"), str) and locale]
    return max(sorted(set(known)), key=known.count) if known else ""
