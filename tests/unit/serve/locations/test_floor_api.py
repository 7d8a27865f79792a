"""Levels, conditions, bins and moves through the API; the rules themselves are the location's
(`tests/unit/domain/test_location_*.py`)."""

from typing import get_args

import msgspec
import pytest

from actors.domain.location_room import ViewRoom
from actors.domain.order_state import Channel
from serve.locations.floor_schemas import Buffers
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with

WH = "/v1/locations/us-wh-seattle"
BINS = [
    {"bin_id": "A-01", "zone": "A", "aisle": 1, "rack": 1, "level": 0, "x_dm": 20, "y_dm": 5, "units_max": 30},
    {"bin_id": "A-02", "zone": "A", "aisle": 1, "rack": 2, "level": 0, "x_dm": 20, "y_dm": 90},
    {"bin_id": "COLD-1", "zone": "C", "aisle": 9, "rack": 1, "level": 0, "temperature": "chilled"},
    {"bin_id": "DOCK", "zone": "D", "aisle": 0, "rack": 0, "level": 0, "use": "dock"},
]


@pytest.fixture
async def floor(cell):
    """The small cell with four bins in Seattle, where 100 A1 and 10 "B 2" are."""
    answer = await cell.write("PUT", f"{WH}/bins", {"bins": BINS})
    assert answer.status_code == 200, answer.text
    return cell


def told(answer, status, code, pointer=None):
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    if pointer is not None:
        assert body["errors"][0].get("pointer", body["errors"][0].get("parameter")) == pointer
    return body


async def stock(cell, sku="A1"):
    answer = await cell.get(f"{WH}/stock/{sku}")
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- one SKU here ---------------------------------------------------------------------------------------------------
async def test_a_sku_is_told_with_its_bins_and_what_lies_in_none(floor):
    moves = {"lines": [{"sku": "A1", "quantity": 30, "to_bin": "A-01"}, {"sku": "A1", "quantity": 8, "to_bin": "A-02"}]}
    assert (await floor.post(f"{WH}/moves", moves)).status_code == 200
    shown = await stock(floor)
    assert shown["stock"]["on_hand"] == 100
    assert [(at["bin"], at["zone"], at["rack"], at["units"]) for at in shown["bins"]] == [
        ("A-01", "A", 1, 30), ("A-02", "A", 2, 8), (None, "", 0, 62),
    ]  # fmt: skip


async def test_a_sku_with_a_space_or_a_slash_is_found_by_its_path(cell):
    await cell.post("/v1/skus", {"skus": [{"sku": "S/8"}]})
    await cell.post(f"{WH}/receipts", {"lines": [{"sku": "S/8", "quantity": 3}]})
    assert (await stock(cell, "S%2F8"))["stock"]["on_hand"] == 3
    assert (await stock(cell, "B%202"))["stock"]["on_hand"] == 10


async def test_a_sku_that_never_was_here_is_not_told_as_nothing(cell):
    told(await cell.get(f"{WH}/stock/C3"), 404, "stock.sku_not_here")
    told(await cell.get("/v1/locations/us-nowhere/stock/A1"), 404, "location.unknown")
    told(await cell.get("/v1/locations/eu-wh-berlin/stock/A1"), 421, "region.misdirected")


# --- levels ---------------------------------------------------------------------------------------------------------
async def test_levels_that_are_left_out_stay_as_they_are(cell):
    first = [{"sku": "A1", "safety_stock": 5, "reorder_point": 20, "buffers": {"online": 3, "store": 0}}]
    assert (await cell.write("PUT", f"{WH}/levels", {"levels": first})).status_code == 200
    assert (await cell.write("PUT", f"{WH}/levels", {"levels": [{"sku": "A1", "reorder_point": 25}]})).is_success
    shown = await stock(cell)
    assert (shown["stock"]["safety_stock"], shown["stock"]["reorder_point"]) == (5, 25)
    assert shown["buffers"] == {"online": 3}
    assert shown["stock"]["available"] == 95
    assert (await cell.write("PUT", f"{WH}/levels", {"levels": [{"sku": "A1", "buffers": {}}]})).is_success
    assert (await stock(cell))["buffers"] == {}


LEVELS = [
    ([{"sku": "A1"}], "stock.change_empty", "/levels/0"),
    ([{"sku": "A1", "safety_stock": -1}], "body.invalid", "/levels/0/safety_stock"),
    ([{"sku": "A1", "reorder_point": 1_000_000_001}], "body.invalid", "/levels/0/reorder_point"),
    ([{"sku": "A1", "buffers": {"phone": 1}}], "body.unknown_field", "/levels/0/buffers/phone"),
    ([{"sku": "A1", "buffers": {"store": -1}}], "body.invalid", "/levels/0/buffers/store"),
    ([{"sku": "A1", "safety_stock": 1}, {"sku": "zz", "safety_stock": 1}], "sku.unknown", "/levels/1/sku"),
    ([{"sku": "A1", "safety_stock": 1}, {"sku": "A1", "safety_stock": 2}], "stock.sku_repeated", "/levels/1/sku"),
    ([], "body.invalid", "/levels"),
    ([{"sku": "A1", "safety_stock": 1}] * 1001, "body.invalid", "/levels"),
]


@pytest.mark.parametrize(("levels", "code", "pointer"), LEVELS)
async def test_wrong_levels_are_refused_and_nothing_changes(cell, levels, code, pointer):
    before = cell.state()
    told(await cell.write("PUT", f"{WH}/levels", {"levels": levels}), 422, code, pointer)
    assert cell.state() == before


def test_every_channel_can_have_a_buffer():
    assert Buffers.__struct_fields__ == get_args(Channel)


# --- conditions -----------------------------------------------------------------------------------------------------
async def test_goods_go_out_of_sale_and_come_back(cell):
    lines = [{"sku": "A1", "quantity": 4, "now": "damaged"}, {"sku": "A1", "quantity": 6, "now": "quality_hold"}]
    assert (await cell.post(f"{WH}/conditions", {"lines": lines, "reference": "water"})).status_code == 200
    at = (await stock(cell))["stock"]
    assert (at["on_hand"], at["available"], at["damaged"], at["quality_hold"]) == (100, 90, 4, 6)
    release = {"lines": [{"sku": "A1", "quantity": 5, "was": "quality_hold"}]}
    answer = await cell.post(f"{WH}/quality-releases", release)
    assert answer.status_code == 200
    at = (await stock(cell))["stock"]
    assert (at["on_hand"], at["available"], at["damaged"], at["quality_hold"]) == (100, 95, 4, 1)
    entry = (await cell.get(f"{WH}/ledger", sku="A1", limit=1)).json()["entries"][0]
    assert (entry["aside"], entry["aside_delta"], entry["aside_balance"]) == ("quality_hold", -5, 1)
    assert entry["cause"] == answer.headers["x-request-id"]


async def test_the_floor_s_endpoint_puts_nothing_back_on_sale(cell):
    await cell.post(f"{WH}/conditions", {"lines": [{"sku": "A1", "quantity": 4, "now": "damaged"}]})
    before = cell.state()
    line = {"sku": "A1", "quantity": 4, "was": "damaged", "now": "sellable"}
    told(await cell.post(f"{WH}/conditions", {"lines": [line]}), 422, "body.invalid", "/lines/0/now")
    assert cell.state() == before


async def test_what_is_promised_can_not_be_damaged_away(cell):
    await cell.placed(("A1", 98))
    line = {"sku": "A1", "quantity": 3, "now": "damaged"}
    told(await cell.post(f"{WH}/conditions", {"lines": [line]}), 409, "stock.insufficient")
    same = {"sku": "A1", "quantity": 1, "was": "damaged", "now": "damaged"}
    told(await cell.post(f"{WH}/conditions", {"lines": [same]}), 422, "stock.condition_same")


async def test_only_who_may_correct_stock_puts_goods_back_on_sale(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer(acr="2", auth_time=cell.clock.now // 1000))
    body = {"lines": [{"sku": "A1", "quantity": 1, "now": "damaged"}]}
    assert (await cell.post(f"{WH}/conditions", body, **cell.of_role("fulfilment"))).status_code == 200
    back = {"lines": [{"sku": "A1", "quantity": 1, "was": "damaged"}]}
    told(await cell.post(f"{WH}/quality-releases", back, **cell.of_role("fulfilment")), 403, "auth.forbidden")
    stale = cell.of_role("manager", auth_time=cell.clock.now // 1000 - 3_600)
    told(await cell.post(f"{WH}/quality-releases", back, **stale), 401, "auth.step_up_required")
    elsewhere = cell.of_role("manager", locs=("us-wh-newark",))
    told(await cell.post(f"{WH}/quality-releases", back, **elsewhere), 403, "auth.location_forbidden")
    assert (await cell.post(f"{WH}/quality-releases", back, **cell.of_role("manager"))).status_code == 200


# --- bins and moves -------------------------------------------------------------------------------------------------
async def test_bins_come_in_pages_with_what_lies_in_them(floor):
    await floor.post(f"{WH}/moves", {"lines": [{"sku": "B 2", "quantity": 4, "to_bin": "A-02"}]})
    first = (await floor.get(f"{WH}/bins", limit=3)).json()
    assert [one["bin"]["bin_id"] for one in first["bins"]] == ["A-01", "A-02", "COLD-1"]
    assert first["bins"][1]["contents"] == [{"sku": "B 2", "lot": "", "units": 4}]
    assert first["bins"][0]["bin"] == {
        "bin_id": "A-01", "zone": "A", "aisle": 1, "rack": 1, "level": 0, "x_dm": 20, "y_dm": 5, "use": "pick", "units_max": 30,
        "volume_max_ml": 0, "temperature": "ambient", "hazard": "",
    }  # fmt: skip
    rest = (await floor.get(f"{WH}/bins", limit=3, cursor=first["next_cursor"])).json()
    assert [one["bin"]["bin_id"] for one in rest["bins"]] == ["DOCK"]
    assert rest["next_cursor"] is None
    told(await floor.get("/v1/locations/us-wh-newark/bins", cursor=first["next_cursor"]), 400, "cursor.invalid")


async def test_a_bin_goes_only_when_it_is_empty(floor):
    await floor.post(f"{WH}/moves", {"lines": [{"sku": "A1", "quantity": 1, "to_bin": "A-01"}]})
    told(await floor.http.delete(f"{WH}/bins/A-01", headers={"Idempotency-Key": "d1"}), 409, "bins.not_empty")
    assert (await floor.http.delete(f"{WH}/bins/A-02", headers={"Idempotency-Key": "d2"})).status_code == 200
    assert [one["bin"]["bin_id"] for one in (await floor.get(f"{WH}/bins")).json()["bins"]] == [
        "A-01",
        "COLD-1",
        "DOCK",
    ]
    told(await floor.http.delete(f"{WH}/bins/A-02", headers={"Idempotency-Key": "d3"}), 404, "bins.unknown")


async def test_a_key_that_took_one_bin_away_does_not_answer_for_another(floor):
    key = {"Idempotency-Key": "same"}
    first = await floor.http.delete(f"{WH}/bins/A-02", headers=key)
    assert first.status_code == 200
    assert (await floor.http.delete(f"{WH}/bins/A-02", headers=key)).json() == first.json()
    told(await floor.http.delete(f"{WH}/bins/DOCK", headers=key), 422, "idempotency.key_reused")
    told(await floor.http.delete(f"{WH}/bins/DOCK"), 400, "idempotency.key_missing")


async def test_a_move_is_answered_with_the_receipt_that_says_the_same(floor):
    body = {"lines": [{"sku": "A1", "quantity": 1}]}
    assert (await floor.post(f"{WH}/receipts", body, "same")).status_code == 200
    told(await floor.post(f"{WH}/moves", body, "same"), 422, "idempotency.key_reused")


WRONG_BINS = [
    ({"bin_id": "a-01"}, "body.invalid", "/bins/0/bin_id"),
    ({"bin_id": "-A"}, "body.invalid", "/bins/0/bin_id"),
    ({"bin_id": "A" * 33}, "body.invalid", "/bins/0/bin_id"),
    ({"bin_id": ""}, "body.invalid", "/bins/0/bin_id"),
    ({"bin_id": "A-01\n"}, "body.invalid", "/bins/0/bin_id"),
    ({"use": "shelf"}, "body.invalid", "/bins/0/use"),
    ({"x_dm": 100_001}, "body.invalid", "/bins/0/x_dm"),
    ({"hazard": "10"}, "body.invalid", "/bins/0/hazard"),
    ({"colour": "red"}, "body.unknown_field", "/bins/0/colour"),
]


@pytest.mark.parametrize(("change", "code", "pointer"), WRONG_BINS)
async def test_a_wrong_bin_is_refused(cell, change, code, pointer):
    before = cell.state()
    told(await cell.write("PUT", f"{WH}/bins", {"bins": [BINS[0] | change]}), 422, code, pointer)
    assert cell.state() == before


async def test_a_bin_that_is_named_twice_is_refused(cell):
    told(await cell.write("PUT", f"{WH}/bins", {"bins": [BINS[0], BINS[0]]}), 422, "bins.twice")
    told(await cell.write("PUT", f"{WH}/bins", {"bins": BINS[:1] * 1001}), 422, "body.invalid", "/bins")


MOVES = [
    ({"to_bin": "Z-9"}, 404, "bins.unknown"),
    ({"from_bin": "Z-9"}, 404, "bins.unknown"),
    ({}, 422, "bins.same"),
    ({"from_bin": "A-01", "to_bin": "A-01"}, 422, "bins.same"),
    ({"quantity": 31, "to_bin": "A-01"}, 409, "bins.too_full"),
    ({"quantity": 101, "to_bin": "A-02"}, 409, "stock.not_in_bin"),
    ({"from_bin": "A-02"}, 409, "stock.not_in_bin"),
    ({"to_bin": "A-02", "lot": "L"}, 404, "stock.lot_unknown"),
    ({"to_bin": "A-02", "quantity": 0}, 422, "body.invalid"),
    ({"to_bin": "A-02", "sku": "zz"}, 422, "sku.unknown"),
]


@pytest.mark.parametrize(("change", "status", "code"), MOVES)
async def test_a_wrong_move_is_refused_and_the_right_ones_with_it(floor, change, status, code):
    right = {"sku": "B 2", "quantity": 1, "to_bin": "A-02"}
    before = floor.state()
    lines = [right, {"sku": "A1", "quantity": 1} | change]
    told(await floor.post(f"{WH}/moves", {"lines": lines}), status, code)
    assert floor.state()[:3] == before[:3]


async def test_a_move_is_told_by_the_ledger_with_its_bins(floor):
    await floor.post(f"{WH}/moves", {"lines": [{"sku": "A1", "quantity": 9, "to_bin": "A-01"}]})
    second = {"lines": [{"sku": "A1", "quantity": 2, "from_bin": "A-01", "to_bin": "A-02"}]}
    moved = await floor.post(f"{WH}/moves", second)
    entries = (await floor.get(f"{WH}/ledger", sku="A1")).json()["entries"]
    assert entries[0]["cause"] == moved.headers["x-request-id"]
    assert [(e["reason"], e["bin_id"], e["bin_delta"], e["on_hand_delta"]) for e in entries[:3]] == [
        ("move", "A-02", 2, 0), ("move", "A-01", -2, 0), ("move", "A-01", 9, 0),
    ]  # fmt: skip


# --- corrections of a bin, a condition ------------------------------------------------------------------------------
async def test_a_correction_may_name_bin_and_condition(floor):
    await floor.post(f"{WH}/moves", {"lines": [{"sku": "A1", "quantity": 9, "to_bin": "A-01"}]})
    lines = [
        {"sku": "A1", "quantity": -3, "reason": "loss", "bin": "A-01"},
        {"sku": "A1", "quantity": 2, "reason": "return", "condition": "damaged"},
    ]
    assert (await floor.post(f"{WH}/adjustments", {"lines": lines})).status_code == 200
    shown = await stock(floor)
    assert (shown["stock"]["on_hand"], shown["stock"]["damaged"]) == (99, 2)
    assert {at["bin"]: at["units"] for at in shown["bins"]} == {"A-01": 6, None: 93}
    too_much = {"lines": [{"sku": "A1", "quantity": -7, "reason": "loss", "bin": "A-01"}]}
    told(await floor.post(f"{WH}/adjustments", too_much), 409, "stock.not_in_bin")


async def test_what_waits_for_a_second_person_tells_lot_bin_and_condition(tmp_path):
    cell = GuardedCell(tmp_path, approval_adjustment_units=10)
    boss = cell.of_role("manager")
    await furnish_with(cell, cell.bearer(acr="2", auth_time=cell.clock.now // 1000))
    assert (await cell.write("PUT", f"{WH}/bins", {"bins": BINS}, **boss)).status_code == 200
    line = {"sku": "A1", "quantity": 20, "reason": "found", "bin": "A-02", "condition": "quality_hold"}
    asked = await cell.post(f"{WH}/adjustments", {"lines": [line]}, **boss)
    assert asked.status_code == 202, asked.text
    shown = (await cell.http.get(f"/v1/approvals/{asked.json()['approval_id']}", headers=boss)).json()
    told_line = shown["wanted"]["lines"][0]
    assert (told_line["bin"], told_line["condition"], told_line["lot"]) == ("A-02", "quality_hold", "")


# --- where to put things --------------------------------------------------------------------------------------------
async def suggested(cell, **query):
    answer = await cell.get(f"{WH}/put-away-suggestions", **query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return [(one["bin"], one["units"], one["reason"]) for one in body["suggestions"]], body["considered"]


async def test_goods_go_to_their_own_first_and_then_to_an_empty_bin(floor):
    await floor.post(f"{WH}/moves", {"lines": [{"sku": "A1", "quantity": 25, "to_bin": "A-01"}]})
    assert await suggested(floor, sku="A1", units=20) == ([("A-01", 5, "same_lot"), ("A-02", 15, "by_demand")], 2)


async def test_goods_that_must_be_cold_go_nowhere_else(floor):
    await floor.post(
        "/v1/skus", {"skus": [{"sku": "ICE", "temperature": "chilled"}, {"sku": "GAS", "hazard_class": "2.1"}]}
    )
    assert await suggested(floor, sku="ICE", units=3) == ([("COLD-1", 3, "by_demand")], 1)
    assert await suggested(floor, sku="GAS", units=3) == ([(None, 3, "no_zone")], 0)


async def test_a_bin_is_full_when_its_volume_is(floor):
    await floor.post("/v1/skus", {"skus": [{"sku": "BIG", "length_mm": 100, "width_mm": 100, "height_mm": 100}]})
    bin_ = BINS[1] | {"bin_id": "V-1", "volume_max_ml": 2_500, "temperature": "frozen"}
    await floor.write("PUT", f"{WH}/bins", {"bins": [bin_]})
    await floor.post("/v1/skus", {"skus": [{"sku": "BIG", "temperature": "frozen"}]})
    assert await suggested(floor, sku="BIG", units=3) == ([("V-1", 2, "by_demand"), (None, 1, "no_room")], 1)
    await floor.post(f"{WH}/receipts", {"lines": [{"sku": "BIG", "quantity": 1}]})
    await floor.post(f"{WH}/moves", {"lines": [{"sku": "BIG", "quantity": 1, "to_bin": "V-1"}]})
    assert await suggested(floor, sku="BIG", units=2) == ([("V-1", 1, "same_lot"), (None, 1, "no_room")], 1)


async def test_what_is_shipped_often_lies_near_the_dock(floor):
    order = await floor.placed(("A1", 1))
    for step in ("start_picking", "pack", "ship"):
        assert (await floor.post(f"/v1/orders/{order['order_id']}/updates", {"update": step})).is_success
    assert (await suggested(floor, sku="A1", units=1))[0] == [("A-01", 1, "by_demand")]
    assert (await suggested(floor, sku="B 2", units=1))[0] == [("A-02", 1, "by_demand")]


async def test_goods_are_put_away_while_lists_are_away(floor):
    floor.read_model.away = True
    assert (await suggested(floor, sku="A1", units=1))[0] == [("A-01", 1, "by_demand")]


async def test_suggestions_for_nothing_or_for_what_nobody_knows_are_refused(floor):
    path = f"{WH}/put-away-suggestions"
    told(await floor.get(path, sku="zz", units=1), 422, "sku.unknown", "sku")
    told(await floor.get(path, sku="A1", units=0), 422, "request.parameter_invalid", "units")
    told(await floor.get(path, sku="A1"), 422, "request.parameter_invalid", "units")


async def test_of_very_many_bins_no_more_are_told_than_are_needed(floor):
    state, _ = floor.gateway.entities["location", "us-wh-seattle"]
    model = state.bins["A-02"]
    for number in range(5_010):
        bin_id = f"M-{number:05}"
        state.bins[bin_id] = msgspec.structs.replace(model, bin_id=bin_id)
        state.fill[bin_id] = number % 2
    found, considered = await suggested(floor, sku="A1", units=1)
    assert considered == 5_012
    assert len(found) == 1
    query = ViewRoom("us-wh-seattle", "A1", "ambient", "")
    view = (await floor.gateway.view("location", "us-wh-seattle", query)).body
    assert len(msgspec.json.decode(view)["empty"]) == 1
