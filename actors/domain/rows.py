"""Rows of the read model, as they are written behind. Field order is the tables' column order
(`actors/storage/schema/`).

`table` is the table's name, `key` its primary key, `append_only` rows are only ever added (the watermark keeps them
single). A `change` holds only some columns of a row that exists: what stays as it was need not be written again. A row
with `gone` (a field, no column) is taken away.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from actors.domain.personal_notes import (
    ALERT_ABOUT,
    ALERT_ASSIGNEE,
    APPROVER,
    CUSTOMER_ID,
    KEY_OF,
    NOTICE_ABOUT,
    ORDER_COUNTRY,
    ORDER_DIGEST,
    ORDER_OWNER,
    REQUEST_OF,
    REVOKED,
    SEALED_ADDRESS,
    SEALED_CONTENT,
    SEALED_ORDER,
    STAFF_ID,
)


class OrderRow(msgspec.Struct, array_like=True, gc=False):
    """One order as lists and searches see it, with its whole state for the next activation. `owner`: the customer's id,
    "" when it was not placed by one. Where the order is `sealed`, its references are keyed digests; `email_digest` is
    one always. Times: UTC ms."""

    table: ClassVar[str] = "orders"
    key: ClassVar[tuple[str, ...]] = ("order_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    order_id: str
    version: int
    status: str
    channel: str
    order_ref: Annotated[str, ORDER_DIGEST]
    customer_ref: Annotated[str, ORDER_DIGEST]
    owner: Annotated[str, ORDER_OWNER]
    email_digest: Annotated[str, ORDER_OWNER]
    country: Annotated[str, ORDER_COUNTRY]
    currency: str
    line_count: int
    units: int
    total_minor: int
    placed_at: int
    updated_at: int
    due_at: int | None
    sealed: Annotated[bytes, SEALED_ORDER]
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
    """Stock of one SKU at one location, in the SKU's base unit. `buffers`: units kept back from channels, as
    `online:2,store:1`. `outlook`: MessagePack of `outlook.Outlook`, b"" when nothing is known."""

    table: ClassVar[str] = "stock"
    key: ClassVar[tuple[str, ...]] = ("location_id", "sku")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    sku: str
    on_hand: int
    allocated: int
    safety_stock: int
    reserved: int = 0
    damaged: int = 0
    quality_hold: int = 0
    reorder_point: int = 0
    buffers: str = ""
    outlook: bytes = b""

    @property
    def available(self) -> int:
        """Units that may be promised; never negative. As `location_state.Stock.available`."""
        free = self.on_hand - self.allocated - self.reserved - self.damaged - self.quality_hold
        return max(0, free - self.safety_stock)

    @property
    def free(self) -> int:
        """Units that are sellable and promised to nobody. As `location_state.Counts.free`."""
        return self.on_hand - self.allocated - self.reserved - self.damaged - self.quality_hold

    @property
    def kept_back(self) -> dict[str, int]:
        """Channel → units that are kept back from it."""
        return kept_back_of(self.buffers)


def kept_back_of(buffers: str) -> dict[str, int]:
    """Channel → units that are kept back from it, as `StockRow.buffers` has them."""
    if not buffers:
        return {}
    pairs = (part.split(":") for part in buffers.split(","))
    return {channel: int(units) for channel, units in pairs}


class LedgerRow(msgspec.Struct, array_like=True, gc=False):
    """One entry of the stock ledger: what changed, by how much, why, and the balance after it. `aside`: which of the
    states reserved, damaged and quality_hold it changes, or the level safety_stock, None for none;
    the same with lot and bin."""

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
    allocated_delta: int
    on_hand: int
    allocated: int
    cause: str
    reference: str
    value_minor: int | None
    currency: str | None
    aside: str | None = None
    aside_delta: int | None = None
    aside_balance: int | None = None
    lot: str | None = None
    bin_id: str | None = None
    bin_delta: int | None = None


class SkuRow(msgspec.Struct, array_like=True, gc=False):
    """One SKU of the cell's catalogue. `version`: the catalogue's when this SKU was last defined. `details`:
    MessagePack of `article.Details`, b"" when there are none."""

    table: ClassVar[str] = "skus"
    key: ClassVar[tuple[str, ...]] = ("catalogue_id", "sku")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    catalogue_id: str
    sku: str
    description: str
    version: int
    details: bytes = b""


class AccountRow(msgspec.Struct, array_like=True, gc=False):
    """One staff account, with its whole state for the next activation. `enabled`: 1 or 0."""

    table: ClassVar[str] = "accounts"
    key: ClassVar[tuple[str, ...]] = ("account_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    account_id: Annotated[str, STAFF_ID]
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
    """One customer's account, with its whole state for the next activation. `proved`: 1 or 0; `due_at`: when it is
    forgotten unless it is proved (UTC ms), else None."""

    table: ClassVar[str] = "customers"
    key: ClassVar[tuple[str, ...]] = ("customer_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    customer_id: Annotated[str, CUSTOMER_ID]
    version: int
    proved: int
    state: bytes
    due_at: int | None = None


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
    """What a person has to be told, for whoever delivers it. `status`: pending, sent or withdrawn; `about`: the id of
    what it is about; address and content are sealed, and empty once it is not pending any more. Times: UTC ms; from
    `until_at` on it is not worth sending; `due_at`: the same while it is pending, else None."""

    table: ClassVar[str] = "notices"
    key: ClassVar[tuple[str, ...]] = ("notice_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    notice_id: str
    version: int
    status: str
    template: str
    about: Annotated[str, NOTICE_ABOUT]
    sealed_address: Annotated[bytes, SEALED_ADDRESS]
    sealed_content: Annotated[bytes, SEALED_CONTENT]
    created_at: int
    until_at: int
    sent_at: int | None
    due_at: int | None = None


class DataKeyRow(msgspec.Struct, array_like=True, gc=False):
    """One data key, wrapped by the region's key of id `wrapping`; b"" once destroyed. `person`: keyed digest of whose
    it is. `restricted`: 1 or 0; `changes`: how often that changed; `requests`: ids of those that restrict it,
    with commas between them."""

    table: ClassVar[str] = "data_keys"
    key: ClassVar[tuple[str, ...]] = ("key_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    key_id: str
    version: int
    person: Annotated[str, KEY_OF]
    status: str
    wrapping: str
    restricted: int
    changes: int
    wrapped: bytes
    requests: str = ""


class DeviceRow(msgspec.Struct, array_like=True, gc=False):
    """One device, with its whole state for the next activation. `seen_at` (UTC ms): when it last
    signed in, None for never."""

    table: ClassVar[str] = "devices"
    key: ClassVar[tuple[str, ...]] = ("device_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    device_id: str
    version: int
    location_id: str
    status: str
    name: str
    model: str
    seen_at: int | None
    state: bytes


class AlertRow(msgspec.Struct, array_like=True, gc=False):
    """One alert with its whole state. `about`: an account, or an address's digest; `rules`: with commas between;
    `told`: 1 when the webhook has taken the news, else 0. Times: UTC ms."""

    table: ClassVar[str] = "alerts"
    key: ClassVar[tuple[str, ...]] = ("alert_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    alert_id: str
    version: int
    status: str
    about: Annotated[str, ALERT_ABOUT]
    role: str
    rules: str
    score: float
    action: str
    assignee: Annotated[str, ALERT_ASSIGNEE]
    verdict: str
    began_at: int
    last_at: int
    told: int
    state: bytes


class ApprovalRow(msgspec.Struct, array_like=True, gc=False):
    """One approval with its whole state. `size`: how much is asked for, in what the action counts (base units of stock,
    minor units of money); `reasons`: with commas between; `decided_by`: "" until somebody approves or refuses. Times:
    UTC ms; `due_at`: when it expires, None once it can't any more."""

    table: ClassVar[str] = "approvals"
    key: ClassVar[tuple[str, ...]] = ("approval_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    approval_id: str
    version: int
    status: str
    action: str
    location_id: str
    target_kind: str
    target_id: str
    size: int
    reasons: str
    asked_by: Annotated[str, APPROVER]
    decided_by: Annotated[str, APPROVER]
    asked_at: int
    expires_at: int
    due_at: int | None
    state: bytes


class BreachRow(msgspec.Struct, array_like=True, gc=False):
    """One personal data breach with its whole state. `persons`: approximate number of people, 0 while it is not known.
    Times: UTC ms; `deadline_at`: by when the authority has to know; `due_at`: when the clock has something to
    say, None for not at all."""

    table: ClassVar[str] = "breaches"
    key: ClassVar[tuple[str, ...]] = ("breach_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    breach_id: str
    version: int
    status: str
    law: str
    risk: str
    persons: int
    discovered_at: int
    deadline_at: int
    due_at: int | None
    state: bytes


class PrivacyRequestRow(msgspec.Struct, array_like=True, gc=False):
    """One request of a person about their own data, with its whole state. `person`: keyed digest of whom it is about;
    `overdue`: 1 or 0. Times: UTC ms; `due_at`: when somebody has to be reminded, None for never more."""

    table: ClassVar[str] = "privacy_requests"
    key: ClassVar[tuple[str, ...]] = ("request_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    request_id: str
    version: int
    status: str
    law: str
    asked_right: str
    person: Annotated[str, REQUEST_OF]
    received_at: int
    deadline_at: int
    overdue: int
    due_at: int | None
    state: bytes


class ConsentRow(msgspec.Struct, array_like=True, gc=False):
    """What one person has agreed to, with the whole history as its state. `granted`, `refused`: purposes with commas
    between; `changed_at`: UTC ms."""

    table: ClassVar[str] = "consents"
    key: ClassVar[tuple[str, ...]] = ("consent_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    consent_id: str
    version: int
    granted: str
    refused: str
    changed_at: int
    state: bytes


class RevocationRow(msgspec.Struct, array_like=True, gc=False):
    """A session whose tokens are not good any more; `until_ms` (UTC ms): from then on they are over by themselves.
    `region_id`: the cell's list; `version`: the list's when this session was last put on it."""

    table: ClassVar[str] = "revocations"
    key: ClassVar[tuple[str, ...]] = ("region_id", "session_id")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    region_id: str
    session_id: Annotated[str, REVOKED]
    until_ms: int
    version: int


def changed(row: Any, change: Any) -> Any:
    """A copy of the row with what the change says."""
    return msgspec.structs.replace(row, **msgspec.structs.asdict(change))
