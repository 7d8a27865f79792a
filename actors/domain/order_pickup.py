"""An order that its customer collects at a store.

    placed ──▶ the store allocates what it has ──▶ the rest is asked for by transfers to the store ──▶ all is there ──▶ a collection (`collection.py`)
                                                    each a fulfilment that is `reserving` at the store
                                                    until the transfer is over

The order is who asks for transfers, with its own events: so each is asked for once, whatever crashes. The units of such
a transfer are allocated to the order by the very receipt that brings them into the store's books
(`ReceiveStock.allot`), so nobody else can have them in between; what the transfer came to, it says once it is over, as
a location would that was asked to reserve (`ReservationAnswered`). What did not come (nothing there, refused, lost,
damaged) is asked for elsewhere, at the next best place; then the order is backordered for it, and asks the store and
the places again by its timer, as any order does; since it waits in no line it never leaves off, but asks less and less
often. What is there by then is made ready without it, and what comes later is another collection.

A transfer that is large needs a second person, as everybody's does: the order asks for it, in the name of whoever of
the staff has placed it, and waits.

The store's side is the collection's: to locate, ready, the code, handed over, expired. But only the order says whether
units are still to be handed over: a collection asks it at each step that changes stock (`MovePickup`,
`order_pickup_steps.py`), one at a time, and goes on when it has answered. So a cancellation and a hand-over can cross,
and either comes first here.

While the order is held, no time runs out (`order_pickup_holds.py`). When the customer's address is corrected, no code
is left with whoever has the old one (`order_pickup_redirect.py`).

Nobody else moves a fulfilment that is collected: `order.store_hands_over`. Only the store's floor may pick it, and the
whole order may be cancelled. What nobody has yet may be left out of its lines at any time (`order_changes.py`): so what
can't be had is given up, and the order is over with what was handed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.domain import allocation, ids, order_floor, order_pickup_late, order_waiting
from actors.domain.allocation import Need, Place
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_events import Units
from actors.domain.order_commands import PlaceOrder, ReservationAnswered, UpdateOrder
from actors.domain.order_events import Event, FulfilmentsMoved, Move, ReservationSettled, ShortPicked
from actors.domain.order_pickup_commands import Clock, SupplyRequested
from actors.domain.order_pickup_events import (
    CollectionOpened,
    CollectionPart,
    CollectionTold,
    PickupStepped,
    PickupStopped,
    StoreSupplyAsked,
    Supply,
)
from actors.domain.order_pickup_state import Pickup, PickupAt
from actors.domain.order_state import Fulfilment, FulfilmentStatus, Order, missing_of
from actors.domain.order_terms_commands import ChangeOrder
from actors.domain.transfer_commands import LINES_MAX

AT_STORE: tuple[FulfilmentStatus, ...] = ("allocated", "picking", "packed")
# What the store's floor may say of a fulfilment.
_OF_FLOOR = frozenset({"start_picking", "pause_picking", "pack", "short_pick"})


# --- where it comes from --------------------------------------------------------------------------------------------
def supply(order_id: str, at: PickupAt, placed_by: str, need: Need, first: int, places: Sequence[Place], splits: int, context: Context, life_days: Mapping[str, int] | None = None) -> StoreSupplyAsked | None:  # fmt: skip
    """The transfers that would bring what is needed; None when there is nobody to ask. placed_by: see `Pickup`;
    life_days: see `PlaceOrder`."""
    others = [place for place in places if place.location_id != at.location_id]
    plan = allocation.plan(need, others, splits) if need and others else []
    if not plan:
        return None
    region = order_id.partition("-")[0]
    supplies: list[Supply] = []
    for source_id, part in plan:
        # Whether it is large goes by all that comes from there: what is cut does not pass by the second person.
        large = at.approval_units and sum(part.values()) > at.approval_units
        for lines in _cut(part):
            number = first + len(supplies)
            transfer_id = ids.transfer_id(region, context.now_ms, f"{order_id}.{number}")
            supplies.append(Supply(number, source_id, transfer_id, lines, at.approval_ms if large else 0))
    asked = {one.source_id for one in supplies}
    left = [place for place in others if place.location_id not in asked]
    expected = at.expected_at_ms if at.expected_at_ms is not None and at.expected_at_ms > context.now_ms else None
    asks = any(one.approval_ms for one in supplies)
    life = {sku: days for sku, days in (life_days or {}).items() if sku in need}
    return StoreSupplyAsked(at.location_id, supplies, left, expected, placed_by if asks else "", life)


def _cut(part: Need) -> list[list[Units]]:
    """An order may be of more SKUs than one transfer holds."""
    lines = sorted(part.items())
    return [lines[at : at + LINES_MAX] for at in range(0, len(lines), LINES_MAX)]


def placed(command: PlaceOrder, at: PickupAt, need: Need, asks: bool, context: Context) -> list[Event]:
    """When the store seems to have nothing, transfers are asked for at once. Raises Refused `pickup.unavailable`: of
    what is not seen nothing is promised."""
    if at.short:
        detail = "Neither the store nor the places that supply it have all of it."
        raise Refused("pickup.unavailable", detail, location_id=at.location_id, short=dict(at.short[:50]))
    if asks:
        return []
    asked = supply(
        context.entity_id, at, command.placed_by, need, 1, at.sources, command.splits, context, command.life_days
    )
    return [asked] if asked is not None else []


def answered(order: Order, fulfilment: Fulfilment, command: ReservationAnswered, retry_at_ms: int | None, context: Context) -> tuple[list[Event], bool]:  # fmt: skip
    """(what follows from an answer of the store or of a transfer, does the order know where it stands?)."""
    pickup = _of(order)
    handed = order_floor.handed(order, command)
    if any(f.status == "reserving" and f is not fulfilment for f in order.fulfilments):
        return [ReservationSettled(command.number, command.lines, over=False), *handed], False
    missing = order_waiting.lacking_after(order, command.lines)
    places = [] if order_pickup_late.stopped(order) else _places(order, pickup, command.number, missing)
    asked = supply(
        context.entity_id, pickup.at, pickup.placed_by, missing, order.next_number, places, order.splits, context,
        order.life_days,
    )  # fmt: skip
    settled = ReservationSettled(
        command.number, command.lines, over=True, retry_at_ms=retry_at_ms if missing and asked is None else None
    )
    if asked is not None:
        return [settled, *handed, asked], True
    at_store = [f for f in order.fulfilments if f is not fulfilment]
    if command.lines:
        at_store.append(Fulfilment(command.number, command.location_id, "allocated", command.lines))
    by_floor = {one.number for one in handed}
    return [settled, *handed, *_opened(order, pickup, at_store, by_floor, context)], True


def _of(order: Order) -> Pickup:
    assert order.pickup is not None
    return order.pickup


def _places(order: Order, pickup: Pickup, number: int, missing: Need) -> Sequence[Place]:
    """Where to ask next: the store's answer begins a round, that of a transfer goes on with it. What places have is
    known of the first round only."""
    if number in pickup.coming:
        return order.candidates
    if not order.retries and not pickup.coming:
        return pickup.at.sources
    return [Place(place.location_id, missing) for place in pickup.at.sources]


def _opened(order: Order, pickup: Pickup, at_store: Sequence[Fulfilment], by_floor: set[int], context: Context) -> list[Event]:  # fmt: skip
    known = {number for one in pickup.collections.values() for number in one.parts}
    parts = [
        CollectionPart(f.number, f.lines, f.number in by_floor or f.number in order.at_floors, f.status == "packed")
        for f in at_store
        if f.number not in known and f.status in AT_STORE and f.lines
    ]
    if not parts:
        return []
    region = context.entity_id.partition("-")[0]
    collection_id = ids.collection_id(region, context.now_ms, f"{context.entity_id}.{parts[0].number}")
    return [CollectionOpened(collection_id, pickup.at.location_id, parts, _clock(order, pickup))]


def _clock(order: Order, pickup: Pickup) -> Clock | None:
    """None for a store that has all the time of the world."""
    at, held = pickup.at, order.terms is not None and bool(order.terms.holds)
    if not at.late_ms and not pickup.turn and not held:
        return None
    return Clock(pickup.ready_by_ms, at.late_ms, at.give_up_ms, pickup.turn, held)


def check_change(order: Order, command: ChangeOrder) -> None:
    """Raises Refused `order.store_hands_over` for an order that is collected, unless it shall only be less: what the
    store has made ready is not changed behind its back. How much less, `order_changes.py` says."""
    if order.pickup is None:
        return
    quantities = {number: line.quantity for number, line in enumerate(order.lines, 1)}
    more = any(one.quantity > quantities.get(one.line, one.quantity) for one in command.lines)
    if more or command.address is not None or command.service_level is not None:
        place = order.pickup.at.location_id
        detail = f"It is collected at {place}: all that can be changed is to leave out what nobody has yet."
        raise Refused("order.store_hands_over", detail, location_id=place)


def requested(order: Order, command: SupplyRequested) -> list[Event]:
    """A transfer of an order that was cancelled meanwhile is left."""
    return [PickupStopped([], [command.transfer_id])] if order.cancelled else []


# --- what others may do -----------------------------------------------------------------------------------------------
def narrowed(order: Order, command: UpdateOrder) -> UpdateOrder:
    """A step as it is for such an order: nothing is served from elsewhere. Raises Refused `order.store_hands_over`."""
    by_floor = command.by_floor and (command.update in _OF_FLOOR or _is_left(order, command))
    whole = command.update == "allocate" or (command.update == "cancel" and command.fulfilment is None)
    if not by_floor and not whole:
        place = _of(order).at.location_id
        detail = f"It is collected at {place}: the store's collection tells how far it is."
        raise Refused("order.store_hands_over", detail, location_id=place)
    here = [Place(_of(order).at.location_id, missing_of(order))] if command.update == "allocate" else []
    return msgspec.structs.replace(command, places=here)


def _is_left(order: Order, command: UpdateOrder) -> bool:
    """Has the floor found nothing of a part, so that there is nothing to collect?"""
    return command.update == "cancel" and all(not f.lines for f in order.fulfilments if f.number == command.fulfilment)


def told(order: Order, events: Sequence[Event]) -> list[Event]:
    """What a collection has to know of what the store's floor said."""
    out: list[Event] = []
    for event in events:
        if type(event) is FulfilmentsMoved and event.to == "packed":
            for move in event.moves:
                name = _collection_of(order, move.number)
                out += [CollectionTold(name, move.number, picked=True)] if name else []
        elif type(event) is ShortPicked:
            name = _collection_of(order, event.number)
            if name:
                out.append(CollectionTold(name, event.number, missing=event.lines))
                out += emptied(order, name, {event.number: event.lines})
    return out


def _collection_of(order: Order, number: int) -> str:
    return next((name for name, one in _of(order).collections.items() if number in one.parts), "")


def emptied(order: Order, name: str, missing: dict[int, list[Units]]) -> list[Event]:
    """A part of which nothing is left is over, and the collection when there is none other."""
    parts = [f for f in order.fulfilments if f.number in _of(order).collections[name].parts and f.status in AT_STORE]
    empty = [f for f in parts if not less(f.lines, missing.get(f.number, []))]
    if not empty:
        return []
    out: list[Event] = [FulfilmentsMoved("cancelled", [Move(f.number) for f in empty])]
    if order.at_floors:
        out += order_floor.left(order, empty, "cancelled")
    return [*out, PickupStepped(name, "nothing_found")] if len(empty) == len(parts) else out


def less(lines: Sequence[Units], taken: Sequence[Units]) -> list[Units]:
    """What is left of the lines."""
    gone = allocation.need_of(taken)
    return [(sku, units - gone.get(sku, 0)) for sku, units in lines if units > gone.get(sku, 0)]


def stopped(order: Order) -> list[Event]:
    """Whom a cancellation has to be told: collections that are not over, and transfers that are under way."""
    pickup = _of(order)
    waiting = {f.number for f in order.fulfilments if f.status == "reserving"}
    collections = [name for name, one in pickup.collections.items() if one.status in ("locating", "ready")]
    transfers = [name for number, name in pickup.coming.items() if number in waiting]
    return [PickupStopped(collections, transfers)] if collections or transfers else []
