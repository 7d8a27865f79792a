"""What lists promise, of the store on PostgreSQL and of the fake one."""

from __future__ import annotations

import msgspec

from actors.domain.breach import BREACH
from actors.domain.device import DEVICE
from actors.domain.order_state import Fulfilment, Line, Order, ShipTo
from actors.domain.order_state import order_row as written
from actors.domain.reservation import RESERVATION
from actors.domain.rows_of_orders import HeldOrderRow
from actors.domain.rows_of_reservation import ReservationRow
from actors.runtime.ports import Store
from actors.runtime.read_model import BreachSummary, DeviceSummary, ReadModel
from tests.integration.storage.samples import (
    NOW_MS,
    approval_row,
    batch,
    breach_row,
    device_row,
    drained,
    due_of,
    ledger_row,
    order_change,
    order_row,
    turn,
)


async def test_orders_are_listed_newest_first_by_customer_and_status(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1], 1)
    rows = [
        order_row(
            f"us-{n:03d}", customer_ref=f"cust-{n % 3}" if n % 5 else "", status="shipped" if n % 2 else "picking"
        )
        for n in range(30)
    ]
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"orders": rows}))

    async def listed(**asked):
        asked = {"customer_ref": None, "status": None, "before": None, "limit": 1_000} | asked
        return [summary.order_id for summary in await read_model.orders(**asked)]

    ids = [row.order_id for row in reversed(rows)]
    assert await listed() == ids
    assert await listed(limit=4, before=ids[3]) == ids[4:8]
    # How one is found by its id (`Persons.order`).
    assert await listed(limit=1, before=f"{ids[3]}~") == [ids[3]]
    for status in ("shipped", "picking", "nonsense"):
        assert await listed(status=status) == [row.order_id for row in reversed(rows) if row.status == status]
    mine = [row for row in reversed(rows) if row.customer_ref == "cust-1"]
    assert await listed(customer_ref="cust-1") == [row.order_id for row in mine]
    assert await listed(customer_ref="cust-1", status="picking", before=mine[1].order_id) == [
        row.order_id for row in mine[2:] if row.status == "picking"
    ]
    assert await listed(customer_ref="") == []
    summary = (await read_model.orders(customer_ref=None, status=None, before=None, limit=1))[0]
    assert (summary.placed_at, summary.updated_at, summary.total_minor) == (NOW_MS, NOW_MS + 1, 1_999)


async def test_orders_that_are_held_are_listed_among_others_or_after_their_release(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1], 1)
    rows = [order_row(f"us-{n}") for n in range(4)]
    held = [HeldOrderRow("us-1", ",address,fraud,", NOW_MS, False), HeldOrderRow("us-3", ",payment,", NOW_MS, True)]
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"orders": rows, "held_orders": held}))

    async def listed(**asked):
        found = await read_model.orders(customer_ref=None, status=None, before=None, limit=10, **asked)
        return [summary.order_id for summary in found]

    assert await listed(held="any") == ["us-3", "us-1"]
    assert (await listed(held="fraud"), await listed(held="customer")) == (["us-1"], [])
    assert (await listed(placed_before_ms=NOW_MS), len(await listed(placed_before_ms=NOW_MS + 1))) == ([], 4)
    gone = [HeldOrderRow("us-1", gone=True)]
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), {"held_orders": gone}))
    assert await listed(held="any") == ["us-3"]


async def test_an_order_is_listed_with_other_places_than_its_state_has_or_opened_unasked(
    store: Store, read_model: ReadModel
):
    await store.lease("host-0", [1], 1)
    fulfilments = [Fulfilment(1, "us-wh-b", "cancelled", []), Fulfilment(2, "us-wh-a", "shipped", [("A", 2)])]
    order = Order("", "online", "", "US", ShipTo("US"), "USD", [Line("A", 2, 1)], fulfilments, NOW_MS, NOW_MS)
    before, after = written("us-1", order, 1), order_change("us-1", state=written("us-1", order, 2).state)
    before.state = written("us-1", msgspec.structs.replace(order, fulfilments=[]), 1).state
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"orders": [before]}))
    asked = {"customer_ref": None, "status": None, "before": None, "limit": 9}
    assert [one.places for one in await read_model.orders(**asked, with_places=True)] == [[]]
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), changes={"orders": [after]}))
    [told] = await read_model.orders(**asked, with_places=True)
    assert (told.order_id, told.version, told.owner, told.places) == ("us-1", 2, "", ["us-wh-a", "us-wh-b"])
    assert [one.places for one in await read_model.orders(**asked)] == [()]


async def test_the_ledger_is_listed_newest_first_by_sku(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1], 1)
    rows = [
        ledger_row(v, line, sku="AB"[(v + line) % 2], value_minor=5, currency="USD")
        for v in range(5)
        for line in (0, 1, 2)
    ]
    other = ledger_row(9, location_id="us-other")
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"ledger": [*rows, other]}))
    newest = rows[::-1]
    assert await read_model.ledger("us-wh", sku=None, before=None, limit=100) == newest
    assert (
        await read_model.ledger("us-wh", sku=None, before=(newest[3].version, newest[3].line), limit=4) == newest[4:8]
    )
    only_a = [row for row in newest if row.sku == "A"]
    assert await read_model.ledger("us-wh", sku="A", before=(only_a[1].version, only_a[1].line), limit=2) == only_a[2:4]


async def test_devices_of_a_location_are_listed_newest_first_and_come_back_as_they_were(
    store: Store, read_model: ReadModel
):
    await store.lease("host-0", [1], 1)
    rows = [
        device_row(f"us-device-{n:03d}", location_id=f"us-wh-{n % 2}", seen_at=NOW_MS if n % 3 else None) for n in range(12)
    ]  # fmt: skip
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"devices": rows}))
    there = [row for row in reversed(rows) if row.location_id == "us-wh-1"]
    names = DeviceSummary.__struct_fields__
    whole = [DeviceSummary(*(getattr(row, name) for name in names)) for row in there]
    assert await read_model.devices("us-wh-1", before=None, limit=100) == whole
    assert await read_model.devices("us-wh-1", before=there[1].device_id, limit=2) == whole[2:4]
    assert await read_model.devices("us-wh-9", before=None, limit=100) == []
    assert await read_model.devices("us\x00wh", before=None, limit=100) == []
    loaded = await store.load(DEVICE, [there[0].device_id, "us-device-none"])
    assert {device_id: snapshot.rows for device_id, snapshot in loaded.items()} == {
        there[0].device_id: {"devices": [there[0]]}
    }


async def test_approvals_are_listed_newest_first_by_status_and_place(store: Store, read_model: ReadModel):
    await store.lease("host-0", [1], 1)
    rows = [
        approval_row(
            f"us-approval-{n:03d}", location_id=f"us-wh-{n % 3}", status="done" if n % 2 else "pending",
            due_at=None if n % 2 else NOW_MS + n,
        )
        for n in range(30)
    ]  # fmt: skip
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"approvals": rows}))
    newest = rows[::-1]

    async def listed(**asked):
        asked = {"status": None, "locations": None, "before": None, "limit": 1_000} | asked
        return [summary.approval_id for summary in await read_model.approvals(**asked)]

    ids = [row.approval_id for row in newest]
    assert await listed() == ids
    assert await listed(limit=4, before=ids[3]) == ids[4:8]
    # How one is found by its id (`Persons.order`).
    assert await listed(limit=1, before=f"{ids[3]}~") == [ids[3]]
    for status in ("pending", "done", "non\x00sense"):
        assert await listed(status=status) == [row.approval_id for row in newest if row.status == status]
    there = [row.approval_id for row in newest if row.location_id in ("us-wh-0", "us-wh-2")]
    assert await listed(locations=["us-wh-0", "us-wh-2"]) == there
    assert await listed(locations=["us-wh-0", "us-wh-2"], before=there[1], limit=3) == there[2:5]
    assert await listed(locations=["us-\x00"]) == await listed(locations=[]) == []
    summary = (await read_model.approvals(status=None, locations=None, before=None, limit=1))[0]
    assert (summary.size, summary.reasons, summary.asked_at, summary.expires_at) == (
        600,
        "loss,found",
        NOW_MS,
        NOW_MS + 5,
    )
    waiting = await due_of(store, range(64))
    assert waiting == [(row.due_at, "approval", row.approval_id) for row in rows if row.due_at is not None]


async def test_reservations_come_back_and_those_that_are_live_wake_up(store: Store):
    await store.lease("host-0", [1], 1)
    live, over = (
        ReservationRow(f"us-resv-{n:026d}", 2, "held", "us-cust-m", NOW_MS + n, NOW_MS + n, b"\x00\xff state") for n in (1, 2)
    )  # fmt: skip
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"reservations": [live, over]}))
    ended = msgspec.structs.replace(over, version=3, status="expired", due_at=None)
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), {"reservations": [ended]}))
    assert await due_of(store, range(64)) == [(live.due_at, "reservation", live.reservation_id)]
    loaded = await store.load(RESERVATION, [live.reservation_id, over.reservation_id])
    assert [one.rows["reservations"] for one in loaded.values()] == [[live], [ended]]


async def test_breaches_are_listed_newest_first_by_status_and_wake_up(store: Store, read_model: ReadModel):
    await store.lease("host-0", [*range(64)], 1)
    rows = [
        breach_row(f"us-breach-{n:026d}", status="closed" if n % 2 else "open", due_at=None if n % 2 else NOW_MS + n)
        for n in range(10)
    ]
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"breaches": rows}))
    newest = rows[::-1]
    names = BreachSummary.__struct_fields__
    whole = [BreachSummary(*(getattr(row, name) for name in names)) for row in newest]
    assert await read_model.breaches(status=None, before=None, limit=100) == whole
    assert await read_model.breaches(status=None, before=newest[2].breach_id, limit=3) == whole[3:6]
    assert await read_model.breaches(status="closed", before=None, limit=100) == [
        one for one in whole if one.status == "closed"
    ]
    assert await read_model.breaches(status="o\x00pen", before=None, limit=100) == []
    waiting = await due_of(store, [*range(64)])
    assert waiting == [(row.due_at, "breach", row.breach_id) for row in rows if row.due_at is not None]
    loaded = await store.load(BREACH, [rows[0].breach_id])
    assert loaded[rows[0].breach_id].rows == {"breaches": [rows[0]]}
