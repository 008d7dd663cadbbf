"""The three forms of a Redis address, and what is refused."""

from __future__ import annotations

import pytest

from app.redis_address import Place, Standing, parse


@pytest.mark.parametrize("url", ["redis://redis:6379/0", "rediss://:p@redis", "unix:///run/redis.sock", "redis://a+b:c@redis"])
def test_one_server_is_the_librarys_own_business(url: str) -> None:
    assert parse(url) is None


def test_sentinels_with_everything() -> None:
    url = (
        "rediss+sentinel://me:p%40ss@one:1001,[::1]:1002,three/our-master/4?sentinel_password=s%2Bcret&ssl_ca_certs=/ca.pem&x=1"
    )
    found = parse(url)
    assert found is not None
    assert (found.standing, found.service) == (Standing.SENTINEL, "our-master")
    assert found.places == (Place("one", 1001), Place("::1", 1002), Place("three", 26379))
    assert found.server(Place("10.0.0.1", 7)) == "rediss://me:p%40ss@10.0.0.1:7/4?ssl_ca_certs=%2Fca.pem&x=1"
    assert found.sentinel(found.places[1]) == "rediss://[::1]:1002?password=s%2Bcret&ssl_ca_certs=%2Fca.pem"


def test_sentinels_with_nothing_more_than_they_need() -> None:
    found = parse("redis+sentinel://one/master")
    assert found is not None
    assert found.server(Place("r", 1)) == "redis://r:1/0"
    assert found.sentinel(found.places[0]) == "redis://one:26379"


def test_a_cluster() -> None:
    found = parse("redis+cluster://:p@ss/w:rd@a:7000,b")
    assert found is not None
    assert (found.standing, found.places) == (Standing.CLUSTER, (Place("a", 7000), Place("b", 6379)))
    assert found.server(found.places[0]) == "redis://:p%40ss%2Fw%3Ard@a:7000/0"


def test_secrets_are_not_shown() -> None:
    assert "hunter2" not in repr(parse("redis+sentinel://:hunter2@one/master?sentinel_password=hunter2"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+sentinel://:hunter2@one", "name is missing"),
        ("redis+sentinel://one/", "name is missing"),
        ("redis+sentinel://one/master/x", "number"),
        ("redis+sentinel://one,,two/master", "host"),
        ("redis+sentinel://one:0/master", "host"),
        ("redis+sentinel://one:70000/master", "host"),
        ("redis+cluster://one/3", "no databases"),
        ("redis+cluster://", "docs/redis.md"),
        ("redis+raft://one", "docs/redis.md"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_quoting_it(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        parse(url)
    assert "hunter2" not in str(refusal.value)
