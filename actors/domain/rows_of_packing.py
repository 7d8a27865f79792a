"""Rows of shipments, manifests and SSCCs. See `rows.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from actors.domain.personal_notes import ORDER_OWNER, SEALED_ORDER, SEALED_PAPER


class ShipmentRow(msgspec.Struct, array_like=True, gc=False):
    """One shipment with its whole state, in which labels are sealed. `order_id` "", `fulfilment` 0: a manual one, for
    this `reason`. `closed`: it is over, whatever came of it; `person`: keyed digest of whom a manual
    one is for. Times: UTC ms."""

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
    person: Annotated[str, ORDER_OWNER] = ""


class ShipmentPaperRow(msgspec.Struct, array_like=True, gc=False):
    """A paper of a shipment that tells who gets it, sealed, until nobody may ask for it any more. `parcel`: whose label
    it is, 0 for a manual one's address. `document`: the label or the address; `request`: what the carrier was asked,
    when the document was too large to be kept."""

    table: ClassVar[str] = "shipment_papers"
    key: ClassVar[tuple[str, ...]] = ("shipment_id", "parcel")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    shipment_id: str
    parcel: int
    label_key: str = ""
    request: Annotated[bytes, SEALED_PAPER] = b""
    document: Annotated[bytes, SEALED_PAPER] = b""
    gone: bool = False


class DockRow(msgspec.Struct, array_like=True, gc=False):
    """A location's dock for a carrier: what it knows besides its parcels. `waiting`: parcels on no manifest yet."""

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


class DockParcelRow(msgspec.Struct, array_like=True, gc=False):
    """A parcel that waits (`number` 0) or is on a manifest that has not left. `content`: MessagePack of
    `manifest_state.Waiting`, or `Listed`."""

    table: ClassVar[str] = "dock_parcels"
    key: ClassVar[tuple[str, ...]] = ("dock_id", "number", "sscc")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    dock_id: str
    number: int
    sscc: str
    content: bytes = b""
    gone: bool = False


class DockPastRow(msgspec.Struct, array_like=True, gc=False):
    """The last few manifests of a dock that are over. `content`: MessagePack of a list of `manifest_state.Manifest`."""

    table: ClassVar[str] = "dock_past"
    key: ClassVar[tuple[str, ...]] = ("dock_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    dock_id: str
    content: bytes


class ManifestRow(msgspec.Struct, array_like=True, gc=False):
    """One manifest. `content`: MessagePack of `manifest_state.Manifest`. Times: UTC ms;
    `handed_over_at`: None until then."""

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
