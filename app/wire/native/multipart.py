"""multipart/form-data -> the bytes of its one field `image`. The only file that knows python-multipart.

Synchronous, on a body that is already in memory and bounded by the server; everything else about it is bounded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import Kind, Problem
from app.wire.values import hint, quoted

if TYPE_CHECKING:  # the library defines it for type checkers only
    from python_multipart.multipart import MultipartCallbacks

FIELD = "image"
# Most parts that are looked at: one is the image, and more than a handful is no form for this endpoint.
MAX_PARTS = 8
# Longest boundary, characters (RFC 2046, section 5.1.1).
_MAX_BOUNDARY_CHARACTERS = 70
# Parameters that belong into the query; somebody who puts them into the form is told so.
_QUERY_FIELDS = frozenset({"features", "max_results", "min_score"})


def read_image_field(body: bytes, content_type: str) -> bytes:
    """The image field's bytes. Raises Problem: MALFORMED_REQUEST, INVALID_PARAMETER (another field), MISSING_IMAGE."""
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
    return form.image()


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
    """Collects what the parser finds: the parts' names, and the pieces of the image."""

    def __init__(self) -> None:
        self.ended = False
        self._header = b""
        self._value = b""
        self._name: str | None = None
        self._images: list[list[bytes]] = []

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

    def image(self) -> bytes:
        if not self._images:
            raise Problem(Kind.MISSING_IMAGE, f"the form has no field {FIELD!r}")
        if len(self._images) > 1:
            raise Problem(
                Kind.INVALID_PARAMETER, f"the form has the field {FIELD!r} {len(self._images)} times: send one image a request"
            )
        return b"".join(self._images[0])

    def _begin(self) -> None:
        self._name = None

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
        name = self._name or ""
        if name != FIELD:
            raise Problem(Kind.INVALID_PARAMETER, _not_a_field(name))
        self._images.append([])

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._images[-1].append(data[start:end])

    def _end(self) -> None:
        self.ended = True


def _not_a_field(name: str) -> str:
    if name in _QUERY_FIELDS:
        return f"{name!r} belongs into the query (/v1/detect?{name}=...), not into the form"
    return f"the form has an unknown field {quoted(name)}{hint(name, [FIELD])}"
