"""What a location may be asked to do. The rules are in `location.py`."""

from __future__ import annotations

import msgspec

from actors.domain.location_events import LocationType, Reason, Units


class OpenLocation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Makes the location known, or changes its particulars. lat, lon: degrees."""

    location_type: LocationType
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str = "UTC"


class ReceiptLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`quantity` > 0 units arrived; `value`: (minor units of one unit, currency)."""

    sku: str
    quantity: int
    value: tuple[int, str] | None = None


class ReceiveStock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Goods came in."""

    lines: list[ReceiptLine]
    reference: str = ""


class AdjustmentLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A correction by `quantity` (signed; 0 when only the safety stock changes)."""

    sku: str
    quantity: int
    reason: Reason
    value: tuple[int, str] | None = None
    safety_stock: int | None = None


class AdjustStock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Corrections, all or none. `cause`: the approval by which they come, or ""."""

    lines: list[AdjustmentLine]
    reference: str = ""
    cause: str = ""


class Reserve(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order's fulfilment asks for units. Answered with what could be reserved, which may be less or nothing."""

    order_id: str
    fulfilment: int
    lines: list[Units]


class Release(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Reserved units are given back."""

    order_id: str
    fulfilment: int
    lines: list[Units]


class Pick(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Reserved units were taken from the shelf."""

    order_id: str
    fulfilment: int
    lines: list[Units]


class ShortPick(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Reserved units were not found: they leave the books."""

    order_id: str
    fulfilment: int
    lines: list[Units]


class Ship(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Reserved units left the building."""

    order_id: str
    fulfilment: int
    lines: list[Units]


Command = OpenLocation | ReceiveStock | AdjustStock | Reserve | Release | Pick | ShortPick | Ship
