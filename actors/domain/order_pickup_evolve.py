"""How an order that is collected changes by what happens to it, and whom it tells. The rules
are in `order_pickup.py`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from actors.domain import (
    collection_commands,
    location_commands,
    order_pickup_holds,
    order_pickup_late,
    order_pickup_redirect,
    transfer_commands,
)
from actors.domain.kind import Message
from actors.domain.order_pickup_events import (
    CollectionOpened,
    CollectionTold,
    LinesLeft,
    PickupEvent,
    PickupGivenUp,
    PickupPaused,
    PickupRedirected,
    PickupResumed,
    PickupStepped,
    PickupStopped,
    StoreSupplyAsked,
)
from actors.domain.order_pickup_state import Collected
from actors.domain.order_state import Fulfilment, Order, missing_of


def evolve(order: Order, event: PickupEvent) -> None:
    """Takes note of the event."""
    pickup = order.pickup
    assert pickup is not None
    if type(event) is StoreSupplyAsked:
        # Those that are over nobody asks for any more, and an order may ask for long.
        waiting = {f.number for f in order.fulfilments if f.status == "reserving"}
        pickup.coming = {number: name for number, name in pickup.coming.items() if number in waiting}
        for one in event.supplies:
            order.fulfilments.append(Fulfilment(one.number, event.location_id, "reserving", one.lines))
            pickup.coming[one.number] = one.transfer_id
        order.next_number = event.supplies[-1].number + 1
        order.candidates, order.retry_at_ms = event.places, None
        order.short = bool(missing_of(order))
    elif type(event) is CollectionOpened:
        pickup.collections[event.collection_id] = Collected([part.number for part in event.parts])
    elif type(event) is PickupStepped:
        known = pickup.collections[event.collection_id]
        known.status = event.status
        known.ready_at_ms = event.ready_at_ms or known.ready_at_ms
        # It is never made shorter, whatever crosses (`PickupResumed`).
        known.collect_by_ms = max(event.collect_by_ms or 0, known.collect_by_ms or 0) or None
    elif type(event) is LinesLeft:
        fulfilment = next(f for f in order.fulfilments if f.number == event.number)
        left = dict(event.lines)
        rest = [(sku, units - left.get(sku, 0)) for sku, units in fulfilment.lines]
        fulfilment.lines = [(sku, units) for sku, units in rest if units]
        order.fulfilments.append(Fulfilment(event.as_number, event.location_id, "cancelled", event.lines))
        order.next_number = event.as_number + 1
    elif type(event) is PickupGivenUp:
        order_pickup_late.evolve(order, pickup, event)
    elif type(event) is PickupPaused or type(event) is PickupResumed:
        order_pickup_holds.evolve(pickup, event, order.updated_at_ms)
    elif type(event) is PickupRedirected:
        pickup.contact_turn = event.turn


def messages(order_id: str, event: PickupEvent) -> Iterable[Message]:
    """Transfers are requested and left, the collection is told, and what was left behind is given back."""
    if type(event) is StoreSupplyAsked:
        for one in event.supplies:
            life = {sku: event.life_days[sku] for sku, _ in one.lines if sku in event.life_days}
            request = transfer_commands.RequestTransfer(
                one.source_id, event.location_id, one.lines, order_id, event.expected_at_ms, one.approval_ms,
                (event.placed_by or order_id) if one.approval_ms else "", for_order=(order_id, one.number),
                life_days=life or UNSET,
            )  # fmt: skip
            yield Message("transfer", one.transfer_id, request, on_reply=True)
    elif type(event) is CollectionOpened:
        parts = [collection_commands.NewPart(part.number, part.lines, part.floor, part.picked) for part in event.parts]
        opened = collection_commands.OpenCollection(order_id, event.location_id, parts, event.clock)
        yield Message("collection", event.collection_id, opened)
    elif type(event) is CollectionTold:
        told = collection_commands.TellPart(event.number, event.picked, event.missing)
        yield Message("collection", event.collection_id, told)
    elif type(event) is LinesLeft:
        release = location_commands.Release(order_id, event.number, event.lines)
        yield Message("location", event.location_id, release)
    elif type(event) is PickupGivenUp:
        yield from order_pickup_late.messages(order_id, event)
    elif type(event) is PickupPaused or type(event) is PickupResumed:
        yield from order_pickup_holds.messages(order_id, event)
    elif type(event) is PickupRedirected:
        yield from order_pickup_redirect.messages(event)
    elif type(event) is PickupStopped:
        for name in event.collections:
            yield Message("collection", name, collection_commands.StopCollection())
        for name in event.transfers:
            # Its answer does not matter; that it may be unknown yet does not either (`SupplyRequested`).
            yield Message("transfer", name, transfer_commands.LeaveTransfer(), on_reply=True)
