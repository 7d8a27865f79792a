"""Lots: parts of a SKU's stock that are told apart, and go off. A serial number is a lot of one.

First expired, first out: of several lots that are good for long enough the one that ends soonest is promised. A lot is
good to the end of its last day, UTC. `EXPIRY_WARN_DAYS` before that the location tells of it; when it is over, what is
promised to nobody goes on quality hold, and so does what is given back later. What is promised stays so until it is
given back, and is told as a risk (`PromisesAtRisk`): whoever it is for may have it in a box already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from heapq import nsmallest

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_alerts import level_crossed
from actors.domain.location_events import Entry, Event, ExpiryNear, LotEnded, LotsLookedAt, PromisesAtRisk, StockChanged
from actors.domain.location_state import Location, Lot
from actors.domain.times import DAY_MS

EXPIRY_WARN_DAYS = 14
# Lots that are dealt with in one turn; the others follow at once in the next.
LOOKED_AT_MAX = 200
_NEVER = 1 << 62


def today(context: Context) -> int:
    """Days since 1970-01-01, UTC."""
    return context.now_ms // DAY_MS


def _soonest(item: tuple[str, Lot]) -> tuple[int, str]:
    name, lot = item
    return (_NEVER if lot.expires_on is None else lot.expires_on, name)


def first_expired(lots: Mapping[str, Lot], units: int, good_until: int) -> list[tuple[str, int]]:
    """(lot, units) of what is free, soonest end first, of lots that are good on that day; together `units` or less."""
    able = [item for item in lots.items() if item[1].free > 0 and item[1].good_on(good_until)]
    chosen = []
    # Not more lots than units can be needed: of thousands of serial numbers only the first few are sorted.
    for name, lot in nsmallest(units, able, key=_soonest):
        take = min(units, lot.free)
        if take > 0:
            chosen.append((name, take))
            units -= take
    return chosen


def without(lots: dict[str, Lot], kept: Mapping[str, int]) -> dict[str, Lot]:
    """The lots less these units of them."""
    if not kept:
        return lots
    out = dict(lots)
    for name, units in kept.items():
        if name in out:
            out[name] = copy(out[name])
            out[name].allocated += units
    return out


def claimed(
    location: Location, cause: str, sku: str, units: int, named: Sequence[tuple[str, int]] = ()
) -> list[tuple[str, int]]:
    """(lot, units) of what `cause` has a claim to, those that are `named` first, then soonest end first, together
    `units`. Of a lot to which it has no claim nothing is taken: a message has to be taken whatever it says. Raises
    Refused `stock.not_allocated`."""
    claims = location.claims.get(cause, {})
    mine = {lot: n for (of, lot), n in claims.items() if of == sku}
    if sum(mine.values()) < units:
        held = sum(mine.values())
        raise Refused("stock.not_allocated", f"{cause} has {held} units of {sku} here.", sku=sku, allocated=held)
    lots, parts = location.lots[sku], list[tuple[str, int]]()
    for name, wanted in named:
        take = min(units, wanted, mine.get(name, 0))
        if take > 0:
            parts.append((name, take))
            units, mine[name] = units - take, mine[name] - take
    for name in sorted(mine, key=lambda name: _soonest((name, lots[name]))):
        take = min(units, mine[name])
        if take:
            parts.append((name, take))
            units -= take
    return parts


def look_at(location: Location, context: Context) -> list[Event]:
    """Warns of lots that end soon, and puts on hold what is free of those that have ended."""
    day, events, entries, later = today(context), list[Event](), list[Entry](), list[int]()
    at_risk: dict[str, int] = {}
    for sku, name, lot in _with_end(location):
        if len(events) >= LOOKED_AT_MAX:
            later.append(context.now_ms)
            break
        assert lot.expires_on is not None
        if lot.told != "ended" and not lot.good_on(day):
            events.append(LotEnded(sku, name, lot.on_hand))
            if lot.allocated or lot.reserved:
                at_risk[sku] = at_risk.get(sku, 0) + lot.promised
            if lot.free > 0:
                entries.append(Entry(sku, lot.free, 0, 0, "expiry", None, ("quality_hold", lot.free), name))
        elif not lot.told and lot.expires_on - EXPIRY_WARN_DAYS <= day:
            events.append(ExpiryNear(sku, name, lot.on_hand, lot.expires_on))
            later.append((lot.expires_on + 1) * DAY_MS)
        else:
            moment = moment_of(lot)
            later += [] if moment is None else [moment]
    if entries:
        events.append(StockChanged(entries))
        events.extend(_levels_crossed(location, entries))
    events.extend(PromisesAtRisk(sku, units) for sku, units in at_risk.items())
    return [*events, LotsLookedAt(min(later, default=None))]


def _levels_crossed(location: Location, entries: Iterable[Entry]) -> Iterable[Event]:
    held: dict[str, int] = {}
    for entry in entries:
        held[entry.sku] = held.get(entry.sku, 0) + entry.quantity
    for sku, units in held.items():
        stock = location.stock[sku]
        yield from level_crossed(sku, stock, max(0, stock.free - units - stock.safety_stock))


def _with_end(location: Location) -> Iterable[tuple[str, str, Lot]]:
    for sku, lots in location.lots.items():
        for name, lot in lots.items():
            if lot.expires_on is not None:
                yield sku, name, lot


def moment_of(lot: Lot) -> int | None:
    """When the lot has to be looked at next (UTC ms)."""
    if lot.expires_on is None or lot.told == "ended":
        return None
    return (lot.expires_on + 1 if lot.told else lot.expires_on - EXPIRY_WARN_DAYS) * DAY_MS
