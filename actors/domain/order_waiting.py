"""An order that lacks units waits in line at the places that it knows. The rules of the order are in `order.py`, those
of a line in `location_waiting.py`.

    a round is over, something is missing ──WaitingAsked──▶ in line at ≤ 8 places ──UnitsOffered──▶ it takes what it lacks (`BackorderFilled`)
                                                                ▲                                     and gives back the rest (`OfferReturned`)
                                                                └── told anew whenever it lacks something else; nothing: it leaves

Each place is told one thing at a time, and the next once it has answered, so what it knows last is what the order said
last, though messages keep no order. The order says with it which offers it has heard of. It stays in line with the rank
that it has by its placement: when a part was filled, a part was not found, or it asks others.

While it asks others (by `allocate`, or for what was not found), its lines stay as they are, and what is offered
meanwhile counts first: what others then have too much is given back. Its timer asks those places only in whose lines
there was no room. After that it is parked, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import order_dates, order_floor
from actors.domain.allocation import Need
from actors.domain.kind import Context
from actors.domain.location_events import Units
from actors.domain.order_backorder import (
    Backorder,
    BackorderFilled,
    BackorderParked,
    BackorderTerms,
    BackorderView,
    CustomerTold,
    DateKept,
    Dates,
    DateTold,
    Event,
    LineAnswered,
    LineAsk,
    OfferReturned,
    ParkedWhy,
    PlaceInLine,
    UnitsOffered,
    WaitingAsked,
    WaitingDated,
    WaitingSettled,
)
from actors.domain.order_commands import ReservationAnswered
from actors.domain.order_events import (
    AllocationAsked,
    CartClaimed,
    HandedToFloor,
    OrderPlaced,
    ReservationSettled,
    ShortPicked,
)
from actors.domain.order_lacks import lacking
from actors.domain.order_state import Fulfilment, Order, is_asking, is_covered, missing_of
from actors.domain.order_terms_events import FloorWithheld, LinesChanged
from actors.domain.order_terms_plan import shape_of
from actors.domain.times import moment

# Fulfilments that come out of a line are numbered from here on, so many for each place: the order does not know yet of
# what a location has given it.
NUMBERS = 10_000
_HELD = frozenset({"allocated", "picking", "packed"})
_FIRST_ROUND = frozenset({ReservationSettled, AllocationAsked, HandedToFloor})
_LEAVE_SHORT = frozenset({OrderPlaced, ReservationSettled, CartClaimed, ShortPicked, LinesChanged})


# --- what it lacks ---------------------------------------------------------------------------------------------------
def lacking_after(order: Order, lines: Iterable[Units]) -> Need:
    """What is lacking once a place has allocated these."""
    lines = list(lines)
    if is_covered(order, [one for one in order.fulfilments if one.status != "reserving"], lines):
        return {}
    lacks = lacking(order)
    for sku, units in lines:
        lacks[sku] = lacks.get(sku, 0) - units
    return {sku: units for sku, units in lacks.items() if units > 0}


def terms_of(order: Order) -> BackorderTerms | None:
    """What its placement brought."""
    return order.backorder.terms if order.backorder is not None else None


def unused(order: Order) -> bool:
    """Is it a plain order that was in no line yet, nor asked by a timer, whatever its placement brought for that? It
    may lack nothing yet, and what places give it comes from its rounds alone."""
    backorder = order.backorder
    if backorder is None:
        return True
    if backorder.places or backorder.parked or order.retries or order.terms is not None:
        return False
    return backorder.terms is None or not backorder.terms.whole


def wanted_at(order: Order, location_id: str, need: Need) -> Need:
    """What of the need the place may serve, by what was ruled out when it was placed."""
    terms = terms_of(order)
    if terms is None or not terms.barred:
        return need
    if location_id not in terms.barred:
        return {}
    barred = terms.barred[location_id]
    return {sku: units for sku, units in need.items() if sku not in barred}


def in_line_for(order: Order, location_id: str, lacks: Need) -> Need:
    """What it waits for there: of what it takes only as a whole nothing where not all may be served."""
    mine = wanted_at(order, location_id, lacks)
    return {} if len(mine) < len(lacks) and together(order) else mine


def released(need: Need, terms: BackorderTerms | None, now_ms: int, *, whole: bool = False) -> Need:
    """What of it is out. whole: all of it or nothing."""
    if terms is None or not terms.release:
        return need
    if whole:
        return need if next_release_ms(need, terms, now_ms) is None else {}
    return {sku: units for sku, units in need.items() if terms.release.get(sku, 0) <= now_ms}


def next_release_ms(need: Iterable[str], terms: BackorderTerms | None, now_ms: int) -> int | None:
    """When the first of what is not out yet is; None when all is."""
    release = terms.release if terms is not None else {}
    return min((at for sku in need if (at := release.get(sku, 0)) > now_ms), default=None)


def together(order: Order) -> bool:
    """Is what it lacks of use to it only as a whole, from one place?"""
    terms = terms_of(order)
    if terms is not None and terms.whole:
        return True
    # A group of which all is cancelled binds nothing any more.
    return order.terms is not None and shape_of(order.terms, order.lines, order.kits).together


def split(order: Order, offered: Sequence[tuple[str, int]]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(what of it the order still lacks, the rest)."""
    lacks = {} if order.cancelled else lacking(order)
    taken = [(sku, min(units, lacks.get(sku, 0))) for sku, units in offered]
    if together(order) and {sku: units for sku, units in taken if units} != lacks:
        # It was otherwise when it went into the line.
        return [], list(offered)
    rest = [(sku, units - dict(taken)[sku]) for sku, units in offered]
    return [line for line in taken if line[1]], [line for line in rest if line[1]]


# --- decide ----------------------------------------------------------------------------------------------------------
def offered(order: Order, command: UnitsOffered, context: Context) -> list[Event | HandedToFloor | FloorWithheld]:
    """Takes what it lacks, gives back the rest, and says when it will be there."""
    taken, rest = split(order, command.lines)
    events: list[Event | HandedToFloor | FloorWithheld] = []
    if taken:
        by_ms = _promised_by(order, command.location_id, context)
        events.append(BackorderFilled(command.number, command.location_id, taken, by_ms))
        answered = ReservationAnswered(command.number, command.location_id, taken, command.floor)
        events.extend(order_floor.handed(order, answered))
        if by_ms is not None and order.sealed and order.email_digest:
            events.append(CustomerTold(command.number, by_ms, order.sealed))
    if rest:
        events.append(OfferReturned(command.number, command.location_id, rest))
    return events


def _promised_by(order: Order, location_id: str, context: Context) -> int | None:
    """As long after the allocation as the placement said of the place, or as it was promised to take when all
    of it seemed to be there."""
    terms = terms_of(order)
    lead_ms = terms.lead_ms.get(location_id) if terms is not None else None
    if lead_ms is None and order.promised_by_ms is not None:
        lead_ms = order.promised_by_ms - order.placed_at_ms
    return None if lead_ms is None else context.now_ms + lead_ms


def answered(order: Order, command: LineAnswered, context: Context) -> list[Event]:
    """Takes note of a location's answer."""
    place = order.backorder.places.get(command.location_id) if order.backorder is not None else None
    if place is None or place.telling is None:
        return []
    dates = order_dates.settled(order, command, context)
    return [WaitingSettled(command.location_id, command.accepted, command.expected_ms, command.as_of_ms, dates)]


def lines_of(order: Order) -> list[str]:
    """The places in whose lines it shall be: all that it knows, until it has something from as many as it may."""
    active = {f.location_id for f in order.fulfilments if f.status in _HELD and f.lines}
    places = order.retry_places
    if len(active) >= order.splits:
        places = [name for name in places if name in active]
    terms = terms_of(order)
    if terms is None or not terms.barred:
        return places
    lacks = lacking(order)
    return [name for name in places if in_line_for(order, name, lacks)]


def retry_places(order: Order) -> list[str]:
    """Whom the timer asks: those in whose line it is not."""
    if order.pickup is not None:
        # What the store lacks is brought to it (`order_pickup.py`).
        return [order.pickup.at.location_id]
    if order.backorder is None:
        return order.retry_places
    missing = missing_of(order)
    return [name for name in _timed(order) if order.terms is not None or wanted_at(order, name, missing)]


def _timed(order: Order) -> list[str]:
    assert order.backorder is not None
    if order.terms is not None and order.terms.asks_for_more:
        # Several places may have together what it takes only as a whole, or have what may
        # stand in: no line brings that.
        return order.retry_places
    if order.backorder.terms is not None and order.backorder.terms.whole:
        # Asked by the timer each would give what it has of it, and that goes back; but a line that was full
        # may have room when it asks.
        known = order.backorder.places
        return [name for name in order.retry_places if name in known and known[name].full]
    places, mine = order.backorder.places, lines_of(order)
    return [name for name in order.retry_places if name not in mine or (name in places and places[name].full)]


def parked(order: Order, context: Context, retry_at_ms: int | None = None) -> BackorderParked:
    """There is nobody to be asked now, and why. `retry_at_ms`: when the timer would go off next, if
    there is somebody for it."""
    missing, terms = missing_of(order), terms_of(order)
    release_ms = next_release_ms(missing, terms, context.now_ms)
    if not released(missing, terms, context.now_ms, whole=together(order)):
        return BackorderParked("not_released", release_ms)
    places = order.backorder.places if order.backorder is not None else {}
    mine = lines_of(order)
    waits = any(name not in places or not places[name].full for name in mine)
    if retry_at_ms is not None and retry_places(order):
        retry_at_ms = retry_at_ms if release_ms is None else min(retry_at_ms, release_ms)
        return BackorderParked("split_limit" if len(mine) < len(order.retry_places) else "asking_again", retry_at_ms)
    why: ParkedWhy = "in_line" if waits else "asked_enough" if retry_places(order) or mine else "nobody_to_ask"
    return BackorderParked(why, release_ms)


def asks(order: Order) -> list[Event]:
    """What places have to be told now that the order is as it is."""
    missing = {} if order.cancelled or order.forgotten else lacking(order)
    if order.backorder is None and not missing:
        return []
    places, terms = order.backorder.places if order.backorder is not None else {}, terms_of(order)
    wanted, lines = sorted(missing.items()), lines_of(order)
    whole, busy = bool(wanted) and together(order), is_asking(order) and not order.cancelled
    told: list[LineAsk] = []
    number = NUMBERS * (len(places) + 1) + 1
    for name in dict.fromkeys((*places, *order.retry_places)):
        place = places.get(name)
        if place is not None and place.telling is not None:
            continue
        mine = wanted if name in lines else []
        if mine and terms is not None and terms.barred:
            mine = sorted(in_line_for(order, name, missing).items())
        if place is not None:
            told.extend(_told_anew(name, place, mine, whole=whole))
        elif mine and not busy:
            told.append(LineAsk(name, number, mine))
            number += NUMBERS
    return [_asked(order, told, missing, terms, whole=whole)] if told else []


def _told_anew(name: str, place: PlaceInLine, mine: list[Units], *, whole: bool) -> list[LineAsk]:
    """What a place has to be told that knows of the order: what it wants there now, if that is otherwise than it knows,
    and of which offers it has heard. Where there was no room it does not ask again by this."""
    if place.full and mine:
        mine = place.lines
    if not place.seen and mine == place.lines and (not mine or place.whole == whole):
        return []
    return [LineAsk(name, place.last + 1, mine, list(place.seen))]


def _asked(
    order: Order, told: list[LineAsk], missing: Need, terms: BackorderTerms | None, *, whole: bool
) -> WaitingAsked:  # fmt: skip
    release = {sku: at for sku, at in terms.release.items() if sku in missing} if terms is not None else {}
    life_days = {sku: days for sku, days in (order.life_days or {}).items() if sku in missing}
    return WaitingAsked(told, order.placed_at_ms, order.channel, life_days, release, whole)


def begins(order: Order | None, events: Iterable[object]) -> bool:
    """Does the order lack something from now on, of which nobody else is asked at once? What is collected at a store is
    brought there, and waits in no line."""
    for event in events:
        if type(event) in _LEAVE_SHORT and event.retry_at_ms is not None:  # type: ignore[attr-defined]
            collected = (
                event.pickup is not None
                if type(event) is OrderPlaced
                else order is not None and order.pickup is not None
            )
            return not collected
    return False


def settled(order: Order, events: Iterable[object]) -> bool:
    """Can nothing follow for the order, as it was before the events, unless they `begin` it? So it is while it lacks
    nothing, and in its first round: what leaves it short tells when it asks again. Nearly all orders of which a
    placement knew that a place may not serve all of them are whole, and this costs them one look."""
    return unused(order) and (not order.short or all(type(event) in _FIRST_ROUND for event in events))


def follows(after: Order, context: Context, retry_at_ms: int | None) -> list[Event]:
    """What follows from a decision, for an order that is so after it: places are told, and who waits without a timer
    says why. `retry_at_ms`: when a timer would go off, None when it did so often enough."""
    events = asks(after)
    idle = after.backorder is not None and after.retry_at_ms is None
    if idle and not after.cancelled and not is_asking(after) and missing_of(after):
        why = parked(after, context, retry_at_ms)
        if why.retry_at_ms is not None or (after.backorder is not None and why.why != after.backorder.parked):
            events.append(why)
    return events


# --- evolve ----------------------------------------------------------------------------------------------------------
def evolve(order: Order, event: Event) -> None:
    """Takes note of the event."""
    if order.backorder is None:
        order.backorder = Backorder()
    backorder = order.backorder
    if type(event) is WaitingAsked:
        for ask in event.asks:
            place = backorder.places.get(ask.location_id)
            if place is None:
                place = backorder.places[ask.location_id] = PlaceInLine(ask.number - 1)
            place.lines, place.telling, place.whole = ask.lines, ask.seen, event.whole
    elif type(event) is WaitingSettled:
        _settled(backorder.places[event.location_id], event)
        backorder.dates = event.dates or backorder.dates
    elif type(event) is WaitingDated:
        place = backorder.places[event.location_id]
        place.expected_ms, place.as_of_ms, backorder.dates = event.expected_ms, event.as_of_ms, event.dates
    elif type(event) is DateTold:
        backorder.dates = Dates(event.expected_by_ms, None, event.number)
    elif type(event) is DateKept and backorder.dates is not None:
        backorder.dates = Dates(backorder.dates.known_ms, None, backorder.dates.told)
    elif type(event) is BackorderFilled:
        order.fulfilments.append(
            Fulfilment(event.number, event.location_id, "allocated", event.lines, event.promised_by_ms)
        )
        _heard(backorder, event)
        order.short = bool(missing_of(order))
        if not lacking(order):
            order.retry_at_ms, backorder.parked = None, ""
    elif type(event) is OfferReturned:
        _heard(backorder, event)
    elif type(event) is BackorderParked:
        backorder.parked, order.retry_at_ms = event.why, event.retry_at_ms


def asked_again(order: Order) -> None:
    """A new round: lines that were full may have room when it is over."""
    if order.backorder is not None:
        order.backorder.parked = ""
        for place in order.backorder.places.values():
            place.full = False


def _settled(place: PlaceInLine, event: WaitingSettled) -> None:
    telling = place.telling or []
    place.seen = [number for number in place.seen if number not in telling]
    place.telling = None
    place.full = bool(place.lines) and not event.accepted
    if place.full:
        place.lines = []
    if not place.lines:
        place.expected_ms = None
    elif event.as_of_ms >= place.as_of_ms:
        place.expected_ms, place.as_of_ms = event.expected_ms, event.as_of_ms


def _heard(backorder: Backorder, event: BackorderFilled | OfferReturned) -> None:
    place = backorder.places[event.location_id]
    if event.number not in place.seen:
        place.seen.append(event.number)
    place.last = max(place.last, event.number)


# --- what callers see ------------------------------------------------------------------------------------------------
def view(order: Order) -> BackorderView | msgspec.UnsetType:
    """Why what is missing is; UNSET when nothing is, or it is not known yet."""
    backorder = order.backorder
    # As `order_view` has it.
    missing = {} if is_asking(order) or order.cancelled else missing_of(order)
    if backorder is None or not missing:
        return msgspec.UNSET
    places, terms = backorder.places, backorder.terms
    in_line = [name for name, place in places.items() if place.lines and place.telling is None]
    reason: ParkedWhy = backorder.parked or ("in_line" if in_line else "asking_again")
    by_ms = order_dates.expected_by_ms(order)
    release = [terms.release[sku] for sku in missing if sku in terms.release] if terms is not None else []
    return BackorderView(
        reason, len(in_line), moment(by_ms) if by_ms is not None else msgspec.UNSET, moment(max(release)) if release else msgspec.UNSET
    )  # fmt: skip
