"""multipart/form-data: one field `image`, bounded, and no body can keep the parser busy."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Kind, Problem
from app.wire.multipart import MAX_PARTS
from app.wire.native.multipart import read_image_field

CONTENT_TYPE = "multipart/form-data; boundary=edge"


def part(data: bytes, name: str = "image", boundary: str = "edge") -> bytes:
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="x.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return head.encode() + data + b"\r\n"


def form(*parts: bytes, boundary: str = "edge") -> bytes:
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


@pytest.mark.parametrize("data", [b"", b"x", b"\r\n", b"--edge", b"\r\n--edg", bytes(range(256)) * 40])
def test_the_field_comes_out_as_it_went_in(data: bytes) -> None:
    assert read_image_field(form(part(data)), CONTENT_TYPE) == data


def test_a_quoted_boundary_and_a_preamble_of_newlines() -> None:
    body = b"\r\n" + form(part(b"x", boundary="a b"), boundary="a b")
    assert read_image_field(body, 'Multipart/Form-Data; charset=x; boundary="a b"') == b"x"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (form(), Kind.MISSING_IMAGE, "no field 'image'"),
        (form(part(b"x", name="img")), Kind.INVALID_PARAMETER, "did you mean 'image'?"),
        (form(part(b"x", name="")), Kind.INVALID_PARAMETER, "unknown field ''"),
        (form(part(b"x"), part(b"5", name="max_results")), Kind.INVALID_PARAMETER, "belongs into the query"),
        (form(part(b"x"), part(b"y")), Kind.INVALID_PARAMETER, "2 times"),
        (form(b"--edge\r\nContent-Type: image/jpeg\r\n\r\nx\r\n"), Kind.INVALID_PARAMETER, "unknown field ''"),
        (b"", Kind.MALFORMED_REQUEST, "closing boundary"),
        (b"not a form", Kind.MALFORMED_REQUEST, "malformed"),
        (part(b"cut off"), Kind.MALFORMED_REQUEST, "closing boundary"),
        (form(*[part(b"x")] * (MAX_PARTS + 1)), Kind.MALFORMED_REQUEST, "parts"),
        (b"--edge\r\n" + b"A" * 100_000 + b": b\r\n\r\n", Kind.MALFORMED_REQUEST, "malformed"),
    ],
)
def test_what_is_no_such_form_is_refused(body: bytes, kind: Kind, words: str) -> None:
    with pytest.raises(Problem) as caught:
        read_image_field(body, CONTENT_TYPE)
    assert caught.value.kind is kind
    assert words in caught.value.detail


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 71}",
        "multipart/form-data; boundary=\u20ac",
    ],
)
def test_a_boundary_is_needed(content_type: str) -> None:
    with pytest.raises(Problem) as caught:
        read_image_field(form(part(b"x")), content_type)
    assert caught.value.kind is Kind.MALFORMED_REQUEST


@pytest.mark.parametrize("near_miss", [b"\r\n--edge-", b"\r\n--edge\r", b"\r\n--edg", b"\r", b"\r\n", b"-"])
def test_no_body_keeps_the_parser_busy(near_miss: bytes) -> None:
    """5 MB of what is nearly a boundary: it would take the parser most of a second, byte by byte, on the event loop."""
    body = form(part(near_miss * (5_000_000 // len(near_miss))))
    started_s = time.process_time()
    with contextlib.suppress(Problem):
        read_image_field(body, CONTENT_TYPE)
    assert time.process_time() - started_s < 0.25


@given(data=st.binary(max_size=500))
def test_any_bytes_survive(data: bytes) -> None:
    """But for the boundary itself, which a client picks so that it does not occur."""
    boundary = "q7-no-image-holds-this"
    content_type = f"multipart/form-data; boundary={boundary}"
    assert read_image_field(form(part(data, boundary=boundary), boundary=boundary), content_type) == data
