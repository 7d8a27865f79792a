from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.domain import ids
from actors.runtime.sharding import digest_of, fingerprint, shard_of

keys = st.text(min_size=1, max_size=255)
times = st.integers(0, 2**48)


@given(times, times, keys)
def test_a_repeated_placement_goes_to_another_shard(first, second, key):
    shards = {shard_of("order", ids.new_order_id("us", at, key), 64) for at in (first, second)}
    assert len(shards) == 1


@given(times, times, keys, keys)
def test_ids_do_not_sort_by_time(first, second, key, other):
    one, two = ids.new_order_id("eu", first, key), ids.new_order_id("eu", second, other)
    assert first >= second or one < two


@given(times, keys)
def test_an_id_of_ours_is_refused_by_our_own_pattern(at, key):
    assert ids.ORDER_PATTERN.match(ids.new_order_id("latam", at, key))
    assert ids.LOCATION_PATTERN.match("us-wh-seattle")
    assert ids.region_of(ids.claim_id("latam", key)) == "latam"


def test_shards_move_when_the_code_changes():
    # Stable for ever: shards are in the keys of the journal and the store.
    assert ids.new_order_id("us", 1_767_225_600_000, "key-1") == "us-01kdvdna00wnhqcthne211hskt"
    assert shard_of("order", "us-01kdvdna00wnhqcthne211hskt", 64) == 60
    assert [shard_of("location", name, 64) for name in ("us-wh-1", "us-wh-2", "eu-st-1")] == [0, 58, 16]


def test_an_id_without_a_region_belongs_to_one():
    assert ids.region_of("nothing") == ""
    assert ids.region_of("") == ""


@given(st.text(), st.text())
def test_a_fingerprint_does_not_fit_a_bigint(scope, command_id):
    assert 0 <= fingerprint(scope, command_id) < 2**63
    assert 0 <= digest_of(command_id.encode("utf-8", "surrogatepass")) < 2**63


def test_the_border_between_scope_and_command_can_be_moved():
    assert fingerprint("order", "a") != fingerprint("orde", "ra")
