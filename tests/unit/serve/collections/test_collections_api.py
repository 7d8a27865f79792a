"""Orders that are collected at a store, through the whole API: the store's list and steps, the code, customers and guests, and what is refused."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from actors.domain.collection_commands import LookAtCollection
from actors.domain.ids import account_id
from actors.domain.location_profile import Profile, SetProfile
from actors.domain.order_commands import RetryAllocation, UpdateOrder
from actors.domain.times import DAY_MS
from actors.domain.transfer_commands import CancelTransfer
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import MIA, bearer, code_in, coded, joined, letters, without_waiting
from tests.unit.serve.small_cell import Cell, furnish, furnish_with, order

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
PICKUP = {"location_id": PORTLAND}
NOBODY = "us-collection-01kah2v3nq7h3k2m9qk4t1x0ab"


@pytest.fixture
async def cell():
    made = Cell()
    await furnish(made)
    yield made
    await made.http.aclose()


@pytest.fixture
async def guarded(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    made = GuardedCell(tmp_path, approval_transfer_units=50)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


def associate(cell, place=PORTLAND):
    return cell.of_role("associate", locs=(place,), sub=account_id("us", b"a" * 16))


def manager(cell):
    return cell.of_role("manager", locs=(PORTLAND,), sub=account_id("us", b"m" * 16))


def body(*lines, **more):
    made = order(*lines, pickup=PICKUP) | more
    del made["ship_to"]
    return made


async def placed(cell, *lines, headers=None, **more):
    answer = await cell.post("/v1/orders", body(*lines, **more), **(headers or {}))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(cell, collection_id, path, sent, headers=None, key=None):
    return await cell.post(f"/v1/collections/{collection_id}/{path}", sent, key, **(headers or {}))


async def done(cell, collection_id, path, sent, headers=None):
    answer = await step(cell, collection_id, path, sent, headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def only(told):
    [one] = told["pickup"]["collections"]
    return one["collection_id"]


async def made_ready(cell, told, headers=None):
    name = only(told)
    seen = (await cell.http.get(f"/v1/collections/{name}", headers=headers or {})).json()
    found = [{"sku": line["sku"], "quantity": line["to_find"]} for line in seen["lines"]]
    await done(cell, name, "located", {"found": found, "shelf": "shelf 12"}, headers)
    return await done(cell, name, "ready", {}, headers)


# --- as it should be ----------------------------------------------------------------------------------------------------
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


# --- the code -------------------------------------------------------------------------------------------------------------
async def mias(guarded, *lines):
    return await placed(guarded, *lines, headers=guarded.bearer(), customer={"email": MIA})


async def test_the_code_reaches_nobody_or_stands_somewhere_in_clear(guarded, capsys):
    told = await mias(guarded, ("A1", 2))
    ready = await made_ready(guarded, told, associate(guarded))
    assert "code" not in ready
    [(template, address, values)] = letters(guarded)
    assert (template, address, values["order_id"]) == ("pickup.ready", "Mia.Muster@example.com", told["order_id"])
    code = values["code"]
    history = json.dumps([events for key, events in guarded.gateway.events.items() if key[0] != "notice"])
    assert code not in history
    assert code not in capsys.readouterr().out
    name = only(told)
    verified = await done(guarded, name, "verification", {"code": f"{code[:4]} {code[4:]}"}, associate(guarded))
    assert verified["verified"] == "code"
    assert code not in repr(guarded.gateway.remembered)
    assert (await done(guarded, name, "hand-over", {}, associate(guarded)))["status"] == "collected"


async def test_somebody_collects_without_the_code(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    name, who = only(told), associate(guarded)
    assert coded(await step(guarded, name, "hand-over", {}, who)) == (403, "collection.not_verified")
    wrong = f"{(int(code_in(guarded)) + 1) % 10**8:08}"
    for left in (4, 3, 2, 1, 0):
        answer = await step(guarded, name, "verification", {"code": wrong}, who)
        assert (*coded(answer), answer.json()["tries_left"]) == (403, "collection.code_wrong", left)
    right = {"code": code_in(guarded)}
    assert coded(await step(guarded, name, "verification", right, who)) == (403, "collection.code_locked")
    assert coded(await step(guarded, name, "identity-check", {}, who)) == (403, "auth.forbidden")
    assert (await done(guarded, name, "identity-check", {}, manager(guarded)))["verified"] == "identity"
    assert (await done(guarded, name, "hand-over", {}, who))["status"] == "collected"


async def test_an_order_without_an_address_has_a_code_that_nobody_knows(guarded):
    told = await placed(guarded, ("A1", 2), headers=guarded.bearer(), customer={"customer_ref": "c-1"})
    await made_ready(guarded, told, associate(guarded))
    answer = await step(guarded, only(told), "verification", {"code": "12345678"}, associate(guarded))
    assert coded(answer) == (409, "collection.no_code")
    assert letters(guarded) == []


async def test_nobody_is_reminded_or_told_that_it_is_over(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    name = only(told)
    extended = await step(guarded, name, "extension", {"days": 9}, associate(guarded))
    assert extended.status_code == 200, extended.text
    assert coded(await step(guarded, name, "extension", {"days": 15}, associate(guarded))) == (
        409,
        "collection.too_long",
    )
    for days in (8, 2):
        guarded.clock.now += days * DAY_MS
        await guarded.gateway.ask("collection", name, LookAtCollection(), command_id=f"t{days}", digest=1)
    assert [template for template, _, _ in letters(guarded)] == ["pickup.ready", "pickup.reminder", "pickup.expired"]
    assert "code" not in letters(guarded)[2][2]
    seen = (await guarded.http.get(f"/v1/orders/{told['order_id']}", headers=guarded.bearer())).json()
    assert (seen["status"], seen["pickup"]["status"]) == ("cancelled", "expired")
    stock = guarded.gateway.entities["location", PORTLAND][0].stock["A1"]
    assert (stock.on_hand, stock.allocated) == (3, 0)


def events_in(told):
    """All events, wherever they stand."""
    if isinstance(told, list):
        return [event for one in told for event in events_in(one)]
    if isinstance(told, dict):
        found = [told] if "type" in told else []
        return found + [event for one in told.values() for event in events_in(one)]
    return []


async def test_an_order_s_history_tells_the_address_by_which_a_late_customer_is_told(guarded):
    told = await mias(guarded, ("A1", 2))
    await guarded.post(f"/v1/orders/{told['order_id']}/updates", {"update": "hold", "hold": {"reasons": ["fraud"]}}, **guarded.bearer())  # fmt: skip
    await guarded.post(f"/v1/orders/{told['order_id']}/updates", {"update": "release", "hold": {"reasons": ["fraud"]}}, **guarded.bearer())  # fmt: skip
    for days in (1, 2):
        guarded.clock.now += days * DAY_MS
        await guarded.gateway.ask("collection", only(told), LookAtCollection(), command_id=f"t{days}", digest=1)
    answer = await guarded.http.get(f"/v1/orders/{told['order_id']}/events", headers=guarded.bearer())
    assert answer.status_code == 200, answer.text
    told_of = {event["type"]: event for event in events_in(answer.json())}
    for name in ("PickupGivenUp", "PickupResumed"):
        assert not {"sealed", "order_ref", "ship_to"} & set(told_of[name])
    notices = [state.template for (kind, _), (state, _) in guarded.gateway.entities.items() if kind == "notice"]
    assert notices == ["pickup.new_date"]


# --- whose it is ----------------------------------------------------------------------------------------------------------
async def test_another_customer_says_that_he_is_here(guarded):
    mia, tom = bearer(await joined(guarded)), bearer(await joined(guarded, "tom@example.com"))
    told = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    path = f"/v1/orders/{told['order_id']}/here"
    assert coded(await guarded.post(path, {"spot": "bay 4"}, **mia)) == (409, "collection.not_ready")
    await made_ready(guarded, told, associate(guarded))
    assert coded(await guarded.post(path, {"spot": "bay 4"}, **tom)) == (404, "order.unknown")
    answer = await guarded.post(path, {"spot": "bay 4"}, **mia)
    assert (answer.status_code, answer.json()["tries_left"], answer.json()["allowed"]) == (200, 0, [])
    for call in ("", "/ready", "/hand-over"):
        name = f"/v1/collections/{only(told)}{call}"
        answer = await (guarded.post(name, {}, **mia) if call else guarded.http.get(name, headers=mia))
        assert coded(answer) == (403, "auth.forbidden")


async def test_who_works_at_another_store_sees_or_moves_it(guarded):
    told = await mias(guarded, ("A1", 2))
    other = associate(guarded, "us-st-elsewhere")
    name = only(told)
    assert coded(await guarded.http.get(f"/v1/collections/{name}", headers=other)) == (
        403,
        "collection.location_forbidden",
    )
    answer = await step(guarded, name, "located", {"found": [{"sku": "A1", "quantity": 1}]}, other)
    assert coded(answer) == (403, "collection.location_forbidden")
    page = await guarded.http.get("/v1/collections", headers=other)
    assert page.json()["collections"] == []
    asked = await guarded.http.get(f"/v1/collections?location_id={PORTLAND}", headers=other)
    assert coded(asked) == (403, "auth.location_forbidden")


async def test_the_stream_of_a_store_is_silent_or_tells_of_another(guarded):
    told = await mias(guarded, ("A1", 2))
    here = guarded.services.live.join(frozenset({"collection"}), locations=frozenset({PORTLAND}))
    there = guarded.services.live.join(frozenset({"collection"}), locations=frozenset({"us-st-elsewhere"}))
    await made_ready(guarded, told, associate(guarded))
    assert here._pending == []
    await guarded.post(f"/v1/orders/{told['order_id']}/here", {"spot": "bay 4"}, **associate(guarded))
    [frame] = here._pending
    assert b"CustomerHere" in frame
    assert b"bay 4" not in frame
    assert there._pending == []


# --- misuse -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"pickup": {"location_id": SEATTLE}}, (422, "pickup.not_a_store")),
        ({"pickup": {"location_id": "us-st-nowhere"}}, (422, "pickup.location_unknown")),
        ({"pickup": {"location_id": "eu-st-berlin"}}, (421, "region.misdirected")),
        ({"pickup": {"location_id": PORTLAND, "when": "now"}}, (422, "body.unknown_field")),
        ({"lines": order(("C3", 6))["lines"]}, (409, "pickup.unavailable")),
        ({"pickup": None}, (422, "body.missing_field")),
        ({"terms": {"ship_complete": True}}, (422, "pickup.with_terms")),
        ({"release_at": "2026-02-01T00:00:00Z"}, (422, "pickup.not_released")),
    ],
)
async def test_a_pickup_that_can_not_be_is_placed(cell, more, expected):
    before = cell.state()[:3]
    answer = await cell.post("/v1/orders", body(("A1", 1)) | more)
    assert coded(answer) == expected
    assert cell.state()[:3] == before


async def test_a_cart_is_collected(cell):
    cart = {"channel": "online", "ship_to": {"country": "US"}, "lines": [{"sku": "A1", "quantity": 1}], "ttl_s": 600}
    made = await cell.post("/v1/reservations", cart)
    assert made.status_code == 201, made.text
    answer = await cell.post("/v1/orders", body(("A1", 1), reservation_id=made.json()["reservation_id"]))
    assert coded(answer) == (422, "pickup.with_reservation")


async def test_a_wrong_body_is_taken(cell):
    name = only(await placed(cell, ("A1", 1)))
    for path, sent in (
        ("located", {"found": [{"sku": "A1", "quantity": 0}]}),
        ("located", {"shelf": "x" * 33}),
        ("ready", {"now": True}),
        ("verification", {"code": "123"}),
        ("hand-over", {"left": "all"}),
        ("extension", {"days": 0}),
        ("end", {"why": "because"}),
    ):
        answer = await step(cell, name, path, sent)
        assert answer.status_code == 422, (path, answer.text)
    assert coded(await step(cell, NOBODY, "ready", {})) == (404, "collection.unknown")
    assert coded(await step(cell, "us-collection-x", "ready", {})) == (404, "collection.unknown")
    assert coded(await cell.get("/v1/collections", status="odd")) == (422, "request.parameter_invalid")
    long = await cell.post(f"/v1/orders/{NOBODY}/here", {"spot": "x" * 41})
    assert long.status_code == 422


async def test_the_order_is_cancelled_and_handed_over(cell):
    told = await placed(cell, ("A1", 1))
    ready = await made_ready(cell, told)
    name = only(told)
    await done(cell, name, "verification", {"code": ready["code"]})
    # The cancellation is decided, and the collection has not heard of it.
    cell.gateway.deliver = False
    await cell.gateway.ask("order", told["order_id"], UpdateOrder("cancel"), command_id="c", digest=1)
    stop = cell.gateway.outbox.copy()
    cell.gateway.outbox.clear()
    cell.gateway.deliver = True
    answer = await step(cell, name, "hand-over", {})
    assert coded(answer) == (409, "collection.cancelled")
    cell.gateway.outbox.extend(stop)
    cell.gateway.run_outbox()
    stock = (await cell.get(f"/v1/locations/{PORTLAND}/stock/A1")).json()["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (3, 0)


async def test_an_answer_that_is_not_certain_is_told_as_one(cell):
    told = await placed(cell, ("A1", 1))
    ready = await made_ready(cell, told)
    name = only(told)
    await done(cell, name, "verification", {"code": ready["code"]})
    cell.gateway.deliver = False
    answer = await step(cell, name, "hand-over", {})
    assert (answer.json()["status"], answer.json()["asking"]) == ("ready", "collected")
    assert coded(await step(cell, name, "hand-over", {})) == (409, "collection.busy")


async def test_orders_of_a_store_are_shipped_by_others(cell):
    told = await placed(cell, ("A1", 1))
    path = f"/v1/orders/{told['order_id']}/updates"
    assert coded(await cell.post(path, {"update": "start_picking"})) == (409, "order.store_hands_over")
    assert (await cell.post(path, {"update": "cancel"})).json()["status"] == "cancelled"
    assert (await cell.get(f"/v1/collections/{only(told)}")).json()["status"] == "cancelled"


async def test_a_held_order_is_handed_over_or_its_lines_are_changed_behind_the_store_s_back(cell):
    told = await placed(cell, ("A1", 2))
    path, name = f"/v1/orders/{told['order_id']}", only(told)
    fewer = {"lines": [{"line": 1, "quantity": 1}]}
    assert coded(await cell.post(f"{path}/changes", fewer)) == (409, "order.store_hands_over")
    held = await cell.post(f"{path}/updates", {"update": "hold", "hold": {"reasons": ["fraud"]}})
    assert held.status_code == 200, held.text
    await done(cell, name, "located", {"found": [{"sku": "A1", "quantity": 2}], "shelf": "shelf 12"})
    assert (await step(cell, name, "ready", {})).json()["code"] == "order.held"
    assert (await cell.get(f"/v1/collections/{name}")).json()["status"] == "located"
    free = await cell.post(f"{path}/updates", {"update": "release", "hold": {"reasons": ["fraud"]}})
    assert free.status_code == 200, free.text
    assert (await done(cell, name, "ready", {}))["status"] == "ready"


async def test_staff_ends_what_nobody_wants(cell):
    told = await placed(cell, ("A1", 2))
    await made_ready(cell, told)
    assert (await done(cell, only(told), "end", {"why": "left_behind"}))["status"] == "left_behind"
    stock = (await cell.get(f"/v1/locations/{PORTLAND}/stock/A1")).json()["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (3, 0)
