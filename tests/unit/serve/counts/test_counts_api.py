"""Cycle counts through the whole API: bins and a building that goes on working."""

from __future__ import annotations

from actors.domain.location_commands import DefineBins, MoveLine, MoveUnits, ReceiptLine, ReceiveStock, Ship
from actors.domain.location_events import Bin
from tests.unit.serve.counts.counting import (
    BIN,
    NEW,
    OTHER,
    PORTLAND,
    SEATTLE,
    at,
    begun,
    opened,
    put,
    submit,
)


async def test_a_late_count_of_a_bin_that_moved_on_finds_a_difference(open_cell):
    cell = open_cell
    path = await opened(cell, NEW | {"spots": [BIN, OTHER]})
    told = await begun(cell, path, BIN, OTHER)
    assert [(spot["status"], spot["began_at"]) for spot in told["spots"]] == [("begun", "2026-01-01T00:00:00Z")] * 2
    seen = at(cell)
    cell.clock.now += 60_000
    await put(cell, MoveUnits([MoveLine("A1", 7, "A-01", "A-02")]))
    cell.clock.now += 60_000
    answer = await submit(cell, path, [("A1", 10)], when=seen)
    (spot, other) = answer.json()["spots"]
    assert (spot["status"], spot["lines"]) == (
        "accepted", [{"sku": "A1", "lot": "", "book": 10, "counted": 10, "variance": 0}],
    )  # fmt: skip
    assert (spot["began_at"], spot["counted_at"], other["status"]) == (None, "2026-01-01T00:00:00Z", "begun")
    answer = await submit(cell, path, [("A1", 7)], OTHER)
    assert (answer.json()["status"], answer.json()["variance_units"]) == ("closed", 0)
    assert [row for row in cell.gateway.ledger if row.reason == "count"] == []


async def opened_with_a_bin_that_goes(cell, *spots):
    """A count of these and of Z-99, which is taken away once it is opened."""
    await put(cell, DefineBins([Bin("Z-99", "Z", 1, 1, 0, 10, 30)]))
    path = await opened(cell, NEW | {"spots": [*spots, {"bin_id": "Z-99"}]})
    gone = await cell.http.delete("/v1/locations/us-wh-seattle/bins/Z-99", headers={"Idempotency-Key": "gone"})
    assert gone.status_code == 200, gone.text
    return path


async def test_bad_input_changes_something_or_is_refused_without_a_name(open_cell):
    cell = open_cell
    path = await opened_with_a_bin_that_goes(cell, BIN, {"sku": "A1"})
    await begun(cell, path, BIN, {"sku": "A1"}, {"bin_id": "Z-99"})
    cell.clock.now += 10
    before = cell.state()[0]
    moment = at(cell)
    cases = [
        ("/v1/counts", NEW | {"spots": []}, 422, "body.invalid"),
        ("/v1/counts", NEW | {"spots": [{}]}, 422, "count.spot_invalid"),
        ("/v1/counts", NEW | {"spots": [BIN | {"sku": "A1"}]}, 422, "count.spot_invalid"),
        ("/v1/counts", NEW | {"spots": [BIN, BIN]}, 422, "count.spot_twice"),
        ("/v1/counts", NEW | {"spots": [{"sku": "nothing"}]}, 422, "sku.unknown"),
        ("/v1/counts", NEW | {"spots": [BIN, {"bin_id": "NOPE-1"}]}, 404, "bins.unknown"),
        ("/v1/counts", NEW | {"location_id": "us-wh-nowhere"}, 404, "location.unknown"),
        ("/v1/counts", NEW | {"location_id": "eu-wh-berlin"}, 421, "region.misdirected"),
        ("/v1/counts", NEW | {"tolerance": {"percent": 101}}, 422, "body.invalid"),
        ("/v1/counts", NEW | {"why": "so"}, 422, "body.unknown_field"),
        (f"{path}/begun", {"spots": [OTHER]}, 404, "count.spot_unknown"),
        (f"{path}/counted", {"spot": OTHER, "lines": [], "counted_at": moment}, 404, "count.spot_unknown"),
        (f"{path}/counted", {"spot": {"bin_id": "Z-99"}, "lines": [], "counted_at": moment}, 409, "count.not_begun"),
        (f"{path}/counted", {"spot": BIN, "lines": [], "counted_at": at(cell, -11)}, 409, "count.too_early"),
        (f"{path}/counted", {"spot": BIN, "lines": [], "counted_at": at(cell, 1)}, 422, "count.in_future"),
        (f"{path}/counted", {"spot": BIN, "lines": [], "counted_at": "9999-12-31T23:59:59-14:00"}, 422, "body.invalid"),
        (f"{path}/counted", {"spot": BIN, "lines": []}, 422, "body.missing_field"),
        (f"{path}/counted", _lines({"sku": "nothing", "quantity": 1}, moment), 422, "sku.unknown"),
        (f"{path}/counted", _lines({"sku": "A1", "quantity": -1}, moment), 422, "body.invalid"),
        (f"{path}/counted", _lines({"sku": "A1", "quantity": 1}, moment, 2), 422, "count.line_twice"),
        (f"{path}/counted", _lines({"sku": "C3", "quantity": 1}, moment, spot={"sku": "A1"}), 422, "count.sku_elsewhere"),
        ("/v1/counts/us-count-x/closure", {}, 404, "count.unknown"),
        ("/v1/counts/eu-count-01kah2v3nq7h3k2m9qk4t1x0ab/closure", {}, 421, "region.misdirected"),
        (f"{path[:-4]}0000/closure", {}, 404, "count.unknown"),
    ]  # fmt: skip
    for where, body, status, code in cases:
        answer = await cell.post(where, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (where, body, answer.text)
    assert cell.state()[0] == before


def _lines(line, moment, times=1, spot=BIN):
    return {"spot": spot, "lines": [line] * times, "counted_at": moment}


async def test_what_the_location_refuses_is_told_as_done(open_cell):
    cell = open_cell
    await put(cell, ReceiveStock([ReceiptLine("D4", 3, lot="L1", bin="A-01")]))
    path = await opened_with_a_bin_that_goes(cell, BIN)
    refused = await cell.post(f"{path}/begun", {"spots": [{"bin_id": "Z-99"}]})
    assert (refused.status_code, refused.json()["code"]) == (404, "bins.unknown")
    told = await begun(cell, path, BIN, {"bin_id": "Z-99"})
    assert [(spot["status"], spot["problem"]) for spot in told["spots"]] == [("begun", ""), ("open", "bins.unknown")]
    refused = await submit(cell, path, [("A1", 10), ("D4", 3)])
    assert (refused.status_code, refused.json()["code"]) == (422, "stock.lot_required")
    body = {
        "spot": BIN, "counted_at": at(cell),
        "lines": [{"sku": "A1", "quantity": 10}, {"sku": "D4", "quantity": 3, "lot": "L1"}],
    }  # fmt: skip
    answer = await cell.post(f"{path}/counted", body)
    assert answer.json()["spots"][0]["status"] == "accepted"


async def test_a_call_that_is_repeated_counts_twice_or_a_late_location_is_not_waited_for(open_cell):
    cell = open_cell
    path = await opened(cell)
    cell.gateway.deliver = False
    first = await cell.post(f"{path}/begun", {"spots": [BIN]}, "key-b")
    assert first.json()["spots"][0]["status"] == "beginning"
    busy = await submit(cell, path, [("A1", 10)])
    assert (busy.status_code, busy.json()["code"]) == (409, "count.spot_busy")
    cell.gateway.deliver = True
    cell.gateway.run_outbox()
    again = await cell.post(f"{path}/begun", {"spots": [BIN]}, "key-b")
    assert again.json()["spots"][0]["status"] == "begun"
    assert (await cell.get(path)).json()["version"] == again.json()["version"]


async def test_lists_forget_counts_or_filter_wrongly(open_cell):
    cell = open_cell
    paths = []
    for _ in range(3):
        cell.clock.now += 1
        paths.append(await opened(cell))
    await cell.post(f"{paths[0]}/closure", {})
    page = (await cell.get("/v1/counts", limit=2)).json()
    rest = (await cell.get("/v1/counts", limit=2, cursor=page["next_cursor"])).json()
    found = [f"/v1/counts/{one['count_id']}" for one in page["counts"] + rest["counts"]]
    assert found == paths[::-1]
    assert [one["count_id"] for one in (await cell.get("/v1/counts", status="closed")).json()["counts"]] == [
        paths[0].rpartition("/")[2]
    ]
    assert (await cell.get("/v1/counts", location_id=PORTLAND)).json()["counts"] == []
    assert (await cell.get("/v1/counts", status="late")).json()["code"] == "request.parameter_invalid"
    cell.read_model.away = True
    assert (await cell.get("/v1/counts")).json()["code"] == "cell.store_unavailable"


async def test_what_moves_most_is_not_due_or_what_was_just_counted_still_is(open_cell):
    cell = open_cell
    await cell.placed(("A1", 30))
    order_id = next(key[1] for key in cell.gateway.entities if key[0] == "order")
    await put(cell, Ship(order_id, 1, [("A1", 30)]))
    due = f"/v1/locations/{SEATTLE}/count-suggestions"
    told = (await cell.get(due)).json()
    assert [(one["sku"], one["abc"], one["units"]) for one in told["suggestions"]] == [("A1", "A", 30), ("B 2", "C", 0)]
    assert (told["due"], told["suggestions"][0]["last_counted_at"]) == (2, None)
    path = await opened(cell)
    await begun(cell, path)
    await submit(cell, path, [("A1", 10)])
    assert [one["sku"] for one in (await cell.get(due)).json()["suggestions"]] == ["B 2"]
    cell.clock.now += 31 * 86_400_000
    assert [one["sku"] for one in (await cell.get(due)).json()["suggestions"]] == ["B 2", "A1"]
    assert [one["sku"] for one in (await cell.get(due, a_days=32)).json()["suggestions"]] == ["B 2"]
    assert (await cell.get(due, limit=1)).json()["due"] == 2
    assert (await cell.get(due, a_days=0)).status_code == 422
    unknown = await cell.get("/v1/locations/us-wh-nowhere/count-suggestions")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "location.unknown")
