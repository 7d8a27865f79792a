"""What is known of a location, and what is answered about it. The rules are in `location.py`."""

from __future__ import annotations

import msgspec

from actors.domain.location_events import LocationOpened, Units


class Stock(msgspec.Struct, gc=False):
    """Stock of one SKU here."""

    on_hand: int = 0
    reserved: int = 0
    safety_stock: int = 0

    @property
    def available(self) -> int:
        """Units that may be promised now; never negative."""
        return max(0, self.on_hand - self.reserved - self.safety_stock)


class Location(msgspec.Struct):
    """The state of a location."""

    particulars: LocationOpened
    stock: dict[str, Stock]


# --- queries and answers --------------------------------------------------------------------------------------------
class ViewStock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A page of the stock, by SKU after `after`."""

    location_id: str
    after: str = ""
    limit: int = 100


class StockView(msgspec.Struct, frozen=True, gc=False):
    """Stock of one SKU as told to callers."""

    sku: str
    on_hand: int
    reserved: int
    safety_stock: int
    available: int


class LocationStockView(msgspec.Struct, frozen=True, gc=False):
    """A page of stock; `next_after` "" at the end."""

    location_id: str
    version: int
    stock: list[StockView]
    next_after: str


class Changed(msgspec.Struct, frozen=True, gc=False):
    """The answer to receipts, adjustments and particulars."""

    location_id: str
    version: int


class Reserved(msgspec.Struct, frozen=True, gc=False):
    """What `Reserve` could take, per SKU; SKUs with nothing are left out."""

    lines: list[Units]
