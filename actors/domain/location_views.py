"""What may be asked about a location, and what is answered. The rules are in `location.py`."""

from __future__ import annotations

import msgspec

from actors.domain.errors import Refused
from actors.domain.location_events import Bin, IncomingSource, Units
from actors.domain.location_floor import ViewContents, contents_of
from actors.domain.location_known_bins import ViewUnknownBins, unknown_bins
from actors.domain.location_outlook import outlook_of
from actors.domain.location_profile import ProfileView, ViewProfile
from actors.domain.location_room import ViewRoom, rooms_of
from actors.domain.location_state import Counts, Location, Stock
from actors.domain.outlook import NOTHING, Outlook

INCOMING_SHOWN_MAX = 100
LOTS_SHOWN_MAX = 1_000


# --- queries --------------------------------------------------------------------------------------------------------
class ViewStock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A page of the stock, by SKU after `after`."""

    location_id: str
    after: str = ""
    limit: int = 100


class ViewSku(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Everything about one SKU: its lots, its bins, what is to come."""

    location_id: str
    sku: str


class ViewBins(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A page of the bins with what lies in them, by id after `after`."""

    location_id: str
    after: str = ""
    limit: int = 100


Query = ViewStock | ViewSku | ViewBins | ViewUnknownBins | ViewRoom | ViewContents | ViewProfile


# --- answers --------------------------------------------------------------------------------------------------------
class StockView(msgspec.Struct, frozen=True, gc=False):
    """Stock of one SKU: on_hand = free + allocated + reserved + damaged + quality_hold; available = free -
    safety_stock, at least 0."""

    sku: str
    on_hand: int
    available: int
    reserved: int
    allocated: int
    damaged: int
    quality_hold: int
    safety_stock: int
    reorder_point: int


class LocationStockView(msgspec.Struct, frozen=True, gc=False):
    """A page of stock; `next_after` "" at the end."""

    location_id: str
    version: int
    stock: list[StockView]
    next_after: str


class LotView(msgspec.Struct, frozen=True, gc=False):
    """Stock of one lot. `expires_on`: days since 1970-01-01, its last good day."""

    lot: str
    expires_on: int | None
    serial: bool
    on_hand: int
    free: int
    reserved: int
    allocated: int
    damaged: int
    quality_hold: int


class SpotView(msgspec.Struct, frozen=True, gc=False):
    """Units in a bin; `bin_id` "" for what lies in none."""

    bin_id: str
    zone: str
    aisle: int
    rack: int
    level: int
    lot: str
    units: int


class IncomingView(msgspec.Struct, frozen=True, gc=False):
    """Units that are to come."""

    source_id: str
    source: IncomingSource
    expected_at_ms: int
    units: int


class SkuStockView(msgspec.Struct, frozen=True, gc=False):
    """All about one SKU at a location. `lots_more`: lots beyond those shown. outlook: as sourcing has it."""

    location_id: str
    version: int
    stock: StockView
    buffers: dict[str, int]
    lots: list[LotView]
    lots_more: int
    bins: list[SpotView]
    incoming: list[IncomingView]
    outlook: Outlook = NOTHING


class ContentView(msgspec.Struct, frozen=True, gc=False):
    """Units in a bin."""

    sku: str
    lot: str
    units: int


class BinView(msgspec.Struct, frozen=True, gc=False):
    """A bin and what lies in it."""

    bin: Bin
    contents: list[ContentView]


class LocationBinsView(msgspec.Struct, frozen=True, gc=False):
    """A page of bins; `next_after` "" at the end."""

    location_id: str
    version: int
    bins: list[BinView]
    next_after: str


class Changed(msgspec.Struct, frozen=True, gc=False):
    """The answer to receipts, adjustments and particulars."""

    location_id: str
    version: int


class ShippedLot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a lot that left. `expires_on`: days since 1970-01-01; `serial`: the lot is the number of one unit."""

    sku: str
    units: int
    lot: str
    expires_on: int | None
    serial: bool


class Shipped(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The answer to `Ship`: the lots that left, of SKUs that have any."""

    location_id: str
    version: int
    lots: list[ShippedLot] = []


def unknown(location_id: str) -> Refused:
    """There is no such location."""
    return Refused("location.unknown", f"There is no location {location_id}.", location_id=location_id)


def view(state: Location | None, query: Query, version: int) -> msgspec.Struct:
    """See the queries. Raises Refused `location.unknown`, `stock.sku_not_here`."""
    if state is None:
        raise unknown(query.location_id)
    if type(query) is ViewSku:
        return _of_sku(state, query, version)
    if type(query) is ViewBins:
        return _of_bins(state, query, version)
    if type(query) is ViewContents:
        return contents_of(state, query, version)
    if type(query) is ViewUnknownBins:
        return unknown_bins(state, query, version)
    if type(query) is ViewRoom:
        return rooms_of(state, query, version)
    if type(query) is ViewProfile:
        at = state.particulars.timezone
        return ProfileView(query.location_id, version, at, state.profile, state.counted)
    assert type(query) is ViewStock
    skus = sorted(sku for sku in state.stock if sku > query.after)
    page = skus[: query.limit]
    rows = [_stock(sku, state.stock[sku]) for sku in page]
    return LocationStockView(query.location_id, version, rows, page[-1] if len(skus) > len(page) else "")


def _stock(sku: str, s: Stock) -> StockView:
    return StockView(
        sku, s.on_hand, s.available, s.reserved, s.allocated, s.damaged, s.quality_hold, s.safety_stock, s.reorder_point
    )


def _of_sku(state: Location, query: ViewSku, version: int) -> SkuStockView:
    sku = query.sku
    incoming = [
        IncomingView(source_id, one.source, one.expected_at_ms, units)
        for source_id, one in state.incoming.items()
        for of, units in one.lines
        if of == sku
    ]
    stock = state.stock.get(sku)
    if stock is None and not incoming:
        raise Refused("stock.sku_not_here", f"{sku} was never at {query.location_id}.", sku=sku)
    stock = stock or Stock()
    lots = sorted(state.lots.get(sku, {}).items(), key=lambda item: (item[1].expires_on or 1 << 62, item[0]))
    shown = [
        LotView(name, lot.expires_on, lot.serial, lot.on_hand, lot.free, lot.reserved, lot.allocated, lot.damaged, lot.quality_hold)
        for name, lot in lots[:LOTS_SHOWN_MAX]
    ]  # fmt: skip
    return SkuStockView(
        query.location_id, version, _stock(sku, stock), dict(stock.buffers), shown, max(0, len(lots) - LOTS_SHOWN_MAX),
        _spots(state, sku, stock), sorted(incoming, key=lambda one: (one.expected_at_ms, one.source_id))[:INCOMING_SHOWN_MAX],
        outlook_of(stock, state.ends.get(sku)),
    )  # fmt: skip


def _spots(state: Location, sku: str, stock: Stock) -> list[SpotView]:
    contents = state.contents.get(sku, {})
    spots = []
    for (bin_id, lot), units in sorted(contents.items()):
        bin_ = state.bins[bin_id]
        spots.append(SpotView(bin_id, bin_.zone, bin_.aisle, bin_.rack, bin_.level, lot, units))
    parts: dict[str, Counts] = {**state.lots[sku]} if sku in state.lots else {"": stock}
    placed: dict[str, int] = {}
    for (_, of), units in contents.items():
        placed[of] = placed.get(of, 0) + units
    for lot, counts in parts.items():
        loose = counts.on_hand - placed.get(lot, 0)
        if loose:
            spots.append(SpotView("", "", 0, 0, 0, lot, loose))
    return spots


def _of_bins(state: Location, query: ViewBins, version: int) -> LocationBinsView:
    names = sorted(bin_id for bin_id in state.bins if bin_id > query.after)
    page = names[: query.limit]
    inside: dict[str, list[ContentView]] = {bin_id: [] for bin_id in page}
    wanted: list[tuple[str, Units, str]] = [
        (sku, (bin_id, units), lot)
        for sku, contents in state.contents.items()
        for (bin_id, lot), units in contents.items()
        if bin_id in inside
    ]
    for sku, (bin_id, units), lot in sorted(wanted):
        inside[bin_id].append(ContentView(sku, lot, units))
    bins = [BinView(state.bins[bin_id], inside[bin_id]) for bin_id in page]
    return LocationBinsView(query.location_id, version, bins, page[-1] if len(names) > len(page) else "")
