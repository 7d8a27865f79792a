"""Who asks for their data is not told what stands in the history of their orders alone, and the staff read on;
or gets it without end."""

import pytest

from actors.domain.data_key import DestroyKey
from actors.domain.order_terms_commands import HoldOrder, ReleaseOrder
from serve.keys.envelope import key_of
from serve.privacy import order_past
from tests.unit.serve.post_office import bearer, coded
from tests.unit.serve.privacy.office import (
    DATA,
    EMAIL,
    NOTE,
    TO,
    ask_mine,
    body,
    customer,
    exported,
    noted,
    placed,
    proved,
    stepped,
)

OLD_HOME, NEW_HOME = "12 Larkspur Close", "77 Heron Street"
LANGUAGES = ("en", "es", "pt")


async def page_of(cell, request_id, language="en"):
    answer = await exported(cell, request_id, "?format=html", **{"accept-language": language})
    assert answer.status_code == 200, answer.text
    return answer.text


async def held(cell, order_id, update, *reasons, note):
    sent = {"update": update, "hold": {"reasons": list(reasons), "note": note}}
    answer = await cell.post(f"/v1/orders/{order_id}/updates", sent, **cell.of_role("manager"))
    assert answer.status_code == 200, answer.text


async def orders_in(cell, request_id):
    answer = await exported(cell, request_id)
    assert answer.status_code == 200, answer.text
    return {one["order"]["order_id"]: one for one in answer.json()["orders"]}


# --- notes
async def test_a_note_is_gone_from_the_export_once_its_hold_is_and_the_staff_reads_it_on(cell):
    order_id = await placed(cell)
    await held(cell, order_id, "hold", "address", "fraud", note="flat 4, says she")
    cell.clock.now += 60_000
    await held(cell, order_id, "release", "address", note="it was flat 14")
    await held(cell, order_id, "release", "fraud", note="")
    told = await orders_in(cell, request_id := await proved(cell, "gdpr", "access"))
    assert "holds" not in told[order_id]["order"]["terms"]
    assert [(one["done"], one["reasons"], one["note"]) for one in told[order_id]["notes"]] == [
        ("held", ["address", "fraud"], "flat 4, says she"), ("released", ["address"], "it was flat 14"),
    ]  # fmt: skip
    assert told[order_id]["notes"][0]["at"] < told[order_id]["notes"][1]["at"]
    events = (await cell.http.get(f"/v1/orders/{order_id}/events", headers=cell.of_role("associate"))).text
    for note in ("flat 4, says she", "it was flat 14"):
        assert note in events
        assert (await page_of(cell, request_id)).count(note) == 1


@pytest.mark.parametrize("restricted", [False, True])
async def test_notes_of_one_by_one_of_many_and_by_a_filter_are_not_told_to_the_person(cell, restricted):
    tokens, orders = await customer(cell)
    await noted(cell, *orders)
    if restricted:
        await stepped(cell, await proved(cell, "gdpr", "restriction"), "restrict")
    await ask_mine(cell, tokens, "access")
    mine = (await cell.http.post(DATA, headers=bearer(tokens))).json()["orders"]
    assert {one["order"]["order_id"] for one in mine} == set(orders)
    for one in mine:
        assert [note["note"] for note in one["notes"]] == [NOTE, f"called: {NOTE}", NOTE, f"called: {NOTE}", NOTE]


async def test_a_note_that_was_written_before_notes_were_sealed_is_left_out(cell):
    order_id = await placed(cell)
    for number, command in enumerate((HoldOrder(["fraud"], note=NOTE), ReleaseOrder(["fraud"], note=f"old {NOTE}"))):
        await cell.gateway.ask("order", order_id, command, command_id=f"old-{number}", digest=0)
    told = await orders_in(cell, await proved(cell, "gdpr", "access"))
    assert [one["note"] for one in told[order_id]["notes"]] == [NOTE, f"old {NOTE}"]


# --- what was there before
async def test_where_it_went_before_a_correction_is_kept_and_not_told(cell):
    order_id = await placed(cell, body(terms={"gift": {"wrap": True, "message": "Dear Tom"}}))
    cell.clock.now += 60_000
    sent = {"ship_to": TO | {"street": NEW_HOME}}
    changed = await cell.post(f"/v1/orders/{order_id}/changes", sent, **cell.of_role("support"))
    assert changed.status_code == 200, changed.text
    access = await proved(cell, "gdpr", "access")
    [first] = (await orders_in(cell, access))[order_id]["former"]
    assert (first["ship_to"], first["order_ref"], first["email"], first["gift_message"]) == (
        TO,
        "web-90210",
        EMAIL,
        "Dear Tom",
    )
    corrected = {"recipient": "Mia Feather", "email": "mia.feather@example.org", "gift_message": ""}
    await stepped(cell, await proved(cell, "gdpr", "rectification"), "rectify", order_id=order_id, correction=corrected)
    [_, second] = (await orders_in(cell, access))[order_id]["former"]
    assert (second["ship_to"], second["email"]) == (TO | {"street": NEW_HOME}, EMAIL)
    present = (await orders_in(cell, access))[order_id]
    assert (present["order"]["ship_to"]["recipient"], present["email"]) == ("Mia Feather", "mia.feather@example.org")
    for language in LANGUAGES:
        page = await page_of(cell, access, language)
        assert page.count(OLD_HOME) == 1
        assert page.count(NEW_HOME) == 2, "as it is now, and before the name was corrected"


async def test_an_order_that_never_changed_tells_of_another_past(cell):
    order_id = await placed(cell)
    told = (await orders_in(cell, await proved(cell, "gdpr", "access")))[order_id]
    assert (told["notes"], told["former"]) == ([], [])


async def test_how_far_places_are_from_where_an_order_goes_is_kept_and_not_told(cell):
    plain = await placed(cell)
    set_ = await cell.write(
        "PUT", "/v1/sourcing/policies/all", {"reason": "x", "policy": {}}, **cell.of_role("manager")
    )
    assert set_.status_code == 200, set_.text
    order_id = await placed(cell, body(order_ref="web-90211"))
    path, officer = f"/v1/orders/{order_id}/sourcing", cell.of_role("privacy")
    places = (await cell.http.get(path, headers=officer)).json()["decision"]["places"]
    assert min(one["distance_km"] for one in places) > 0
    told = await orders_in(cell, access := await proved(cell, "gdpr", "access"))
    seen = [{name: one[name] for name in ("location_id", "distance_km")} for one in places]
    assert (told[plain]["considered"], told[order_id]["considered"]) == ([], seen)
    for language in LANGUAGES:
        page = await page_of(cell, access, language)
        assert page.count(f"{places[0]['location_id']} ({places[0]['distance_km']} km)") == 1
    key = key_of(cell.gateway.entities["order", order_id][0].sealed)
    await cell.gateway.ask("data_key", key, DestroyKey(), command_id="erased", digest=0)
    assert (await orders_in(cell, access))[order_id]["considered"] == []


# --- limits
async def test_only_the_first_page_of_a_history_is_looked_through(cell, monkeypatch):
    monkeypatch.setattr(order_past, "PAGE_MAX", 1)
    order_id = await placed(cell)
    for number in range(3):
        await held(cell, order_id, "hold", "address", note=f"call {number}")
        await held(cell, order_id, "release", "address", note=f"called {number}")
    told = await orders_in(cell, await proved(cell, "gdpr", "access"))
    assert [one["note"] for one in told[order_id]["notes"]] == [
        f"{word} {number}" for number in range(3) for word in ("call", "called")
    ]


@pytest.mark.parametrize(("name", "limit"), [("EVENTS_MAX", 4), ("PAST_MAX", 5)])
async def test_what_is_told_of_the_past_grows_without_bound_or_is_cut_in_silence(cell, monkeypatch, name, limit):
    orders = [await placed(cell), await placed(cell)]
    for order_id in orders:
        for word in ("hold", "release", "hold"):
            await held(cell, order_id, word, "address", note=f"to {word}")
    request_id = await proved(cell, "gdpr", "access")
    monkeypatch.setattr(order_past, name, limit)
    answer = await exported(cell, request_id)
    assert (coded(answer), answer.json()["limit"]) == ((409, "privacy.too_much_past"), limit)
    monkeypatch.setattr(order_past, name, 100)
    assert len(await orders_in(cell, request_id)) == 2


# --- money
async def test_the_page_keeps_back_what_was_given_back(cell):
    order_id, plain = await placed(cell), await placed(cell)
    for number in (order_id, plain):
        told = await cell.post(f"/v1/orders/{number}/updates", {"update": "start_picking"}, **cell.bearer())
        assert told.status_code == 200, told.text
    given = await cell.post(
        f"/v1/orders/{order_id}/refunds", {"amount": {"amount": 250, "currency": "USD"}, "reason": "late"}, **cell.of_role("manager")
    )  # fmt: skip
    assert given.status_code in (200, 201), given.text
    request_id = await proved(cell, "gdpr", "access")
    for language, heading in (
        ("en", "Given back (minor units)"), ("es", "Devuelto (unidades menores)"), ("pt", "Devolvido (unidades menores)"),
    ):  # fmt: skip
        page = await page_of(cell, request_id, language)
        assert f'<th scope="col">{heading}</th>' in page
        assert page.count("250 USD (late, 20") == 1


async def test_the_page_keeps_back_what_is_due_for_a_change(cell):
    order_id = await placed(cell)
    total = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("support"))).json()["total"]["amount"]
    changed = await cell.post(
        f"/v1/orders/{order_id}/changes", {"lines": [{"line": 1, "quantity": 1}]}, **cell.of_role("support")
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    due = changed.json()["refund"]["amount"]
    assert 0 < due < total
    request_id = await proved(cell, "gdpr", "access")
    for language, words in (("en", "for changes"), ("es", "por cambios"), ("pt", "por alterações")):
        assert f"<td>{due} USD ({words})</td>" in await page_of(cell, request_id, language)
