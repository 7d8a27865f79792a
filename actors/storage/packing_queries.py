"""What the read model is asked about shipments and manifests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.runtime.read_model import ManifestSummary, ShipmentPaper, ShipmentSummary
from actors.storage.schema.packing import manifests, shipment_papers, shipments
from actors.storage.storable import storable_text

# Of which there is an index: what is not over.
_OVER = frozenset({"cancelled", "not_available"})


def shipments_query(
    status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> sa.Select[Any]:
    """The page of shipments, newest first."""
    c = shipments.c
    query = sa.select(*(c[name] for name in ShipmentSummary.__struct_fields__))
    if status is not None:
        query = query.where(c.status == storable_text(status))
        if status not in _OVER and status != "shipped":
            query = query.where(sa.not_(c.closed))
    if locations is not None:
        query = query.where(c.location_id.in_([storable_text(one) for one in locations]))
    if before is not None:
        query = query.where(c.shipment_id < storable_text(before))
    return query.order_by(c.shipment_id.desc()).limit(limit)


def shipments_of_query(person: str, after: str, limit: int) -> sa.Select[Any]:
    """Ids of the manual shipments for somebody, in order."""
    c = shipments.c
    query = sa.select(c.shipment_id).where(
        c.person == storable_text(person), c.person != "", c.shipment_id > storable_text(after)
    )
    return query.order_by(c.shipment_id).limit(limit)


def paper_query(shipment_id: str, parcel: int) -> sa.Select[Any]:
    """A paper of a shipment."""
    c = shipment_papers.c
    names = ShipmentPaper.__struct_fields__
    return sa.select(*(c[name] for name in names)).where(
        c.shipment_id == storable_text(shipment_id), c.parcel == parcel
    )


def manifests_query(dock_id: str, before: int | None, limit: int) -> sa.Select[Any]:
    """The page of a dock's manifests, newest first."""
    c = manifests.c
    query = sa.select(*(c[name] for name in ManifestSummary.__struct_fields__)).where(
        c.dock_id == storable_text(dock_id)
    )
    if before is not None:
        query = query.where(c.number < before)
    return query.order_by(c.number.desc()).limit(limit)


def manifest_query(dock_id: str, number: int) -> sa.Select[Any]:
    """The content of one."""
    c = manifests.c
    return sa.select(c.content).where(c.dock_id == storable_text(dock_id), c.number == number)
