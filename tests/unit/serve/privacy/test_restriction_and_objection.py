"""Restricted data is told all the same, or to nobody for good, and who has objected is written to."""

from actors.domain.data_key import TOLD_MS
from tests.unit.serve.post_office import bearer, joined
from tests.unit.serve.privacy.office import DATA, EMAIL, TO, ask_mine, asked, body, customer, placed, proved, stepped


async def test_restricted_data_is_told_to_others_or_not_to_the_person(cell):
    tokens, orders = await customer(cell)
    request_id = await proved(cell, "gdpr", "restriction")
    told = await stepped(cell, request_id, "restrict")
    assert told["done"][0]["counts"] == {"keys": 3, "of_others": 0}, (
        "the account's with the guest's orders, that of its codes, and the reference's"
    )
    await stepped(cell, request_id, "complete")
    for order_id in orders:
        shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("manager"))).json()
        assert (shown["withheld"], shown["ship_to"]["recipient"]) == ("restricted", "")
    own = (await cell.http.get(f"/v1/orders/{orders[0]}", headers=bearer(tokens))).json()
    assert own["ship_to"] == TO
    await ask_mine(cell, tokens, "access")
    data = (await cell.http.post(DATA, headers=bearer(tokens))).json()
    assert [one["order"]["ship_to"] for one in data["orders"]] == [TO] * 3
    cell.clock.now += TOLD_MS
    await stepped(cell, request_id, "lift_restriction")
    shown = (await cell.http.get(f"/v1/orders/{orders[2]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"] == TO


async def test_who_lifts_one_restriction_lifts_another_that_is_in_force(cell):
    order_id = await placed(cell)
    restriction = await proved(cell, "gdpr", "restriction")
    await stepped(cell, restriction, "restrict")
    objection = await proved(cell, "gdpr", "object")
    for name in ("restrict", "lift_restriction", "opt_out", "complete"):
        await stepped(cell, objection, name)
    path = f"/v1/orders/{order_id}"
    cell.clock.now += TOLD_MS
    assert (await cell.http.get(path, headers=cell.of_role("associate"))).json()["withheld"] == "restricted"
    await stepped(cell, restriction, "lift_restriction")
    cell.clock.now += TOLD_MS
    assert "withheld" not in (await cell.http.get(path, headers=cell.of_role("associate"))).json()


async def test_an_order_that_somebody_else_places_with_the_address_keeps_a_restriction_in_force_for_good(cell):
    order_id = await placed(cell)
    restriction = await proved(cell, "gdpr", "restriction")
    await stepped(cell, restriction, "restrict")
    tom = await joined(cell, "tom@example.com")
    await placed(cell, body(customer={"email": EMAIL}), **bearer(tom))
    cell.clock.now += TOLD_MS
    await stepped(cell, restriction, "lift_restriction")
    cell.clock.now += TOLD_MS
    path = f"/v1/orders/{order_id}"
    assert "withheld" not in (await cell.http.get(path, headers=cell.of_role("associate"))).json()


async def test_who_objects_gets_newsletters(cell):
    tokens = await joined(cell, EMAIL)
    agreed = {"consents": [{"purpose": "marketing_email", "granted": True, "text_version": "newsletter-1"}]}
    await cell.write("PUT", "/v1/customers/me/consents", agreed, **bearer(tokens))
    request_id = await proved(cell, "gdpr", "object", customer_ref=None)
    told = await stepped(cell, request_id, "opt_out")
    assert told["done"][0]["counts"] == {"persons": 1, "purposes": 3}
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"
    mine = (await cell.http.get("/v1/customers/me/consents", headers=bearer(tokens))).json()
    assert sorted(one["purpose"] for one in mine["consents"]) == [
        "marketing_email",
        "personalisation",
        "sale_or_sharing",
    ]
    assert {(one["granted"], one["source"]) for one in mine["consents"]} == {(False, "request")}
    assert [one["granted"] for one in mine["history"] if one["purpose"] == "marketing_email"] == [True, False]


async def test_an_opt_out_of_sale_takes_more_than_asking(cell):
    tokens = await joined(cell, EMAIL)
    request_id = await asked(cell, "ccpa", "opt_out", customer_ref=None)
    await stepped(cell, request_id, "opt_out")
    await stepped(cell, request_id, "complete")
    mine = (await cell.http.get("/v1/customers/me/consents", headers=bearer(tokens))).json()["consents"]
    assert [(one["purpose"], one["granted"]) for one in mine] == [("sale_or_sharing", False)]
