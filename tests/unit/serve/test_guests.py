"""Guests who follow an order, as callers see it. What is decided about codes is in tests/unit/domain/."""

import asyncio
import json

import httpx
import msgspec
import pytest

from actors.domain.one_time_code import ASKS_MAX, CODE_MS, TRIES_MAX
from serve.customers import guests, quiet
from serve.identity.desk import Desk
from serve.identity.limits import BY_ADDRESS, CODES_BY_ADDRESS, CODES_BY_PERSON, TRIES_BY_PERSON
from serve.identity.tokens import GUEST_S
from serve.notices import outbox
from serve.notices.port import Notice
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import MIA, bearer, code_in, coded, letters, without_waiting
from tests.unit.serve.small_cell import Cell, furnish_with, order

NOBODY = "us-01kah2v3nq7h3k2m9qk4t1x0ab"


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def placed(cell, email=MIA, **customer):
    body = order() | {"customer": {"email": email, **customer} if email else customer}
    answer = await cell.post("/v1/orders", body, **cell.bearer())
    assert answer.status_code == 201, answer.text
    return answer.json()["order_id"]


async def ask(cell, order_id, **more):
    return await cell.plain("/v1/guest/codes", {"order_id": order_id, **(more or {"email": MIA})})


async def attempt(cell, order_id, code):
    return await cell.plain("/v1/guest/sessions", {"order_id": order_id, "code": code})


async def came_in(cell, order_id):
    assert (await ask(cell, order_id)).status_code == 202
    answer = await attempt(cell, order_id, code_in(cell))
    assert answer.status_code == 200, answer.text
    return answer.json()


def wrong(code):
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.mark.parametrize(
    "known", [{"email": MIA}, {"email": MIA.upper()}, {"postcode": "98 101"}, {"postcode": "98101"}]
)
async def test_a_guest_does_not_reach_the_order_or_can_not_cancel_it(cell, known):
    order_id = await placed(cell)
    assert (await ask(cell, order_id, **known)).status_code == 202
    ((template, address, values),) = letters(cell)
    assert (template, address, values["order_id"]) == ("guest.code", "Mia.Muster@example.com", order_id)
    code = values["code"]
    told = (await attempt(cell, order_id, f"{code[:4]} {code[4:]}")).json()
    assert (told["order_id"], told["expires_in"]) == (order_id, GUEST_S)
    read = await cell.http.get(f"/v1/orders/{order_id}", headers=bearer(told))
    assert (read.status_code, read.json()["order_id"]) == (200, order_id)
    cancelled = await cell.post(f"/v1/orders/{order_id}/updates", {"update": "cancel"}, **bearer(told))
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert coded(await cell.post(f"/v1/orders/{order_id}/updates", {"update": "cancel"}, **bearer(told))) == (
        409, "order.illegal_transition",
    )  # fmt: skip


async def test_what_is_asked_for_shows_whether_there_is_such_an_order(cell):
    order_id, without = await placed(cell), await placed(cell, email=None)
    told = [
        await ask(cell, order_id),
        await ask(cell, order_id, email="somebody@else.example"),
        await ask(cell, order_id, postcode="10115"),
        await ask(cell, without, postcode="98101"),
        await ask(cell, NOBODY),
        await ask(cell, NOBODY[:-1] + "c", postcode="98101"),
    ]
    assert {(answer.status_code, answer.text) for answer in told} == {(202, told[0].text)}
    assert {tuple(name for name in answer.headers) for answer in told} == {tuple(told[0].headers)}
    assert len(letters(cell)) == 1


@pytest.mark.parametrize("order_id", ["known", NOBODY])
@pytest.mark.parametrize("slow", [False, True])
async def test_how_long_an_answer_takes_shows_whether_there_is_such_an_order(cell, monkeypatch, order_id, slow):
    order_id = await placed(cell) if order_id == "known" else order_id
    due, view = [], cell.gateway.view
    held = asyncio.Event()

    async def late(*given, **more):
        if slow:
            await held.wait()
        return await view(*given, **more)

    async def noted(moment_s):
        due.append(moment_s)

    monkeypatch.setattr(quiet, "ANSWER_S", 0.05)
    monkeypatch.setattr(quiet, "not_before", noted)
    monkeypatch.setattr(cell.gateway, "view", late)
    begun = asyncio.get_running_loop().time()
    assert (await ask(cell, order_id)).status_code == 202
    # Answered at a fixed moment after the request, however long the work takes.
    assert len(due) == 1
    assert 0.05 <= due[0] - begun < 60
    assert not slow or not letters(cell)
    held.set()


async def test_trying_a_code_shows_whether_there_is_such_an_order_or_code(cell, monkeypatch):
    order_id = await placed(cell)
    await ask(cell, order_id)
    due = []

    async def noted(moment_s):
        due.append(moment_s)

    monkeypatch.setattr(guests, "not_before", noted)
    told = [
        await attempt(cell, order_id, wrong(code_in(cell))),
        await attempt(cell, await placed(cell, email=None), "12345678"),
        await attempt(cell, NOBODY, "12345678"),
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in told]
    assert bodies == bodies[:1] * 3
    assert coded(told[0]) == (401, "code.refused")
    assert len(due) == 3


async def test_a_code_works_twice_late_for_another_order_or_after_a_newer_one(cell):
    order_id, other = await placed(cell), await placed(cell)
    await ask(cell, order_id)
    first = code_in(cell)
    assert coded(await attempt(cell, other, first)) == (401, "code.refused")
    await ask(cell, order_id)
    second = code_in(cell)
    if first != second:
        assert coded(await attempt(cell, order_id, first)) == (401, "code.refused")
    assert (await attempt(cell, order_id, second)).status_code == 200
    assert coded(await attempt(cell, order_id, second)) == (401, "code.refused")
    cell.clock.now += CODE_MS
    await ask(cell, order_id)
    cell.clock.now += CODE_MS
    assert coded(await attempt(cell, order_id, code_in(cell))) == (401, "code.refused")


async def test_a_code_is_guessed_by_trying_many(cell):
    order_id = await placed(cell)
    await ask(cell, order_id)
    code = code_in(cell)
    for number in range(TRIES_MAX):
        assert coded(await attempt(cell, order_id, f"{(int(code) + 1 + number) % 10**8:08}")) == (401, "code.refused")
    assert coded(await attempt(cell, order_id, code)) == (401, "code.refused")
    tried = [await attempt(cell, order_id, code) for _ in range(TRIES_BY_PERSON.burst)]
    assert coded(tried[-1]) == (429, "auth.too_often")
    assert tried[-1].headers["retry-after"]


async def test_whoever_knows_the_id_of_an_order_keeps_its_owner_out_by_wrong_codes(cell):
    order_id = await placed(cell)
    body = {"order_id": order_id, "code": "00000000"}
    for network in ("203.0.113.7", "203.0.113.8", "2001:db8:1:2::1"):
        told = [
            coded(await cell.plain("/v1/guest/sessions", body, **{"X-Forwarded-For": network}))
            for _ in range(TRIES_BY_PERSON.burst + 1)
        ]
        assert told == [(401, "code.refused")] * TRIES_BY_PERSON.burst + [(429, "auth.too_often")]
    assert (await came_in(cell, order_id))["order_id"] == order_id


@pytest.mark.parametrize("order_id", ["known", NOBODY])
async def test_a_storm_of_requests_fills_a_mailbox_or_tells_orders_apart(cell, order_id):
    order_id = await placed(cell) if order_id == "known" else order_id
    codes = [(await ask(cell, order_id)).status_code for _ in range(CODES_BY_PERSON.burst + 2)]
    assert codes == [202] * CODES_BY_PERSON.burst + [429] * 2
    assert len(letters(cell)) in (0, CODES_BY_PERSON.burst)


async def test_one_address_asks_for_the_codes_of_all_orders(cell):
    ids = [f"us-01kah2v3nq7h3k2m9qk4t1x{number:03}" for number in range(CODES_BY_ADDRESS.burst + 1)]
    answers = [await ask(cell, order_id) for order_id in ids]
    assert coded(answers[-1]) == (429, "auth.too_often")
    assert {answer.status_code for answer in answers[:-1]} == {202}


async def test_one_address_tries_a_code_at_all_orders(cell):
    """At each of them once: none of them has had too many."""
    ids = [f"us-01kah2v3nq7h3k2m9qk4t1x{number:03}" for number in range(BY_ADDRESS.burst + 1)]
    told = [coded(await attempt(cell, order_id, "12345678")) for order_id in ids]
    assert told == [(401, "code.refused")] * BY_ADDRESS.burst + [(429, "auth.too_often")]


async def test_a_code_is_sent_for_an_order_without_a_postcode_to_who_knows_none(cell):
    sent = order() | {"customer": {"email": MIA}, "ship_to": {"country": "US"}}
    answer = await cell.post("/v1/orders", sent, **cell.bearer())
    assert answer.status_code == 201, answer.text
    assert (await ask(cell, answer.json()["order_id"], postcode="-")).status_code == 202
    assert letters(cell) == []


async def test_one_network_asks_from_each_of_its_addresses(cell):
    async def ask_from(address, number):
        body = {"order_id": f"us-01kah2v3nq7h3k2m9qk4t1x{number:03}", "email": MIA}
        return await cell.plain("/v1/guest/codes", body, **{"X-Forwarded-For": address})

    for number in range(CODES_BY_ADDRESS.burst):
        assert (await ask_from(f"2001:db8:1:2::{number:x}", number)).status_code == 202
    assert coded(await ask_from("2001:db8:1:2:ffff:ffff:ffff:ffff", 100)) == (429, "auth.too_often")
    assert (await ask_from("2001:db8:1:3::1", 101)).status_code == 202


@pytest.mark.parametrize(("networks", "last"), [(("10.0.0.0/24",), 202), ((), 429)])
async def test_a_router_on_another_machine_makes_all_its_callers_one(tmp_path, monkeypatch, networks, last):
    without_waiting(monkeypatch)
    async with furnished(tmp_path, router_networks=networks) as made:
        transport = httpx.ASGITransport(made.app, client=("10.0.0.5", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://cell") as router:
            for number in range(CODES_BY_ADDRESS.burst + 1):
                body = {"order_id": f"us-01kah2v3nq7h3k2m9qk4t1x{number:03}", "email": MIA}
                told = {"X-Forwarded-For": f"203.0.113.{number}"}
                answer = await router.post("/v1/guest/codes", json=body, headers=told)
        assert answer.status_code == last


async def test_a_guests_token_reaches_another_order_or_anything_else_of_its_own(cell):
    order_id, other = await placed(cell), await placed(cell)
    guest = bearer(await came_in(cell, order_id))
    foreign = await cell.http.get(f"/v1/orders/{other}", headers=guest)
    nothing = await cell.http.get(f"/v1/orders/{NOBODY}", headers=guest)
    assert coded(foreign) == coded(nothing) == (404, "order.unknown")
    assert {**foreign.json(), "request_id": ""} == {**nothing.json(), "request_id": ""}
    before = cell.gateway.entities["order", other]
    assert coded(await cell.post(f"/v1/orders/{other}/updates", {"update": "cancel"}, **guest)) == (
        404,
        "order.unknown",
    )
    assert cell.gateway.entities["order", other] == before
    for update in ({"update": "ship"}, {"update": "cancel", "fulfilment_id": f"{order_id}.1"}):
        refused = await cell.post(f"/v1/orders/{order_id}/updates", update, **guest)
        assert coded(refused) == (403, "auth.forbidden"), update
    for path in ("/v1/orders", f"/v1/orders/{order_id}/events", "/v1/live", "/v1/customers/me/orders"):
        assert coded(await cell.http.get(path, headers=guest)) == (403, "auth.forbidden"), path
    assert coded(await cell.post("/v1/orders", order(), **guest)) == (403, "auth.forbidden")
    cell.clock.now += GUEST_S * 1000
    assert coded(await cell.http.get(f"/v1/orders/{order_id}", headers=guest)) == (401, "auth.token_invalid")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"order_id": NOBODY}, "body.invalid"),
        ({"order_id": NOBODY, "email": MIA, "postcode": "1"}, "body.invalid"),
        ({"order_id": "no order", "email": MIA}, "body.invalid"),
        ({"order_id": NOBODY, "email": "mia"}, "email.invalid"),
        ({"order_id": NOBODY, "email": "mia\n@example.com"}, "body.invalid"),
        ({"order_id": NOBODY, "email": "m\u202eia@"}, "email.invalid"),
        ({"order_id": NOBODY, "email": "m" * 250 + "@example.com"}, "body.invalid"),
        ({"order_id": NOBODY, "email": MIA, "owner": "us-cust-x"}, "body.unknown_field"),
        ({"email": MIA}, "body.missing_field"),
    ],
)
async def test_a_bad_request_for_a_code_is_taken(cell, body, code):
    before = cell.state()
    answer = await cell.plain("/v1/guest/codes", body)
    assert coded(answer) == (422, code)
    assert MIA not in answer.text
    assert cell.state() == before


async def test_an_order_of_another_region_gets_a_code_here(cell):
    assert coded(await ask(cell, "eu" + NOBODY[2:])) == (421, "region.misdirected")
    assert coded(await attempt(cell, "eu" + NOBODY[2:], "12345678")) == (421, "region.misdirected")


@pytest.mark.parametrize("email", ["mia", "mia@localhost", "Mia <mia@example.com>", "mia@exam ple.com", "m" * 243 + "@example.com", "m\x00@example.com"])  # fmt: skip
async def test_an_order_is_placed_with_what_is_no_address(cell, email):
    before = cell.state()
    answer = await cell.post("/v1/orders", order() | {"customer": {"email": email}}, **cell.bearer())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/customer/email"
    assert answer.json()["code"] in ("email.invalid", "body.invalid")
    assert cell.state() == before


async def test_a_cell_without_identity_keeps_an_address_in_the_clear():
    open_cell = Cell()
    await furnish_with(open_cell, {})
    before = open_cell.state()
    answer = await open_cell.post("/v1/orders", order() | {"customer": {"email": MIA}})
    assert coded(answer) == (422, "email.not_kept")
    assert open_cell.state() == before
    await open_cell.http.aclose()


async def test_an_address_or_a_code_is_found_in_what_is_kept_or_told(cell):
    order_id = await placed(cell, customer_ref="c-17")
    told = await came_in(cell, order_id)
    code = code_in(cell)
    kept = json.dumps([cell.gateway.events[key] for key in cell.gateway.events], default=str)
    kept += repr(cell.gateway.entities) + repr(cell.gateway.remembered) + repr(cell.gateway.orders)
    pages = [
        await cell.http.get(f"/v1/orders/{order_id}", headers=bearer(told)),
        await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("manager")),
        await cell.http.get(f"/v1/orders/{order_id}/events", headers=cell.of_role("manager")),
        await cell.http.get("/v1/orders", headers=cell.of_role("manager")),
    ]
    shown = "".join(page.text for page in pages)
    for secret in ("mia.muster", "example.com", code):
        assert secret not in (kept + shown).lower()
    for name in ("contact", "digest", "sealed", "email"):
        assert name not in shown
    assert {page.status_code for page in pages} == {200}


@pytest.mark.parametrize("told", [True, False])
async def test_codes_stand_in_the_log_of_a_cell_that_others_reach_or_whole_addresses_in_any(cell, monkeypatch, told):
    lines = []

    class Log:
        def info(self, *given, **more):
            lines.append((given, more))

    monkeypatch.setattr(outbox, "log", Log())
    cell.services.settings = msgspec.structs.replace(cell.services.settings, notices_told=told)
    scope = {"ocefs.request_id": "r-1"}
    notice = Notice("guest.code", "mia.muster@example.com", NOBODY, {"code": "12345678"}, cell.clock.now)
    await outbox.NoticeOutbox(Desk(cell.services)).send(notice, scope)
    assert letters(cell) == [("guest.code", "mia.muster@example.com", {"code": "12345678"})]
    assert ("12345678" in repr(lines)) == told
    assert "muster" not in repr(lines) + repr(notice)
    assert "example" not in repr(lines) + repr(notice)


async def test_a_notice_is_delivered_by_anybody_or_its_code_is_kept_after(cell):
    await ask(cell, await placed(cell))
    ((_, identity),) = [key for key in cell.gateway.entities if key[0] == "notice"]
    path = f"/v1/notices/{identity}/sent"
    assert coded(await cell.http.post(path, headers=cell.of_role("ops"))) == (403, "auth.forbidden")
    worker = cell.bearer(scopes=("notices.deliver",))
    for _ in range(2):
        assert (await cell.http.post(path, headers=worker)).json() == {"notice_id": identity, "status": "sent"}
    notice, _ = cell.gateway.entities["notice", identity]
    assert (notice.sealed_address, notice.sealed_content) == (b"", b"")
    other = f"{identity[:-1]}{'1' if identity.endswith('0') else '0'}"
    for unknown in ("us-notice-x", f"eu{identity[2:]}", other):
        assert coded(await cell.http.post(f"/v1/notices/{unknown}/sent", headers=worker)) == (404, "notice.unknown")


async def test_whoever_knows_the_id_of_an_order_keeps_its_owner_from_a_code_by_a_wrong_address(cell):
    order_id = await placed(cell)
    for _ in range(CODES_BY_PERSON.burst + 2):
        await ask(cell, order_id, email="wrong@example.org")
    assert coded(await ask(cell, order_id)) == (429, "auth.too_often")
    body, hers = {"order_id": order_id, "email": MIA}, {"X-Forwarded-For": "203.0.113.7"}
    assert (await cell.plain("/v1/guest/codes", body, **hers)).status_code == 202
    assert (await attempt(cell, order_id, code_in(cell))).status_code == 200


async def test_a_mailbox_is_filled_from_many_networks(cell):
    order_id = await placed(cell)
    for number in range(3 * ASKS_MAX):
        body, theirs = {"order_id": order_id, "email": MIA}, {"X-Forwarded-For": f"203.0.113.{number}"}
        assert (await cell.plain("/v1/guest/codes", body, **theirs)).status_code == 202
    assert len(letters(cell)) == ASKS_MAX
