"""`GET /v1/inventory/{sku}` against what the locations themselves say."""

from datetime import UTC, datetime

import pytest

from actors.domain.location_commands import Expect, ReceiptLine, ReceiveStock
from serve.days import date_of, day_of
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with

DAY = 86_400_000


async def tell(cell, location_id, command, key):
    reply = await cell.gateway.ask("location", location_id, command, command_id=key, digest=1)
    assert reply.status == 0, reply.body


async def expect(cell, location_id, source_id, source, in_days, *lines):
    at_ms = cell.clock.now + int(in_days * DAY)
    await tell(cell, location_id, Expect(source_id, source, 1, at_ms, list(lines)), source_id)


async def shown(cell, sku, **query):
    answer = await cell.get(f"/v1/inventory/{sku}", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def when(cell, in_days):
    return datetime.fromtimestamp((cell.clock.now + in_days * DAY) / 1000, UTC).isoformat().replace("+00:00", "Z")


def points(view):
    return [(point["at"], point["units"]) for point in view["available_to_promise"]]


async def test_all_places_are_told_with_all_states_and_add_up(cell):
    seattle = "/v1/locations/us-wh-seattle"
    await cell.write("PUT", f"{seattle}/levels", {"levels": [{"sku": "A1", "safety_stock": 5, "reorder_point": 30}]})
    await cell.post(f"{seattle}/conditions", {"lines": [{"sku": "A1", "quantity": 4, "now": "damaged"}]})
    await cell.placed(("A1", 2))
    view = await shown(cell, "A1")
    assert [place["location_id"] for place in view["places"]] == ["us-st-portland", "us-wh-newark", "us-wh-seattle"]
    assert view["places"][2] == {
        "location_id": "us-wh-seattle", "type": "warehouse", "on_hand": 100, "available": 89, "reserved": 0, "allocated": 2,
        "damaged": 4, "quality_hold": 0, "safety_stock": 5, "reorder_point": 30, "buffers": {}, "incoming": 0, "in_transit": 0,
        "expected": [], "lasting": {"demand": None, "weeks_of_supply": None, "markdown_risk": None},
    }  # fmt: skip
    assert view["totals"] == {
        "on_hand": 153, "available": 142, "reserved": 0, "allocated": 2, "damaged": 4, "quality_hold": 0, "incoming": 0,
        "in_transit": 0,
    }  # fmt: skip
    assert points(view) == [(when(cell, 0), 142)]
    for place in view["places"]:
        actor = (await cell.get(f"/v1/locations/{place['location_id']}/stock/A1")).json()["stock"]
        assert {name: place[name] for name in actor if name != "sku"} == {n: v for n, v in actor.items() if n != "sku"}


async def test_what_is_on_its_way_is_told_with_when_and_from_where_and_can_be_promised_then(cell):
    await expect(cell, "us-wh-seattle", "po-7", "purchase", 3, ("A1", 40), ("C3", 5))
    await expect(cell, "us-wh-newark", "tr-1", "transfer", 1, ("A1", 6))
    await expect(cell, "us-wh-newark", "po-old", "purchase", -2, ("A1", 9))
    view = await shown(cell, "A1")
    newark, seattle = view["places"][1:]
    assert (seattle["incoming"], seattle["in_transit"]) == (40, 0)
    assert (newark["incoming"], newark["in_transit"]) == (9, 6)
    assert [(one["source_id"], one["source"], one["units"], one["overdue"]) for one in newark["expected"]] == [
        ("po-old", "purchase", 9, True), ("tr-1", "transfer", 6, False),
    ]  # fmt: skip
    assert (view["totals"]["incoming"], view["totals"]["in_transit"]) == (49, 6)
    assert points(view) == [(when(cell, 0), 153), (when(cell, 1), 159), (when(cell, 3), 199)]


async def test_a_sku_that_is_nowhere_yet_is_told_where_it_will_be(cell):
    await expect(cell, "us-wh-seattle", "po-7", "purchase", 3, ("D4", 12))
    view = await shown(cell, "D4")
    assert [(place["location_id"], place["on_hand"], place["incoming"]) for place in view["places"]] == [
        ("us-wh-seattle", 0, 12)
    ]
    assert points(view) == [(when(cell, 0), 0), (when(cell, 3), 12)]


async def test_each_channel_sees_less_what_is_kept_back_from_it(cell):
    levels = [{"sku": "A1", "safety_stock": 10, "buffers": {"online": 85, "marketplace": 100}}]
    await cell.write("PUT", "/v1/locations/us-wh-seattle/levels", {"levels": levels})
    for channel, units in ((None, 90), ("store", 90), ("online", 5), ("marketplace", 0)):
        view = await shown(cell, "A1", **({"channel": channel} if channel else {}))
        assert view["places"][2]["available"] == units
        assert view["totals"]["available"] == units + 53
    told = await cell.get("/v1/inventory/A1", channel="phone")
    assert (told.status_code, told.json()["code"]) == (422, "request.parameter_invalid")


async def test_only_lots_that_are_good_for_long_enough_count(cell):
    skus = [{"sku": "MILK", "tracking": "lot", "expires": True}]
    assert (await cell.post("/v1/skus", {"skus": skus})).status_code == 200
    today = cell.clock.now // DAY
    lines = [
        ReceiptLine("MILK", 7, lot="a", expires_on=today + 5),
        ReceiptLine("MILK", 4, lot="b", expires_on=today + 9),
    ]
    await tell(cell, "us-wh-seattle", ReceiveStock(lines), "r1")
    await tell(cell, "us-wh-newark", ReceiveStock([ReceiptLine("MILK", 2, lot="c", expires_on=today + 5)]), "r2")
    await expect(cell, "us-wh-newark", "po-1", "purchase", 1, ("MILK", 100))
    view = await shown(cell, "MILK")
    assert [(one["expires_on"], one["on_hand"], one["free"]) for one in view["lots"]] == [
        (date_of(today + 5).isoformat(), 9, 9), (date_of(today + 9).isoformat(), 4, 4),
    ]  # fmt: skip
    assert points(view)[-1][1] == 113
    for days, units in ((5, 13), (6, 4), (10, 0)):
        dated = await shown(cell, "MILK", good_until=date_of(today + days).isoformat())
        # What is to come has no lot yet: nobody knows how long it will be good.
        assert [point[1] for point in points(dated)] == [units, units]
        assert dated["totals"]["on_hand"] == 13


async def test_what_expires_and_has_no_lot_is_good_until_nobody_knows_when(cell):
    await tell(cell, "us-wh-seattle", ReceiveStock([ReceiptLine("D4", 7)]), "r1")
    await cell.post("/v1/skus", {"skus": [{"sku": "D4", "tracking": "lot", "expires": True}]})
    assert (await shown(cell, "D4"))["totals"]["available"] == 7
    assert (await shown(cell, "D4", good_until="2026-01-02"))["totals"]["available"] == 0


@pytest.mark.parametrize(
    "day", ["soon", "2026-02-30", "20260301", "2026-W09-1", "1767225600", "0000-01-01", "2026-3-1"]
)
async def test_a_day_that_is_none_is_refused(cell, day):
    told = await cell.get("/v1/inventory/A1", good_until=day)
    assert (told.status_code, told.json()["code"]) == (422, "request.parameter_invalid")
    assert told.json()["errors"][0]["parameter"] == "good_until"


async def test_stock_without_lots_is_good_for_ever(cell):
    assert (await shown(cell, "A1", good_until="2099-12-31"))["totals"]["available"] == 153


async def test_a_kit_can_be_promised_where_and_when_all_its_parts_are(cell):
    kit = [{"sku": "A1", "quantity": 2}, {"sku": "B 2", "quantity": 3}]
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "SET", "kit": kit}]})).status_code == 200
    await expect(cell, "us-wh-seattle", "po-1", "purchase", 2, ("B 2", 5))
    view = await shown(cell, "SET")
    assert view["kit"] == kit
    # Portland has no B 2. Seattle: 100 and 10; Newark: 50 and 50.
    assert [(place["location_id"], place["available"], place["on_hand"]) for place in view["places"]] == [
        ("us-wh-newark", 16, 0), ("us-wh-seattle", 3, 0),
    ]  # fmt: skip
    assert points(view) == [(when(cell, 0), 19), (when(cell, 2), 21)]


async def test_an_unknown_sku_is_not_told_as_one_without_stock(cell):
    answer = await cell.get("/v1/inventory/zz")
    assert (answer.status_code, answer.json()["code"]) == (404, "catalogue.sku_unknown")
    nothing = await shown(cell, "D4")
    assert (nothing["places"], nothing["totals"]["on_hand"], points(nothing)) == ([], 0, [])


async def test_while_lists_are_away_that_is_said(cell):
    cell.read_model.away = True
    answer = await cell.get("/v1/inventory/A1")
    assert (answer.status_code, answer.json()["code"]) == (503, "cell.store_unavailable")
    assert answer.headers["retry-after"]


async def test_more_places_than_are_told_is_said(cell, monkeypatch):
    monkeypatch.setattr("serve.inventory.supply.PLACES_MAX", 2)
    view = await shown(cell, "A1")
    assert view["more"] is True
    assert [place["location_id"] for place in view["places"]] == ["us-st-portland", "us-wh-newark"]
    assert view["totals"]["on_hand"] == 53


async def test_whose_rights_reach_one_place_is_told_of_that_one(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer(acr="2", auth_time=cell.clock.now // 1000))
    headers = cell.of_role("associate", locs=("us-st-portland",))
    view = (await cell.http.get("/v1/inventory/A1", headers=headers)).json()
    assert [place["location_id"] for place in view["places"]] == ["us-st-portland"]
    assert view["totals"]["on_hand"] == 3
    everywhere = (await cell.http.get("/v1/inventory/A1", headers=cell.of_role("associate"))).json()
    assert everywhere["totals"]["on_hand"] == 153


@pytest.mark.parametrize("day", [0, 1, 20_000, -719_162])
def test_days_are_counted_from_1970(day):
    assert day_of(date_of(day)) == day
    assert date_of(0).isoformat() == "1970-01-01"
