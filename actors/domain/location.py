"""A location (warehouse or store): its stock, and the ledger that explains it.

Per SKU, in base units:

    on_hand   = free + allocated + reserved + damaged + quality_hold
    available = free - safety_stock          never promised below 0; per channel also less what is kept back from it

    receive    on_hand +q                        allocate   allocated +q (only what is available)    of orders and transfers
    adjust     on_hand ±q (never what is         release    allocated -q
               promised)                         ship       on_hand -q, allocated -q
    condition  sellable, damaged, quality_hold   short_pick on_hand -q, allocated -q: units that were allocated but are not there
    move       from bin to bin: no count         pick       no change of the counts: the units leave the shelf
               changes                           reserve    reserved +q (only what is available)     of carts
                                                 unreserve  reserved -q
                                                 convert    reserved -q, allocated +q: the cart became an order

Each change is an entry of the ledger with reason and cause, and each count is the sum of its deltas there at any time.
A correction that changes the safety stock is one too, with what the level is then, and no count changes; levels by
`SetLevels` have no reason, and are in the history. A location is the only one that decides over its stock: `Allocate`
and `Reserve` take what is available in that very turn, so no unit is promised twice. An order's messages name (order
id, fulfilment number); the runtime applies each message once.

    location_stock.py     goods that come, are corrected, change their condition; levels     location_lots.py      lots and their end
    location_promises.py  allocations and reservations                                        location_bins.py      where things lie
    location_incoming.py  what is to come                                                      location_rows.py      what is written down
    location_draft.py     the books while a command is decided                                 location_views.py     what is answered
    location_counting.py  what changes in a spot while it is being counted                     location_floor.py     whether a floor runs its picking
    location_capacity.py  how much it does for orders in a day (location_profile.py)       location_waiting.py   orders in line for what is not here
    location_serving.py   one round of serving these, in the room of a day (location_day.py)
    location_turns.py     who of these has his turn                                             location_dates.py     when they may have it
    location_outlook.py   how long its stock will last: demand, and when its units end
"""

from __future__ import annotations

import msgspec

from actors.domain import (
    location_bins,
    location_capacity,
    location_counting,
    location_floor,
    location_incoming,
    location_lots,
    location_outlook,
    location_promises,
    location_stock,
    location_waiting,
)
from actors.domain.kind import Context, Decision, Kind
from actors.domain.location_commands import (
    AdjustStock,
    Allocate,
    BeginCounting,
    ChangeCondition,
    Command,
    Convert,
    CountSpot,
    DefineBins,
    EndCounting,
    Expect,
    LookAtLocation,
    MoveUnits,
    OpenLocation,
    Pick,
    ReceiveStock,
    Release,
    RemoveBins,
    Reserve,
    RunFloor,
    SetLevels,
    Ship,
    ShortPick,
    Unreserve,
    WaitInLine,
)
from actors.domain.location_draft import apply, put_aside
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
    LotsLookedAt,
    SafetyStockSet,
    StockChanged,
)
from actors.domain.location_line import line_changed
from actors.domain.location_line_events import CHANGED
from actors.domain.location_profile import DayCounted, ProfileSet, SetProfile
from actors.domain.location_rows import feed, restore, rows
from actors.domain.location_state import Counts, Location, Lot, Stock, due_of
from actors.domain.location_views import Changed, Query, Shipped, unknown, view
from actors.domain.rows import LocationRow, StockRow
from actors.domain.rows_of_counts import CountingRow
from actors.domain.rows_of_floor import FloorTermsRow
from actors.domain.rows_of_sourcing import LocationProfileRow
from actors.domain.rows_of_stock import BinRow, ClaimRow, ContentRow, IncomingRow, LotRow
from actors.domain.rows_of_waiting import WaiterRow
from actors.domain.times import sooner


def decide(state: Location | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules."""
    if type(command) is OpenLocation:
        return _changed(context, _open(state, command))
    if state is None:
        raise unknown(context.entity_id)
    if state.waiting is not None:
        return location_waiting.decide(state, command, context, _decide)
    return _decide(state, command, context)


def _decide(state: Location, command: Command, context: Context) -> Decision:
    if type(command) is Allocate:
        got = location_promises.allocate(state, command, context)
        return _taken(got if state.profile is None else location_capacity.within(state, command, got, context))
    if type(command) is Reserve:
        return _taken(location_promises.reserve(state, command, context))
    if type(command) is Convert:
        got = location_promises.convert(state, command, context)
        return _taken(got if state.profile is None else location_capacity.within(state, command, got, context))
    if type(command) is Ship:
        return _shipped(state, location_promises.settle(state, command, context), context)
    if type(command) is BeginCounting:
        return _told(*location_counting.begin(state, command, context))
    if type(command) is CountSpot:
        return _told([], location_counting.compare(state, command, context))
    if type(command) is WaitInLine:
        return _told(*location_waiting.wait(state, command, context))
    return _changed(context, _events(state, command, context))


def _events(location: Location, command: Command, context: Context) -> list[Event]:
    match command:
        case Release() | Pick() | ShortPick():
            return location_promises.settle(location, command, context)
        case Unreserve():
            return location_promises.unreserve(location, command, context)
        case ReceiveStock():
            return location_stock.receive(location, command, context)
        case AdjustStock():
            return location_stock.adjust(location, command, context)
        case ChangeCondition():
            return location_stock.change_condition(location, command, context)
        case SetLevels():
            return location_stock.set_levels(location, command)
        case Expect():
            return location_incoming.expect(location, command, context)
        case DefineBins():
            return location_bins.define(location, command)
        case RemoveBins():
            return location_bins.remove(location, command)
        case MoveUnits():
            return location_bins.move(location, command)
        case EndCounting():
            return location_counting.end(location, command)
        case RunFloor():
            return location_floor.run_floor(location, command)
        case SetProfile():
            return location_capacity.set_profile(location, command)
    assert type(command) is LookAtLocation
    return location_lots.look_at(location, context)


def _open(state: Location | None, command: OpenLocation) -> list[Event]:
    opened = LocationOpened(*msgspec.structs.astuple(command))
    return [] if state is not None and state.particulars == opened else [opened]


def _changed(context: Context, events: list[Event]) -> Decision:
    return Decision(events, lambda state, version: Changed(context.entity_id, version))


def _shipped(state: Location, events: list[Event], context: Context) -> Decision:
    lots = location_promises.lots_of(state, events) if state.lots else []
    return Decision(events, lambda state, version: Shipped(context.entity_id, version, lots))


def _taken(outcome: tuple[list[Event], location_promises.Taken]) -> Decision:
    return _told(*outcome)


def _told(events: list[Event], answer: msgspec.Struct) -> Decision:
    return Decision(events, lambda state, version: answer)


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Location | None, event: Event, context: Context) -> Location:
    """The next state; takes over `state`."""
    if type(event) is LocationOpened:
        if state is None:
            return Location(event, {})
        state.particulars = event
        return state
    assert state is not None
    if type(event) is StockChanged:
        _stock_changed(state, event, context)
    elif type(event) is SafetyStockSet:
        for sku, level in event.levels:
            state.stock.setdefault(sku, Stock()).safety_stock = level
    elif type(event) is LevelsSet:
        _levels_set(state, event)
    elif type(event) is IncomingChanged:
        location_incoming.changed(state, event, context)
    elif type(event) is BinsDefined:
        state.shelves.clear()
        state.bins.update((bin_.bin_id, bin_) for bin_ in event.bins)
    elif type(event) is BinsRemoved:
        state.shelves.clear()
        for bin_id in event.bin_ids:
            del state.bins[bin_id]
            state.fill.pop(bin_id, None)
    else:
        _others_changed(state, event, context)
    return state


def _others_changed(state: Location, event: Event, context: Context) -> None:
    if type(event) is CountingBegun:
        location_counting.begun(state, event, context)
    elif type(event) is CountingEnded:
        location_counting.ended(state, event)
    elif type(event) is FloorSet:
        state.floor = event.terms
    elif type(event) is ProfileSet:
        state.profile = event.profile
    elif type(event) is DayCounted:
        state.counted = event.count
    elif isinstance(event, CHANGED):
        state.waiting = line_changed(state.waiting, event)
    else:
        _lots_changed(state, event, context)


def _lots_changed(state: Location, event: Event, context: Context) -> None:
    if type(event) is LotOpened:
        lot = Lot(expires_on=event.expires_on, serial=event.serial)
        state.lots.setdefault(event.sku, {})[event.lot] = lot
        moment = location_lots.moment_of(lot)
        if moment is not None:
            # One that is over is now: two wake-ups for the same moment could not be told apart.
            state.look_at_ms = sooner(state.look_at_ms, max(moment, context.now_ms))
    elif type(event) is ExpiryNear:
        state.lots[event.sku][event.lot].told = "near"
    elif type(event) is LotEnded:
        state.lots[event.sku][event.lot].told = "ended"
    elif type(event) is LotsLookedAt:
        state.look_at_ms = event.next_ms


def _levels_set(state: Location, event: LevelsSet) -> None:
    for levels in event.levels:
        stock = state.stock.setdefault(levels.sku, Stock())
        if levels.safety_stock is not None:
            stock.safety_stock = levels.safety_stock
        if levels.reorder_point is not None:
            stock.reorder_point = levels.reorder_point
        if levels.buffers is not None:
            stock.buffers = location_stock.buffers_of(levels.buffers)
        if levels.rate is not None:
            stock.rate = location_outlook.rate_of(levels.rate)


def _stock_changed(state: Location, event: StockChanged, context: Context) -> None:
    stock = state.stock
    if state.counting:
        location_counting.keep(state, event, context)
    for entry in event.entries:
        row = stock.get(entry.sku)
        if row is None:
            row = stock[entry.sku] = Stock()
        # Most entries are just this.
        row.on_hand += entry.on_hand
        row.allocated += entry.allocated
        if entry.aside is not None:
            put_aside(entry.aside, row)
        if entry.lot:
            _lot_changed(state, entry, event.cause)
        if entry.bin:
            _content_changed(state, entry)
        assert _right(row), f"{context.entity_id} {entry.sku}: {row}"


def _right(one: Counts) -> bool:
    allocated, reserved, damaged, held = one.allocated, one.reserved, one.damaged, one.quality_hold
    if allocated < 0 or reserved < 0 or damaged < 0 or held < 0:
        return False
    return one.on_hand >= allocated + reserved + damaged + held


def _lot_changed(state: Location, entry: Entry, cause: str) -> None:
    lots = state.lots[entry.sku]
    lot = lots[entry.lot]
    apply(entry, lot)
    location_outlook.lot_changed(state, entry, lot)
    assert _right(lot), f"{entry.sku} {entry.lot}: {lot}"
    if not lot.on_hand:
        del lots[entry.lot]
        if not lots:
            del state.lots[entry.sku]
    promised = entry.allocated + (entry.aside[1] if entry.aside is not None and entry.aside[0] == "reserved" else 0)
    if promised:
        _add(state.claims, cause, (entry.sku, entry.lot), promised)


def _content_changed(state: Location, entry: Entry) -> None:
    _add(state.contents, entry.sku, (entry.bin, entry.lot), entry.bin_delta)
    units = state.fill.get(entry.bin, 0) + entry.bin_delta
    if units:
        state.fill[entry.bin] = units
    else:
        state.fill.pop(entry.bin, None)


def _add(counts: dict[str, dict[tuple[str, str], int]], name: str, key: tuple[str, str], delta: int) -> None:
    """Adds to a count of counts in which nothing stays that is 0."""
    inner = counts.setdefault(name, {})
    units = inner.get(key, 0) + delta
    assert units >= 0, f"{name} {key}: {units}"
    if units:
        inner[key] = units
    else:
        del inner[key]
        if not inner:
            del counts[name]


_TABLES = (
    LocationRow, StockRow, LotRow, ClaimRow, BinRow, ContentRow, IncomingRow, CountingRow, FloorTermsRow, LocationProfileRow,
    WaiterRow,
)  # fmt: skip
LOCATION = Kind(
    name="location",
    commands=Command,
    events=Event,
    queries=Query,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=_TABLES,
    restore=restore,
    rows=rows,
    messages=location_waiting.messages,
    # A floor has the id of its location.
    sends_as="/line",
    due=due_of,
    wake=LookAtLocation,
    feed=feed,
    resident=True,
)
