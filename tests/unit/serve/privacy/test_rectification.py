"""A correction does not show, undoes what somebody has just changed, or is made in an order of somebody else."""

import json

from actors.domain.order_commands import RectifyOrder
from serve.privacy.correcting import RECTIFY_TRIES
from tests.unit.serve.post_office import MIA, bearer, coded
from tests.unit.serve.privacy.office import REF, TO, body, customer, exported, placed, proved, step, stepped


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
    _, orders = await customer(cell)
    other = await placed(cell, body(customer={"customer_ref": "another-1"}))
    request_id = await proved(cell, "lgpd", "rectification")
    answer = await step(cell, request_id, "rectify", order_id=other, correction={"street": "x"})
    assert coded(answer) == (404, "privacy.order_of_another")
    # A guest's order is kept under the key of its address.
    answer = await step(cell, request_id, "rectify", order_id=orders[1], correction={"email": MIA})
    assert coded(answer) == (422, "order.identity_fixed")
    assert (await cell.http.get(f"/v1/orders/{other}", headers=cell.of_role("manager"))).json()["ship_to"] == TO


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
