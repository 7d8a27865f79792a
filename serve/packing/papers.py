"""Papers of shipments that are over: no longer with the shipment, but in the read model for a while
(`actors/domain/shipment_papers.py`)."""

from __future__ import annotations

from actors.domain.shipment_papers import ADDRESS
from actors.domain.shipment_views import ParcelView, ShipmentView
from actors.domain.times import DAY_MS
from actors.runtime.read_model import ShipmentPaper
from serve.freshness import from_store
from serve.packing.calls import PackingCalls
from serve.problems import Problem


async def label_paper(calls: PackingCalls, view: ShipmentView, parcel: ParcelView) -> ShipmentPaper:
    """What is kept of a parcel's label. Raises Problem 409 when nothing is any more, 503."""
    label = parcel.label
    return await _paper(calls, view, parcel.number, label.key if label is not None and label.filed else "")


async def address_paper(calls: PackingCalls, view: ShipmentView) -> bytes:
    """Where a manual shipment went, sealed. Raises Problem 409 when nobody knows any more, 503."""
    return (await _paper(calls, view, ADDRESS, "")).document


async def _paper(calls: PackingCalls, view: ShipmentView, parcel: int, key: str) -> ShipmentPaper:
    found = await from_store(calls.services.read_model.shipment_paper(view.shipment_id, parcel))
    filed = view.filed if parcel == ADDRESS else bool(key)
    if found is not None and filed and found.label_key == key:
        return found
    days = calls.settings.papers_keep_days
    if filed and view.status == "shipped" and calls.services.clock.now_ms() - view.updated_at_ms < days * DAY_MS:
        # Nobody has taken it away yet: the drain is late, how late nobody knows here.
        raise Problem("shipment.papers_late", "The paper is being written behind: ask again in a moment.")
    detail = f"Papers that tell who got it are kept for {days} days once all of it is with the carrier, and not longer than the person is known."
    raise Problem("shipment.papers_dropped", detail, extra={"papers_keep_days": days})
