"""A caller who lost an answer sends the same call again, and meanwhile it would not be taken any more: what was
done is answered as it was."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from actors.runtime.wire import REFUSED, Reply
from serve.judging import carried
from serve.problems import Problem, field_problem, of_refusal
from tests.unit.serve.small_cell import order

PORTLAND = "us-st-portland"
DAY_S = 86_400


def in_(cell, seconds):
    """RFC 3339, so many seconds from now on."""
    return (datetime.fromtimestamp(cell.clock.now_ms() / 1000, UTC) + timedelta(seconds=seconds)).isoformat()


def pickup():
    body = order(("A1", 1), pickup={"location_id": PORTLAND})
    del body["ship_to"]
    return body


async def released_later(cell):
    answer = await cell.post("/v1/skus", {"skus": [{"sku": "A1", "released_at": in_(cell, DAY_S)}]})
    assert answer.status_code == 200, answer.text


async def no_store(cell):
    place = {"type": "warehouse", "name": PORTLAND, "country": "US", "lat": 45.52, "lon": -122.68, "timezone": "UTC"}
    answer = await cell.write("PUT", f"/v1/locations/{PORTLAND}", place)
    assert answer.status_code == 200, answer.text


async def a_quarter_later(cell):
    cell.clock.now += 900_000


def same(one, other):
    def plain(answer):
        return {name: value for name, value in answer.json().items() if name != "request_id"}

    return (one.status_code, plain(one)) == (other.status_code, plain(other))


@pytest.mark.parametrize(
    ("body_of", "changed", "code", "place"),
    [
        (lambda cell: order(("A1", 1), release_at=in_(cell, 600)), a_quarter_later, "order.release_in_past", "/release_at"),
        (lambda _: pickup(), released_later, "pickup.not_released", "/pickup/location_id"),
        (lambda _: pickup(), no_store, "pickup.not_a_store", "/pickup/location_id"),
    ],
)  # fmt: skip
async def test_a_placement_that_was_taken_is_refused_because_it_would_not_be_taken_now(
    cell, body_of, changed, code, place
):
    body = body_of(cell)
    first = await cell.post("/v1/orders", body, "the-key")
    assert first.status_code == 201, first.text
    await changed(cell)
    before = cell.state()
    again = await cell.post("/v1/orders", body, "the-key")
    assert same(again, first)
    assert again.headers["location"] == first.headers["location"]
    late = await cell.post("/v1/orders", body, "another-key")
    assert (late.status_code, late.json()["code"]) == (422, code)
    assert [error["pointer"] for error in late.json()["errors"]] == [place]
    other = await cell.post("/v1/orders", body | {"order_ref": "web-2"}, "the-key")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert cell.state() == before


async def test_an_update_that_was_taken_is_refused_because_it_happened_too_long_ago_by_now(cell):
    path = f"/v1/orders/{(await cell.placed())['order_id']}/updates"
    body = {"update": "start_picking", "occurred_at": in_(cell, 2 - 400 * DAY_S)}
    first = await cell.post(path, body, "the-key")
    assert first.status_code == 200, first.text
    cell.clock.now += 5_000
    assert same(await cell.post(path, body, "the-key"), first)
    versions, *counted = cell.state()
    late = await cell.post(path, body | {"update": "pack"}, "another-key")
    assert (late.status_code, late.json()["code"]) == (422, "update.occurred_at_out_of_range")
    assert [error["pointer"] for error in late.json()["errors"]] == ["/occurred_at"]
    assert (late.json()["age_max_days"], late.json()["ahead_max_s"]) == (400, 300)
    assert (versions, counted[:2]) == (cell.state()[0], list(cell.state()[1:3]))


async def test_an_update_that_was_refused_as_yet_to_come_is_refused_when_its_time_has_come(cell):
    path = f"/v1/orders/{(await cell.placed())['order_id']}/updates"
    body = {"update": "start_picking", "occurred_at": in_(cell, 600)}
    first = await cell.post(path, body, "the-key")
    assert first.json()["code"] == "update.occurred_at_out_of_range"
    await a_quarter_later(cell)
    again = await cell.post(path, body, "the-key")
    assert again.status_code == 200, again.text


async def test_parts_of_a_body_that_were_taken_are_refused_because_they_happened_too_long_ago_by_now(cell):
    one, other = [(await cell.placed())["order_id"] for _ in range(2)]
    old, older = in_(cell, 2 - 400 * DAY_S), in_(cell, -401 * DAY_S)
    body = {
        "updates": [
            {"order_id": one, "update": "start_picking", "occurred_at": old},
            {"order_id": other, "update": "start_picking", "occurred_at": older},
            {"order_id": other, "update": "start_picking"},
            {"order_id": "us-nonsense", "update": "start_picking", "occurred_at": old},
        ]
    }

    def told(answer):
        assert answer.status_code == 200, answer.text
        results = msgspec.json.decode(answer.content)["results"]
        for result in results:
            result.get("error", {}).pop("request_id", None)
        return results

    first = told(await cell.post("/v1/order-updates", body, "many"))
    assert [result.get("error", {}).get("code") for result in first] == [
        None, "update.occurred_at_out_of_range", None, "order.unknown",
    ]  # fmt: skip
    assert first[1]["error"]["errors"][0]["pointer"] == "/updates/1/occurred_at"
    cell.clock.now += 5_000
    before = cell.state()
    assert told(await cell.post("/v1/order-updates", body, "many")) == first
    assert cell.state() == before


SEATTLE = "us-wh-seattle"
D4 = [{"sku": "D4", "quantity": 5}]
ANNOUNCED = [{"line": 1, "sku": "D4", "quantity": 5}]
GAIN = {"lines": [{"sku": "D4", "quantity": 5, "reason": "found"}]}
LOSS = {"lines": [{"sku": "D4", "quantity": -5, "reason": "loss"}]}
INBOUND = {"location_id": SEATTLE, "expected_at": "2026-01-02T00:00:00Z", "lines": ANNOUNCED}


async def defined(cell, **details):
    answer = await cell.post("/v1/skus", {"skus": [{"sku": "D4"} | details]})
    assert answer.status_code == 200, answer.text


async def kept_by_lot(cell):
    await defined(cell, tracking="lot")


async def gone_and_kept_by_lot(cell):
    assert (await cell.post(f"/v1/locations/{SEATTLE}/adjustments", LOSS)).status_code == 200
    await kept_by_lot(cell)


async def a_kit(cell):
    await defined(cell, kit=[{"sku": "A1", "quantity": 1}])


async def of_inbound(cell):
    answer = await cell.post("/v1/inbounds", INBOUND)
    assert answer.status_code == 201, answer.text
    return f"/v1/inbounds/{answer.json()['inbound_id']}/receipts"


async def nothing_first(_):
    return ""


@pytest.mark.parametrize(
    ("before", "path", "body", "changed", "code"),
    [
        (nothing_first, f"/v1/locations/{SEATTLE}/receipts", {"lines": D4}, kept_by_lot, "stock.lot_required"),
        (nothing_first, f"/v1/locations/{SEATTLE}/adjustments", GAIN, gone_and_kept_by_lot, "stock.lot_required"),
        (nothing_first, "/v1/transfers", {"source_id": SEATTLE, "destination_id": PORTLAND, "lines": D4}, a_kit, "stock.kit_not_kept"),
        (nothing_first, "/v1/inbounds", INBOUND, a_kit, "stock.kit_not_kept"),
        (of_inbound, "", {"lines": D4}, kept_by_lot, "stock.lot_required"),
    ],
    ids=["receipt", "adjustment", "transfer", "inbound", "receipt of an inbound"],
)  # fmt: skip
async def test_goods_that_were_booked_are_refused_because_the_catalogue_keeps_them_otherwise_by_now(
    cell, before, path, body, changed, code
):
    path = path or await before(cell)
    first = await cell.post(path, body, "the-key")
    assert first.status_code in {200, 201}, first.text
    await changed(cell)
    state = cell.state()
    assert same(await cell.post(path, body, "the-key"), first)
    assert cell.state() == state
    late = await cell.post(path, body, "another-key")
    assert (late.status_code, late.json()["code"]) == (422, code), late.text
    assert late.json()["errors"][0]["pointer"].startswith("/lines/0")
    assert cell.state()[:3] == state[:3]


async def test_a_sku_that_came_into_the_catalogue_meanwhile_stays_unknown_to_the_same_call(cell):
    path, body = await of_inbound(cell), {"lines": [{"sku": "E5", "quantity": 5}], "accept_unexpected": True}
    assert (await cell.post(path, body, "the-key")).json()["code"] == "sku.unknown"
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "E5"}]})).status_code == 200
    assert (await cell.post(path, body, "the-key")).status_code == 200


def test_who_may_not_do_it_any_more_is_told_what_he_once_did_or_what_passes_is_remembered():
    for code in ("auth.forbidden", "auth.token_missing", "auth.too_often", "cell.unavailable"):
        with pytest.raises(Problem, match=code):
            carried(Problem(code, "Not now."))


def test_what_goes_along_comes_back_as_another_problem():
    found = field_problem("update.occurred_at_out_of_range", "Too old.", "/updates/3/occurred_at", age_max_days=400)
    back = of_refusal(Reply(REFUSED, carried(found)))
    assert back.members("r") == found.members("r")
    assert (back.errors, back.extra, back.remembered) == (found.errors, found.extra, False)
