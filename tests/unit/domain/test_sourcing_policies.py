from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import sourcing_policies
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.sourcing_policies import KEPT_MAX, SetPolicy, ViewPolicies, ViewVersions, policy_of
from actors.domain.sourcing_policy import Limits, Policy, Rules

ID, NOW_MS = "us-sourcing", 1_767_225_600_000


class Desk:
    """The policies with the rows that they wrote."""

    def __init__(self) -> None:
        self.state, self.version, self.rows, self.now_ms = None, 0, {}, NOW_MS

    def set(self, channel: str, places: int, above: int = 1):
        context = Context(ID, "key", self.now_ms)
        command = SetPolicy(channel, Policy(limits=Limits(places=places)), f"{places} places", "us-acct-mia", above)
        decision = sourcing_policies.decide(self.state, command, context)
        for event in decision.events:
            self.state = sourcing_policies.evolve(self.state, event, context)
            self.version += 1
        for row in sourcing_policies.rows(self.state, self.version, decision.events, context):
            self.rows[row.channel, row.version] = row
        return decision.reply(self.state, self.version)

    def holding(self):
        found = sourcing_policies.view(self.state, ViewPolicies(), self.version).versions
        return {one.channel: (one.policy.version, one.policy.limits.places) for one in found}

    def restored(self):
        return sourcing_policies.restore(ID, {"sourcing_policies": list(self.rows.values())})


def test_two_policies_have_the_same_number():
    desk = Desk()
    assert [desk.set("", 2).version, desk.set("online", 3).version, desk.set("", 4).version] == [2, 3, 4]
    assert desk.holding() == {"": (4, 4), "online": (3, 3)}


def test_a_number_is_not_above_that_of_the_region_s_own_policy():
    desk = Desk()
    assert desk.set("", 2, above=40).version == 41
    assert desk.set("", 3, above=1).version == 42


def test_the_same_policy_again_is_a_new_version():
    desk = Desk()
    desk.set("", 2)
    assert (desk.set("", 2).version, desk.version) == (2, 1)
    # Of another channel it is.
    assert desk.set("store", 2).version == 3


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (Policy(rules=Rules(location_types=())), "sourcing.policy_excludes_all"),
        (Policy(rules=Rules(location_types=("store",), ship_from_store=False)), "sourcing.policy_excludes_all"),
        (Policy(carriers=()), "sourcing.policy_excludes_all"),
        (Policy(carriers=Policy().carriers * 2), "sourcing.policy_invalid"),
    ],
)
def test_a_policy_that_can_not_be_holds(policy, code):
    with pytest.raises(Refused) as refused:
        sourcing_policies.decide(None, SetPolicy("", policy, "why", "x"), Context(ID, "key", NOW_MS))
    assert refused.value.body.code == code


def test_earlier_versions_are_lost_or_told_in_another_order():
    desk = Desk()
    for places in (1, 2, 3, 4):
        desk.now_ms += 1
        desk.set("online", places)
    first = sourcing_policies.view(desk.state, ViewVersions("online", 0, 3), 4)
    assert ([one.policy.limits.places for one in first.versions], first.more) == ([4, 3, 2], True)
    rest = sourcing_policies.view(desk.state, ViewVersions("online", first.versions[-1].policy.version, 3), 4)
    assert ([(one.reason, one.set_at_ms) for one in rest.versions], rest.more) == ([("1 places", NOW_MS + 1)], False)
    assert not sourcing_policies.view(desk.state, ViewVersions("store"), 4).versions
    assert not sourcing_policies.view(None, ViewPolicies(), 0).versions


def test_memory_grows_with_every_version():
    desk = Desk()
    for number in range(KEPT_MAX + 5):
        desk.set("", 1 + number % 2)
    assert len(desk.state.versions[""]) == KEPT_MAX
    assert len(desk.rows) == KEPT_MAX + 5
    assert desk.restored() == (desk.state, desk.version)


def test_replicas_are_told_of_policies_that_do_not_hold_any_more():
    desk = Desk()
    desk.set("", 2)
    desk.set("", 3)
    desk.set("store", 1)
    fed = {row.channel: policy_of(row).limits.places for row in sourcing_policies.feed(ID, desk.state, desk.version)}
    assert fed == {"": 3, "store": 1}


@given(st.lists(st.tuples(st.sampled_from(["", "online", "store"]), st.integers(1, 3)), max_size=20))
@settings(max_examples=50, deadline=None)
def test_what_holds_is_not_the_last_that_was_set(steps):
    """Against a plain model: the last policy by channel, and a counter."""
    desk, holds, number = Desk(), {}, 1
    for channel, places in steps:
        if holds.get(channel, (0, 0))[1] != places:
            number += 1
            holds[channel] = (number, places)
        assert desk.set(channel, places).version == holds[channel][0]
    assert desk.holding() == holds
    if steps:
        assert desk.restored() == (desk.state, desk.version)
        fed = sourcing_policies.feed(ID, desk.state, desk.version)
        assert {row.channel: row.version for row in fed} == {channel: one[0] for channel, one in holds.items()}
    numbers = [row.version for row in desk.rows.values()]
    assert len(set(numbers)) == len(numbers)
