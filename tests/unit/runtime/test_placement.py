"""A plan must lose no shard, leave none twice, spread evenly and move no more than needed."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.placement import SHARING_MIN, balanced, moves

HOSTS = ["h0", "h1", "h2", "h3", "h4"]
owners_of = st.lists(st.sampled_from(["", *HOSTS]), max_size=64)
some_hosts = st.lists(st.sampled_from(HOSTS), min_size=1, unique=True)
# Low ones, for most examples have few shards; some are of none.
some_pinned = st.sets(st.integers(0, 7), min_size=1, max_size=4)
enough_hosts = st.lists(st.sampled_from(HOSTS), min_size=SHARING_MIN + 1, unique=True)


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


# --- pinned shards
def in_cell(owners, pinned):
    return {shard for shard in pinned if shard < len(owners)}


def alone(owners, hosts, pinned):
    """Each pinned shard is all that its host has, and the others have the rest evenly."""
    own = [owners[shard] for shard in pinned]
    sizes = [owners.count(host) for host in hosts if host not in own]
    return all(owners.count(host) == 1 for host in own) and max(sizes) - min(sizes) <= 1


@given(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=64), enough_hosts, some_pinned)
def test_a_pinned_shard_shares_its_host_although_there_are_two_more(owners, hosts, pinned):
    pinned = in_cell(owners, pinned)
    after = _moved(owners, moves(owners, hosts, pinned))
    assert set(after) <= set(hosts)
    if len(hosts) >= len(pinned) + SHARING_MIN:
        assert alone(after, hosts, pinned)
    else:
        assert after == _moved(owners, moves(owners, hosts))
    assert moves(after, hosts, pinned) == {}


@given(
    st.lists(st.sampled_from(HOSTS), min_size=1, max_size=64), enough_hosts, some_pinned, st.integers(1, 8), st.data()
)
def test_moves_that_are_done_in_steps_go_on_for_ever(owners, hosts, pinned, step, data):
    pinned = in_cell(owners, pinned)
    rounds = 0
    while plan := moves(owners, hosts, pinned):
        rounds += 1
        assert rounds <= 4 * len(owners)
        # Of a round some may be done and others not: hosts end meanwhile, and what is left is planned anew.
        done = data.draw(st.lists(st.sampled_from(sorted(plan)), min_size=1, unique=True))
        owners = _moved(owners, {pair: plan[pair][:step] for pair in done})
    assert set(owners) <= set(hosts)


@given(owners_of, enough_hosts, some_pinned)
def test_a_pinned_shard_without_an_owner_is_left_out_or_given_to_a_host_of_others(owners, hosts, pinned):
    pinned = in_cell(owners, pinned)
    plan = balanced(owners, hosts, pinned)
    assert sorted(shard for shards in plan.values() for shard in shards) == [
        shard for shard, owner in enumerate(owners) if not owner
    ]
    assert set(plan) <= set(hosts)
    if len(hosts) >= len(pinned) + SHARING_MIN:
        given_out = {shard: host for host, shards in plan.items() for shard in shards}
        own = [given_out[shard] for shard in pinned if shard in given_out]
        assert len(set(own)) == len(own)
        assert not any(host in own for shard, host in given_out.items() if shard not in pinned)


@given(st.integers(1, 64), enough_hosts, some_pinned)
def test_a_new_cell_has_to_move_anything_for_what_is_pinned(count, hosts, pinned):
    pinned = in_cell([""] * count, pinned)
    owners = [""] * count
    for host, shards in balanced(owners, hosts, pinned).items():
        for shard in shards:
            owners[shard] = host
    assert moves(owners, hosts, pinned) == {}


def test_a_hot_shard_gets_a_host_by_moving_half_of_the_cell():
    owners = ["h0", "h1"] * 32
    plan = moves(owners, ["h0", "h1", "h2"], {5})
    assert plan == {("h1", "h2"): [5]}


def test_a_pinned_shard_is_lost_while_its_host_and_another_are_away():
    owners = ["h0", "h1"] * 4 + ["h2"]
    owners[8] = ""  # h2 has ended, and h0 and h1 are left
    assert balanced(owners, ["h0", "h1"], {8}) == {"h0": [8]}
    owners[8] = "h0"
    assert moves(owners, ["h0", "h1", "h2"], {8}) == {("h0", "h2"): [8]}
