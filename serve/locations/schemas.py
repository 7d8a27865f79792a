"""What callers send and get about locations."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.location_draft import ON_HAND_MAX
from actors.domain.location_events import Condition, IncomingSource, LocationType
from actors.domain.location_views import StockView
from actors.domain.money import Money
from serve.limits import (
    ITEMS_MAX,
    TEXT,
    BinIdOrNone,
    Country,
    Latitude,
    Longitude,
    Lot,
    Name,
    Reference,
    SignedQuantity,
    Sku,
)
from serve.locations.demand_schemas import Lasting
from serve.receiving.lines import ReceivedLine

Timezone = Annotated[str, Meta(min_length=1, max_length=64, pattern=TEXT, examples=["America/Los_Angeles"])]
AdjustmentReason = Literal["count", "damage", "loss", "found", "return", "write_off", "other"]
City = Annotated[str, Meta(max_length=100, pattern=TEXT)]


class Particulars(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /v1/locations/{location_id}`."""

    type: LocationType
    name: Name
    country: Country
    lat: Latitude
    lon: Longitude
    city: City = ""
    timezone: Timezone = "UTC"


class NewReceiptLine(ReceivedLine, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Units that arrived; `unit_value`: what one base unit is worth."""

    unit_value: Money | None = None


class NewReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/locations/{location_id}/receipts`."""

    lines: Annotated[list[NewReceiptLine], Meta(min_length=1, max_length=ITEMS_MAX)]
    reference: Reference = ""


class NewAdjustmentLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A correction of units in that `condition`; `quantity` may be 0 when `safety_stock` (units that are never
    promised) is given. `lot` has to be named where the SKU is kept by lot; without a `bin` it is what lies in none, and
    of a loss the bins that it empties soonest."""

    sku: Sku
    quantity: SignedQuantity
    reason: AdjustmentReason
    unit_value: Money | None = None
    safety_stock: Annotated[int, Meta(ge=0, le=ON_HAND_MAX)] | None = None
    lot: Lot = ""
    bin: BinIdOrNone = ""
    condition: Condition = "sellable"


class NewAdjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/locations/{location_id}/adjustments`: all lines or none."""

    lines: Annotated[list[NewAdjustmentLine], Meta(min_length=1, max_length=ITEMS_MAX)]
    reference: Reference = ""


class LocationView(msgspec.Struct, frozen=True):
    """One location as told to callers."""

    location_id: str
    type: LocationType
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str


class LocationPage(msgspec.Struct, frozen=True):
    """By id; `next_cursor`: null at the end."""

    locations: list[LocationView]
    next_cursor: str | None


class StockPage(msgspec.Struct, frozen=True):
    """Stock by SKU, from the location's actor; `version`: the location's."""

    location_id: str
    version: int
    stock: list[StockView]
    next_cursor: str | None


class LotStock(msgspec.Struct, frozen=True):
    """The part of a SKU's stock that is of one lot. `expires_on`: its last good day; `serial`: it is the number of one
    unit; `free`: promised to nobody."""

    lot: str
    expires_on: date | None
    serial: bool
    on_hand: int
    free: int
    reserved: int
    allocated: int
    damaged: int
    quality_hold: int


class SpotUnits(msgspec.Struct, frozen=True):
    """Units in a bin; `bin`: null for what lies in none."""

    bin: str | None
    zone: str
    aisle: int
    rack: int
    level: int
    lot: str
    units: int


class ExpectedUnits(msgspec.Struct, frozen=True):
    """Units that are to come from a supplier (`purchase`) or from another location (`transfer`).
    `overdue`: they should be here."""

    source_id: str
    source: IncomingSource
    expected_at: datetime
    units: int
    overdue: bool


class SkuStock(msgspec.Struct, frozen=True):
    """All about one SKU at a location. `buffers`: units kept back from channels; `lots_more`: lots beyond the first
    1,000, which end soonest; `expected`: the first 100 sources; `lasting`: how long it will last."""

    location_id: str
    version: int
    stock: StockView
    buffers: dict[str, int]
    lots: list[LotStock]
    lots_more: int
    bins: list[SpotUnits]
    expected: list[ExpectedUnits]
    lasting: Lasting


class LedgerEntry(msgspec.Struct, frozen=True):
    """One entry: what changed, why, and the balance after it. `cause`: `<order id>.<fulfilment>`, the approval, count
    or inbound by which it came, else the id of the request, or empty (of what a transfer lacks the transfer, with the
    approval as `reference`); `value_minor`: of the whole line, in minor units of `currency`. `aside`: which of the
    states reserved, damaged and quality_hold it changes besides, with its own balance, or `safety_stock`, of which no
    count changes; `lot`, `bin_id`: of which lot the units are, and the bin whose content changes by `bin_delta`; all of
    them null for none."""

    version: int
    line: int
    at: datetime
    sku: str
    reason: str
    quantity: int
    on_hand_delta: int
    allocated_delta: int
    on_hand: int
    allocated: int
    cause: str
    reference: str
    value_minor: int | None
    currency: str | None
    aside: str | None
    aside_delta: int | None
    aside_balance: int | None
    lot: str | None
    bin_id: str | None
    bin_delta: int | None


class LedgerPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    location_id: str
    entries: list[LedgerEntry]
    as_of: datetime | None
    next_cursor: str | None
