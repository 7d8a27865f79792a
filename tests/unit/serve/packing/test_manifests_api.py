"""A parcel leaves that is not on the manifest or was stopped, the carrier hears of a manifest twice, or
an old one is forgotten."""

from __future__ import annotations

from tests.unit.serve.packing.pack_rig import DOCK, stock


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
    # One unit in its carton: what was left behind is weighed with the next one.
    assert (manifest["weight_g"], done["weight_g"]) == (600, 300)
    assert (await station.get(f"{DOCK}/manifests/1")).json()["weight_g"] == 300
    await station.refused("manifest.not_closed", "POST", f"{DOCK}/manifests/1/scans", {"code": second})
    # The carrier knows of it: it is on the next list without being told again.
    again = await station.done("POST", f"{DOCK}/manifests", status=201)
    assert (again["number"], again["status"], [one["sscc"] for one in again["parcels"]]) == (2, "closed", [second])
    wrong = await station.refused("manifest.parcel_unknown", "POST", f"{DOCK}/manifests/2/scans", {"code": first})
    assert wrong["on_manifest"] == 0
    await station.done("POST", f"{DOCK}/manifests/2/scans", {"code": second})
    await station.done("POST", f"{DOCK}/manifests/2/hand-over", {})


async def test_a_carrier_that_there_is_not_has_a_dock_at_which_nothing_waits(station):
    away = DOCK.replace("post", "ups")
    told = await station.refused("manifest.unknown", "GET", away, status=404)
    assert "courier, post" in told["detail"]
    listed = await station.refused("manifest.unknown", "GET", f"{away}/manifests", status=404)
    assert listed["detail"] == told["detail"]
    # One that there is, and for which nothing ever waited.
    assert (await station.get(DOCK.replace("post", "courier"))).json()["waiting"] == []
    assert (await station.get(f"{DOCK.replace('post', 'courier')}/manifests")).json()["manifests"] == []


async def test_what_waits_for_a_carrier_that_is_used_no_more_can_not_be_seen(station):
    _, name = await station.packed()
    await station.labelled(name)
    del station.cell.services.carriers["post"]
    assert len((await station.get(DOCK)).json()["waiting"]) == 1
    assert (await station.get(f"{DOCK}/manifests")).json()["manifests"] == []


async def test_a_parcel_that_was_withdrawn_is_counted_and_weighed_in_the_list_of_manifests(station):
    order_id, name = await station.packed()
    await station.labelled(name)
    await station.labelled((await station.packed())[1])
    await station.done("POST", f"{DOCK}/manifests", status=201)
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    weight_g = (await station.get(f"{DOCK}/manifests/1")).json()["weight_g"]
    [listed] = (await station.get(f"{DOCK}/manifests")).json()["manifests"]
    assert (listed["parcels"], listed["weight_g"]) == (1, weight_g) == (1, 500)


async def test_goods_of_a_cancelled_order_leave(station):
    order_id, name = await station.packed()
    await station.labelled(name)
    await station.done("POST", f"{DOCK}/manifests", status=201)
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    tracking = (await station.read(name))["parcels"][0]["label"]["tracking_number"]
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


async def test_a_parcel_of_a_cancelled_order_goes_onto_a_manifest_or_can_not_be_unpacked(station):
    order_id, name = await station.packed()
    await station.labelled(name)
    assert len((await station.get(DOCK)).json()["waiting"]) == 1
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    assert (await station.get(DOCK)).json()["waiting"] == []
    await station.refused("manifest.nothing_to_hand_over", "POST", f"{DOCK}/manifests")
    told = await station.done("POST", f"/v1/shipments/{name}/unpacking", {})
    assert told["status"] == "cancelled"
    assert (await station.read(name))["parcels"][0]["label"]["status"] == "voided"


async def test_a_shipment_that_has_not_heard_that_its_order_is_cancelled_can_not_be_unpacked(station):
    order_id, name = await station.opened(("A1", 2))
    # Picking rests, so the order does not know that somebody packs.
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "pause_picking"})
    await station.refused("shipment.illegal_transition", "POST", f"/v1/shipments/{name}/unpacking", {})
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    assert (await station.read(name))["status"] == "packing"
    await station.done("POST", f"/v1/shipments/{name}/parcels", {"carton": "M"})
    await station.done("POST", f"/v1/shipments/{name}/parcels/1/scans", {"sku": "A1"})
    told = await station.done("POST", f"/v1/shipments/{name}/unpacking", {})
    assert told["status"] == "cancelled"


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
