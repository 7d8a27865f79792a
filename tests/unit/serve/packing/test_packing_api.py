"""At the pack station the wrong goods, lot or weight passes, a carton is made up, or an order never gets
from there to the carrier."""

from __future__ import annotations

from tests.unit.serve.packing.pack_rig import DOCK, SEATTLE, stock


async def order_status(station, order_id):
    return (await station.get(f"/v1/orders/{order_id}")).json()["status"]


async def test_an_order_can_not_be_packed_and_handed_over(station):
    order_id, name = await station.opened()
    proposal = (await station.get(f"/v1/shipments/{name}/proposal")).json()
    assert [one["carton"] for one in proposal["parcels"]] == ["S"]
    assert len(proposal["parcels"][0]["placements"]) == 3
    told = await station.fill(name, ("A1", 3))
    assert (told["status"], told["left"]) == ("packed", [])
    assert await order_status(station, order_id) == "packed"
    label = await station.labelled(name)
    assert (label["status"], label["price"]["currency"]) == ("bought", "USD")
    document = await station.get(f"/v1/shipments/{name}/parcels/1/label")
    assert document.headers["content-type"] == "application/pdf"
    assert document.content.startswith(b"%PDF")
    assert document.headers["cache-control"] == "no-store"
    manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
    assert (manifest["status"], len(manifest["parcels"])) == ("closed", 1)
    scanned = await station.done(
        "POST", f"{DOCK}/manifests/1/scans", {"code": f"]C100{manifest['parcels'][0]['sscc']}"}
    )
    assert (scanned["load"], scanned["seen"], scanned["of"]) == (True, 1, 1)
    assert await order_status(station, order_id) == "shipped"
    assert stock(station) == (97, 0)
    done = await station.done("POST", f"{DOCK}/manifests/1/hand-over", {})
    assert done["status"] == "handed_over"
    assert (await station.read(name))["over"]
    told = (await station.get(f"/v1/orders/{order_id}/shipments")).json()
    parcel = told["fulfilments"][0]["parcels"][0]
    assert (parcel["status"], parcel["tracking_number"]) == ("handed_over", label["tracking_number"])


async def test_a_shipment_is_begun_twice(station):
    order_id, name = await station.opened()
    again = await station.done("POST", "/v1/shipments", {"fulfilment_id": f"{order_id}.1"}, 201)
    assert again["shipment_id"] == name
    await station.refused("order.fulfilment_unknown", "POST", "/v1/shipments", {"fulfilment_id": f"{order_id}.2"}, 422)
    await station.refused("order.fulfilment_unknown", "POST", "/v1/shipments", {"fulfilment_id": f"{order_id}.x"}, 422)
    await station.refused("order.unknown", "POST", "/v1/shipments", {"fulfilment_id": "us-x.1"}, 404)


async def test_what_is_not_being_picked_is_packed(station):
    order_id, _ = await station.packed()
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "ship"})
    answer = await station.write("POST", "/v1/shipments", {"fulfilment_id": f"{order_id}.1"})
    assert answer.json()["code"] == "shipment.not_packable"


async def test_a_shipment_that_was_begun_is_not_found_again_once_it_has_left(station):
    order_id = await station.picked()
    body = {"fulfilment_id": f"{order_id}.1"}
    first = await station.done("POST", "/v1/shipments", body, 201, "the-key")
    await station.fill(first["shipment_id"], ("A1", 3))
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "ship"})
    assert await station.done("POST", "/v1/shipments", body, 201, "the-key") == first


async def test_a_wrong_scan_passes(station):
    _, name = await station.opened()
    path = f"/v1/shipments/{name}/parcels"
    told = await station.done("POST", path, {"carton": "M"})
    assert told["sscc"] == "095212340000000013"
    wrong = await station.refused("shipment.wrong_item", "POST", f"{path}/1/scans", {"sku": "C3"})
    assert wrong["wanted"] == ["A1"]
    many = await station.refused("shipment.too_many", "POST", f"{path}/1/scans", {"sku": "A1", "quantity": 4})
    assert many["left"] == 3
    await station.refused("shipment.parcel_empty", "POST", f"{path}/1/closure", {"weight_g": 200})
    await station.done("POST", f"{path}/1/scans", {"sku": "A1", "quantity": 3})
    weighed = await station.refused("shipment.weight_differs", "POST", f"{path}/1/closure", {"weight_g": 700})
    assert (weighed["expected_g"], weighed["allowed_g"]) == (500, 50)
    await station.refused("shipment.parcel_unknown", "POST", f"{path}/2/scans", {"sku": "A1"}, 404)
    await station.done("POST", f"{path}/1/take-outs", {"sku": "A1", "quantity": 3})
    await station.done("DELETE", f"{path}/1")


async def test_a_lot_that_is_somebody_elses_is_packed(station):
    receipt = {
        "reference": "asn", "lines": [{"sku": "B 2", "quantity": 2, "lot": "L1"}, {"sku": "B 2", "quantity": 2, "lot": "L2"}],
    }  # fmt: skip
    # What came before lots were kept is gone.
    gone = {"reference": "x", "lines": [{"sku": "B 2", "quantity": -10, "reason": "other"}]}
    await station.done("POST", f"/v1/locations/{SEATTLE}/adjustments", gone)
    await station.done("POST", f"/v1/locations/{SEATTLE}/receipts", receipt)
    _, name = await station.opened(("B 2", 2))
    claims = station.cell.gateway.entities["location", SEATTLE][0].claims
    lots = {lot for held in claims.values() for (_, lot) in held}
    (mine,) = lots
    (other,) = {"L1", "L2"} - lots
    path = f"/v1/shipments/{name}/parcels"
    await station.done("POST", path, {"carton": "M"})
    required = await station.refused("shipment.lot_required", "POST", f"{path}/1/scans", {"sku": "B 2"})
    assert required["allotted"] == [mine]
    await station.refused("shipment.wrong_lot", "POST", f"{path}/1/scans", {"sku": "B 2", "lot": other})
    await station.done("POST", f"{path}/1/scans", {"sku": "B 2", "lot": mine, "quantity": 2})
    assert (await station.read(name))["parcels"][0]["contents"] == [{"sku": "B 2", "quantity": 2, "lot": mine}]


async def test_what_is_missing_is_of_another_lot_in_the_books(station):
    receipt = {"reference": "asn", "lines": [{"sku": "B 2", "quantity": 2, "lot": lot} for lot in ("L1", "L2")]}
    gone = {"reference": "x", "lines": [{"sku": "B 2", "quantity": -10, "reason": "other"}]}
    await station.done("POST", f"/v1/locations/{SEATTLE}/adjustments", gone)
    await station.done("POST", f"/v1/locations/{SEATTLE}/receipts", receipt)
    _, name = await station.opened(("B 2", 4))
    path = f"/v1/shipments/{name}"
    one = {"sku": "B 2", "quantity": 1}
    which = await station.refused("shipment.lot_required", "POST", f"{path}/missing", {"lines": [one]})
    assert which["allotted"] == ["L1", "L2"]
    twice = {"lines": [one | {"lot": "L1"}, one]}
    await station.refused("shipment.sku_repeated", "POST", f"{path}/missing", twice, 422)
    both = [one | {"lot": "L1"}, one | {"lot": "L2"}]
    assert (await station.done("POST", f"{path}/missing", {"lines": both}))["left"] == [{"sku": "B 2", "quantity": 2}]
    await station.done("POST", f"{path}/parcels", {"carton": "M"})
    await station.done("POST", f"{path}/parcels/1/scans", one | {"lot": "L2"})
    await station.done("POST", f"{path}/missing", {"lines": [one]})
    lots = station.cell.gateway.entities["location", SEATTLE][0].lots["B 2"]
    assert {lot: one.on_hand for lot, one in lots.items()} == {"L2": 1}


async def test_a_carton_is_made_up(station):
    _, name = await station.opened()
    path = f"/v1/shipments/{name}/parcels"
    wrong = await station.refused("packing.carton_unknown", "POST", path, {"carton": "XXL"}, 422)
    assert wrong["known"] == ["S", "M"]
    await station.refused("packing.carton_incomplete", "POST", path, {"length_mm": 100}, 422)
    await station.refused("packing.carton_measured", "POST", path, {"carton": "M", "tare_g": 1}, 422)
    await station.done("POST", path, {"length_mm": 500, "width_mm": 400, "height_mm": 300, "tare_g": 350})
    assert (await station.read(name))["parcels"][0]["length_mm"] == 500


async def test_goods_without_measures_have_a_proposal(station):
    receipt = {"reference": "asn", "lines": [{"sku": "C3", "quantity": 9}]}
    await station.done("POST", f"/v1/locations/{SEATTLE}/receipts", receipt)
    _, name = await station.opened(("A1", 1), ("C3", 1))
    proposal = (await station.get(f"/v1/shipments/{name}/proposal")).json()
    assert (proposal["problem"], proposal["skus"], proposal["parcels"]) == ("packing.not_measured", ["C3"], [])


async def test_papers_can_not_be_printed(station):
    _, name = await station.packed()
    path = f"/v1/shipments/{name}/parcels/1"
    for language in ("en", "es", "pt"):
        assert (await station.get(f"{path}/slip.pdf", language=language, prices=True)).content.startswith(b"%PDF")
    assert (await station.get(f"{path}/sscc-label")).content.startswith(b"%PDF")
    zpl = (await station.get(f"{path}/sscc-label", format="zpl")).content
    assert b">;>800095212340000000013^FS" in zpl
    await station.refused("shipment.label_missing", "GET", f"{path}/label")


async def test_shipments_are_listed_wrongly(station):
    _, packed = await station.packed(("A1", 1))
    _, opened = await station.opened(("A1", 1))
    everything = (await station.get("/v1/shipments")).json()["shipments"]
    assert {one["shipment_id"] for one in everything} == {packed, opened}
    page = (await station.get("/v1/shipments", status="packing", location_id=SEATTLE)).json()
    assert [one["shipment_id"] for one in page["shipments"]] == [opened]
    answer = await station.cell.get("/v1/shipments", status="lost")
    assert answer.status_code == 422


async def test_an_unknown_shipment_is_one(station):
    await station.refused("shipment.unknown", "GET", "/v1/shipments/us-shipment-01kah2v3nq7h3k2m9qk4t1x0ab", status=404)
    await station.refused("shipment.unknown", "GET", "/v1/shipments/nonsense", status=404)


async def test_what_no_carrier_takes_is_seen_when_it_is_packed_and_can_not_be_parted(station):
    """As the catalogue learns of the hazards only then; else the scan is refused."""
    _, name = await station.opened(("A1", 1), ("C3", 1))
    path = f"/v1/shipments/{name}/parcels"
    told = await station.fill(name, ("A1", 1), ("C3", 1))
    assert (told["status"], told["allowed"]) == ("packed", ["label", "void", "hand_over", "reopen_parcel"])
    classes = [{"sku": "A1", "weight_g": 100, "hazard_class": "3"}, {"sku": "C3", "hazard_class": "8"}]
    await station.done("POST", "/v1/skus", {"skus": [one | {"description": "Drain cleaner"} for one in classes]})
    body = {"carrier": "post", "service": "standard"}
    await station.refused("shipment.hazards_mixed", "POST", f"{path}/1/label", body)
    await station.done("POST", f"{path}/1/reopening", {})
    await station.done("POST", f"{path}/1/take-outs", {"sku": "C3"})
    await station.done("POST", f"{path}/1/closure", {"weight_g": 300})
    assert (await station.fill(name, ("C3", 1)))["status"] == "packed"
    # Apart, the carrier is asked; this one does not carry them at all.
    assert (await station.write("POST", f"{path}/2/label", body)).json()["code"] == "carrier.hazard"
    _, name = await station.opened(("A1", 1), ("C3", 1))
    path = f"/v1/shipments/{name}/parcels"
    await station.done("POST", path, {"carton": "M"})
    await station.done("POST", f"{path}/1/scans", {"sku": "A1"})
    mixed = await station.refused("shipment.hazards_mixed", "POST", f"{path}/1/scans", {"sku": "C3"})
    assert mixed["classes"] == ["3", "8"]
