"""Pieces of the reports' pages: one file each, which loads nothing and runs no script. Everything is escaped here.

Called by the pages of the tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from app.calibration.report.style import STYLE

# A drop of this much is drawn in the full colour, less in proportion; the full colour leaves the figure readable.
_FULL_COLOUR_DROP = 0.3
_FULL_COLOUR_ALPHA = 0.55
_LOST_RGB, _GAINED_RGB = "214, 69, 65", "38, 140, 90"


def document(title: str, parts: Iterable[str]) -> str:
    """The whole page; empty parts are left out."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = "\n".join(part for part in parts if part)
    whole = f'<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>'
    return f"<!doctype html>\n{whole}\n"


def header(title: str, facts: Mapping[str, str]) -> str:
    """Facts without a value are left out."""
    said = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items() if fact)
    return f"<header><h1>{escape(title)}</h1><dl>{said}</dl></header>"


def section(title: str, content: str) -> str:
    """`content` is HTML."""
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def table(words: Iterable[str], figures: Iterable[str], lines: Iterable[str]) -> str:
    """Columns of words, then columns of figures, inside a box of its own that scrolls sideways: the page does not."""
    heads = [f'<th scope="col">{escape(head)}</th>' for head in words]
    heads += [f'<th scope="col" class="number">{escape(head)}</th>' for head in figures]
    parts = f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="scroll"><table>{parts}</table></div>'


def line(name: str, cells: Iterable[str], *, is_chosen: bool = False) -> str:
    """A row of a table; `cells` are HTML."""
    mark = ' class="chosen"' if is_chosen else ""
    return f"<tr{mark}>{row_name(name)}{''.join(cells)}</tr>"


def row_name(text: str) -> str:
    return f'<th scope="row">{escape(text)}</th>'


def number(text: str, drop: float | None = None) -> str:
    """A figure, coloured by a drop: red where something is lost, green where it is gained."""
    if not drop:
        return f'<td class="number">{text}</td>'
    alpha = min(abs(drop) / _FULL_COLOUR_DROP, 1.0) * _FULL_COLOUR_ALPHA
    colour = f"rgba({_LOST_RGB if drop > 0 else _GAINED_RGB}, {alpha:.2f})"
    return f'<td class="number" style="background-image: linear-gradient({colour}, {colour})">{text}</td>'


def items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def notes(texts: Sequence[str]) -> str:
    return section("Notes", f"<ul>{items(texts)}</ul>") if texts else ""


def skipped(names: Mapping[str, Sequence[str]]) -> str:
    """What of the data set was left out or mended, by reason."""
    if not names:
        return ""
    lists = (
        f"<details><summary>{escape(reason)}: {len(some):,}</summary><ul>{items(some)}</ul></details>"
        for reason, some in names.items()
    )
    return section("Left out or mended", "".join(lists))


def method(*paragraphs: str) -> str:
    return f"<footer><h2>How this was measured</h2>{''.join(map(paragraph, paragraphs))}</footer>"
