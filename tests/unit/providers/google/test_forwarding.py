"""How Google's REST endpoint is connected to; what is handed on is told in the contract suite."""

from __future__ import annotations

import httpx
import pytest

from app.errors import Kind, Problem
from app.providers.google.forwarding import Forwarding, problem_of


def test_a_proxy_that_is_none_is_the_operators_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(Problem) as raised:
        Forwarding("https://vision.googleapis.com", max_connections=1, connect_timeout_s=1.0, is_near=False)
    assert raised.value.kind is Kind.INTERNAL


async def test_no_proxy_is_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:1")
    await Forwarding("http://127.0.0.1:1", max_connections=1, connect_timeout_s=1.0, is_near=True).aclose()


@pytest.mark.parametrize(
    ("error", "sent", "kind"),
    [
        (TimeoutError(), False, Kind.PROVIDER_UNAVAILABLE),
        (TimeoutError(), True, Kind.PROVIDER_TIMEOUT),
        (httpx.ReadTimeout("t"), True, Kind.PROVIDER_TIMEOUT),
        (httpx.ConnectError("10.0.0.1 refused"), False, Kind.PROVIDER_UNAVAILABLE),
        (httpx.ReadError("10.0.0.1 reset"), True, Kind.PROVIDER_GARBLED),
    ],
)
def test_what_may_have_been_billed_depends_on_what_was_sent(error: Exception, sent: bool, kind: Kind) -> None:
    problem = problem_of(error, sent=sent)
    assert problem.kind is kind
    assert "10.0.0.1" not in problem.detail
