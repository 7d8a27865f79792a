"""Customers with accounts, as callers see them. What is decided about them is in tests/unit/domain/test_customer.py."""

import asyncio

import pytest

from actors.domain.data_key import DestroyKey
from actors.domain.one_time_code import ASKS_MAX, CODE_MS
from actors.runtime.mailbox import UNAVAILABLE
from serve.customers import accounts, quiet
from serve.identity.limits import (
    BY_ADDRESS,
    BY_SESSION,
    CODES_BY_ADDRESS,
    CODES_BY_PERSON,
    ORDERS_BY_CUSTOMER,
    TRIES_BY_PERSON,
)
from serve.keys.envelope import key_of
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import MIA, bearer, code_in, coded, joined, letters, without_waiting
from tests.unit.serve.small_cell import order

NOBODY = "us-01kah2v3nq7h3k2m9qk4t1x0ab"
PLAIN = order() | {"customer": {"country": "US"}}


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def bought(cell, tokens):
    answer = await cell.post("/v1/orders", PLAIN, **bearer(tokens))
    assert answer.status_code == 201, answer.text
    return answer.json()["order_id"]


async def test_a_customer_takes_the_stock_from_others_by_orders_without_end(cell):
    mia, tom = await joined(cell), await joined(cell, "tom@example.org")
    for _ in range(ORDERS_BY_CUSTOMER.burst):
        await bought(cell, mia)
    before = cell.state()
    refused = await cell.post("/v1/orders", PLAIN, **bearer(mia))
    assert (coded(refused), refused.headers["retry-after"]) == ((429, "auth.too_often"), "30")
    assert cell.state() == before
    # Nobody else waits for it, nor the shop, which orders for all.
    await bought(cell, tom)
    for _ in range(ORDERS_BY_CUSTOMER.burst + 1):
        assert (await cell.post("/v1/orders", order(("A1", 1)), **cell.bearer())).status_code == 201
    cell.clock.now += 30_000
    await bought(cell, mia)


async def test_an_order_sent_again_after_an_outage_or_many_others_is_refused_as_one_too_many(cell):
    mia = bearer(await joined(cell))
    cell.gateway.fault = UNAVAILABLE
    for _ in range(ORDERS_BY_CUSTOMER.burst + 1):
        assert (await cell.post("/v1/orders", PLAIN, key="one", **mia)).status_code == 503
    cell.gateway.fault = None
    first = await cell.post("/v1/orders", PLAIN, key="one", **mia)
    for number in range(ORDERS_BY_CUSTOMER.burst - 1):
        assert (await cell.post("/v1/orders", PLAIN, key=f"other-{number}", **mia)).status_code == 201
    again = await cell.post("/v1/orders", PLAIN, key="one", **mia)
    assert (again.status_code, again.json()["order_id"]) == (201, first.json()["order_id"])
    # One that was refused is not remembered as counted.
    for _ in range(2):
        assert coded(await cell.post("/v1/orders", PLAIN, key="two", **mia)) == (429, "auth.too_often")


async def test_a_customer_does_not_find_their_own_orders_or_finds_others(cell):
    mia, tom = await joined(cell), await joined(cell, "tom@example.org")
    hers, his = [await bought(cell, mia) for _ in range(3)], await bought(cell, tom)
    await cell.post("/v1/orders", order(), **cell.bearer())
    first = (await cell.http.get("/v1/customers/me/orders?limit=2", headers=bearer(mia))).json()
    path = f"/v1/customers/me/orders?limit=2&cursor={first['next_cursor']}"
    second = (await cell.http.get(path, headers=bearer(mia))).json()
    assert {listed["order_id"] for page in (first, second) for listed in page["orders"]} == set(hers)
    assert second["next_cursor"] is None
    # A cursor is worth nothing to another customer.
    assert coded(await cell.http.get(path, headers=bearer(tom))) == (400, "cursor.invalid")
    assert (await cell.http.get(f"/v1/orders/{hers[0]}", headers=bearer(mia))).status_code == 200
    foreign = await cell.http.get(f"/v1/orders/{his}", headers=bearer(mia))
    nothing = await cell.http.get(f"/v1/orders/{NOBODY}", headers=bearer(mia))
    assert coded(foreign) == coded(nothing) == (404, "order.unknown")
    assert {**foreign.json(), "request_id": ""} == {**nothing.json(), "request_id": ""}


async def test_a_customer_cancels_anothers_order_or_can_not_cancel_their_own(cell):
    mia, tom = await joined(cell), await joined(cell, "tom@example.org")
    hers, his, cancel = await bought(cell, mia), await bought(cell, tom), {"update": "cancel"}
    before = cell.gateway.entities["order", his]
    assert coded(await cell.post(f"/v1/orders/{his}/updates", cancel, **bearer(mia))) == (404, "order.unknown")
    assert cell.gateway.entities["order", his] == before
    assert (await cell.post(f"/v1/orders/{hers}/updates", cancel, **bearer(mia))).json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("customer", "code"),
    [
        ({"owner": "us-cust-x"}, "body.unknown_field"),
        ({"customer_id": "us-cust-x"}, "body.unknown_field"),
        ({"customer_ref": "c-17"}, "order.customer_ref_not_allowed"),
    ],
)
async def test_a_customer_orders_in_anothers_name(cell, customer, code):
    mia = await joined(cell)
    before = cell.state()
    assert coded(await cell.post("/v1/orders", order() | {"customer": customer}, **bearer(mia))) == (422, code)
    assert coded(await cell.post("/v1/orders", PLAIN | {"owner": "us-cust-x"}, **bearer(mia))) == (
        422,
        "body.unknown_field",
    )
    assert cell.state() == before


async def test_whether_there_is_an_account_is_told_to_whoever_asks(cell):
    await joined(cell)
    asked = [
        await cell.plain(path, {"email": email})
        for path in ("/v1/customers", "/v1/customers/codes") for email in (MIA, "nobody@example.net")
    ]  # fmt: skip
    assert {(answer.status_code, answer.text) for answer in asked} == {(202, asked[0].text)}
    tries = [
        await cell.plain("/v1/customers/sessions", {"email": email, "code": "00000000"})
        for email in (MIA, "never@example.net")
    ]
    assert [coded(answer) for answer in tries] == [(401, "code.refused")] * 2
    assert {**tries[0].json(), "request_id": ""} == {**tries[1].json(), "request_id": ""}


async def test_somebody_without_an_account_gets_a_code_to_sign_in(cell):
    assert (await cell.plain("/v1/customers/codes", {"email": MIA})).status_code == 202
    assert not letters(cell)


async def test_another_address_takes_over_an_account_by_looking_like_it(cell):
    # Folding would make one of both, and the code would go to whoever asks.
    mia = await joined(cell, "mia@straße.example.com")
    other = await joined(cell, "mia@strasse.example.com")
    assert mia["customer_id"] != other["customer_id"]
    # Spelt otherwise, it is one account, and the code goes to where the first came from.
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": "MIA@STRASSE.example.com"})
    assert letters(cell)[-1][:2] == ("customer.code", "mia@strasse.example.com")


async def test_a_customer_whose_key_was_destroyed_is_locked_out(cell):
    mia = await joined(cell)
    account = ("customer", mia["customer_id"])
    lost = cell.gateway.entities[account][0].sealed_email
    await cell.gateway.ask("data_key", key_of(lost), DestroyKey(), command_id="destroyed", digest=0)
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": MIA})
    template, address, values = letters(cell)[-1]
    assert (template, address) == ("customer.code", MIA.replace("Example", "example"))
    again = await cell.plain("/v1/customers/sessions", {"email": MIA, "code": values["code"]})
    assert again.status_code == 200, again.text
    assert again.json()["customer_id"] == mia["customer_id"]
    # From now on there is an address again, and only what can't be opened is replaced.
    kept = cell.gateway.entities[account][0].sealed_email
    assert cell.unsealed(kept, f"customer:{mia['customer_id']}:email").decode() == address
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": MIA.upper()})
    assert letters(cell)[-1][1] == address
    await cell.plain("/v1/customers/sessions", {"email": MIA.upper(), "code": code_in(cell)})
    assert cell.gateway.entities[account][0].sealed_email == kept


async def test_a_code_is_lost_because_the_address_that_is_kept_can_not_be_looked_at(cell, monkeypatch):
    mia = await joined(cell)
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": MIA})
    code, view = code_in(cell), cell.gateway.view

    async def away(kind, *rest, **more):
        return UNAVAILABLE if kind == "customer" else await view(kind, *rest, **more)

    monkeypatch.setattr(cell.gateway, "view", away)
    answer = await cell.plain("/v1/customers/sessions", {"email": MIA, "code": code})
    assert (answer.status_code, answer.json()["customer_id"]) == (200, mia["customer_id"])


async def test_a_code_works_twice_late_or_for_another_address(cell):
    await joined(cell, "tom@example.org")
    await cell.plain("/v1/customers", {"email": MIA})
    code = code_in(cell)
    assert coded(await cell.plain("/v1/customers/sessions", {"email": "tom@example.org", "code": code})) == (
        401, "code.refused",
    )  # fmt: skip
    assert (await cell.plain("/v1/customers/sessions", {"email": MIA, "code": code})).status_code == 200
    assert coded(await cell.plain("/v1/customers/sessions", {"email": MIA, "code": code})) == (401, "code.refused")
    await cell.plain("/v1/customers/codes", {"email": MIA})
    cell.clock.now += CODE_MS
    again = await cell.plain("/v1/customers/sessions", {"email": MIA, "code": code_in(cell)})
    assert coded(again) == (401, "code.refused")


async def test_whoever_knows_an_address_keeps_its_customer_out_by_wrong_codes(cell):
    mia = await joined(cell)
    body = {"email": MIA, "code": "00000000"}
    for network in ("203.0.113.7", "203.0.113.8", "2001:db8:1:2::1"):
        told = [
            coded(await cell.plain("/v1/customers/sessions", body, **{"X-Forwarded-For": network}))
            for _ in range(TRIES_BY_PERSON.burst + 1)
        ]
        assert told == [(401, "code.refused")] * TRIES_BY_PERSON.burst + [(429, "auth.too_often")]
    assert (await joined(cell))["customer_id"] == mia["customer_id"]


async def test_a_mailbox_is_filled(cell):
    told = [(await cell.plain("/v1/customers", {"email": MIA})).status_code for _ in range(CODES_BY_PERSON.burst + 1)]
    assert told == [202] * CODES_BY_PERSON.burst + [429]
    assert len(letters(cell)) == CODES_BY_PERSON.burst


async def test_a_mailbox_is_filled_from_many_networks(cell):
    for number in range(3 * ASKS_MAX):
        theirs = {"X-Forwarded-For": f"203.0.113.{number}"}
        assert (await cell.plain("/v1/customers", {"email": MIA}, **theirs)).status_code == 202
    assert len(letters(cell)) == ASKS_MAX


async def test_how_long_a_refusal_takes_tells_whether_there_is_an_account(cell, monkeypatch):
    await joined(cell)
    waited = []

    async def noted(earliest_s):
        waited.append(earliest_s - asyncio.get_running_loop().time())

    monkeypatch.setattr(accounts, "REFUSAL_S", 3_600.0)
    monkeypatch.setattr(accounts, "not_before", noted)
    for email in (MIA, "never@example.net"):
        answer = await cell.plain("/v1/customers/sessions", {"email": email, "code": "00000000"})
        assert coded(answer) == (401, "code.refused")
    # Each waits for the rest of what was left at its beginning.
    assert len(waited) == 2
    assert all(3_000.0 < left_s <= 3_600.0 for left_s in waited), waited


async def test_a_session_can_not_be_renewed_or_lives_on_after_its_token_was_stolen(cell):
    first = await joined(cell)
    renewed = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": first["refresh_token"]})
    assert renewed.status_code == 200
    again = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": first["refresh_token"]})
    assert coded(again) == (401, "session.ended")
    for tokens in (first, renewed.json()):
        refused = await cell.http.get("/v1/customers/me/orders", headers=bearer(tokens))
        assert coded(refused) == (401, "auth.session_ended")


@pytest.mark.parametrize(
    ("path", "more", "limit", "told"),
    [
        ("/v1/customers", {}, CODES_BY_ADDRESS, 202), ("/v1/customers/codes", {}, CODES_BY_ADDRESS, 202),
        ("/v1/customers/sessions", {"code": "00000000"}, BY_ADDRESS, 401),
    ],
)  # fmt: skip
async def test_one_address_asks_for_or_tries_the_codes_of_everybody(cell, path, more, limit, told):
    """Of each of them once: none of them has had too many."""
    answers = [
        (await cell.plain(path, {"email": f"mia{number}@example.com"} | more)).status_code
        for number in range(limit.burst + 1)
    ]
    assert answers == [told] * limit.burst + [429]


async def test_a_session_is_renewed_without_end(cell):
    tokens, told = await joined(cell), []
    for _ in range(BY_SESSION.burst + 1):
        answer = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
        told.append(answer.status_code)
        tokens = answer.json()
    assert told == [200] * BY_SESSION.burst + [429]


async def test_so_many_ask_for_codes_that_all_of_them_wait_in_memory(cell, monkeypatch):
    monkeypatch.setattr(quiet, "RUNNING_MAX", 1)
    ask, gate, begun = cell.gateway.ask, asyncio.Event(), asyncio.Event()

    async def held(kind, *rest, **more):
        if kind == "customer":
            begun.set()
            await gate.wait()
        return await ask(kind, *rest, **more)

    monkeypatch.setattr(cell.gateway, "ask", held)
    first = asyncio.ensure_future(cell.plain("/v1/customers", {"email": MIA}))
    await begun.wait()
    assert coded(await cell.plain("/v1/customers", {"email": "tom@example.org"})) == (429, "auth.busy")
    gate.set()
    assert (await first).status_code == 202
    assert (await cell.plain("/v1/customers", {"email": "tom@example.org"})).status_code == 202


async def test_who_signs_out_is_still_in(cell):
    mia = await joined(cell)
    assert (await cell.http.delete("/v1/customers/sessions/current", headers=bearer(mia))).status_code == 204
    assert coded(await cell.http.get("/v1/customers/me/orders", headers=bearer(mia))) == (401, "auth.session_ended")
    again = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": mia["refresh_token"]})
    assert coded(again) == (401, "session.ended")


async def test_a_token_of_staff_renews_a_customers_session_or_the_other_way_round(cell):
    mia, tokens = await joined(cell), await (await cell.enrolled("max")).tokens()
    crossed = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    assert coded(crossed) == (401, "auth.token_invalid")
    crossed = await cell.plain("/v1/sessions/refresh", {"refresh_token": mia["refresh_token"]})
    assert 400 <= crossed.status_code < 500
    assert coded(await cell.http.get("/v1/sessions/current", headers=bearer(mia))) == (403, "auth.forbidden")


@pytest.mark.parametrize("email", ["mia", "", "m\x07@example.com", "m" * 250 + "@example.com", "mia@localhost", 7])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/customers/codes"])
async def test_what_is_no_address_gets_a_code(cell, path, email):
    before = cell.state()
    answer = await cell.plain(path, {"email": email})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("email.invalid", "body.invalid")
    assert cell.state() == before


@pytest.mark.parametrize("scope", ["orders.read_own", "customer.own"])
async def test_a_machine_is_given_what_belongs_to_customers(cell, scope):
    answer = await cell.post("/v1/clients", {"name": "web-shop", "scopes": [scope]}, **cell.of_role("ops"))
    assert coded(answer) == (422, "client.scope_forbidden")


@pytest.mark.parametrize("role", ["customer", "guest"])
async def test_a_member_of_staff_is_given_the_role_of_a_customer(cell, role):
    body = {"login": "eve", "role": role, "password": "eleven grey kettles sing"}
    assert coded(await cell.post("/v1/accounts", body, **cell.of_role("ops"))) == (422, "account.role_unknown")
