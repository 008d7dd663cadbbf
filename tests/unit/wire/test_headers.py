"""The headers of ours: wishes are read strictly, answers tell what was done and what it took."""

from __future__ import annotations

import pytest

from app.core.model import Answer, Bill, Failure, Layout, Outcome
from app.errors import Kind, Problem
from app.wire.contract import Wishes
from app.wire.headers import answer_headers, clean_request_id, read_wishes, retry_id


@pytest.mark.parametrize(
    ("headers", "wishes"),
    [
        ({}, Wishes()),
        ({"x-tessera-grid": "off"}, Wishes(grid=False)),
        ({"x-tessera-grid": " OFF "}, Wishes(grid=False)),
        ({"x-tessera-grid": "on"}, Wishes()),
        ({"x-tessera-max-wait-ms": "150"}, Wishes(max_wait_s=0.15)),
        ({"x-tessera-max-wait-ms": "0"}, Wishes(max_wait_s=0.0)),
        ({"x-tessera-max-map-drop": "0.03"}, Wishes(max_map_drop=0.03)),
        ({"x-tessera-max-map-drop": "0"}, Wishes(max_map_drop=0.0)),
        ({"x-tessera-max-map-drop": "1"}, Wishes(max_map_drop=1.0)),
        ({"x-tessera-something-else": "x"}, Wishes()),
    ],
)
def test_wishes(headers: dict[str, str], wishes: Wishes) -> None:
    assert read_wishes(headers) == wishes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Tessera-Grid", "no"),
        ("X-Tessera-Grid", ""),
        ("X-Tessera-Max-Wait-Ms", "soon"),
        ("X-Tessera-Max-Wait-Ms", "-1"),
        ("X-Tessera-Max-Wait-Ms", "inf"),
        ("X-Tessera-Max-Wait-Ms", ""),
        ("X-Tessera-Max-Map-Drop", "nan"),
        ("X-Tessera-Max-Map-Drop", "3%"),
        ("X-Tessera-Max-Map-Drop", "1.01"),
    ],
)
def test_a_wish_that_is_not_understood_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Problem) as caught:
        read_wishes({name.lower(): value})
    assert caught.value.kind is Kind.INVALID_PARAMETER
    assert name in caught.value.detail


def test_without_outcomes_only_the_id_is_known() -> None:
    assert answer_headers((), "r") == {"X-Request-Id": "r"}


def test_an_answer_tells_layout_share_and_times() -> None:
    bill = Bill(Layout(2, 1), 0.5, waited_s=0.0417, compose_s=0.012, provider_s=0.3)
    assert answer_headers([Outcome("a", Answer(()), bill)], "r") == {
        "X-Request-Id": "r",
        "X-Tessera-Grid": "2x1",
        "X-Tessera-Inferences": "0.5",
        "X-Tessera-Wait-Ms": "41.7",
        "Server-Timing": "wait;dur=41.7, compose;dur=12, upstream;dur=300",
    }


def test_shares_add_up_times_do_not() -> None:
    """Several inquiries of one request run at the same time; a failure's bill counts like any other."""
    outcomes = [
        Outcome("a", Answer(()), Bill(Layout(3, 3), 1 / 9, waited_s=0.1, compose_s=0.02, provider_s=0.1)),
        Outcome("b", Failure(Kind.THROTTLED, "slow down"), Bill(Layout(2, 2), 2.25, waited_s=0.05, provider_s=0.9)),
    ]
    headers = answer_headers(outcomes, "r")
    assert headers["X-Tessera-Grid"] == "3x3"
    assert headers["X-Tessera-Inferences"] == "2.3611"
    assert headers["Server-Timing"] == "wait;dur=100, compose;dur=20, upstream;dur=900"


@pytest.mark.parametrize("given", ["a", "6f1c2b7e-9d3a-4f0b", "Root=1-67891233-abcdef012345678912345678", "x" * 128])
def test_a_plain_request_id_is_kept(given: str) -> None:
    assert clean_request_id(given, lambda: "new") == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a\r\nSet-Cookie: x", "\u00e9", "-a", '"'])
def test_any_other_is_replaced(given: str | None) -> None:
    assert clean_request_id(given, lambda: "new") == "new"


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({}, ""),
        ({"x-request-id": "of the client's own"}, ""),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=2; max=3"}, "a"),
        ({"x-ms-client-request-id": "b"}, "b"),
        ({"x-ms-client-request-id": "c" * 1000}, "c" * 128),
    ],
)
def test_what_names_a_call_is_the_same_on_all_of_its_tries(headers: dict[str, str], named: str) -> None:
    assert retry_id(headers) == named
