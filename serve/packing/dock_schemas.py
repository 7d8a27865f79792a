"""Bodies of `/v1/locations/{location_id}/docks/{carrier}`, and what is told of docks and manifests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.postal import LINE


class DockScan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/scans` of a manifest: an SSCC, as it is or as scanners send it, or a tracking number."""

    code: Annotated[str, Meta(min_length=1, max_length=64, pattern=LINE, examples=["095212340000000426"])]


class HandOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/hand-over`. leave_missing: what was not loaded waits for the next one."""

    leave_missing: bool = False


class WaitingDetail(msgspec.Struct, frozen=True):
    """A parcel that waits for the carrier."""

    sscc: str
    shipment_id: str
    parcel: int
    tracking_number: str
    weight_g: int


class ListedParcel(msgspec.Struct, frozen=True):
    """A parcel on a manifest. code: why it may not leave."""

    sscc: str
    shipment_id: str
    parcel: int
    tracking_number: str
    weight_g: int
    status: str
    code: str


class ManifestDetail(msgspec.Struct, frozen=True):
    """One manifest. code: why the carrier did not take it. weight_g: of the parcels that leave by it, so neither of
    those that were left for the next one nor of those that were stopped."""

    dock_id: str
    number: int
    status: str
    carrier_ref: str
    code: str
    closed_at: datetime
    handed_over_at: datetime | None
    weight_g: int
    parcels: list[ListedParcel]


class ManifestLine(msgspec.Struct, frozen=True):
    """A manifest in a list. parcels, weight_g: as `ManifestDetail` weighs them."""

    number: int
    status: str
    carrier_ref: str
    parcels: int
    weight_g: int
    closed_at: datetime
    handed_over_at: datetime | None


class DockDetail(msgspec.Struct, frozen=True):
    """What waits at a location for a carrier, oldest first, and the manifests that are not handed over yet."""

    dock_id: str
    version: int
    waiting: list[WaitingDetail]
    manifests: list[ManifestLine]


class ManifestPage(msgspec.Struct, frozen=True):
    """A page of a dock's manifests, newest first."""

    manifests: list[ManifestLine]
    as_of: datetime | None
    next_cursor: str | None


class ScanDetail(msgspec.Struct, frozen=True):
    """What came of a scan. load: it may go onto the truck, and only then; seen, of: how many of the
    manifest have been loaded."""

    number: int
    sscc: str
    tracking_number: str
    status: str
    load: bool
    code: str
    seen: int
    of: int
