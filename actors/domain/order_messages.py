"""Whom an order tells or asks because of what happened to it, and what it learns from the answers. The
rules are in `order.py`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors.domain import (
    location_commands,
    order_floor,
    order_packing,
    order_pickup_evolve,
    order_terms_floor,
    order_waiting_messages,
    reservation_commands,
    transfer_commands,
)
from actors.domain.collection_commands import ForgetShelf
from actors.domain.errors import decode_refusal
from actors.domain.kind import Message
from actors.domain.location_commands import WaitInLine
from actors.domain.location_promises import Taken
from actors.domain.notice import RedirectNotice, WithdrawNotice
from actors.domain.order_backorder import CustomerTold, DateTold, LineAnswered, OfferReturned, WaitingAsked
from actors.domain.order_commands import CartAnswered, ReservationAnswered
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
    ShipmentsTold,
    ShortPicked,
)
from actors.domain.order_pickup_commands import SupplyRequested
from actors.domain.order_pickup_events import PICKUP_EVENTS
from actors.domain.order_state import FulfilmentStatus, wanted_of
from actors.domain.order_terms_events import FloorRevised, UnitsGivenBack
from actors.domain.shipment_commands import NoteCancelled

# Statuses of which the location has to know.
_TELLS: dict[FulfilmentStatus, type[location_commands.Pick | location_commands.Ship | location_commands.Release]] = {
    "packed": location_commands.Pick,
    "shipped": location_commands.Ship,
    "cancelled": location_commands.Release,
}
TELLS_LOCATION = frozenset(_TELLS)


_OF_LINES = (WaitingAsked, OfferReturned, CustomerTold, DateTold)


def messages(order_id: str, event: Event) -> Iterable[Message]:
    """What the locations have to be told or asked because of `event`."""
    if type(event) is AllocationAsked:
        for ask in event.asks:
            allocate = location_commands.Allocate(order_id, ask.number, ask.lines, event.channel, event.life_days)
            yield Message("location", ask.location_id, allocate, on_reply=True)
    elif type(event) is FulfilmentsMoved:
        command = _TELLS.get(event.to)
        for move in event.moves if command is not None else ():
            if move.lines and command is not None:
                yield Message("location", move.location_id, command(order_id, move.number, move.lines))
    elif type(event) is ShortPicked:
        yield Message(
            "location", event.location_id, location_commands.ShortPick(order_id, event.number, event.lines, event.lots)
        )
    elif type(event) is OrderCancelled:
        for ask in event.released:
            yield Message("location", ask.location_id, location_commands.Release(order_id, ask.number, ask.lines))
    elif type(event) is ReservationReturned:
        yield Message("location", event.location_id, location_commands.Release(order_id, event.number, event.lines))
    elif type(event) is HandedToFloor or type(event) is LeftFloor:
        yield from order_floor.messages(order_id, event)
    elif type(event) is ShipmentsTold:
        yield from order_packing.messages(order_id, event)
    elif type(event) is FloorRevised or type(event) is UnitsGivenBack:
        yield from order_terms_floor.messages(order_id, event)
    elif type(event) is PersonForgotten:
        for name in event.collections:
            yield Message("collection", name, ForgetShelf())
    elif type(event) is OrderRectified:
        goes_on = RedirectNotice(event.was, event.sealed, event.moved) if event.email_digest else WithdrawNotice()
        for name in event.waiting:
            yield Message("notice", name, goes_on)
    elif isinstance(event, _OF_LINES):
        yield from order_waiting_messages.messages(order_id, event)
    else:
        yield from _messages_of_cart(order_id, event)


def _messages_of_cart(order_id: str, event: Event) -> Iterable[Message]:
    if type(event) is OrderPlaced and event.reservation_id:
        need = wanted_of(event.lines, event.kits)
        if event.backorder is not None:
            # What is not out yet is not sold from a cart either.
            need = {sku: units for sku, units in need.items() if sku not in event.backorder.release}
        claim = reservation_commands.ClaimReservation(order_id, list(need.items()), event.owner)
        yield Message("reservation", event.reservation_id, claim, on_reply=True)
    elif type(event) is CartClaimed:
        for ask in event.asks:
            convert = location_commands.Convert(event.reservation_id, order_id, ask.number, ask.lines)
            yield Message("location", ask.location_id, convert, on_reply=True)
    elif type(event) is CartReturned:
        for part in event.parts:
            unreserve = location_commands.Unreserve(event.reservation_id, part.lines)
            yield Message("location", part.location_id, unreserve)
    elif isinstance(event, PICKUP_EVENTS):
        yield from order_pickup_evolve.messages(order_id, event)


_decode_taken = msgspec.json.Decoder(Taken).decode
_decode_claimed = msgspec.json.Decoder(reservation_commands.Claimed).decode


def on_reply(message: Message, reply: bytes, refused: bool) -> ReservationAnswered | CartAnswered | LineAnswered | SupplyRequested | None:  # fmt: skip
    """A location that refuses (it is unknown) has allocated nothing; a reservation that refuses gives
    nothing, nor does a transfer; a shipment that does is none."""
    asked = message.command
    if type(asked) is transfer_commands.LeaveTransfer or type(asked) is NoteCancelled:
        return None
    if type(asked) is transfer_commands.RequestTransfer:
        assert asked.for_order is not None
        number = asked.for_order[1]
        if refused:
            return ReservationAnswered(number, asked.destination_id, [])
        return SupplyRequested(number, message.entity_id)
    if type(asked) is reservation_commands.ClaimReservation:
        if refused:
            return CartAnswered(message.entity_id, [], decode_refusal(reply).code)
        return CartAnswered(message.entity_id, _decode_claimed(reply).parts)
    if type(asked) is WaitInLine:
        return order_waiting_messages.on_reply(message.entity_id, reply, refused)
    assert type(asked) is location_commands.Allocate or type(asked) is location_commands.Convert
    if refused:
        return ReservationAnswered(asked.fulfilment, message.entity_id, [])
    taken = _decode_taken(reply)
    return ReservationAnswered(asked.fulfilment, message.entity_id, taken.lines, taken.floor)
