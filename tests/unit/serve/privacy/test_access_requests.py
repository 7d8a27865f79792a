"""Who asks for their data gets another's, part of it, all of it unasked or for ever, or a page that runs what
somebody wrote into an order."""

import base64
import hashlib
import json

import pytest

from actors.domain.times import DAY_MS
from serve.identity.limits import OWN_DATA_BY_PERSON
from serve.privacy import export
from serve.privacy import page as person_page
from tests.unit.serve.post_office import bearer, coded, joined
from tests.unit.serve.privacy.office import (
    DATA,
    EMAIL,
    MINE,
    NOTE,
    PLANTED,
    TO,
    ask_mine,
    asked,
    body,
    customer,
    exported,
    in_carts,
    noted,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order


async def test_a_customer_gets_their_data_unasked_or_not_at_all(cell):
    tokens, orders = await customer(cell)
    assert coded(await cell.http.post(DATA, headers=bearer(tokens))) == (403, "privacy.no_request")
    await ask_mine(cell, tokens, "erasure")
    assert coded(await cell.http.post(DATA, headers=bearer(tokens))) == (403, "privacy.no_request")
    mine = await ask_mine(cell, tokens, "portability")
    assert (mine["status"], mine["term"]) == (
        "confirmed",
        "GDPR Art. 12(3): one month, two further ones where necessary",
    )
    answer = await cell.http.post(DATA, headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    data = answer.json()
    assert {one["order"]["order_id"] for one in data["orders"]} == set(orders)
    assert all(one["order"]["ship_to"] == TO for one in data["orders"])
    assert {one["email"] for one in data["orders"]} == {"", EMAIL}
    assert [account["email"] for account in data["accounts"]] == [EMAIL]
    assert "sealed" not in data["orders"][0]["order"]
    after = (await cell.http.get(f"{MINE}/{mine['request_id']}", headers=bearer(tokens))).json()
    assert (after["status"], after["done"]) == ("in_progress", ["export"])
    assert [line.act.action for line in cell.gateway.audited if line.who.subject == tokens["customer_id"]][-4:] == [
        "customer.export", "privacy_request.begin_export", "privacy_request.export", "privacy_request.read",
    ]  # fmt: skip


async def test_another_customer_sees_a_request_or_gets_the_data(cell):
    (mia, _), tom = await customer(cell), await joined(cell, "tom@example.com")
    hers = (await ask_mine(cell, mia, "access"))["request_id"]
    nothing = await cell.http.get(f"{MINE}/us-privacy-01kah2v3nq7h3k2m9qk4t1x0ab", headers=bearer(tom))
    foreign = await cell.http.get(f"{MINE}/{hers}", headers=bearer(tom))
    assert coded(foreign) == coded(nothing) == (404, "privacy.unknown")
    assert {**foreign.json(), "request_id": ""} == {**nothing.json(), "request_id": ""}
    assert (await cell.http.get(MINE, headers=bearer(tom))).json()["requests"] == []
    assert coded(await cell.http.post(DATA, headers=bearer(tom))) == (403, "privacy.no_request")
    await ask_mine(cell, tom, "know", "ccpa")
    his = (await cell.http.post(DATA, headers=bearer(tom))).text.lower()
    assert [word for word in PLANTED if word in his] == []
    assert [one["request_id"] for one in (await cell.http.get(MINE, headers=bearer(mia))).json()["requests"]] == [hers]


@pytest.mark.parametrize("restricted", [False, True])
async def test_a_mistyped_address_tells_another_customer_where_somebody_lives(cell, restricted):
    """Tom, who is signed in, gives the person's address as the one to write to."""
    tom, (mia, orders) = await joined(cell, "tom@example.com"), await customer(cell)
    to = TO | {"recipient": "Tom Tailor", "street": "99 Secret Road"}
    his = await placed(cell, order(order_ref="toms-1", customer={"email": EMAIL}, ship_to=to), **bearer(tom))
    assert coded(await cell.http.get(f"/v1/orders/{his}", headers=bearer(mia))) == (404, "order.unknown")
    if restricted:
        request_id = await proved(
            cell, "gdpr", "restriction", email=None, customer_ref=None, customer_id=tom["customer_id"]
        )
        await stepped(cell, request_id, "restrict")
    await ask_mine(cell, mia, "access")
    told = [
        await cell.http.post(DATA, headers=bearer(mia)),
        await exported(cell, await proved(cell, "gdpr", "access")),
        await exported(cell, await proved(cell, "gdpr", "access"), "?format=html"),
    ]
    assert {one["order"]["order_id"] for one in told[0].json()["orders"]} == set(orders)
    for answer in told:
        assert answer.status_code == 200, answer.text
        assert [word for word in ("Tailor", "Secret Road", "toms-1", his) if word in answer.text] == []
    # Nor is it corrected for her; Tom is told all of it.
    rectified = await step(
        cell, await proved(cell, "gdpr", "rectification"), "rectify", order_id=his, correction={"street": "1 Other Road"}
    )  # fmt: skip
    assert coded(rectified) == (404, "privacy.order_of_another")
    await ask_mine(cell, tom, "access")
    data = (await cell.http.post(DATA, headers=bearer(tom))).json()
    assert [one["order"]["ship_to"]["street"] for one in data["orders"]] == ["99 Secret Road"]


async def test_the_data_of_a_completed_request_is_told_for_ever(cell):
    tokens, _ = await customer(cell)
    request_id = (await ask_mine(cell, tokens, "access", "lgpd"))["request_id"]
    assert (await cell.http.post(DATA, headers=bearer(tokens))).status_code == 200
    await stepped(cell, request_id, "complete")
    assert (await cell.http.post(DATA, headers=bearer(tokens))).status_code == 200
    cell.clock.now += 15 * DAY_MS + 1
    again = await joined(cell, EMAIL)
    assert coded(await cell.http.post(DATA, headers=bearer(again))) == (403, "privacy.no_request")


async def test_a_session_of_yesterday_is_proof_enough_to_be_told_everything(cell):
    tokens, _ = await customer(cell)
    await ask_mine(cell, tokens, "access")
    cell.clock.now += 301_000
    renewed = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    for answer in (
        await cell.http.post(DATA, headers=bearer(renewed.json())),
        await cell.post(MINE, {"law": "gdpr", "right": "erasure"}, **bearer(renewed.json())),
    ):
        assert coded(answer) == (401, "auth.step_up_required")
    assert (await cell.http.get(MINE, headers=bearer(renewed.json()))).status_code == 200


async def test_somebody_asks_without_end(cell):
    tokens = await joined(cell, EMAIL)
    told = [
        (await cell.post(MINE, {"law": "gdpr", "right": "access"}, **bearer(tokens))).status_code
        for _ in range(OWN_DATA_BY_PERSON.burst + 1)
    ]
    assert told == [201] * OWN_DATA_BY_PERSON.burst + [429]
    told = [
        (await cell.http.post(DATA, headers=bearer(tokens))).status_code for _ in range(OWN_DATA_BY_PERSON.burst + 1)
    ]
    assert told == [200] * OWN_DATA_BY_PERSON.burst + [429]


async def test_what_an_officer_wrote_down_is_not_seen_by_the_person(cell):
    tokens, _ = await customer(cell)
    request_id = await asked(cell, "gdpr", "access")
    listed = (await cell.http.get(MINE, headers=bearer(tokens))).json()["requests"]
    assert [one["request_id"] for one in listed] == [request_id]
    # Nobody has proved it yet: the session would, and did not ask.
    assert coded(await cell.http.post(DATA, headers=bearer(tokens))) == (403, "privacy.no_request")


async def test_an_order_of_the_person_is_left_out_of_the_export(cell):
    _, orders = await customer(cell)
    other = await placed(cell, body(customer={"customer_ref": "another-1"}, order_ref="web-1"))
    request_id = await proved(cell, "gdpr", "access")
    data = (await exported(cell, request_id)).json()
    assert {one["order"]["order_id"] for one in data["orders"]} == set(orders)
    assert other not in json.dumps(data)
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"


async def test_an_address_that_is_named_beside_an_account_is_passed_over(cell):
    """The account has another one."""
    tokens, orders = await customer(cell)
    other = await placed(cell, body(customer={"email": "mia.other@example.org"}))
    request_id = await proved(
        cell, "gdpr", "access", customer_id=tokens["customer_id"], email="mia.other@example.org", customer_ref=None
    )
    told = (await exported(cell, request_id)).json()["orders"]
    assert {one["order"]["order_id"] for one in told} == {orders[0], other}


async def test_what_was_agreed_to_by_the_second_of_two_accounts_is_left_out(cell):
    told = [await joined(cell, email) for email in (EMAIL, "mia.other@example.org")]
    for tokens, purpose in zip(told, ("marketing_email", "personalisation"), strict=True):
        said = {"consents": [{"purpose": purpose, "granted": False}]}
        assert (await cell.write("PUT", "/v1/customers/me/consents", said, **bearer(tokens))).status_code == 200
    request_id = await proved(
        cell, "gdpr", "access", customer_id=told[0]["customer_id"], email="mia.other@example.org", customer_ref=None
    )
    data = (await exported(cell, request_id)).json()
    assert [one["customer_id"] for one in data["accounts"]] == [tokens["customer_id"] for tokens in told]
    assert [one["purpose"] for one in data["consents"]] == ["marketing_email", "personalisation"]


async def test_what_was_acknowledged_a_moment_ago_is_passed_over(cell, monkeypatch):
    request_id, since = await proved(cell, "gdpr", "access"), cell.clock.now
    monkeypatch.setattr(cell.gateway, "fresh_ms", lambda: since - 1)
    assert coded(await exported(cell, request_id)) == (503, "privacy.not_fresh")
    monkeypatch.setattr(cell.gateway, "fresh_ms", lambda: cell.clock.now)
    assert (await exported(cell, request_id)).status_code == 200


async def test_what_waits_to_be_sent_about_an_account_or_an_order_is_not_counted(cell):
    _, orders = await customer(cell)
    request_id = await proved(cell, "gdpr", "access")
    before = (await exported(cell, request_id)).json()["pending_notices"]
    told = []
    for path, sent in (("customers/codes", {"email": EMAIL}), ("guest/codes", {"order_id": orders[1], "email": EMAIL})):
        cell.clock.now += 60_000
        assert (await cell.plain(f"/v1/{path}", sent)).status_code == 202
        told.append((await exported(cell, request_id)).json()["pending_notices"])
    assert told == [before + 1, before + 2]


async def test_a_request_by_another_name_of_the_person_is_left_out_of_the_export(cell):
    """Each is kept for the first of its names."""
    await customer(cell)
    by_reference = await asked(cell, "gdpr", "erasure", email=None)
    by_address = await asked(cell, "gdpr", "restriction", customer_ref=None)
    by_both = await proved(cell, "gdpr", "access")
    told = (await exported(cell, by_both)).json()["requests"]
    assert [one["request_id"] for one in told] == sorted([by_reference, by_address, by_both])
    his = await proved(cell, "gdpr", "access", email=None, customer_ref="another-1")
    assert [one["request_id"] for one in (await exported(cell, his)).json()["requests"]] == [his]


async def test_the_page_runs_what_somebody_wrote_into_an_order_or_is_in_the_wrong_language(cell):
    nasty = "<script>alert(1)</script>"
    await placed(cell, body(ship_to=TO | {"recipient": nasty, "street": "\"><img src=x onerror='a'>"}))
    request_id = await proved(cell, "gdpr", "access")
    for wanted, language, heading in (
        ("de, pt-BR;q=0.8, es;q=0.5", "pt", "Seus dados"), ("es-MX", "es", "Sus datos"), ("fr", "en", "Your data"),
        ("en;q=0, es;q=x", "en", "Your data"), ("", "en", "Your data"),
    ):  # fmt: skip
        answer = await exported(cell, request_id, "?format=html", **{"accept-language": wanted})
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-language"] == language
        assert f"<h1>{heading}</h1>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'none';" in policy, "no script is in the page"
    assert "'unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert nasty not in answer.text
    assert "<img" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert EMAIL in answer.text
    assert coded(await exported(cell, request_id, "?format=pdf")) == (422, "request.parameter_invalid")


async def test_a_text_that_got_into_the_page_as_it_is_runs_there(cell, monkeypatch):
    monkeypatch.setattr(person_page, "_safe", str)
    await placed(cell, body(ship_to=TO | {"recipient": "<script>alert(1)</script><style>p{}</style>"}))
    answer = await exported(cell, await proved(cell, "gdpr", "access"), "?format=html")
    assert "<script>alert(1)</script><style>p{}</style>" in answer.text
    style = base64.b64encode(hashlib.sha256(person_page._STYLE.encode()).digest()).decode()
    (told,) = answer.headers.get_list("content-security-policy")
    assert f"default-src 'none'; script-src 'none'; style-src 'sha256-{style}'; object-src 'none';" in told


async def test_the_page_keeps_back_what_the_staff_wrote_of_the_person_and_runs_it(cell):
    """The same notes as in the JSON, in each language; the staff may write anything into them."""
    _, orders = await customer(cell)
    nasty = {"reasons": ["address"], "note": "asks for <script>alert(2)</script>"}
    await noted(cell, *orders)
    sent = {"update": "hold", "hold": nasty}
    answer = await cell.post(f"/v1/orders/{orders[0]}/updates", sent, **cell.of_role("support"))
    assert answer.status_code == 200, answer.text
    request_id = await proved(cell, "gdpr", "access")
    data = (await exported(cell, request_id)).json()
    told = [hold["note"] for one in data["orders"] for hold in one["order"]["terms"]["holds"]]
    assert sorted(told) == sorted([*[NOTE] * len(orders), nasty["note"]])
    for language, heading in (
        ("en", "Notes of the staff"), ("es", "Notas del personal"), ("pt", "Anotações da equipe"),
    ):  # fmt: skip
        page = (await exported(cell, request_id, "?format=html", **{"accept-language": language})).text
        # Of those that stand, those that were released, and of their releases.
        assert page.count(NOTE) == 5 * len(orders)
        assert "asks for &lt;script&gt;alert(2)&lt;/script&gt;" in page
        assert "<script>" not in page
        assert f'<th scope="col">{heading}</th>' in page


async def test_the_export_of_somebody_with_very_many_carts_grows_without_bound(cell, monkeypatch):
    monkeypatch.setattr(export, "RESERVATIONS_MAX", 2)
    tokens, _ = await customer(cell)
    await in_carts(cell, tokens, 3)
    answer = await exported(cell, await proved(cell, "gdpr", "access"))
    assert coded(answer) == (409, "privacy.too_many_reservations")


@pytest.mark.parametrize("catches_up", [True, False])
async def test_who_asks_for_the_data_at_once_is_told_that_nobody_asked(cell, monkeypatch, catches_up):
    tokens = await joined(cell, EMAIL)
    since, listed, sleep = cell.clock.now, cell.read_model.privacy_requests, cell.services.clock.sleep
    behind = [True]

    async def slept(seconds):
        behind[0] = not catches_up
        await sleep(seconds)

    async def old(**asked):
        return [] if behind[0] else await listed(**asked)

    monkeypatch.setattr(cell.services.clock, "sleep", slept)
    monkeypatch.setattr(cell.read_model, "privacy_requests", old)
    monkeypatch.setattr(cell.gateway, "fresh_ms", lambda: since if behind[0] else cell.clock.now)
    cell.clock.now += 10
    assert (await ask_mine(cell, tokens, "access"))["status"] == "confirmed"
    answer = await cell.http.post(DATA, headers=bearer(tokens))
    if catches_up:
        assert answer.status_code == 200, answer.text
    else:
        assert coded(answer) == (503, "privacy.not_fresh")
        assert "retry-after" in answer.headers
