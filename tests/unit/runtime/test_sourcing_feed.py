"""Policies and profiles reach every gateway, and stay so after a takeover."""

from __future__ import annotations

import asyncio

import msgspec

from actors.domain.ids import sourcing_policies_id
from actors.domain.location_commands import Allocate, OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.location_profile import DayCount, Profile, SetProfile
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow, profile_of
from actors.domain.sourcing_policies import SetPolicy, policy_of
from actors.domain.sourcing_policy import Limits, Policy
from actors.runtime import wire
from actors.runtime.host import Host
from tests.unit.runtime.rig import StillClock, ask, envelope, listen, until

TYPES = {row.table: row for row in (LocationProfileRow, SourcingPolicyRow)}


async def told(host: Host, cursor: int, table: str) -> list:
    """The next rows of that table."""
    async with asyncio.timeout(30):
        while True:
            link = await listen(host, cursor)
            rows = [msgspec.msgpack.decode(fed.row, type=TYPES[table]) for fed in link.rows if fed.table == table]
            if rows:
                return rows
            cursor = link.cursor


async def test_a_policy_is_known_to_one_gateway_only_or_until_a_takeover(cell):
    host = await cell.host()
    cursor = (await listen(host)).cursor
    command = SetPolicy("store", Policy(limits=Limits(places=2)), "why", "us-acct-m")
    (reply,) = await ask(host, envelope(sourcing_policies_id("us"), command, "c1", kind="sourcing_policies"))
    assert reply.status == wire.OK
    for rows in (
        await told(host, cursor, "sourcing_policies"),
        await told(await _next(cell, host), -1, "sourcing_policies"),
    ):
        assert [(row.channel, policy_of(row).limits.places) for row in rows] == [("store", 2)]


async def test_what_a_place_has_done_today_is_forgotten_at_a_takeover(cell):
    cell.clock = StillClock()  # today does not end meanwhile
    host = await cell.host()
    cursor = (await listen(host)).cursor
    commands = [
        OpenLocation("warehouse", "Seattle", "", "US", 47.6, -122.3), ReceiveStock([ReceiptLine("A", 50)]),
        SetProfile(Profile(orders_a_day=1)), Allocate("us-o1", 1, [("A", 2)]),
    ]  # fmt: skip
    for number, command in enumerate(commands):
        (reply,) = await ask(host, envelope("us-wh", command, f"c{number}", kind="location"))
        assert reply.status == wire.OK
    (row,) = await told(host, cursor, "location_profiles")
    profile, counted = profile_of(row)
    assert (profile, counted.orders, counted.units) == (Profile(orders_a_day=1), 1, 2)
    other = await _next(cell, host)
    (again,) = await told(other, -1, "location_profiles")
    assert profile_of(again) == (profile, DayCount(counted.day, 1, 2))
    (reply,) = await ask(other, envelope("us-wh", Allocate("us-o2", 1, [("A", 2)]), "c9", kind="location"))
    assert msgspec.json.decode(reply.body)["lines"] == []


async def _next(cell, host: Host) -> Host:
    """Another host that takes over when all is drained."""
    await until(lambda: not host.drain.waiting())
    return await cell.host("h1")
