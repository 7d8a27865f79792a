"""Units that are promised: allocated to orders and transfers, reserved for carts. The rules are in `location.py`.

`Allocate` and `Reserve` take what is available in that very turn, so no unit is promised twice. Where a SKU has lots,
it is remembered which lot is promised to whom (`Location.claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_alerts import level_crossed
from actors.domain.location_bins import leaves_from
from actors.domain.location_commands import Allocate, Convert, Pick, Release, Reserve, Ship, ShortPick, Unreserve
from actors.domain.location_draft import Draft
from actors.domain.location_events import AsideState, Entry, Event, Reason, StockChanged, Units
from actors.domain.location_lots import claimed, first_expired, today
from actors.domain.location_state import Location, Spot, Stock
from actors.domain.location_views import ShippedLot


class Taken(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What `Allocate`, `Reserve` or `Convert` could take, per SKU; SKUs with nothing are left out. `floor`: the
    location's floor picks what is allocated."""

    lines: list[Units]
    floor: bool = False


# (SKU, units, lot) -> entry
_Make = Callable[[str, int, str], Entry]


def _allocated(sku: str, units: int, lot: str) -> Entry:
    return Entry(sku, units, 0, units, "allocate", None, None, lot)


def _reserved(sku: str, units: int, lot: str) -> Entry:
    return Entry(sku, units, 0, 0, "reserve", None, ("reserved", units), lot)


def allocate(location: Location, command: Allocate, context: Context) -> tuple[list[Event], Taken]:
    """As much as is available."""
    cause = f"{command.order_id}.{command.fulfilment}"
    return _take(location, command, context, cause, _allocated)


def reserve(location: Location, command: Reserve, context: Context) -> tuple[list[Event], Taken]:
    """As much as is available; with `whole` all of it or nothing."""
    events, taken = _take(location, command, context, command.reservation_id, _reserved)
    if command.whole and dict(taken.lines) != dict(command.lines):
        return [], Taken([])
    return events, taken


def _take(
    location: Location, command: Allocate | Reserve, context: Context, cause: str, make: _Make
) -> tuple[list[Event], Taken]:
    # Written out: `list[Entry]()` takes ten times as long, and this is on the way of every order.
    entries: list[Entry] = []
    taken: list[Units] = []
    crossed: list[Event] = []
    for sku, quantity in command.lines:
        stock = location.stock.get(sku)
        if stock is None:
            continue
        units = min(quantity, stock.available_to(command.channel) if stock.buffers else stock.available)
        if units <= 0:
            continue
        if sku in location.lots:
            day = today(context) + command.life_days.get(sku, 0)
            parts = first_expired(location.lots[sku], units, day)
            units = sum(n for _, n in parts)
            entries.extend(make(sku, n, lot) for lot, n in parts)
            if not units:
                continue
        else:
            entries.append(make(sku, units, ""))
        taken.append((sku, units))
        if stock.reorder_point:
            crossed.extend(level_crossed(sku, stock, stock.available - units))
    events: list[Event] = [StockChanged(entries, cause), *crossed] if entries else []
    return events, Taken(taken, location.floor is not None)


# reason, what one unit does to (on_hand, allocated)
_SETTLE: dict[type, tuple[Reason, int, int]] = {
    Release: ("release", 0, -1),
    Pick: ("pick", 0, 0),
    ShortPick: ("short_pick", -1, -1),
    Ship: ("ship", -1, -1),
}


def settle(location: Location, command: Release | Pick | ShortPick | Ship, context: Context) -> list[Event]:
    """An order only settles what was allocated to it here. Anything else is a fault of ours and must not bend the
    books. A pick changes no count, and its message may come after that of its shipment: messages keep no order. Raises
    Refused `stock.not_allocated`."""
    reason, on_hand, allocated = _SETTLE[type(command)]
    cause, entries = f"{command.order_id}.{command.fulfilment}", list[Entry]()
    draft: Draft | None = None
    for sku, quantity in command.lines:
        stock = location.stock.get(sku)
        if allocated and (stock is None or stock.allocated < quantity):
            raise Refused(
                "stock.not_allocated",
                f"{quantity} units of {sku} are to be settled ({reason}), fewer are allocated.",
                sku=sku,
                allocated=stock.allocated if stock else 0,
            )
        if sku in location.lots or (on_hand and sku in location.contents):
            draft = draft or Draft(location)
            entries.extend(_settled(draft, cause, sku, quantity, command, context))
        else:
            entries.append(Entry(sku, quantity, on_hand * quantity, allocated * quantity, reason))
    # The cause is whose units they are, by which their lots are known: an approval stands beside it.
    return [StockChanged(entries, cause, command.reference if type(command) is ShortPick else "")]


def _settled(
    draft: Draft, cause: str, sku: str, quantity: int, command: Release | Pick | ShortPick | Ship, context: Context
) -> Iterable[Entry]:
    """The entries for a SKU that has lots or lies in bins."""
    location, (reason, on_hand, allocated) = draft.location, _SETTLE[type(command)]
    if not allocated:
        return [Entry(sku, quantity, 0, 0, reason)]
    named = [(lot, n) for of, lot, n in command.lots if of == sku] if type(command) is ShortPick else ()
    parts = claimed(location, cause, sku, quantity, named) if sku in location.lots else [("", quantity)]
    before = len(draft.entries)
    for lot, units in parts:
        # What is given back of a lot that has ended meanwhile must not be sold.
        ended = reason == "release" and _ended(location, sku, lot, context)
        aside: tuple[AsideState, int] | None = ("quality_hold", units) if ended else None
        if not on_hand:
            draft.add(Entry(sku, units, 0, allocated * units, reason, None, aside, lot))
            continue
        for bin_id, n in leaves_from(draft, sku, lot, units):
            draft.add(Entry(sku, n, on_hand * n, allocated * n, reason, None, None, lot, bin_id, -n if bin_id else 0))
    return draft.entries[before:]


def lots_of(location: Location, events: Iterable[Event]) -> list[ShippedLot]:
    """The lots of what leaves by these events, as they are before them: with its last unit a lot is
    not known here any more."""
    units: dict[Spot, int] = {}
    for event in events:
        for entry in event.entries if type(event) is StockChanged else ():
            if entry.lot:
                spot = (entry.sku, entry.lot)
                units[spot] = units.get(spot, 0) + entry.quantity
    lots = location.lots
    return [
        ShippedLot(sku, n, name, lots[sku][name].expires_on, lots[sku][name].serial) for (sku, name), n in units.items()
    ]


def unreserve(location: Location, command: Unreserve, context: Context) -> list[Event]:
    """Raises Refused `stock.not_reserved`."""
    entries = []
    for sku, units, lot in _reserved_parts(location, command.reservation_id, command.lines):
        entries.append(Entry(sku, units, 0, 0, "unreserve", None, ("reserved", -units), lot))
        if _ended(location, sku, lot, context):
            entries.append(Entry(sku, units, 0, 0, "expiry", None, ("quality_hold", units), lot))
    return [StockChanged(entries, command.reservation_id)]


def convert(location: Location, command: Convert, context: Context) -> tuple[list[Event], Taken]:
    """The very units that the cart had, though less of their life is left by now; those of a lot that has ended
    meanwhile go on hold, and the order asks for others. Raises Refused `stock.not_reserved`."""
    given, got, taken = list[Entry](), list[Entry](), dict[str, int]()
    for sku, units, lot in _reserved_parts(location, command.reservation_id, command.lines):
        given.append(Entry(sku, units, 0, 0, "convert", None, ("reserved", -units), lot))
        if _ended(location, sku, lot, context):
            given.append(Entry(sku, units, 0, 0, "expiry", None, ("quality_hold", units), lot))
            continue
        got.append(Entry(sku, units, 0, units, "convert", None, None, lot))
        taken[sku] = taken.get(sku, 0) + units
    events: list[Event] = [StockChanged(given, command.reservation_id)]
    if got:
        events.append(StockChanged(got, f"{command.order_id}.{command.fulfilment}"))
    return events, Taken(list(taken.items()), location.floor is not None)


def _ended(location: Location, sku: str, lot: str, context: Context) -> bool:
    return bool(lot) and not location.lots[sku][lot].good_on(today(context))


def _reserved_parts(location: Location, reservation_id: str, lines: Iterable[Units]) -> list[tuple[str, int, str]]:
    parts: list[tuple[str, int, str]] = []
    for sku, units in lines:
        held = (location.stock.get(sku) or Stock()).reserved
        if held < units:
            raise Refused("stock.not_reserved", f"{held} units of {sku} are reserved here.", sku=sku, reserved=held)
        if sku in location.lots:
            parts.extend((sku, n, lot) for lot, n in claimed(location, reservation_id, sku, units))
        else:
            parts.append((sku, units, ""))
    return parts
