"""What the store says of a collection (`collection.py`), one step at a time. The rules are in `order_pickup.py`.

    missing                 units leave the order and the books (short pick); the order is backordered for them
    given_up                units leave the order and are the store's again; others are asked (`order_pickup_late.py`)
    ready                   packed
    extended                as far as it was, for longer
    collected               shipped and delivered; what was left behind is given back
    left_behind, expired    cancelled, given back

A step that comes when the order is out of it changes nothing, and the collection hears that it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from actors.domain import allocation, order_floor, order_pickup_late, order_pickup_redirect
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_events import Units
from actors.domain.order_events import Event, FulfilmentsMoved, Move, ShortPicked
from actors.domain.order_pickup import AT_STORE, emptied, less, supply
from actors.domain.order_pickup_commands import MovePickup, PartMove, PickupStep
from actors.domain.order_pickup_events import LinesLeft, PickupGivenUp, PickupStepped, StoreSupplyAsked
from actors.domain.order_pickup_state import PartStatus, Pickup
from actors.domain.order_state import Fulfilment, Order, missing_of

# Nothing is taken away, nor handed over, while the order is held.
_NOT_HELD = frozenset({"ready", "collected", "expired", "given_up"})


class Outcome(NamedTuple):
    """What follows from a step. over: the order is out of it, and nothing does."""

    events: list[Event]
    over: bool = False

    @property
    def stopped(self) -> bool:
        """Has the store let the order down for the last time?"""
        return any(type(event) is PickupGivenUp and event.last for event in self.events)


class _Step(NamedTuple):
    """parts: what of the collection is at the store. retry_at_ms: when the order asks again for what it lacks then."""

    order: Order
    pickup: Pickup
    command: MovePickup
    parts: Sequence[Fulfilment]
    retry_at_ms: int
    context: Context

    def reached(self, status: PartStatus) -> PickupStepped:
        """The collection is that far."""
        command = self.command
        return PickupStepped(command.collection_id, status, command.ready_at_ms, command.collect_by_ms)


def moved(order: Order, command: MovePickup, retry_at_ms: int, context: Context) -> Outcome:
    """Raises Refused `order.pickup_unknown`, `order.pickup_differs`, `order.held`."""
    pickup = order.pickup
    known = pickup.collections.get(command.collection_id) if pickup is not None else None
    if pickup is None or known is None:
        raise Refused("order.pickup_unknown", "The order knows of no such collection.")
    parts = [f for f in order.fulfilments if f.number in known.parts and f.status in AT_STORE]
    if order.cancelled or known.status not in ("locating", "ready") or not parts:
        return Outcome([], over=True)
    if command.step in _NOT_HELD and order.terms is not None and order.terms.holds:
        kinds = [hold.kind for hold in order.terms.holds]
        # `turn`: of the word on it, which the collection may not have heard, or never will: before
        # there were any none was sent.
        raise Refused("order.held", f"The order is held: {', '.join(kinds)}.", holds=kinds, turn=pickup.turn)
    order_pickup_redirect.check(order, command)
    return Outcome(_STEPS[command.step](_Step(order, pickup, command, parts, retry_at_ms, context)))


# --- the steps --------------------------------------------------------------------------------------------------------
def _ready(step: _Step) -> list[Event]:
    packed = [Move(f.number, f.location_id, f.lines) for f in step.parts if f.status != "packed"]
    moves: list[Event] = [FulfilmentsMoved("packed", packed)] if packed else []
    return [*moves, *order_floor.left(step.order, step.parts, "packed"), step.reached("ready")]


def _extended(step: _Step) -> list[Event]:
    return [step.reached(step.pickup.collections[step.command.collection_id].status)]


def _left_behind(step: _Step) -> list[Event]:
    return [*_given_back(step), step.reached("left_behind")]


def _expired(step: _Step) -> list[Event]:
    return [*_given_back(step), step.reached("expired")]


def _given_back(step: _Step) -> list[Event]:
    released = [Move(f.number, f.location_id, f.lines) for f in step.parts]
    return [FulfilmentsMoved("cancelled", released), *order_floor.left(step.order, step.parts, "cancelled")]


def _missing(step: _Step) -> list[Event]:
    """Raises Refused `order.pickup_differs`."""
    order, missing = step.order, {number: move.lines for number, move in _checked(step).items()}
    retry_at_ms = None if order_pickup_late.stopped(order) else step.retry_at_ms
    out: list[Event] = []
    for part in step.parts:
        if missing.get(part.number):
            order_floor.check_not_there(order, part)
            out.append(ShortPicked(part.number, part.location_id, missing[part.number], retry_at_ms))
    return [*out, *emptied(order, step.command.collection_id, missing)]


def _given_up(step: _Step) -> list[Event]:
    """What the store did not make ready in time. Raises Refused `order.pickup_differs`."""
    order, pickup, parts, context = step.order, step.pickup, step.parts, step.context
    moves = _checked(step)
    back = {number: move.lines for number, move in moves.items() if move.lines}
    if any(f.status == "packed" and f.number in back and not moves[f.number].picked for f in parts):
        # The floor has just picked it, and the collection has not heard. What it knows to be picked, and nobody
        # makes ready, it may give up.
        raise _differs()
    gone = [f for f in parts if not less(f.lines, back.get(f.number, []))]
    given = order_pickup_late.given_up(order, pickup, step.command.collection_id, back, step.retry_at_ms, context)
    out: list[Event] = [given, *order_floor.left(order, gone, "cancelled")]
    if len(gone) == len(parts):
        out.append(step.reached("given_up"))
    if not given.last and not any(f.status == "reserving" for f in order.fulfilments):
        out.extend(_asked_elsewhere(step, back.values()))
    return out


def _asked_elsewhere(step: _Step, back: Iterable[Sequence[Units]]) -> list[StoreSupplyAsked]:
    """Transfers of what the order lacks when it has given that back."""
    order, pickup = step.order, step.pickup
    missing = allocation.need_of(chain(missing_of(order).items(), *back))
    places = [Place(place.location_id, missing) for place in pickup.at.sources]
    asked = supply(
        step.context.entity_id, pickup.at, pickup.placed_by, missing, order.next_number, places, order.splits,
        step.context, order.life_days,
    )  # fmt: skip
    return [asked] if asked is not None else []


def _collected(step: _Step) -> list[Event]:
    """Raises Refused `order.pickup_differs`."""
    order, parts, moves = step.order, step.parts, _checked(step)
    if set(moves) != {part.number for part in parts}:
        raise _differs()
    taken = [Move(f.number, f.location_id, moves[f.number].lines) for f in parts if moves[f.number].lines]
    untouched = [Move(f.number, f.location_id, f.lines) for f in parts if not moves[f.number].lines]
    out: list[Event] = []
    number = order.next_number
    for part in parts:
        left = moves[part.number].left
        if left and moves[part.number].lines:
            out.append(LinesLeft(part.number, number, part.location_id, left))
            number += 1
    if untouched:
        out.append(FulfilmentsMoved("cancelled", untouched))
    floors = order_floor.left(order, parts, "packed")
    if taken:
        out += [FulfilmentsMoved("shipped", taken), FulfilmentsMoved("delivered", [Move(one.number) for one in taken])]
    return [*out, *floors, step.reached("collected" if taken else "left_behind")]


_STEPS: dict[PickupStep, Callable[[_Step], list[Event]]] = {
    "missing": _missing,
    "ready": _ready,
    "extended": _extended,
    "collected": _collected,
    "left_behind": _left_behind,
    "expired": _expired,
    "given_up": _given_up,
}


# --- what the collection takes the order to hold ----------------------------------------------------------------------
def _checked(step: _Step) -> dict[int, PartMove]:
    """By fulfilment. Raises Refused `order.pickup_differs`: the collection has not heard yet what its floor has
    said."""
    held = {f.number: f for f in step.parts}
    for move in step.command.parts:
        has = dict(held[move.number].lines) if move.number in held else {}
        wanted = allocation.need_of([*move.lines, *move.left])
        is_all = step.command.step != "collected" or wanted == has
        if not is_all or any(units > has.get(sku, 0) for sku, units in wanted.items()):
            raise _differs()
    return {move.number: move for move in step.command.parts}


def _differs() -> Refused:
    return Refused("order.pickup_differs", "The order has other units of it: look again, and repeat the step.")
