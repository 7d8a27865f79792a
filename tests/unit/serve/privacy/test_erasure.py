"""After an erasure, nothing that the cell keeps or tells yields the person. What really lies in Redis and PostgreSQL: tests/system/."""

import json
import logging

import pytest
import structlog

from actors.domain.reservation_commands import ReleaseReservation
from actors.runtime.wire import UNAVAILABLE, Reply
from serve.keys import envelope
from serve.keys.envelope import key_of
from serve.privacy import export, persons
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.fake_gateway import refusal
from tests.unit.serve.post_office import bearer, coded, joined, letters
from tests.unit.serve.privacy.office import (
    EMAIL,
    PATH,
    PLANTED,
    REF,
    asked,
    body,
    customer,
    exported,
    kept,
    opened,
    over,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order


def found(text):
    return [word for word in PLANTED if word in text]


def letters_left(cell):
    """(template, code) of each notice that is not emptied."""
    out = []
    for (kind, identity), (notice, _) in cell.gateway.entities.items():
        if kind == "notice" and notice.sealed_address:
            content = cell.unsealed(notice.sealed_content, f"notice:{identity}:content")
            out.append((notice.template, json.loads(content)["code"]))
    return out


async def in_carts(cell, tokens, count=1):
    """Ids of the person's carts, oldest first."""
    cart = {"channel": "online", "lines": [{"sku": "A1", "quantity": 2}]}
    made = []
    for _ in range(count):
        cell.clock.now += 1_000
        answer = await cell.post("/v1/reservations", cart, **bearer(tokens))
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["reservation_id"])
    return made


def owners(cell):
    """Whose each cart is."""
    return [state.owner for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "reservation"]


def kept_for_carts(cell, sku):
    """Units, over all locations."""
    places = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "location"]
    return sum(state.stock[sku].reserved for state in places if sku in state.stock)


async def named_passkey(cell, tokens):
    """As people call them."""
    asked = await cell.plain("/v1/customers/me/passkey-options", {}, **bearer(tokens))
    passkey = {"name": "Quill's phone", "credential": Authenticator().make(asked.json()["options"])}
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
        cell.clock.now += 60_000
        # A code that waits to be sent, and one for following an order.
        await cell.plain("/v1/customers/codes", {"email": EMAIL})
        await cell.plain("/v1/guest/codes", {"order_id": orders[1], "email": EMAIL})
        early = await proved(cell, "gdpr", "rectification")
        await stepped(cell, early, "rectify", order_id=orders[2], correction={"street": "14 Larkspur Close"})
        assert set(found("".join(opened(cell)).lower())) == set(PLANTED), "the search would find nothing anyway"
        assert any("quill's phone" in one.lower() for one in opened(cell))
        assert set(found(await told(cell, orders))) == set(PLANTED)

        await over(cell, *orders)
        request_id = await proved(cell)
        done = (await stepped(cell, request_id, "erase"))["done"][-1]["counts"]
        assert done == {
            "keys": 2,
            "orders": 3,
            "shipments": 0,
            "accounts": 1,
            "reservations": 0,
            "notices": 4,
            "consents": 0,
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
    agreed = {"consents": [{"purpose": "marketing_email", "granted": True, "text_version": "v1"}]}
    await cell.write("PUT", "/v1/customers/me/consents", agreed, **bearer(tokens))
    await over(cell, *orders)
    done = (await stepped(cell, await proved(cell), "erase"))["done"][-1]["counts"]
    assert done["consents"] == 1
    cell.clock.now += 60_000
    await cell.plain("/v1/customers", {"email": EMAIL})
    [(template, code)] = letters_left(cell)
    assert template == "customer.welcome", "the account is still known"
    again = await cell.plain("/v1/customers/sessions", {"email": EMAIL, "code": code})
    assert again.status_code == 200, again.text
    mine = await cell.http.get("/v1/customers/me/orders", headers=bearer(again.json()))
    assert mine.json()["orders"] == []
    consents = (await cell.http.get("/v1/customers/me/consents", headers=bearer(again.json()))).json()["consents"]
    assert [(one["granted"], one["source"]) for one in consents] == [(False, "erasure")]
    new = await placed(cell, order(order_ref="web-2", customer={}), **bearer(again.json()))
    shown = (await cell.http.get(f"/v1/orders/{new}", headers=bearer(again.json()))).json()
    assert shown["order_ref"] == "web-2"


async def test_a_parcel_on_its_way_loses_its_address(cell):
    _, orders = await customer(cell)
    await over(cell, *orders[:2])
    request_id = await proved(cell)
    before = cell.state()[0] | {("privacy_request", request_id): 0}
    answer = await step(cell, request_id, "erase")
    assert coded(answer) == (409, "privacy.orders_under_way")
    assert answer.json()["order_ids"] == [orders[2]]
    assert cell.state()[0] | {("privacy_request", request_id): 0} == before
    shown = (await cell.http.get(f"/v1/orders/{orders[2]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"]["recipient"] == "Mia Quillfeather"
    left = (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()
    assert (left["begun"], left["done"]) == (["erase"], [])
    assert coded(await step(cell, request_id, "complete")) == (409, "privacy.nothing_done")
    await over(cell, orders[2])
    assert (await stepped(cell, request_id, "erase"))["done"][0]["counts"]["orders"] == 3


@pytest.mark.parametrize("stops_at", ["data_key", "order", "customer", "reservation", "notice", "consent"])
async def test_an_erasure_that_was_cut_short_never_comes_to_its_end(cell, stops_at):
    tokens, orders = await customer(cell)
    await in_carts(cell, tokens, 2)
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": EMAIL})
    await over(cell, *orders)
    request_id, asking, left = await proved(cell), cell.gateway.ask, 1

    async def away(kind, *rest, **more):
        nonlocal left
        if kind == stops_at:
            left -= 1
            if left < 0 or kind in {"customer", "notice"}:
                return Reply(UNAVAILABLE, refusal("cell.unavailable"))
        return await asking(kind, *rest, **more)

    cell.gateway.ask = away
    answer = await step(cell, request_id, "erase", "k-1")
    assert answer.status_code == 503, answer.text
    cell.gateway.ask = asking
    assert (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()["begun"] == ["erase"]
    for key in ("k-1", "k-2"):
        again = await step(cell, request_id, "erase", key)
        assert again.status_code == 200, again.text
    assert opened(cell) == []
    assert found(kept(cell)) == []
    assert all(state.forgotten for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "order")
    assert letters_left(cell) == []
    assert owners(cell) == ["", ""]
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"


def fall_behind(cell, monkeypatch):
    """The drain does not get on: a minute later lists have only what was there when it stopped."""
    since = cell.clock.now
    orders = set(cell.gateway.orders)
    keys = {identity for kind, identity in cell.gateway.entities if kind == "data_key"}
    all_orders, all_keys = cell.read_model.orders, cell.read_model.data_keys

    async def old_orders(**asked):
        return [one for one in await all_orders(**asked) if one.order_id in orders]

    async def old_keys(person):
        return [one for one in await all_keys(person) if one.key_id in keys]

    monkeypatch.setattr(cell.read_model, "orders", old_orders)
    monkeypatch.setattr(cell.read_model, "data_keys", old_keys)
    monkeypatch.setattr(cell.gateway, "fresh_ms", lambda: since)
    cell.clock.now += 60_000


@pytest.mark.parametrize(
    ("right", "name", "more"),
    [
        ("erasure", "erase", {}), ("restriction", "restrict", {}), ("access", "", {}),
        ("rectification", "rectify", {"correction": {"phone": "+1 206 555 0188"}}),
    ],
)  # fmt: skip
async def test_what_is_not_written_behind_yet_is_passed_over_and_all_is_called_done(
    cell, monkeypatch, right, name, more
):
    first = await placed(cell, body(customer={"email": EMAIL}))
    await over(cell, first)
    with monkeypatch.context() as meanwhile:
        fall_behind(cell, meanwhile)
        late = await placed(cell)  # by a reference: under a key that the store has not heard of either
        under_way = await placed(cell, body(customer={"email": EMAIL}))
        request_id = await proved(cell, "gdpr", right)
        before = cell.state()[0] | {("privacy_request", request_id): 0}
        if more:
            more = {"order_id": late, **more}
        answer = await (step(cell, request_id, name, **more) if name else exported(cell, request_id))
        assert coded(answer) == (503, "privacy.not_fresh")
        assert "retry-after" in answer.headers
        assert cell.state()[0] | {("privacy_request", request_id): 0} == before
        meanwhile.setattr(cell.gateway, "fresh_ms", lambda: None)
        assert (await (step(cell, request_id, name, **more) if name else exported(cell, request_id))).status_code == 503
    # It has caught up.
    if name == "erase":
        answer = await step(cell, request_id, name)
        assert (coded(answer), answer.json()["order_ids"]) == (
            (409, "privacy.orders_under_way"),
            sorted([late, under_way], reverse=True),
        )
        await over(cell, late, under_way)
    answer = await (step(cell, request_id, name, **more) if name else exported(cell, request_id))
    assert answer.status_code == 200, answer.text
    if name == "erase":
        assert opened(cell) == []


async def test_a_cart_of_the_last_moment_still_tells_whose_it_was(cell, monkeypatch):
    """Made after the person was looked for, and before the account was erased."""
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    request_id, asking, listing, made = await proved(cell), cell.gateway.ask, cell.read_model.reservations_of, []

    async def quick(kind, *rest, **more):
        if kind == "customer" and not made:
            made.append(cell.clock.now)
            await in_carts(cell, tokens)
        return await asking(kind, *rest, **more)

    async def behind(customer_id, **asked):
        written = not made or cell.gateway.fresh_ms() > made[0] + 1_000
        return await listing(customer_id, **asked) if written else []

    monkeypatch.setattr(cell.gateway, "ask", quick)
    monkeypatch.setattr(cell.read_model, "reservations_of", behind)
    await stepped(cell, request_id, "erase")
    assert owners(cell) == [""]


async def test_a_repeated_call_is_answered_otherwise(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await proved(cell)
    first = await step(cell, request_id, "erase", "k-1")
    assert (await step(cell, request_id, "erase", "k-1")).json() == first.json()


async def test_somebody_elses_orders_are_erased_with_the_persons(cell):
    """Whose parcel once went to the person's address."""
    theirs = await placed(cell, body(customer={"customer_ref": "another-1"}))
    gift = await placed(cell, body(customer={"customer_ref": "another-1", "email": EMAIL}))
    await over(cell, theirs, gift)
    for name, right in (("erase", "erasure"), ("restrict", "restriction")):
        answer = await step(cell, await proved(cell, "gdpr", right, customer_ref=None), name)
        assert coded(answer) == (409, "privacy.person_ambiguous")
        assert answer.json()["order_ids"] == [theirs]
    shown = (await cell.http.get(f"/v1/orders/{theirs}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"]["recipient"] == "Mia Quillfeather"
    # If it is the same person after all, the officer names the reference.
    done = await stepped(cell, await proved(cell, customer_ref="another-1"), "erase")
    assert done["done"][0]["counts"]["orders"] == 2


@pytest.mark.parametrize(("right", "name"), [("erasure", "erase"), ("restriction", "restrict")])
async def test_somebody_elses_account_goes_with_the_person(cell, right, name):
    """Who has ordered once, with the person's address to write to: the key of that order is the one of his account."""
    tom = await joined(cell, "tom@example.com")
    gift = await placed(cell, body(customer={"email": EMAIL}), **bearer(tom))
    await over(cell, gift)
    answer = await step(cell, await proved(cell, "gdpr", right, customer_ref=None), name)
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.person_ambiguous"), [gift])
    account = cell.gateway.entities["customer", tom["customer_id"]][0]
    assert cell.unsealed(account.sealed_email, f"customer:{tom['customer_id']}:email") == b"tom@example.com"
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": "tom@example.com"})
    assert letters(cell)[-1][:2] == ("customer.code", "tom@example.com")


async def test_orders_under_a_reference_that_has_only_the_persons_address_can_not_be_erased(cell):
    first, second = await placed(cell), await placed(cell)
    await over(cell, first, second)
    done = await stepped(cell, await proved(cell, customer_ref=None), "erase")
    counts = {"keys": 1, "orders": 2, "shipments": 0, "accounts": 0, "reservations": 0, "notices": 0, "consents": 0}
    assert done["done"][0]["counts"] == counts
    assert opened(cell) == []


async def test_another_persons_data_is_erased_too(cell):
    _, orders = await customer(cell)
    tom = await joined(cell, "tom@example.com")
    his = [
        await placed(cell, order(order_ref="his", customer={}, ship_to=body()["ship_to"]), **bearer(tom)),
        await placed(cell, body(customer={"customer_ref": "tom-1", "email": "tom@example.com"})),
    ]
    await over(cell, *orders)
    await stepped(cell, await proved(cell), "erase")
    for order_id in his:
        shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("manager"))).json()
        assert shown["ship_to"]["recipient"] == "Mia Quillfeather"
    assert (await cell.http.get("/v1/customers/me/orders", headers=bearer(tom))).status_code == 200
    in_use = {key_of(cell.gateway.entities["order", order_id][0].sealed) for order_id in his}
    assert all(cell.gateway.entities["data_key", key_id][0].wrapped for key_id in in_use)


async def test_the_account_alone_is_named_and_the_guests_orders_stay(cell):
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await asked(cell, email=None, customer_ref=None, customer_id=tokens["customer_id"])
    await stepped(cell, request_id, "confirm_identity", method="code_by_email", evidence="c-1")
    done = await stepped(cell, request_id, "erase")
    assert done["done"][0]["counts"]["orders"] == 3
    assert opened(cell) == []


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


async def test_carts_still_tell_whose_they_were_or_keep_goods(cell, monkeypatch):
    # So that there are several pages of them.
    monkeypatch.setattr(persons, "_PAGE", 1)
    tokens, orders = await customer(cell)
    ordered, expired, held = await in_carts(cell, tokens, 3)
    assert kept_for_carts(cell, "A1") == 6
    theirs = (await in_carts(cell, await joined(cell, "tom@example.com")))[0]
    body = order(order_ref="web-3", customer={}) | {"reservation_id": ordered}
    orders.append(await placed(cell, body, **bearer(tokens)))
    await cell.gateway.ask("reservation", expired, ReleaseReservation(), command_id="w-1", digest=1)
    assert cell.gateway.entities["reservation", ordered][0].order_id == orders[-1]
    await over(cell, *orders)

    data = (await exported(cell, await proved(cell, "gdpr", "access"))).json()["reservations"]
    assert [(one["reservation_id"], one["status"], one["order_id"]) for one in data] == [
        (ordered, "converted", orders[-1]), (expired, "released", ""), (held, "held", ""),
    ]  # fmt: skip
    assert all([(line["sku"], line["wanted"]) for line in one["lines"]] == [("A1", 2)] for one in data)
    page = await exported(cell, await proved(cell, "gdpr", "access"), "?format=html")
    assert all(word in page.text for word in (ordered, expired, held, "2 × A1")), page.text

    done = (await stepped(cell, await proved(cell), "erase"))["done"][-1]["counts"]
    assert done["reservations"] == 3
    carts = {cart: cell.gateway.entities["reservation", cart][0] for cart in (ordered, expired, held)}
    assert [state.owner for state in carts.values()] == ["", "", ""]
    assert [state.stage for state in carts.values()] == ["converted", "released", "released"]
    assert tokens["customer_id"] not in repr(carts)
    theirs_now = cell.gateway.entities["reservation", theirs][0]
    assert (theirs_now.stage, bool(theirs_now.owner)) == ("held", True)
    assert kept_for_carts(cell, "A1") == 2, "only the other customer's cart keeps goods"
    assert (await exported(cell, await proved(cell, "gdpr", "access"))).json()["reservations"] == []


async def test_the_export_of_somebody_with_very_many_carts_grows_without_bound(cell, monkeypatch):
    monkeypatch.setattr(export, "RESERVATIONS_MAX", 2)
    tokens, _ = await customer(cell)
    await in_carts(cell, tokens, 3)
    answer = await exported(cell, await proved(cell, "gdpr", "access"))
    assert coded(answer) == (409, "privacy.too_many_reservations")


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
