"""A shard that is computed differently tomorrow is lost: its entities are in journals and
tables under the old number."""

import subprocess
import sys
from collections import Counter

import pytest

from actors.domain.ids import claim_id, new_order_id
from actors.runtime.sharding import digest_of, fingerprint, shard_of

FOR_EVER = [
    ("order", "us-01jd3k8v9r7h3k2m9qk4t1x0ab", 64, 9),
    ("order", "eu-01jd3k8v9r7h3k2m9qk4t1x0ab", 64, 9),
    ("order", "latam-01jd3k8v9r0000000000000000", 64, 36),
    ("location", "us-wh-seattle", 64, 2),
    ("location", "eu-st-berlin-mitte", 64, 5),
    ("catalogue", "us-catalogue", 64, 2),
    ("catalogue", "eu-catalogue", 64, 61),
    ("claim", "us-req-7h3k2m9qk4t1x0ab", 64, 6),
    ("order", "us-01jd3k8v9r7h3k2m9qk4t1x0ab", 16, 9),
    ("location", "us-wh-seattle", 256, 130),
]


@pytest.mark.parametrize(("kind", "entity_id", "shards", "expected"), FOR_EVER)
def test_an_entity_never_changes_its_shard_between_versions(kind, entity_id, shards, expected):
    assert shard_of(kind, entity_id, shards) == expected


def test_a_fingerprint_never_changes_between_versions():
    assert fingerprint("us-wh-seattle", "key-1") == 9023356538183146025
    assert fingerprint("order", "key-1") == 4761115853000879136
    assert digest_of(b'{"update":"pack"}') == 3030559266226487122


def test_python_s_own_hash_has_no_part_in_it():
    program = (
        "from actors.runtime.sharding import *; print(shard_of('location', 'us-wh-seattle', 64), fingerprint('a', 'b'))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_a_placement_repeated_at_another_time_does_not_go_to_another_shard():
    shards = {shard_of("order", new_order_id("us", at_ms, "key-1"), 64) for at_ms in (1, 10**12, 2 * 10**12)}
    assert len(shards) == 1


@pytest.mark.parametrize("shards", [16, 64, 256])
def test_no_shard_gets_much_more_than_its_part(shards):
    count = shards * 500
    held = Counter(shard_of("order", new_order_id("us", 10**12, f"key-{n}"), shards) for n in range(count))
    assert set(held) == set(range(shards))
    assert max(held.values()) < 1.35 * 500
    assert min(held.values()) > 0.65 * 500
    held = Counter(shard_of("claim", claim_id("us", f"key-{n}"), shards) for n in range(count))
    assert max(held.values()) < 1.35 * 500


def test_fingerprints_fit_a_signed_bigint_and_tell_scope_and_id_apart():
    assert all(0 <= fingerprint("us-1", str(n)) < 2**63 for n in range(1000))
    assert len({fingerprint(scope, command) for scope in ("us-1", "us-11", "us-") for command in ("1", "11", "")}) == 9
