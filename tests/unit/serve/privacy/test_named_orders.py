"""Who has bought at a marketplace, and has neither account nor address nor reference here, gets at nothing that is kept
of them; or gets at somebody else's by an order's number."""

import msgspec
import pytest

from serve.privacy.named_orders import SAME_REF_MAX
from tests.unit.serve.post_office import bearer, coded, joined
from tests.unit.serve.privacy.office import (
    EMAIL,
    PATH,
    PLANTED,
    REF,
    TO,
    asked,
    body,
    exported,
    found,
    kept,
    noted,
    opened,
    over,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order

MARKET_REF = "mkt-112-55"
BY_REF = {"email": None, "customer_ref": None, "order_ref": MARKET_REF}
# What stands in an order of a marketplace.
TOLD = set(PLANTED) - {"loyal-7781", "web-90210", "example.org", "mia.quill", "cloudberry"}


async def bought(cell, **more):
    """The id of an order as a marketplace hands it over."""
    return await placed(cell, order(order_ref=MARKET_REF, customer={}, ship_to=TO) | more)


def by_id(*order_ids):
    return {"email": None, "customer_ref": None, "order_ids": list(order_ids)}


async def shown(cell, order_id, role="manager"):
    return (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role(role))).json()


async def written(cell, **named):
    """The answer to a request by these names."""
    return await cell.post(PATH, {"law": "gdpr", "right": "erasure", **named}, **cell.of_role("privacy"))


async def papers(cell, request_id):
    return await stepped(cell, request_id, "confirm_identity", method="order_papers", evidence="case-4")


@pytest.mark.parametrize("by_reference", [True, False])
async def test_after_the_erasure_of_a_marketplaces_customer_something_yields_the_person(cell, by_reference):
    order_id = await bought(cell)
    await noted(cell, order_id)
    assert set(found("".join(opened(cell)).lower())) >= TOLD, "the search would find nothing anyway"
    request_id = await asked(cell, **(BY_REF if by_reference else by_id(order_id)))
    assert coded(await step(cell, request_id, "erase")) == (409, "privacy.identity_unconfirmed")
    assert (await papers(cell, request_id))["status"] == "confirmed"
    assert coded(await step(cell, request_id, "erase")) == (409, "privacy.orders_under_way")
    await over(cell, order_id)
    counts = (await stepped(cell, request_id, "erase"))["done"][-1]["counts"]
    assert (counts["keys"], counts["orders"], counts["accounts"]) == (1, 1, 0)
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"
    assert opened(cell) == [], "something can still be opened"
    everything = kept(cell)
    assert found(everything) == []
    assert MARKET_REF not in everything
    for role in ("manager", "privacy"):
        told = await shown(cell, order_id, role)
        assert (told["withheld"], told["order_ref"], told["ship_to"]["recipient"]) == ("erased", "", "")
        events = (await cell.http.get(f"/v1/orders/{order_id}/events", headers=cell.of_role(role))).text.lower()
        assert found(events) == []
    search = await cell.plain("/v1/order-searches", {"order_ref": MARKET_REF}, **cell.of_role("manager"))
    assert search.json()["orders"] == []
    # The same once more finds the order, and nothing of a person in it.
    again = await proved(cell, "gdpr", "access", **by_id(order_id))
    assert found((await exported(cell, again)).text.lower()) == []


async def test_a_marketplaces_customer_is_not_told_or_corrected_or_restricted(cell):
    order_id, other = await bought(cell), await placed(cell)
    access = await asked(cell, "gdpr", "access", **BY_REF)
    assert coded(await exported(cell, access)) == (409, "privacy.identity_unconfirmed")
    await papers(cell, access)
    told = await exported(cell, access)
    assert [one["order"]["order_id"] for one in told.json()["orders"]] == [order_id]
    assert (set(found(told.text.lower())), told.json()["accounts"]) == (TOLD, [])
    correcting = await proved(cell, "gdpr", "rectification", **by_id(order_id))
    correction = {"correction": {"street": "14 Larkspur Close"}}
    await stepped(cell, correcting, "rectify", order_id=order_id, **correction)
    assert (await shown(cell, order_id))["ship_to"]["street"] == "14 Larkspur Close"
    answer = await step(cell, correcting, "rectify", order_id=other, **correction)
    assert coded(answer) == (404, "privacy.order_of_another")
    restricting = await proved(cell, "gdpr", "restriction", **BY_REF)
    assert (await stepped(cell, restricting, "restrict"))["done"][0]["counts"] == {"keys": 1, "of_others": 0}
    assert (await shown(cell, order_id))["withheld"] == "restricted"
    assert "withheld" not in await shown(cell, other)


async def test_an_orders_number_gets_at_an_account_an_address_or_a_reference(cell):
    """Whose key seals other orders as well."""
    tokens = await joined(cell, EMAIL)
    theirs = [
        await placed(cell, order(order_ref="a-1", customer={}, ship_to=TO), **bearer(tokens)),
        await placed(cell, order(order_ref="a-2", customer={"email": EMAIL}, ship_to=TO)),
        await placed(cell, order(order_ref="a-3", customer={"customer_ref": REF}, ship_to=TO)),
        # Of whom nothing is known but the account.
        await placed(cell, order(order_ref="", customer={}, ship_to={"country": "US"}), **bearer(tokens)),
    ]
    before = cell.state()
    for order_id in theirs:
        assert coded(await written(cell, order_ids=[order_id])) == (409, "privacy.order_of_person")
    for number in (1, 2, 3):
        answer = await written(cell, order_ref=f"a-{number}")
        assert coded(answer) == (409, "privacy.order_of_person")
        assert answer.json()["order_ids"] == [theirs[number - 1]]
    assert cell.state() == before


async def test_an_order_that_names_nobody_or_none_at_all_is_asked_about(cell):
    nobodys = await placed(cell, order(order_ref="", customer={}, ship_to={"country": "US"}))
    nowhere = "us-01kah2v3nq7h3k2m9qk4t1x0ab"
    for named in (
        {"order_ids": [nobodys]},
        {"order_ids": [nowhere]},
        {"order_ids": [nowhere.replace("us", "eu")]},
        {"order_ref": "x-1"},
    ):
        assert coded(await written(cell, **named)) == (404, "privacy.order_of_another")
    assert coded(await written(cell, order_ids=[])) == (422, "body.invalid")
    # What the staff has written about its person is the person's.
    await noted(cell, nobodys)
    await over(cell, nobodys)
    await stepped(cell, await proved(cell, **by_id(nobodys)), "erase")
    assert opened(cell) == []


async def test_a_stranger_writes_the_same_reference_and_keeps_the_person_from_her_right_or_loses_his_own(cell):
    order_id = await bought(cell)
    mallory = await joined(cell, "mallory@example.net")
    same = await placed(cell, order(order_ref=MARKET_REF, customer={}, ship_to=TO), **bearer(mallory))
    await over(cell, order_id, same)
    await stepped(cell, await proved(cell, **BY_REF), "erase")
    assert [(await shown(cell, one)).get("withheld") for one in (order_id, same)] == ["erased", None]


async def test_a_stranger_writes_the_same_reference_so_often_that_the_persons_order_is_not_found(cell):
    order_id = await bought(cell)
    same = cell.gateway.orders[order_id]
    for number in range(SAME_REF_MAX):
        # Newer than hers, as its id says.
        newer = f"us-{'z' * 22}{number:04}"
        cell.gateway.orders[newer] = msgspec.structs.replace(same, order_id=newer, owner="us-cust-mallory")
    await over(cell, order_id)
    await stepped(cell, await proved(cell, **BY_REF), "erase")
    assert (await shown(cell, order_id))["withheld"] == "erased"


async def test_so_many_guests_have_a_reference_that_another_persons_order_is_taken_for_the_only_one(cell):
    order_id = await bought(cell)
    same = cell.gateway.orders[await placed(cell, order(order_ref=MARKET_REF, customer={"email": EMAIL}, ship_to=TO))]
    for number in range(SAME_REF_MAX - 2):
        older = f"us-{'0' * 22}{number:04}"
        cell.gateway.orders[older] = msgspec.structs.replace(same, order_id=older)
    answer = await written(cell, order_ref=MARKET_REF)
    assert coded(answer) == (409, "privacy.person_ambiguous")
    assert answer.json()["order_ids"] == [order_id]


async def test_two_people_whose_marketplaces_count_alike_are_taken_for_one(cell):
    first, second = await bought(cell), await bought(cell)
    answer = await written(cell, order_ref=MARKET_REF)
    assert coded(answer) == (409, "privacy.person_ambiguous")
    assert sorted(answer.json()["order_ids"]) == sorted([first, second])
    await over(cell, first, second)
    await stepped(cell, await proved(cell, **by_id(first)), "erase")
    assert [(await shown(cell, one)).get("withheld") for one in (first, second)] == ["erased", None]


async def test_papers_of_an_order_prove_an_address_or_a_code_to_it_somebody_elses_order(cell):
    order_id = await bought(cell)
    await placed(cell, body())
    for method, missing in (("order_papers", "email"), ("code_by_email", "orders")):
        request_id = await asked(cell, "gdpr", "access", customer_ref=None, order_ids=[order_id])
        told = await stepped(cell, request_id, "confirm_identity", method=method, evidence="case-5")
        assert told["missing"] == [missing]
        assert coded(await exported(cell, request_id)) == (409, "privacy.identity_unconfirmed")


async def test_papers_of_ones_own_order_tell_of_a_strangers_that_is_named_beside_it(cell):
    order_ids = [await bought(cell), await bought(cell, ship_to={**TO, "recipient": "Vic Victim"})]
    request_id = await asked(cell, "gdpr", "access", **by_id(*order_ids))
    of_papers = {"method": "order_papers", "evidence": "slip-1"}
    unsaid = await step(cell, request_id, "confirm_identity", **of_papers)
    assert (coded(unsaid), unsaid.json()["field"]) == ((422, "privacy.orders_of_proof"), "order_ids")
    assert unsaid.json()["order_ids"] == order_ids
    told = await stepped(cell, request_id, "confirm_identity", **of_papers, order_ids=order_ids[:1])
    assert (told["missing"], told["missing_orders"]) == (["orders"], order_ids[1:])
    assert coded(await exported(cell, request_id)) == (409, "privacy.identity_unconfirmed")
    told = await stepped(cell, request_id, "confirm_identity", **of_papers, order_ids=order_ids)
    assert (told["missing"], told["proofs"][1]["order_ids"]) == ([], order_ids)
    assert "Vic Victim" in (await exported(cell, request_id)).text


async def test_a_code_to_an_address_is_said_to_be_of_orders(cell):
    order_id = await bought(cell)
    request_id = await asked(cell, "gdpr", "access", order_ids=[order_id])
    for proof in ({"method": "code_by_email"}, {"method": "id_document", "covers": ["email"]}):
        answer = await step(cell, request_id, "confirm_identity", evidence="case-6", order_ids=[order_id], **proof)
        assert coded(answer) == (422, "body.invalid")


async def test_an_order_that_is_not_written_behind_yet_is_said_not_to_be_there(cell, monkeypatch):
    order_id = await bought(cell)
    monkeypatch.setattr(cell.gateway, "fresh_ms", lambda: cell.clock.now - 60_000)
    assert coded(await written(cell, order_ids=[order_id])) == (503, "privacy.not_fresh")
