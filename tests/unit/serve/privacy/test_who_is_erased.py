"""An erasure takes somebody else's orders or account with it, leaves some of the person's, or is kept from
its end by somebody else."""

import pytest

from actors.domain.data_key import DestroyKey
from actors.domain.order_commands import RectifyOrder
from serve.keys.envelope import key_of
from serve.privacy import persons
from tests.unit.serve.post_office import bearer, coded, joined, letters
from tests.unit.serve.privacy.office import (
    DATA,
    EMAIL,
    ask_mine,
    asked,
    at_first,
    body,
    customer,
    exported,
    letters_left,
    opened,
    over,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order


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


@pytest.mark.parametrize("named", [{}, {"customer_ref": None}, {"email": None, "customer_ref": None}])
@pytest.mark.parametrize(("right", "name"), [("erasure", "erase"), ("restriction", "restrict")])
async def test_a_stranger_who_orders_with_the_persons_address_keeps_her_from_her_right(cell, right, name, named):
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    mallory = await joined(cell, "mallory@example.net")
    await placed(cell, order(customer={"email": EMAIL}), **bearer(mallory))
    named = named if "email" not in named else named | {"customer_id": tokens["customer_id"]}
    told = await stepped(cell, await proved(cell, "gdpr", right, **named), name)
    assert told["done"][0]["counts"]["of_others"] == 1
    for order_id in orders:
        shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("manager"))).json()
        assert shown["withheld"] == {"erase": "erased", "restrict": "restricted"}[name]


async def test_a_strangers_order_keeps_the_person_from_erasing_herself(cell):
    tokens = await joined(cell, EMAIL)
    mallory = await joined(cell, "mallory@example.net")
    await placed(cell, order(customer={"email": EMAIL}), **bearer(mallory))
    mine = await ask_mine(cell, tokens, "erasure")
    assert (await stepped(cell, mine["request_id"], "erase"))["done"][0]["counts"]["accounts"] == 1


async def test_a_stranger_brings_the_person_to_the_limit_of_orders_that_one_may_have(cell, monkeypatch):
    mine, mallory = await placed(cell, body(customer={"email": EMAIL})), await joined(cell, "mallory@example.net")
    for _ in range(3):
        await placed(cell, order(customer={"email": EMAIL}), **bearer(mallory))
    await over(cell, mine)
    monkeypatch.setattr(persons, "ORDERS_MAX", 2)
    request_id = await proved(cell, customer_ref=None)
    done = [(await stepped(cell, request_id, "erase"))["done"] for _ in range(2)][-1]
    # As many again at the last look.
    assert [one["counts"]["of_others"] for one in done] == [2, 1, 0]
    for _ in range(3):
        await placed(cell, body(customer={"email": EMAIL}))
    answer = await exported(cell, await proved(cell, "gdpr", "access", customer_ref=None))
    assert coded(answer) == (409, "privacy.too_many_orders")


@pytest.mark.parametrize(("right", "name"), [("erasure", "erase"), ("restriction", "restrict")])
async def test_somebody_elses_account_goes_with_the_person(cell, right, name):
    """Who has ordered once, with the person's address to write to: the key of that order is the one of his account."""
    tom = await joined(cell, "tom@example.com")
    gift = await placed(cell, body(customer={"email": EMAIL}), **bearer(tom))
    await over(cell, gift)
    await stepped(cell, await proved(cell, "gdpr", right, customer_ref=None), name)
    shown = (await cell.http.get(f"/v1/orders/{gift}", headers=cell.of_role("manager"))).json()
    assert ("withheld" in shown, shown["ship_to"]["recipient"]) == (False, "Mia Quillfeather")
    mine = (await cell.http.get("/v1/customers/me/orders", headers=bearer(tom))).json()["orders"]
    assert [one["order_id"] for one in mine] == [gift]
    account = cell.gateway.entities["customer", tom["customer_id"]][0]
    assert cell.unsealed(account.sealed_email, f"customer:{tom['customer_id']}:email") == b"tom@example.com"
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": "tom@example.com"})
    assert letters(cell)[-1][:2] == ("customer.code", "tom@example.com")


async def test_an_erased_persons_address_stays_in_somebody_elses_order_or_is_still_written_to(cell):
    tom = await joined(cell, "tom@example.com")
    gift = await placed(cell, order(customer={"email": EMAIL}), **bearer(tom))
    cell.clock.now += 60_000
    await cell.plain("/v1/guest/codes", {"order_id": gift, "email": EMAIL})
    assert EMAIL in [address for _, address, _ in letters(cell)]
    before = len(letters_left(cell))
    done = await stepped(cell, await proved(cell, customer_ref=None), "erase")
    assert (done["done"][0]["counts"]["of_others"], done["done"][0]["counts"]["notices"]) == (1, 1)
    assert len(letters_left(cell)) == before - 1
    state = cell.gateway.entities["order", gift][0]
    assert (state.email_digest, cell.gateway.orders[gift].email_digest) == ("", "")
    assert EMAIL.encode() not in cell.unsealed(state.sealed, f"order:{gift}:private")
    await ask_mine(cell, tom, "access")
    [told] = (await cell.http.post(DATA, headers=bearer(tom))).json()["orders"]
    assert (told["order"]["order_id"], told["email"]) == (gift, "")
    # Nothing is left to do.
    again = await stepped(cell, await proved(cell, customer_ref=None), "erase")
    assert again["done"][0]["counts"]["of_others"] == 0


async def test_the_right_address_of_somebody_elses_order_is_taken_out_because_it_had_the_persons(cell):
    """It is corrected between the look and the erasure."""
    tom = await joined(cell, "tom@example.com")
    gift = await placed(cell, order(customer={"email": EMAIL}), **bearer(tom))
    his = await proved(cell, "gdpr", "rectification", email=None, customer_ref=None, customer_id=tom["customer_id"])

    async def corrected():
        await stepped(cell, his, "rectify", order_id=gift, correction={"email": "tom@example.com"})

    request_id = await proved(cell, customer_ref=None)
    # Hers is placed, so that there is a key to be destroyed.
    await over(cell, await placed(cell, body(customer={"email": EMAIL})))
    at_first(cell, DestroyKey, corrected)
    done = await stepped(cell, request_id, "erase")
    assert [one["counts"]["of_others"] for one in done["done"]] == [0]
    sealed = cell.gateway.entities["order", gift][0].sealed
    assert b"tom@example.com" in cell.unsealed(sealed, f"order:{gift}:private")


async def test_an_erasure_is_refused_because_somebody_else_changes_his_order_at_this_moment(cell):
    tom = await joined(cell, "tom@example.com")
    gift = await placed(cell, order(customer={"email": EMAIL}), **bearer(tom))

    async def moved():
        to = {"ship_to": body()["ship_to"] | {"street": "77 New Street"}}
        assert (await cell.post(f"/v1/orders/{gift}/changes", to, **bearer(tom))).status_code == 200

    at_first(cell, RectifyOrder, moved)
    done = await stepped(cell, await proved(cell, customer_ref=None), "erase")
    assert [one["counts"]["of_others"] for one in done["done"]] == [1]
    shown = (await cell.http.get(f"/v1/orders/{gift}", headers=bearer(tom))).json()
    assert shown["ship_to"]["street"] == "77 New Street"
    assert cell.gateway.entities["order", gift][0].email_digest == ""


async def test_an_erasure_of_somebody_else_that_was_cut_short_keeps_the_persons_from_its_end(cell):
    """His keys are gone, and his order has her address still."""
    tom = await joined(cell, "tom@example.com")
    gift = await placed(cell, order(customer={"email": EMAIL}), **bearer(tom))
    his = key_of(cell.gateway.entities["order", gift][0].sealed)
    await cell.gateway.ask("data_key", his, DestroyKey(), command_id="cut-short", digest=0)
    done = await stepped(cell, await proved(cell, customer_ref=None), "erase")
    assert [one["counts"]["of_others"] for one in done["done"]] == [0]


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


async def test_orders_under_a_reference_that_has_only_the_persons_address_can_not_be_erased(cell):
    first, second = await placed(cell), await placed(cell)
    await over(cell, first, second)
    done = await stepped(cell, await proved(cell, customer_ref=None), "erase")
    counts = {
        "keys": 1,
        "orders": 2,
        "shipments": 0,
        "accounts": 0,
        "reservations": 0,
        "notices": 0,
        "consents": 0,
        "of_others": 0,
    }
    assert done["done"][0]["counts"] == counts
    assert opened(cell) == []


async def test_the_account_alone_is_named_and_the_guests_orders_stay(cell):
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await asked(cell, email=None, customer_ref=None, customer_id=tokens["customer_id"])
    await stepped(cell, request_id, "confirm_identity", method="code_by_email", evidence="c-1")
    done = await stepped(cell, request_id, "erase")
    assert done["done"][0]["counts"]["orders"] == 3
    assert opened(cell) == []
