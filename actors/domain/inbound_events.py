"""What has happened to an inbound. The rules are in `inbound.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.inbound_commands import AnnouncedLine, AnnouncedPackage
from actors.domain.location_events import Condition, Units

Outcome = Literal["complete", "with_discrepancies"]


class InboundAnnounced(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Goods will come. See `AnnounceInbound`."""

    location_id: str
    expected_at_ms: int
    lines: list[AnnouncedLine]
    packages: list[AnnouncedPackage]
    supplier_ref: str
    purchase_ref: str
    asn_ref: str
    tolerance_percent: int


class InboundChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """They come at another time, or others come. `lines`: new or changed ones; `removed`: numbers of those that won't
    come; `packages`: all that are still to come, None when they stay as they are."""

    expected_at_ms: int
    lines: list[AnnouncedLine]
    removed: list[int]
    packages: list[AnnouncedPackage] | None


class ExpectationChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All that is still to come: with this event the location expects just that. `revision` rises with each."""

    location_id: str
    revision: int
    expected_at_ms: int
    lines: list[Units]


class ArrivedGoods(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a receipt. `value`: (minor units of one unit, currency), as announced. The rest: see `ReceivedGoods`."""

    sku: str
    units: int
    condition: Condition
    lot: str
    expires_on: int | None
    bin: str
    serials: list[str]
    value: tuple[int, str] | None


class GoodsReceived(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A receipt: with this event the location takes the units into its books. `receipt`: from 1, within the inbound;
    `packages`: SSCCs of those that came; `awaited`: the command whose caller waits for the location's answer."""

    location_id: str
    receipt: int
    reference: str
    packages: list[str]
    lines: list[ArrivedGoods]
    awaited: str


class ReceiptBooked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The receipt is in the location's books."""

    receipt: int


class ReceiptRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location refused the receipt: its units count as not received, and its packages may be received again."""

    receipt: int
    code: str
    detail: str


class Discrepancy(msgspec.Struct, frozen=True, gc=False):
    """How a line differs from what was announced, in units. `line`: its number, 0 for an unexpected SKU;
    `damaged`: of those that came."""

    line: int
    sku: str
    under: int
    over: int
    unexpected: int
    damaged: int


class InboundClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing more will come."""

    outcome: Outcome
    discrepancies: list[Discrepancy]


class InboundCancelled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It won't come, and nothing of it has."""


Event = (
    InboundAnnounced | InboundChanged | ExpectationChanged | GoodsReceived | ReceiptBooked | ReceiptRefused | InboundClosed
    | InboundCancelled
)  # fmt: skip
