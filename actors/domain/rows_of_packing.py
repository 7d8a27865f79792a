"""Rows of shipments, manifests and SSCCs. See `rows.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from actors.domain.personal_notes import SEALED_ORDER


class ShipmentRow(msgspec.Struct, array_like=True, gc=False):
    """One shipment with its whole state, in which labels are sealed. `order_id` "", `fulfilment` 0: a manual one, for this `reason`. `closed`: it is over,
    whatever came of it. Times: UTC ms."""

    table: ClassVar[str] = "shipments"
    key: ClassVar[tuple[str, ...]] = ("shipment_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    shipment_id: str
    version: int
    status: str
    location_id: str
    order_id: str
    fulfilment: int
    reason: str
    parcels: int
    units: int
    weight_g: int
    opened_at: int
    updated_at: int
    closed: bool
    state: Annotated[bytes, SEALED_ORDER]


class DockRow(msgspec.Struct, array_like=True, gc=False):
    """What waits at a location for a carrier, and its manifests until they are handed over. `waiting`: parcels on no manifest yet."""

    table: ClassVar[str] = "docks"
    key: ClassVar[tuple[str, ...]] = ("dock_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    dock_id: str
    version: int
    location_id: str
    carrier: str
    waiting: int
    state: bytes


class ManifestRow(msgspec.Struct, array_like=True, gc=False):
    """One manifest. `content`: MessagePack of `manifest_state.Manifest`. Times: UTC ms; `handed_over_at`: None until then."""

    table: ClassVar[str] = "manifests"
    key: ClassVar[tuple[str, ...]] = ("dock_id", "number")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    dock_id: str
    number: int
    location_id: str
    carrier: str
    status: str
    carrier_ref: str
    parcels: int
    weight_g: int
    closed_at: int
    handed_over_at: int | None
    content: bytes


class SsccSeriesRow(msgspec.Struct, array_like=True, gc=False):
    """How far the SSCCs of a company prefix are given out."""

    table: ClassVar[str] = "sscc_series"
    key: ClassVar[tuple[str, ...]] = ("series_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    series_id: str
    version: int
    next_serial: int
