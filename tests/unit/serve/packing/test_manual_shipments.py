"""Goods leave without an order and without a reason, or more of them than there are."""

from __future__ import annotations

from tests.unit.serve.packing.pack_rig import DOCK, SEATTLE, stock


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
