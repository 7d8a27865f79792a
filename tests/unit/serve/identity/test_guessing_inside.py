"""Who has somebody's token, or sits at a screen that was left open, guesses at the second factor."""

from __future__ import annotations

import pytest

from actors.domain.account_state import LOCK_AFTER
from serve.identity.limits import BY_ACCOUNT
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer, coded

PROOF = "/v1/sessions/current/proof"


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def test_codes_are_guessed_as_fast_as_the_machine_can(cell):
    mia = await cell.enrolled("mia")
    headers = bearer(await mia.tokens())
    wrong = {"code": cell.wrong_code(mia.secret)}
    told = [await cell.plain(PROOF, wrong, **headers) for _ in range(BY_ACCOUNT.burst + 1)]
    assert [coded(answer) for answer in told[:-1]] == [(422, "factor.code_wrong")] * BY_ACCOUNT.burst
    assert coded(told[-1]) == (429, "auth.too_often")
    assert int(told[-1].headers["retry-after"]) == 60 // BY_ACCOUNT.per_minute


async def test_who_guesses_at_the_door_uses_up_the_tries_of_who_is_inside(cell):
    mia = await cell.enrolled("mia")
    headers = bearer(await mia.tokens())
    for _ in range(BY_ACCOUNT.burst):
        await mia.sign_in(password="wrong" * 5, code="000000")
    assert coded(await mia.sign_in(code="000000")) == (429, "auth.too_often")
    # At the same moment, and although the door is locked by now.
    proof = await cell.plain(PROOF, {"recovery_code": mia.recovery_codes[0]}, **headers)
    assert proof.status_code == 200, proof.text
    again = await cell.plain(PROOF, {"recovery_code": mia.recovery_codes[0]}, **bearer(proof.json()))
    assert coded(again) == (422, "factor.code_wrong"), "and taken once"


async def test_a_locked_account_is_told_by_what_is_answered_to_a_code_or_when(cell, monkeypatch):
    mia = await cell.enrolled("mia")
    headers = bearer(await mia.tokens())
    due = []

    async def noted(moment_s):
        due.append(moment_s)

    monkeypatch.setattr("serve.identity.sessions.not_before", noted)
    sent = {"code": cell.wrong_code(mia.secret)}
    wrong = [await cell.plain(PROOF, sent, **headers) for _ in range(LOCK_AFTER)]
    locked = await cell.plain(PROOF, {"recovery_code": mia.recovery_codes[0]}, **headers)
    told = [(answer.status_code, answer.json() | {"request_id": ""}) for answer in (*wrong, locked)]
    assert told == [told[0]] * len(told)
    assert len(due) == len(told)


async def test_a_wrong_code_has_no_line_in_the_audit_or_two(cell):
    mia = await cell.enrolled("mia")
    headers = bearer(await mia.tokens())
    await cell.services.trail.close()
    cell.gateway.audited.clear()
    assert (await cell.plain(PROOF, {"code": cell.wrong_code(mia.secret)}, **headers)).status_code == 422
    await cell.services.trail.close()
    [line] = cell.gateway.audited
    assert (line.act.action, line.outcome, line.who.subject) == ("session.proof", "factor.code_wrong", mia.account_id)
