"""Carts on real hosts: what was kept is given back when its time is over, and becomes an order's once,
through every takeover."""

from __future__ import annotations

import asyncio

import msgspec

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.location_commands import OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import Line, ShipTo
from actors.domain.order_views import OrderView, ViewOrder
from actors.domain.reservation_commands import MakeReservation
from actors.domain.reservation_state import ReservationView, ViewReservation
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.host import Host
from actors.runtime.wire import Envelope
from tests.unit.runtime.rig import Cell, LaterClock, ask, at_rest, envelope, until

SEATTLE = "us-wh-seattle"
CART = ids.reservation_id("us", 1_767_225_600_000, "cart")
ORDER_ID = ids.new_order_id("us", 1_767_225_600_000, "order")
SEEN = [Place(SEATTLE, {"A": 10})]
HOUR_MS = 3_600_000


async def filled(host: Host, ttl_ms: int) -> None:
    """A place with 10 units, of which a cart wants 4."""
    steps = [
        envelope(SEATTLE, OpenLocation("warehouse", "Seattle", "", "US", 0.0, 0.0), "c1", kind="location"),
        envelope(SEATTLE, ReceiveStock([ReceiptLine("A", 10)]), "c2", kind="location"),
        envelope(CART, MakeReservation([("A", 4)], SEEN, "online", ttl_ms), "c3", kind="reservation", creates=True),
    ]
    assert [reply.status for reply in await ask(host, *steps)] == [wire.OK] * 3


async def seen(host: Host, kind: str, entity_id: str, query: msgspec.Struct, view: type):
    (reply,) = await ask(host, Envelope(0, kind, entity_id, "", 0, to_msgpack(query), mode=wire.VIEW))
    return msgspec.json.decode(reply.body, type=view)


async def cart_becomes(host: Host, wanted: str) -> ReservationView:
    async with asyncio.timeout(30):
        while (found := await seen(host, "reservation", CART, ViewReservation(CART), ReservationView)).status != wanted:
            pass
    return found


async def settled(cell: Cell, host: Host) -> list[tuple[str, int, int]]:
    """(reason, allocated, reserved) after each change of the books."""
    await at_rest(host)
    rows = sorted(cell.store.disk.rows["ledger"].values(), key=lambda row: (row.version, row.line))
    return [(row.reason, row.allocated, row.aside_balance) for row in rows if row.reason != "receipt"]


async def test_a_cart_keeps_its_units_for_ever(cell):
    cell.clock = clock = LaterClock()
    host = await cell.host()
    await filled(host, HOUR_MS)
    await cart_becomes(host, "held")
    clock.later_ms += HOUR_MS
    await cart_becomes(host, "expired")
    assert await settled(cell, host) == [("reserve", 0, 4), ("unreserve", 0, 0)]


async def test_a_cart_that_was_written_behind_does_not_expire_on_another_host(cell):
    cell.clock = clock = LaterClock()
    host = await cell.host("h0")
    await filled(host, HOUR_MS)
    await cart_becomes(host, "held")
    await until(lambda: not host.drain.waiting())
    other = await cell.host("h1")
    (row,) = cell.store.disk.rows["reservations"].values()
    assert (row.status, row.due_at) == ("held", row.expires_at)
    clock.later_ms += HOUR_MS
    # It is loaded by its timer: nobody asks for it until then.
    await until(lambda: any(r.status == "expired" for r in cell.store.disk.rows["reservations"].values()))
    assert await settled(cell, other) == [("reserve", 0, 4), ("unreserve", 0, 0)]
    (row,) = cell.store.disk.rows["reservations"].values()
    assert row.due_at is None


async def test_a_cart_becomes_an_order_twice_or_never_when_its_host_is_replaced(cell):
    host = await cell.host("h0")
    await filled(host, HOUR_MS)
    await cart_becomes(host, "held")
    placed = PlaceOrder(
        "", "online", "", "US", ShipTo("US"), "USD", [Line("A", 3, 100)], SEEN, reservation_id=CART
    )  # fmt: skip
    (given,) = await ask(host, envelope(ORDER_ID, placed, "o1", kind="order", creates=True))
    assert given.status == wire.OK
    for name in ("h1", "h2"):
        # Wherever the claim, its answer and what follows are at this moment.
        host = await cell.host(name)
    async with asyncio.timeout(30):
        while (await seen(host, "order", ORDER_ID, ViewOrder(ORDER_ID), OrderView)).status != "allocated":
            pass
    assert (await cart_becomes(host, "converted")).order_id == ORDER_ID
    books = await settled(cell, host)
    assert sorted(reason for reason, _, _ in books) == ["convert", "convert", "reserve", "unreserve"]
    (row,) = cell.store.disk.rows["stock"].values()
    assert (row.on_hand, row.allocated, row.reserved) == (10, 3, 0)
