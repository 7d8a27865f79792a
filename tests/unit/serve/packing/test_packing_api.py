"""The pack station through the whole API, in a cell that knows nobody: what is scanned, closed, labelled, handed over, and refused."""

from __future__ import annotations

import pytest

from partners.fake_carrier import FakeCarrier
from tests.unit.serve.packing.pack_rig import DOCK, SEATTLE, Station, open_cell
from tests.unit.serve.small_cell import furnish


@pytest.fixture
async def station():
    cell = open_cell()
    await furnish(cell)
    made = Station(cell)
    await made.goods()
    yield made
    await cell.http.aclose()


def stock(station, sku="A1", place=SEATTLE):
    row = station.cell.gateway.entities["location", place][0].stock[sku]
    return row.on_hand, row.allocated


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


async def test_a_label_is_paid_twice_when_the_carrier_does_not_answer(station):
    _, name = await station.packed()
    carrier = station.cell.services.carriers["post"]
    assert isinstance(carrier, FakeCarrier)
    carrier.mute = True
    path, body = f"/v1/shipments/{name}/parcels/1/label", {"carrier": "post", "service": "standard"}
    answer = await station.write("POST", path, body, "k-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "carrier.timed_out")
    assert "retry-after" in answer.headers
    other = await station.write("POST", path, body | {"service": "express"})
    assert other.json()["code"] == "shipment.label_asked"
    carrier.mute = False
    assert len(carrier._parcels) == 1
    first = await station.done("POST", path, body, key="k-1")
    second = await station.done("POST", path, body)
    assert first == second
    assert len(carrier._parcels) == 1


async def test_a_carrier_that_is_away_keeps_the_parcel(station):
    _, name = await station.packed()
    post, courier = (station.cell.services.carriers[one] for one in ("post", "courier"))
    post.down = True
    path = f"/v1/shipments/{name}/parcels/1/label"
    answer = await station.write("POST", path, {"carrier": "post", "service": "standard"})
    assert (answer.status_code, answer.json()["code"]) == (503, "carrier.unavailable")
    label = await station.labelled(name, carrier="courier")
    assert (label["carrier"], label["label_format"]) == ("courier", "zpl")
    assert not post._parcels
    assert len(courier._parcels) == 1
    document = await station.get(path)
    assert document.content.startswith(b"^XA")


async def test_a_carrier_or_service_that_there_is_not_is_asked(station):
    _, name = await station.packed()
    path = f"/v1/shipments/{name}/parcels/1/label"
    await station.refused("carrier.unknown", "POST", path, {"carrier": "owl", "service": "standard"}, 422)
    answer = await station.write("POST", path, {"carrier": "post", "service": "overnight"})
    assert answer.json()["code"] == "carrier.unknown_service"
    assert (await station.read(name))["parcels"][0]["label"]["code"] == "carrier.unknown_service"
    assert (await station.labelled(name))["status"] == "bought"


async def test_nobody_can_say_what_it_costs(station):
    _, name = await station.packed()
    told = (await station.get(f"/v1/shipments/{name}/parcels/1/quotes")).json()
    assert {one["carrier"] for one in told["quotes"]} == {"post", "courier"}
    prices = [one["price"]["amount"] for one in told["quotes"]]
    assert prices == sorted(prices)


async def test_a_label_can_not_be_given_back(station):
    _, name = await station.packed()
    await station.labelled(name)
    path = f"/v1/shipments/{name}/parcels/1/label"
    assert len((await station.get(DOCK)).json()["waiting"]) == 1
    told = await station.done("DELETE", path)
    assert told["status"] == "voided"
    assert (await station.get(DOCK)).json()["waiting"] == []
    await station.labelled(name)
    assert len((await station.get(DOCK)).json()["waiting"]) == 1


async def test_goods_of_a_cancelled_order_leave(station):
    order_id, name = await station.packed()
    await station.labelled(name)
    await station.done("POST", f"{DOCK}/manifests", status=201)
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    tracking = (await station.read(name))["parcels"][0]["label"]["tracking_number"]
    told = await station.done("POST", f"{DOCK}/manifests/1/scans", {"code": tracking})
    assert not told["load"]
    assert (await station.read(name))["status"] == "unpacking"
    stop = await station.refused("manifest.parcel_stopped", "POST", f"{DOCK}/manifests/1/scans", {"code": tracking})
    assert "Stop" in stop["detail"]
    done = await station.done("POST", f"{DOCK}/manifests/1/hand-over", {})
    assert [one["status"] for one in done["parcels"]] == ["withdrawn"]
    told = await station.done("POST", f"/v1/shipments/{name}/unpacking", {})
    assert told["status"] == "cancelled"
    # The carrier was told of it by the manifest, and keeps the money.
    assert (await station.read(name))["parcels"][0]["label"]["status"] == "kept"
    assert stock(station) == (100, 0)


async def test_a_cancelled_order_keeps_its_label(station):
    order_id, name = await station.opened(("A1", 2))
    path = f"/v1/shipments/{name}/parcels"
    for _ in range(2):
        await station.done("POST", path, {"carton": "M"})
    await station.done("POST", f"{path}/1/scans", {"sku": "A1"})
    await station.done("POST", f"{path}/1/closure", {"weight_g": 300})
    await station.labelled(name)
    carrier = station.cell.services.carriers["post"]
    carrier.mute = True
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    await station.done("POST", f"{path}/2/scans", {"sku": "A1"})
    told = await station.done("POST", f"{path}/2/closure", {"weight_g": 300})
    assert told["status"] == "unpacking"
    answer = await station.write("POST", f"/v1/shipments/{name}/unpacking", {}, "unpack")
    assert answer.json()["code"] == "carrier.timed_out"
    carrier.mute = False
    told = await station.done("POST", f"/v1/shipments/{name}/unpacking", {}, key="unpack")
    assert told["status"] == "cancelled"
    assert (await station.read(name))["parcels"][0]["label"]["status"] == "voided"


async def test_a_label_that_nobody_knows_was_sold_keeps_a_stopped_shipment_for_ever(station):
    order_id, name = await station.packed()
    carrier = station.cell.services.carriers["post"]
    carrier.mute = True
    path = f"/v1/shipments/{name}/parcels/1/label"
    answer = await station.write("POST", path, {"carrier": "post", "service": "standard"}, "buy")
    assert answer.json()["code"] == "carrier.timed_out"
    assert (await station.read(name))["parcels"][0]["label"]["status"] == "asked"
    carrier.mute = False
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    assert (await station.write("POST", path, {"carrier": "post", "service": "standard"}, "again")).status_code == 409
    told = await station.done("POST", f"/v1/shipments/{name}/unpacking", {}, key="unpack")
    assert told["status"] == "cancelled"
    assert (await station.read(name))["parcels"][0]["label"]["status"] == "voided"


async def test_a_label_is_bought_for_a_cancelled_order(station):
    order_id, name = await station.packed()
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    answer = await station.write(
        "POST", f"/v1/shipments/{name}/parcels/1/label", {"carrier": "post", "service": "standard"}
    )
    assert answer.json()["code"] == "shipment.order_cancelled"
    assert (await station.read(name))["status"] == "unpacking"
    assert not station.cell.services.carriers["post"]._parcels


async def test_what_is_missing_is_handed_over(station):
    names = [(await station.packed(("A1", 1)))[1] for _ in range(2)]
    for name in names:
        await station.labelled(name)
    manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
    first, second = (one["sscc"] for one in manifest["parcels"])
    await station.done("POST", f"{DOCK}/manifests/1/scans", {"code": first})
    missing = await station.refused("manifest.parcels_missing", "POST", f"{DOCK}/manifests/1/hand-over", {})
    assert missing["ssccs"] == [second]
    done = await station.done("POST", f"{DOCK}/manifests/1/hand-over", {"leave_missing": True})
    assert [one["status"] for one in done["parcels"]] == ["handed_over", "left"]
    await station.refused("manifest.not_closed", "POST", f"{DOCK}/manifests/1/scans", {"code": second})
    # The carrier knows of it: it is on the next list without being told again.
    again = await station.done("POST", f"{DOCK}/manifests", status=201)
    assert (again["number"], again["status"], [one["sscc"] for one in again["parcels"]]) == (2, "closed", [second])
    wrong = await station.refused("manifest.parcel_unknown", "POST", f"{DOCK}/manifests/2/scans", {"code": first})
    assert wrong["on_manifest"] == 0
    await station.done("POST", f"{DOCK}/manifests/2/scans", {"code": second})
    await station.done("POST", f"{DOCK}/manifests/2/hand-over", {})


async def test_a_manifest_is_told_to_the_carrier_twice(station):
    _, name = await station.packed()
    await station.labelled(name)
    carrier = station.cell.services.carriers["post"]
    carrier.mute = True
    answer = await station.write("POST", f"{DOCK}/manifests", None, "close")
    assert (answer.status_code, answer.json()["code"]) == (503, "carrier.timed_out")
    await station.refused("manifest.not_closed", "POST", f"{DOCK}/manifests/1/scans", {"code": "x"})
    carrier.mute = False
    manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
    assert (manifest["number"], manifest["status"]) == (1, "closed")
    assert carrier._manifests == 1
    await station.refused("manifest.nothing_to_hand_over", "POST", f"{DOCK}/manifests")


async def test_a_manifest_that_the_carrier_refuses_keeps_its_parcels(station):
    _, name = await station.packed()
    label = await station.labelled(name)
    carrier = station.cell.services.carriers["post"]
    await carrier.void("by hand", label["tracking_number"])
    answer = await station.write("POST", f"{DOCK}/manifests")
    assert answer.json()["carrier_code"] == "carrier.already_voided"
    assert len((await station.get(DOCK)).json()["waiting"]) == 1
    assert (await station.done("DELETE", f"/v1/shipments/{name}/parcels/1/label"))["status"] == "voided"
    assert (await station.get(DOCK)).json()["waiting"] == []


async def test_an_old_manifest_is_forgotten(station):
    for _ in range(7):
        _, name = await station.packed(("A1", 1))
        await station.labelled(name)
        manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
        number = manifest["number"]
        await station.done("POST", f"{DOCK}/manifests/{number}/scans", {"code": manifest["parcels"][0]["sscc"]})
        await station.done("POST", f"{DOCK}/manifests/{number}/hand-over", {})
    assert len((await station.get(DOCK)).json()["manifests"]) == 5
    old = (await station.get(f"{DOCK}/manifests/1")).json()
    assert (old["status"], len(old["parcels"])) == ("handed_over", 1)
    page = (await station.get(f"{DOCK}/manifests", limit=4)).json()
    assert [one["number"] for one in page["manifests"]] == [7, 6, 5, 4]
    page = (await station.get(f"{DOCK}/manifests", limit=4, cursor=page["next_cursor"])).json()
    assert [one["number"] for one in page["manifests"]] == [3, 2, 1]
    assert (await station.get(f"{DOCK}/manifests/1/list.pdf")).content.startswith(b"%PDF")
    await station.refused("manifest.unknown", "GET", f"{DOCK}/manifests/99", status=404)


async def test_something_leaves_without_order_and_without_a_reason(station):
    body = {
        "location_id": SEATTLE, "reason": "sample", "lines": [{"sku": "A1", "quantity": 2}], "note": "for the fair",
        "ship_to": {"name": "Fair", "street": ["1 Hall Way"], "city": "Portland", "postcode": "97201", "country": "US"},
    }  # fmt: skip
    told = await station.done("POST", "/v1/manual-shipments", body, 201, key="m-1")
    again = await station.done("POST", "/v1/manual-shipments", body, 201, key="m-1")
    name = told["shipment_id"]
    assert (told["status"], again["shipment_id"]) == ("packing", name)
    assert stock(station) == (100, 2)
    await station.fill(name, ("A1", 2))
    await station.labelled(name)
    manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
    await station.done("POST", f"{DOCK}/manifests/1/scans", {"code": manifest["parcels"][0]["sscc"]})
    await station.done("POST", f"{DOCK}/manifests/1/hand-over", {})
    assert stock(station) == (98, 0)
    booked = [row for row in station.cell.gateway.ledger if row.cause == f"{name}.1"]
    assert [row.reason for row in booked] == ["allocate", "pick", "ship"]
    without = {key: value for key, value in body.items() if key != "reason"}
    await station.refused("body.missing_field", "POST", "/v1/manual-shipments", without, 422)
    await station.refused("body.invalid", "POST", "/v1/manual-shipments", body | {"reason": "because"}, 422)
    unknown = body | {"lines": [{"sku": "nothing", "quantity": 1}]}
    answer = await station.write("POST", "/v1/manual-shipments", unknown)
    assert answer.status_code == 422


async def test_more_is_shipped_by_hand_than_there_is(station):
    body = {
        "location_id": SEATTLE, "reason": "sample", "lines": [{"sku": "A1", "quantity": 500}],
        "ship_to": {"name": "Fair", "street": ["1 Hall Way"], "city": "Portland", "postcode": "97201", "country": "US"},
    }  # fmt: skip
    told = await station.done("POST", "/v1/manual-shipments", body, 201)
    assert told["status"] == "not_available"
    assert stock(station) == (100, 0)
    told = await station.done("POST", "/v1/manual-shipments", body | {"lines": [{"sku": "A1", "quantity": 5}]}, 201)
    cancelled = await station.done("POST", f"/v1/shipments/{told['shipment_id']}/cancellation", {})
    assert cancelled["status"] == "cancelled"
    assert stock(station) == (100, 0)


async def test_a_parcel_leaves_the_customs_territory_undeclared(station):
    _, name = await station.packed(("A1", 1), ship_to={"country": "CA", "postcode": "V5K 0A1", "city": "Vancouver"})
    label = await station.labelled(name)
    assert label["status"] == "bought"
    for document in ("declaration", "invoice"):
        paper = await station.get(f"/v1/shipments/{name}/parcels/1/customs.pdf", document=document)
        assert paper.content.startswith(b"%PDF")
    _, home = await station.packed(("A1", 1))
    await station.refused("customs.same_country", "GET", f"/v1/shipments/{home}/parcels/1/customs.pdf", status=422)


async def test_customs_are_told_of_goods_that_nobody_knows(station):
    receipt = {"reference": "asn", "lines": [{"sku": "C3", "quantity": 9}]}
    await station.done("POST", f"/v1/locations/{SEATTLE}/receipts", receipt)
    _, name = await station.packed(
        ("C3", 1), ship_to={"country": "CA", "postcode": "V5K 0A1", "city": "Vancouver", "lat": 47.4, "lon": -122.2}
    )
    body = {"carrier": "post", "service": "standard"}
    answer = await station.write("POST", f"/v1/shipments/{name}/parcels/1/label", body)
    assert answer.json()["code"] == "customs.article_incomplete"
    assert answer.json()["lacking"]["C3"] == ["description", "weight_g", "hs_code", "origin_country"]


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
