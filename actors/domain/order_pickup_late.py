"""What a store did not make ready in time. The rules are in `order_pickup.py`, the store's
clock in `collection_clock.py`.

    a collection gives up ──PickupGivenUp──▶ its units are the store's again, and the order's no more
         the first time         └──▶ other places are asked for transfers, as for a short pick; the store itself when the order's timer goes off
                                └──▶ the customer is told of another time, and the order's view tells it
         the second time        └──▶ nothing is sent there, nor asked there, any more: the store and the log are told, the order's view tells since when (`stopped_at`)
                                └──▶ the customer is told, once, that it is late and that nobody knows for how long

Goods would else be sent for ever to a store that does nothing. From then on people decide: they cancel the order, leave
out of it what nobody has when part of it was handed over (`order_changes.py`), or have it ask once more (`allocate`),
which counts from the start. What is on the road then is still made ready when it comes.

Nobody has said that the units are missing, so the store's books keep them: who works there has been told twice, and a
count finds what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from actors.domain import ids
from actors.domain.kind import Context, Message
from actors.domain.location_commands import Release
from actors.domain.location_events import Units
from actors.domain.notice import WriteNotice
from actors.domain.order_pickup_events import PickupGivenUp
from actors.domain.order_pickup_state import Pickup
from actors.domain.order_state import Order
from actors.domain.times import DAY_MS, HOUR_MS, moment

# Which text the customer gets: of another time, or that nobody knows any.
TEMPLATE = "pickup.new_date"
TEMPLATE_STOPPED = "pickup.delayed"
# So often a store may let an order down.
GIVE_UPS_MAX = 2
# An order that waits in no line asks for ever: after the rounds that any order has (`order_asking.RETRIES_MAX`) so
# often, after so many more once a day.
SELDOM_MS = 6 * HOUR_MS
SELDOM_ROUNDS = 28
_encode = msgspec.json.Encoder().encode


def given_up(order: Order, pickup: Pickup, collection_id: str, back: Mapping[int, list[Units]], retry_at_ms: int, context: Context) -> PickupGivenUp:  # fmt: skip
    """The event. Unless it is the last time it asks again however often it did: the store has been
    told, and a customer waits."""
    at, parts = pickup.at, sorted(back.items())
    # As long as it took when it was placed, and what the store may take besides.
    transit_ms = max(0, at.expected_at_ms - order.placed_at_ms) if at.expected_at_ms is not None else 0
    told = order.sealed if order.email_digest else b""
    ready_by_ms = context.now_ms + transit_ms + at.late_ms
    if pickup.give_ups + 1 < GIVE_UPS_MAX:
        return PickupGivenUp(collection_id, at.location_id, parts, ready_by_ms, retry_at_ms, told)
    # What is on the road then may be given up as well: of that nobody is told again.
    first = pickup.stopped_at_ms is None
    return PickupGivenUp(collection_id, at.location_id, parts, context.now_ms, None, told if first else b"", last=True)


def stopped(order: Order) -> bool:
    """Does it ask nobody by itself any more?"""
    return order.pickup is not None and order.pickup.stopped_at_ms is not None


def seldom_ms(rounds: int) -> int:
    """How long it waits until it asks again. rounds: by its timer, besides those that any order has."""
    return SELDOM_MS if rounds < SELDOM_ROUNDS else DAY_MS


def evolve(order: Order, pickup: Pickup, event: PickupGivenUp) -> None:
    """The units are missing again. A fulfilment of which nothing is left is over."""
    back = dict(event.parts)
    for fulfilment in order.fulfilments:
        gone = dict(back.get(fulfilment.number, ()))
        if gone:
            left = [(sku, units - gone.get(sku, 0)) for sku, units in fulfilment.lines]
            fulfilment.lines = [(sku, units) for sku, units in left if units]
            if not fulfilment.lines:
                fulfilment.status = "cancelled"
    order.short, order.retry_at_ms, order.retries = True, event.retry_at_ms, 0
    pickup.ready_by_ms = None if event.last else event.ready_by_ms
    pickup.give_ups += 1
    if event.last and pickup.stopped_at_ms is None:
        pickup.stopped_at_ms = order.updated_at_ms


def asked_by_people(pickup: Pickup) -> None:
    """They may know that the store does something now."""
    pickup.give_ups, pickup.stopped_at_ms = 0, None


def messages(order_id: str, event: PickupGivenUp) -> Iterable[Message]:
    """The store has its units back, and the customer hears of it: once for each collection and time."""
    for number, lines in event.parts:
        yield Message("location", event.location_id, Release(order_id, number, lines))
    if event.sealed:
        values = {"order_id": order_id, "location_id": event.location_id}
        if not event.last:
            values["ready_by"] = moment(event.ready_by_ms).isoformat()
        name = notice_name(order_id, f"{event.collection_id}\0{event.ready_by_ms}")
        told = new_date(order_id, event.sealed, values, event.ready_by_ms + DAY_MS)
        yield Message("notice", name, msgspec.structs.replace(told, template=TEMPLATE_STOPPED) if event.last else told)


def notice_name(order_id: str, what: str) -> str:
    """The id of a notice that is told once, however often it is said."""
    seed = sha256(f"{TEMPLATE}\0{order_id}\0{what}".encode()).digest()
    return ids.notice_id(order_id.partition("-")[0], seed)


def new_date(order_id: str, sealed: bytes, values: Mapping[str, str], until_ms: int) -> WriteNotice:
    """Its address is the order's private part, as it is sealed with the order (`serve/orders/private.py`); what it says
    is no secret (as `order.new_date`)."""
    return WriteNotice(TEMPLATE, order_id, sealed, _encode(values), until_ms)
