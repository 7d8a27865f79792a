"""What has happened at a location. The rules are in `location.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

Reason = Literal[
    "receipt", "reserve", "release", "pick", "short_pick", "ship",
    "count", "damage", "loss", "found", "return", "write_off", "other",
]  # fmt: skip
LocationType = Literal["warehouse", "store"]
# Units of one SKU.
Units = tuple[str, int]


class LocationOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location's particulars are now these."""

    location_type: LocationType
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a stock change. `value`: (minor units of one unit, currency)."""

    sku: str
    quantity: int
    on_hand: int
    reserved: int
    reason: Reason
    value: tuple[int, str] | None = None


class StockChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Stock changed by `entries`. `cause`: "<order id>.<fulfilment>", an approval's id, or ""."""

    entries: list[Entry]
    cause: str = ""
    reference: str = ""


class SafetyStockSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units per SKU that are never promised."""

    levels: list[Units]


Event = LocationOpened | StockChanged | SafetyStockSet
