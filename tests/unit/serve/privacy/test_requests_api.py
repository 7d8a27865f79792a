"""What people ask about their own data, as officers and customers meet it. What the request itself decides: tests/unit/domain/."""

import json
import re

import msgspec
import pytest

from actors.domain.data_key import TOLD_MS
from actors.domain.order_commands import RectifyOrder
from actors.domain.times import DAY_MS, moment
from actors.runtime.sharding import digest_of
from serve.identity.limits import OWN_DATA_BY_PERSON
from serve.privacy.steps import RECTIFY_TRIES
from tests.unit.serve.post_office import MIA, bearer, coded, joined
from tests.unit.serve.privacy.office import (
    EMAIL,
    PATH,
    PLANTED,
    REF,
    TO,
    asked,
    body,
    customer,
    exported,
    kept,
    over,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order

MINE = "/v1/customers/me/privacy-requests"
DATA = "/v1/customers/me/data"


async def ask_mine(cell, tokens, right, law="gdpr"):
    answer = await cell.post(MINE, {"law": law, "right": right}, **bearer(tokens))
    assert answer.status_code == 201, answer.text
    return answer.json()


# --- customers themselves
async def test_a_customer_gets_their_data_unasked_or_not_at_all(cell):
    tokens, orders = await customer(cell)
    assert coded(await cell.http.get(DATA, headers=bearer(tokens))) == (403, "privacy.no_request")
    await ask_mine(cell, tokens, "erasure")
    assert coded(await cell.http.get(DATA, headers=bearer(tokens))) == (403, "privacy.no_request")
    mine = await ask_mine(cell, tokens, "portability")
    assert (mine["status"], mine["term"]) == (
        "confirmed",
        "GDPR Art. 12(3): one month, two further ones where necessary",
    )
    answer = await cell.http.get(DATA, headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    data = answer.json()
    assert {one["order"]["order_id"] for one in data["orders"]} == set(orders)
    assert all(one["order"]["ship_to"] == TO for one in data["orders"])
    assert {one["email"] for one in data["orders"]} == {"", EMAIL}
    assert [account["email"] for account in data["accounts"]] == [EMAIL]
    assert "sealed" not in data["orders"][0]["order"]
    after = (await cell.http.get(f"{MINE}/{mine['request_id']}", headers=bearer(tokens))).json()
    assert (after["status"], after["done"]) == ("in_progress", ["export"])
    assert [line.act.action for line in cell.gateway.audited if line.who.subject == tokens["customer_id"]][-3:] == [
        "customer.export", "privacy_request.begin_export", "privacy_request.export",
    ]  # fmt: skip


async def test_another_customer_sees_a_request_or_gets_the_data(cell):
    (mia, _), tom = await customer(cell), await joined(cell, "tom@example.com")
    hers = (await ask_mine(cell, mia, "access"))["request_id"]
    nothing = await cell.http.get(f"{MINE}/us-privacy-01kah2v3nq7h3k2m9qk4t1x0ab", headers=bearer(tom))
    foreign = await cell.http.get(f"{MINE}/{hers}", headers=bearer(tom))
    assert coded(foreign) == coded(nothing) == (404, "privacy.unknown")
    assert {**foreign.json(), "request_id": ""} == {**nothing.json(), "request_id": ""}
    assert (await cell.http.get(MINE, headers=bearer(tom))).json()["requests"] == []
    assert coded(await cell.http.get(DATA, headers=bearer(tom))) == (403, "privacy.no_request")
    await ask_mine(cell, tom, "know", "ccpa")
    his = (await cell.http.get(DATA, headers=bearer(tom))).text.lower()
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
        await cell.http.get(DATA, headers=bearer(mia)),
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
    data = (await cell.http.get(DATA, headers=bearer(tom))).json()
    assert [one["order"]["ship_to"]["street"] for one in data["orders"]] == ["99 Secret Road"]


async def test_the_data_of_a_completed_request_is_told_for_ever(cell):
    tokens, _ = await customer(cell)
    request_id = (await ask_mine(cell, tokens, "access", "lgpd"))["request_id"]
    assert (await cell.http.get(DATA, headers=bearer(tokens))).status_code == 200
    await stepped(cell, request_id, "complete")
    assert (await cell.http.get(DATA, headers=bearer(tokens))).status_code == 200
    cell.clock.now += 15 * DAY_MS + 1
    again = await joined(cell, EMAIL)
    assert coded(await cell.http.get(DATA, headers=bearer(again))) == (403, "privacy.no_request")


async def test_a_session_of_yesterday_is_proof_enough_to_be_told_everything(cell):
    tokens, _ = await customer(cell)
    await ask_mine(cell, tokens, "access")
    cell.clock.now += 301_000
    renewed = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    for answer in (
        await cell.http.get(DATA, headers=bearer(renewed.json())),
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
        (await cell.http.get(DATA, headers=bearer(tokens))).status_code for _ in range(OWN_DATA_BY_PERSON.burst + 1)
    ]
    assert told == [200] * OWN_DATA_BY_PERSON.burst + [429]


async def test_what_an_officer_wrote_down_is_not_seen_by_the_person(cell):
    tokens, _ = await customer(cell)
    request_id = await asked(cell, "gdpr", "access")
    listed = (await cell.http.get(MINE, headers=bearer(tokens))).json()["requests"]
    assert [one["request_id"] for one in listed] == [request_id]
    # Nobody has proved it yet: the session would, and did not ask.
    assert coded(await cell.http.get(DATA, headers=bearer(tokens))) == (403, "privacy.no_request")


# --- the officer
async def test_what_was_typed_to_find_the_person_is_kept(cell):
    request_id = await asked(cell)
    everything = kept(cell)
    assert request_id in everything
    assert [word for word in PLANTED if word in everything] == []
    # Nor a digest by which somebody could try out what was typed.
    _, orders = await customer(cell)
    typed = msgspec.json.encode({"law": "gdpr", "right": "access", "email": EMAIL})
    assert (await cell.post(PATH, typed, **cell.of_role("privacy"))).status_code == 201
    request_id = await proved(cell, "gdpr", "rectification")
    step_typed = msgspec.json.encode(
        {"step": "rectify", "order_id": orders[2], "correction": {"street": "14 Larkspur Close"}}
    )
    answer = await cell.post(f"{PATH}/{request_id}/steps", step_typed, **cell.of_role("privacy"))
    assert answer.status_code == 200, answer.text
    digests = {digest for digest, _ in cell.gateway.remembered.values()}
    assert not {digest_of(typed), digest_of(step_typed)} & digests


@pytest.mark.parametrize(
    ("sent", "code", "pointer"),
    [
        ({"law": "gdpr", "right": "access"}, "body.invalid", ""),
        ({"law": "gdpr", "right": "access", "email": "not one"}, "email.invalid", "/email"),
        ({"law": "gdpr", "right": "access", "customer_id": "eu-cust-" + "0" * 26}, "body.invalid", "/customer_id"),
        ({"law": "gdpr", "right": "access", "customer_ref": "c", "agent": "a b"}, "body.invalid", "/agent"),
        ({"law": "gdpr", "right": "access", "customer_ref": "c", "received_at": "2031-01-01T00:00:00Z"}, "body.invalid", "/received_at"),
        ({"law": "gdpr", "right": "access", "customer_ref": "c", "received_at": "2020-01-01T00:00:00Z"}, "body.invalid", "/received_at"),
    ],
)  # fmt: skip
async def test_a_request_that_names_nobody_or_nonsense_is_written_down(cell, sent, code, pointer):
    before = cell.state()
    answer = await cell.post(PATH, sent, **cell.of_role("privacy"))
    assert (*coded(answer), answer.json()["errors"][0]["pointer"]) == (422, code, pointer)
    assert cell.state() == before


async def test_a_right_of_another_law_is_written_down(cell):
    sent = {"law": "gdpr", "right": "opt_out", "customer_ref": REF}
    assert coded(await cell.post(PATH, sent, **cell.of_role("privacy"))) == (422, "privacy.right_not_of_law")


async def test_the_deadline_counts_from_when_it_was_written_down(cell):
    received = cell.clock.now - 10 * DAY_MS
    at = _iso(received)
    answer = await cell.post(
        PATH, {"law": "lgpd", "right": "access", "customer_ref": REF, "received_at": at}, **cell.of_role("privacy")
    )
    assert answer.json()["deadline_at"] == _iso(received + 15 * DAY_MS)


def _iso(ms):
    return moment(ms).isoformat().replace("+00:00", "Z")


async def test_something_is_done_before_it_is_known_who_asks(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    for law, right, name, more in (
        ("gdpr", "erasure", "erase", {}), ("ccpa", "delete", "erase", {}), ("gdpr", "restriction", "restrict", {}),
        ("gdpr", "object", "opt_out", {}),
        ("lgpd", "rectification", "rectify", {"order_id": orders[0], "correction": {"street": "x"}}),
    ):  # fmt: skip
        request_id = await asked(cell, law, right)
        before = cell.state()[0]
        assert coded(await step(cell, request_id, name, **more)) == (409, "privacy.identity_unconfirmed")
        assert coded(await step(cell, request_id, "complete")) == (409, "privacy.identity_unconfirmed")
        assert cell.state()[0] == before
    request_id = await asked(cell, "gdpr", "access")
    answer = await exported(cell, request_id)
    assert coded(answer) == (409, "privacy.identity_unconfirmed")
    assert answer.json()["missing"] == ["person"]
    assert [word for word in PLANTED if word in answer.text.lower()] == []


async def test_an_agent_acts_for_somebody_who_has_not_said_so(cell):
    request_id = await asked(cell, "ccpa", "know", agent="agent-7")
    told = await stepped(cell, request_id, "confirm_identity", method="agent_mandate", evidence="mandate-7")
    assert (told["status"], told["missing"]) == ("received", ["person"])
    assert coded(await exported(cell, request_id)) == (409, "privacy.identity_unconfirmed")
    told = await stepped(cell, request_id, "confirm_identity", method="code_by_email", evidence="code-8")
    assert told["status"] == "confirmed"
    assert (await exported(cell, request_id)).status_code == 200


@pytest.mark.parametrize("sent", [
    {"step": "confirm_identity", "method": "id_document"}, {"step": "extend"}, {"step": "refuse", "reason": "complex"},
    {"step": "extend", "reason": "no_data"}, {"step": "erase", "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab"},
    {"step": "rectify", "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab"}, {"step": "export"}, {"step": "complete", "evidence": "x"},
])  # fmt: skip
async def test_a_step_lacks_something_or_has_anothers(cell, sent):
    request_id = await proved(cell)
    before = cell.state()
    answer = await cell.post(f"{PATH}/{request_id}/steps", sent, **cell.of_role("privacy"))
    assert answer.status_code == 422, answer.text
    assert cell.state() == before


async def test_an_old_proof_of_the_officer_is_enough_to_tell_or_change_somebodys_data(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await proved(cell, "gdpr", "access")
    stale = cell.of_role("privacy", auth_time=cell.clock.now // 1000 - 301)
    before = cell.state()
    for answer in (
        await cell.http.get(f"{PATH}/{request_id}/export", headers=stale),
        await cell.post(f"{PATH}/{request_id}/steps", {"step": "erase"}, **stale),
    ):
        assert coded(answer) == (401, "auth.step_up_required")
    assert cell.state() == before


async def test_somebody_with_rights_at_one_place_handles_requests_of_the_region(cell):
    here = cell.of_role("privacy", locs=("us-wh-seattle",))
    request_id = await asked(cell)
    answers = [
        await cell.post(PATH, {"law": "gdpr", "right": "access", "customer_ref": REF}, **here),
        await cell.http.get(PATH, headers=here),
        await cell.http.get(f"{PATH}/{request_id}", headers=here),
        await cell.http.get(f"{PATH}/{request_id}/export", headers=here),
        await cell.post(f"{PATH}/{request_id}/steps", {"step": "complete"}, **here),
    ]
    assert [coded(answer) for answer in answers] == [(403, "auth.location_forbidden")] * 5


async def test_the_list_leaves_the_nearest_deadline_for_the_last_page(cell):
    ids = [await asked(cell, law, right, received_at=None) for law, right in (
        ("ccpa", "delete"), ("gdpr", "erasure"), ("lgpd", "erasure"), ("gdpr", "access"),
    )]  # fmt: skip
    await stepped(cell, ids[3], "refuse", reason="no_data")
    headers, told = cell.of_role("privacy"), []
    page = (await cell.http.get(PATH, params={"limit": 2}, headers=headers)).json()
    told += page["requests"]
    page = (await cell.http.get(PATH, params={"limit": 2, "cursor": page["next_cursor"]}, headers=headers)).json()
    told += page["requests"]
    assert page["next_cursor"] is None
    assert [one["request_id"] for one in told] == [ids[2], ids[1], ids[0]], "what is closed is not open"
    refused = (await cell.http.get(PATH, params={"status": "refused"}, headers=headers)).json()["requests"]
    assert [one["request_id"] for one in refused] == [ids[3]]
    assert coded(await cell.http.get(PATH, params={"status": "late"}, headers=headers)) == (
        422,
        "request.parameter_invalid",
    )


async def test_an_order_of_the_person_is_left_out_of_the_export(cell):
    _, orders = await customer(cell)
    other = await placed(cell, body(customer={"customer_ref": "another-1"}, order_ref="web-1"))
    request_id = await proved(cell, "gdpr", "access")
    data = (await exported(cell, request_id)).json()
    assert {one["order"]["order_id"] for one in data["orders"]} == set(orders)
    assert other not in json.dumps(data)
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"


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
    assert re.search(r"script-src 'self';", policy), "no script is in the page"
    assert "'unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert nasty not in answer.text
    assert "<img" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert EMAIL in answer.text
    assert coded(await exported(cell, request_id, "?format=pdf")) == (422, "request.parameter_invalid")


# --- restriction, rectification, objection
def while_it_is_rectified(cell, monkeypatch, work):
    """Does the work each time just before a correction reaches its order."""
    asking = cell.gateway.ask

    async def ask(kind, entity_id, command, **more):
        if type(command) is RectifyOrder:
            await work()
        return await asking(kind, entity_id, command, **more)

    monkeypatch.setattr(cell.gateway, "ask", ask)


async def test_a_correction_undoes_the_address_that_its_customer_has_just_changed(cell, monkeypatch):
    tokens, orders = await customer(cell)
    request_id, moved = await proved(cell, "gdpr", "rectification"), []

    async def customer_moves():
        if not moved:
            to = {"ship_to": TO | {"street": "77 New Street"}}
            moved.append(await cell.post(f"/v1/orders/{orders[0]}/changes", to, **bearer(tokens)))

    while_it_is_rectified(cell, monkeypatch, customer_moves)
    correction = {"phone": "+1 206 555 0199"}
    told = await step(cell, request_id, "rectify", "key-r", order_id=orders[0], correction=correction)
    assert (moved[0].status_code, told.status_code) == (200, 200), told.text
    shown = (await cell.http.get(f"/v1/orders/{orders[0]}", headers=bearer(tokens))).json()["ship_to"]
    assert (shown["street"], shown["phone"]) == ("77 New Street", "+1 206 555 0199")
    state = cell.gateway.entities["order", orders[0]]
    again = await step(cell, request_id, "rectify", "key-r", order_id=orders[0], correction=correction)
    assert (again.status_code, cell.gateway.entities["order", orders[0]]) == (200, state)


async def test_a_correction_is_tried_for_ever_while_its_order_changes(cell, monkeypatch):
    tokens, orders = await customer(cell)
    request_id, times = await proved(cell, "gdpr", "rectification"), []

    async def customer_moves():
        times.append(len(times))
        to = {"ship_to": TO | {"street": f"{len(times)} New Street"}}
        await cell.post(f"/v1/orders/{orders[0]}/changes", to, **bearer(tokens))

    while_it_is_rectified(cell, monkeypatch, customer_moves)
    answer = await step(cell, request_id, "rectify", order_id=orders[0], correction={"phone": "1"})
    assert coded(answer) == (409, "order.changed_meanwhile")
    assert len(times) == RECTIFY_TRIES


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


async def test_restricted_data_is_told_to_others_or_not_to_the_person(cell):
    tokens, orders = await customer(cell)
    request_id = await proved(cell, "gdpr", "restriction")
    told = await stepped(cell, request_id, "restrict")
    assert told["done"][0]["counts"] == {"keys": 2}, "the account's with the guest's orders, and the reference's"
    await stepped(cell, request_id, "complete")
    for order_id in orders:
        shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("manager"))).json()
        assert (shown["withheld"], shown["ship_to"]["recipient"]) == ("restricted", "")
    own = (await cell.http.get(f"/v1/orders/{orders[0]}", headers=bearer(tokens))).json()
    assert own["ship_to"] == TO
    await ask_mine(cell, tokens, "access")
    data = (await cell.http.get(DATA, headers=bearer(tokens))).json()
    assert [one["order"]["ship_to"] for one in data["orders"]] == [TO] * 3
    cell.clock.now += TOLD_MS
    await stepped(cell, request_id, "lift_restriction")
    shown = (await cell.http.get(f"/v1/orders/{orders[2]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"] == TO


async def test_a_correction_does_not_show_or_what_was_there_before_is_told_to_everybody(cell):
    _, orders = await customer(cell)
    request_id = await proved(cell, "gdpr", "rectification")
    correction = {"recipient": "Mia Feather", "street": "14 Larkspur Close", "email": "mia.feather@example.org"}
    told = await stepped(cell, request_id, "rectify", order_id=orders[2], correction=correction)
    assert told["done"][0]["counts"] == {"orders": 1, "fields": 3}
    shown = (await cell.http.get(f"/v1/orders/{orders[2]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"] == TO | {"recipient": "Mia Feather", "street": "14 Larkspur Close"}
    assert (shown["order_ref"], shown["customer"]["customer_ref"]) == ("web-90210", REF)
    path = f"/v1/orders/{orders[2]}/events"
    for role, before in (("manager", ""), ("privacy", "Mia Quillfeather")):
        events = (await cell.http.get(path, headers=cell.of_role(role))).json()["events"]
        assert (events[0]["type"], events[0]["ship_to"]["recipient"]) == ("OrderPlaced", before)
        assert events[0].get("withheld", "") == ("" if before else "rectified")
        assert (events[-1]["type"], events[-1]["ship_to"]["recipient"]) == ("OrderRectified", "Mia Feather")
        assert not {"sealed", "email_digest"} & set(events[-1])
    last = (await cell.http.get(f"{path}?after={events[-2]['sequence']}", headers=cell.of_role("manager"))).json()
    assert last["events"][0]["ship_to"]["street"] == "14 Larkspur Close"
    assert "sealed" not in json.dumps(last)
    # The order is still hers, by the new address and by the reference.
    again = await proved(cell, "gdpr", "access", email="mia.feather@example.org", customer_ref=None)
    assert [one["email"] for one in (await exported(cell, again)).json()["orders"]] == ["mia.feather@example.org"]


async def test_somebody_elses_order_is_corrected_or_moved_to_somebody_else(cell):
    _, orders = await customer(cell)
    other = await placed(cell, body(customer={"customer_ref": "another-1"}))
    request_id = await proved(cell, "lgpd", "rectification")
    answer = await step(cell, request_id, "rectify", order_id=other, correction={"street": "x"})
    assert coded(answer) == (404, "privacy.order_of_another")
    # A guest's order is kept under the key of its address.
    answer = await step(cell, request_id, "rectify", order_id=orders[1], correction={"email": MIA})
    assert coded(answer) == (422, "order.identity_fixed")
    assert (await cell.http.get(f"/v1/orders/{other}", headers=cell.of_role("manager"))).json()["ship_to"] == TO


async def test_the_words_of_a_present_are_left_out_of_the_page_or_can_not_be_corrected(cell):
    words, better = "Dear Tom, love <Mia>", "Dear Tom, love Mia Q."
    order_id = await placed(cell, body(terms={"gift": {"wrap": True, "message": words}}))
    plain = await placed(cell)
    access = await proved(cell, "gdpr", "access")
    for language, title in (
        ("en", "Words with the present"),
        ("es", "Palabras del regalo"),
        ("pt", "Palavras do presente"),
    ):
        page = (await exported(cell, access, "?format=html", **{"Accept-Language": language})).text
        assert title in page
        assert "Dear Tom, love &lt;Mia&gt;" in page
    request_id = await proved(cell, "gdpr", "rectification")
    await stepped(cell, request_id, "rectify", order_id=order_id, correction={"gift_message": better})
    shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("manager"))).json()
    assert (shown["terms"]["gift"], shown["ship_to"]) == ({"wrap": True, "message": better}, TO)
    refused = await step(cell, request_id, "rectify", order_id=plain, correction={"gift_message": better})
    assert coded(refused) == (422, "order.no_gift_message")
    await stepped(cell, request_id, "rectify", order_id=order_id, correction={"gift_message": ""})
    assert better not in (await exported(cell, access)).text


async def test_who_objects_gets_newsletters(cell):
    tokens = await joined(cell, EMAIL)
    agreed = {"consents": [{"purpose": "marketing_email", "granted": True, "text_version": "v1"}]}
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


async def test_an_extension_is_given_twice_or_where_the_law_has_none(cell):
    request_id = await asked(cell, "gdpr", "access")
    told = await stepped(cell, request_id, "extend", reason="complex")
    assert told["extended"] == "complex"
    assert coded(await step(cell, request_id, "extend", reason="complex")) == (409, "privacy.extended_already")
    assert coded(await step(cell, await asked(cell, "lgpd", "access"), "extend", reason="complex")) == (
        409, "privacy.no_extension",
    )  # fmt: skip


async def test_a_request_of_another_region_or_of_no_form_is_looked_for(cell):
    for request_id in (
        "eu-privacy-01kah2v3nq7h3k2m9qk4t1x0ab",
        "us-privacy-X",
        "us-privacy-01kah2v3nq7h3k2m9qk4t1x0ab",
    ):
        answer = await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))
        assert coded(answer) == (404, "privacy.unknown")
        assert coded(await step(cell, request_id, "complete")) == (404, "privacy.unknown")


async def test_a_repeated_call_makes_another_request(cell):
    sent = {"law": "gdpr", "right": "access", "customer_ref": REF}
    first = await cell.post(PATH, sent, "k-1", **cell.of_role("privacy"))
    cell.clock.now += 5_000
    again = await cell.post(PATH, sent, "k-1", **cell.of_role("privacy"))
    assert first.json() == again.json()
    assert sum(kind == "privacy_request" for kind, _ in cell.gateway.entities) == 1


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
