"""What the read model tells of shipments and manifests, of the fake and of PostgreSQL: both must tell the same."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.domain.manifest import MANIFEST
from actors.domain.rows_of_packing import (
    DockParcelRow,
    DockPastRow,
    DockRow,
    ManifestRow,
    ShipmentPaperRow,
    ShipmentRow,
    SsccSeriesRow,
)
from actors.domain.shipment import SHIPMENT
from actors.domain.sscc_series import SSCC_SERIES, Series
from actors.runtime.ports import Store
from actors.runtime.read_model import ReadModel, ShipmentPaper
from tests.integration.storage.samples import NOW_MS, batch, drained, turn

STATUSES = ("packing", "packed", "shipped", "unpacking", "cancelled")
DOCK = "us-wh-0.post"


def shipment_row(number: int) -> ShipmentRow:
    status = STATUSES[number % 5]
    return ShipmentRow(
        f"us-shipment-{number:03d}.1", 3, status, f"us-wh-{number % 3}", f"us-{number:03d}", 1, "", 2, 5, 1_200, NOW_MS, NOW_MS + 5,
        status == "cancelled" or number % 2 == 0, b"\x00\xff state",
    )  # fmt: skip


def manifest_row(number: int, **changed: Any) -> ManifestRow:
    said: dict[str, Any] = {
        "dock_id": DOCK, "number": number, "location_id": "us-wh-0", "carrier": "post", "status": "handed_over", "carrier_ref": "MF1",
        "parcels": 3, "weight_g": 900, "closed_at": NOW_MS, "handed_over_at": NOW_MS + 7, "content": b"\x00\xff content",
    }  # fmt: skip
    return ManifestRow(**(said | changed))


async def test_shipments_are_listed_by_status_and_place(store: Store, read_model: ReadModel):
    rows = [shipment_row(number) for number in range(40)]
    # What is not over is not `shipped` any more in a list of what is open.
    rows = [row for row in rows if not row.closed or row.status in ("shipped", "cancelled")]
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"shipments": rows}))
    newest = rows[::-1]

    async def listed(**asked: Any) -> list[str]:
        asked = {"status": None, "locations": None, "before": None, "limit": 1_000} | asked
        return [summary.shipment_id for summary in await read_model.shipments(**asked)]

    ids = [row.shipment_id for row in newest]
    assert await listed() == ids
    assert await listed(limit=4, before=ids[3]) == ids[4:8]
    for status in (*STATUSES, "non\x00sense"):
        assert await listed(status=status) == [row.shipment_id for row in newest if row.status == status]
    there = [row.shipment_id for row in newest if row.location_id == "us-wh-1"]
    assert await listed(locations=["us-wh-1"]) == there
    assert await listed(locations=["us-\x00"]) == await listed(locations=[]) == []
    last = (await read_model.shipments(status=None, locations=None, before=ids[-2], limit=1))[0]
    assert (last.parcels, last.units, last.weight_g, last.opened_at) == (2, 5, 1_200, NOW_MS)
    loaded = await store.load(SHIPMENT, [rows[0].shipment_id])
    assert loaded[rows[0].shipment_id].rows == {"shipments": [rows[0]]}


async def test_a_manifest_that_its_dock_forgot_is_gone(store: Store, read_model: ReadModel):
    rows = [manifest_row(number) for number in range(1, 8)]
    rows.append(manifest_row(8, status="closing", handed_over_at=None))
    rows.append(manifest_row(1, dock_id="us-wh-1.post", content=b"another"))
    dock, series = DockRow(DOCK, 9, "us-wh-0", "post", 4, b"\x00 state"), SsccSeriesRow("us-sscc-0-9521234", 5, 6)
    await store.lease("host-0", [1], 1)
    parcels = [DockParcelRow(DOCK, number, f"{number:018}", b"\x00 parcel") for number in range(4)]
    past = DockPastRow(DOCK, b"\x00 past")
    others = [DockParcelRow("us-wh-1.post", 1, f"{1:018}", b"another")]
    tables = {
        "manifests": rows, "docks": [dock], "sscc_series": [series], "dock_parcels": [*parcels, *others], "dock_past": [past],
    }  # fmt: skip
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), tables))
    page = await read_model.manifests(DOCK, before=None, limit=3)
    assert [(one.number, one.status, one.handed_over_at) for one in page] == [
        (8, "closing", None), (7, "handed_over", NOW_MS + 7), (6, "handed_over", NOW_MS + 7),
    ]  # fmt: skip
    assert [one.number for one in await read_model.manifests(DOCK, before=6, limit=9)] == [5, 4, 3, 2, 1]
    assert await read_model.manifest(DOCK, 1) == b"\x00\xff content"
    assert await read_model.manifest("us-wh-1.post", 1) == b"another"
    assert await read_model.manifest(DOCK, 99) is None
    # What left long ago is not loaded with the dock.
    loaded = (await store.load(MANIFEST, [DOCK]))[DOCK].rows
    assert {table: sorted(rows, key=msgspec.structs.astuple) for table, rows in loaded.items()} == {
        "docks": [dock], "dock_parcels": parcels, "dock_past": [past],
    }  # fmt: skip
    gone = {
        "docks": [dock],
        "dock_parcels": [DockParcelRow(DOCK, 0, f"{0:018}", gone=True), DockParcelRow(DOCK, 9, "no", gone=True)],
    }
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), gone))
    left = (await store.load(MANIFEST, [DOCK]))[DOCK].rows["dock_parcels"]
    assert sorted(row.number for row in left) == [1, 2, 3]
    loaded = await store.load(SSCC_SERIES, [series.series_id])
    assert SSCC_SERIES.restore(series.series_id, loaded[series.series_id].rows) == (Series(6), 5)


async def test_a_person_is_found_by_somebody_elses_shipments_or_not_at_all(store: Store, read_model: ReadModel):
    rows = [msgspec.structs.replace(shipment_row(number), person=("", "mia", "tom")[number % 3]) for number in range(9)]
    papers = [
        ShipmentPaperRow("us-shipment-001.1", 0, document=b"\x00to"), ShipmentPaperRow("us-shipment-001.1", 2, "key", b"\x00asked"),
        ShipmentPaperRow("us-shipment-004.1", 0, document=b"another"),
    ]  # fmt: skip
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"shipments": rows, "shipment_papers": papers}))
    mias = ["us-shipment-001.1", "us-shipment-004.1", "us-shipment-007.1"]
    assert await read_model.shipments_of("mia", after="", limit=10) == mias
    assert await read_model.shipments_of("mia", after=mias[0], limit=1) == mias[1:2]
    for nobody in ("", "anna", "non\x00sense"):
        assert await read_model.shipments_of(nobody, after="", limit=10) == []
    assert await read_model.shipment_paper(mias[0], 0) == ShipmentPaper("", b"", b"\x00to")
    assert await read_model.shipment_paper(mias[0], 2) == ShipmentPaper("key", b"\x00asked", b"")
    assert await read_model.shipment_paper(mias[0], 1) is None
    gone = {"shipment_papers": [ShipmentPaperRow(mias[0], 0, gone=True), ShipmentPaperRow(mias[2], 0, gone=True)]}
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), gone))
    assert await read_model.shipment_paper(mias[0], 0) is None
    # With a shipment its papers are not loaded.
    assert (await store.load(SHIPMENT, [mias[0]]))[mias[0]].rows == {"shipments": [rows[1]]}
