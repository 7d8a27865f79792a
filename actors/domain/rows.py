"""Rows of the read model, as they are written behind. Field order is the tables' column order (`actors/storage/schema.py`).

`table` is the table's name, `key` its primary key, `append_only` rows are only ever added (the watermark keeps them single).
A `change` holds only some columns of a row that exists: what stays as it was need not be written again.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class OrderRow(msgspec.Struct, array_like=True, gc=False):
    """One order as lists and searches see it, with its whole state for the next activation. Times: UTC ms."""

    table: ClassVar[str] = "orders"
    key: ClassVar[tuple[str, ...]] = ("order_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    order_id: str
    version: int
    status: str
    channel: str
    order_ref: str
    customer_ref: str
    country: str
    currency: str
    line_count: int
    units: int
    total_minor: int
    placed_at: int
    updated_at: int
    due_at: int | None
    state: bytes


class OrderChange(msgspec.Struct, array_like=True, gc=False):
    """What the life of an order changes of its row."""

    table: ClassVar[str] = "orders"
    key: ClassVar[tuple[str, ...]] = ("order_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = True

    order_id: str
    version: int
    status: str
    updated_at: int
    due_at: int | None
    state: bytes


class LocationRow(msgspec.Struct, array_like=True, gc=False):
    """One place with stock. `version` counts all events of the location, those of its stock too."""

    table: ClassVar[str] = "locations"
    key: ClassVar[tuple[str, ...]] = ("location_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    version: int
    type: str
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str


class StockRow(msgspec.Struct, array_like=True, gc=False):
    """Stock of one SKU at one location, in the SKU's base unit."""

    table: ClassVar[str] = "stock"
    key: ClassVar[tuple[str, ...]] = ("location_id", "sku")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    sku: str
    on_hand: int
    reserved: int
    safety_stock: int


class LedgerRow(msgspec.Struct, array_like=True, gc=False):
    """One entry of the stock ledger: what changed, by how much, why, and the balance after it."""

    table: ClassVar[str] = "ledger"
    key: ClassVar[tuple[str, ...]] = ("location_id", "version", "line", "at")
    append_only: ClassVar[bool] = True
    change: ClassVar[bool] = False

    location_id: str
    version: int
    line: int
    at: int
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


class SkuRow(msgspec.Struct, array_like=True, gc=False):
    """One SKU of the cell's catalogue. `version`: the catalogue's when this SKU was last defined."""

    table: ClassVar[str] = "skus"
    key: ClassVar[tuple[str, ...]] = ("catalogue_id", "sku")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    catalogue_id: str
    sku: str
    description: str
    version: int


def changed(row: Any, change: Any) -> Any:
    """A copy of the row with what the change says."""
    return msgspec.structs.replace(row, **msgspec.structs.asdict(change))
