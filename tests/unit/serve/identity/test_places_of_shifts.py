"""Where a shift is worked, as who signs in says it."""

from __future__ import annotations

import pytest

from serve.availability.places import Places
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer, coded

NOWHERE = "us-st-nowhere"


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


@pytest.mark.parametrize("nowhere", [NOWHERE, "eu-st-berlin", "-"])
async def test_a_shift_is_worked_at_a_place_that_there_is_not(cell, nowhere):
    zoe = await cell.enrolled("zoe.manager")
    before = await zoe.tokens()
    code = cell.next_code(zoe.secret)
    refused = await zoe.sign_in(code=code, location_id=nowhere)
    assert coded(refused) == (422, "account.location_unknown")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/location_id"]
    # Nothing has changed: the shift before goes on, and the code is as good as before.
    assert (await cell.http.get("/v1/locations", headers=bearer(before))).status_code == 200
    answer = await zoe.sign_in(code=code, location_id="us-st-portland")
    assert (answer.status_code, answer.json()["shift"]["location_id"]) == (200, "us-st-portland")


async def test_somebody_learns_by_a_false_place_who_has_an_account_or_that_the_password_was_right(cell):
    zoe = await cell.enrolled("zoe.manager")
    wrong = cell.wrong_code(zoe.secret)
    answers = [
        await zoe.sign_in(password="wrong" * 4, location_id=NOWHERE),
        await zoe.sign_in(code=wrong, location_id=NOWHERE),
        await cell.plain(
            "/v1/sessions", {"login": "no.body", "password": "wrong" * 4, "code": wrong, "location_id": NOWHERE}
        ),
        await zoe.sign_in(code=wrong, location_id="us-st-portland"),
    ]
    told = [{**answer.json(), "request_id": ""} for answer in answers]
    assert coded(answers[0]) == (401, "session.refused")
    assert told == [told[0]] * len(told)


async def test_a_replica_that_has_just_started_lets_nobody_in_at_a_new_store(cell, monkeypatch):
    zoe = await cell.enrolled("zoe.manager")
    monkeypatch.setattr(Places, "__contains__", lambda *_: False)
    assert (await zoe.tokens(location_id="us-st-portland"))["shift"]["location_id"] == "us-st-portland"
    assert coded(await zoe.sign_in(location_id=NOWHERE)) == (422, "account.location_unknown")
