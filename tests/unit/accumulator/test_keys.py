"""Names, hash tags and times to live of the keys in Redis."""

from __future__ import annotations

import re

import pytest

from app.accumulator.keys import FORMAT, OTHER_KEYS, PERMANENT_KEYS, SHARD_KEYS, ShardKeys, shard_of
from tests.support.jobs import lane

KEYS = ShardKeys.of("tessera", 3, 7)


def test_all_keys_of_a_shard_share_its_hash_tag() -> None:
    """Redis Cluster places a key by what stands in its first braces."""
    names = [
        *KEYS.fixed(),
        KEYS.rate("l"),
        KEYS.stay("l"),
        KEYS.image("j"),
        KEYS.outcome("j"),
        KEYS.reply("p"),
        KEYS.prevalence("s"),
        *KEYS.quota("t", "p"),
        KEYS.flight("k"),
        KEYS.wake,
        KEYS.workers,
    ]
    assert {re.findall(r"\{(.*?)\}", name)[0] for name in names} == {"tessera:f7:3"}


def test_every_name_that_is_made_is_in_the_table() -> None:
    made = [KEYS.rate("<lane>"), KEYS.stay("<lane>"), KEYS.image("<job>"), KEYS.outcome("<job>"), KEYS.reply("<process>")]
    made += [*KEYS.quota("<tenant>", "<process>"), KEYS.prevalence("<stream>"), KEYS.flight("<key>")]
    assert made == [f"{KEYS.tag}:{spec.name}" for spec in OTHER_KEYS]
    assert {KEYS.workers, KEYS.wake, KEYS.jobs} <= set(KEYS.fixed())
    assert len(KEYS.fixed()) == len(set(KEYS.fixed())) == len(SHARD_KEYS)


def test_formats_never_meet_and_what_they_share_has_none() -> None:
    assert (
        ShardKeys.of("tessera", 3).tag == ShardKeys.of("tessera", 3, FORMAT).tag != ShardKeys.of("tessera", 3, FORMAT + 1).tag
    )
    assert ShardKeys.shared("tessera", 3).tag == "{tessera:3}"


def test_no_key_is_permanent() -> None:
    assert PERMANENT_KEYS == ()
    assert [spec.name for spec in SHARD_KEYS + OTHER_KEYS if spec.ttl_s is None] == [
        "stay:<lane>",
        "image:<job>",
        "pace:<tenant>",
        "budget:<tenant>",
        "reserved:<tenant>",
        "flight:<key>",
    ]


def test_ids_with_braces_or_colons_stay_in_their_shard() -> None:
    assert KEYS.image("{other:1}:x").startswith("{tessera:f7:3}:")


@pytest.mark.parametrize("shards", [1, 2, 3, 8])
def test_lanes_spread_over_all_shards_and_stay_where_they_are(shards: int) -> None:
    lanes = [lane(f"tenant-{number}").key for number in range(200)]
    places = [shard_of(key, shards) for key in lanes]
    assert set(places) == set(range(shards))
    assert places == [shard_of(key, shards) for key in lanes]
