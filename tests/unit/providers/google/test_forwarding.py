"""What becomes of a request that is handed on; how it is sent is told in the contract suite."""

from __future__ import annotations

from app.core.model import RawRequest
from app.providers.google.forwarding import handed_on


def test_the_operator_takes_the_clients_place_and_nothing_else_changes() -> None:
    headers = {"content-type": "application/json", "accept-encoding": "gzip", "authorization": "Bearer client", "cookie": "c"}
    request = RawRequest("POST", "/v1/files:annotate", "key=client&alt=json", headers, b"{ }")
    outgoing = handed_on(request, "https://vision.googleapis.com/", {"authorization": "Bearer operator"})
    assert (outgoing.method, outgoing.url) == ("POST", "https://vision.googleapis.com/v1/files:annotate?alt=json")
    assert outgoing.headers == {
        "content-type": "application/json",
        "accept-encoding": "gzip",
        "authorization": "Bearer operator",
    }
    assert outgoing.body == b"{ }"
