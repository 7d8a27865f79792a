"""How an order changes by what happens to it. The rules are in `order.py`."""

from __future__ import annotations

from actors.domain import (
    order_backorder,
    order_pickup_evolve,
    order_pickup_late,
    order_refunds,
    order_terms,
    order_waiting,
)
from actors.domain.kind import Context
from actors.domain.order_backorder import Backorder
from actors.domain.order_events import (
    AllocationAsked,
    CartClaimed,
    CartReturned,
    Event,
    FulfilmentsMoved,
    HandedToFloor,
    LeftFloor,
    OrderCancelled,
    OrderPlaced,
    OrderRectified,
    PersonForgotten,
    ReservationReturned,
    ReservationSettled,
    RetrySkipped,
    ShipmentsTold,
    ShortPicked,
)
from actors.domain.order_pickup_events import PICKUP_EVENTS
from actors.domain.order_pickup_state import Pickup, PickupAt
from actors.domain.order_refund_events import RefundGiven
from actors.domain.order_state import Fulfilment, Order, ShipTo, missing_of
from actors.domain.order_terms_state import without_notes

# So many places are known for later questions.
RETRY_PLACES_MAX = 8


def evolve(state: Order | None, event: Event, context: Context) -> Order:
    """The next state; takes over `state`."""
    if type(event) is OrderPlaced:
        return _placed(event, context)
    assert state is not None
    state.updated_at_ms = context.now_ms
    if type(event) is FulfilmentsMoved:
        for move in event.moves:
            _numbered(state, move.number).status = event.to
    elif type(event) is AllocationAsked:
        _evolve_asked(state, event)
    elif type(event) is ReservationSettled:
        _evolve_settled(state, event)
    elif type(event) is CartClaimed:
        _evolve_claimed(state, event)
    elif type(event) is CartReturned:
        state.claiming = ""
    elif type(event) is ShortPicked:
        fulfilment, short = _numbered(state, event.number), dict(event.lines)
        left = [(sku, units - short.get(sku, 0)) for sku, units in fulfilment.lines]
        fulfilment.lines = [(sku, units) for sku, units in left if units]
        state.retry_at_ms, state.short = event.retry_at_ms, True
    elif type(event) is OrderCancelled:
        state.cancelled, state.place_command, state.candidates, state.retry_at_ms = True, "", [], None
        for fulfilment in state.fulfilments:
            fulfilment.status = "cancelled"
    elif type(event) is RetrySkipped:
        state.retry_at_ms = None
    elif type(event) is OrderRectified:
        state.order_ref, state.sealed, state.email_digest = event.order_ref, event.sealed, event.email_digest
    elif type(event) is PersonForgotten:
        _evolve_forgotten(state)
    elif type(event) is HandedToFloor:
        state.at_floors.append(event.number)
        if state.terms is not None:
            order_terms.evolve(state, event)
    elif type(event) is LeftFloor:
        state.at_floors = [number for number in state.at_floors if number not in dict(event.parts)]
        if state.terms is not None:
            order_terms.evolve(state, event)
    elif type(event) is RefundGiven:
        order_refunds.evolve(state, event, context)
    elif isinstance(event, order_backorder.Event):
        order_waiting.evolve(state, event)
    elif isinstance(event, PICKUP_EVENTS):
        order_pickup_evolve.evolve(state, event)
    elif type(event) is not ReservationReturned and type(event) is not ShipmentsTold:
        order_terms.evolve(state, event)
    return state


def _placed(event: OrderPlaced, context: Context) -> Order:
    return Order(
        event.order_ref, event.channel, event.customer_ref, event.country, event.ship_to, event.currency, event.lines, [],
        context.now_ms, context.now_ms, place_command=event.command_id if event.retry_at_ms is None else "",
        candidates=event.places if event.reservation_id else [], retry_places=list(dict.fromkeys(place.location_id for place in event.places))[:RETRY_PLACES_MAX],
        retry_at_ms=event.retry_at_ms, units=sum(line.quantity for line in event.lines),
        total_minor=sum(line.quantity * line.amount for line in event.lines), owner=event.owner, sealed=event.sealed,
        email_digest=event.email_digest, claiming=event.reservation_id, splits=event.splits, promised_by_ms=event.promised_by_ms,
        kits=event.kits, life_days=event.life_days, terms=event.terms,
        backorder=None if event.backorder is None else Backorder(event.backorder),
        pickup=None if event.pickup is None else _pickup(event, event.pickup),
    )  # fmt: skip


def _pickup(event: OrderPlaced, at: PickupAt) -> Pickup:
    return Pickup(at, ready_by_ms=at.ready_by_ms, placed_by=event.placed_by)


def _numbered(order: Order, number: int) -> Fulfilment:
    for fulfilment in order.fulfilments:
        if fulfilment.number == number:
            return fulfilment
    raise AssertionError(f"no fulfilment {number}")


def _evolve_asked(order: Order, event: AllocationAsked) -> None:
    order.fulfilments.extend(Fulfilment(ask.number, ask.location_id, "reserving", ask.lines) for ask in event.asks)
    if event.promised:
        for fulfilment, by_ms in zip(order.fulfilments[-len(event.asks) :], event.promised, strict=True):
            fulfilment.promised_by_ms = by_ms
        for fulfilment, transit_ms in zip(order.fulfilments[-len(event.asks) :], event.transit, strict=False):
            fulfilment.transit_ms = transit_ms
    if event.stands and order.terms is not None:
        order.terms = order_terms.standing(order.terms, event.stands)
    order.next_number = event.asks[-1].number + 1
    order.candidates = event.places
    order.retry_at_ms = None
    order.retries += event.retry
    if order.pickup is not None and not event.retry:
        order_pickup_late.asked_by_people(order.pickup)
    if order.backorder is not None:
        order_waiting.asked_again(order)
    known = [*order.retry_places, *(a.location_id for a in event.asks), *(p.location_id for p in event.places)]
    order.retry_places = list(dict.fromkeys(known))[:RETRY_PLACES_MAX]
    order.short = bool(missing_of(order))


def _evolve_settled(order: Order, event: ReservationSettled) -> None:
    fulfilment = _numbered(order, event.number)
    if event.lines:
        fulfilment.status, fulfilment.lines = "allocated", event.lines
        order.served += 1
    else:
        order.fulfilments.remove(fulfilment)
    order.short = bool(missing_of(order))
    if event.over:
        order.place_command, order.candidates, order.served = "", [], 0
        order.retry_at_ms = event.retry_at_ms


def _evolve_claimed(order: Order, event: CartClaimed) -> None:
    order.claiming = ""
    if event.asks:
        order.fulfilments.extend(Fulfilment(ask.number, ask.location_id, "reserving", ask.lines) for ask in event.asks)
        order.next_number = event.asks[-1].number + 1
        known = [*(ask.location_id for ask in event.asks), *order.retry_places]
        order.retry_places = list(dict.fromkeys(known))[:RETRY_PLACES_MAX]
        order.short = bool(missing_of(order))
    if event.over:
        order.place_command, order.candidates, order.retry_at_ms = "", [], event.retry_at_ms


def _evolve_forgotten(order: Order) -> None:
    order.order_ref = order.customer_ref = order.owner = order.email_digest = ""
    order.sealed, order.ship_to, order.forgotten = b"", ShipTo(order.ship_to.country), True
    if order.terms is not None:
        order.terms = without_notes(order.terms)
    # What is near to where it went.
    order.candidates, order.retry_places, order.retry_at_ms = [], [], None
