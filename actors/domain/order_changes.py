"""Changes of an order after its placement: less or more of a line, another address, another service level. The rules of
the order are in `order.py`.

    ChangeOrder ──▶ of each wish: may it still be? ──yes──▶ LinesChanged, UnitsGivenBack, Readdressed, ServiceChanged
                                                   └─no───▶ told with its reason; when nothing at all may be, the command is refused

A wish may be as long as what it touches is not being picked, and its place has not passed the time by which it leaves
today (`cut_offs`). Units that a line does not want any more are first those that nobody has yet, then those that lie
allocated; and units that a place is just being asked for go back when it answers (`order_terms.taken`). So each unit is
in one fulfilment, on its way back, or nowhere, whatever crosses with what.

Of an order that is collected (`order_pickup.py`) only units that nobody has may be left out, and nothing else can be
changed. That may be at any time, also when the rest was handed over: there is no other way to
give up what can't be had.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

import msgspec

from actors.domain.allocation import Need, need_of
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.money import Total
from actors.domain.order_events import Event, OrderRectified
from actors.domain.order_holds import check_open, check_reach
from actors.domain.order_rectified import rectified
from actors.domain.order_refund_state import kept
from actors.domain.order_state import (
    Fulfilment,
    Line,
    Order,
    OrderStatus,
    fulfilment_id,
    is_asking,
    status_of,
)
from actors.domain.order_terms import is_started, room_of, shape
from actors.domain.order_terms_commands import ChangeOrder, LineChange, NewAddress
from actors.domain.order_terms_events import LinesChanged, Readdressed, ServiceChanged, StoodIn, UnitsGivenBack
from actors.domain.order_terms_state import NO_TERMS, ServiceLevel, as_ordered
from actors.domain.personal_notes import PURCHASE

_TOO_LATE, _CUT_OFF = "order.too_late_to_change", "order.cut_off_passed"
_CHANGEABLE = ("reserving", "allocated")


class ChangedLine(msgspec.Struct, frozen=True, gc=False):
    """A line has another quantity."""

    line: int
    was: int
    quantity: int


class NotChanged(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A wish that can't be fulfilled: `code`, `detail` say why; `fulfilments`: what stands against it; `quantity_min`:
    the least that the line can have yet."""

    what: Literal["line", "address", "service_level"]
    code: str
    detail: str
    line: int | None = None
    fulfilments: list[str] = []
    quantity_min: int | None = None


class OrderChanged(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What was done of the wishes, and what was not. `refund`: what is due to be given back for it, less than it costs
    less when refunds gave some of that back already, and negative when more is due to be paid; `total`:
    what the order costs now."""

    order_id: str
    version: int
    status: OrderStatus
    refund: Total
    total: Total
    lines: Annotated[list[ChangedLine], PURCHASE] = []
    readdressed: bool = False
    service_level: ServiceLevel | None = None
    not_changed: list[NotChanged] = []


class Outcome(NamedTuple):
    """events: of what is done; more: units per SKU that are to be asked for; the others as in `OrderChanged`."""

    events: list[Event]
    lines: list[ChangedLine]
    not_changed: list[NotChanged]
    refund_minor: int
    more: Need


class _Draft:
    """An order while its lines change: `room` as `order_terms.room_of`, `back` what its fulfilments give back: (number,
    SKU as it lies there, SKU for which it is) → units."""

    def __init__(self, order: Order, command: ChangeOrder, order_id: str) -> None:
        self.order, self.order_id, self.lines = order, order_id, list(order.lines)
        self.room = room_of(order)
        self.closed = closed_at(order, command)
        self.back: dict[tuple[int, str, str], int] = {}
        self.changed: list[ChangedLine] = []
        self.not_changed: list[NotChanged] = []
        self.more = False

    def free(self, sku: str) -> int:
        """Units of the SKU that are not being picked: nobody has them, they lie allocated, or a place is just being
        asked for them. Of an order that is collected only those that nobody has."""
        if self.order.pickup is not None:
            return max(0, self.room.get(sku, 0))
        return max(0, self.room.get(sku, 0)) + sum(n for _, _, n in self.allocated(sku)) + self._asked(sku)

    def allocated(self, sku: str) -> list[tuple[Fulfilment, str, int]]:
        """(fulfilment, SKU as it lies there, units) of what may be given back for it: what stands in first, then
        what was asked for last."""
        found = []
        for fulfilment in reversed(self.order.fulfilments):
            if fulfilment.status == "allocated" and fulfilment.location_id not in self.closed:
                found += [(fulfilment, *one) for one in self._of(fulfilment, sku)]
        return sorted(found, key=lambda one: one[1] == sku)

    def _of(self, fulfilment: Fulfilment, sku: str) -> Iterable[tuple[str, int]]:
        stands = [one for one in (self.order.terms or NO_TERMS).stands if one.number == fulfilment.number]
        for name, units in fulfilment.lines:
            here = [one for one in stands if one.substitute == name]
            if name == sku:
                mine = units - sum(one.units for one in here)
            else:
                mine = sum(one.units for one in here if one.sku == sku)
            left = mine - self.back.get((fulfilment.number, name, sku), 0)
            if left > 0:
                yield name, left

    def _asked(self, sku: str) -> int:
        terms = self.order.terms or NO_TERMS
        asked = [f for f in self.order.fulfilments if f.status == "reserving"]
        under_way = sum(n for f in asked for name, n in as_ordered(terms, f.number, f.lines) if name == sku)
        return under_way + min(0, self.room.get(sku, 0))

    def parts(self, line: Line) -> list[tuple[str, int]]:
        """What one unit of the line is made of."""
        return list((self.order.kits or {}).get(line.sku, [(line.sku, 1)]))

    def take(self, sku: str, units: int) -> None:
        """So many units less are wanted."""
        nobody = min(units, max(0, self.room.get(sku, 0)))
        self.room[sku] = self.room.get(sku, 0) - units
        rest = units - nobody
        for fulfilment, name, n in self.allocated(sku):
            given = min(rest, n)
            if given:
                key = (fulfilment.number, name, sku)
                self.back[key] = self.back.get(key, 0) + given
                self.room[sku] += given
                rest -= given


def closed_at(order: Order, command: ChangeOrder) -> set[str]:
    """Locations whose carrier of the day leaves with what was ordered before."""
    return {place for place, at_ms in command.cut_offs.items() if order.placed_at_ms <= at_ms}


def change(order: Order, command: ChangeOrder, context: Context, retry_ms: int) -> Outcome:
    """What is done, and what is not. retry_ms: when what is missing then is asked for, if nobody is asked at once (UTC
    ms). Raises Refused: `order.over`, `order.line_unknown`, `order.line_twice`, `order.nothing_left`,
    `order.too_late_to_change` or the one reason for which nothing can be done (`order.store_hands_over` of what is
    collected), `order.changed_meanwhile`, `order.person_erased`."""
    check_open(order, context.entity_id)
    check_reach(order, command.within)
    draft = _Draft(order, command, context.entity_id)
    numbers = [one.line for one in command.lines]
    unknown = [number for number in numbers if not 1 <= number <= len(order.lines)]
    if unknown:
        raise Refused("order.line_unknown", f"The order has no line {unknown[0]}.", lines=len(order.lines))
    if len(set(numbers)) < len(numbers):
        raise Refused("order.line_twice", "A line is there twice.")
    for one in command.lines:
        _change_line(draft, one)
    if not any(line.quantity for line in draft.lines):
        raise Refused("order.nothing_left", "Nothing would be left of the order: cancel it.")
    events = _line_events(draft, retry_ms)
    events += _address(draft, command.address) if command.address is not None else []
    events += _service(draft, command.service_level) if command.service_level is not None else []
    _check_something(draft, events, command)
    refund_minor = _due(draft)
    wanted = {sku: units for sku, units in draft.room.items() if units > 0} if draft.more else {}
    return Outcome(events, draft.changed, draft.not_changed, refund_minor, wanted)


def _check_something(draft: _Draft, events: list[Event], command: ChangeOrder) -> None:
    if events or not draft.not_changed:
        return
    codes = [one.code for one in draft.not_changed]
    code = _TOO_LATE if _TOO_LATE in codes else codes[0]
    told = [msgspec.to_builtins(one) for one in draft.not_changed]
    raise Refused(code, "Nothing of it can be changed any more.", not_changed=told)


def _change_line(draft: _Draft, wish: LineChange) -> None:
    line = draft.lines[wish.line - 1]
    if wish.quantity == line.quantity:
        return
    refused = _less(draft, wish, line) if wish.quantity < line.quantity else _more(draft, wish, line)
    if refused is not None:
        draft.not_changed.append(refused)
        return
    for sku, units in draft.parts(line):
        less = (line.quantity - wish.quantity) * units
        if less > 0:
            draft.take(sku, less)
        else:
            draft.room[sku] = draft.room.get(sku, 0) - less
            draft.more = True
    draft.lines[wish.line - 1] = Line(line.sku, wish.quantity, line.amount)
    draft.changed.append(ChangedLine(wish.line, line.quantity, wish.quantity))


def _less(draft: _Draft, wish: LineChange, line: Line) -> NotChanged | None:
    parts = draft.parts(line)
    may = min(draft.free(sku) // units for sku, units in parts)
    if line.quantity - wish.quantity <= may:
        return None
    skus = {sku for sku, _ in parts}
    code, detail, against = _against(draft, skus) if draft.order.pickup is None else _collected(draft, skus)
    return NotChanged("line", code, detail, wish.line, against, line.quantity - may)


def _more(draft: _Draft, wish: LineChange, line: Line) -> NotChanged | None:
    order = draft.order
    if is_started(order) or any(f.location_id in draft.closed for f in order.fulfilments):
        code, detail, against = _against(draft, None)
        return NotChanged("line", code, detail, wish.line, against)
    if is_asking(order):
        detail = "Places are just being asked for what was ordered: try again in a moment."
        return NotChanged("line", "order.allocation_under_way", detail, wish.line)
    # A line that was cancelled is in no group any more, and would be in one again.
    groups = (order.terms or NO_TERMS).groups
    own_group = wish.line <= len(groups) and groups[wish.line - 1]
    if own_group or any(sku in shape(order).groups for sku, _ in draft.parts(line)):
        detail = "The line comes together with others, which have their place already."
        return NotChanged("line", "order.line_grouped", detail, wish.line)
    return None


def _against(draft: _Draft, skus: set[str] | None) -> tuple[str, str, list[str]]:
    """(code, detail, ids) of the fulfilments that stand against it: of these SKUs, or all."""
    terms, against, picked = draft.order.terms or NO_TERMS, list[str](), False
    for fulfilment in draft.order.fulfilments:
        here = {sku for sku, _ in as_ordered(terms, fulfilment.number, fulfilment.lines)}
        if skus is not None and not here & skus:
            continue
        started = fulfilment.status not in _CHANGEABLE
        if started or fulfilment.location_id in draft.closed:
            against.append(fulfilment_id(draft.order_id, fulfilment.number))
            picked = picked or started
    if picked or not against:
        return _TOO_LATE, "It is being picked, or further.", against
    return _CUT_OFF, "Its place has passed the time by which it leaves today.", against


def _collected(draft: _Draft, skus: set[str]) -> tuple[str, str, list[str]]:
    """As `_against`, of what is collected: the store hands over what lies there or is on the road to it."""
    against = [f for f in draft.order.fulfilments if f.status != "cancelled" and any(sku in skus for sku, _ in f.lines)]
    detail = "It lies at the store, is on the road to it, or was handed over."
    return "order.store_hands_over", detail, [fulfilment_id(draft.order_id, f.number) for f in against]


def _line_events(draft: _Draft, retry_ms: int) -> list[Event]:
    if not draft.changed:
        return []
    order = draft.order
    missing = any(units > 0 for units in draft.room.values())
    retry_at = (retry_ms if draft.more else order.retry_at_ms) if missing else None
    lines = [(one.line, one.quantity) for one in draft.changed]
    events: list[Event] = [LinesChanged(lines, _due(draft), retry_at)]
    parts = []
    for fulfilment in order.fulfilments:
        number = fulfilment.number
        back = need_of((name, units) for (of, name, _), units in draft.back.items() if of == number)
        if back:
            parts.append((number, fulfilment.location_id, sorted(back.items())))
            events += _stands(order, number, draft.back)
    return [*events, UnitsGivenBack(parts)] if parts else events


def _due(draft: _Draft) -> int:
    """What the order costs less, as far as refunds did not give it back already; negative when it
    costs more (minor units)."""
    order, after = draft.order, sum(line.quantity * line.amount for line in draft.lines)
    return kept(order.total_minor, order.refunds) - kept(after, order.refunds)


def _stands(order: Order, number: int, back: dict[tuple[int, str, str], int]) -> list[Event]:
    before = [one for one in (order.terms or NO_TERMS).stands if one.number == number]
    left = [
        msgspec.structs.replace(one, units=one.units - back.get((number, one.substitute, one.sku), 0)) for one in before
    ]
    left = [one for one in left if one.units]
    return [StoodIn(number, left)] if left != before else []


def _address(draft: _Draft, to: NewAddress) -> list[Event]:
    order = draft.order
    if order.forgotten:
        raise Refused("order.person_erased", "The person was erased: there is nothing to change.")
    if order.sealed != to.was:
        raise Refused("order.changed_meanwhile", "Somebody has changed who ordered, or where it goes: look again.")
    live = [f for f in order.fulfilments if f.status != "cancelled"]
    if any(f.status not in _CHANGEABLE or f.location_id in draft.closed for f in live):
        code, detail, against = _against(draft, None)
        draft.not_changed.append(NotChanged("address", code, detail, None, against))
        return []
    if to.sealed:
        return [rectified(order, to)]
    assert to.ship_to is not None
    return [Readdressed(to.ship_to)]


def _service(draft: _Draft, level: ServiceLevel) -> list[Event]:
    order, terms = draft.order, draft.order.terms or NO_TERMS
    if level == terms.service_level:
        return []
    live = [f for f in order.fulfilments if f.status != "cancelled"]
    if live and all(f.status not in _CHANGEABLE or f.location_id in draft.closed for f in live):
        code, detail, against = _against(draft, None)
        draft.not_changed.append(NotChanged("service_level", code, detail, None, against))
        return []
    return [ServiceChanged(level, terms.priority)]


def told(order_id: str, version: int, order: Order, outcome: Outcome) -> OrderChanged:
    """The answer."""
    return OrderChanged(
        order_id,
        version,
        status_of(order),
        Total(outcome.refund_minor, order.currency),
        Total(order.total_minor, order.currency),
        outcome.lines,
        any(type(event) in (OrderRectified, Readdressed) for event in outcome.events),
        next((event.service_level for event in outcome.events if type(event) is ServiceChanged), None),
        outcome.not_changed,
    )
