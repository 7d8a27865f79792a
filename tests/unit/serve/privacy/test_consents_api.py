"""What customers agree to, and browsers that say no for them."""

import asyncio
import gc

import msgspec
import pytest

from actors.runtime.wire import UNAVAILABLE, Reply
from serve.privacy import gpc
from serve.privacy.gpc import AWAY_S, HEARD_S, PrivacySignals
from tests.unit.serve.fake_gateway import refusal
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import bearer, code_in, coded, joined
from tests.unit.serve.privacy.office import EMAIL, kept
from tests.unit.serve.small_cell import order

MINE = "/v1/customers/me/consents"
SIGNAL = {"Sec-GPC": "1"}
PLAIN = order() | {"customer": {"country": "US"}}


async def say(cell, tokens, *words, **headers):
    consents = [{"purpose": purpose, "granted": granted, "text_version": text} for purpose, granted, text in words]
    return await cell.write("PUT", MINE, {"consents": consents}, **bearer(tokens), **headers)


async def mine(cell, tokens, **headers):
    answer = await cell.http.get(MINE, headers=bearer(tokens) | headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def consents(cell):
    """How many changes of consents the cell keeps."""
    return sum(version for (kind, _), (_, version) in cell.gateway.entities.items() if kind == "consent")


async def test_what_was_agreed_to_before_is_lost_or_another_sees_it(cell):
    mia, tom = await joined(cell, EMAIL), await joined(cell, "tom@example.com")
    assert await mine(cell, mia) == {"consents": [], "history": []}
    assert (await say(cell, mia, ("marketing_email", True, "newsletter-1"))).status_code == 200
    cell.clock.now += 60_000
    told = (await say(cell, mia, ("marketing_email", False, ""))).json()
    assert [(one["granted"], one["text_version"], one["source"]) for one in told["history"]] == [
        (True, "newsletter-1", "account"), (False, "", "account"),
    ]  # fmt: skip
    assert told["history"][0]["at"] < told["history"][1]["at"]
    assert [one["granted"] for one in told["consents"]] == [False]
    assert (await mine(cell, tom))["history"] == []
    line = next(line for line in reversed(cell.gateway.audited) if line.act.action == "consent.set")
    assert (line.act.changes, line.who.subject) == ({"marketing_email": (1, 0)}, mia["customer_id"])


async def test_consent_is_given_to_a_text_that_nobody_knows(cell):
    mia = await joined(cell, EMAIL)
    answer = await say(cell, mia, ("personalisation", False, ""), ("marketing_email", True, ""))
    assert coded(answer) == (422, "body.missing_field")
    assert answer.json()["errors"][0]["pointer"] == "/consents/1/text_version"
    assert coded(await say(cell, mia, ("everything", True, "v"))) == (422, "body.invalid")
    assert consents(cell) == 0


async def test_a_customer_writes_words_of_her_own_that_outlive_her(cell):
    mia = await joined(cell, EMAIL)
    answer = await say(
        cell, mia, ("marketing_email", True, "newsletter-1"), ("personalisation", True, "Quillfeather-1")
    )
    assert coded(answer) == (422, "consent.text_unknown")
    assert answer.json()["errors"][0]["pointer"] == "/consents/1/text_version"
    assert consents(cell) == 0, "a part of a refused call counts"
    # To refuse is never refused: the word is left out.
    assert (await say(cell, mia, ("personalisation", False, "Quillfeather-1"))).status_code == 200
    assert (await say(cell, mia, ("marketing_email", False, "newsletter-1"))).status_code == 200
    assert [one["text_version"] for one in (await mine(cell, mia))["history"]] == ["", "newsletter-1"]
    assert "quillfeather" not in kept(cell)


async def test_consent_is_given_where_no_text_is_shown(tmp_path):
    cell = GuardedCell(tmp_path, consent_texts=frozenset())
    mia = await joined(cell, EMAIL)
    assert coded(await say(cell, mia, ("marketing_email", True, "newsletter-1"))) == (422, "consent.text_unknown")
    assert (await say(cell, mia, ("marketing_email", False, ""))).status_code == 200
    assert [one["granted"] for one in (await mine(cell, mia))["history"]] == [False]


async def test_the_browsers_signal_is_not_recorded_or_each_time_anew(cell):
    mia = await joined(cell, EMAIL)

    def asked():
        return sum(line.act.action == "consent.set" for line in cell.gateway.audited)

    for _ in range(3):
        answer = await cell.post("/v1/orders", PLAIN, **bearer(mia), **SIGNAL)
        assert answer.status_code == 201, answer.text
    assert asked() == 1
    assert [(one["purpose"], one["granted"], one["source"]) for one in (await mine(cell, mia))["history"]] == [
        ("sale_or_sharing", False, "gpc"),
    ]  # fmt: skip
    # Another replica may have been told otherwise meanwhile.
    cell.clock.now += int(HEARD_S * 1000)
    mia = await joined(cell, EMAIL)
    await mine(cell, mia, **SIGNAL)
    assert asked() == 2
    assert consents(cell) == 1


async def test_who_was_heard_is_remembered_without_end(cell, monkeypatch):
    monkeypatch.setattr(gpc, "HEARD_MAX", 1)
    told = [await joined(cell, email) for email in (EMAIL, "tom@example.com")]
    for tokens in (told[0], told[0], told[1], told[0]):
        await mine(cell, tokens, **SIGNAL)
    assert sum(line.act.action == "consent.set" for line in cell.gateway.audited) == 3


async def test_the_signal_is_not_heard_when_somebody_signs_in(cell):
    await joined(cell, EMAIL)
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": EMAIL})
    sent = {"email": EMAIL, "code": code_in(cell)}
    answer = await cell.plain("/v1/customers/sessions", sent, **SIGNAL)
    assert [one["source"] for one in (await mine(cell, answer.json()))["consents"]] == ["gpc"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/customers/me/orders", None), ("GET", "/v1/customers/me/sessions", None),
        ("GET", "/v1/orders/{order_id}", None), ("POST", "/v1/orders/{order_id}/updates", {"update": "cancel"}),
        ("GET", "/v1/orders/us-01kdvdna00zzzzzzzzzzzzzzzz", None),
        ("POST", "/v1/orders/{order_id}/changes", {"service_level": "express"}),
        ("POST", "/v1/reservations", {"channel": "online", "lines": [{"sku": "A1", "quantity": 1}]}),
        ("POST", "/v1/customers/me/privacy-requests", {"law": "ccpa", "right": "know"}),
        ("PUT", MINE, {"consents": []}),
    ],
)  # fmt: skip
async def test_the_signal_is_heard_on_some_calls_of_a_customer_and_passed_over_on_others(cell, method, path, body):
    mia = await joined(cell, EMAIL)
    order_id = (await cell.post("/v1/orders", PLAIN, **bearer(mia))).json()["order_id"]
    await say(cell, mia, ("sale_or_sharing", True, "terms-9"))
    path = path.format(order_id=order_id)
    if body is None:
        await cell.http.request(method, path, headers=bearer(mia) | SIGNAL)
    else:
        await cell.write(method, path, body, **bearer(mia), **SIGNAL)
    assert [(one["granted"], one["source"]) for one in (await mine(cell, mia))["consents"]] == [(False, "gpc")]


async def test_the_signal_is_not_heard_when_a_customer_renews_the_tokens(cell):
    mia = await joined(cell, EMAIL)
    await say(cell, mia, ("sale_or_sharing", True, "terms-9"))
    sent = {"refresh_token": mia["refresh_token"]}
    renewed = await cell.http.post("/v1/customers/sessions/refresh", json=sent, headers=SIGNAL)
    assert renewed.status_code == 200, renewed.text
    assert [one["granted"] for one in (await mine(cell, renewed.json()))["consents"]] == [False]


async def test_a_call_without_the_signal_waits_for_somebody_to_look_for_it(cell, monkeypatch):
    async def heard(signals, scope):
        raise AssertionError("asked, although no signal came")

    mia = await joined(cell, EMAIL)
    monkeypatch.setattr(PrivacySignals, "heed_caller", heard)
    assert (await cell.post("/v1/orders", PLAIN, **bearer(mia))).status_code == 201
    assert (await cell.http.get("/v1/customers/me/orders", headers=bearer(mia))).status_code == 200


@pytest.mark.parametrize("value", ["0", "true", "", "1, 1"])
async def test_another_value_passes_for_the_signal(cell, value):
    mia = await joined(cell, EMAIL)
    await cell.post("/v1/orders", PLAIN, **bearer(mia), **{"Sec-GPC": value})
    assert consents(cell) == 0


async def test_consent_counts_against_the_signal_that_comes_with_it(cell):
    mia = await joined(cell, EMAIL)
    sells = ("sale_or_sharing", True, "terms-9")
    assert (await say(cell, mia, sells)).status_code == 200
    answer = await say(cell, mia, ("personalisation", True, "terms-9"), sells, **SIGNAL)
    assert coded(answer) == (409, "consent.signal_in_force")
    told = await mine(cell, mia)
    assert {one["purpose"]: (one["granted"], one["source"]) for one in told["consents"]} == {
        "sale_or_sharing": (False, "gpc")
    }, "what was agreed to before still counts, or a part of a refused call does"
    # Without the signal it may be agreed to again, and the next signal takes that back.
    assert (await say(cell, mia, sells)).status_code == 200
    await cell.post("/v1/orders", PLAIN, **bearer(mia), **SIGNAL)
    assert [one["granted"] for one in (await mine(cell, mia))["consents"]] == [False]


async def test_the_signal_keeps_a_customer_from_all_that_it_says_nothing_of(cell):
    mia = await joined(cell, EMAIL)
    said = await say(cell, mia, ("marketing_email", True, "newsletter-1"), ("sale_or_sharing", False, ""), **SIGNAL)
    assert said.status_code == 200, said.text
    assert {one["purpose"]: one["granted"] for one in said.json()["consents"]} == {
        "marketing_email": True, "sale_or_sharing": False,
    }  # fmt: skip


@pytest.mark.parametrize("fault", [None, RuntimeError("lost")])
async def test_an_order_fails_because_a_signal_can_not_be_recorded(cell, fault):
    mia, asking, asked, unheard = await joined(cell, EMAIL), cell.gateway.ask, [], []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unheard.append(context["message"]))

    async def away(kind, *rest, **more):
        if kind == "consent":
            asked.append(kind)
            if fault is not None:
                raise fault
            return Reply(UNAVAILABLE, refusal("cell.unavailable"))
        return await asking(kind, *rest, **more)

    cell.gateway.ask = away
    for number in range(3):
        answer = await cell.post("/v1/orders", PLAIN, f"k-{number}", **bearer(mia), **SIGNAL)
        assert answer.status_code == 201
    assert asked == ["consent"], "each call waits for what is away"
    cell.gateway.ask = asking
    assert consents(cell) == 0
    cell.clock.now += round(AWAY_S * 1000) + 1
    await cell.post("/v1/orders", PLAIN, **bearer(mia), **SIGNAL)
    assert consents(cell) == 1, "it is forgotten once it could not be recorded"
    gc.collect()
    assert unheard == []


async def test_every_call_waits_for_a_signal_that_can_not_be_recorded(cell, monkeypatch):
    monkeypatch.setattr(gpc, "WAIT_S", 0.05)
    mia, asking, asked, gate = await joined(cell, EMAIL), cell.gateway.ask, [], asyncio.Event()

    async def hangs(kind, *rest, **more):
        if kind == "consent":
            asked.append(kind)
            await gate.wait()
        return await asking(kind, *rest, **more)

    cell.gateway.ask = hangs
    sent = [cell.post("/v1/orders", PLAIN, f"k-{number}", **bearer(mia), **SIGNAL) for number in range(5)]
    assert [one.status_code for one in await asyncio.gather(*sent)] == [201] * 5
    assert asked == ["consent"], "one at a time, whoever waits for it"
    gate.set()
    async with asyncio.timeout(60):
        while not consents(cell):  # noqa: ASYNC110 - a state of the fakes, which tell nobody
            await asyncio.sleep(0.001)


async def test_a_consent_that_was_taken_is_refused_the_second_time_because_its_text_is_no_more(cell):
    mia = bearer(await joined(cell, EMAIL))
    said = {"consents": [{"purpose": "marketing_email", "granted": True, "text_version": "newsletter-1"}]}
    first = await cell.write("PUT", MINE, said, "once", **mia)
    assert first.status_code == 200, first.text
    cell.services.settings = msgspec.structs.replace(cell.services.settings, consent_texts=frozenset({"newer"}))
    assert (await cell.write("PUT", MINE, said, "once", **mia)).json() == first.json()
    other = await cell.write("PUT", MINE, said, "another", **mia)
    assert (other.status_code, other.json()["code"]) == (422, "consent.text_unknown")


async def test_the_signal_of_staff_or_of_a_shop_is_taken_for_a_customers(cell):
    assert (await cell.post("/v1/orders", order(), **cell.bearer(), **SIGNAL)).status_code == 201
    assert (await cell.post("/v1/orders", order(), **cell.of_role("associate"), **SIGNAL)).status_code == 201
    assert consents(cell) == 0
