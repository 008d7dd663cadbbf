"""Headers of a request that is handed on: the client's own go along, what says who he is and how he came here does not."""

from __future__ import annotations

import pytest

from app.errors import Kind, Problem
from app.providers.headers import end_to_end


def test_a_clients_own_headers_go_along() -> None:
    told = {"user-agent": "client/1", "accept": "text/x", "x-foo": "bar", "traceparent": "00-1-2-01", "x-request-id": "r"}
    assert end_to_end(told, ()) == told


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "cookie", "x-api-key", "x-goog-api-key", "x-goog-user-project", "ocp-apim-subscription-key"),
        *("x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "proxy-authorization"),
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "expect"),
        *("forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "x-tessera-grid", "x-tessera-max-wait-ms"),
        "x-http-method-override",
    ],
)
def test_what_says_who_he_is_and_how_he_came_stays_behind(name: str) -> None:
    assert end_to_end({name: "1", "x-foo": "bar"}, ()) == {"x-foo": "bar"}


def test_so_does_what_the_connection_names() -> None:
    assert end_to_end({"connection": "close, X-Hop", "x-hop": "1", "x-foo": "bar"}, ()) == {"x-foo": "bar"}


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "ü", "a\x00b"])
def test_a_value_that_no_header_may_hold_stays_behind_unless_it_is_needed(value: str) -> None:
    assert end_to_end({"x-name": value}, ()) == {}
    with pytest.raises(Problem) as raised:
        end_to_end({"content-type": value}, ("content-type",))
    assert raised.value.kind is Kind.MALFORMED_REQUEST
