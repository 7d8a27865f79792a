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
`RETRY_FIRST_MS`, then at doubled intervals, and at once on the update `allocate`.

An order and its locations talk by messages that are part of its events (`messages`): it asks a location to reserve and goes on
when the answer comes back as `ReservationAnswered`. The answer to `PlaceOrder` is provisional until the round is over. An answer
that comes after a cancellation is given back.

Who ordered, and where it goes, may be corrected at any time (RectifyOrder), and is taken out of an order that is over (ForgetPerson): what was
bought, when, for how much and in which country stays, as books and invoices need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import allocation, location_commands
from actors.domain.allocation import SPLIT_MAX, Place
from actors.domain.errors import Refused
from actors.domain.kind import Answer, Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.location_state import Reserved
from actors.domain.order_commands import (
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
from actors.domain.order_state import (
    Fulfilment,
    FulfilmentStatus,
    Order,
    OrderContact,
    OrderStatusView,
    ShipTo,
    ViewContact,
    ViewOrder,
    fulfilment_id,
    is_under_way,
    missing_of,
    order_change,
    order_row,
    order_view,
    restored,
    status_of,
)
from actors.domain.rows import OrderRow

RETRY_FIRST_MS = 60_000
RETRY_INTERVAL_MAX_MS = 3_600_000
RETRIES_MAX = 12
RETRY_PLACES_MAX = 8


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
# Steps of which the location has to know.
_TELLS_LOCATION = frozenset({"packed", "shipped", "cancelled"})


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


def _place(state: Order | None, command: PlaceOrder, context: Context) -> Decision:
    if state is not None:
        raise Refused("order.exists", f"Order {context.entity_id} exists already.", order_id=context.entity_id)
    need = allocation.need_of((line.sku, line.quantity) for line in command.lines)
    asks = _asks(allocation.plan(need, command.places), 1)
    placed = OrderPlaced(
        command.order_ref, command.channel, command.customer_ref, command.country, command.ship_to, command.currency,
        command.lines, command.places if not asks else [], context.command_id,
        None if asks else context.now_ms + RETRY_FIRST_MS, command.owner, command.sealed,
        command.email_digest,
    )  # fmt: skip
    if not asks:
        return _view(context, [placed])
    decision = _view(context, [placed, AllocationAsked(asks, _others(command.places, asks))])
    decision.provisional = True
    return decision


def _answered(order: Order, command: ReservationAnswered, context: Context) -> Decision:
    fulfilment = next((f for f in order.fulfilments if f.number == command.number), None)
    if order.cancelled or fulfilment is None or fulfilment.status != "reserving":
        if not command.lines:
            return _status(context)
        return _status(context, ReservationReturned(command.number, command.location_id, command.lines))
    if any(f.status == "reserving" and f is not fulfilment for f in order.fulfilments):
        return _status(context, ReservationSettled(command.number, command.lines, over=False))
    missing = missing_of(order)
    for sku, units in fulfilment.lines:
        missing[sku] = missing.get(sku, 0) + units
    for sku, units in command.lines:
        missing[sku] -= units
    missing = {sku: units for sku, units in missing.items() if units > 0}
    splits = SPLIT_MAX - order.served - bool(command.lines)
    asks = (
        _asks(allocation.plan(missing, order.candidates, splits), order.next_number) if missing and splits > 0 else []
    )
    if asks:
        settled = ReservationSettled(command.number, command.lines, over=False)
        return _status(context, settled, AllocationAsked(asks, _others(order.candidates, asks)))
    retry_at = _retry_at(order, context) if missing else None
    decision = _status(context, ReservationSettled(command.number, command.lines, over=True, retry_at_ms=retry_at))
    if order.place_command:
        final = Answer(order.place_command, lambda state, version: order_view(context.entity_id, state, version))
        decision.answers.append(final)
    return decision


def _retry_at(order: Order, context: Context) -> int | None:
    if order.retries >= RETRIES_MAX:
        return None
    return context.now_ms + min(RETRY_INTERVAL_MAX_MS, RETRY_FIRST_MS << order.retries)


def _ask_again(order: Order, places: list[Place], context: Context, *, by_timer: bool) -> AllocationAsked | None:
    missing = missing_of(order)
    asks = _asks(allocation.plan(missing, places), order.next_number) if missing else []
    return AllocationAsked(asks, _others(places, asks), retry=by_timer) if asks else None


def _retry(order: Order, context: Context) -> Decision:
    busy = order.cancelled or any(f.status == "reserving" for f in order.fulfilments)
    # Nobody told the order what is where by now: it asks the places that it knows for everything, nearest first.
    places = [Place(place, missing_of(order)) for place in order.retry_places]
    asked = None if busy else _ask_again(order, places, context, by_timer=True)
    return _status(context, asked if asked is not None else RetrySkipped())


def _allocate(order: Order, command: UpdateOrder, context: Context) -> Decision:
    asking = any(f.status == "reserving" for f in order.fulfilments)
    if order.cancelled or asking or not missing_of(order):
        raise _illegal(order, command, context)
    asked = _ask_again(order, command.places, context, by_timer=False)
    return _status(context, asked) if asked is not None else _status(context)


def _step(order: Order, command: UpdateOrder, context: Context) -> Decision:
    legal, to = STEPS[command.update]
    moving = [f for f in _chosen(order, command, context) if f.status in legal]
    if not moving or order.cancelled:
        raise _illegal(order, command, context)
    if to in _TELLS_LOCATION:
        moves = [Move(f.number, f.location_id, f.lines) for f in moving]
    else:
        moves = [Move(f.number) for f in moving]
    return _status(context, FulfilmentsMoved(to, moves, command.occurred_at_ms))


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
    held = dict(fulfilment.lines)
    for sku, units in short.items():
        if units > held.get(sku, 0):
            detail = f"The fulfilment holds {held.get(sku, 0)} units of {sku}."
            raise Refused("order.short_pick_too_much", detail, sku=sku, held=held.get(sku, 0))
    lines = sorted(short.items())
    picked = ShortPicked(fulfilment.number, fulfilment.location_id, lines, context.now_ms + RETRY_FIRST_MS)
    # Other places may have it: they are asked at once, the one that came up short is not.
    places = [Place(place, short) for place in order.retry_places if place != fulfilment.location_id]
    asks = _asks(allocation.plan(short, places), order.next_number)
    return _status(context, picked, AllocationAsked(asks, _others(places, asks))) if asks else _status(context, picked)


def _cancel(order: Order, command: UpdateOrder, context: Context) -> Decision:
    if order.cancelled or any(f.status in ("shipped", "delivered") for f in order.fulfilments):
        raise _illegal(order, command, context)
    held = [f for f in order.fulfilments if f.status in STEPS["cancel"][0] and f.lines]
    released = [Ask(f.number, f.location_id, f.lines) for f in held]
    decision = _status(context, OrderCancelled(released, command.occurred_at_ms))
    if order.place_command:
        final = Answer(order.place_command, lambda state, version: order_view(context.entity_id, state, version))
        decision.answers.append(final)
    return decision


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
    if "reserving" not in statuses and missing_of(order):
        allowed.append("allocate")
    return allowed


def _illegal(order: Order, command: UpdateOrder, context: Context) -> Refused:
    status, allowed = status_of(order), allowed_updates(order)
    return Refused(
        "order.illegal_transition",
        f"{command.update} is not possible while the order is {status}.",
        order_id=context.entity_id, update=command.update, status=status, allowed=allowed,
    )  # fmt: skip


# --- evolve ---------------------------------------------------------------------------------------------------------
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
    return state


def _placed(event: OrderPlaced, context: Context) -> Order:
    return Order(
        event.order_ref, event.channel, event.customer_ref, event.country, event.ship_to, event.currency, event.lines, [],
        context.now_ms, context.now_ms, place_command=event.command_id if event.retry_at_ms is None else "",
        candidates=[], retry_places=[place.location_id for place in event.places[:RETRY_PLACES_MAX]],
        retry_at_ms=event.retry_at_ms, units=sum(line.quantity for line in event.lines),
        total_minor=sum(line.quantity * line.amount for line in event.lines), owner=event.owner, sealed=event.sealed,
        email_digest=event.email_digest,
    )  # fmt: skip


def _numbered(order: Order, number: int) -> Fulfilment:
    for fulfilment in order.fulfilments:
        if fulfilment.number == number:
            return fulfilment
    raise AssertionError(f"no fulfilment {number}")


def _evolve_asked(order: Order, event: AllocationAsked) -> None:
    order.fulfilments.extend(Fulfilment(ask.number, ask.location_id, "reserving", ask.lines) for ask in event.asks)
    order.next_number = event.asks[-1].number + 1
    order.candidates = event.places
    order.retry_at_ms = None
    order.retries += event.retry
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


def _evolve_forgotten(order: Order) -> None:
    order.order_ref = order.customer_ref = order.owner = order.email_digest = ""
    order.sealed, order.ship_to, order.forgotten = b"", ShipTo(order.ship_to.country), True
    # What is near to where it went.
    order.candidates, order.retry_places, order.retry_at_ms = [], [], None


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(order_id: str, event: Event) -> Iterable[Message]:
    """What the locations have to be told or asked because of `event`."""
    if type(event) is AllocationAsked:
        for ask in event.asks:
            reserve = location_commands.Reserve(order_id, ask.number, ask.lines)
            yield Message("location", ask.location_id, reserve, on_reply=True)
    elif type(event) is FulfilmentsMoved and event.to in _TELLS_LOCATION:
        command = {
            "packed": location_commands.Pick,
            "shipped": location_commands.Ship,
            "cancelled": location_commands.Release,
        }[event.to]
        for move in event.moves:
            if move.lines:
                yield Message("location", move.location_id, command(order_id, move.number, move.lines))
    elif type(event) is ShortPicked:
        yield Message("location", event.location_id, location_commands.ShortPick(order_id, event.number, event.lines))
    elif type(event) is OrderCancelled:
        for ask in event.released:
            yield Message("location", ask.location_id, location_commands.Release(order_id, ask.number, ask.lines))
    elif type(event) is ReservationReturned:
        yield Message("location", event.location_id, location_commands.Release(order_id, event.number, event.lines))


_decode_reserved = msgspec.json.Decoder(Reserved).decode


def on_reply(message: Message, reply: bytes, refused: bool) -> ReservationAnswered:
    """A location that refuses (it is unknown) has reserved nothing."""
    reserve = message.command
    assert type(reserve) is location_commands.Reserve
    return ReservationAnswered(reserve.fulfilment, message.entity_id, [] if refused else _decode_reserved(reply).lines)


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
