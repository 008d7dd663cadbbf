"""TEXT_DETECTION and DOCUMENT_TEXT_DETECTION: what `lines` read, as a flat list and as a document.

Both write the same two fields; only the dense kind says how sure it is of blocks, paragraphs, words and symbols.
"""

from __future__ import annotations

from app.emulators.google.asked import Wishes
from app.emulators.google.errors import Json
from app.emulators.google.geometry import polygon, polygon_of
from app.emulators.google.lines import Line, Paragraph, Word, box_of, paragraphs_in, words_of
from app.emulators.scene import Scene

WORD_END, LINE_END, PARAGRAPH_END = "SPACE", "EOL_SURE_SPACE", "LINE_BREAK"
"""Breaks after a symbol; the text has a space for the first and a line feed for the others."""


def sparse(scene: Scene, _: int, wishes: Wishes) -> Json:
    """The number of results does not apply."""
    return _answer(scene, wishes.language, sure=False)


def dense(scene: Scene, _: int, wishes: Wishes) -> Json:
    return _answer(scene, wishes.language, sure=True)


def _answer(scene: Scene, language: str, *, sure: bool) -> Json:
    """Nothing at all where there is no text."""
    paragraphs = paragraphs_in(scene)
    if not paragraphs:
        return {}
    text = "\n".join("\n".join(" ".join(word.text for word in line) for line in paragraph) for paragraph in paragraphs)
    words = [word for paragraph in paragraphs for word in words_of(paragraph)]
    whole = {"locale": language, "description": text, "boundingPoly": polygon_of(box_of(words))}
    each = [{"description": word.text, "boundingPoly": polygon(word.corners)} for word in words]
    return {"textAnnotations": [whole, *each], "fullTextAnnotation": _document(scene, paragraphs, text, language, sure)}


def _document(scene: Scene, paragraphs: list[Paragraph], text: str, language: str, sure: bool) -> Json:
    """One page; each paragraph is a block of its own."""
    height_px, width_px = scene.rgb.shape[:2]
    page = {
        "property": {"detectedLanguages": [{"languageCode": language, "confidence": 1.0}]},
        "width": width_px,
        "height": height_px,
        "blocks": [_block(paragraph, sure) for paragraph in paragraphs],
    }
    return {"pages": [page], "text": text}


def _block(paragraph: Paragraph, sure: bool) -> Json:
    words = words_of(paragraph)
    place: Json = {"boundingBox": polygon(words[0].corners) if len(words) == 1 else polygon_of(box_of(words))}
    if sure:
        place["confidence"] = min(word.marker.sighting.score_unit for word in words)
    written = [_word(line, at, _end_of(paragraph, line, at), sure) for line in paragraph for at in range(len(line))]
    return {**place, "paragraphs": [{**place, "words": written}], "blockType": "TEXT"}


def _end_of(paragraph: Paragraph, line: Line, at: int) -> str:
    """What comes after a word."""
    if at < len(line) - 1:
        return WORD_END
    return PARAGRAPH_END if line is paragraph[-1] else LINE_END


def _word(line: Line, at: int, end: str, sure: bool) -> Json:
    word = line[at]
    symbols = [_symbol(word, place, sure) for place in range(len(word.text))]
    symbols[-1]["property"] = {"detectedBreak": {"type": end}}
    return {"boundingBox": polygon(word.corners), "symbols": symbols, **_sureness(word, sure)}


def _symbol(word: Word, place: int, sure: bool) -> Json:
    return {"boundingBox": polygon(word.symbol_corners(place)), "text": word.text[place], **_sureness(word, sure)}


def _sureness(word: Word, sure: bool) -> Json:
    return {"confidence": word.marker.sighting.score_unit} if sure else {}
