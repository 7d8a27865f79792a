"""A label or slip is asked for again when its shipment is over: it is there for the time that the region says, and
after that nobody has it."""

from __future__ import annotations

import pytest

from actors.domain.data_key import DestroyKey
from actors.domain.shipment_commands import ForgetRecipient
from actors.domain.times import DAY_MS
from serve.keys.envelope import key_of
from tests.unit.serve.packing.pack_rig import DOCK, SEATTLE, TO_MIA, guarded_station

FAIR = {
    "location_id": SEATTLE, "reason": "sample", "lines": [{"sku": "A1", "quantity": 1}], "customer_ref": "loyal-quill",
    "ship_to": {"name": "Quill", "street": ["4 Alder Row"], "city": "Portland", "postcode": "97209", "country": "US"},
}  # fmt: skip


@pytest.fixture
async def station(tmp_path, monkeypatch):
    async with guarded_station(tmp_path, monkeypatch) as made:
        yield made


async def handed_over(station, name):
    await station.labelled(name)
    manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
    number = manifest["number"]
    for one in manifest["parcels"]:
        await station.done("POST", f"{DOCK}/manifests/{number}/scans", {"code": one["sscc"]})
    await station.done("POST", f"{DOCK}/manifests/{number}/hand-over", {})
    assert (await station.read(name))["over"]


def later(station, wait_ms):
    """Somebody else's shift by then."""
    station.cell.clock.now += wait_ms
    station.headers = station.cell.bearer()


def take_away(station):
    """As the retention does."""
    rows = station.cell.gateway.stock_rows
    for key in [key for key in rows if key[0] == "shipment_papers"]:
        del rows[key]


async def test_a_label_can_not_be_printed_again_or_for_ever(station):
    _, name = await station.packed(ship_to=TO_MIA)
    await handed_over(station, name)
    path = f"/v1/shipments/{name}/parcels/1/label"
    first = await station.get(path)
    assert first.content.startswith(b"%PDF")
    take_away(station)
    # Nobody has taken it away so early: it is on its way to the store, however long that takes.
    for wait_ms in (0, 60_000, 29 * DAY_MS):
        later(station, wait_ms)
        answer = await station.write("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (503, "shipment.papers_late")
        assert "retry-after" in answer.headers
    later(station, DAY_MS)
    told = await station.refused("shipment.papers_dropped", "GET", path)
    assert told["papers_keep_days"] == 30
    # An order's slip is made from the order, which tells who gets it as long as it knows.
    assert (await station.get(f"/v1/shipments/{name}/parcels/1/slip.pdf")).content.startswith(b"%PDF")


async def test_an_address_without_an_order_stays_or_goes_too_early(station):
    name = (await station.done("POST", "/v1/manual-shipments", FAIR, 201))["shipment_id"]
    await station.fill(name, ("A1", 1))
    await handed_over(station, name)
    path = f"/v1/shipments/{name}/parcels/1"
    assert (await station.get(f"{path}/slip.pdf")).content.startswith(b"%PDF")
    take_away(station)
    later(station, 30 * DAY_MS)
    for paper in ("slip.pdf", "label"):
        await station.refused("shipment.papers_dropped", "GET", f"{path}/{paper}")
    # What tells of nobody is still there.
    assert (await station.get(f"{path}/sscc-label")).content.startswith(b"%PDF")


async def test_a_label_of_somebody_who_was_erased_lies_in_the_store(station):
    order_id, name = await station.packed(ship_to=TO_MIA)
    await handed_over(station, name)
    key_id = key_of(station.cell.gateway.entities["order", order_id][0].sealed)
    await station.cell.gateway.ask("data_key", key_id, DestroyKey(), command_id="destroy", digest=0)
    station.cell.services.data_keys._opened.clear()
    await station.refused("shipment.person_erased", "GET", f"/v1/shipments/{name}/parcels/1/label")


async def test_an_address_that_is_forgotten_is_told_until_its_row_is_gone(station):
    name = (await station.done("POST", "/v1/manual-shipments", FAIR, 201))["shipment_id"]
    await station.fill(name, ("A1", 1))
    await handed_over(station, name)
    rows = station.cell.gateway.stock_rows
    behind = {key: row for key, row in rows.items() if key[0] == "shipment_papers"}
    assert len(behind) == 2
    await station.cell.gateway.ask("shipment", name, ForgetRecipient(), command_id="forget", digest=0)
    rows.update(behind)
    for paper in ("slip.pdf", "label"):
        await station.refused("shipment.papers_dropped", "GET", f"/v1/shipments/{name}/parcels/1/{paper}")
