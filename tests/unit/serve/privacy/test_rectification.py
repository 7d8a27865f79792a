"""A correction does not show, undoes what somebody has just changed, or is made in an order of somebody else."""

import asyncio
import json

import pytest

from actors.domain.order_backorder import BackorderTerms
from actors.domain.order_commands import RectifyOrder
from actors.domain.privacy_commands import NoteStep
from actors.runtime.errors import StoreUnavailable
from serve.orders import changing
from serve.privacy.correcting import RECTIFY_TRIES
from tests.unit.serve.post_office import MIA, bearer, coded
from tests.unit.serve.privacy.office import (
    EMAIL,
    REF,
    TO,
    body,
    customer,
    exported,
    over,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order


def while_it_is_rectified(cell, monkeypatch, work):
    """Does the work each time just before a correction reaches its order."""
    asking = cell.gateway.ask

    async def ask(kind, entity_id, command, **more):
        if type(command) is RectifyOrder:
            await work()
        return await asking(kind, entity_id, command, **more)

    monkeypatch.setattr(cell.gateway, "ask", ask)


async def test_a_correction_undoes_the_address_that_its_customer_has_just_changed(cell, monkeypatch):
    tokens, orders = await customer(cell)
    request_id, moved = await proved(cell, "gdpr", "rectification"), []

    async def customer_moves():
        if not moved:
            to = {"ship_to": TO | {"street": "77 New Street"}}
            moved.append(await cell.post(f"/v1/orders/{orders[0]}/changes", to, **bearer(tokens)))

    while_it_is_rectified(cell, monkeypatch, customer_moves)
    correction = {"phone": "+1 206 555 0199"}
    told = await step(cell, request_id, "rectify", "key-r", order_id=orders[0], correction=correction)
    assert (moved[0].status_code, told.status_code) == (200, 200), told.text
    shown = (await cell.http.get(f"/v1/orders/{orders[0]}", headers=bearer(tokens))).json()["ship_to"]
    assert (shown["street"], shown["phone"]) == ("77 New Street", "+1 206 555 0199")
    state = cell.gateway.entities["order", orders[0]]
    again = await step(cell, request_id, "rectify", "key-r", order_id=orders[0], correction=correction)
    assert (again.status_code, cell.gateway.entities["order", orders[0]]) == (200, state)


async def test_the_first_of_two_corrections_at_once_is_made_and_called_refused(cell, monkeypatch):
    order_id = await placed(cell)
    request_id, second = await proved(cell, "gdpr", "rectification"), []

    async def meanwhile():
        if not second:
            second.append(None)
            second[0] = await step(cell, request_id, "rectify", order_id=order_id, correction={"phone": "+1 206 1"})

    while_it_is_rectified(cell, monkeypatch, meanwhile)
    correction = {"street": "99 New Street", "city": "Portland"}
    first = await step(cell, request_id, "rectify", "k-1", order_id=order_id, correction=correction)
    assert (second[0].status_code, first.status_code) == (200, 200), first.text
    assert [one["counts"]["fields"] for one in first.json()["done"]] == [1, 2]
    again = await step(cell, request_id, "rectify", "k-1", order_id=order_id, correction=correction)
    assert again.json() == first.json()


async def test_a_correction_is_tried_for_ever_while_its_order_changes(cell, monkeypatch):
    tokens, orders = await customer(cell)
    request_id, times = await proved(cell, "gdpr", "rectification"), []

    async def customer_moves():
        times.append(len(times))
        to = {"ship_to": TO | {"street": f"{len(times)} New Street"}}
        await cell.post(f"/v1/orders/{orders[0]}/changes", to, **bearer(tokens))

    while_it_is_rectified(cell, monkeypatch, customer_moves)
    answer = await step(cell, request_id, "rectify", order_id=orders[0], correction={"phone": "1"})
    assert coded(answer) == (409, "order.changed_meanwhile")
    assert len(times) == RECTIFY_TRIES


async def test_a_correction_does_not_show_or_what_was_there_before_is_told_to_everybody(cell):
    _, orders = await customer(cell)
    request_id = await proved(cell, "gdpr", "rectification")
    correction = {"recipient": "Mia Feather", "street": "14 Larkspur Close", "email": "mia.feather@example.org"}
    told = await stepped(cell, request_id, "rectify", order_id=orders[2], correction=correction)
    assert told["done"][0]["counts"] == {"orders": 1, "fields": 3}
    shown = (await cell.http.get(f"/v1/orders/{orders[2]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"] == TO | {"recipient": "Mia Feather", "street": "14 Larkspur Close"}
    assert (shown["order_ref"], shown["customer"]["customer_ref"]) == ("web-90210", REF)
    path = f"/v1/orders/{orders[2]}/events"
    for role, before in (("manager", ""), ("privacy", "Mia Quillfeather")):
        events = (await cell.http.get(path, headers=cell.of_role(role))).json()["events"]
        assert (events[0]["type"], events[0]["ship_to"]["recipient"]) == ("OrderPlaced", before)
        assert events[0].get("withheld", "") == ("" if before else "rectified")
        assert (events[-1]["type"], events[-1]["ship_to"]["recipient"]) == ("OrderRectified", "Mia Feather")
        assert not {"sealed", "email_digest"} & set(events[-1])
    last = (await cell.http.get(f"{path}?after={events[-2]['sequence']}", headers=cell.of_role("manager"))).json()
    assert last["events"][0]["ship_to"]["street"] == "14 Larkspur Close"
    assert "sealed" not in json.dumps(last)
    # The order is still hers, by the new address and by the reference.
    again = await proved(cell, "gdpr", "access", email="mia.feather@example.org", customer_ref=None)
    assert [one["email"] for one in (await exported(cell, again)).json()["orders"]] == ["mia.feather@example.org"]


async def test_somebody_elses_order_is_corrected_or_moved_to_somebody_else(cell):
    tokens, orders = await customer(cell)
    other = await placed(cell, body(customer={"customer_ref": "another-1"}))
    request_id = await proved(cell, "lgpd", "rectification")
    answer = await step(cell, request_id, "rectify", order_id=other, correction={"street": "x"})
    assert coded(answer) == (404, "privacy.order_of_another")
    # An account's is kept under the account's key, a guest's under that of its address.
    mine = await placed(cell, order(customer={"email": EMAIL}, ship_to=TO), **bearer(tokens))
    await stepped(cell, request_id, "rectify", order_id=mine, correction={"email": MIA})
    answer = await step(cell, request_id, "rectify", order_id=orders[1], correction={"email": MIA})
    assert coded(answer) == (422, "order.identity_fixed")
    assert (await cell.http.get(f"/v1/orders/{other}", headers=cell.of_role("manager"))).json()["ship_to"] == TO


async def test_an_order_in_which_nothing_of_the_person_stands_is_corrected(cell):
    tokens, orders = await customer(cell)
    bare = await placed(cell, order(order_ref="", customer={}, ship_to={"country": "US"}), **bearer(tokens))
    request_id = await proved(cell, "gdpr", "rectification")
    answer = await step(cell, request_id, "rectify", order_id=bare, correction={"street": "14 Larkspur Close"})
    assert coded(answer) == (404, "privacy.order_of_another")
    await over(cell, bare, *orders)
    await stepped(cell, await proved(cell), "erase")
    answer = await step(cell, request_id, "rectify", order_id=orders[0], correction={"street": "14 Larkspur Close"})
    assert coded(answer) == (404, "privacy.order_of_another")


async def test_the_words_of_a_present_are_left_out_of_the_page_or_can_not_be_corrected(cell):
    words, better = "Dear Tom, love <Mia>", "Dear Tom, love Mia Q."
    order_id = await placed(cell, body(terms={"gift": {"wrap": True, "message": words}}))
    plain = await placed(cell)
    access = await proved(cell, "gdpr", "access")
    for language, title in (
        ("en", "Words with the present"),
        ("es", "Palabras del regalo"),
        ("pt", "Palavras do presente"),
    ):
        page = (await exported(cell, access, "?format=html", **{"Accept-Language": language})).text
        assert title in page
        assert "Dear Tom, love &lt;Mia&gt;" in page
    request_id = await proved(cell, "gdpr", "rectification")
    await stepped(cell, request_id, "rectify", order_id=order_id, correction={"gift_message": better})
    shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("manager"))).json()
    assert (shown["terms"]["gift"], shown["ship_to"]) == ({"wrap": True, "message": better}, TO)
    refused = await step(cell, request_id, "rectify", order_id=plain, correction={"gift_message": better})
    assert coded(refused) == (422, "order.no_gift_message")
    await stepped(cell, request_id, "rectify", order_id=order_id, correction={"gift_message": ""})
    [told] = [one for one in (await exported(cell, access)).json()["orders"] if one["order"]["order_id"] == order_id]
    assert told["order"]["terms"]["gift"] == {"wrap": True}
    assert [one["gift_message"] for one in told["former"]] == [words, better]


def cut_short(cell, monkeypatch, command_type, *, done: bool):
    """From now on the replica ends at such a command: before it is sent, or when it is done."""
    asking = cell.gateway.ask

    async def ask(kind, entity_id, command, **more):
        if type(command) is command_type:
            if done:
                await asking(kind, entity_id, command, **more)
            raise OSError("the replica is gone")
        return await asking(kind, entity_id, command, **more)

    monkeypatch.setattr(cell.gateway, "ask", ask)


async def a_code_for(cell, order_id: str, email: str = EMAIL) -> None:
    assert (await cell.plain("/v1/guest/codes", {"order_id": order_id, "email": email})).status_code == 202


async def address_of(cell, order_id: str) -> str:
    access = await proved(cell, "gdpr", "access")
    (told,) = [one for one in (await exported(cell, access)).json()["orders"] if one["order"]["order_id"] == order_id]
    return told["email"]


def waiting(cell) -> list[str]:
    notices = [one for (kind, _), (one, _) in cell.gateway.entities.items() if kind == "notice"]
    return [one.template for one in notices if one.sealed_address]


@pytest.mark.parametrize(("where", "done"), [(RectifyOrder, True), (NoteStep, False)])
async def test_a_correction_of_the_address_by_which_its_order_was_found_is_not_repeated_or_never_ends(
    cell, monkeypatch, where, done
):
    """The person was named by the address alone: by the time that the call comes again, the order has another one."""
    order_id = await placed(cell)
    request_id = await proved(cell, "gdpr", "rectification", customer_ref=None)
    await a_code_for(cell, order_id)
    details = {"order_id": order_id, "correction": {"email": "mia.feather@example.org"}}
    with monkeypatch.context() as patched:
        cut_short(cell, patched, where, done=done)
        assert (await step(cell, request_id, "rectify", "k-1", **details)).status_code == 500
    assert waiting(cell) == []
    # Nothing else of the order is the request's by now.
    for correction in ({"street": "1 Elsewhere"}, {"email": "another@example.org"}):
        other = await step(cell, request_id, "rectify", order_id=order_id, correction=correction)
        assert coded(other) == (404, "privacy.order_of_another")
    told = await step(cell, request_id, "rectify", "k-2", **details)
    assert told.status_code == 200, told.text
    assert (told.json()["begun"], told.json()["done"][0]["counts"]) == ([], {"orders": 1, "fields": 1})
    again = await step(cell, request_id, "rectify", "k-2", **details)
    assert again.json() == told.json()


async def test_a_correction_that_was_cut_short_undoes_one_that_came_after_it(cell, monkeypatch):
    order_id = await placed(cell)
    request_id = await proved(cell, "gdpr", "rectification", customer_ref=None)
    details = {"order_id": order_id, "correction": {"email": "mia.feather@example.org"}}
    with monkeypatch.context() as patched:
        cut_short(cell, patched, NoteStep, done=False)
        assert (await step(cell, request_id, "rectify", "k-1", **details)).status_code == 500
    later = await proved(cell, "gdpr", "rectification", email=None)
    await stepped(cell, later, "rectify", order_id=order_id, correction={"email": "mia.plume@example.org"})
    for key, answered in (("k-2", (404, "privacy.order_of_another")), ("k-1", (200, None))):
        answer = await step(cell, request_id, "rectify", key, **details)
        assert (answer.status_code, answer.json().get("code")) == answered
        assert await address_of(cell, order_id) == "mia.plume@example.org"
    cell.clock.now += 25 * 3_600_000
    answer = await step(cell, request_id, "rectify", "k-1", **details)
    assert coded(answer) == (404, "privacy.order_of_another"), "it is remembered no more"


async def test_a_correction_that_was_made_is_told_as_of_anothers_order_when_it_is_repeated(cell):
    """The address by which the person was named has been corrected since."""
    order_id = await placed(cell)
    request_id = await proved(cell, "gdpr", "rectification", customer_ref=None)
    calls = (("k-1", {"street": "14 Larkspur Close"}), ("k-2", {"email": "mia.feather@example.org"}))
    for key, correction in calls:
        assert (
            await step(cell, request_id, "rectify", key, order_id=order_id, correction=correction)
        ).status_code == 200
    state = cell.gateway.entities["order", order_id]
    for key, correction in calls:
        told = await step(cell, request_id, "rectify", key, order_id=order_id, correction=correction)
        assert told.status_code == 200, told.text
    assert cell.gateway.entities["order", order_id] == state


async def test_a_correction_that_is_repeated_late_withdraws_what_waits_for_the_right_address(cell):
    order_id = await placed(cell)
    request_id = await proved(cell, "gdpr", "rectification")
    right = "mia.plume@example.org"
    for key, address in (("k-1", "mia.feather@example.org"), ("k-2", right)):
        details = {"order_id": order_id, "correction": {"email": address}}
        assert (await step(cell, request_id, "rectify", key, **details)).status_code == 200
    await a_code_for(cell, order_id, right)
    details["correction"] = {"email": "mia.feather@example.org"}
    assert (await step(cell, request_id, "rectify", "k-1", **details)).status_code == 200
    assert waiting(cell) == ["guest.code"]
    assert (await exported(cell, await proved(cell, "gdpr", "access"))).json()["orders"][0]["email"] == right


async def test_an_order_that_had_the_address_once_is_corrected_by_who_has_it_now(cell):
    """It was corrected by another request, since the address was never its customer's."""
    order_id = await placed(cell)
    hers = await proved(cell, "gdpr", "rectification", email=None)
    await stepped(cell, hers, "rectify", order_id=order_id, correction={"email": "mia.feather@example.org"})
    strangers = await proved(cell, "gdpr", "rectification", customer_ref=None)
    for correction in ({"street": "1 Elsewhere"}, {"email": "mia.feather@example.org"}):
        answer = await step(cell, strangers, "rectify", order_id=order_id, correction=correction)
        assert coded(answer) == (404, "privacy.order_of_another")


async def told_of_a_date(cell):
    """An order that had to wait, and whose letter about its new date is still to be sent."""
    lines = [{"sku": "D4", "quantity": 2, "unit_price": {"amount": 900, "currency": "USD"}}]
    order_id = await placed(cell, body(lines=lines))
    order, _ = cell.gateway.entities["order", order_id]
    order.backorder.terms = BackorderTerms({}, {"us-wh-newark": 86_400_000})
    receipt = {"reference": "asn-9", "lines": [{"sku": "D4", "quantity": 5}]}
    assert (await cell.post("/v1/locations/us-wh-newark/receipts", receipt, **cell.bearer())).status_code == 200
    return order_id


@pytest.mark.parametrize("the_list", ["is there", "is away", "hangs"])
async def test_an_address_that_is_changed_costs_the_letters_or_needs_the_store(cell, monkeypatch, the_list):
    order_id = await told_of_a_date(cell)
    assert waiting(cell) == ["order.new_date"]

    async def broken(about, limit):
        if the_list == "hangs":
            await asyncio.Event().wait()
        raise StoreUnavailable("away")

    with monkeypatch.context() as without:
        if the_list != "is there":
            without.setattr(cell.read_model, "pending_notices", broken)
            without.setattr(changing, "_LETTERS_S", 0.01)
        moved = {"ship_to": TO | {"street": "77 Alder Row"}}
        changed = await cell.post(f"/v1/orders/{order_id}/changes", moved, **cell.bearer())
    assert (changed.status_code, changed.json()["readdressed"]) == (200, True), changed.text
    request_id = await proved(cell, "gdpr", "rectification")
    await stepped(cell, request_id, "rectify", order_id=order_id, correction={"email": "mia.feather@example.org"})
    # What nobody could tell goes to nobody, rather than to somebody else.
    assert waiting(cell) == (["order.new_date"] if the_list == "is there" else [])


async def test_what_waits_to_be_sent_goes_to_the_address_of_before(cell):
    """The order is delivered: no store tells its customer anything."""
    order_id = await told_of_a_date(cell)
    await a_code_for(cell, order_id)
    request_id = await proved(cell, "gdpr", "rectification")
    for correction, left in (({"street": "14 Larkspur Close"}, 2), ({"email": "mia.feather@example.org"}, 1)):
        await stepped(cell, request_id, "rectify", order_id=order_id, correction=correction)
        assert waiting(cell) == ["order.new_date", "guest.code"][:left]
    order, _ = cell.gateway.entities["order", order_id]
    (date,) = (one for (kind, _), (one, _) in cell.gateway.entities.items() if kind == "notice" and not one.withdrawn)
    assert date.sealed_address == order.sealed
    # By these a correction could be told from an erasure.
    path = f"/v1/orders/{order_id}/events"
    told = (await cell.http.get(path, headers=cell.of_role("privacy"))).json()["events"]
    rectified = [one for one in told if one["type"] == "OrderRectified"]
    assert len(rectified) == 2
    assert not [one for one in rectified if {"waiting", "was", "moved"} & one.keys()]
