"""After an erasure, nothing that the cell keeps or tells yields the person. What really lies in Redis and
PostgreSQL: tests/system/."""

import logging

import structlog

from serve.keys import envelope
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.post_office import bearer, coded
from tests.unit.serve.privacy.office import (
    EMAIL,
    PATH,
    PLANTED,
    REF,
    customer,
    exported,
    found,
    kept,
    letters_left,
    noted,
    opened,
    over,
    placed,
    proved,
    stepped,
)
from tests.unit.serve.small_cell import order


async def named_passkey(cell, tokens):
    """As people call them."""
    asked = await cell.plain("/v1/customers/me/passkey-options", {}, **bearer(tokens))
    passkey = {"name": "Quillfeather's phone", "credential": Authenticator().make(asked.json()["options"])}
    answer = await cell.post("/v1/customers/me/passkeys", passkey, **bearer(tokens))
    assert answer.status_code == 201, answer.text


async def told(cell, orders):
    """Everything that anybody may ask of the cell about the person."""
    privacy, manager = cell.of_role("privacy"), cell.of_role("manager")
    answers = []
    for headers in (privacy, manager):
        answers += [await cell.http.get(f"/v1/orders/{order_id}", headers=headers) for order_id in orders]
        answers += [await cell.http.get(f"/v1/orders/{order_id}/events", headers=headers) for order_id in orders]
        answers.append(await cell.http.get("/v1/orders", headers=headers))
    answers.append(await cell.http.get(PATH, params={"status": "in_progress"}, headers=privacy))
    answers += [
        await exported(cell, await proved(cell, "gdpr", "access"), f"?format={form}") for form in ("json", "html")
    ]
    assert {answer.status_code for answer in answers} == {200}
    return "".join(answer.text for answer in answers).lower()


async def test_after_an_erasure_something_yields_the_person(cell, caplog):
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        tokens, orders = await customer(cell)
        await named_passkey(cell, tokens)
        await noted(cell, *orders)
        cell.clock.now += 60_000
        # A code that waits to be sent, and one for following an order.
        await cell.plain("/v1/customers/codes", {"email": EMAIL})
        await cell.plain("/v1/guest/codes", {"order_id": orders[1], "email": EMAIL})
        early = await proved(cell, "gdpr", "rectification")
        await stepped(cell, early, "rectify", order_id=orders[2], correction={"street": "14 Larkspur Close"})
        assert set(found("".join(opened(cell)).lower())) == set(PLANTED), "the search would find nothing anyway"
        assert any("quillfeather's phone" in one.lower() for one in opened(cell))
        assert set(found(await told(cell, orders))) == set(PLANTED)

        await over(cell, *orders)
        request_id = await proved(cell)
        done = (await stepped(cell, request_id, "erase"))["done"][-1]["counts"]
        assert done == {
            "keys": 3,
            "orders": 3,
            "shipments": 0,
            "accounts": 1,
            "reservations": 0,
            "notices": 4,
            "consents": 0,
            "of_others": 0,
        }
        await stepped(cell, request_id, "complete")

        assert opened(cell) == [], "something can still be opened"
        assert found(kept(cell)) == []
        after = await told(cell, orders)
        assert found(after) == []
        assert tokens["customer_id"] not in after, "an order still tells whose account it was of"
    assert found(repr(logged).lower() + caplog.text.lower()) == []
    shown = (await cell.http.get(f"/v1/orders/{orders[2]}", headers=cell.of_role("manager"))).json()
    assert (shown["withheld"], shown["ship_to"]["country"], shown["total"]) == (
        "erased",
        "US",
        {"amount": 2598, "currency": "USD"},
    )
    assert coded(await cell.http.get("/v1/customers/me/orders", headers=bearer(tokens))) == (401, "auth.session_ended")
    assert coded(await cell.http.get(f"/v1/orders/{orders[0]}", headers=bearer(tokens))) == (401, "auth.session_ended")


async def test_the_search_finds_nothing_in_a_cell_that_seals_nothing(cell, monkeypatch):
    """So that the search above can fail: the same erasure, with sealing taken out."""

    def bare(cipher, key_id, text, place):
        return bytes((2, len(key_id))) + key_id.encode() + bytes(12) + text + bytes(16)

    monkeypatch.setattr(envelope, "seal", bare)
    monkeypatch.setattr(envelope, "unseal", lambda cipher, sealed, place: sealed[2 + sealed[1] + 12 : -16])
    _, orders = await customer(cell)
    await noted(cell, *orders)
    await over(cell, *orders)
    await stepped(cell, await proved(cell), "erase")
    # Positions are packed as numbers, which no text shows.
    assert set(found(kept(cell))) == set(PLANTED) - {"47.628117", "122.341903"}


async def test_the_person_is_found_by_the_address_or_the_reference_that_was_erased(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    await stepped(cell, await proved(cell), "erase")
    listed = await cell.http.get("/v1/orders", params={"customer_ref": REF}, headers=cell.of_role("manager"))
    assert listed.json()["orders"] == []
    data = (await exported(cell, await proved(cell, "gdpr", "access"))).json()
    assert (data["orders"], data["accounts"]) == ([], [])
    cell.clock.now += 60_000
    await cell.plain("/v1/guest/codes", {"order_id": orders[1], "email": EMAIL})
    await cell.plain("/v1/customers/codes", {"email": EMAIL})
    assert letters_left(cell) == [], "an erased account or order still sends codes"


async def test_whoever_joins_again_gets_the_erased_account_back(cell):
    tokens, orders = await customer(cell)
    agreed = {"purpose": "marketing_email", "granted": True, "text_version": "newsletter-1"}
    said = {"consents": [agreed, {"purpose": "personalisation", "granted": False}]}
    await cell.write("PUT", "/v1/customers/me/consents", said, **bearer(tokens))
    await over(cell, *orders)
    done = (await stepped(cell, await proved(cell), "erase"))["done"][-1]["counts"]
    assert done["consents"] == 1, "what was refused stays refused, and is not counted"
    cell.clock.now += 60_000
    await cell.plain("/v1/customers", {"email": EMAIL})
    [(template, code)] = letters_left(cell)
    assert template == "customer.welcome", "the account is still known"
    again = await cell.plain("/v1/customers/sessions", {"email": EMAIL, "code": code})
    assert again.status_code == 200, again.text
    mine = await cell.http.get("/v1/customers/me/orders", headers=bearer(again.json()))
    assert mine.json()["orders"] == []
    consents = (await cell.http.get("/v1/customers/me/consents", headers=bearer(again.json()))).json()["consents"]
    assert {one["purpose"]: (one["granted"], one["source"]) for one in consents} == {
        "marketing_email": (False, "erasure"), "personalisation": (False, "account"),
    }  # fmt: skip
    new = await placed(cell, order(order_ref="web-2", customer={}), **bearer(again.json()))
    shown = (await cell.http.get(f"/v1/orders/{new}", headers=bearer(again.json()))).json()
    assert shown["order_ref"] == "web-2"


async def test_by_whose_calls_her_orders_went_tells_after_an_erasure_that_they_are_of_one_person(cell):
    tokens, orders = await customer(cell)
    cancelled = await cell.post(f"/v1/orders/{orders[0]}/updates", {"update": "cancel"}, **bearer(tokens))
    assert cancelled.status_code == 200, cancelled.text
    await over(cell, *orders[1:])
    await stepped(cell, await proved(cell), "erase")
    for query in ("", "?after=1"):
        told = await cell.http.get(f"/v1/orders/{orders[0]}/events{query}", headers=cell.of_role("associate"))
        events = told.json()["events"]
        assert "OrderCancelled" in [event["type"] for event in events]
        assert [event for event in events if "command_id" in event] == []
        assert tokens["customer_id"] not in told.text


async def test_the_request_itself_is_lost_as_proof(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await proved(cell)
    await stepped(cell, request_id, "erase")
    await stepped(cell, request_id, "complete")
    proof = (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()
    assert (proof["status"], proof["done"][0]["step"], proof["proofs"][0]["method"]) == (
        "completed",
        "erase",
        "id_document",
    )
    actions = [line.act.action for line in cell.gateway.audited if line.who.role == "privacy"]
    for action in (
        "privacy_request.begin_erase", "data_key.destroy_key", "order.forget_person", "customer.erase",
        "privacy_request.erase", "privacy_request.complete",
    ):  # fmt: skip
        assert action in actions, action
