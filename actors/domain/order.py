"""An order: what was bought, from where it is served, and how far it is.

Life of a fulfilment, and of an order that has one (several: the order is as far as the one that is least far; with some
shipped and some not it is `partly_shipped`):

                          ┌──── pause_picking ────┐
                          ▼                       │
    placed ─────────▶ allocated ─start_picking▶ picking ──pack──▶ packed ──ship──▶ shipped ──deliver──▶ delivered
      │                   ▲                       │                 │
      ├▶ partly_allocated ┤ allocate, timer   short_pick            │
      └▶ backordered ─────┘                 (asks elsewhere)        │
      └───────────────────── cancel: stock is given back ───────────┴──▶ cancelled

Allocation at placement: see `allocation.py`. What no location could serve is backordered: the order asks again by itself, after
`RETRY_FIRST_MS`, then at doubled intervals, and at once on the update `allocate`. Where a sourcing policy holds, the placement brings the
plan by which its places are asked first, and the others in the order of what they cost (`serve/orders/sourcing.py`).

An order and its locations talk by messages that are part of its events (`messages`): it asks a location to reserve and goes on
when the answer comes back as `ReservationAnswered`. The answer to `PlaceOrder` is provisional until the round is over. An answer
that comes after a cancellation is given back.

An order that was a cart's reservation claims it first (`reservation.py`). What the reservation has is converted where it lies, each part a fulfilment; the rest is
asked for as ever, and all of it when the reservation is over, unknown or another's.

Units that a location keeps back from the order's channel are not asked for: a first round tells the channel only when somebody was seen to keep any back
(`PlaceOrder.buffered`), so that it costs nothing where nobody does; later rounds, which are few, always tell it.

What a location's floor picks (`floor.py`), the order hands to it, and tells it of the end: packed or cancelled (`order_floor.py`). Units that are missing are
for the floor to tell then, and for nobody else.

Who ordered, and where it goes, may be corrected at any time (RectifyOrder), and is taken out of an order that is over (ForgetPerson): what was
bought, when, for how much and in which country stays, as books and invoices need it.

What an event changes is in `order_evolve.py`, whom it tells in `order_messages.py`, what callers see in `order_state.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import allocation, order_floor
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.kind import Answer, Context, Decision, Kind, Row, StoredRows
from actors.domain.order_commands import (
    CartAnswered,
    Command,
    ForgetPerson,
    PlaceOrder,
    RectifyOrder,
    ReservationAnswered,
    RetryAllocation,
    UpdateOrder,
)
from actors.domain.order_events import (
    AllocationAsked,
    Ask,
    CartClaimed,
    CartReturned,
    Event,
    FulfilmentsMoved,
    Move,
    OrderCancelled,
    OrderPlaced,
    OrderRectified,
    PersonForgotten,
    ReservationReturned,
    ReservationSettled,
    RetrySkipped,
    ShortPicked,
)
from actors.domain.order_evolve import evolve
from actors.domain.order_messages import TELLS_LOCATION, messages, on_reply
from actors.domain.order_state import (
    Fulfilment,
    FulfilmentStatus,
    Order,
    OrderContact,
    OrderStatusView,
    ViewContact,
    ViewOrder,
    fulfilment_id,
    is_asking,
    is_under_way,
    missing_of,
    order_change,
    order_row,
    order_view,
    restored,
    status_of,
    wanted_of,
)
from actors.domain.rows import OrderRow
from actors.domain.times import HOUR_MS

RETRY_FIRST_MS = 60_000
RETRY_INTERVAL_MAX_MS = HOUR_MS
RETRIES_MAX = 12


_WHOLE_ROW = frozenset({OrderPlaced, OrderRectified, PersonForgotten})
# update -> (statuses from which it is legal, status that it leads to)
STEPS: dict[str, tuple[tuple[FulfilmentStatus, ...], FulfilmentStatus]] = {
    "start_picking": (("allocated",), "picking"),
    "pause_picking": (("picking",), "allocated"),
    "pack": (("picking",), "packed"),
    "ship": (("packed",), "shipped"),
    "deliver": (("shipped",), "delivered"),
    "cancel": (("allocated", "picking", "packed"), "cancelled"),
    "short_pick": (("picking",), "picking"),
}


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Order | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules."""
    if type(command) is PlaceOrder:
        return _place(state, command, context)
    if state is None:
        raise _unknown(context.entity_id)
    if type(command) is UpdateOrder:
        if command.asker:
            check_asker(state, context.entity_id, command.asker)
        if command.within:
            _check_reach(state, command)
        if command.update == "short_pick":
            return _short_pick(state, command, context)
        if command.update == "allocate":
            return _allocate(state, command, context)
        if command.update == "cancel" and command.fulfilment is None:
            return _cancel(state, command, context)
        return _step(state, command, context)
    if type(command) is ReservationAnswered:
        return _answered(state, command, context)
    if type(command) is CartAnswered:
        return _cart_answered(state, command, context)
    if type(command) is RetryAllocation:
        return _retry(state, context)
    if type(command) is RectifyOrder:
        return _rectify(state, command, context)
    assert type(command) is ForgetPerson
    return _forget(state, context)


def _unknown(order_id: str) -> Refused:
    return Refused("order.unknown", f"There is no order {order_id}.", order_id=order_id)


def check_asker(order: Order, order_id: str, asker: str) -> None:
    """Raises Refused, as if there were no such order, unless it is the asker's own: the customer's who placed it, or a guest's, whose
    token names the order itself. "" is somebody who may see all."""
    if asker and asker not in (order.owner, order_id):
        raise _unknown(order_id)


def _check_reach(order: Order, command: UpdateOrder) -> None:
    """Raises Refused when the step would move what the caller's rights do not reach."""
    here = {f.number for f in order.fulfilments if f.location_id in command.within}
    if command.update == "allocate":
        theirs = False  # where an order is served from is the region's matter
    elif command.fulfilment is not None:
        theirs = command.fulfilment in here or all(f.number != command.fulfilment for f in order.fulfilments)
    elif command.update == "cancel":
        theirs = bool(here) and len(here) == len(order.fulfilments)
    else:
        theirs = bool(here)
    if not theirs:
        raise Refused("order.location_forbidden", f"Your rights don't reach what {command.update} would move.")


def _status(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: OrderStatusView(context.entity_id, version, status_of(state)))


def _view(context: Context, events: list[Event]) -> Decision:
    return Decision(events, lambda state, version: order_view(context.entity_id, state, version))


def _asks(plan: allocation.Plan, first_number: int) -> list[Ask]:
    return [Ask(first_number + i, place, sorted(part.items())) for i, (place, part) in enumerate(plan)]


def _others(places: Sequence[Place], asks: Iterable[Ask]) -> list[Place]:
    asked = {ask.location_id for ask in asks}
    return [place for place in places if place.location_id not in asked]


def _asked(order: Order, asks: list[Ask], places: Sequence[Place], *, retry: bool = False) -> AllocationAsked:
    """A later round, or a further question of the same."""
    return AllocationAsked(asks, _others(places, asks), retry, order.channel, life_days=order.life_days or {})


def _place(state: Order | None, command: PlaceOrder, context: Context) -> Decision:
    if state is not None:
        raise Refused("order.exists", f"Order {context.entity_id} exists already.", order_id=context.entity_id)
    if command.unclaimable:
        # That it is the order that refuses lets a repeated placement be answered as the first one was, whatever has become of the cart.
        detail = "The reservation can't be ordered any more: place the order without it."
        raise Refused(command.unclaimable, detail, reservation_id=command.reservation_id)
    need = wanted_of(command.lines, command.kits)
    claims = bool(command.reservation_id)
    plan: allocation.Plan = []
    if not claims:
        plan = command.plan if command.plan is not None else allocation.plan(need, command.places)
    asks = _asks(plan, 1)
    placed = OrderPlaced(
        command.order_ref, command.channel, command.customer_ref, command.country, command.ship_to, command.currency,
        command.lines, command.places if not asks else [], context.command_id,
        None if asks or claims else context.now_ms + RETRY_FIRST_MS, command.owner, command.sealed,
        command.email_digest, command.reservation_id, command.splits, command.sourcing,
        _promised_by(command, plan, need) if command.promised else None, command.kits, command.life_days,
    )  # fmt: skip
    channel = command.channel if command.buffered else ""
    others = _others(command.places, asks)
    asked = [AllocationAsked(asks, others, False, channel, command.promised, command.life_days or {})] if asks else []
    decision = _view(context, [placed, *asked])
    decision.provisional = bool(asks) or claims
    return decision


def _promised_by(command: PlaceOrder, plan: allocation.Plan, need: allocation.Need) -> int | None:
    """When all of it shall be there. Nothing is promised of an order of which something is missing, nor of a cart's, which lies where it lies."""
    planned = allocation.need_of((sku, units) for _, part in plan for sku, units in part.items())
    return None if command.reservation_id or planned != need else max(command.promised)


def _answered(order: Order, command: ReservationAnswered, context: Context) -> Decision:
    fulfilment = next((f for f in order.fulfilments if f.number == command.number), None)
    if order.cancelled or fulfilment is None or fulfilment.status != "reserving":
        if not command.lines:
            return _status(context)
        return _status(context, ReservationReturned(command.number, command.location_id, command.lines))
    if any(f.status == "reserving" and f is not fulfilment for f in order.fulfilments):
        settled = ReservationSettled(command.number, command.lines, over=False)
        return _status(context, settled, *order_floor.handed(order, command))
    handed = order_floor.handed(order, command)
    missing = missing_of(order)
    for sku, units in fulfilment.lines:
        missing[sku] = missing.get(sku, 0) + units
    for sku, units in command.lines:
        missing[sku] -= units
    missing = {sku: units for sku, units in missing.items() if units > 0}
    splits = order.splits - order.served - bool(command.lines)
    asks = (
        _asks(allocation.plan(missing, order.candidates, splits), order.next_number) if missing and splits > 0 else []
    )
    if asks:
        settled = ReservationSettled(command.number, command.lines, over=False)
        asked = _asked(order, asks, order.candidates)
        return _status(context, settled, asked, *handed)
    retry_at = _retry_at(order, context) if missing else None
    settled = ReservationSettled(command.number, command.lines, over=True, retry_at_ms=retry_at)
    decision = _status(context, settled, *handed)
    return _final(order, decision, context)


def _final(order: Order, decision: Decision, context: Context) -> Decision:
    """With the answer that is still owed to who placed the order."""
    if order.place_command:
        final = Answer(order.place_command, lambda state, version: order_view(context.entity_id, state, version))
        decision.answers.append(final)
    return decision


def _cart_answered(order: Order, command: CartAnswered, context: Context) -> Decision:
    if order.claiming != command.reservation_id:
        return _status(context)
    if order.cancelled:
        return _status(context, CartReturned(command.reservation_id, command.parts))
    first = order.next_number
    converts = [Ask(first + i, part.location_id, part.lines) for i, part in enumerate(command.parts)]
    missing = missing_of(order)
    for part in command.parts:
        for sku, units in part.lines:
            missing[sku] -= units
    missing = {sku: units for sku, units in missing.items() if units > 0}
    splits = order.splits - len(converts)
    plan = allocation.plan(missing, order.candidates, splits) if missing and splits > 0 else []
    asks = _asks(plan, first + len(converts))
    over = not converts and not asks
    retry_at = _retry_at(order, context) if over else None
    events: list[Event] = [CartClaimed(command.reservation_id, converts, command.code, over, retry_at)]
    if asks:
        events.append(_asked(order, asks, order.candidates))
    decision = _status(context, *events)
    return _final(order, decision, context) if over else decision


def _retry_at(order: Order, context: Context) -> int | None:
    if order.retries >= RETRIES_MAX:
        return None
    return context.now_ms + min(RETRY_INTERVAL_MAX_MS, RETRY_FIRST_MS << order.retries)


def _ask_again(order: Order, places: list[Place], context: Context, *, by_timer: bool) -> AllocationAsked | None:
    missing = missing_of(order)
    asks = _asks(allocation.plan(missing, places, order.splits), order.next_number) if missing else []
    return _asked(order, asks, places, retry=by_timer) if asks else None


def _retry(order: Order, context: Context) -> Decision:
    busy = order.cancelled or is_asking(order)
    # Nobody told the order what is where by now: it asks the places that it knows for everything, nearest first.
    places = [Place(place, missing_of(order)) for place in order.retry_places]
    asked = None if busy else _ask_again(order, places, context, by_timer=True)
    return _status(context, asked if asked is not None else RetrySkipped())


def _allocate(order: Order, command: UpdateOrder, context: Context) -> Decision:
    if order.cancelled or is_asking(order) or not missing_of(order):
        raise _illegal(order, command, context)
    asked = _ask_again(order, command.places, context, by_timer=False)
    return _status(context, asked) if asked is not None else _status(context)


def _step(order: Order, command: UpdateOrder, context: Context) -> Decision:
    legal, to = STEPS[command.update]
    moving = [f for f in _chosen(order, command, context) if f.status in legal]
    if not moving or order.cancelled:
        raise _illegal(order, command, context)
    if to in TELLS_LOCATION:
        moves = [Move(f.number, f.location_id, f.lines) for f in moving]
    else:
        moves = [Move(f.number) for f in moving]
    left = order_floor.left(order, moving, to) if order.at_floors else ()
    return _status(context, FulfilmentsMoved(to, moves, command.occurred_at_ms), *left)


def _chosen(order: Order, command: UpdateOrder, context: Context) -> list[Fulfilment]:
    if command.fulfilment is None:
        within = command.within
        return [f for f in order.fulfilments if f.location_id in within] if within else order.fulfilments
    chosen = [f for f in order.fulfilments if f.number == command.fulfilment]
    if not chosen:
        name = fulfilment_id(context.entity_id, command.fulfilment)
        raise Refused("order.fulfilment_unknown", f"There is no fulfilment {name}.", fulfilment_id=name)
    return chosen


def _short_pick(order: Order, command: UpdateOrder, context: Context) -> Decision:
    picking = [f for f in _chosen(order, command, context) if f.status == "picking"]
    if order.cancelled or not picking:
        raise _illegal(order, command, context)
    if len(picking) > 1:
        raise Refused("order.fulfilment_required", "Several fulfilments are being picked: name one.")
    fulfilment, short = picking[0], allocation.need_of(command.lines)
    if order.at_floors and not command.by_floor:
        order_floor.check_not_there(order, fulfilment)
    held = dict(fulfilment.lines)
    for sku, units in short.items():
        if units > held.get(sku, 0):
            detail = f"The fulfilment holds {held.get(sku, 0)} units of {sku}."
            raise Refused("order.short_pick_too_much", detail, sku=sku, held=held.get(sku, 0))
    lines = sorted(short.items())
    for sku, units in allocation.need_of((sku, units) for sku, _, units in command.lots).items():
        if units > short.get(sku, 0):
            detail = f"Lots of {units} units of {sku} are named, of {short.get(sku, 0)} that are missing."
            raise Refused("order.short_pick_lots", detail, sku=sku, missing=short.get(sku, 0))
    at_ms = context.now_ms + RETRY_FIRST_MS
    picked = ShortPicked(fulfilment.number, fulfilment.location_id, lines, at_ms, command.lots)
    # Other places may have it: they are asked at once, the one that came up short is not. Where nobody was seen to have any, those that the order knows.
    others = [place for place in command.places if place.location_id != fulfilment.location_id]
    places = [place for place in others if any(place.available.values())]
    places = places or [Place(place, short) for place in order.retry_places if place != fulfilment.location_id]
    asks = _asks(allocation.plan(short, places, order.splits), order.next_number)
    asked = [_asked(order, asks, places)] if asks else []
    return _status(context, picked, *asked)


def _cancel(order: Order, command: UpdateOrder, context: Context) -> Decision:
    if order.cancelled or any(f.status in ("shipped", "delivered") for f in order.fulfilments):
        raise _illegal(order, command, context)
    held = [f for f in order.fulfilments if f.status in STEPS["cancel"][0] and f.lines]
    released = [Ask(f.number, f.location_id, f.lines) for f in held]
    left = order_floor.left(order, order.fulfilments, "cancelled") if order.at_floors else ()
    return _final(order, _status(context, OrderCancelled(released, command.occurred_at_ms), *left), context)


def _rectify(order: Order, command: RectifyOrder, context: Context) -> Decision:
    if order.forgotten:
        raise Refused("order.person_erased", "The person was erased: there is nothing to correct.")
    if (command.sealed, command.order_ref) == (order.sealed, order.order_ref):
        return _status(context)
    rectified = OrderRectified(command.order_ref, command.sealed, command.email_digest)
    return _status(context, rectified)


def _forget(order: Order, context: Context) -> Decision:
    status = status_of(order)
    if is_under_way(status, order.updated_at_ms, context.now_ms):
        detail = f"The order is {status}: it has to be known yet to whom it goes."
        raise Refused("order.under_way", detail, order_id=context.entity_id, status=status)
    return _status(context, *([] if order.forgotten else [PersonForgotten()]))


def allowed_updates(order: Order) -> list[str]:
    """The updates that are legal now, for at least one fulfilment."""
    if order.cancelled:
        return []
    statuses = {f.status for f in order.fulfilments}
    allowed = [step for step, (legal, _) in STEPS.items() if statuses.intersection(legal)]
    if "cancel" not in allowed and not statuses & {"shipped", "delivered", "cancelled"}:
        allowed.append("cancel")
    if not is_asking(order) and missing_of(order):
        allowed.append("allocate")
    return allowed


def _illegal(order: Order, command: UpdateOrder, context: Context) -> Refused:
    status, allowed = status_of(order), allowed_updates(order)
    more = order_floor.facts(order, command) if command.by_floor else {}
    return Refused(
        "order.illegal_transition",
        f"{command.update} is not possible while the order is {status}.",
        order_id=context.entity_id, update=command.update, status=status, allowed=allowed, **more,
    )  # fmt: skip


# --- projections ----------------------------------------------------------------------------------------------------
def view(state: Order | None, query: ViewOrder | ViewContact, version: int) -> msgspec.Struct:
    """The whole order, or how its customer can be reached."""
    if state is None:
        raise _unknown(query.order_id)
    if type(query) is ViewContact:
        return OrderContact(query.order_id, state.email_digest, state.sealed, state.ship_to.country)
    assert type(query) is ViewOrder
    check_asker(state, query.order_id, query.asker)
    return order_view(query.order_id, state, version)


def rows(state: Order, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The order's one row, whole when it is new or whose it is has changed."""
    if any(type(event) in _WHOLE_ROW for event in events):
        return [order_row(context.entity_id, state, version)]
    return [order_change(context.entity_id, state, version)]


def restore(entity_id: str, stored: StoredRows) -> tuple[Order, int] | None:
    """The state and version from the order's stored row."""
    found = stored.get("orders")
    return (restored(found[0].state), found[0].version) if found else None


ORDER = Kind(
    name="order",
    commands=Command,
    events=Event,
    queries=ViewOrder | ViewContact,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(OrderRow,),
    restore=restore,
    rows=rows,
    messages=messages,
    on_reply=on_reply,
    due=lambda order: None if order.cancelled else order.retry_at_ms,
    wake=RetryAllocation,
)
