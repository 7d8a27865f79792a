"""Transfers on real hosts: no unit is made or lost when a host is replaced between any two steps, and one that is
late says so by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from actors.clock import SystemClock
from actors.domain import ids
from actors.domain.approval import AskApproval, DecideApproval
from actors.domain.location_commands import OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.transfer_commands import (
    CloseTransfer,
    DispatchPackages,
    NewPackage,
    ReceivedLine,
    ReceiveUnits,
    RequestTransfer,
    StartPicking,
    TellMissing,
    WantStep,
)
from actors.domain.transfer_state import TransferView, ViewTransfer
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.host import Host
from actors.runtime.wire import Envelope
from tests.unit.runtime.rig import LaterClock, ask, at_rest, envelope, until

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
ID = ids.transfer_id("us", 1_767_225_600_000, "k")
MIA, TOM = ids.account_id("us", b"m" * 16), ids.account_id("us", b"t" * 16)
HOUR_MS = 3_600_000
LOT = ReceiptLine("m", 20, None, "L1", 30_000)


async def furnish(host: Host) -> None:
    steps = [
        envelope(place, OpenLocation("warehouse", place, "", "US", 0.0, 0.0), f"open-{place}", kind="location")
        for place in (SEATTLE, PORTLAND)
    ]
    goods = ReceiveStock([ReceiptLine("a", 100), LOT])
    steps.append(envelope(SEATTLE, goods, "goods", kind="location"))
    assert [reply.status for reply in await ask(host, *steps)] == [wire.OK] * 3


async def view(host: Host) -> TransferView:
    query = Envelope(0, "transfer", ID, "", 0, to_msgpack(ViewTransfer(ID)), mode=wire.VIEW)
    (reply,) = await ask(host, query)
    return msgspec.json.decode(reply.body, type=TransferView)


async def becomes(host: Host, wanted: str) -> TransferView:
    async with asyncio.timeout(30):
        while (found := await view(host)).status != wanted:
            pass
    return found


async def step(host: Host, command: Any, name: str) -> None:
    (reply,) = await ask(host, envelope(ID, command, name, kind="transfer", creates=name == "request"))
    assert reply.status == wire.OK, reply.body


async def test_units_are_made_or_lost_when_hosts_are_replaced_on_their_way(cell):
    host = await cell.host("h0")
    await furnish(host)
    lines, now_ms = [("a", 60), ("m", 8)], SystemClock().now_ms()
    await step(host, RequestTransfer(SEATTLE, PORTLAND, lines, "", now_ms + HOUR_MS, HOUR_MS, MIA), "request")
    # Wherever messages and answers are at these moments.
    host = await cell.host("h1")
    approve = envelope(ids.approval_of(ID), DecideApproval("approve", TOM), "d1", kind="approval")
    async with asyncio.timeout(30):
        while (await ask(host, approve))[0].status != wire.OK:
            pass
    host = await cell.host("h2")
    await becomes(host, "allocated")
    await step(host, StartPicking(), "pick")
    await step(host, DispatchPackages([NewPackage("", [("a", 60)]), NewPackage("", [("m", 8)])]), "send")
    host = await cell.host("h3")
    sent = await becomes(host, "dispatched")
    async with asyncio.timeout(30):
        while [one.lot for package in sent.packages for one in package.lines] != ["", "L1"]:
            sent = await view(host)
    await step(host, ReceiveUnits(["2"], [ReceivedLine("a", 50)]), "take")
    host = await cell.host("h4")
    await becomes(host, "receiving")
    await step(host, CloseTransfer([("a", 10)]), "close")
    host = await cell.host("h5")
    assert (await becomes(host, "closed")).outcome == "with_loss"
    rows = cell.store.disk.rows
    await at_rest(host)
    await until(lambda: [row.units for row in rows["incoming"].values()] == [0])
    stock = {(row.location_id, row.sku): (row.on_hand, row.allocated) for row in rows["stock"].values()}
    assert stock == {
        (SEATTLE, "a"): (40, 0), (SEATTLE, "m"): (12, 0), (PORTLAND, "a"): (50, 0), (PORTLAND, "m"): (8, 0),
    }  # fmt: skip
    assert {row.expires_on for row in rows["lots"].values() if row.location_id == PORTLAND} == {30_000}


async def test_what_two_people_give_up_is_lost_or_done_twice_when_hosts_are_replaced_on_its_way(cell):
    host = await cell.host("h0")
    await furnish(host)
    await step(host, RequestTransfer(SEATTLE, PORTLAND, [("a", 60)]), "request")
    await becomes(host, "allocated")
    await step(host, StartPicking(), "pick")
    missing = TellMissing([("a", 60)])
    want = envelope(ID, WantStep(missing), "want", kind="transfer")
    (first,) = await ask(host, want)
    approval_id = ids.approval_id("us", 1_767_225_600_000, "k2")
    asked = AskApproval(SEATTLE, ID, missing, MIA, HOUR_MS)
    host = await cell.host("h1")
    (waits,) = await ask(host, envelope(approval_id, asked, "ask", kind="approval", creates=True))
    (given,) = await ask(host, envelope(approval_id, DecideApproval("approve", TOM), "d1", kind="approval"))
    assert [first.status, waits.status, given.status] == [wire.OK] * 3
    host = await cell.host("h2")
    assert (await becomes(host, "closed")).outcome == "nothing_available"
    rows = cell.store.disk.rows
    await at_rest(host)
    await until(lambda: [row.status for row in rows["approvals"].values()] == ["done"])
    gone = [row for row in rows["ledger"].values() if row.reason == "short_pick"]
    assert [(row.on_hand, row.cause, row.reference) for row in gone] == [(40, f"{ID}.1", approval_id)]
    # Whoever lost the answer is told what he was told, though it could not be done any more.
    (again,) = await ask(host, want)
    assert (again.status, again.body) == (wire.OK, first.body)


async def test_a_transfer_that_was_written_behind_is_never_called_late_on_another_host(cell):
    cell.clock = clock = LaterClock()
    host = await cell.host("h0")
    await furnish(host)
    await step(host, RequestTransfer(SEATTLE, PORTLAND, [("a", 5)], "", clock.now_ms() + HOUR_MS), "request")
    await until(lambda: not host.drain.waiting())
    other = await cell.host("h1")
    clock.later_ms += HOUR_MS
    # It is loaded by its timer: nobody asks for it until then.
    await until(lambda: any(row.late for row in cell.store.disk.rows["transfers"].values()))
    assert (await view(other)).late
