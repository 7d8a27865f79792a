"""A plan must lose no shard, leave none twice, spread evenly and move no more than needed."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.placement import balanced, moves

HOSTS = ["h0", "h1", "h2", "h3", "h4"]
owners_of = st.lists(st.sampled_from(["", *HOSTS]), max_size=64)
some_hosts = st.lists(st.sampled_from(HOSTS), min_size=1, unique=True)


@given(owners_of, some_hosts)
def test_an_unowned_shard_is_never_left_out_nor_an_owned_one_given_away(owners, hosts):
    plan = balanced(owners, hosts)
    given_out = sorted(shard for shards in plan.values() for shard in shards)
    assert given_out == [shard for shard, owner in enumerate(owners) if not owner]
    assert set(plan) <= set(hosts)
    assert all(plan.values())


@given(st.integers(0, 64), some_hosts)
def test_no_host_starts_with_two_shards_more_than_another(count, hosts):
    plan = balanced([""] * count, hosts)
    sizes = [len(plan.get(host, [])) for host in hosts]
    assert max(sizes) - min(sizes) <= 1


@given(owners_of, some_hosts)
def test_unowned_shards_never_go_to_a_host_that_has_more_than_another(owners, hosts):
    plan = balanced(owners, hosts)
    held = Counter(owner for owner in owners if owner in hosts)
    after = {host: held[host] + len(plan.get(host, [])) for host in hosts}
    for host in plan:
        assert after[host] - 1 <= min(after.values())


def _moved(owners, plan):
    after = list(owners)
    for (source, target), shards in plan.items():
        for shard in shards:
            assert after[shard] == source
            assert source != target
            after[shard] = target
    return after


@given(owners_of, some_hosts)
def test_scaling_never_loses_a_shard_nor_leaves_one_with_a_host_that_goes(owners, staying):
    after = _moved(owners, moves(owners, staying))
    for before, now in zip(owners, after, strict=True):
        assert now in staying if before else now == ""


@given(owners_of, some_hosts)
def test_scaling_never_ends_uneven(owners, staying):
    held = Counter(owner for owner in _moved(owners, moves(owners, staying)) if owner)
    sizes = [held[host] for host in staying]
    assert max(sizes) - min(sizes) <= 1


@given(owners_of, some_hosts)
def test_scaling_never_moves_a_shard_needlessly(owners, staying):
    plan = moves(owners, staying)
    total = sum(bool(owner) for owner in owners)
    base, extra = divmod(total, len(staying))
    held = sorted((owners.count(host) for host in staying), reverse=True)
    stays = sum(min(has, base + (rank < extra)) for rank, has in enumerate(held))
    assert sum(len(shards) for shards in plan.values()) == total - stays


@given(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=64), some_hosts)
def test_a_cell_that_is_even_is_left_alone(owners, staying):
    after = _moved(owners, moves(owners, staying))
    assert moves(after, staying) == {}


def test_nobody_left_to_take_the_shards_is_no_reason_to_move_any():
    assert moves(["h0", "h1"], []) == {}


@pytest.mark.parametrize(("hosts", "moved"), [(4, 32), (3, 21)])
def test_going_from_two_hosts_to_more_moves_only_their_part(hosts, moved):
    owners = ["h0", "h1"] * 32
    plan = moves(owners, HOSTS[:hosts])
    assert sum(len(shards) for shards in plan.values()) == moved
