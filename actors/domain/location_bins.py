"""Where goods are in the building.

A bin is a numbered place (zone, aisle, rack, level). What is on hand and in no bin has just arrived, lies on a shelf
without number or is in somebody's hands; so a location without bins needs nothing of this. Moves change no count of
what may be promised; each is an entry of the ledger. What leaves the building without a word from where is taken from
what lies in no bin, then from the bins that it empties soonest.
"""

from __future__ import annotations

from actors.domain.errors import Refused
from actors.domain.location_commands import DefineBins, MoveLine, MoveUnits, RemoveBins
from actors.domain.location_draft import Draft
from actors.domain.location_events import Bin, BinsDefined, BinsRemoved, Entry, Event, StockChanged
from actors.domain.location_state import Location

BINS_MAX = 200_000


def define(location: Location, command: DefineBins) -> list[Event]:
    """Only what is new or different becomes an event. Raises Refused `bins.too_many`, `bins.twice`, `bins.too_full`."""
    named = {bin_.bin_id: bin_ for bin_ in command.bins}
    if len(named) < len(command.bins):
        raise Refused("bins.twice", "A bin is named twice.")
    if len(named.keys() | location.bins.keys()) > BINS_MAX:
        raise Refused("bins.too_many", f"A location has at most {BINS_MAX} bins.", limit=BINS_MAX)
    changed = [bin_ for bin_ in command.bins if location.bins.get(bin_.bin_id) != bin_]
    for bin_ in changed:
        there = units_in(location, bin_.bin_id) if bin_.bin_id in location.bins else 0
        if bin_.units_max and there > bin_.units_max:
            raise Refused("bins.too_full", f"{there} units lie in {bin_.bin_id}.", bin_id=bin_.bin_id, units=there)
    return [BinsDefined(changed)] if changed else []


def remove(location: Location, command: RemoveBins) -> list[Event]:
    """Raises Refused `bins.unknown`, `bins.not_empty`."""
    for bin_id in command.bin_ids:
        _known(location, bin_id)
        units = units_in(location, bin_id)
        if units:
            raise Refused("bins.not_empty", f"{units} units lie in {bin_id}.", bin_id=bin_id, units=units)
    return [BinsRemoved(list(dict.fromkeys(command.bin_ids)))]


def move(location: Location, command: MoveUnits) -> list[Event]:
    """Raises Refused `bins.unknown`, `bins.same`, `bins.too_full`, `stock.not_in_bin`,
    `stock.lot_required`, `stock.lot_unknown`."""
    draft, added = Draft(location), dict[str, int]()
    for line in command.lines:
        if line.from_bin == line.to_bin:
            raise Refused("bins.same", f"{line.sku} would stay where it is.", sku=line.sku, bin_id=line.to_bin)
        take_out(draft, line)
        put_in(draft, line.sku, line.lot, line.to_bin, line.quantity, added)
    return [StockChanged(draft.entries, command.cause, command.reference)]


def take_out(draft: Draft, line: MoveLine) -> None:
    """The units leave the bin, or what lies in none."""
    if line.from_bin:
        _known(draft.location, line.from_bin)
        draft.counts(line.sku, line.lot)
        there = draft.contents(line.sku, line.lot).get(line.from_bin, 0)
    else:
        there = draft.unplaced(line.sku, line.lot)
    if there < line.quantity:
        where = f"in {line.from_bin}" if line.from_bin else "outside of bins"
        detail = f"{there} units of {line.sku} are {where}."
        raise Refused("stock.not_in_bin", detail, sku=line.sku, bin_id=line.from_bin, units=there)
    if line.from_bin:
        entry = Entry(line.sku, line.quantity, 0, 0, "move", None, None, line.lot, line.from_bin, -line.quantity)
        draft.add(entry)


def put_in(draft: Draft, sku: str, lot: str, bin_id: str, units: int, added: dict[str, int]) -> None:
    """The units, which are on hand, go into the bin; "" does nothing. `added`: what the same command has
    put into each bin so far."""
    if not bin_id:
        return
    check_room(draft.location, bin_id, units, added)
    draft.add(Entry(sku, units, 0, 0, "move", None, None, lot, bin_id, units))


def check_room(location: Location, bin_id: str, units: int, added: dict[str, int]) -> None:
    """Raises Refused `bins.unknown`, `bins.too_full`; counts the units in `added`."""
    bin_ = _known(location, bin_id)
    added[bin_id] = added.get(bin_id, 0) + units
    if bin_.units_max:
        room = bin_.units_max - units_in(location, bin_id)
        if added[bin_id] > room:
            raise Refused("bins.too_full", f"{bin_id} has room for {max(0, room)} units.", bin_id=bin_id, room=room)


def leaves_from(draft: Draft, sku: str, lot: str, units: int) -> list[tuple[str, int]]:
    """(bin or "", units) from where so many units leave: see the module's docstring."""
    contents = draft.contents(sku, lot)
    if not contents:
        return [("", units)]
    parts: list[tuple[str, int]] = []
    loose = min(units, draft.unplaced(sku, lot))
    if loose:
        parts.append(("", loose))
    left = units - loose
    for there, bin_id in sorted((n, bin_id) for bin_id, n in contents.items() if n):
        if not left:
            break
        parts.append((bin_id, min(left, there)))
        left -= min(left, there)
    return parts


def units_in(location: Location, bin_id: str) -> int:
    """All units that lie in a bin."""
    return location.fill.get(bin_id, 0)


def _known(location: Location, bin_id: str) -> Bin:
    bin_ = location.bins.get(bin_id)
    if bin_ is None:
        raise Refused("bins.unknown", f"There is no bin {bin_id} here.", bin_id=bin_id)
    return bin_
