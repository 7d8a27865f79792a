"""A label is paid twice, kept for an order that was cancelled, or bought for what its carrier or
customs would send back."""

from __future__ import annotations

from partners.fake_carrier import FakeCarrier
from tests.unit.serve.packing.pack_rig import DOCK, SEATTLE


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


async def test_another_service_is_asked_for_and_the_label_that_is_there_is_told_as_it(station):
    _, name = await station.packed()
    path, body = f"/v1/shipments/{name}/parcels/1/label", {"carrier": "post", "service": "standard"}
    first = await station.done("POST", path, body | {"label_format": "zpl"})
    for other in ({"service": "express"}, {"service": "teleport"}, {"carrier": "courier"}, {"label_format": "pdf"}):
        told = await station.refused("shipment.parcel_labelled", "POST", path, body | other)
        assert (told["service"], "give that back first" in told["detail"]) == ("standard", True)
    # Who says no format asks for no other.
    assert await station.done("POST", path, body) == first
    assert await station.done("POST", path, body | {"label_format": "zpl"}) == first


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
    stopped = await station.refused("shipment.illegal_transition", "POST", f"{path}/2/scans", {"sku": "A1"})
    assert "unpacking" in stopped["detail"]
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
