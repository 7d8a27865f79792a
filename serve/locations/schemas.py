"""What callers send and get about locations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.location import ON_HAND_MAX
from actors.domain.location_events import LocationType
from actors.domain.location_state import StockView
from actors.domain.money import Money
from serve.limits import ITEMS_MAX, TEXT, Country, Latitude, Longitude, Name, Quantity, Reference, SignedQuantity, Sku

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


class NewReceiptLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that arrived; `unit_value`: what one unit is worth."""

    sku: Sku
    quantity: Quantity
    unit_value: Money | None = None


class NewReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/locations/{location_id}/receipts`."""

    lines: Annotated[list[NewReceiptLine], Meta(min_length=1, max_length=ITEMS_MAX)]
    reference: Reference = ""


class NewAdjustmentLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A correction; `quantity` may be 0 when `safety_stock` (units that are never promised) is given."""

    sku: Sku
    quantity: SignedQuantity
    reason: AdjustmentReason
    unit_value: Money | None = None
    safety_stock: Annotated[int, Meta(ge=0, le=ON_HAND_MAX)] | None = None


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


class LedgerEntry(msgspec.Struct, frozen=True):
    """One entry: what changed, why, and the balance after it. `cause`: `<order id>.<fulfilment>`, the approval by which it came, or empty; `value_minor`: of the
    whole line, in minor units of `currency`."""

    version: int
    line: int
    at: datetime
    sku: str
    reason: str
    quantity: int
    on_hand_delta: int
    reserved_delta: int
    on_hand: int
    reserved: int
    cause: str
    reference: str
    value_minor: int | None
    currency: str | None


class LedgerPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    location_id: str
    entries: list[LedgerEntry]
    as_of: datetime | None
    next_cursor: str | None
