"""How an order keeps to its terms when places answer, and how it changes by what happens to them.
The rules are in `order.py`.

    a place's answer ──taken──▶ what the order keeps of it: no more than is wanted, of a group all or nothing; the rest goes back at once

What stands in for what was ordered is known by fulfilment (`StandIn`), so that what a place did not give of it, or
could not find, is missing under its own name again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from actors.domain.allocation import Need, Place, Plan, need_of
from actors.domain.errors import Refused
from actors.domain.location_events import Units
from actors.domain.order_commands import CartAnswered, ReservationAnswered
from actors.domain.order_events import (
    Ask,
    CartReturned,
    Event,
    HandedToFloor,
    LeftFloor,
    ReservationReturned,
)
from actors.domain.order_state import Fulfilment, Line, Order, is_asking, missing_of, wanted_of
from actors.domain.order_terms_events import (
    FloorRevised,
    FloorWithheld,
    HoldsOverdue,
    HoldsPlaced,
    HoldsReleased,
    LinesChanged,
    Readdressed,
    ServiceChanged,
    StoodIn,
    UnitsGivenBack,
)
from actors.domain.order_terms_plan import Shape, plan, shape_of, stand_ins
from actors.domain.order_terms_state import NO_TERMS, FloorWord, StandIn, Terms, as_ordered
from actors.domain.reservation_commands import HeldPart

_STARTED = frozenset({"picking", "packed", "shipped", "delivered"})


# --- asking -----------------------------------------------------------------------------------------------------------
def shape(order: Order) -> Shape:
    """What its plans have to keep to."""
    return shape_of(order.terms or NO_TERMS, order.lines, order.kits)


def planned(order: Order, need: Need, places: Sequence[Place], splits: int) -> Plan:
    """A plan that keeps to the order's terms."""
    return plan(shape(order), need, places, splits)


def stood(order: Order, need: Need, asks: Iterable[Ask]) -> list[StandIn]:
    """What of the asks stands in for what is needed."""
    return stand_ins(shape(order), need, ((ask.number, ask.lines) for ask in asks))


def retry_places(order: Order, missing: Need, names: Iterable[str]) -> list[Place]:
    """Those places, which it asks without having seen what is there: for the goods themselves, and at each later time
    for the next of what may stand in."""
    offered = shape(order).substitutes
    turn = order.retries % (1 + max(map(len, offered.values()), default=0))
    assumed: Need = {}
    for sku, units in missing.items():
        others = offered.get(sku, ())
        name = others[turn - 1] if 0 < turn <= len(others) else sku
        assumed[name] = assumed.get(name, 0) + units
    return [Place(place, assumed) for place in names]


# --- answers ----------------------------------------------------------------------------------------------------------
class Taken(NamedTuple):
    """command: with what is kept; events: what is given back, and what stands in; missing: what
    no fulfilment has then."""

    command: ReservationAnswered
    events: list[Event]
    missing: Need


class _Share(NamedTuple):
    """Units of `sku` for what was ordered as `wanted`."""

    sku: str
    wanted: str
    units: int


def room_of(order: Order, but: int | None = None) -> Need:
    """Units per SKU that no fulfilment has, but that one; below 0 where more is under way than is wanted."""
    room = wanted_of(order.lines, order.kits)
    terms = order.terms or NO_TERMS
    for fulfilment in order.fulfilments:
        if fulfilment.number != but:
            for sku, units in as_ordered(terms, fulfilment.number, fulfilment.lines):
                room[sku] = room.get(sku, 0) - units
    return room


def taken(order: Order, fulfilment: Fulfilment, command: ReservationAnswered) -> Taken:
    """What the order keeps of a place's answer."""
    room = room_of(order, fulfilment.number)
    shares = []
    for share in _shares(order, fulfilment, dict(command.lines), room):
        units = min(share.units, max(0, room.get(share.wanted, 0)))
        if units:
            room[share.wanted] -= units
            shares.append(share._replace(units=units))
    torn = _torn(order, shares)
    for share in shares:
        if share.wanted in torn:
            room[share.wanted] += share.units
    shares = [share for share in shares if share.wanted not in torn]
    kept = need_of((share.sku, share.units) for share in shares)
    back = [(sku, units - kept.get(sku, 0)) for sku, units in command.lines if units > kept.get(sku, 0)]
    events: list[Event] = []
    if back:
        events.append(ReservationReturned(fulfilment.number, fulfilment.location_id, back))
    events += stands_changed(order, fulfilment.number, shares)
    lines = [(sku, kept[sku]) for sku, _ in command.lines if kept.get(sku)]
    missing = {sku: units for sku, units in room.items() if units > 0}
    return Taken(msgspec.structs.replace(command, lines=lines), events, missing)


def _shares(order: Order, fulfilment: Fulfilment, given: Need, room: Need | None = None) -> list[_Share]:
    """What is given, by what it is for: the goods that were wanted themselves come first, as
    many as there is room for."""
    own, standing = [], []
    stands = [one for one in (order.terms or NO_TERMS).stands if one.number == fulfilment.number]
    asked = dict(fulfilment.lines)
    for sku, units in given.items():
        mine = [one for one in stands if one.substitute == sku]
        rest = units
        units_own = min(rest, asked.get(sku, 0) - sum(one.units for one in mine))
        if room is not None and mine:
            units_own = min(units_own, room.get(sku, 0))
        if units_own > 0:
            own.append(_Share(sku, sku, units_own))
            rest -= units_own
        for one in mine:
            if rest:
                standing.append(_Share(sku, one.sku, min(rest, one.units)))
                rest -= min(rest, one.units)
    return own + standing


def _torn(order: Order, shares: Iterable[_Share]) -> set[str]:
    """The SKUs of groups of which there is some, and not all."""
    groups = shape(order).groups
    if not groups:
        return set()
    wanted = wanted_of(order.lines, order.kits)
    here = need_of((share.wanted, share.units) for share in shares)
    torn = {groups[sku] for sku in groups if wanted.get(sku, 0) != here.get(sku, 0)}
    return {sku for sku, group in groups.items() if group in torn}


def stands_changed(order: Order, number: int, shares: Iterable[_Share]) -> list[Event]:
    """What stands in there from now on, if that is otherwise than it was."""
    stands = [StandIn(number, share.wanted, share.sku, share.units) for share in shares if share.wanted != share.sku]
    before = [one for one in (order.terms or NO_TERMS).stands if one.number == number]
    return [StoodIn(number, stands)] if stands != before else []


def stands_left(order: Order, fulfilment: Fulfilment, lines: Iterable[Units]) -> list[Event]:
    """The same when a fulfilment has `lines` left of what it had: what stood in is gone first."""
    if not any(one.number == fulfilment.number for one in (order.terms or NO_TERMS).stands):
        return []
    return stands_changed(order, fulfilment.number, _shares(order, fulfilment, dict(lines)))


def cart_taken(order: Order, command: CartAnswered) -> tuple[CartAnswered, list[Event]]:
    """What the order keeps of its cart: no more than it wants by now, and of a group all that
    it wants, at one place."""
    room, groups = wanted_of(order.lines, order.kits), shape(order).groups
    kept, back = list[HeldPart](), list[HeldPart]()
    for part in command.parts:
        lines = [(sku, min(units, room.get(sku, 0))) for sku, units in part.lines]
        here = dict(lines)
        torn = {group for sku, group in groups.items() if here.get(sku, 0) != room.get(sku, 0)}
        lines = [(sku, 0 if groups.get(sku) in torn else units) for sku, units in lines]
        for sku, units in lines:
            room[sku] = room.get(sku, 0) - units
        rest = [(sku, units - dict(lines)[sku]) for sku, units in part.lines]
        kept.append(HeldPart(part.location_id, [line for line in lines if line[1]]))
        back.append(HeldPart(part.location_id, [line for line in rest if line[1]]))
    given, back = [part for part in kept if part.lines], [part for part in back if part.lines]
    events: list[Event] = [CartReturned(command.reservation_id, back)] if back else []
    return msgspec.structs.replace(command, parts=given), events


# --- short picks ------------------------------------------------------------------------------------------------------
def torn_by(order: Order, fulfilment: Fulfilment, short: Need) -> list[Units]:
    """What is left of a fulfilment of which units are missing, when these tear a group: all of it goes back
    then, and is asked for anew."""
    left = [(sku, units - short.get(sku, 0)) for sku, units in fulfilment.lines if units > short.get(sku, 0)]
    groups = shape(order).groups
    if not groups:
        return []
    names = need_of((one.wanted, one.units) for one in _shares(order, fulfilment, dict(left)))
    wanted = wanted_of(order.lines, order.kits)
    here = {groups[sku] for sku in names if sku in groups}
    torn = any(group in here and names.get(sku, 0) != wanted.get(sku, 0) for sku, group in groups.items())
    return left if torn else []


def short_of(order: Order, fulfilment: Fulfilment, short: Need, back: Iterable[Units]) -> Need:
    """What is missing, under the names that were ordered, when the fulfilment has lost these."""
    gone = need_of([*short.items(), *back])
    left = [(sku, units - gone.get(sku, 0)) for sku, units in fulfilment.lines]
    room = room_of(order, fulfilment.number)
    for share in _shares(order, fulfilment, {sku: units for sku, units in left if units}):
        room[share.wanted] -= share.units
    asked = {name for name, _ in as_ordered(order.terms or NO_TERMS, fulfilment.number, fulfilment.lines)}
    return {sku: units for sku, units in room.items() if units > 0 and sku in asked}


# --- what may go on ---------------------------------------------------------------------------------------------------
def is_complete(order: Order) -> bool:
    """Does the order have all that it wants?"""
    return not is_asking(order) and not missing_of(order)


def may_go(order: Order) -> bool:
    """May what is not started be started?"""
    terms = order.terms
    return terms is None or (not terms.holds and (not terms.ship_complete or is_complete(order)))


def is_started(order: Order) -> bool:
    """Is some of it being picked, or further?"""
    return any(f.status in _STARTED and f.lines for f in order.fulfilments)


def check_step(order: Order, update: str, moving: Sequence[Fulfilment], by_floor: int | None) -> None:
    """Raises Refused when the terms forbid the step: `order.held`, `order.incomplete`, `order.ships_complete`.
    by_floor: the fulfilment of whose floor it is."""
    terms = order.terms
    assert terms is not None
    facts = floor_facts(order, by_floor)
    if update in ("start_picking", "pack", "ship") and terms.holds:
        kinds = [hold.kind for hold in terms.holds]
        raise Refused("order.held", f"The order is held: {', '.join(kinds)}.", holds=kinds, **facts)
    if not terms.ship_complete:
        return
    if update == "start_picking" and not is_complete(order):
        raise Refused("order.incomplete", "It goes whole or not at all, and some of it is missing yet.", **facts)
    if update == "ship":
        behind = [f.number for f in order.fulfilments if f.lines and f.status in ("reserving", "allocated", "picking")]
        if behind or not is_complete(order):
            raise Refused("order.incomplete", "It goes whole or not at all, and some of it is not packed yet.", **facts)
    if update == "cancel" and any(f.lines for f in moving):
        raise Refused(
            "order.ships_complete", "It goes whole or not at all: cancel the order, or change its lines.", **facts
        )


def floor_facts(order: Order, number: int | None) -> dict[str, str | int]:
    """What a floor has to know besides: how far the fulfilment is, and the word that it was told last."""
    if number is None:
        return {}
    status = next((f.status for f in order.fulfilments if f.number == number), "")
    word = word_of(order.terms or NO_TERMS, number)
    return {"fulfilment_status": status, "turn": 0 if word is None else word.turn}


def word_of(terms: Terms, number: int) -> FloorWord | None:
    """What the floor was told last of the fulfilment."""
    return next((word for word in terms.words if word.number == number), None)


# --- evolve -----------------------------------------------------------------------------------------------------------
def evolve(order: Order, event: Event) -> None:
    """What holds, terms and changes change."""
    terms = order.terms or NO_TERMS
    match event:
        case HoldsPlaced():
            kinds = {hold.kind for hold in event.holds}
            terms = _with(terms, holds=[*(h for h in terms.holds if h.kind not in kinds), *event.holds])
        case HoldsReleased():
            terms = _with(terms, holds=[hold for hold in terms.holds if hold.kind not in event.kinds])
        case HoldsOverdue():
            told = [msgspec.structs.replace(h, overdue=True) if h.kind in event.kinds else h for h in terms.holds]
            terms = _with(terms, holds=told)
        case FloorWithheld():
            terms = _with(terms, withheld=[*terms.withheld, event.number])
        case HandedToFloor():
            word = FloorWord(event.number, 0, False, event.priority, event.due_ms)
            left = [number for number in terms.withheld if number != event.number]
            terms = _with(terms, withheld=left, words=[*terms.words, word])
        case FloorRevised():
            words = [word for word in terms.words if word.number != event.word.number]
            terms = _with(terms, words=[*words, event.word])
        case LeftFloor():
            gone = dict(event.parts)
            terms = _with(terms, words=[word for word in terms.words if word.number not in gone])
        case StoodIn():
            others = [one for one in terms.stands if one.number != event.number]
            terms = _with(terms, stands=[*others, *event.stands])
        case ServiceChanged():
            terms = _with(terms, service_level=event.service_level, priority=event.priority)
        case Readdressed():
            order.ship_to = event.ship_to
        case UnitsGivenBack():
            _give_back(order, event)
            numbers = {f.number for f in order.fulfilments}
            terms = _with(order.terms or terms, withheld=[number for number in terms.withheld if number in numbers])
        case _:
            assert type(event) is LinesChanged
            terms = _with(terms, refund_minor=terms.refund_minor + event.refund_minor)
            _lines(order, event)
    order.terms = terms
    if type(event) is StoodIn or type(event) is UnitsGivenBack or type(event) is LinesChanged:
        order.short = bool(missing_of(order))


def standing(terms: Terms, stands: Sequence[StandIn]) -> Terms:
    """With these as well."""
    return _with(terms, stands=[*terms.stands, *stands])


def _with(terms: Terms, **changes: object) -> Terms:
    return msgspec.structs.replace(terms, **changes)


def _give_back(order: Order, event: UnitsGivenBack) -> None:
    for number, _, lines in event.parts:
        fulfilment = next(f for f in order.fulfilments if f.number == number)
        back = dict(lines)
        left = [(sku, units - back.get(sku, 0)) for sku, units in fulfilment.lines]
        fulfilment.lines = [(sku, units) for sku, units in left if units]
        if not fulfilment.lines:
            order.fulfilments.remove(fulfilment)


def _lines(order: Order, event: LinesChanged) -> None:
    lines = list(order.lines)
    for number, quantity in event.lines:
        line = lines[number - 1]
        lines[number - 1] = Line(line.sku, quantity, line.amount)
    order.lines, order.retry_at_ms = lines, event.retry_at_ms
    order.units = sum(line.quantity for line in lines)
    order.total_minor = sum(line.quantity * line.amount for line in lines)
