"""The customer's address is corrected while an order waits at a store, through the whole API."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.collection_commands import LookAtCollection
from actors.domain.ids import account_id
from actors.domain.times import DAY_MS
from serve.orders.private import place_of
from tests.unit.serve.collections.collection_rig import associate, done, events_in, made_ready, only, placed, step
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import MIA, code_in, coded, letters, without_waiting
from tests.unit.serve.privacy.office import proved, stepped
from tests.unit.serve.small_cell import furnish_with

RIGHT = "right@example.com"


@pytest.fixture
async def guarded(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


def waiting(cell):
    """(template, address) of what is to be sent."""
    return [(template, address) for template, address, _ in letters(cell)]


async def waits(cell):
    """The order of somebody whose address is wrong, ready."""
    told = await placed(cell, ("A1", 2), headers=cell.bearer(), customer={"email": MIA, "customer_ref": "crm-4471"})
    await made_ready(cell, told, associate(cell))
    return told


async def corrected(cell, told, **correction):
    request_id = await proved(cell, "gdpr", "rectification", customer_ref="crm-4471", email=None)
    return await stepped(cell, request_id, "rectify", order_id=told["order_id"], correction=correction)


async def test_the_code_stays_with_the_stranger_and_the_customer_gets_none(guarded):
    told = await waits(guarded)
    name, old = only(told), code_in(guarded)
    await corrected(guarded, told, email=RIGHT)
    assert waiting(guarded) == [("pickup.code", RIGHT)]
    new = code_in(guarded)
    wrong = await step(guarded, name, "verification", {"code": old}, associate(guarded))
    assert coded(wrong) == (403, "collection.code_wrong")
    guarded.clock.now += 6 * DAY_MS + 1000
    await guarded.gateway.ask("collection", name, LookAtCollection(), command_id="t", digest=1)
    assert waiting(guarded) == [("pickup.code", RIGHT), ("pickup.reminder", RIGHT)]
    assert letters(guarded)[-1][2]["code"] == new
    await done(guarded, name, "verification", {"code": new}, associate(guarded))
    assert (await done(guarded, name, "hand-over", {}, associate(guarded)))["status"] == "collected"


async def test_the_code_before_is_told_again_to_who_corrects_by_the_key_that_made_it(guarded):
    """An associate became a privacy officer; a key is remembered by what it was sent to."""
    told = await placed(
        guarded, ("A1", 2), headers=guarded.bearer(), customer={"email": MIA, "customer_ref": "crm-4471"}
    )
    name, before, since = only(told), associate(guarded), guarded.of_role("privacy", sub=account_id("us", b"a" * 16))
    await done(guarded, name, "located", {"found": [{"sku": "A1", "quantity": 2}]}, before)
    assert (await step(guarded, name, "ready", {}, before, "key-1")).status_code == 200
    old = code_in(guarded)
    request_id = await proved(guarded, "gdpr", "rectification", customer_ref="crm-4471", email=None)
    correction = {"step": "rectify", "order_id": told["order_id"], "correction": {"email": RIGHT}}
    answer = await guarded.post(f"/v1/privacy-requests/{request_id}/steps", correction, "key-1", **since)
    assert answer.status_code == 200, answer.text
    assert waiting(guarded) == [("pickup.code", RIGHT)]
    assert code_in(guarded) != old
    guarded.clock.now += 6 * DAY_MS + 1000
    await guarded.gateway.ask("collection", name, LookAtCollection(), command_id="t", digest=1)
    assert waiting(guarded) == [("pickup.code", RIGHT), ("pickup.reminder", RIGHT)]


async def test_a_held_order_tells_the_stranger_of_the_new_date(guarded):
    told = await waits(guarded)
    updates = f"/v1/orders/{told['order_id']}/updates"
    await guarded.post(updates, {"update": "hold", "hold": {"reasons": ["address"]}}, **guarded.bearer())
    guarded.clock.now += 9 * DAY_MS
    await corrected(guarded, told, email=RIGHT)
    [notice] = [one for (kind, _), (one, _) in guarded.gateway.entities.items() if kind == "notice" and not one.withdrawn]  # fmt: skip
    assert (notice.template, notice.until_ms > guarded.clock.now) == ("pickup.code", True)
    new = code_in(guarded)
    freed = await guarded.post(updates, {"update": "release", "hold": {"reasons": ["address"]}}, **guarded.bearer())
    assert freed.status_code == 200
    await done(guarded, only(told), "verification", {"code": new}, associate(guarded))


async def test_a_letter_of_another_date_goes_to_the_stranger_or_to_nobody(guarded):
    told = await waits(guarded)
    updates = f"/v1/orders/{told['order_id']}/updates"
    for update in ("hold", "release"):
        await guarded.post(updates, {"update": update, "hold": {"reasons": ["address"]}}, **guarded.bearer())
        guarded.clock.now += 9 * DAY_MS
    states = [one for (kind, _), (one, _) in guarded.gateway.entities.items() if kind == "notice"]
    assert [one.template for one in states] == ["pickup.ready", "pickup.new_date"]
    await corrected(guarded, told, email=RIGHT)
    order, _ = guarded.gateway.entities["order", told["order_id"]]
    private = msgspec.msgpack.decode(guarded.unsealed(order.sealed, place_of(told["order_id"])))
    assert RIGHT in private
    assert [(one.template, one.withdrawn) for one in states] == [("pickup.ready", True), ("pickup.new_date", False)]
    # As it is sealed with the order.
    assert states[1].sealed_address == order.sealed
    new = [one for (kind, _), (one, _) in guarded.gateway.entities.items() if kind == "notice" and one not in states]
    assert [one.template for one in new] == ["pickup.code"]


async def test_a_name_that_is_corrected_costs_the_code(guarded):
    told = await waits(guarded)
    code = code_in(guarded)
    await corrected(guarded, told, recipient="Mia Feather")
    assert len(letters(guarded)) == 1
    assert (await done(guarded, only(told), "verification", {"code": code}, associate(guarded)))["verified"] == "code"


async def test_the_history_tells_the_code_s_digest(guarded):
    told = await waits(guarded)
    await corrected(guarded, told, email=RIGHT)
    path, headers = f"/v1/orders/{told['order_id']}/events", guarded.bearer()
    first = (await guarded.http.get(path, headers=headers)).json()
    [event] = [one for one in events_in(first) if one["type"] == "PickupRedirected"]
    assert event["collections"] == [only(told)]
    later = (await guarded.http.get(f"{path}?after={event['sequence'] - 1}", headers=headers)).json()
    for page in (first, later):
        assert all("sealed" not in one for one in events_in(page))


async def test_which_collections_a_hold_or_a_cancellation_stops_is_left_out_of_the_history(guarded):
    """What a correction withdraws is, and stands under the same name."""
    told = await waits(guarded)
    path, headers = f"/v1/orders/{told['order_id']}", guarded.bearer()
    for update in ({"update": "hold", "hold": {"reasons": ["fraud"]}}, {"update": "cancel"}):
        answer = await guarded.post(f"{path}/updates", update, **headers)
        assert answer.status_code == 200, answer.text
    events = events_in((await guarded.http.get(f"{path}/events", headers=headers)).json())
    stopped = {one["type"]: one["collections"] for one in events if one["type"] in ("PickupPaused", "PickupStopped")}
    assert stopped == {"PickupPaused": [only(told)], "PickupStopped": [only(told)]}
