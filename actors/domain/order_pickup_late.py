"""What a store did not make ready in time. The rules are in `order_pickup.py`, the store's clock in `collection_clock.py`.

    a collection gives up ──PickupGivenUp──▶ its units are the store's again, and the order's no more
                                └──▶ other places are asked for transfers, as for a short pick; the store itself when the order's timer goes off
                                └──▶ the customer is told of another time, and the order's view tells it

Nobody has said that the units are missing, so the store's books keep them: who works there has been told twice, and a count finds what is not there.
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

# Which text the customer gets.
TEMPLATE = "pickup.new_date"
RETRY_MS = 60_000
RETRY_INTERVAL_MAX_MS = HOUR_MS
_encode = msgspec.json.Encoder().encode


def given_up(order: Order, pickup: Pickup, collection_id: str, back: Mapping[int, list[Units]], context: Context) -> PickupGivenUp:  # fmt: skip
    """The event. It asks again however often it did: the store has been told, and a customer waits."""
    at = pickup.at
    # As long as it took when it was placed, and what the store may take besides.
    transit_ms = max(0, at.expected_at_ms - order.placed_at_ms) if at.expected_at_ms is not None else 0
    told = order.sealed if order.email_digest else b""
    retry_ms = min(RETRY_INTERVAL_MAX_MS, RETRY_MS << order.retries)
    return PickupGivenUp(
        collection_id, at.location_id, sorted(back.items()), context.now_ms + transit_ms + at.late_ms,
        context.now_ms + retry_ms, told,
    )  # fmt: skip


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
    order.short, order.retry_at_ms = True, event.retry_at_ms
    pickup.ready_by_ms = event.ready_by_ms


def messages(order_id: str, event: PickupGivenUp) -> Iterable[Message]:
    """The store has its units back, and the customer hears of it: once for each collection and time."""
    for number, lines in event.parts:
        yield Message("location", event.location_id, Release(order_id, number, lines))
    if event.sealed:
        values = {"order_id": order_id, "location_id": event.location_id, "ready_by": moment(event.ready_by_ms).isoformat()}  # fmt: skip
        name = notice_name(order_id, f"{event.collection_id}\0{event.ready_by_ms}")
        yield Message("notice", name, new_date(order_id, event.sealed, values, event.ready_by_ms + DAY_MS))


def notice_name(order_id: str, what: str) -> str:
    """The id of a notice that is told once, however often it is said."""
    seed = sha256(f"{TEMPLATE}\0{order_id}\0{what}".encode()).digest()
    return ids.notice_id(order_id.partition("-")[0], seed)


def new_date(order_id: str, sealed: bytes, values: Mapping[str, str], until_ms: int) -> WriteNotice:
    """Its address is the order's private part, as it is sealed with the order (`serve/orders/private.py`); what it says is no secret (as `order.new_date`)."""
    return WriteNotice(TEMPLATE, order_id, sealed, _encode(values), until_ms)
