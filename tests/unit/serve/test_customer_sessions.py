"""A customer sees where she is signed in, and puts everybody else out."""

from pathlib import Path

import pytest

from serve.audit import trail
from serve.customers.schemas import ListedSession
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.post_office import bearer, coded, joined, without_waiting

MINE = "/v1/customers/me/sessions"
PASSKEYS = "/v1/customers/me/passkeys"


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def renewed(cell: GuardedCell, tokens):
    return await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": tokens["refresh_token"]})


async def given(cell: GuardedCell, tokens, key: Authenticator):
    asked = (await cell.plain(f"{PASSKEYS[:-1]}-options", {}, **bearer(tokens))).json()["options"]
    return await cell.post(PASSKEYS, {"name": "phone", "credential": key.make(asked)}, **bearer(tokens))


async def test_a_thiefs_session_is_not_seen_or_goes_on_after_all_others_were_put_out(cell):
    thief = await joined(cell)
    cell.clock.now += 120_000
    mia, tom = await joined(cell), await joined(cell, "tom@example.org")
    seen = (await cell.http.get(MINE, headers=bearer(mia))).json()["sessions"]
    assert [(one["current"], one["by"]) for one in seen] == [(False, "code"), (True, "code")]
    assert seen[0]["opened_at"] < seen[1]["opened_at"] == seen[1]["used_at"] < seen[1]["ends_at"]
    answer = await cell.http.delete(MINE, headers=bearer(mia))
    assert (answer.status_code, answer.content) == (204, b"")
    assert coded(await cell.http.get(PASSKEYS, headers=bearer(thief))) == (401, "auth.session_ended")
    assert coded(await renewed(cell, thief))[1] == "session.ended"
    assert len((await cell.http.get(MINE, headers=bearer(mia))).json()["sessions"]) == 1
    assert (await renewed(cell, mia)).status_code == (await renewed(cell, tom)).status_code == 200


async def test_the_list_names_a_session_or_shows_one_that_is_over(cell):
    left, mia = await joined(cell), await joined(cell)
    assert left["customer_id"] == mia["customer_id"]
    cell.clock.now += 11 * 3_600_000
    mia = (await renewed(cell, mia)).json()
    cell.clock.now += 2 * 3_600_000
    mia = (await renewed(cell, mia)).json()
    [seen] = (await cell.http.get(MINE, headers=bearer(mia))).json()["sessions"]
    assert tuple(seen) == ListedSession.__struct_fields__ == ("current", "by", "opened_at", "used_at", "ends_at")
    assert seen["current"] is True


async def test_an_old_session_or_somebody_else_puts_a_customer_out(cell):
    mia = await joined(cell)
    cell.clock.now += 301_000
    fresh, old = await joined(cell), (await renewed(cell, mia)).json()
    assert coded(await cell.http.delete(MINE, headers=bearer(old))) == (401, "auth.step_up_required")
    assert coded(await cell.http.delete(MINE, headers=cell.of_role("manager"))) == (403, "auth.forbidden")
    assert (await renewed(cell, fresh)).status_code == 200


@pytest.mark.parametrize("change", ["added", "removed"])
async def test_a_thiefs_session_goes_on_after_a_passkey_was_added_or_removed(cell, change):
    mia = await joined(cell)
    if change == "removed":
        [key] = (await given(cell, mia, Authenticator())).json()["passkeys"]
    thief = await joined(cell)
    if change == "added":
        assert (await given(cell, mia, Authenticator())).status_code == 201
    else:
        answer = await cell.http.delete(f"{PASSKEYS}/{key['passkey_id']}", headers=bearer(mia))
        assert answer.status_code == 204
    assert coded(await cell.http.get(PASSKEYS, headers=bearer(thief))) == (401, "auth.session_ended")
    assert coded(await renewed(cell, thief))[1] == "session.ended"
    assert (await renewed(cell, mia)).status_code == 200


async def test_nobody_learns_who_looked_at_the_sessions_or_ended_them(cell):
    mia = await joined(cell)
    await cell.http.get(MINE, headers=bearer(mia))
    await cell.http.delete(MINE, headers=bearer(mia))
    await cell.services.trail.close()
    lines = [line.act.action for line in cell.gateway.audited if line.who.subject == mia["customer_id"]]
    assert lines[-2:] == ["customer.read_sessions", "session.close_others"]
