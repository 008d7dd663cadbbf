"""Whose a request is, and what the vendor says to whom it does not know."""

from __future__ import annotations

import json

import pytest

from app.core.clients import Clients, Tenant
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.google import GoogleDialect, GoogleOptions
from app.wire.google.callers import read_tenant

NAMED = Clients({"known": "shop"})


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"x-goog-api-key": "k"}),
        ("key=k", {}),
        ("", {"authorization": "Bearer k"}),
        ("access_token=k", {}),
        ("%24key=k", {}),
    ],
)
def test_whoever_holds_a_key_is_one_tenant_and_the_key_is_not_told(query: str, headers: dict[str, str]) -> None:
    tenant = read_tenant(RawRequest("POST", "/v1/images:annotate", query, headers, b""), Clients())
    assert tenant.name.startswith("key-")
    assert tenant == read_tenant(RawRequest("POST", "/", "", {"x-goog-api-key": "k"}, b""), Clients())
    assert tenant != read_tenant(RawRequest("POST", "/", "", {"x-goog-api-key": "l"}, b""), Clients())


def test_nobody_is_anonymous() -> None:
    assert read_tenant(RawRequest("POST", "/", "", {"authorization": "Basic k"}, b""), Clients()) == Tenant("anonymous")


def test_a_query_of_thousands_is_refused() -> None:
    with pytest.raises(Problem):
        read_tenant(RawRequest("POST", "/", "&".join(["a=b"] * 1000), {}, b""), Clients())


@pytest.mark.parametrize(
    ("query", "headers"),
    [("key=known", {}), ("", {"x-goog-api-key": "known"}), ("", {"authorization": "Bearer known"}), ("access_token=known", {})],
)
def test_a_named_client_is_let_in(query: str, headers: dict[str, str]) -> None:
    assert read_tenant(RawRequest("POST", "/", query, headers, b""), NAMED) == Tenant("shop", is_client=True)


@pytest.mark.parametrize(
    ("headers", "status", "name", "reason"),
    [
        ({}, 403, "PERMISSION_DENIED", None),
        ({"authorization": "Basic known"}, 403, "PERMISSION_DENIED", None),
        ({"x-goog-api-key": "guessed"}, 400, "INVALID_ARGUMENT", "API_KEY_INVALID"),
        ({"x-goog-api-key": "guessed", "authorization": "Bearer known"}, 400, "INVALID_ARGUMENT", "API_KEY_INVALID"),
        ({"authorization": "Bearer guessed"}, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    ],
)
def test_a_stranger_is_told_what_the_vendor_says(headers: dict[str, str], status: int, name: str, reason: str | None) -> None:
    dialect = GoogleDialect(GoogleOptions(clients=NAMED))
    with pytest.raises(Problem) as raised:
        dialect.read(RawRequest("POST", "/v1/images:annotate", "", headers, b"{}"))
    assert raised.value.kind is Kind.UNAUTHENTICATED
    refusal = dialect.refuse(raised.value, "request-1")
    error = json.loads(refusal.body)["error"]
    assert (refusal.status, error["code"], error["status"]) == (status, status, name)
    assert [detail["reason"] for detail in error.get("details", [])] == ([reason] if reason else [])
    assert "guessed" not in refusal.body.decode()
