"""What is written down of a location, and how it comes back to memory. The rules are in `location.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy

from actors.domain import location_counting, location_outlook
from actors.domain.kind import Context, Row, StoredRows
from actors.domain.location_events import (
    BinsDefined,
    BinsRemoved,
    CountingBegun,
    CountingEnded,
    Entry,
    Event,
    ExpiryNear,
    FloorSet,
    IncomingChanged,
    LevelsSet,
    LocationOpened,
    LotEnded,
    LotOpened,
    SafetyStockSet,
    StockChanged,
)
from actors.domain.location_line_events import CHANGED
from actors.domain.location_lots import moment_of
from actors.domain.location_profile import DayCounted, ProfileSet
from actors.domain.location_state import Incoming, Location, Lot, Stock
from actors.domain.outlook import decoded as outlook_decoded
from actors.domain.outlook import encoded
from actors.domain.rows import LedgerRow, LocationRow, StockRow
from actors.domain.rows_of_counts import LastCountedRow, counting_of, counting_row
from actors.domain.rows_of_floor import floor_terms_of, floor_terms_row
from actors.domain.rows_of_sourcing import profile_of, profile_row
from actors.domain.rows_of_stock import BinRow, ClaimRow, ContentRow, IncomingRow, LotRow, bin_of, bin_row
from actors.domain.rows_of_waiting import line_of, rows_of_line
from actors.domain.times import sooner


def rows(state: Location, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The location's row, the changed SKUs' rows, and the ledger. `version` is that after all `events`."""
    place = context.entity_id
    out: list[Row] = [_place_row(place, state, version)]
    touched: dict[str, None] = {}
    for at, event in enumerate(events):
        if type(event) is StockChanged:
            later = events[at + 1 :] if at + 1 < len(events) else ()
            out.extend(_ledger(state, version - len(events) + at + 1, event, later, context))
            for entry in event.entries:
                touched[entry.sku] = None
                if entry.lot or entry.bin:
                    out.extend(_parts(place, state, entry, event.cause))
            if state.counting:
                spots = location_counting.touched(state, event)
                out.extend(counting_row(place, spot, state.counting[spot]) for spot in spots)
        elif type(event) is SafetyStockSet:
            out.extend(_levels_ledger(state, version - len(events) + at + 1, event, events[at + 1 :], context))
            touched.update((sku, None) for sku, _ in event.levels)
        elif type(event) is LevelsSet:
            out.extend(_levels_ledger(state, version - len(events) + at + 1, event, events[at + 1 :], context))
            touched.update((levels.sku, None) for levels in event.levels)
        elif isinstance(event, ProfileSet | DayCounted):
            assert state.profile is not None
            out.append(profile_row(place, version, state.profile, state.counted))
        else:
            if type(event) is IncomingChanged:
                # That it is kept here from now on; of what is here already nothing has changed.
                touched.update((sku, None) for sku, units in event.lines if units and not state.stock[sku].on_hand)
            out.extend(_of_others(place, state, event))
    out.extend(_stock_row(place, sku, state.stock[sku], state.ends.get(sku)) for sku in touched)
    return out


def _of_others(place: str, state: Location, event: Event) -> Iterable[Row]:
    if isinstance(event, LotOpened | ExpiryNear | LotEnded):
        yield _lot_row(place, event.sku, event.lot, state.lots.get(event.sku, {}).get(event.lot))
    elif type(event) is BinsDefined:
        yield from (bin_row(place, bin_) for bin_ in event.bins)
    elif type(event) is BinsRemoved:
        yield from (BinRow(place, bin_id, gone=True) for bin_id in event.bin_ids)
    elif type(event) is IncomingChanged:
        for sku, units in (("", 0), *event.lines):
            yield _incoming_row(place, event.source_id, sku, units, state.incoming[event.source_id])
        yield from (IncomingRow(place, source_id, "", gone=True) for source_id in event.forgotten)
    elif type(event) is FloorSet:
        yield floor_terms_row(place, event.terms)
    elif isinstance(event, CHANGED):
        yield from rows_of_line(place, state.waiting, event)
    elif type(event) is CountingBegun or type(event) is CountingEnded:
        yield from (counting_row(place, spot, state.counting.get(spot)) for spot in event.spots)
        if type(event) is CountingEnded:
            yield from (LastCountedRow(place, sku, at_ms) for sku, at_ms in event.counted)


def _parts(place: str, state: Location, entry: Entry, cause: str) -> Iterable[Row]:
    """The lot, the claim and the content of a bin that the entry changed."""
    if entry.lot:
        yield _lot_row(place, entry.sku, entry.lot, state.lots.get(entry.sku, {}).get(entry.lot))
        if cause and (entry.allocated or entry.aside is not None):
            units = state.claims.get(cause, {}).get((entry.sku, entry.lot), 0)
            yield ClaimRow(place, cause, entry.sku, entry.lot, units, gone=not units)
    if entry.bin:
        units = state.contents.get(entry.sku, {}).get((entry.bin, entry.lot), 0)
        yield ContentRow(place, entry.sku, entry.bin, entry.lot, units, gone=not units)


def feed(location_id: str, state: Location, version: int) -> Iterator[Row]:
    """Everything that the API's index of availability needs, with the SKUs that are kept here when it begins."""
    yield _place_row(location_id, state, version)
    if state.profile is not None:
        yield profile_row(location_id, version, state.profile, state.counted)
    for sku in tuple(state.stock):
        yield _stock_row(location_id, sku, state.stock[sku], state.ends.get(sku))


def _place_row(location_id: str, state: Location, version: int) -> LocationRow:
    at = state.particulars
    return LocationRow(
        location_id, version, at.location_type, at.name, at.city, at.country, at.lat, at.lon, at.timezone
    )  # fmt: skip


def _stock_row(location_id: str, sku: str, s: Stock, ends: Mapping[int, int] | None) -> StockRow:
    buffers = ",".join(f"{channel}:{units}" for channel, units in s.buffers) if s.buffers else ""
    return StockRow(
        location_id, sku, s.on_hand, s.allocated, s.safety_stock, s.reserved, s.damaged, s.quality_hold, s.reorder_point, buffers,
        # Of most SKUs nothing is known, and this is on the way of every order.
        b"" if ends is None and s.rate is None else encoded(location_outlook.outlook_of(s, ends)),
    )  # fmt: skip


def _lot_row(location_id: str, sku: str, name: str, lot: Lot | None) -> LotRow:
    if lot is None:
        return LotRow(location_id, sku, name, gone=True)
    return LotRow(
        location_id, sku, name, lot.on_hand, lot.allocated, lot.reserved, lot.damaged, lot.quality_hold, lot.expires_on,
        lot.serial, lot.told,
    )  # fmt: skip


def _incoming_row(location_id: str, source_id: str, sku: str, units: int, one: Incoming) -> IncomingRow:
    return IncomingRow(
        location_id, source_id, sku, one.source, one.revision, one.expected_at_ms, units, one.changed_at_ms,
        gone=bool(sku) and not units,
    )  # fmt: skip


def _ledger(
    state: Location, version: int, event: StockChanged, later: Sequence[Event], context: Context
) -> list[LedgerRow]:
    balance = _balances(state, (entry.sku for entry in event.entries), later)
    out = []
    for line in range(len(event.entries) - 1, -1, -1):
        entry = event.entries[line]
        counts = balance[entry.sku]
        value, currency = entry.value if entry.value is not None else (None, None)
        aside, aside_delta = entry.aside if entry.aside is not None else (None, None)
        out.append(
            LedgerRow(
                context.entity_id, version, line, context.now_ms, entry.sku, entry.reason, entry.quantity, entry.on_hand,
                entry.allocated, counts.on_hand, counts.allocated, event.cause, event.reference,
                value * entry.quantity if value is not None else None, currency,
                aside, aside_delta, getattr(counts, aside) if aside is not None else None,
                entry.lot or None, entry.bin or None, entry.bin_delta if entry.bin else None,
            )
        )  # fmt: skip
        _undo(entry, counts)
    out.reverse()
    return out


def _levels_ledger(
    state: Location, version: int, event: SafetyStockSet | LevelsSet, later: Sequence[Event], context: Context
) -> Iterator[LedgerRow]:
    """No count changes, so that it was and is as a state that nothing is promised from; nothing of events that
    don't say what was before."""
    changed = list(_corrected(event) if isinstance(event, SafetyStockSet) else _set(event))
    balance = _balances(state, (sku for sku, _, _, _ in changed), later)
    reference = event.reference if isinstance(event, SafetyStockSet) else ""
    for line, (sku, level, was, reason) in enumerate(changed):
        counts = balance[sku]
        yield LedgerRow(
            context.entity_id, version, line, context.now_ms, sku, reason, 0, 0, 0, counts.on_hand, counts.allocated,
            event.cause, reference, None, None, "safety_stock", level - was, level,
        )  # fmt: skip


# A SKU, its safety stock, what that was before, and why it is another.
_Level = tuple[str, int, int, str]


def _corrected(event: SafetyStockSet) -> Iterator[_Level]:
    for (sku, level), was, reason in zip(event.levels, event.was, event.reasons, strict=False):
        yield sku, level, was, reason


def _set(event: LevelsSet) -> Iterator[_Level]:
    for levels, was in zip(event.levels, event.was, strict=False):
        if levels.safety_stock is not None and levels.safety_stock != was:
            yield levels.sku, levels.safety_stock, was, "levels"


def _balances(state: Location, skus: Iterable[str], later: Sequence[Event]) -> dict[str, Stock]:
    """After an event, worked backwards from the state after all of them: without what came later in the same turn."""
    balance = {sku: copy(state.stock[sku]) for sku in skus}
    for change in later:
        for entry in change.entries if type(change) is StockChanged else ():
            if entry.sku in balance:
                _undo(entry, balance[entry.sku])
    return balance


def _undo(entry: Entry, counts: Stock) -> None:
    counts.on_hand -= entry.on_hand
    counts.allocated -= entry.allocated
    if entry.aside is not None:
        state, delta = entry.aside
        setattr(counts, state, getattr(counts, state) - delta)


def restore(entity_id: str, stored: StoredRows) -> tuple[Location, int] | None:
    """The state and version from its stored rows."""
    places = stored.get("locations")
    if not places:
        return None
    place: LocationRow = places[0]
    opened = LocationOpened(
        place.type, place.name, place.city, place.country, place.lat, place.lon, place.timezone,  # type: ignore[arg-type]
    )  # fmt: skip
    location = Location(opened, {row.sku: _stock_of(row) for row in stored.get("stock", ())})
    for lot in stored.get("lots", ()):
        _restore_lot(location, lot)
    for claim in stored.get("lot_claims", ()):
        location.claims.setdefault(claim.cause, {})[claim.sku, claim.lot] = claim.units
    for bin_ in stored.get("bins", ()):
        location.bins[bin_.bin_id] = bin_of(bin_)
    for content in stored.get("bin_contents", ()):
        location.contents.setdefault(content.sku, {})[content.bin_id, content.lot] = content.units
        location.fill[content.bin_id] = location.fill.get(content.bin_id, 0) + content.units
    _restore_incoming(location, stored.get("incoming", ()))
    location.counting.update(counting_of(row) for row in stored.get("counting", ()))
    for terms in stored.get("floor_terms", ()):
        location.floor = floor_terms_of(terms)
    for profile in stored.get("location_profiles", ()):
        location.profile, location.counted = profile_of(profile)
    location.waiting = line_of(stored.get("waiters", ()))
    return location, place.version


def _stock_of(row: StockRow) -> Stock:
    buffers: tuple[tuple[str, int], ...] = ()
    if row.buffers:
        pairs = (part.split(":") for part in row.buffers.split(","))
        buffers = tuple((channel, int(units)) for channel, units in pairs)
    return Stock(
        row.on_hand, row.allocated, row.reserved, row.damaged, row.quality_hold, row.safety_stock, row.reorder_point, buffers,
        outlook_decoded(row.outlook).rate,
    )  # fmt: skip


def _restore_lot(location: Location, row: LotRow) -> None:
    lot = Lot(
        row.on_hand, row.allocated, row.reserved, row.damaged, row.quality_hold, row.expires_on, row.serial, row.told,  # type: ignore[arg-type]
    )  # fmt: skip
    location.lots.setdefault(row.sku, {})[row.lot] = lot
    location.look_at_ms = sooner(location.look_at_ms, moment_of(lot))
    if lot.expires_on is not None:
        location_outlook.count(location, row.sku, lot.expires_on, lot.free)


def _restore_incoming(location: Location, stored: Sequence[IncomingRow]) -> None:
    lines: dict[str, list[tuple[str, int]]] = {}
    for row in stored:
        if row.sku:
            lines.setdefault(row.source_id, []).append((row.sku, row.units))
    for row in stored:
        if not row.sku:
            location.incoming[row.source_id] = Incoming(
                row.source, row.revision, row.expected_at, tuple(lines.get(row.source_id, ())), row.changed_at  # type: ignore[arg-type]
            )  # fmt: skip
