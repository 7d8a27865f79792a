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

What nobody had, the order waits for in line at the places that it knows, which serve it as soon as they have some (`order_waiting.py`). What is not out yet it does not ask for,
but waits for it in line as well. After that the timer asks only those in whose line it is not.

Units that a location keeps back from the order's channel are not asked for: a first round tells the channel only when somebody was seen to keep any back
(`PlaceOrder.buffered`), so that it costs nothing where nobody does; later rounds, which are few, always tell it.

What a location's floor picks (`floor.py`), the order hands to it, and tells it of the end: packed or cancelled (`order_floor.py`). Units that are missing are
for the floor to tell then, and for nobody else.

Who ordered, and where it goes, may be corrected at any time (RectifyOrder), and is taken out of an order that is over (ForgetPerson): what was
bought, when, for how much and in which country stays, as books and invoices need it.

Holds, what was asked for besides the goods, and changes after the placement are in `order_holds.py`, `order_terms.py`, `order_changes.py`; what follows from them for
floors, and from all-or-nothing, is added to whatever is decided (`order_terms_floor.py`). `docs/domain/order.md` tells it whole.

An order that its customer collects at a store: `order_pickup.py`. It waits in no line (`order_waiting.py`): what the store lacks is brought to it.

What an event changes is in `order_evolve.py`, whom it tells in `order_messages.py`, what callers see in `order_state.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import (
    allocation,
    order_changes,
    order_floor,
    order_holds,
    order_packing,
    order_pickup,
    order_terms,
    order_terms_floor,
    order_terms_plan,
    order_waiting,
)
from actors.domain.allocation import Need, Place, Plan
from actors.domain.errors import Refused
from actors.domain.kind import Answer, Context, Decision, Kind, Row, StoredRows
from actors.domain.order_backorder import LineAnswered, UnitsOffered
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
from actors.domain.order_pickup_commands import MovePickup, PickupMoved, SupplyRequested
from actors.domain.order_promises import rows_of_promises
from actors.domain.order_state import (
    Fulfilment,
    FulfilmentStatus,
    Order,
    OrderContact,
    OrderStatusView,
    OrderView,
    ViewContact,
    ViewOrder,
    copied,
    due_of,
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
from actors.domain.order_terms_commands import ChangeOrder, HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_terms_events import LinesChanged, UnitsGivenBack
from actors.domain.rows import OrderRow
from actors.domain.times import HOUR_MS

RETRY_FIRST_MS = 60_000
RETRY_INTERVAL_MAX_MS = HOUR_MS
RETRIES_MAX = 12


_OF_TERMS = frozenset({HoldOrder, ReleaseOrder, PrioritiseOrder, ChangeOrder})
_WHOLE_ROW = frozenset({OrderPlaced, OrderRectified, PersonForgotten, LinesChanged})
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
    decision = _decided(state, command, context)
    if state is None:
        has_terms = type(command) is PlaceOrder and command.terms is not None
    else:
        has_terms = state.terms is not None or type(command) in _OF_TERMS
    if has_terms and decision.events:
        decision.events.extend(order_terms_floor.follow(state, decision.events, context))
    if (state is not None and state.backorder is not None) or order_waiting.begins(state, decision.events):
        _follow(state, decision, context)
    return decision


def _follow(state: Order | None, decision: Decision, context: Context) -> None:
    """With what the places in whose lines it is have to know because of it."""
    after = copied(state) if state is not None else None
    for event in decision.events:
        after = evolve(after, event, context)
    if after is not None:
        decision.events.extend(order_waiting.follows(after, context, _retry_at(after, context)))


def _decided(state: Order | None, command: Command, context: Context) -> Decision:
    if type(command) is PlaceOrder:
        return _place(state, command, context)
    if state is None:
        raise _unknown(context.entity_id)
    if type(command) is UpdateOrder:
        if command.asker:
            check_asker(state, context.entity_id, command.asker)
        if command.within:
            _check_reach(state, command)
        if state.pickup is not None:
            return _of_pickup(state, order_pickup.narrowed(state, command), context)
        return _update(state, command, context)
    if type(command) is ReservationAnswered:
        return _answered(state, command, context)
    if type(command) is CartAnswered:
        return _cart_answered(state, command, context)
    if type(command) is RetryAllocation:
        return _retry(state, context)
    if type(command) is RectifyOrder:
        return _rectify(state, command, context)
    if type(command) is UnitsOffered:
        return _status(context, *order_waiting.offered(state, command, context))
    if type(command) is LineAnswered:
        return _status(context, *order_waiting.answered(state, command))
    if type(command) is MovePickup:
        events, over = order_pickup.moved(state, command, context.now_ms + RETRY_FIRST_MS)
        return Decision(events, lambda state, version: PickupMoved(over))
    if type(command) is SupplyRequested:
        return _status(context, *order_pickup.requested(state, command))
    if type(command) is ForgetPerson:
        return _forget(state, context)
    return _of_terms(state, command, context)


def _of_terms(order: Order, command: Command, context: Context) -> Decision:
    if type(command) is ChangeOrder:
        check_asker(order, context.entity_id, command.asker)
        order_pickup.check_sent(order)
        return _change(order, command, context)
    if type(command) is HoldOrder:
        return _status(context, *order_holds.hold(order, command, context))
    if type(command) is ReleaseOrder:
        return _status(context, *order_holds.release(order, command, context))
    assert type(command) is PrioritiseOrder
    return _status(context, *order_holds.prioritise(order, command, context))


def _update(state: Order, command: UpdateOrder, context: Context) -> Decision:
    if command.update == "short_pick":
        return _short_pick(state, command, context)
    if command.update == "allocate":
        return _allocate(state, command, context)
    if command.update == "cancel" and command.fulfilment is None:
        return _cancel(state, command, context)
    return _step(state, command, context)


def _of_pickup(state: Order, command: UpdateOrder, context: Context) -> Decision:
    decision = _update(state, command, context)
    told = order_pickup.stopped(state) if command.update == "cancel" else order_pickup.told(state, decision.events)
    decision.events.extend(told)
    return decision


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
    return Decision(events, lambda state, version: _shown(context.entity_id, state, version))


def _shown(order_id: str, order: Order, version: int, *, own: bool = False) -> OrderView:
    if order.backorder is None:
        return order_view(order_id, order, version, own=own)
    return order_view(order_id, order, version, order_waiting.view(order), own=own)


def _asks(plan: allocation.Plan, first_number: int) -> list[Ask]:
    return [Ask(first_number + i, place, sorted(part.items())) for i, (place, part) in enumerate(plan)]


def _plan(order: Order, need: Need, places: Sequence[Place], splits: int) -> Plan:
    if order.terms is None:
        return allocation.plan(need, places, splits)
    return order_terms.planned(order, need, places, splits)


def _others(places: Sequence[Place], asks: Iterable[Ask]) -> list[Place]:
    asked = {ask.location_id for ask in asks}
    return [place for place in places if place.location_id not in asked]


def _asked(
    order: Order, asks: list[Ask], places: Sequence[Place], need: Need, *, retry: bool = False
) -> AllocationAsked:
    """A later round, or a further question of the same."""
    stands = [] if order.terms is None else order_terms.stood(order, need, asks)
    return AllocationAsked(asks, _others(places, asks), retry, order.channel, [], order.life_days or {}, [], stands)


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
    terms = None if command.terms is None else order_terms_plan.shape_of(command.terms, command.lines, command.kits)
    if not claims:
        out = order_waiting.released(need, command.backorder, context.now_ms, whole=bool(terms and terms.together))
        if command.plan is not None:
            plan = command.plan
        elif terms is None:
            plan = allocation.plan(out, command.places) if out else []
        else:
            plan = order_terms_plan.plan(terms, out, command.places, command.splits) if out else []
    asks = _asks(plan, 1)
    placed = OrderPlaced(
        command.order_ref, command.channel, command.customer_ref, command.country, command.ship_to, command.currency,
        command.lines, command.places if not asks else [], context.command_id,
        None if asks or claims else context.now_ms + RETRY_FIRST_MS, command.owner, command.sealed,
        command.email_digest, command.reservation_id, command.splits, command.sourcing,
        _promised_by(command, plan, need) if command.promised else None, command.kits, command.life_days,
        command.terms, command.backorder, command.pickup,
    )  # fmt: skip
    channel = command.channel if command.buffered else ""
    others = _others(command.places, asks)
    stands = [] if terms is None else order_terms_plan.stand_ins(terms, need, ((ask.number, ask.lines) for ask in asks))
    life_days = command.life_days or {}
    asked = (
        [AllocationAsked(asks, others, False, channel, command.promised, life_days, command.transit, stands)]
        if asks
        else []
    )
    supply = (
        () if command.pickup is None else order_pickup.placed(command.pickup, need, bool(asks), command.splits, context)
    )
    decision = _view(context, [placed, *asked, *supply])
    decision.provisional = bool(asks) or claims
    return decision


def _promised_by(command: PlaceOrder, plan: allocation.Plan, need: allocation.Need) -> int | None:
    """When all of it shall be there. Nothing is promised of an order of which something is missing, nor of a cart's, which lies where it lies."""
    planned = allocation.need_of((sku, units) for _, part in plan for sku, units in part.items())
    # What stands in is promised as well.
    whole = planned == need if command.terms is None else sum(planned.values()) == sum(need.values())
    return None if command.reservation_id or not whole else max(command.promised)


def _answered(order: Order, command: ReservationAnswered, context: Context) -> Decision:
    fulfilment = next((f for f in order.fulfilments if f.number == command.number), None)
    if order.cancelled or fulfilment is None or fulfilment.status != "reserving":
        if not command.lines:
            return _status(context)
        return _status(context, ReservationReturned(command.number, command.location_id, command.lines))
    if order.pickup is not None:
        events, final = order_pickup.answered(order, fulfilment, command, _retry_at(order, context), context)
        return _final(order, _status(context, *events), context) if final else _status(context, *events)
    taken = None if order.terms is None else order_terms.taken(order, fulfilment, command)
    if taken is not None:
        return _settled(order, fulfilment, taken.command, taken.missing, context, taken.events)
    if order.backorder is not None and command.lines:
        # While it asked, it was offered some of that by a line.
        lines, rest = order_waiting.split(order, command.lines)
        if rest:
            command = msgspec.structs.replace(command, lines=lines)
            decision = _settled(order, fulfilment, command, _missing_after(order, command), context)
            decision.events.append(ReservationReturned(command.number, command.location_id, rest))
            return decision
    return _settled(order, fulfilment, command, _missing_after(order, command), context)


def _settled(
    order: Order,
    fulfilment: Fulfilment,
    command: ReservationAnswered,
    missing: Need,
    context: Context,
    before: Sequence[Event] = (),
) -> Decision:
    if any(f.status == "reserving" and f is not fulfilment for f in order.fulfilments):
        settled = ReservationSettled(command.number, command.lines, over=False)
        return _status(context, *before, settled, *order_floor.handed(order, command))
    handed = order_floor.handed(order, command)
    out = _out(order, missing, context)
    splits = order.splits - order.served - bool(command.lines)
    asks = _asks(_plan(order, out, order.candidates, splits), order.next_number) if out and splits > 0 else []
    if asks:
        settled = ReservationSettled(command.number, command.lines, over=False)
        asked = _asked(order, asks, order.candidates, missing)
        return _status(context, *before, settled, asked, *handed)
    retry_at = _retry_at(order, context) if missing else None
    settled = ReservationSettled(command.number, command.lines, over=True, retry_at_ms=retry_at)
    decision = _status(context, *before, settled, *handed)
    return _final(order, decision, context)


def _missing_after(order: Order, command: ReservationAnswered) -> Need:
    missing = order_waiting.lacking(order)
    for sku, units in command.lines:
        missing[sku] -= units
    return {sku: units for sku, units in missing.items() if units > 0}


def _out(order: Order, missing: Need, context: Context) -> Need:
    """What of it may be asked for by now; of goods that come together nothing before all of them are out."""
    terms = order_waiting.terms_of(order)
    if terms is None or not terms.release:
        return missing
    together = order.terms is not None and order_terms.shape(order).together
    return order_waiting.released(missing, terms, context.now_ms, whole=together)


def _final(order: Order, decision: Decision, context: Context) -> Decision:
    """With the answer that is still owed to who placed the order."""
    if order.place_command:
        final = Answer(order.place_command, lambda state, version: _shown(context.entity_id, state, version))
        decision.answers.append(final)
    return decision


def _cart_answered(order: Order, command: CartAnswered, context: Context) -> Decision:
    if order.claiming != command.reservation_id:
        return _status(context)
    if order.cancelled:
        return _status(context, CartReturned(command.reservation_id, command.parts))
    command, before = (command, []) if order.terms is None else order_terms.cart_taken(order, command)
    first = order.next_number
    converts = [Ask(first + i, part.location_id, part.lines) for i, part in enumerate(command.parts)]
    missing = missing_of(order)
    for part in command.parts:
        for sku, units in part.lines:
            missing[sku] -= units
    missing = {sku: units for sku, units in missing.items() if units > 0}
    splits = order.splits - len(converts)
    out = _out(order, missing, context)
    plan = _plan(order, out, order.candidates, splits) if out and splits > 0 else []
    asks = _asks(plan, first + len(converts))
    over = not converts and not asks
    retry_at = _retry_at(order, context) if over else None
    events: list[Event] = [*before, CartClaimed(command.reservation_id, converts, command.code, over, retry_at)]
    if asks:
        events.append(_asked(order, asks, order.candidates, missing))
    decision = _status(context, *events)
    return _final(order, decision, context) if over else decision


def _retry_at(order: Order, context: Context) -> int | None:
    if order.retries >= RETRIES_MAX:
        return None
    return context.now_ms + min(RETRY_INTERVAL_MAX_MS, RETRY_FIRST_MS << order.retries)


def _ask_again(order: Order, places: list[Place], context: Context, *, by_timer: bool) -> AllocationAsked | None:
    missing = _out(order, missing_of(order), context)
    asks = _asks(_plan(order, missing, places, order.splits), order.next_number) if missing else []
    return _asked(order, asks, places, missing, retry=by_timer) if asks else None


def _retry(order: Order, context: Context) -> Decision:
    overdue = order_holds.overdue(order, context)
    if overdue and (order.retry_at_ms is None or order.retry_at_ms > context.now_ms):
        return _status(context, *overdue)
    busy = order.cancelled or is_asking(order)
    # Nobody told the order what is where by now: it asks the places that it knows for everything, nearest first.
    names = order_waiting.retry_places(order)
    if order.terms is None:
        places = [Place(place, missing_of(order)) for place in names]
    else:
        places = order_terms.retry_places(order, missing_of(order), names)
    asked = None if busy else _ask_again(order, places, context, by_timer=True)
    if asked is None and not busy and missing_of(order):
        return _status(context, *overdue, order_waiting.parked(order, context))
    return _status(context, *overdue, asked if asked is not None else RetrySkipped())


def _change(order: Order, command: ChangeOrder, context: Context) -> Decision:
    outcome = order_changes.change(order, command, context, context.now_ms + RETRY_FIRST_MS)
    events, more = list(outcome.events), outcome.more
    out = _out(order, more, context)
    asks = _asks(_plan(order, out, command.places, order.splits), order.next_number) if out else []
    if asks:
        events.append(_asked(order, asks, command.places, more))
    return Decision(events, lambda state, version: order_changes.told(context.entity_id, version, state, outcome))


def _allocate(order: Order, command: UpdateOrder, context: Context) -> Decision:
    if order.cancelled or is_asking(order) or not missing_of(order):
        raise _illegal(order, command, context)
    asked = _ask_again(order, command.places, context, by_timer=False)
    return _status(context, asked) if asked is not None else _status(context)


def _step(order: Order, command: UpdateOrder, context: Context) -> Decision:
    legal, to = STEPS[command.update]
    if command.lines:
        order_packing.check_contents(order, command)
    moving = [f for f in _chosen(order, command, context) if f.status in legal]
    if not moving or order.cancelled:
        raise _illegal(order, command, context)
    if order.terms is not None:
        order_terms.check_step(order, command.update, moving, command.fulfilment if command.by_floor else None)
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
    events, wanted = list[Event](), short
    if order.terms is not None:
        events, wanted = _short_with_terms(order, fulfilment, short)
    picked = ShortPicked(fulfilment.number, fulfilment.location_id, lines, context.now_ms + RETRY_FIRST_MS)
    # Other places may have it: they are asked at once, the one that came up short is not. Where nobody was seen to have any, those that the order knows.
    others = [place for place in command.places if place.location_id != fulfilment.location_id]
    places = [place for place in others if any(place.available.values())]
    places = places or [Place(place, wanted) for place in order.retry_places if place != fulfilment.location_id]
    asks = _asks(_plan(order, wanted, places, order.splits), order.next_number)
    asked = [_asked(order, asks, places, wanted)] if asks else []
    return _status(context, picked, *events, *asked)


def _short_with_terms(order: Order, fulfilment: Fulfilment, short: Need) -> tuple[list[Event], Need]:
    """(what else happens, what is missing then). Of a torn group nothing stays there."""
    back = order_terms.torn_by(order, fulfilment, short)
    left = [] if back else [(sku, units - short.get(sku, 0)) for sku, units in fulfilment.lines]
    events = order_terms.stands_left(order, fulfilment, [(sku, units) for sku, units in left if units])
    if back:
        events.append(UnitsGivenBack([(fulfilment.number, fulfilment.location_id, back)]))
    return events, order_terms.short_of(order, fulfilment, short, back)


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
    return _shown(query.order_id, state, version, own=bool(query.asker))


def rows(state: Order, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The order's one row, whole when it is new or whose it is has changed; and whether it is held, when that has changed."""
    held = [] if state.terms is None else order_holds.rows(context.entity_id, state, events)
    more = [*rows_of_promises(state, events, context), *held]
    if any(type(event) in _WHOLE_ROW for event in events):
        return [order_row(context.entity_id, state, version), *more]
    return [order_change(context.entity_id, state, version), *more]


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
    due=due_of,
    wake=RetryAllocation,
)
