"""An erasure takes somebody else's orders or account with it, or leaves some of the person's."""

import pytest

from serve.keys.envelope import key_of
from tests.unit.serve.post_office import bearer, coded, joined, letters
from tests.unit.serve.privacy.office import EMAIL, asked, body, customer, opened, over, placed, proved, step, stepped
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
    counts = {"keys": 1, "orders": 2, "shipments": 0, "accounts": 0, "reservations": 0, "notices": 0, "consents": 0}
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
