"""What `ReadModel` tells of shipments and manifests, from plain rows: the slow way, by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.rows_of_packing import ManifestRow, ShipmentPaperRow, ShipmentRow
from actors.runtime.read_model import ManifestSummary, ShipmentPaper, ShipmentSummary


def shipments(
    rows: Iterable[ShipmentRow], status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> list[ShipmentSummary]:
    found = [
        row for row in rows
        if (status is None or row.status == status) and (before is None or row.shipment_id < before)
        and (locations is None or row.location_id in locations)
    ]  # fmt: skip
    found.sort(key=lambda row: row.shipment_id, reverse=True)
    names = ShipmentSummary.__struct_fields__
    return [ShipmentSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]


def shipments_of(rows: Iterable[ShipmentRow], person: str, after: str, limit: int) -> list[str]:
    return sorted(row.shipment_id for row in rows if row.person == person != "" and row.shipment_id > after)[:limit]


def paper(rows: Iterable[ShipmentPaperRow], shipment_id: str, parcel: int) -> ShipmentPaper | None:
    found = (row for row in rows if (row.shipment_id, row.parcel) == (shipment_id, parcel))
    return next((ShipmentPaper(row.label_key, row.request, row.document) for row in found), None)


def manifests(rows: Iterable[ManifestRow], dock_id: str, before: int | None, limit: int) -> list[ManifestSummary]:
    found = [row for row in rows if row.dock_id == dock_id and (before is None or row.number < before)]
    found.sort(key=lambda row: row.number, reverse=True)
    names = ManifestSummary.__struct_fields__
    return [ManifestSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]


def manifest(rows: Iterable[ManifestRow], dock_id: str, number: int) -> bytes | None:
    return next((row.content for row in rows if (row.dock_id, row.number) == (dock_id, number)), None)
