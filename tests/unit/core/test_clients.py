"""Who is let in: the clients that the operator named, by any of their keys; or everybody, told apart by what he shows."""

from __future__ import annotations

import pytest

from app.core.clients import ANONYMOUS, AccessKey, Clients, ClientsError, Tenant, parse_clients
from app.core.quota import Limits
from app.errors import Kind, Problem

FILE = """
[shop]
keys = ["shop-key-1", "shop-key-2"]
[shop.aws]
AKIDSHOP = "shop-secret"

[archive]
aws = { AKIDARCHIVE = "" }
"""
SHOP = Tenant("shop", is_client=True)


@pytest.mark.parametrize("key", ["shop-key-1", "shop-key-2"])
def test_a_client_is_one_tenant_whichever_key_it_shows(key: str) -> None:
    assert parse_clients(FILE).of_key(key) == SHOP


def test_access_keys_come_with_the_secret_that_signatures_are_checked_with() -> None:
    clients = parse_clients(FILE)
    assert clients.of_access_key("AKIDSHOP") == AccessKey(SHOP, "shop-secret")
    assert clients.of_access_key("AKIDARCHIVE") == AccessKey(Tenant("archive", is_client=True), None)


@pytest.mark.parametrize("shown", ["", "shop-key-3", "shop-key-1 ", "AKIDSHOP"])
def test_whoever_is_not_named_stays_outside(shown: str) -> None:
    with pytest.raises(Problem) as raised:
        parse_clients(FILE).of_key(shown)
    assert raised.value.kind is Kind.UNAUTHENTICATED
    assert shown.strip() == "" or shown not in raised.value.detail


@pytest.mark.parametrize("shown", ["", "AKIDOTHER", "shop-key-1"])
def test_the_same_for_access_keys(shown: str) -> None:
    with pytest.raises(Problem) as raised:
        parse_clients(FILE).of_access_key(shown)
    assert raised.value.kind is Kind.UNAUTHENTICATED


def test_without_a_file_everybody_is_let_in_and_told_apart() -> None:
    clients = Clients()
    assert not clients.are_named
    assert clients.of_key("") == clients.of_access_key("").tenant == Tenant(ANONYMOUS)
    assert clients.of_key("one") != clients.of_key("two") != Tenant(ANONYMOUS)
    assert "one" not in clients.of_key("one").name
    assert clients.of_access_key("AKID") == AccessKey(Tenant("AKID"), None)


def test_nobody_takes_the_name_of_those_who_show_nothing() -> None:
    clients = Clients()
    names = [clients.of_access_key(shown).tenant.name for shown in ("", ANONYMOUS, f"key-{ANONYMOUS}")]
    assert len({*names, clients.of_key(ANONYMOUS).name}) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nobody"),
        ("[shop]", "nobody"),
        ("shop = 1", "'shop'"),
        ('[shop]\nkey = ["k"]', "'shop'"),
        ('[shop]\nkeys = "k"', "'shop'"),
        ('[shop]\nkeys = [""]', "'shop'"),
        ("[shop]\nkeys = [1]", "'shop'"),
        ('[shop]\naws = ["AKID"]', "'shop'"),
        ("[shop]\naws = { AKID = 1 }", "'shop'"),
        ('[shop]\nkeys = ["hush"]\n[other]\nkeys = ["hush"]', "'other'"),
        ('[shop]\naws = { AKID = "hush" }\n[other]\naws = { AKID = "" }', "'other'"),
        ('[shop\nkeys = ["hush"]', "TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_no_key_is_told(text: str, said: str) -> None:
    with pytest.raises(ClientsError, match=said) as raised:
        parse_clients(text)
    assert "hush" not in str(raised.value)


def test_nothing_that_is_printed_holds_a_secret() -> None:
    assert "shop-secret" not in repr(parse_clients(FILE).of_access_key("AKIDSHOP"))


def test_a_client_is_one_tenant_at_every_endpoint_and_a_strangers_key_is_not() -> None:
    client, stranger = Tenant("x", is_client=True), Tenant("x")
    endpoints = ("native", "rekognition", "google", "azure")
    assert len({client.at(endpoint) for endpoint in endpoints}) == 1
    assert len({stranger.at(endpoint) for endpoint in endpoints} | {client.at("native")}) == 1 + len(endpoints)


LIMITED = """
[shop]
keys = ["shop-key"]
images_per_second = 5
dollars_per_month = 12.5

[free]
keys = ["free-key"]
images_per_second = inf

[plain]
keys = ["plain-key"]
"""


def test_limits_stand_beside_the_keys_and_the_default_fills_in() -> None:
    clients = parse_clients(LIMITED, Limits(images_per_s=1, burst=3))
    assert clients.limits_of(Tenant("shop", is_client=True)) == Limits(5, None, 12.5)
    assert clients.limits_of(Tenant("free", is_client=True)).is_none
    assert clients.limits_of(Tenant("plain", is_client=True)) == Limits(1, 3)
    assert Clients(default=Limits(2)).limits_of(Tenant("shop")) == Limits(2)
    assert Clients().limits_of(Tenant("shop")).is_none


@pytest.mark.parametrize(
    "wrong", ["images_per_second = 0", 'burst = "5"', "dollars_per_month = true", "inferences_per_month = nan"]
)
def test_limits_that_make_no_sense_are_the_files_mistake(wrong: str) -> None:
    with pytest.raises(ClientsError, match="'shop'"):
        parse_clients(f'[shop]\nkeys = ["hush"]\n{wrong}')


def test_clients_become_others_for_whoever_holds_them() -> None:
    clients = parse_clients(FILE)
    clients.become(parse_clients('[shop]\nkeys = ["shop-key-3"]\nimages_per_second = 2'))
    assert clients.names == {"shop"}
    assert clients.of_key("shop-key-3") == SHOP
    assert clients.limits_of(SHOP) == Limits(2)
    for gone in ("shop-key-1", "AKIDSHOP"):
        with pytest.raises(Problem):
            clients.of_key(gone)
