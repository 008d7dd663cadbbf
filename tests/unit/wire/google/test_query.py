"""System parameters say how the answer is written; everything else in a query is refused."""

from __future__ import annotations

import pytest

from app.errors import Kind, Problem
from app.wire.google.paths import is_rest_path
from app.wire.google.query import Form, form_of


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("", Form()),
        ("alt=json&key=k&fields=responses", Form()),
        ("%24alt=json%3Benum-encoding%3Dint", Form(enum_numbers=True)),
        ("prettyPrint=true", Form(indent=2)),
        ("$prettyPrint=false", Form()),
    ],
)
def test_the_form_of_an_answer(query: str, form: Form) -> None:
    assert form_of(query) == form


@pytest.mark.parametrize("query", ["alt=proto", "alt=json;enum-encoding=words", "verbose=1", "&".join(["key=k"] * 100)])
def test_other_queries_are_refused(query: str) -> None:
    with pytest.raises(Problem) as caught:
        form_of(query)
    assert caught.value.kind is Kind.INVALID_PARAMETER


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/v1/images:annotate", True),
        ("//v1/projects/p/locations/eu/images:annotate", True),
        ("/v1p3beta1/files:annotate", True),
        ("/v1/operations/7", True),
        ("/v1/images:paint", True),
        ("/v1/detect", False),
        ("/v1/stats", False),
        ("/v2/images:annotate", True),  # to be told that there is no such method
        ("/v2/pets", False),
        ("///v1/images:annotate", False),
    ],
)
def test_paths_of_the_vendor_are_told_from_ours(path: str, ours: bool) -> None:
    assert is_rest_path(path) == ours
