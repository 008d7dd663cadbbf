"""Address and key: the operator's settings first, then the names of Microsoft's samples; what is missing is a Problem."""

from __future__ import annotations

import pytest

from app.errors import Kind, Problem
from app.providers.azure.resource import Resource

SAMPLES = {"VISION_ENDPOINT": "https://samples.example/ ", "VISION_KEY": " sample-key\n"}


def test_settings_count_before_the_names_of_the_samples() -> None:
    chosen = Resource("http://127.0.0.1:9000/prefix/", "own-key", SAMPLES)
    assert (chosen.url(), chosen.secret()) == ("http://127.0.0.1:9000/prefix", "own-key")
    found = Resource(None, None, SAMPLES)
    assert (found.url(), found.secret()) == ("https://samples.example", "sample-key")


def test_the_address_needs_no_key() -> None:
    """It is part of the name under which processes meet in Redis."""
    assert Resource("https://a.example", None, {}).url() == "https://a.example"


@pytest.mark.parametrize("environ", [{}, {"VISION_ENDPOINT": "", "VISION_KEY": " "}])
def test_what_is_missing_is_named(environ: dict[str, str]) -> None:
    nothing = Resource(None, None, environ)
    for ask, name in ((nothing.url, "VISION_ENDPOINT"), (nothing.secret, "VISION_KEY")):
        with pytest.raises(Problem, match=name) as raised:
            ask()
        assert raised.value.kind is Kind.INTERNAL


@pytest.mark.parametrize(
    "url", ["samples.example", "ftp://x", "https://user:secret@x", "https://x/?key=secret", "https://x:port", "https://[::1"]
)
def test_an_address_that_is_none_is_not_quoted(url: str) -> None:
    with pytest.raises(Problem, match="http") as raised:
        Resource(None, None, {"VISION_ENDPOINT": url}).url()
    assert "secret" not in raised.value.detail


@pytest.mark.parametrize("key", ["a b", "a\r\nX-Evil: 1", "schlüssel", "k" * 1001])
def test_a_key_that_no_header_may_hold_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(Problem) as raised:
        Resource(None, None, {"VISION_KEY": key}).secret()
    assert key not in raised.value.detail


def test_a_key_is_in_no_representation() -> None:
    assert "s3cret" not in repr(Resource("https://a.example", "s3cret", {"VISION_KEY": "s3cret"}))
