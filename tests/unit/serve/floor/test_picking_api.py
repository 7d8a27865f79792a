"""Picking through the whole API: the switch, waves, trips, scans, and who may do what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.domain.account_commands import Disable, OpenAccount
from actors.domain.device import ClaimDevice, EnrolDevice
from actors.domain.ids import account_id, device_id
from actors.domain.location_commands import DefineBins, MoveLine, MoveUnits, ReceiptLine, ReceiveStock
from actors.domain.location_events import Bin
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
FLOOR = f"/v1/locations/{SEATTLE}/floor"
MIA, TOM, ANN = (account_id("us", name * 16) for name in (b"m", b"t", b"a"))
ON = {"enabled": True}
LAYOUT = {
    "aisles": [{"aisle": 1, "x_dm": 10}], "cross_aisles_y_dm": [0, 100],
    "start": {"x_dm": 0, "y_dm": 0}, "end": {"x_dm": 0, "y_dm": 0},
}  # fmt: skip
LIMITS = {"lines": 3, "units": 20, "weight_g": 1000, "volume_ml": 1000, "totes": 2}


async def put(cell, command):
    """A command straight to the location."""
    number = cell.gateway.turns
    reply = await cell.gateway.ask("location", SEATTLE, command, command_id=f"direct-{number}", digest=number)
    assert reply.status == 0, reply.body


async def fill(cell, **headers):
    await put(cell, DefineBins([Bin("A-01", "A", 1, 1, 0, 10, 30), Bin("A-02", "A", 1, 2, 0, 10, 60)]))
    await put(cell, MoveUnits([MoveLine("A1", 40, "", "A-01"), MoveLine("A1", 60, "", "A-02")]))
    await put(cell, ReceiveStock([ReceiptLine("D4", 5, lot="L1", expires_on=20_600, bin="A-01")]))
    assert (await cell.write("PUT", FLOOR, ON, **headers)).status_code == 200


@pytest.fixture
async def floor(cell):
    await fill(cell)
    return cell


@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    await fill(made, **made.bearer())
    yield made
    await made.http.aclose()


async def queue(cell, **headers):
    answer = await cell.http.get(f"{FLOOR}/queue", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["works"]


async def claimed(cell, picker="mia", **headers):
    answer = await cell.post(f"{FLOOR}/claims", {} if headers else {"picker": picker}, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def scanned(task, **more):
    said = {
        "task": task["task"],
        "bin_id": task["bin_id"],
        "sku": task["sku"],
        "lot": task["lot"],
        "units": task["left"],
    }
    return said | more


async def test_an_order_is_picked_packed_and_forgotten(floor):
    placed = await floor.placed(("A1", 3), ("D4", 2))
    (work,) = await queue(floor)
    assert (work["fulfilment_id"], work["status"]) == (f"{placed['order_id']}.1", "waiting")
    assert work["placed_at"] == "2026-01-01T00:00:00Z"
    wave = (await floor.post(f"{FLOOR}/waves", {"method": "single"})).json()
    assert [(trip["trip"], trip["units"], trip["orders"]) for trip in wave["trips"]] == [(1, 5, 1)]
    trip = await claimed(floor)
    assert (trip["status"], trip["picker"], len(trip["tasks"])) == ("claimed", "mia", 2)
    assert (await floor.get(f"/v1/orders/{placed['order_id']}")).json()["status"] == "picking"
    for task in trip["tasks"]:
        answer = await floor.post(f"{FLOOR}/trips/1/picks", scanned(task, tote=1))
        assert answer.status_code == 200, answer.text
    assert (answer.json()["over"], answer.json()["next"]) == (True, None)
    assert [work["status"] for work in await queue(floor)] == ["picked"]
    assert (await floor.get(f"{FLOOR}/trips/1")).json()["code"] == "floor.trip_unknown"
    answer = await floor.post(f"/v1/orders/{placed['order_id']}/updates", {"update": "pack"})
    assert answer.status_code == 200, answer.text
    assert await queue(floor) == []
    moved = [
        (row.sku, row.bin_id, row.bin_delta)
        for row in floor.gateway.ledger
        if row.reason == "move" and row.bin_delta < 0
    ]
    assert sorted(moved) == [("A1", "A-01", -3), ("D4", "A-01", -2)]


async def test_what_is_scanned_wrongly_is_refused_without_what_would_be_right(floor):
    await floor.placed(("D4", 2))
    await floor.post(f"{FLOOR}/waves", {"method": "single"})
    (task,) = (await claimed(floor))["tasks"]
    assert task["expires_on"] == "2026-05-27"
    before = floor.state()[0]
    for more, code, facts in (
        ({"bin_id": "A-02"}, "floor.wrong_bin", {"expected_bin": "A-01"}),
        ({"sku": "A1"}, "floor.wrong_item", {"expected_sku": "D4"}),
        ({"lot": "L2"}, "floor.wrong_lot", {"expected_lot": "L1"}),
        ({"units": 3}, "floor.too_many", {"left": 2}),
        ({"tote": 7}, "floor.wrong_tote", {"expected_totes": [1]}),
    ):
        answer = await floor.post(f"{FLOOR}/trips/1/picks", scanned(task, **more))
        assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
        assert {name: answer.json()[name] for name in facts} == facts
    assert floor.state()[0] == before


async def test_a_pick_that_is_sent_again_is_done_twice(floor):
    await floor.placed(("A1", 4))
    await floor.post(f"{FLOOR}/waves", {})
    (task,) = (await claimed(floor))["tasks"]
    first = await floor.post(f"{FLOOR}/trips/1/picks", scanned(task, units=1), key="scan-1")
    again = await floor.post(f"{FLOOR}/trips/1/picks", scanned(task, units=1), key="scan-1")
    assert (first.json()["left"], again.json()) == (3, first.json())
    # The same key for another path of the floor is another request.
    other = await floor.post(f"{FLOOR}/trips/2/picks", scanned(task, units=1), key="scan-1")
    assert other.json()["code"] == "idempotency.key_reused", other.text


async def test_a_shortage_that_is_told_again_is_told_twice_or_refused_the_second_time(floor):
    placed = await floor.placed(("D4", 5))
    await floor.post(f"{FLOOR}/waves", {})
    await claimed(floor)
    first = await floor.post(f"{FLOOR}/trips/1/short-picks", {"task": 1, "units": 5}, key="gone")
    again = await floor.post(f"{FLOOR}/trips/1/short-picks", {"task": 1, "units": 5}, key="gone")
    assert (first.status_code, first.json()["over"], again.json()) == (200, True, first.json())
    assert await queue(floor) == []
    assert (await floor.get(f"/v1/orders/{placed['order_id']}")).json()["status"] == "backordered"
    (found,) = (await floor.get(f"{FLOOR}/figures")).json()["to_count"]
    assert (found["bin_id"], found["sku"], found["units"], found["reason"]) == ("A-01", "D4", 5, "floor.short")
    assert (
        await floor.post(f"{FLOOR}/dispute-closures", {"bin_id": "A-01", "sku": "D4", "lot": "L1"})
    ).status_code == 200
    assert (await floor.get(f"{FLOOR}/figures")).json()["to_count"] == []


async def test_what_is_missing_is_not_looked_for_in_other_bins(floor):
    await floor.placed(("A1", 4))
    await floor.post(f"{FLOOR}/waves", {})
    (task,) = (await claimed(floor))["tasks"]
    answer = await floor.post(f"{FLOOR}/trips/1/short-picks", {"task": 1, "units": 3})
    assert answer.json()["left"] == 1
    tasks = (await floor.get(f"{FLOOR}/trips/1")).json()["tasks"]
    assert [(one["bin_id"], one["left"]) for one in tasks] == [("A-01", 1), ("A-02", 3)]
    assert task["bin_id"] == "A-01"


async def test_goods_of_a_cancelled_order_are_not_put_back(floor):
    placed = await floor.placed(("A1", 2))
    await floor.post(f"{FLOOR}/waves", {})
    (task,) = (await claimed(floor))["tasks"]
    await floor.post(f"{FLOOR}/trips/1/picks", scanned(task))
    await floor.post(f"/v1/orders/{placed['order_id']}/updates", {"update": "cancel"})
    (work,) = await queue(floor)
    assert (work["status"], work["put_back"]) == ("put_back", [{"sku": "A1", "lot": "", "units": 2}])
    back = {"fulfilment_id": work["fulfilment_id"], "sku": "A1", "units": 2, "bin_id": "A-02"}
    wrong = await floor.post(f"{FLOOR}/put-backs", back | {"bin_id": "A-20"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "bins.unknown")
    assert (await queue(floor))[0]["put_back"] == work["put_back"]
    assert (await floor.post(f"{FLOOR}/put-backs", back)).status_code == 200
    assert await queue(floor) == []
    assert (await floor.post(f"{FLOOR}/put-backs", back)).json()["code"] == "floor.nothing_to_put_back"


async def test_a_wave_takes_what_is_due_later(floor):
    first, second = await floor.placed(("A1", 1)), await floor.placed(("A1", 2))
    urgent = {"fulfilment_id": f"{second['order_id']}.1", "due_at": "2026-01-01T06:00:00Z", "priority": 3}
    assert (await floor.post(f"{FLOOR}/priorities", urgent)).status_code == 200
    works = await queue(floor)
    assert [work["fulfilment_id"] for work in works] == [f"{second['order_id']}.1", f"{first['order_id']}.1"]
    wave = (await floor.post(f"{FLOOR}/waves", {"method": "wave", "due_by": "2026-01-01T07:00:00Z"})).json()
    assert ([trip["units"] for trip in wave["trips"]], wave["trips"][0]["due_at"]) == ([2], "2026-01-01T06:00:00Z")
    refused = await floor.post(f"{FLOOR}/waves", {"method": "wave"})
    assert (refused.status_code, refused.json()["code"]) == (422, "wave.cut_off")
    wave = (await floor.post(f"{FLOOR}/waves", {"orders_max": 1})).json()
    assert ([trip["units"] for trip in wave["trips"]], wave["waiting"]) == ([1], 0)


async def test_a_wave_that_is_asked_for_again_plans_again(floor):
    await floor.placed(("A1", 1))
    first = await floor.post(f"{FLOOR}/waves", {}, key="wave-1")
    await floor.placed(("A1", 1))
    again = await floor.post(f"{FLOOR}/waves", {}, key="wave-1")
    assert again.json() == first.json()


async def test_pages_of_the_queue_leave_work_out(floor):
    placed = [await floor.placed(("A1", 1)) for _ in range(3)]
    seen, cursor = [], None
    while True:
        answer = (await floor.get(f"{FLOOR}/queue", limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen += [work["fulfilment_id"] for work in answer["works"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(f"{one['order_id']}.1" for one in placed)
    assert (await floor.get(f"{FLOOR}/queue", status="picked")).json()["works"] == []


async def test_the_switch_forgets_what_it_was_told_or_does_not_switch(floor):
    sent = {"enabled": True, "limits": LIMITS, "layout": LAYOUT}
    assert (await floor.write("PUT", FLOOR, sent)).status_code == 200
    assert (await floor.get(FLOOR)).json() == {"location_id": SEATTLE} | sent
    assert (await floor.write("PUT", FLOOR, {"enabled": False})).status_code == 200
    assert (await floor.get(FLOOR)).json() == {"location_id": SEATTLE, "enabled": False, "limits": None, "layout": None}
    await floor.placed(("A1", 1))
    assert await queue(floor) == []


async def test_somebody_claims_or_picks_for_somebody_else(guarded):
    mia, tom = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("fulfilment", sub=TOM)
    await guarded.post("/v1/orders", order(("A1", 2)), **guarded.bearer())
    assert (await guarded.post(f"{FLOOR}/waves", {}, **mia)).status_code == 200
    refused = await guarded.post(f"{FLOOR}/claims", {"picker": TOM}, **mia)
    assert (refused.status_code, refused.json()["code"]) == (403, "floor.not_you")
    trip = await claimed(guarded, **mia)
    assert trip["picker"] == MIA
    assert (await claimed(guarded, **mia))["trip"] == trip["trip"]
    assert (await guarded.post(f"{FLOOR}/claims", {}, **tom)).json()["code"] == "floor.nothing_to_pick"
    for where, body in (("picks", scanned(trip["tasks"][0])), ("short-picks", {"task": 1, "units": 1}), ("pauses", {"paused": True}),
                        ("hand-overs", {"to": TOM}), ("abandonment", {})):  # fmt: skip
        answer = await guarded.post(f"{FLOOR}/trips/1/{where}", body, **tom)
        assert (answer.status_code, answer.json()["code"]) == (403, "floor.trip_not_yours"), where
    paused = await guarded.post(f"{FLOOR}/trips/1/pauses", {"paused": True}, **mia)
    assert paused.json()["status"] == "paused"
    await account(guarded, TOM, "fulfilment")
    given = await guarded.post(f"{FLOOR}/trips/1/hand-overs", {"to": TOM}, **guarded.of_role("manager", sub=ANN))
    assert given.json()["picker"] == TOM
    assert (await claimed(guarded, **tom))["status"] == "claimed"
    assert (await guarded.post(f"{FLOOR}/trips/1/picks", scanned(trip["tasks"][0]), **tom)).json()["over"] is True
    acts = [
        (line.who.subject, line.act.action) for line in guarded.gateway.audited if line.act.action.startswith("floor.")
    ]
    assert (MIA, "floor.claim_trip") in acts
    assert (TOM, "floor.confirm_pick") in acts


async def account(cell, identity, role, *locations, enabled=True):
    """Is there, with that role."""
    for command in (OpenAccount(role, list(locations), "hash"), *(() if enabled else (Disable(),))):
        key = f"{identity}-{type(command).__name__}"
        assert (await cell.gateway.ask("account", identity, command, command_id=key, digest=1)).status == 0


async def a_trip(cell):
    """Mia has it."""
    mia = cell.of_role("fulfilment", sub=MIA)
    await cell.post("/v1/orders", order(("A1", 2)), **cell.bearer())
    await cell.post(f"{FLOOR}/waves", {}, **mia)
    await claimed(cell, **mia)
    return mia


async def test_a_trip_is_handed_to_nobody_or_to_somebody_who_may_not_pick_here(guarded):
    mia = await a_trip(guarded)
    driver, elsewhere, gone = (account_id("us", name * 16) for name in (b"d", b"e", b"g"))
    await account(guarded, driver, "driver")
    await account(guarded, elsewhere, "associate", PORTLAND)
    await account(guarded, gone, "associate", SEATTLE, enabled=False)
    before = guarded.state()[0]
    for named in (
        "nobody",
        "tom@example.com",
        TOM,
        "eu" + TOM[2:],
        "us-client-nobody",
        SEATTLE,
        driver,
        elsewhere,
        gone,
    ):
        answer = await guarded.post(f"{FLOOR}/trips/1/hand-overs", {"to": named}, **mia)
        assert (answer.status_code, answer.json()["code"]) == (422, "floor.picker_unfit"), named
    assert guarded.state()[0] == before


async def test_a_trip_can_not_be_handed_to_a_colleague_here_or_a_device_of_this_place(guarded):
    mia = await a_trip(guarded)
    await account(guarded, TOM, "associate", SEATTLE)
    given = await guarded.post(f"{FLOOR}/trips/1/hand-overs", {"to": TOM}, **mia)
    assert given.json()["picker"] == TOM
    enrolled = EnrolDevice("dock 3", "scanner", SEATTLE, ["floor.work"], b"digest")
    scanner = device_id("us", guarded.clock.now, "dock 3")
    await guarded.gateway.ask("device", scanner, enrolled, command_id="enrol", digest=1)
    tom = guarded.of_role("associate", sub=TOM, locs=(SEATTLE,))
    waiting = await guarded.post(f"{FLOOR}/trips/1/hand-overs", {"to": scanner}, **tom)
    assert waiting.json()["code"] == "floor.picker_unfit"
    await guarded.gateway.ask("device", scanner, ClaimDevice(b"digest", b"k" * 32), command_id="claim", digest=1)
    assert (await guarded.post(f"{FLOOR}/trips/1/hand-overs", {"to": scanner}, **tom)).json()["picker"] == scanner


async def test_a_repeated_hand_over_is_refused_because_of_what_became_of_him(guarded):
    mia = await a_trip(guarded)
    await account(guarded, TOM, "associate", SEATTLE)
    first = await guarded.write("POST", f"{FLOOR}/trips/1/hand-overs", {"to": TOM}, key="over", **mia)
    await guarded.gateway.ask("account", TOM, Disable(), command_id="off", digest=1)
    again = await guarded.write("POST", f"{FLOOR}/trips/1/hand-overs", {"to": TOM}, key="over", **mia)
    assert (first.status_code, again.status_code, first.json()) == (200, 200, again.json())


async def test_rights_of_another_place_count_here(guarded):
    elsewhere = guarded.of_role("fulfilment", sub=MIA, locs=(PORTLAND,))
    for answer in (
        await guarded.http.get(f"{FLOOR}/queue", headers=elsewhere),
        await guarded.http.get(f"{FLOOR}/trips/1", headers=elsewhere),
        await guarded.post(f"{FLOOR}/waves", {}, **elsewhere),
        await guarded.post(f"{FLOOR}/claims", {}, **elsewhere),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.location_forbidden")
    # Who runs a floor is for who may correct stock.
    answer = await guarded.write("PUT", FLOOR, ON, **guarded.of_role("fulfilment", sub=MIA))
    assert answer.status_code == 403


async def test_bad_input_changes_something_or_is_refused_without_a_name(floor):
    await floor.placed(("A1", 2))
    await floor.post(f"{FLOOR}/waves", {})
    trip = await claimed(floor)
    before = floor.state()[0]
    pick = scanned(trip["tasks"][0])
    moment = datetime.fromtimestamp(floor.clock.now / 1000, UTC).isoformat()
    cases = [
        ("PUT", "", {}, 422, "body.missing_field"),
        ("PUT", "", ON | {"limits": {"lines": 0}}, 422, "body.invalid"),
        ("PUT", "", ON | {"limits": {"lines": 501}}, 422, "body.invalid"),
        ("PUT", "", ON | {"layout": LAYOUT | {"cross_aisles_y_dm": [5, 5]}}, 422, "layout.cross_aisles"),
        ("PUT", "", ON | {"layout": {"aisles": LAYOUT["aisles"]}}, 422, "layout.cross_aisles"),
        ("PUT", "", ON | {"layout": LAYOUT | {"aisles": LAYOUT["aisles"] * 2}}, 422, "floor.aisle_repeated"),
        ("POST", "/waves", {"method": "best"}, 422, "body.invalid"),
        ("POST", "/waves", {"orders_max": 0}, 422, "body.invalid"),
        ("POST", "/waves", {"method": "batch", "why": "so"}, 422, "body.unknown_field"),
        ("POST", "/priorities", {"fulfilment_id": "us-x.1", "due_at": moment}, 404, "floor.work_unknown"),
        ("POST", "/priorities", {"fulfilment_id": "us-x.1", "due_at": "tomorrow"}, 422, "body.invalid"),
        ("POST", "/priorities", {"fulfilment_id": "us-x.1", "due_at": "9999-12-31T23:59:59-14:00"}, 422, "body.invalid"),
        ("POST", "/priorities", {"fulfilment_id": "us-x.1", "due_at": "0001-01-01T00:00:00+14:00"}, 422, "body.invalid"),
        ("POST", "/priorities", {"fulfilment_id": trip["tasks"][0]["shares"][0]["fulfilment_id"], "due_at": "2027-01-02T00:00:01Z"}, 422, "floor.due_out_of_range"),
        ("POST", "/waves", {"due_by": "9999-12-31T23:59:59-14:00"}, 422, "body.invalid"),
        ("POST", "/retries", {"fulfilment_id": "us-x.1"}, 404, "floor.work_unknown"),
        ("POST", "/retries", {"fulfilment_id": pick and trip["tasks"][0]["shares"][0]["fulfilment_id"]}, 409, "floor.not_blocked"),
        ("POST", "/claims", {}, 422, "floor.picker_required"),
        ("POST", "/claims", {"picker": "tom"}, 409, "floor.nothing_to_pick"),
        ("POST", "/trips/9/picks", pick, 404, "floor.trip_unknown"),
        ("POST", "/trips/0/picks", pick, 422, "request.parameter_invalid"),
        ("POST", "/trips/1/picks", pick | {"task": 2}, 404, "floor.task_unknown"),
        ("POST", "/trips/1/picks", pick | {"units": 0}, 422, "body.invalid"),
        ("POST", "/trips/1/picks", pick | {"bin_id": "a 1"}, 422, "body.invalid"),
        ("POST", "/trips/1/short-picks", {"task": 1, "units": 3}, 409, "floor.too_many"),
        ("POST", "/trips/9/short-picks", {"task": 1, "units": 1}, 404, "floor.trip_unknown"),
        ("POST", "/trips/1/pauses", {"paused": "yes"}, 422, "body.invalid"),
        ("POST", "/trips/1/hand-overs", {"to": ""}, 422, "body.invalid"),
        ("POST", "/trips/9/abandonment", {}, 404, "floor.trip_unknown"),
        ("POST", "/put-backs", {"fulfilment_id": "us-x.1", "sku": "A1", "units": 1}, 409, "floor.nothing_to_put_back"),
        ("POST", "/losses", {"fulfilment_id": "us-x.1", "sku": "A1", "units": 1}, 404, "floor.work_unknown"),
        ("POST", "/losses", {"fulfilment_id": trip["tasks"][0]["shares"][0]["fulfilment_id"], "sku": "A1", "units": 1}, 409, "floor.not_picked"),
        ("POST", "/dispute-closures", {"sku": "A1"}, 404, "floor.dispute_unknown"),
    ]  # fmt: skip
    for method, where, body, status, code in cases:
        answer = await floor.write(method, FLOOR + where, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (where, body, answer.text)
    for place, status, code in (
        ("us-wh-nowhere", 404, "location.unknown"),
        ("eu-wh-berlin", 421, "region.misdirected"),
    ):
        for method, where, body in (
            ("PUT", "", ON),
            ("POST", "/waves", {}),
            ("POST", "/claims", {"picker": "mia"}),
        ):
            answer = await floor.write(method, f"/v1/locations/{place}/floor{where}", body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (place, where)
        for where in ("", "/queue", "/figures", "/trips/1"):
            answer = await floor.get(f"/v1/locations/{place}/floor{where}")
            assert (answer.status_code, answer.json()["code"]) == (status, code), (place, where)
    assert floor.state()[0] == before


async def test_what_breaks_between_the_trip_and_the_table_can_be_told_to_nobody(floor):
    placed = await floor.placed(("A1", 3))
    name = f"{placed['order_id']}.1"
    await floor.post(f"{FLOOR}/waves", {"method": "single"})
    trip = await claimed(floor)
    await floor.post(f"{FLOOR}/trips/1/picks", scanned(trip["tasks"][0], tote=1))
    lost = {"fulfilment_id": name, "sku": "A1", "units": 1}
    for _ in range(2):  # the second time as somebody who has not heard
        assert (await floor.post(f"{FLOOR}/losses", lost, key="gone")).status_code == 200
    (work,) = [one for one in await queue(floor) if one["fulfilment_id"] == name]
    assert [(line["picked"], line["short"]) for line in work["lines"]] == [(2, 1)]
    told = (await floor.get(f"/v1/orders/{placed['order_id']}")).json()
    assert next(one for one in told["fulfilments"] if one["fulfilment_id"] == name)["lines"] == [
        {"sku": "A1", "quantity": 2}
    ]
