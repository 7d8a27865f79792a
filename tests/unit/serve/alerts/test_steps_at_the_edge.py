"""Steps at an alert by whom they are not for, with numbers that are none, or while nobody can tell."""

from __future__ import annotations

import pytest

from actors.runtime.mailbox import UNAVAILABLE
from tests.unit.serve.alerts.test_alerts_api import AUDITOR, auditor, raised
from tests.unit.serve.guarded_cell import GuardedCell

CLOSE = {"update": "close", "verdict": "confirmed", "note": "misuse"}


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def step(cell, identity, body, key=None, **headers):
    return await cell.post(f"/v1/alerts/{identity}/updates", body, key, **(headers or auditor(cell)))


async def test_a_version_that_no_alert_can_have_is_a_fault_of_ours(cell):
    identity = await raised(cell)
    await step(cell, identity, {"update": "assign"})
    for number in (2**53, 2**64, 10**30):
        answer = await step(cell, identity, CLOSE | {"version": number})
        assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid"), number


async def test_who_has_rights_at_one_place_takes_a_step_or_nobody_knows_at_which_alert(cell):
    identity = await raised(cell)
    before = cell.state()[0]["alert", identity]
    bound = auditor(cell, locs=("us-wh-seattle",))
    for body in ({"update": "assign"}, CLOSE):
        answer = await step(cell, identity, body, **bound)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.location_forbidden")
    assert cell.state()[0]["alert", identity] == before
    await cell.services.trail.close()
    lines = [line for line in cell.gateway.audited if line.outcome == "auth.location_forbidden"]
    assert {(line.who.subject, line.entity_id) for line in lines} == {(AUDITOR, identity)}


async def test_a_step_has_no_line_or_does_not_say_who_took_it(cell):
    identity = await raised(cell)
    cell.gateway.audited.clear()
    await step(cell, identity, {"update": "assign"})
    await step(cell, identity, CLOSE)
    lines = [(line.who.subject, line.act.action) for line in cell.gateway.audited]
    assert lines == [(AUDITOR, "alert.assign"), (AUDITOR, "alert.close")]


async def test_a_repeated_step_is_refused_or_another_one_answered_as_the_first(cell):
    identity = await raised(cell)
    await step(cell, identity, {"update": "assign"}, "a-1")
    closed = await step(cell, identity, CLOSE, "c-1")
    assert (await step(cell, identity, CLOSE, "c-1")).content == closed.content
    other = await step(cell, identity, CLOSE | {"note": "other"}, "c-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")


async def test_a_repeated_assignment_is_refused_since_the_colleague_has_left_meanwhile(cell):
    identity = await raised(cell)
    colleague = await cell.opened("ann", "auditor")
    given = {"update": "assign", "assignee": colleague}
    first = await step(cell, identity, given, "a-1")
    assert first.status_code == 200, first.text
    left = await cell.post(f"/v1/accounts/{colleague}/changes", {"change": "disable"}, **cell.bearer())
    assert left.status_code == 200, left.text
    assert (await step(cell, identity, given, "a-1")).content == first.content
    anew = await step(cell, identity, given, "a-2")
    assert (anew.status_code, anew.json()["code"]) == (422, "alert.assignee_unfit")


async def test_a_good_colleague_is_called_unfit_while_nobody_can_tell(cell, monkeypatch):
    identity = await raised(cell)
    colleague = await cell.opened("ann", "auditor")
    view = cell.gateway.view

    async def away(kind, entity_id, query, **named):
        return UNAVAILABLE if kind == "account" else await view(kind, entity_id, query, **named)

    monkeypatch.setattr(cell.gateway, "view", away)
    answer = await step(cell, identity, {"update": "assign", "assignee": colleague}, "a-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "cell.unavailable")
    monkeypatch.undo()
    again = await step(cell, identity, {"update": "assign", "assignee": colleague}, "a-1")
    assert again.json()["assignee"] == colleague, "it is not remembered as refused"
