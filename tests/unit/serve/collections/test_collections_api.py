"""Orders that are collected at a store, through the whole API: the store's list and steps, as it should be."""

from __future__ import annotations

from datetime import datetime

from actors.domain.collection_commands import LookAtCollection
from actors.domain.location_profile import Profile, SetProfile
from actors.domain.order_commands import RetryAllocation
from actors.domain.times import DAY_MS
from actors.domain.transfer_commands import CancelTransfer
from tests.unit.serve.collections.collection_rig import PORTLAND, SEATTLE, body, done, made_ready, only, placed, step
from tests.unit.serve.post_office import coded


async def test_a_customer_never_gets_what_the_store_has(cell):
    told = await placed(cell, ("A1", 2))
    assert (told["pickup"]["status"], told["pickup"]["location_id"]) == ("locating", PORTLAND)
    assert told["ship_to"]["country"] == "US"
    ready = await made_ready(cell, told)
    assert ready["status"] == "ready"
    name = ready["collection_id"]
    [listed] = (await cell.get("/v1/collections", location_id=PORTLAND, status="ready")).json()["collections"]
    assert (listed["collection_id"], listed["shelf"], listed["here_at"]) == (name, "shelf 12", None)
    assert (await cell.post(f"/v1/orders/{told['order_id']}/here", {"spot": "bay 4"})).status_code == 200
    [listed] = (await cell.get("/v1/collections", location_id=PORTLAND)).json()["collections"]
    assert listed["here_at"] is not None
    assert (await cell.get(f"/v1/collections/{name}")).json()["here_spot"] == "bay 4"
    await done(cell, name, "verification", {"code": ready["code"]})
    over = await done(cell, name, "hand-over", {"left": [{"sku": "A1", "quantity": 1}]})
    assert (over["status"], over["allowed"]) == ("collected", [])
    seen = (await cell.get(f"/v1/orders/{told['order_id']}")).json()
    assert (seen["status"], seen["pickup"]["status"]) == ("delivered", "collected")
    stock = (await cell.get(f"/v1/locations/{PORTLAND}/stock/A1")).json()["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (2, 0)


async def test_where_it_lay_is_told_when_nobody_looks_for_it_any_more_or_not_while_somebody_does(cell):
    """Stores put bags under names, whatever they are asked to write."""
    collected, left = [await made_ready(cell, await placed(cell, ("A1", 1))) for _ in range(2)]
    await done(cell, collected["collection_id"], "verification", {"code": collected["code"]})
    await done(cell, collected["collection_id"], "hand-over", {})
    await done(cell, left["collection_id"], "end", {"why": "left_behind"})
    for ready, shelf in ((collected, ""), (left, "shelf 12")):
        name = ready["collection_id"]
        assert (await cell.get(f"/v1/collections/{name}")).json()["shelf"] == shelf
        assert "shelf 12" not in repr(cell.gateway.events["collection", name])


async def test_what_the_store_lacks_is_not_sent_there(cell):
    told = await placed(cell, ("A1", 10), ("B 2", 1))
    assert told["pickup"]["status"] == "coming"
    assert {one["location_id"] for one in told["fulfilments"]} == {PORTLAND}
    [transfer] = (await cell.get("/v1/transfers")).json()["transfers"]
    assert (transfer["source_id"], transfer["destination_id"], transfer["wanted"]) == (SEATTLE, PORTLAND, 8)
    assert transfer["reference"] == told["order_id"]
    path = f"/v1/transfers/{transfer['transfer_id']}"
    await cell.post(f"{path}/picking", {})
    lines = [{"sku": "A1", "quantity": 7}, {"sku": "B 2", "quantity": 1}]
    await cell.post(f"{path}/dispatches", {"packages": [{"lines": lines}], "expected_at": "2026-01-02T00:00:00Z"})
    await cell.post(f"{path}/receipts", {"packages": ["1"]})
    seen = (await cell.get(f"/v1/orders/{told['order_id']}")).json()
    assert (seen["status"], seen["pickup"]["status"]) == ("allocated", "locating")
    stock = (await cell.get(f"/v1/locations/{PORTLAND}/stock/A1")).json()["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (10, 10)


async def test_a_pickup_ignores_what_sourcing_goes_by(cell):
    await cell.gateway.ask("location", PORTLAND, SetProfile(Profile(handling_min=30)), command_id="p", digest=1)
    told = await placed(cell, ("A1", 10))
    assert told["pickup"]["status"] == "coming"
    [transfer] = (await cell.get("/v1/transfers")).json()["transfers"]
    assert transfer["wanted"] == 7


async def test_a_store_keeps_it_as_long_as_all_others_do(cell):
    """Its profile says otherwise, and counts from the next one that is ready."""
    first = await made_ready(cell, await placed(cell, ("A1", 1)))
    seen = (await cell.get(f"/v1/collections/{first['collection_id']}")).json()
    days = datetime.fromisoformat(seen["collect_by"]) - datetime.fromisoformat(seen["ready_at"])
    assert days.days == 7
    profile = Profile(pickup_hold_days=20)
    await cell.gateway.ask("location", PORTLAND, SetProfile(profile), command_id="p", digest=1)
    name = (await made_ready(cell, await placed(cell, ("A1", 1))))["collection_id"]
    seen = (await cell.get(f"/v1/collections/{name}")).json()
    assert (datetime.fromisoformat(seen["collect_by"]) - datetime.fromisoformat(seen["ready_at"])).days == 20
    # The region's limit of extensions is no reason to keep it shorter than the store does.
    cell.clock.now += DAY_MS
    assert (await step(cell, name, "extension", {"days": 19})).status_code == 200
    assert coded(await step(cell, name, "extension", {"days": 20})) == (409, "collection.too_long")


async def test_a_store_that_is_late_is_not_told_and_shows_in_no_list(cell):
    told = await placed(cell, ("A1", 1))
    name = only(told)
    live = cell.services.live.join(frozenset({"collection"}), locations=frozenset({PORTLAND}))
    cell.clock.now += DAY_MS
    await cell.gateway.ask("collection", name, LookAtCollection(), command_id="t1", digest=1)
    [frame] = live._pending
    assert b"StoreLate" in frame
    [listed] = (await cell.get("/v1/collections", location_id=PORTLAND)).json()["collections"]
    assert listed["late_at"] == (await cell.get(f"/v1/collections/{name}")).json()["late_at"]
    assert listed["late_at"] is not None
    cell.clock.now += 2 * DAY_MS
    await cell.gateway.ask("collection", name, LookAtCollection(), command_id="t2", digest=1)
    seen = (await cell.get(f"/v1/orders/{told['order_id']}")).json()
    assert seen["pickup"]["status"] in ("waiting", "coming")
    assert seen["pickup"]["ready_by"] == "2026-01-05T00:00:00Z", "the customer is told no other time"
    assert seen["pickup"]["collections"][0]["status"] == "given_up"
    stock = (await cell.get(f"/v1/locations/{PORTLAND}/stock/A1")).json()["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (3, 0)


async def test_nobody_hears_that_nothing_is_sent_to_a_store_any_more(cell):
    order_id = (await placed(cell, ("A1", 1)))["order_id"]
    live = cell.services.live.join(frozenset({"collection"}), locations=frozenset({PORTLAND}))
    for turn in range(2):
        pickup = (await cell.get(f"/v1/orders/{order_id}")).json()["pickup"]
        assert "stopped_at" not in pickup
        for days in (1, 2):
            cell.clock.now += days * DAY_MS
            name = pickup["collections"][turn]["collection_id"]
            await cell.gateway.ask("collection", name, LookAtCollection(), command_id=f"{name}{days}", digest=1)
        # Nobody sends any, so the store itself is asked again.
        while open_ := (await cell.get("/v1/transfers", status="allocated")).json()["transfers"]:
            for one in open_:
                await cell.gateway.ask("transfer", one["transfer_id"], CancelTransfer(), command_id="c", digest=1)
        cell.clock.now += DAY_MS
        await cell.gateway.ask("order", order_id, RetryAllocation(), command_id=f"r{turn}", digest=1)
    assert b"LeftToPeople" in b"".join(live._pending)
    pickup = (await cell.get(f"/v1/orders/{order_id}")).json()["pickup"]
    assert (pickup["status"], "ready_by" in pickup, len(pickup["collections"])) == ("waiting", False, 2)
    assert "stopped_at" in pickup


async def test_associates_are_not_told_where_it_lies(cell):
    bins = {"bins": [{"bin_id": "A-01-01", "zone": "A", "aisle": 1, "rack": 1, "level": 1}]}
    assert (await cell.write("PUT", f"/v1/locations/{PORTLAND}/bins", bins)).status_code == 200
    move = {"lines": [{"sku": "A1", "quantity": 3, "from_bin": "", "to_bin": "A-01-01"}]}
    assert (await cell.post(f"/v1/locations/{PORTLAND}/moves", move)).status_code == 200
    told = await placed(cell, ("A1", 2))
    [line] = (await cell.get(f"/v1/collections/{only(told)}")).json()["lines"]
    assert (line["to_find"], line["bins"]) == (2, [{"bin_id": "A-01-01", "units": 3}])


async def test_a_step_that_is_repeated_is_done_twice(cell):
    told = await placed(cell, ("A1", 2))
    name = only(told)
    await done(cell, name, "located", {"found": [{"sku": "A1", "quantity": 2}]})
    first = await step(cell, name, "ready", {}, key="again")
    again = await step(cell, name, "ready", {}, key="again")
    assert first.json() == again.json()
    assert first.json()["code"]
    placed_again = [await cell.post("/v1/orders", body(("A1", 1)), "one") for _ in range(2)]
    assert placed_again[0].json()["order_id"] == placed_again[1].json()["order_id"]


async def test_a_placement_that_is_repeated_is_refused_when_stock_is_gone(cell):
    first = await cell.post("/v1/orders", body(("C3", 5)), "scarce")
    assert first.status_code == 201
    again = await cell.post("/v1/orders", body(("C3", 5)), "scarce")
    assert (again.status_code, again.json()["order_id"]) == (201, first.json()["order_id"])


async def test_staff_ends_what_nobody_wants(cell):
    told = await placed(cell, ("A1", 2))
    await made_ready(cell, told)
    assert (await done(cell, only(told), "end", {"why": "left_behind"}))["status"] == "left_behind"
    stock = (await cell.get(f"/v1/locations/{PORTLAND}/stock/A1")).json()["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (3, 0)
