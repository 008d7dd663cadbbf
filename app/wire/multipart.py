"""multipart/form-data -> its parts. The only file that knows python-multipart; called by the dialects that take forms.

Synchronous, on a body that is already in memory and bounded by the server; everything else about it is bounded here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import Kind, Problem

if TYPE_CHECKING:  # the library defines it for type checkers only
    from python_multipart.multipart import MultipartCallbacks

# Most parts that are looked at: one is the image, and more than a handful is no form for any endpoint here.
MAX_PARTS = 8
# Longest boundary, characters (RFC 2046, section 5.1.1).
_MAX_BOUNDARY_CHARACTERS = 70


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the name of its field ("" without one), and its content."""

    name: str
    data: bytes = field(repr=False)


def read_parts(body: bytes, content_type: str) -> list[Part]:
    """The form's parts in their order. Raises Problem(MALFORMED_REQUEST)."""
    boundary = _boundary(content_type)
    # A delimiter may not occur inside a part (RFC 2046, 5.1.1). The parser tries each near miss byte by byte, in Python: a
    # body made of them would hold up everybody else for seconds.
    if body.count(b"\r\n--" + boundary) > MAX_PARTS:
        raise Problem(Kind.MALFORMED_REQUEST, f"the form has more than {MAX_PARTS} parts")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Problem(Kind.MALFORMED_REQUEST, "the multipart body is malformed") from error
    if not form.ended:
        raise Problem(Kind.MALFORMED_REQUEST, "the multipart body ends before its closing boundary")
    return form.parts()


def _boundary(content_type: str) -> bytes:
    try:
        _, options = parse_options_header(content_type)
    except UnicodeEncodeError as error:
        raise Problem(Kind.MALFORMED_REQUEST, "the Content-Type holds characters that no header may hold") from error
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= _MAX_BOUNDARY_CHARACTERS:
        raise Problem(Kind.MALFORMED_REQUEST, "the Content-Type of a multipart body must name its boundary")
    return boundary


class _Form:
    """Collects what the parser finds: the parts' names, and the pieces of their contents."""

    def __init__(self) -> None:
        self.ended = False
        self._header = b""
        self._value = b""
        self._name = ""
        self._parts: list[tuple[str, list[bytes]]] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def parts(self) -> list[Part]:
        return [Part(name, b"".join(pieces)) for name, pieces in self._parts]

    def _begin(self) -> None:
        self._name = ""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        self._parts.append((self._name, []))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._parts[-1][1].append(data[start:end])

    def _end(self) -> None:
        self.ended = True
