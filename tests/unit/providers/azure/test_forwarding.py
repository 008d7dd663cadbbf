"""A request that is handed on: everything that says what is asked, nothing that says who asks."""

from __future__ import annotations

import pytest

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.azure.forwarding import handed_on

URL = "https://resource.example/base"


def handed(
    path: str = "/vision/v3.2/analyze", query: str = "", method: str = "POST", **headers: str
) -> tuple[str, str, dict[str, str]]:
    """Method, address and headers of what goes out."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    outgoing = handed_on(RawRequest(method, path, query, named, b"body"), URL, "operator")
    assert outgoing.body == b"body"
    return outgoing.method, outgoing.url, dict(outgoing.headers)


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/vision/v3.2/analyze", "", "/vision/v3.2/analyze"),
        ("/a/imageanalysis:analyze", "features=caption,tags&x=%20+", "/a/imageanalysis:analyze?features=caption,tags&x=%20+"),
        ("/a b/ü", "q=ü\r\n", "/a%20b/%C3%BC?q=%C3%BC%0D%0A"),
        ("/vision/v3.2/read/analyzeResults/1-2", "", "/vision/v3.2/read/analyzeResults/1-2"),
    ],
)  # fmt: skip
def test_path_and_query_are_the_clients_below_the_resources_own(path: str, query: str, target: str) -> None:
    assert handed(path, query)[1] == URL + target


@pytest.mark.parametrize(
    "path", ["", "vision", "@evil.example/", "/../admin", "/a/./b", "/%2e%2E/admin", "/a/..", "/a/..\\..\\b", "/a/..%5c..%5Cb"]
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Problem) as raised:
        handed(path)
    assert raised.value.kind is Kind.UNKNOWN_OPERATION


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("subscription-key=client", ""),
        ("a=1&Subscription-Key=client&b=2", "?a=1&b=2"),
        ("subscription%2Dkey=client&a=1", "?a=1"),
        ("a=subscription-key", "?a=subscription-key"),
    ],
)
def test_a_clients_key_in_the_query_stays_behind(query: str, left: str) -> None:
    assert handed(query=query)[1] == f"{URL}/vision/v3.2/analyze{left}"


def test_the_operators_key_stands_in_place_of_whatever_the_client_sent() -> None:
    method, _, headers = handed(
        method="GET",
        ocp_apim_subscription_key="client",
        authorization="Bearer client",
        cookie="secret=1",
        x_forwarded_for="10.0.0.1",
        connection="close",
        content_length="4",
        user_agent="client/1",
        content_type="image/jpeg",
        accept="application/json",
        x_ms_client_request_id="i-1",
    )
    assert method == "GET"
    assert headers == {
        "ocp-apim-subscription-key": "operator",
        "content-type": "image/jpeg",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "client/1",
        "x-ms-client-request-id": "i-1",
    }


def test_an_encoding_that_the_client_can_read_is_asked_for() -> None:
    assert handed(accept_encoding="gzip, deflate")[2]["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "ü", "a\x00b"])
def test_a_header_that_no_header_may_be_is_refused(value: str) -> None:
    with pytest.raises(Problem) as raised:
        handed(content_type=value)
    assert raised.value.kind is Kind.MALFORMED_REQUEST
