"""Who collects an order at a store, through the whole API: the code, what customers and guests are told, and who
else may see or move it."""

from __future__ import annotations

import json

import pytest

from actors.domain.collection_commands import LookAtCollection
from actors.domain.times import DAY_MS
from tests.unit.serve.collections.collection_rig import (
    PORTLAND,
    associate,
    done,
    events_in,
    made_ready,
    manager,
    mias,
    only,
    placed,
    step,
)
from tests.unit.serve.post_office import MIA, bearer, code_in, coded, joined, letters


# --- the code ---------------------------------------------------------------------------------------------------------
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


# --- whose it is ------------------------------------------------------------------------------------------------------
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


@pytest.mark.parametrize("by", ["customer", "support"])
async def test_nobody_can_give_up_what_was_not_found(guarded, by):
    mia, tom = bearer(await joined(guarded)), bearer(await joined(guarded, "tom@example.com"))
    told = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    path, name, who = f"/v1/orders/{told['order_id']}/changes", only(told), associate(guarded)
    one, headers = [{"sku": "A1", "quantity": 1}], mia if by == "customer" else guarded.of_role("support")
    await done(guarded, name, "located", {"found": one, "missing": one, "shelf": "shelf 1"}, who)
    assert (await done(guarded, name, "ready", {}, who))["status"] == "ready"
    await done(guarded, name, "identity-check", {}, manager(guarded))
    await done(guarded, name, "hand-over", {}, who)
    less = {"lines": [{"line": 1, "quantity": 1}]}
    assert coded(await guarded.post(path, less, **tom)) == (404, "order.unknown")
    assert coded(await guarded.post(path, less, **who)) == (403, "auth.forbidden")
    given_up = await guarded.post(path, less, **headers)
    assert (given_up.status_code, given_up.json()["status"]) == (200, "delivered")
    assert given_up.json()["lines"] == [{"line": 1, "was": 2, "quantity": 1}]
