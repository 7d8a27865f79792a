"""What callers get about a SKU over all places."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from actors.domain.location_events import LocationType
from serve.catalogue.schemas import KitPart
from serve.locations.demand_schemas import Lasting
from serve.locations.schemas import ExpectedUnits


class PlaceInventory(msgspec.Struct, frozen=True):
    """One location. on_hand = free + reserved + allocated + damaged + quality_hold; `available`: free less safety
    stock, and less what is kept back from the channel and ends too soon where that was asked; `buffers`: units kept
    back from channels; `incoming`: still to come from suppliers; `in_transit`: from other locations; `expected`: both,
    by source, soonest first; `lasting`: how long it will last. `type`: null while this replica has
    not heard of the place."""

    location_id: str
    type: LocationType | None
    on_hand: int
    available: int
    reserved: int
    allocated: int
    damaged: int
    quality_hold: int
    safety_stock: int
    reorder_point: int
    buffers: dict[str, int]
    incoming: int
    in_transit: int
    expected: list[ExpectedUnits]
    lasting: Lasting


class InventoryTotals(msgspec.Struct, frozen=True):
    """Over all places that are told."""

    on_hand: int
    available: int
    reserved: int
    allocated: int
    damaged: int
    quality_hold: int
    incoming: int
    in_transit: int


class LotTotal(msgspec.Struct, frozen=True):
    """Over all places: lots with the same last good day (null: they don't expire)."""

    expires_on: date | None
    on_hand: int
    free: int


class PromisePoint(msgspec.Struct, frozen=True):
    """From then on so many units can be promised in all, as far as is known now."""

    at: datetime
    units: int


class InventoryView(msgspec.Struct, frozen=True):
    """One SKU over all places that the caller's rights reach. `kit`: its parts, empty for what is none; a kit has no
    stock of its own, so of it only what can be promised is told. `available_to_promise`: now, and after each arrival
    that is not overdue; of any lot that may be sold, however soon it ends: customers are promised only lots that have
    the catalogue's `min_life_days` left, which `good_until` asks for. `more`: there is more than is told here (1,000
    places, 1,000 lines to come, 5,000 of lots), and the sums are of what is told. `as_of`: how fresh it is, null while
    not every host has told."""

    sku: str
    description: str
    kit: list[KitPart]
    totals: InventoryTotals
    available_to_promise: list[PromisePoint]
    lots: list[LotTotal]
    places: list[PlaceInventory]
    more: bool
    as_of: datetime | None
