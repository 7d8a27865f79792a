"""Rows of the read model, as they are written behind. Field order is the tables' column order (`actors/storage/schema.py`).

`table` is the table's name, `key` its primary key, `append_only` rows are only ever added (the watermark keeps them single).
A `change` holds only some columns of a row that exists: what stays as it was need not be written again.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class OrderRow(msgspec.Struct, array_like=True, gc=False):
    """One order as lists and searches see it, with its whole state for the next activation. `owner`: the customer's id, "" when it was
    not placed by one. Times: UTC ms."""

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
    owner: str
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


class AccountRow(msgspec.Struct, array_like=True, gc=False):
    """One staff account, with its whole state for the next activation. `enabled`: 1 or 0."""

    table: ClassVar[str] = "accounts"
    key: ClassVar[tuple[str, ...]] = ("account_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    account_id: str
    version: int
    role: str
    enabled: int
    state: bytes


class ClientRow(msgspec.Struct, array_like=True, gc=False):
    """One machine client, with its whole state for the next activation. `enabled`: 1 or 0."""

    table: ClassVar[str] = "clients"
    key: ClassVar[tuple[str, ...]] = ("client_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    client_id: str
    version: int
    enabled: int
    state: bytes


class CustomerRow(msgspec.Struct, array_like=True, gc=False):
    """One customer's account, with its whole state for the next activation. `proved`: 1 or 0."""

    table: ClassVar[str] = "customers"
    key: ClassVar[tuple[str, ...]] = ("customer_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    customer_id: str
    version: int
    proved: int
    state: bytes


class GuestRow(msgspec.Struct, array_like=True, gc=False):
    """Who follows an order without an account: the order's codes."""

    table: ClassVar[str] = "guests"
    key: ClassVar[tuple[str, ...]] = ("order_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    order_id: str
    version: int
    state: bytes


class NoticeRow(msgspec.Struct, array_like=True, gc=False):
    """What a person has to be told, for whoever delivers it. `status`: pending or sent; `about`: the id of what it is about; address
    and content are sealed, and empty once it is sent. Times: UTC ms; from `until_at` on it is not worth sending."""

    table: ClassVar[str] = "notices"
    key: ClassVar[tuple[str, ...]] = ("notice_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    notice_id: str
    version: int
    status: str
    template: str
    about: str
    sealed_address: bytes
    sealed_content: bytes
    created_at: int
    until_at: int
    sent_at: int | None


class AlertRow(msgspec.Struct, array_like=True, gc=False):
    """One alert with its whole state. `about`: an account, or an address's digest; `rules`: with commas between; `told`: 1 when the webhook has
    taken the news, else 0. Times: UTC ms."""

    table: ClassVar[str] = "alerts"
    key: ClassVar[tuple[str, ...]] = ("alert_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    alert_id: str
    version: int
    status: str
    about: str
    role: str
    rules: str
    score: float
    action: str
    assignee: str
    verdict: str
    began_at: int
    last_at: int
    told: int
    state: bytes


class RevocationRow(msgspec.Struct, array_like=True, gc=False):
    """A session whose tokens are not good any more; `until_ms` (UTC ms): from then on they are over by themselves. `region_id`: the
    cell's list; `version`: the list's when this session was last put on it."""

    table: ClassVar[str] = "revocations"
    key: ClassVar[tuple[str, ...]] = ("region_id", "session_id")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    region_id: str
    session_id: str
    until_ms: int
    version: int


def changed(row: Any, change: Any) -> Any:
    """A copy of the row with what the change says."""
    return msgspec.structs.replace(row, **msgspec.structs.asdict(change))
