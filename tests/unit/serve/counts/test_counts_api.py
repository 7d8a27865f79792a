"""Cycle counts through the whole API: people, bins and a building that goes on working."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.domain.ids import account_id
from actors.domain.location_commands import DefineBins, MoveLine, MoveUnits, ReceiptLine, ReceiveStock, Ship
from actors.domain.location_events import Bin
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.scanner import Scanner
from tests.unit.serve.small_cell import furnish_with

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
MIA, TOM, ANN = (account_id("us", name * 16) for name in (b"m", b"t", b"a"))
BIN, OTHER = {"bin_id": "A-01"}, {"bin_id": "A-02"}
NEW = {"location_id": SEATTLE, "spots": [BIN]}


async def put(cell, command):
    """A command straight to the location."""
    number = cell.gateway.turns
    reply = await cell.gateway.ask("location", SEATTLE, command, command_id=f"direct-{number}", digest=number)
    assert reply.status == 0, reply.body


async def fill(cell):
    await put(cell, DefineBins([Bin("A-01", "A", 1, 1, 0), Bin("A-02", "A", 1, 2, 0)]))
    await put(cell, ReceiveStock([ReceiptLine("A1", 10, bin="A-01")]))


@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path, approval_adjustment_units=5, approval_expires_hours=72)
    await furnish_with(made, made.bearer())
    await fill(made)
    yield made
    await made.http.aclose()


@pytest.fixture
async def open_cell(cell):
    await fill(cell)
    return cell


def at(cell, ahead_ms: int = 0) -> str:
    moment = datetime.fromtimestamp((cell.clock.now + ahead_ms) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds")


async def opened(cell, body=None, **headers):
    answer = await cell.post("/v1/counts", body or NEW, **headers)
    assert answer.status_code == 201, answer.text
    path = answer.headers["location"]
    assert path == f"/v1/counts/{answer.json()['count_id']}"
    return path


async def begun(cell, path, *spots, **headers):
    answer = await cell.post(f"{path}/begun", {"spots": list(spots or [BIN])}, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def submit(cell, path, lines, spot=BIN, when=None, **headers):
    sent = [{"sku": sku, "quantity": units} for sku, units in lines]
    body = {"spot": spot, "lines": sent, "counted_at": when or at(cell)}
    return await cell.post(f"{path}/counted", body, **headers)


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


async def test_a_difference_is_posted_before_somebody_else_has_seen_it_too(guarded):
    mia, tom = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("fulfilment", sub=TOM)
    path = await opened(guarded, **mia)
    await begun(guarded, path, **mia)
    answer = await submit(guarded, path, [("A1", 8)], **mia)
    (spot,) = answer.json()["spots"]
    assert (spot["status"], spot["times"], spot["lines"], spot["counted_by"]) == ("recount", 1, [], "")
    again = await submit(guarded, path, [("A1", 8)], **mia)
    assert (again.status_code, again.json()["code"]) == (403, "count.same_person")
    answer = await submit(guarded, path, [("A1", 8)], **tom)
    (spot,) = answer.json()["spots"]
    assert (spot["status"], spot["counted_by"], spot["lines"][0]["variance"]) == ("correcting", TOM, -2)
    read = (await guarded.http.get(path, headers=mia)).json()
    assert (read["spots"][0]["status"], read["status"], read["opened_by"]) == ("corrected", "closed", MIA)
    (entry,) = [row for row in guarded.gateway.ledger if row.reason == "count"]
    assert (entry.cause, entry.on_hand_delta, entry.bin_id) == (read["count_id"], -2, "A-01")
    said = [line.act.action for line in guarded.gateway.audited]
    assert [action for action in said if action.startswith("count.")] == [
        "count.open", "count.begin", "count.submit", "count.submit", "count.submit",
    ]  # fmt: skip
    # At first nobody was told what should be there; the second counting was of what the books had at the first.
    submits = [line for line in guarded.gateway.audited if line.act.action == "count.submit" and not line.outcome]
    assert [line.act.changes for line in submits] == [{"A-01": (None, 8)}, {"A-01": (10, 8)}]


async def test_fulfilment_decides_between_two_or_large_differences_need_nobody(guarded):
    people = [guarded.of_role("fulfilment", sub=sub) for sub in (MIA, TOM, ANN)]
    path = await opened(guarded, **people[0])
    await begun(guarded, path, **people[0])
    await submit(guarded, path, [("A1", 1)], **people[0])
    await submit(guarded, path, [("A1", 2)], **people[1])
    refused = await submit(guarded, path, [("A1", 2)], **people[2])
    assert (refused.status_code, refused.json()["code"]) == (403, "count.senior_required")
    manager = guarded.of_role("manager", sub=ANN)
    answer = await submit(guarded, path, [("A1", 2)], **manager)
    (spot,) = answer.json()["spots"]
    # Eight units are more than the five that one person may correct.
    assert (spot["status"], answer.json()["status"]) == ("asked", "closed")
    assert [row for row in guarded.gateway.ledger if row.reason == "count"] == []
    approval = f"/v1/approvals/{spot['approval_id']}/decision"
    assert (await guarded.post(approval, {"decision": "approve"}, **manager)).json()["code"] == "approval.same_person"
    given = await guarded.post(approval, {"decision": "approve"}, **guarded.of_role("manager", sub=TOM))
    assert given.status_code == 200, given.text
    (entry,) = [row for row in guarded.gateway.ledger if row.reason == "count"]
    assert (entry.cause, entry.reference, entry.on_hand_delta) == (
        spot["approval_id"], answer.json()["count_id"], -8,
    )  # fmt: skip


@pytest.mark.parametrize("tolerance", [{"units": 3}, {"percent": 3}, {"units": 1, "percent": 100}])
async def test_somebody_who_may_only_receive_writes_stock_off_by_tolerance(guarded, tolerance):
    mia, manager = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("manager", sub=ANN)
    before = guarded.state()
    refused = await guarded.post("/v1/counts", NEW | {"tolerance": tolerance}, **mia)
    told = refused.json()
    assert (refused.status_code, told["code"]) == (403, "count.tolerance_forbidden")
    assert (told["units"], told["percent"]) == (2, 2)
    assert guarded.state() == before
    await opened(guarded, NEW | {"tolerance": {"units": 2, "percent": 2}}, **mia)
    await opened(guarded, NEW | {"tolerance": tolerance}, **manager)


async def test_a_shift_that_was_left_open_tolerates_more_than_others_may(guarded):
    wanted = NEW | {"tolerance": {"units": 3}}
    old = guarded.clock.now // 1000 - 301
    stale = guarded.of_role("manager", sub=ANN, auth_time=old)
    before = guarded.state()
    refused = await guarded.post("/v1/counts", wanted, **stale)
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.step_up_required")
    assert guarded.state() == before
    # What everybody may needs no proof, and a machine has none to give.
    await opened(guarded, NEW | {"tolerance": {"units": 2}}, **stale)
    await opened(guarded, wanted, **guarded.bearer())


async def test_a_shift_that_was_left_open_decides_between_two(guarded):
    mia, tom = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("fulfilment", sub=TOM)
    proved_s = guarded.clock.now // 1000
    stale = guarded.of_role("manager", sub=ANN, auth_time=proved_s - 301)
    path = await opened(guarded, NEW | {"spots": [BIN, OTHER]}, **mia)
    await begun(guarded, path, BIN, OTHER, **mia)
    # Counting first or again is for everybody who may count.
    assert (await submit(guarded, path, [("A1", 10)], OTHER, **stale)).status_code == 200
    await submit(guarded, path, [("A1", 8)], **mia)
    await submit(guarded, path, [("A1", 7)], **tom)
    body = {"spot": BIN, "lines": [{"sku": "A1", "quantity": 6}], "counted_at": at(guarded)}
    before = guarded.state()
    refused = await guarded.post(f"{path}/counted", body, "key-d", **stale)
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.step_up_required")
    assert guarded.state() == before
    # The same call once the proof is given; told again, without one, it is the same answer.
    answer = await guarded.post(f"{path}/counted", body, "key-d", **guarded.of_role("manager", sub=ANN))
    assert answer.json()["spots"][0]["status"] == "correcting"
    again = await guarded.post(f"{path}/counted", body, "key-d", **stale)
    assert (again.status_code, again.json()["spots"][0]["times"]) == (200, 3)


async def test_a_machine_that_may_correct_needs_a_factor_to_decide(guarded):
    mia, tom = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("fulfilment", sub=TOM)
    path = await opened(guarded, **mia)
    await begun(guarded, path, **mia)
    await submit(guarded, path, [("A1", 8)], **mia)
    await submit(guarded, path, [("A1", 7)], **tom)
    answer = await submit(guarded, path, [("A1", 6)], **guarded.bearer())
    assert answer.json()["spots"][0]["status"] == "correcting"


async def test_the_audit_does_not_tell_what_somebody_was_told_before_he_counted(guarded):
    mia = guarded.of_role("fulfilment", sub=MIA)
    path = await opened(guarded, NEW | {"blind": False}, **mia)
    await begun(guarded, path, **mia)
    assert (await submit(guarded, path, [("A1", 7)], **mia)).status_code == 200
    (said,) = [line.act.changes for line in guarded.gateway.audited if line.act.action == "count.submit"]
    assert said == {"A-01": (10, 7)}


async def test_a_cell_that_knows_nobody_refuses_a_tolerance(open_cell):
    await opened(open_cell, NEW | {"tolerance": {"units": 500, "percent": 100}})


async def test_rights_of_another_place_count_here(guarded):
    elsewhere = guarded.of_role("fulfilment", sub=MIA, locs=(PORTLAND,))
    refused = await guarded.post("/v1/counts", NEW, **elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.location_forbidden")
    path = await opened(guarded, **guarded.bearer())
    for answer in (
        await guarded.http.get(path, headers=elsewhere),
        await guarded.post(f"{path}/begun", {"spots": [BIN]}, **elsewhere),
        await submit(guarded, path, [], **elsewhere),
        await guarded.post(f"{path}/closure", {}, **elsewhere),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "count.location_forbidden")
    listed = await guarded.http.get("/v1/counts", headers=elsewhere)
    assert listed.json()["counts"] == []
    listed = await guarded.http.get(f"/v1/counts?location_id={SEATTLE}", headers=elsewhere)
    assert listed.json()["code"] == "auth.location_forbidden"


async def test_bad_input_changes_something_or_is_refused_without_a_name(open_cell):
    cell = open_cell
    path = await opened(cell, NEW | {"spots": [BIN, {"sku": "A1"}, {"bin_id": "Z-99"}]})
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
    path = await opened(cell, NEW | {"spots": [BIN, {"bin_id": "Z-99"}]})
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


async def test_what_is_dear_is_tolerated_as_if_it_were_cheap(tmp_path):
    made = GuardedCell(tmp_path, count_tolerance_value=1_000, approval_adjustment_units=50, count_approval_value=2_500)
    await furnish_with(made, made.bearer())
    await fill(made)
    dear = {"skus": [{"sku": "A1", "unit_cost": {"amount": 1_001, "currency": "USD"}}]}
    assert (await made.post("/v1/skus", dear, **made.bearer())).status_code == 200
    mia, tom = made.of_role("manager", sub=MIA), made.of_role("manager", sub=TOM)
    new = NEW | {"tolerance": {"units": 5, "percent": 0}}
    count_id = (await made.post("/v1/counts", new, **mia)).json()["count_id"]
    assert (await made.post(f"/v1/counts/{count_id}/begun", {"spots": [BIN]}, **mia)).status_code == 200
    told = {"spot": BIN, "lines": [{"sku": "A1", "quantity": 7}], "counted_at": at(made)}
    first = (await made.post(f"/v1/counts/{count_id}/counted", told, **mia)).json()
    assert (first["spots"][0]["status"], first["variance_value"]) == ("recount", {"amount": 0, "currency": "USD"})
    second = (await made.post(f"/v1/counts/{count_id}/counted", told, **tom)).json()
    assert (second["spots"][0]["status"], second["variance_value"]["amount"]) == ("asked", 3_003)
    await made.http.aclose()


async def test_a_blind_count_within_tolerance_leaves_no_trace_in_the_audit(tmp_path):
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    await fill(made)
    ann = made.of_role("fulfilment", sub=ANN)
    count_id = (await made.post("/v1/counts", NEW | {"tolerance": {"units": 2, "percent": 0}}, **ann)).json()[
        "count_id"
    ]
    await made.post(f"/v1/counts/{count_id}/begun", {"spots": [BIN]}, **ann)
    told = {"spot": BIN, "lines": [{"sku": "A1", "quantity": 9}], "counted_at": at(made)}
    answer = await made.post(f"/v1/counts/{count_id}/counted", told, **ann)
    assert answer.json()["spots"][0]["status"] in {"correcting", "corrected"}
    (line,) = [line for line in made.gateway.audited if line.act.action == "count.compare"]
    assert (line.who.subject, line.act.location_id, line.act.changes) == (ANN, SEATTLE, {"A1": (10, 9)})
    await made.http.aclose()


async def test_what_is_kept_by_number_is_counted_without_and_can_never_be_received(open_cell):
    told = [{"sku": "PHONE", "tracking": "serial"}, {"sku": "CREAM", "tracking": "lot", "expires": True}]
    assert (await open_cell.post("/v1/skus", {"skus": told})).status_code == 200
    path = await opened(open_cell, NEW | {"tolerance": {"units": 5}})
    await begun(open_cell, path)
    for lines, field in (([("A1", 10), ("PHONE", 2)], "lot"), ([("A1", 10), ("CREAM", 1)], "lot")):
        answer = await submit(open_cell, path, lines)
        assert (answer.status_code, answer.json()["code"]) == (422, "stock.lot_required"), answer.text
        assert answer.json()["errors"][0]["pointer"] == f"/lines/1/{field}"
    answer = await submit(open_cell, path, [("A1", 10), ("PHONE", 0)])
    assert answer.status_code == 200, answer.text


async def test_what_is_there_without_a_lot_from_before_can_not_be_counted(open_cell):
    assert (await open_cell.post("/v1/skus", {"skus": [{"sku": "A1", "tracking": "lot"}]})).status_code == 200
    before = open_cell.gateway.entities["location", SEATTLE][0].stock["A1"].on_hand
    path = await opened(open_cell, NEW | {"tolerance": {"units": 5}})
    await begun(open_cell, path)
    answer = await submit(open_cell, path, [("A1", 11)])
    assert answer.status_code == 200, answer.text
    stock = open_cell.gateway.entities["location", SEATTLE][0].stock["A1"].on_hand
    assert (answer.json()["spots"][0]["status"], stock) == ("correcting", before + 1)


async def test_what_was_counted_is_refused_when_it_is_sent_again_and_the_catalogue_keeps_it_otherwise_by_now(open_cell):
    path = await opened(open_cell)
    await begun(open_cell, path)
    first = await submit(open_cell, path, [("A1", 10), ("D4", 2)], when=at(open_cell), Idempotency_Key="the-key")
    assert first.status_code == 200, first.text
    assert (await open_cell.post("/v1/skus", {"skus": [{"sku": "D4", "tracking": "lot"}]})).status_code == 200
    again = await submit(open_cell, path, [("A1", 10), ("D4", 2)], when=at(open_cell), Idempotency_Key="the-key")
    assert (again.status_code, again.content) == (200, first.content)
    late = await submit(open_cell, path, [("A1", 10), ("D4", 2)])
    assert (late.status_code, late.json()["code"]) == (422, "stock.lot_required")


async def scanner_of(cell, **person):
    """The bearer of a scanner that the person has enrolled himself and that nobody works on."""
    body = {"name": "mine", "model": "scanner", "location_id": SEATTLE, "scopes": ["stock.read", "stock.receive"]}
    made = await cell.post("/v1/devices", body, **person)
    return await (await Scanner(cell, made.json()).claimed()).bearer()


async def test_somebody_counts_again_with_a_scanner_as_if_it_were_somebody_else(guarded):
    mia = guarded.of_role("manager", sub=MIA, locs=(SEATTLE,))
    scanner = await scanner_of(guarded, **mia)
    path = await opened(guarded, **mia)
    await begun(guarded, path, **mia)
    await submit(guarded, path, [("A1", 1)], **mia)
    before = guarded.gateway.ledger[:]
    refused = await submit(guarded, path, [("A1", 1)], **scanner)
    assert (refused.status_code, refused.json()["code"]) == (403, "approval.person_required")
    (spot,) = (await guarded.http.get(path, headers=mia)).json()["spots"]
    assert (spot["status"], spot["times"], guarded.gateway.ledger) == ("recount", 1, before)


async def test_what_a_scanner_alone_has_counted_is_asked_in_its_name(guarded):
    mia = guarded.of_role("manager", sub=MIA)
    scanner = await scanner_of(guarded, **mia)
    path = await opened(guarded, NEW | {"tolerance": {"units": 20}}, **mia)
    await begun(guarded, path, **mia)
    # It is tolerated, but more than one person may correct.
    (spot,) = (await submit(guarded, path, [("A1", 1)], **scanner)).json()["spots"]
    assert spot["status"] == "recount"
    (spot,) = (await submit(guarded, path, [("A1", 1)], **mia)).json()["spots"]
    assert spot["status"] == "asked"
    approval = f"/v1/approvals/{spot['approval_id']}"
    assert (await guarded.http.get(approval, headers=mia)).json()["asked_by"] == MIA
    answer = await guarded.post(f"{approval}/decision", {"decision": "approve"}, **mia)
    assert answer.json()["code"] == "approval.same_person"
