"""A location (warehouse or store): its stock, and the ledger that explains it.

Per SKU, in base units:

    available = on_hand - reserved - safety_stock          never promised below 0

    receive    on_hand  +q                       reserve    reserved +q    (only what is available)
    adjust     on_hand  ±q (never below reserved) release   reserved -q
    ship       on_hand  -q, reserved -q          pick       no change of the counts: the units leave the shelf
    short_pick on_hand  -q, reserved -q          for units that were reserved but are not there

Each change is an entry of the ledger with reason and cause, and on_hand = Σ on_hand_delta of the ledger at any time. A location is
the only one that decides over its stock: `Reserve` takes what is available in that very turn, so no unit is promised twice.
An order's messages name (order id, fulfilment number); the runtime applies each message once.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.location_commands import (
    AdjustStock,
    Command,
    OpenLocation,
    Pick,
    ReceiveStock,
    Release,
    Reserve,
    Ship,
    ShortPick,
)
from actors.domain.location_events import Entry, Event, LocationOpened, Reason, SafetyStockSet, StockChanged, Units
from actors.domain.location_state import Changed, Location, LocationStockView, Reserved, Stock, StockView, ViewStock
from actors.domain.rows import LedgerRow, LocationRow, StockRow

ON_HAND_MAX = 1_000_000_000


def _known(state: Location | None, context: Context) -> Location:
    if state is None:
        raise Refused("location.unknown", f"There is no location {context.entity_id}.", location_id=context.entity_id)
    return state


def _changed(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: Changed(context.entity_id, version))


def decide(state: Location | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules."""
    if type(command) is OpenLocation:
        opened = LocationOpened(
            command.location_type,
            command.name,
            command.city,
            command.country,
            command.lat,
            command.lon,
            command.timezone,
        )
        same = state is not None and state.particulars == opened
        return _changed(context) if same else _changed(context, opened)
    location = _known(state, context)
    if type(command) is Reserve:
        return _reserve(location, command)
    if type(command) is ReceiveStock:
        return _receive(location, command, context)
    if type(command) is AdjustStock:
        return _adjust(location, command, context)
    assert isinstance(command, Release | Pick | ShortPick | Ship)
    return _settle(location, command, context)


def _reserve(location: Location, command: Reserve) -> Decision:
    entries, taken = [], []
    for sku, quantity in command.lines:
        stock = location.stock.get(sku)
        units = min(quantity, stock.available) if stock is not None else 0
        if units > 0:
            entries.append(Entry(sku, units, 0, units, "reserve"))
            taken.append((sku, units))
    reply = Reserved(taken)
    events: list[Event] = []
    if entries:
        events.append(StockChanged(entries, f"{command.order_id}.{command.fulfilment}"))
    return Decision(events, lambda state, version: reply)


def _receive(location: Location, command: ReceiveStock, context: Context) -> Decision:
    entries, sums = [], dict[str, int]()
    for line in command.lines:
        sums[line.sku] = sums.get(line.sku, 0) + line.quantity
        present = location.stock[line.sku].on_hand if line.sku in location.stock else 0
        if present + sums[line.sku] > ON_HAND_MAX:
            raise Refused("stock.too_much", f"More than {ON_HAND_MAX} units of {line.sku}.", sku=line.sku)
        entries.append(Entry(line.sku, line.quantity, line.quantity, 0, "receipt", line.value))
    return _changed(context, StockChanged(entries, "", command.reference))


def _adjust(location: Location, command: AdjustStock, context: Context) -> Decision:
    entries, levels, sums = [], list[Units](), dict[str, int]()
    for line in command.lines:
        sums[line.sku] = sums.get(line.sku, 0) + line.quantity
        if line.quantity:
            entries.append(Entry(line.sku, line.quantity, line.quantity, 0, line.reason, line.value))
        if line.safety_stock is not None:
            levels.append((line.sku, line.safety_stock))
    for sku, delta in sums.items():
        stock = location.stock.get(sku) or Stock()
        after = stock.on_hand + delta
        if delta < 0 and after < stock.reserved:
            raise Refused(
                "stock.insufficient",
                f"Only {stock.on_hand - stock.reserved} units of {sku} are not reserved here.",
                sku=sku, on_hand=stock.on_hand, reserved=stock.reserved, wanted=-delta,
            )  # fmt: skip
        if after > ON_HAND_MAX:
            raise Refused("stock.too_much", f"More than {ON_HAND_MAX} units of {sku}.", sku=sku)
    # Gains first: with losses first the books would pass through less on hand than is reserved.
    entries.sort(key=lambda entry: entry.on_hand < 0)
    events: list[Event] = []
    if entries:
        events.append(StockChanged(entries, command.cause, command.reference))
    if levels:
        events.append(SafetyStockSet(levels))
    return _changed(context, *events)


# reason -> what one unit does to (on_hand, reserved)
_SETTLE: dict[type, tuple[Reason, int, int]] = {
    Release: ("release", 0, -1),
    Pick: ("pick", 0, 0),
    ShortPick: ("short_pick", -1, -1),
    Ship: ("ship", -1, -1),
}


def _settle(location: Location, command: Release | Pick | ShortPick | Ship, context: Context) -> Decision:
    reason, on_hand, reserved = _SETTLE[type(command)]
    entries = []
    for sku, quantity in command.lines:
        stock = location.stock.get(sku)
        # An order only settles what it reserved here. Anything else is a fault of ours and must not bend the books. A pick changes
        # no count, and its message may come after that of its shipment: messages keep no order.
        if reserved and (stock is None or stock.reserved < quantity):
            raise Refused(
                "stock.not_reserved",
                f"{quantity} units of {sku} are to be settled ({reason}), fewer are reserved.",
                sku=sku,
                reserved=stock.reserved if stock else 0,
            )
        entries.append(Entry(sku, quantity, on_hand * quantity, reserved * quantity, reason))
    return _changed(context, StockChanged(entries, f"{command.order_id}.{command.fulfilment}"))


def evolve(state: Location | None, event: Event, context: Context) -> Location:
    """The next state; takes over `state`."""
    if type(event) is LocationOpened:
        return Location(event, state.stock if state is not None else {})
    assert state is not None
    stock = state.stock
    if type(event) is StockChanged:
        for entry in event.entries:
            row = stock.get(entry.sku)
            if row is None:
                row = stock[entry.sku] = Stock()
            row.on_hand += entry.on_hand
            row.reserved += entry.reserved
            assert row.on_hand >= row.reserved >= 0, f"{context.entity_id} {entry.sku}: {row}"
        return state
    assert type(event) is SafetyStockSet
    for sku, level in event.levels:
        stock.setdefault(sku, Stock()).safety_stock = level
    return state


def view(state: Location | None, query: ViewStock, version: int) -> msgspec.Struct:
    """A page of the stock, sorted by SKU."""
    if state is None:
        raise Refused("location.unknown", f"There is no location {query.location_id}.", location_id=query.location_id)
    skus = sorted(sku for sku in state.stock if sku > query.after)
    page = skus[: query.limit]
    rows = [
        StockView(sku, s.on_hand, s.reserved, s.safety_stock, s.available)
        for sku, s in ((sku, state.stock[sku]) for sku in page)
    ]
    return LocationStockView(query.location_id, version, rows, page[-1] if len(skus) > len(page) else "")


def rows(state: Location, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The location's row, the changed SKUs' rows, and the ledger. `version` is that after all `events`."""
    out, touched = list[Row](), dict[str, None]()
    out.append(_place_row(context.entity_id, state, version))
    for event in events:
        if type(event) is StockChanged:
            out.extend(_ledger(state, version, event, context))
            touched.update((entry.sku, None) for entry in event.entries)
        elif type(event) is SafetyStockSet:
            touched.update((sku, None) for sku, _ in event.levels)
    out.extend(_stock_row(context.entity_id, sku, state.stock[sku]) for sku in touched)
    return out


def feed(location_id: str, state: Location, version: int) -> list[Row]:
    """Everything that the API's index of availability needs."""
    stock = [_stock_row(location_id, sku, stock) for sku, stock in state.stock.items()]
    return [_place_row(location_id, state, version), *stock]


def _place_row(location_id: str, state: Location, version: int) -> LocationRow:
    at = state.particulars
    return LocationRow(
        location_id, version, at.location_type, at.name, at.city, at.country, at.lat, at.lon, at.timezone
    )  # fmt: skip


def _stock_row(location_id: str, sku: str, stock: Stock) -> StockRow:
    return StockRow(location_id, sku, stock.on_hand, stock.reserved, stock.safety_stock)


def _ledger(state: Location, version: int, event: StockChanged, context: Context) -> list[LedgerRow]:
    # Balances after each entry, worked backwards from the state after all of them.
    balance = {entry.sku: [state.stock[entry.sku].on_hand, state.stock[entry.sku].reserved] for entry in event.entries}
    out = []
    for line in range(len(event.entries) - 1, -1, -1):
        entry = event.entries[line]
        on_hand, reserved = balance[entry.sku]
        value, currency = entry.value if entry.value is not None else (None, None)
        out.append(
            LedgerRow(
                context.entity_id,
                version,
                line,
                context.now_ms,
                entry.sku,
                entry.reason,
                entry.quantity,
                entry.on_hand,
                entry.reserved,
                on_hand,
                reserved,
                event.cause,
                event.reference,
                value * entry.quantity if value is not None else None,
                currency,
            )
        )
        balance[entry.sku] = [on_hand - entry.on_hand, reserved - entry.reserved]
    out.reverse()
    return out


def restore(entity_id: str, stored: StoredRows) -> tuple[Location, int] | None:
    """The state and version from its stored rows."""
    places = stored.get("locations")
    if not places:
        return None
    place: LocationRow = places[0]
    opened = LocationOpened(
        place.type, place.name, place.city, place.country, place.lat, place.lon, place.timezone,  # type: ignore[arg-type]
    )  # fmt: skip
    stock = {row.sku: Stock(row.on_hand, row.reserved, row.safety_stock) for row in stored.get("stock", ())}
    return Location(opened, stock), place.version


LOCATION = Kind(
    name="location",
    commands=Command,
    events=Event,
    queries=ViewStock,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(LocationRow, StockRow),
    restore=restore,
    rows=rows,
    feed=feed,
    resident=True,
)
