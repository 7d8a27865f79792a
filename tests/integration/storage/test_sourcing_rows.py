"""What the store keeps of what sourcing goes by: of the fake and of PostgreSQL, which must tell the same."""

from __future__ import annotations

from actors.domain import sourcing_policies
from actors.domain.kind import Context
from actors.domain.location import LOCATION
from actors.domain.location_profile import DayCount, Profile
from actors.domain.rows import LocationRow
from actors.domain.rows_of_sourcing import profile_of, profile_row
from actors.domain.sourcing_calendar import WorkDay
from actors.domain.sourcing_policies import SOURCING_POLICIES, PolicySet
from actors.domain.sourcing_policy import Limits, Policy
from actors.runtime.ports import Store
from tests.integration.storage.samples import NOW_MS, batch, drained, turn

PLACE = LocationRow("us-wh", 1, "warehouse", "Seattle", "Seattle", "US", 47.6, -122.3, "America/Los_Angeles")
PROFILE = Profile(
    week=(WorkDay(960, 1110), None, None, None, None, None, None), holidays=("2026-12-25",), orders_a_day=9
)


async def keep(store: Store, position: int = 1, **rows: list) -> None:
    if position == 1:
        await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, position)}, drained(1, position, turn(position)), rows))


async def test_what_was_counted_of_a_day_is_lost(store: Store):
    await keep(store, locations=[PLACE], location_profiles=[profile_row("us-wh", 1, PROFILE, None)])
    counted = DayCount(20_000, 7, 2**33)
    await keep(store, 2, location_profiles=[profile_row("us-wh", 2, PROFILE, counted)])
    (row,) = (await store.load(LOCATION, ["us-wh"]))["us-wh"].rows["location_profiles"]
    assert profile_of(row) == (PROFILE, counted)


async def test_a_policy_takes_the_place_of_the_one_before(store: Store):
    rows = []
    for number in (2, 3):
        event = PolicySet("online", Policy(version=number, limits=Limits(places=number)), f"why {number}", "us-acct-m")
        rows += sourcing_policies.rows(
            sourcing_policies.SourcingPolicies(), 1, [event], Context("us-sourcing", "k", NOW_MS)
        )
    await keep(store, sourcing_policies=rows[:1])
    await keep(store, 2, sourcing_policies=rows[1:])
    assert await store.resident(SOURCING_POLICIES) == ["us-sourcing"]
    stored = (await store.load(SOURCING_POLICIES, ["us-sourcing"]))["us-sourcing"].rows
    state, version = sourcing_policies.restore("us-sourcing", stored)
    assert version == 2
    assert [(one.policy.version, one.reason, one.set_at_ms) for one in state.versions["online"]] == [
        (2, "why 2", NOW_MS), (3, "why 3", NOW_MS),
    ]  # fmt: skip
