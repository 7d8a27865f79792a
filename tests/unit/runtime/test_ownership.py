"""What a supervisor believes must come right whatever it did not hear, and never become older than it was."""

from __future__ import annotations

import random

from actors.runtime.ownership import Ownership


def test_a_take_over_whose_answer_was_lost_is_learnt_from_what_the_host_says():
    known = Ownership(4)
    known.given("h0", [0, 1, 2, 3], 1)
    version = known.version
    assert known.claimed("h1", {2: 5}) == [2]
    assert known.owners == ["h0", "h0", "h1", "h0"]
    assert known.version > version


def test_an_old_owner_that_does_not_know_of_its_successor_is_not_believed():
    known = Ownership(2)
    known.given("h1", [0, 1], 7)
    version = known.version
    assert known.claimed("h0", {0: 3, 1: 7}) == []
    assert (known.owners, known.version) == (["h1", "h1"], version)
    known.given("h0", [0], 3)  # the answer to an old request
    assert known.owners == ["h1", "h1"]


def test_shards_that_a_host_gave_up_stay_free_when_an_older_answer_of_it_arrives():
    known = Ownership(2)
    known.given("h0", [0, 1], 1)
    version = known.version
    known.freed([0])
    assert known.version > version
    assert known.claimed("h0", {0: 1, 1: 1}) == []
    assert known.map().owners == ["", "h0"]


def test_a_host_that_lost_a_shard_is_noticed():
    known = Ownership(3)
    known.given("h0", [0, 1], 1)
    version = known.version
    known.given("h1", [2], 1)
    assert known.version > version, "gateways go on by the older map"
    assert known.missing("h0", {1: 1}) == [0]
    assert known.of("h0") == [0, 1]


def test_in_whatever_order_claims_are_heard_the_newest_owner_is_known_in_the_end():
    for seed in range(50):
        chance = random.Random(seed)
        claims = [(f"h{chance.randrange(3)}", {shard: epoch}) for shard in range(4) for epoch in range(1, 6)]
        newest = {shard: host for host, claim in claims for shard, epoch in claim.items() if epoch == 5}
        chance.shuffle(claims)
        known = Ownership(4)
        for host, claim in claims:
            known.claimed(host, claim)
        assert dict(enumerate(known.owners)) == newest
