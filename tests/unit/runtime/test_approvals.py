"""Approvals on real hosts: what two people want is done once through every takeover, and what nobody
decides expires by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from actors.domain import ids
from actors.domain.approval import ApprovalView, AskApproval, DecideApproval, ViewApproval
from actors.domain.location_commands import AdjustmentLine, AdjustStock, OpenLocation, ReceiptLine, ReceiveStock
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.errors import StoreUnavailable
from actors.runtime.host import Host
from actors.runtime.shard import Key
from actors.runtime.waking import Waking
from actors.runtime.wire import Envelope, Reply
from tests.unit.runtime.rig import Cell, LaterClock, ask, at_rest, code_of, envelope, until

SEATTLE = "us-wh-seattle"
ID = ids.approval_id("us", 1_767_225_600_000, "k")
MIA, TOM = ids.account_id("us", b"m" * 16), ids.account_id("us", b"t" * 16)
LOSS = AdjustStock([AdjustmentLine("A", -600, "loss")])
HOUR_MS = 3_600_000


async def asked(host: Host, good_for_ms: int) -> None:
    """A place with 1,000 units of A, of which 600 shall go."""
    steps = [
        envelope(SEATTLE, OpenLocation("warehouse", "Seattle", "", "US", 0.0, 0.0), "c1", kind="location"),
        envelope(SEATTLE, ReceiveStock([ReceiptLine("A", 1000)]), "c2", kind="location"),
        envelope(ID, AskApproval(SEATTLE, SEATTLE, LOSS, MIA, good_for_ms), "c3", kind="approval", creates=True),
    ]
    assert [reply.status for reply in await ask(host, *steps)] == [wire.OK] * 3


async def status(host: Host) -> str:
    query = Envelope(0, "approval", ID, "", 0, to_msgpack(ViewApproval(ID)), mode=wire.VIEW)
    (reply,) = await ask(host, query)
    return msgspec.json.decode(reply.body, type=ApprovalView).status


async def becomes(host: Host, wanted: str) -> None:
    async with asyncio.timeout(30):
        found = await status(host)
        while found != wanted:
            assert found in ("pending", "approved")
            found = await status(host)


def books(cell: Cell) -> list[tuple[int, str]]:
    """(units on hand, cause) after each change, as the store has them."""
    ledger = cell.store.disk.rows.get("ledger", {}).values()
    return [(row.on_hand, row.cause) for row in sorted(ledger, key=lambda row: row.version)]


async def test_what_was_approved_is_done_twice_or_never_when_its_host_is_replaced(cell):
    host = await cell.host("h0")
    await asked(host, HOUR_MS)
    (given,) = await ask(host, envelope(ID, DecideApproval("approve", TOM), "d1", kind="approval"))
    assert given.status == wire.OK
    for name in ("h1", "h2"):
        # Wherever the message and its answer are at this moment.
        host = await cell.host(name)
    await becomes(host, "done")
    await at_rest(host)
    assert books(cell) == [(1000, ""), (400, ID)]


async def test_what_nobody_decides_waits_for_ever(cell):
    host = await cell.host()
    await asked(host, 30)
    await becomes(host, "expired")
    (late,) = await ask(host, envelope(ID, DecideApproval("approve", TOM), "d1", kind="approval"))
    assert (late.status, code_of(late)) == (wire.REFUSED, "approval.expired")
    assert books(cell) in ([], [(1000, "")])


async def test_an_approval_that_was_written_behind_does_not_expire_on_another_host(cell):
    cell.clock = clock = LaterClock()
    host = await cell.host("h0")
    await asked(host, HOUR_MS)
    await until(lambda: not host.drain.waiting())
    other = await cell.host("h1")
    (row,) = cell.store.disk.rows["approvals"].values()
    assert (row.status, row.due_at) == ("pending", row.expires_at)
    clock.later_ms += HOUR_MS
    # It is loaded by its timer: nobody asks for it until then.
    await until(lambda: any(r.status == "expired" for r in cell.store.disk.rows["approvals"].values()))
    assert await status(other) == "expired"


async def test_a_timer_that_goes_off_during_a_hand_over_that_comes_to_nothing_is_lost(cell, monkeypatch):
    cell.clock = clock = LaterClock()
    host = await cell.host()
    # What it took over is settled: from now on nobody looks for timers in the store.
    await until(lambda: not host.activation._unsettled)
    await asked(host, HOUR_MS)
    woken, away = asyncio.Event(), asyncio.Event()

    def answered(reply: Reply, key: Key) -> None:
        Waking._woken(host._waking, reply, key)
        woken.set()

    async def release(*_: Any) -> None:
        await away.wait()
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(host._waking, "_woken", answered)
    monkeypatch.setattr(cell.store, "release", release)
    giving = asyncio.create_task(host.hand_over(range(cell.limits.shards)))
    await until(lambda: all(shard.closing for shard in host.shards.values()))
    clock.later_ms += HOUR_MS
    async with asyncio.timeout(30):
        await woken.wait()
    away.set()
    assert await giving == []
    await becomes(host, "expired")
