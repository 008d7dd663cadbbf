"""multipart/form-data: parts come out as they went in, bounded, and whatever is no form is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Kind, Problem
from app.wire.multipart import MAX_PARTS, Part, read_parts

TYPE = "multipart/form-data; boundary=edge"


def form(*parts: tuple[str, bytes]) -> bytes:
    pieces = [
        b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), data) for name, data in parts
    ]
    return b"".join(pieces) + b"--edge--\r\n"


@given(st.lists(st.tuples(st.sampled_from(["image", "a", ""]), st.binary(max_size=200)), max_size=MAX_PARTS - 1))
def test_parts_come_out_as_they_went_in(parts: list[tuple[str, bytes]]) -> None:
    clean = [(name, data.replace(b"edge", b"")) for name, data in parts]
    assert read_parts(form(*clean), TYPE) == [Part(name, data) for name, data in clean]


def test_a_part_without_a_name_has_an_empty_one() -> None:
    assert read_parts(b"--edge\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--edge--\r\n", TYPE) == [Part("", b"x")]


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"", TYPE, "closing boundary"),
        (b"no form", TYPE, "malformed"),
        (form(("image", b"x"))[:-10], TYPE, "closing boundary"),
        (form(*[("image", b"x")] * (MAX_PARTS + 1)), TYPE, "parts"),
        (form(("image", b"x")), "multipart/form-data", "name its boundary"),
        (form(("image", b"x")), f"multipart/form-data; boundary={'e' * 71}", "name its boundary"),
        (form(("image", b"x")), "multipart/form-data; boundary=\u20ac", "characters"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(Problem) as caught:
        read_parts(body, content_type)
    assert caught.value.kind is Kind.MALFORMED_REQUEST
    assert words in caught.value.detail
