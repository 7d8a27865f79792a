"""Another code for who has lost it, through the whole API."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.collection_commands import RenewCode
from actors.domain.times import DAY_MS, MINUTE_MS, moment
from actors.runtime.wire import Reply
from serve.collections import telling
from tests.unit.serve.collections.collection_rig import (
    NOBODY,
    associate,
    done,
    made_ready,
    manager,
    mias,
    only,
    placed,
    step,
)
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import MIA, bearer, code_in, coded, joined, letters, without_waiting
from tests.unit.serve.privacy.office import proved, stepped
from tests.unit.serve.small_cell import Cell, furnish, furnish_with


@pytest.fixture
async def guarded(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


def support(cell):
    return cell.of_role("support")


async def test_who_has_lost_the_code_gets_none_or_the_same(guarded):
    mia = bearer(await joined(guarded))
    told = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    await made_ready(guarded, told, associate(guarded))
    name, old = only(told), code_in(guarded)
    answer = await step(guarded, name, "code", {}, mia)
    assert (answer.status_code, answer.json()["tries_left"], answer.json()["allowed"]) == (200, 0, [])
    assert "code" not in answer.json()
    template, address, values = letters(guarded)[-1]
    assert (template, address, values["order_id"]) == (
        "pickup.code",
        MIA.replace("Example", "example"),
        told["order_id"],
    )
    assert values["code"] != old
    wrong = await step(guarded, name, "verification", {"code": old}, associate(guarded))
    assert coded(wrong) == (403, "collection.code_wrong")
    assert (await done(guarded, name, "verification", {"code": values["code"]}, associate(guarded)))[
        "verified"
    ] == "code"
    assert values["code"] not in repr((guarded.gateway.remembered, [e for k, e in guarded.gateway.events.items() if k[0] != "notice"]))  # fmt: skip


async def test_a_locked_code_stays_locked_when_support_sends_another(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    name = only(told)
    wrong = {"code": f"{(int(code_in(guarded)) + 1) % 10**8:08}"}
    for _ in range(5):
        await step(guarded, name, "verification", wrong, associate(guarded))
    right = {"code": code_in(guarded)}
    assert coded(await step(guarded, name, "verification", right, associate(guarded))) == (
        403,
        "collection.code_locked",
    )
    assert (await done(guarded, name, "code", {}, support(guarded)))["tries_left"] == 5
    await done(guarded, name, "verification", {"code": code_in(guarded)}, associate(guarded))
    assert "collection.renew_code" in [line.act.action for line in guarded.gateway.audited]


async def test_codes_are_sent_without_end(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    for _ in range(3):
        await done(guarded, only(told), "code", {}, support(guarded))
    before = guarded.state()[0]
    answer = await step(guarded, only(told), "code", {}, support(guarded))
    assert coded(answer) == (409, "collection.code_too_often")
    assert answer.json()["again_at"]
    assert guarded.state()[0] == before
    assert len(letters(guarded)) == 4


async def test_a_repeated_call_sends_two(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    answers = [await step(guarded, only(told), "code", {}, support(guarded), "again") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [template for template, _, _ in letters(guarded)] == ["pickup.ready", "pickup.code"]


async def test_another_customer_has_the_code_changed(guarded):
    mia, tom = bearer(await joined(guarded)), bearer(await joined(guarded, "tom@example.com"))
    told = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    await made_ready(guarded, told, associate(guarded))
    before = guarded.state()[0]
    mine, other = only(told), NOBODY
    assert coded(await step(guarded, mine, "code", {}, tom)) == (404, "collection.unknown")
    assert coded(await step(guarded, other, "code", {}, tom)) == (404, "collection.unknown")
    assert coded(await step(guarded, mine, "code", {}, associate(guarded))) == (403, "auth.forbidden")
    assert guarded.state()[0] == before


async def test_a_guest_who_has_lost_the_code_sees_a_manager(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    guest = guarded.guest_of(told["order_id"])
    assert (await done(guarded, only(told), "code", {}, guest))["tries_left"] == 0
    assert [template for template, _, _ in letters(guarded)] == ["pickup.ready", "pickup.code"]
    other = guarded.of_role("guest", sub=NOBODY.replace("collection-", ""))
    assert coded(await step(guarded, only(told), "code", {}, other)) == (404, "collection.unknown")


async def test_a_code_is_sent_to_nobody_or_for_what_is_not_ready(guarded):
    told = await placed(guarded, ("A1", 2), headers=guarded.bearer(), customer={"customer_ref": "c-1"})
    name = only(told)
    assert coded(await step(guarded, name, "code", {}, support(guarded))) == (409, "collection.illegal_transition")
    await made_ready(guarded, told, associate(guarded))
    assert coded(await step(guarded, name, "code", {}, support(guarded))) == (409, "collection.no_code")
    assert (await step(guarded, name, "code", {"now": True}, support(guarded))).status_code == 422


async def test_a_cell_that_can_write_to_nobody_keeps_the_new_code_to_itself():
    cell = Cell()
    await furnish(cell)
    told = await placed(cell, ("A1", 2))
    ready = await made_ready(cell, told)
    fresh = await done(cell, only(told), "code", {})
    assert fresh["code"] != ready["code"]
    assert (await done(cell, only(told), "verification", {"code": fresh["code"]}))["verified"] == "code"
    await cell.http.aclose()


def wrong_of(code):
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.mark.parametrize("proof", ["verification", "identity-check"])
async def test_a_wrong_code_is_taken_since_somebody_else_was_verified(guarded, proof):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    name, right = only(told), code_in(guarded)
    sent = {"code": right} if proof == "verification" else {}
    who = associate(guarded) if proof == "verification" else manager(guarded)
    assert "collect" in (await done(guarded, name, proof, sent, who))["allowed"]
    wrong = await step(guarded, name, "verification", {"code": wrong_of(right)}, associate(guarded))
    assert coded(wrong) == (403, "collection.code_wrong")
    assert wrong.json()["tries_left"] == 4
    seen = (await guarded.http.get(f"/v1/collections/{name}", headers=associate(guarded))).json()
    assert (seen["verified"], "collect" in seen["allowed"]) == ("", False)
    handed = await step(guarded, name, "hand-over", {}, associate(guarded))
    assert coded(handed) == (403, "collection.not_verified")
    await done(guarded, name, "verification", {"code": right}, associate(guarded))
    assert (await done(guarded, name, "hand-over", {}, associate(guarded)))["status"] == "collected"


async def test_a_verification_that_is_over_is_still_shown(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    name = only(told)
    await done(guarded, name, "verification", {"code": code_in(guarded)}, associate(guarded))
    for minutes, verified in ((14, "code"), (1, "")):
        guarded.clock.now += minutes * MINUTE_MS
        seen = (await guarded.http.get(f"/v1/collections/{name}", headers=associate(guarded))).json()
        assert (seen["verified"], "collect" in seen["allowed"]) == (verified, bool(verified))
    answer = await step(guarded, name, "verification", {"code": wrong_of(code_in(guarded))}, associate(guarded))
    assert coded(answer) == (403, "collection.code_wrong")


async def test_a_held_collection_loses_its_code_and_nobody_is_told(guarded):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    name, before, updates = only(told), code_in(guarded), f"/v1/orders/{told['order_id']}/updates"
    hold = {"update": "hold", "hold": {"reasons": ["fraud"]}}
    assert (await guarded.post(updates, hold, **guarded.bearer())).status_code == 200
    guarded.clock.now += 9 * DAY_MS
    sent = len(letters(guarded))
    answer = await step(guarded, name, "code", {}, support(guarded))
    assert (coded(answer), len(letters(guarded))) == ((409, "order.held"), sent)
    release = {"update": "release", "hold": {"reasons": ["fraud"]}}
    freed = await guarded.post(updates, release, **guarded.bearer())
    assert freed.status_code == 200, freed.text
    await done(guarded, name, "verification", {"code": before}, associate(guarded))
    assert (await done(guarded, name, "hand-over", {}, associate(guarded)))["status"] == "collected"


async def test_the_store_is_told_again_and_again_of_who_is_here(guarded):
    mia = bearer(await joined(guarded))
    told = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    await made_ready(guarded, told, associate(guarded))
    for spot, times in (("bay 4", 1), ("bay 4", 1), ("bay 5", 2), ("", 3), ("", 3)):
        await guarded.post(f"/v1/orders/{told['order_id']}/here", {"spot": spot}, **mia)
        said = [e for e in guarded.gateway.events["collection", only(told)] if "CustomerHere" in repr(e)]
        assert len(said) == times


async def test_another_code_is_sent_for_what_was_cancelled_just_now(guarded, monkeypatch):
    told = await mias(guarded, ("A1", 2))
    await made_ready(guarded, told, associate(guarded))
    ask = guarded.gateway.ask

    async def crossing(kind, entity_id, command, **more):
        reply = await ask(kind, entity_id, command, **more)
        if type(command) is RenewCode:
            body = reply.body.replace(b'"status":"ready"', b'"status":"cancelled"')
            return Reply(reply.status, body)
        return reply

    monkeypatch.setattr(guarded.gateway, "ask", crossing)
    answer = await step(guarded, only(told), "code", {}, support(guarded))
    assert coded(answer) == (409, "collection.cancelled")


@pytest.fixture
def lines(guarded, monkeypatch):
    """What a cell that tells its notices writes of them."""
    seen = []

    class Log:
        def info(self, event, **more):
            seen.append(more)

    monkeypatch.setattr(telling, "log", Log())
    guarded.services.settings = msgspec.structs.replace(guarded.services.settings, notices_told=True)
    return seen


def codes_of(lines):
    return {line["template"]: line.get("code") for line in lines}


@pytest.mark.parametrize("told", [True, False])
async def test_a_pickups_code_stands_in_the_log_of_a_cell_that_others_reach(guarded, lines, told):
    guarded.services.settings = msgspec.structs.replace(guarded.services.settings, notices_told=told)
    mia = bearer(await joined(guarded))
    order = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    await made_ready(guarded, order, associate(guarded))
    assert (code_in(guarded) in repr(lines)) == bool(lines) == told


async def test_a_refused_step_writes_a_code_to_the_log_that_opens_nothing(guarded, lines):
    mia = bearer(await joined(guarded))
    order = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    refused = await step(guarded, only(order), "ready", {}, associate(guarded))
    assert coded(refused) == (409, "collection.illegal_transition")
    assert lines == []
    await made_ready(guarded, order, associate(guarded))
    lines.clear()
    for _ in range(3):
        await step(guarded, only(order), "code", {}, mia)
    assert len(lines) == 9
    assert coded(await step(guarded, only(order), "code", {}, mia)) == (409, "collection.code_too_often")
    assert len(lines) == 9
    assert coded(await step(guarded, only(order), "extension", {"days": 30}, manager(guarded)))[0] in (409, 422)
    assert len(lines) == 9


async def test_what_is_told_in_days_stands_in_the_log_as_told_now(guarded, lines):
    mia = bearer(await joined(guarded))
    order = await placed(guarded, ("A1", 2), headers=mia, customer={"email": MIA})
    await made_ready(guarded, order, associate(guarded))
    assert codes_of(lines) == {"pickup.ready": code_in(guarded), "pickup.reminder": None, "pickup.expired": None}
    ready, reminder, expired = lines
    assert "due_at" not in ready
    assert moment(guarded.clock.now_ms()).isoformat() < reminder["due_at"] < expired["due_at"] == ready["collect_by"]
    lines.clear()
    await done(guarded, only(order), "extension", {"days": 10}, manager(guarded))
    assert all(line["due_at"] for line in lines)
    assert codes_of(lines) == {"pickup.reminder": None, "pickup.expired": None}
    lines.clear()
    await done(guarded, only(order), "extension", {"days": 1}, manager(guarded))  # never shorter
    assert lines == []


async def test_a_corrected_address_leaves_a_demo_without_the_new_code(guarded, lines):
    order = await placed(guarded, ("A1", 2), headers=guarded.bearer(), customer={"email": MIA, "customer_ref": "c-1"})
    await made_ready(guarded, order, associate(guarded))
    lines.clear()
    request_id = await proved(guarded, "gdpr", "rectification", customer_ref="c-1", email=None)
    correction = {"email": "right@example.com"}
    await stepped(guarded, request_id, "rectify", order_id=order["order_id"], correction=correction)
    assert codes_of(lines)["pickup.code"] == code_in(guarded)
