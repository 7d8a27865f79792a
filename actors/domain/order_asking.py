"""How an order asks places for its goods: at its placement, in later rounds, by its timer, for more, and for what was
not found. The rules are in `order.py`.

A round asks by a plan (`allocation.py`, or by what the order was placed on, `order_terms_plan.py`); what a place did
not give, the next are asked for, until nobody is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import (
    allocation,
    order_changes,
    order_dates,
    order_floor,
    order_holds,
    order_packing,
    order_pickup,
    order_pickup_late,
    order_terms,
    order_terms_plan,
    order_waiting,
)
from actors.domain.allocation import Need, Place, Plan
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision
from actors.domain.order_commands import (
    CartAnswered,
    PlaceOrder,
    ReservationAnswered,
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
    OrderPlaced,
    ReservationReturned,
    ReservationSettled,
    RetrySkipped,
    ShortPicked,
)
from actors.domain.order_replies import final, status, view_of
from actors.domain.order_state import (
    Fulfilment,
    Order,
    is_asking,
    missing_of,
    wanted_of,
)
from actors.domain.order_steps import chosen, illegal
from actors.domain.order_terms_commands import ChangeOrder
from actors.domain.order_terms_events import UnitsGivenBack
from actors.domain.times import HOUR_MS

RETRY_FIRST_MS = 60_000
RETRY_INTERVAL_MAX_MS = HOUR_MS
RETRIES_MAX = 12


def place(state: Order | None, command: PlaceOrder, context: Context) -> Decision:
    """The order, and whom it asks first. Raises Refused `order.exists`, `pickup.unavailable`, and
    what a cart is over with."""
    if state is not None:
        raise Refused("order.exists", f"Order {context.entity_id} exists already.", order_id=context.entity_id)
    if command.unclaimable:
        # That it is the order that refuses lets a repeated placement be answered as the first one was,
        # whatever has become of the cart.
        detail = "The reservation can't be ordered any more: place the order without it."
        raise Refused(command.unclaimable, detail, reservation_id=command.reservation_id)
    need = wanted_of(command.lines, command.kits)
    terms = None if command.terms is None else order_terms_plan.shape_of(command.terms, command.lines, command.kits)
    claims = bool(command.reservation_id)
    # Who claims a cart asks nobody before that has answered.
    out, plan = (need, []) if claims else _first_plan(command, need, terms, context)
    asks = _asks(plan, 1)
    retry_at_ms = None if asks or claims else context.now_ms + RETRY_FIRST_MS
    promised_by_ms = _promised_by(command, plan, need) if command.promised else None
    events: list[Event] = [_placed(command, context, retry_at_ms, promised_by_ms, [] if asks else command.places)]
    if asks:
        events.append(_first_asked(command, asks, terms, out))
    if command.pickup is not None:
        events.extend(order_pickup.placed(command, command.pickup, need, bool(asks), context))
    if not asks and not claims:
        return view_of(context, events)
    # The whole order is told with the final answer; who can't wait for it looks. What is
    # answered is kept, so it is short.
    decision = status(context, *events)
    decision.provisional = True
    return decision


def _first_plan(command: PlaceOrder, need: Need, terms: order_terms_plan.Shape | None, context: Context) -> tuple[Need, Plan]:  # fmt: skip
    """(what is out, whom to ask for what of it): as sourcing decided, or by what places were seen to have."""
    out, backorder = need, command.backorder
    if backorder is not None:
        whole = backorder.whole or (terms is not None and terms.together)
        out = order_waiting.released(need, backorder, context.now_ms, whole=whole)
    if command.plan is not None:
        return out, command.plan
    if not out:
        return out, []
    if terms is None:
        return out, allocation.plan(out, command.places, command.splits)
    return out, order_terms_plan.plan(terms, out, command.places, command.splits)


def _placed(
    command: PlaceOrder, context: Context, retry_at_ms: int | None, promised_by_ms: int | None, places: list[Place]
) -> OrderPlaced:  # fmt: skip
    """places: whom it may ask later, where nobody is asked now."""
    backorder = command.backorder
    if command.reservation_id and backorder is not None:
        # What a cart has kept stays the order's, however much of it that is.
        backorder = msgspec.structs.replace(backorder, whole=False)
    return OrderPlaced(
        command.order_ref, command.channel, command.customer_ref, command.country, command.ship_to, command.currency,
        command.lines, places, context.command_id,
        retry_at_ms=retry_at_ms,
        owner=command.owner,
        sealed=command.sealed,
        email_digest=command.email_digest,
        reservation_id=command.reservation_id,
        splits=command.splits,
        sourcing=command.sourcing,
        promised_by_ms=promised_by_ms,
        kits=command.kits,
        life_days=command.life_days,
        terms=command.terms,
        backorder=backorder,
        pickup=command.pickup,
        placed_by=command.placed_by,
    )  # fmt: skip


def _first_asked(command: PlaceOrder, asks: list[Ask], terms: order_terms_plan.Shape | None, out: Need) -> AllocationAsked:  # fmt: skip
    channel = command.channel if command.buffered else ""
    others, life_days = _others(command.places, asks), command.life_days or {}
    stands = [] if terms is None else order_terms_plan.stand_ins(terms, out, ((ask.number, ask.lines) for ask in asks))
    return AllocationAsked(asks, others, False, channel, command.promised, life_days, command.transit, stands)


def _promised_by(command: PlaceOrder, plan: Plan, need: Need) -> int | None:
    """When all of it shall be there. Nothing is promised of an order of which something is missing, nor of a cart's,
    which lies where it lies."""
    planned = allocation.need_of((sku, units) for _, part in plan for sku, units in part.items())
    # What stands in is promised as well.
    whole = planned == need if command.terms is None else sum(planned.values()) == sum(need.values())
    return None if command.reservation_id or not whole else max(command.promised)


def answered(order: Order, command: ReservationAnswered, context: Context) -> Decision:
    """A place has answered: it goes on asking, or the round is over."""
    fulfilment = next((f for f in order.fulfilments if f.number == command.number), None)
    if order.cancelled or fulfilment is None or fulfilment.status != "reserving":
        if not command.lines:
            return status(context)
        return status(context, ReservationReturned(command.number, command.location_id, command.lines))
    if order.pickup is not None:
        events, known = order_pickup.answered(order, fulfilment, command, next_retry_ms(order, context), context)
        return final(order, status(context, *events), context) if known else status(context, *events)
    taken = None if order.terms is None else order_terms.taken(order, fulfilment, command)
    if taken is not None:
        return _settled(order, fulfilment, taken.command, taken.missing, context, taken.events)
    if command.lines and not order_waiting.unused(order):
        # While it asked, it was offered some of that by a line.
        lines, rest = order_waiting.split(order, command.lines)
        if rest:
            command = msgspec.structs.replace(command, lines=lines)
            decision = _settled(order, fulfilment, command, None, context)
            decision.events.append(ReservationReturned(command.number, command.location_id, rest))
            return decision
    return _settled(order, fulfilment, command, None, context)


def _settled(
    order: Order,
    fulfilment: Fulfilment,
    command: ReservationAnswered,
    missing: Need | None,
    context: Context,
    before: Sequence[Event] = (),
) -> Decision:
    """missing: what is when nobody is asked any more; None: as it follows from what is there."""
    if any(f.status == "reserving" and f is not fulfilment for f in order.fulfilments):
        settled = ReservationSettled(command.number, command.lines, over=False)
        return status(context, *before, settled, *order_floor.handed(order, command))
    handed = order_floor.handed(order, command)
    if missing is None:
        missing = order_waiting.lacking_after(order, command.lines)
    out = _out(order, missing, context)
    splits = order.splits - order.served - bool(command.lines)
    asks = _asks(_plan(order, out, order.candidates, splits), order.next_number) if out and splits > 0 else []
    if asks:
        settled = ReservationSettled(command.number, command.lines, over=False)
        asked = _asked(order, asks, order.candidates, out)
        return status(context, *before, settled, asked, *handed)
    retry_at = next_retry_ms(order, context) if missing else None
    settled = ReservationSettled(command.number, command.lines, over=True, retry_at_ms=retry_at)
    decision = status(context, *before, settled, *handed)
    return final(order, decision, context)


def cart_answered(order: Order, command: CartAnswered, context: Context) -> Decision:
    """The cart has answered: its units are converted where they lie, the rest is asked for."""
    if order.claiming != command.reservation_id:
        return status(context)
    if order.cancelled:
        return status(context, CartReturned(command.reservation_id, command.parts))
    command, before = (command, []) if order.terms is None else order_terms.cart_taken(order, command)
    first = order.next_number
    converts = [Ask(first + i, part.location_id, part.lines) for i, part in enumerate(command.parts)]
    missing = order_waiting.lacking_after(order, (line for part in command.parts for line in part.lines))
    splits = order.splits - len(converts)
    out = _out(order, missing, context)
    plan = _plan(order, out, order.candidates, splits) if out and splits > 0 else []
    asks = _asks(plan, first + len(converts))
    over = not converts and not asks
    retry_at = next_retry_ms(order, context) if over else None
    events: list[Event] = [*before, CartClaimed(command.reservation_id, converts, command.code, over, retry_at)]
    if asks:
        events.append(_asked(order, asks, order.candidates, out))
    decision = status(context, *events)
    return final(order, decision, context) if over else decision


def retry(order: Order, context: Context) -> Decision:
    """The timer went off: places are asked anew, or holds told that stand too long, or another date."""
    overdue = [*order_holds.overdue(order, context), *order_dates.due(order, context)]
    if overdue and (order.retry_at_ms is None or order.retry_at_ms > context.now_ms):
        return status(context, *overdue)
    busy = order.cancelled or is_asking(order) or order_pickup_late.stopped(order)
    # Nobody told the order what is where by now: it asks the places that it knows for everything, nearest first.
    names, missing = order_waiting.retry_places(order), missing_of(order)
    if order.terms is None:
        places = [Place(name, order_waiting.wanted_at(order, name, missing)) for name in names]
    else:
        places = [
            Place(one.location_id, order_waiting.wanted_at(order, one.location_id, one.available))
            for one in order_terms.retry_places(order, missing, names)
        ]
    asked = None if busy else _ask_again(order, places, context, by_timer=True)
    if asked is None and not busy and order.terms is not None:
        # With what may stand in this time there is no plan: for the goods themselves there may be.
        places = [Place(name, order_waiting.wanted_at(order, name, missing)) for name in names]
        asked = _ask_again(order, places, context, by_timer=True)
    if asked is None and not busy and missing:
        return status(context, *overdue, order_waiting.parked(order, context))
    return status(context, *overdue, asked if asked is not None else RetrySkipped())


def change(order: Order, command: ChangeOrder, context: Context) -> Decision:
    """What may be changed is changed, and more is asked for. Raises Refused as `order_changes.change` does."""
    outcome = order_changes.change(order, command, context, context.now_ms + RETRY_FIRST_MS)
    events, more = list(outcome.events), outcome.more
    out = _out(order, more, context)
    asks = _asks(_plan(order, out, command.places, order.splits), order.next_number) if out else []
    if asks:
        events.append(_asked(order, asks, command.places, out))
    return Decision(events, lambda state, version: order_changes.told(context.entity_id, version, state, outcome))


def allocate(order: Order, command: UpdateOrder, context: Context) -> Decision:
    """Places that were seen to have what is missing are asked. Raises Refused `order.illegal_transition`."""
    if order.cancelled or is_asking(order) or not missing_of(order):
        raise illegal(order, command, context)
    asked = _ask_again(order, command.places, context, by_timer=False)
    return status(context, asked) if asked is not None else status(context)


def short_pick(order: Order, command: UpdateOrder, context: Context) -> Decision:
    """Units were not found: others are asked at once. A shipment that takes the fulfilment to hold something else is
    told what it holds, and nothing is written off. Raises Refused `order.fulfilment_changed`,
    `order.illegal_transition`, `order.fulfilment_required`, `order.short_pick_too_much`,
    `order.short_pick_lots`, `order.floor_picks`."""
    order_packing.check_held(order, command)
    # What is packed may be opened again, by the shipment that packs it: its units are set aside until it ships.
    legal = ("picking",) if command.held is None else ("picking", "packed")
    picking = [f for f in chosen(order, command, context) if f.status in legal]
    if order.cancelled or not picking:
        raise illegal(order, command, context)
    if len(picking) > 1:
        raise Refused("order.fulfilment_required", "Several fulfilments are being picked: name one.")
    if command.held is not None and not command.lines:
        return status(context)  # it only asks: all is as it takes it to be
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
    events, wanted = list[Event](), short
    if order.terms is not None:
        events, wanted = _short_with_terms(order, fulfilment, short)
    at_ms = context.now_ms + RETRY_FIRST_MS
    picked = ShortPicked(fulfilment.number, fulfilment.location_id, lines, at_ms, command.lots)
    # Other places may have it: they are asked at once, the one that came up short is not. Where nobody was seen to have
    # any, those that the order knows.
    others = [place for place in command.places if place.location_id != fulfilment.location_id]
    places = [place for place in others if any(place.available.values())]
    known = [name for name in order.retry_places if name != fulfilment.location_id]
    places = places or [Place(name, order_waiting.wanted_at(order, name, wanted)) for name in known]
    asks = _asks(_plan(order, wanted, places, order.splits), order.next_number)
    asked = [_asked(order, asks, places, wanted)] if asks else []
    return status(context, picked, *events, *_emptied(fulfilment, short, command), *asked)


def _emptied(fulfilment: Fulfilment, short: Need, command: UpdateOrder) -> list[Event]:
    """Of what is empty nothing can be packed, so the order would never be over. A floor says itself when it
    has found nothing at all."""
    left = any(units > short.get(sku, 0) for sku, units in fulfilment.lines)
    return [] if left or command.by_floor else [FulfilmentsMoved("cancelled", [Move(fulfilment.number)])]


def _short_with_terms(order: Order, fulfilment: Fulfilment, short: Need) -> tuple[list[Event], Need]:
    """(what else happens, what is missing then). Of a torn group nothing stays there."""
    back = order_terms.torn_by(order, fulfilment, short)
    left = [] if back else [(sku, units - short.get(sku, 0)) for sku, units in fulfilment.lines]
    events = order_terms.stands_left(order, fulfilment, [(sku, units) for sku, units in left if units])
    if back:
        events.append(UnitsGivenBack([(fulfilment.number, fulfilment.location_id, back)]))
    return events, order_terms.short_of(order, fulfilment, short, back)


def _ask_again(order: Order, places: list[Place], context: Context, *, by_timer: bool) -> AllocationAsked | None:
    missing = _out(order, missing_of(order), context)
    asks = _asks(_plan(order, missing, places, order.splits), order.next_number) if missing else []
    return _asked(order, asks, places, missing, retry=by_timer) if asks else None


def _asks(plan: Plan, first_number: int) -> list[Ask]:
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


def _out(order: Order, missing: Need, context: Context) -> Need:
    """What of it may be asked for by now; of goods that come together nothing before all of them are out."""
    terms = order_waiting.terms_of(order)
    if terms is None or not terms.release:
        return missing
    return order_waiting.released(missing, terms, context.now_ms, whole=order_waiting.together(order))


def next_retry_ms(order: Order, context: Context) -> int | None:
    """When a timer would go off next (UTC ms), None when it did so often enough. What is collected waits in no line, so
    its timer never did, unless it is left to people."""
    if order_pickup_late.stopped(order):
        return None
    if order.retries >= RETRIES_MAX:
        if order.pickup is None:
            return None
        return context.now_ms + order_pickup_late.seldom_ms(order.retries - RETRIES_MAX)
    return context.now_ms + min(RETRY_INTERVAL_MAX_MS, RETRY_FIRST_MS << order.retries)
