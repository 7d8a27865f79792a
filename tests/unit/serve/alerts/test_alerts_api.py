"""Auditors and alerts, and what a doubted second factor means to its owner."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.alert import Finding, RaiseAlert
from actors.domain.ids import alert_id
from actors.domain.revocations import Revoke, unproved
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell

AUDITOR = "us-acct-0h3k2m9qk4t1x0ab0h3k2m9qk4"
SUSPECT = "us-acct-1h3k2m9qk4t1x0ab0h3k2m9qk4"


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def raised(cell, number=1, about=SUSPECT, **more):
    said = {"role": "support", "session_id": "s1", "action": "none", "rules": ["lookups"]} | more
    now = cell.clock.now + number
    found = Finding(
        about, began_ms=now, last_ms=now, score=0.7, reasons=["60 orders"], evidence=[(3, 17)], requests=["r1"], **said
    )
    identity = alert_id("us", now, f"{about} {number}")
    await cell.gateway.ask("alert", identity, RaiseAlert(found), command_id=f"raise-{number}", digest=1)
    return identity


def auditor(cell, **more):
    return cell.of_role("auditor", sub=AUDITOR, **more)


async def test_an_alert_can_not_be_read_taken_on_or_closed(cell):
    identity = await raised(cell)
    read = await cell.http.get(f"/v1/alerts/{identity}", headers=auditor(cell))
    body = read.json()
    assert (read.status_code, body["status"], body["evidence"]) == (200, "open", [{"shard": 3, "number": 17}])
    path = f"/v1/alerts/{identity}/updates"
    early = await cell.post(path, {"update": "close", "verdict": "confirmed", "note": "misuse"}, **auditor(cell))
    assert (early.status_code, early.json()["code"]) == (409, "alert.illegal_transition")
    mine = await cell.post(path, {"update": "assign"}, **auditor(cell))
    assert (mine.json()["status"], mine.json()["assignee"]) == ("assigned", AUDITOR)
    closing = {"update": "close", "verdict": "false_alarm", "note": "busy_day", "version": mine.json()["version"]}
    closed = await cell.post(path, closing, **auditor(cell))
    assert (closed.json()["status"], closed.json()["verdict"], closed.json()["note"]) == (
        "closed",
        "false_alarm",
        "busy_day",
    )


async def more_of(cell, identity):
    """Another rule has found something."""
    found = msgspec.structs.replace(cell.gateway.entities["alert", identity][0].finding, rules=["lookups", "voids"])
    await cell.gateway.ask("alert", identity, RaiseAlert(found), command_id="more", digest=2)


@pytest.mark.parametrize("names", [True, False])
async def test_an_auditor_closes_what_was_found_after_he_had_read_the_alert(cell, names):
    identity = await raised(cell)
    path = f"/v1/alerts/{identity}/updates"
    mine = await cell.post(path, {"update": "assign"}, **auditor(cell))
    await more_of(cell, identity)
    closing = {"update": "close", "verdict": "false_alarm", "note": "busy_day"}
    seen = {"version": mine.json()["version"]} if names else {}
    answer = await cell.post(path, closing | seen, **auditor(cell))
    assert (answer.status_code, answer.json()["code"]) == (409, "alert.changed_meanwhile")
    now = answer.json()["version"]
    read = (await cell.http.get(f"/v1/alerts/{identity}", headers=auditor(cell))).json()
    assert (read["version"], read["status"], read["rules"]) == (now, "assigned", ["lookups", "voids"])
    closed = await cell.post(path, closing | {"version": now}, **auditor(cell))
    assert closed.json()["status"] == "closed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"update": "close"}, "body.missing_field"),
        ({"update": "close", "verdict": "confirmed", "note": "other", "version": 0}, "body.invalid"),
        ({"update": "close", "verdict": "maybe", "note": "other"}, "body.invalid"),
        ({"update": "close", "verdict": "confirmed", "note": "he was rude"}, "body.invalid"),
        ({"update": "assign", "assignee": "eu-acct-1h3k2m9qk4t1x0ab0h3k2m9qk4"}, "body.invalid"),
        ({"update": "assign", "assignee": "x"}, "body.invalid"),
        ({"update": "assign", "to": "x"}, "body.unknown_field"),
        ({"update": "reopen"}, "body.invalid"),
    ],
)
async def test_a_step_that_makes_no_sense_changes_something(cell, body, code):
    identity = await raised(cell)
    before = cell.state()[0]["alert", identity]
    answer = await cell.post(f"/v1/alerts/{identity}/updates", body, **auditor(cell))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert cell.state()[0]["alert", identity] == before


@pytest.mark.parametrize(
    "identity", ["us-alert-x", "eu-alert-01kah2v3nq7h3k2m9qk4t1x0ab", "us-alert-01kah2v3nq7h3k2m9qk4t1x0ab"]
)
async def test_an_alert_that_is_not_there_is_found(cell, identity):
    for answer in (
        await cell.http.get(f"/v1/alerts/{identity}", headers=auditor(cell)),
        await cell.post(f"/v1/alerts/{identity}/updates", {"update": "assign"}, **auditor(cell)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "alert.unknown")


async def test_somebody_closes_the_alert_about_himself(cell):
    identity = await raised(cell, about=AUDITOR)
    path = f"/v1/alerts/{identity}/updates"
    for headers, body in (
        (auditor(cell), {"update": "assign", "assignee": SUSPECT}),
        (cell.of_role("auditor", sub=SUSPECT), {"update": "assign", "assignee": AUDITOR}),
    ):
        answer = await cell.post(path, body, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "alert.own")


async def test_an_alert_is_given_to_nobody_or_to_somebody_who_may_not_handle_it(cell):
    identity = await raised(cell)
    path = f"/v1/alerts/{identity}/updates"
    picker = await cell.opened("mia", "associate")
    elsewhere = await cell.opened("eve", "auditor", ["us-wh-seattle"])
    for assignee in ("us-acct-2h3k2m9qk4t1x0ab0h3k2m9qk4", picker, elsewhere):
        answer = await cell.post(path, {"update": "assign", "assignee": assignee}, **auditor(cell))
        assert (answer.status_code, answer.json()["code"]) == (422, "alert.assignee_unfit"), assignee
    colleague = await cell.opened("ann", "auditor")
    given = await cell.post(path, {"update": "assign", "assignee": colleague}, **auditor(cell))
    assert given.json()["assignee"] == colleague


async def test_somebody_has_a_machine_of_his_close_the_alert_about_himself(cell):
    identity = await raised(cell, about=AUDITOR)
    before = cell.state()
    for body in (
        {"update": "assign", "assignee": SUSPECT},
        {"update": "close", "verdict": "false_alarm", "note": "other"},
    ):
        answer = await cell.post(f"/v1/alerts/{identity}/updates", body, **cell.bearer())
        assert (answer.status_code, answer.json()["code"]) == (403, "alert.person_required")
    assert cell.state() == before


async def test_somebody_of_one_location_sees_alerts_of_all(cell):
    identity = await raised(cell)
    bound = auditor(cell, locs=("us-wh-seattle",))
    for path in ("/v1/alerts", f"/v1/alerts/{identity}"):
        answer = await cell.http.get(path, headers=bound)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.location_forbidden")


async def test_a_page_repeats_an_alert_or_leaves_one_out(cell):
    made = [await raised(cell, number) for number in range(5)]
    headers, found, query = auditor(cell), [], {"limit": 2}
    while True:
        page = (await cell.http.get("/v1/alerts", params=query, headers=headers)).json()
        found += [alert["alert_id"] for alert in page["alerts"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == sorted(made, reverse=True)
    other = await cell.http.get("/v1/alerts", params={"status": "open", "cursor": query["cursor"]}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (400, "cursor.invalid")
    assert (await cell.http.get("/v1/alerts", params={"status": "new"}, headers=headers)).status_code == 422
    assert (await cell.http.get("/v1/alerts", params={"status": "closed"}, headers=headers)).json()["alerts"] == []
    cell.alerts.away = True
    assert (await cell.http.get("/v1/alerts", headers=headers)).json()["code"] == "cell.store_unavailable"


async def test_who_is_doubted_goes_on_without_a_proof_or_can_not_prove_it(cell):
    person = await cell.enrolled("sam", "support")
    tokens = await person.tokens()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 200
    session = tokens["shift"]["session_id"]
    await raised(cell, about=person.account_id, session_id=session, action="step_up")
    doubted = await cell.http.get("/v1/skus", headers=headers)
    assert (doubted.status_code, doubted.json()["code"]) == (401, "auth.step_up_required")
    assert 'error="insufficient_user_authentication"' in doubted.headers["www-authenticate"]
    assert (await cell.http.get("/v1/sessions/current", headers=headers)).status_code == 200
    code = cell.next_code(person.secret)
    proved = await cell.plain("/v1/sessions/current/proof", {"code": code}, **headers)
    assert proved.status_code == 200, proved.text
    fresh = {"Authorization": f"Bearer {proved.json()['access_token']}"}
    assert (await cell.http.get("/v1/skus", headers=fresh)).status_code == 200
    # Whoever has the old token still has to prove it.
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 401


async def test_a_live_stream_of_a_doubted_session_goes_on(cell):
    person, live = await cell.enrolled("sam", "support"), cell.services.live
    session = (await person.tokens())["shift"]["session_id"]
    mine, other = live.join(frozenset({"order"}), session), live.join(frozenset({"order"}), "somebody")
    await raised(cell, about=person.account_id, session_id=session, action="step_up")
    assert mine.last_words
    assert not other.last_words


async def test_a_doubted_proof_still_adds_passkeys_and_changes_the_password(cell):
    person, key = await cell.enrolled("mia.manager"), Authenticator()
    tokens = await person.tokens()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    # Whoever stole the session has begun already, and comes back within minutes of the owner's proof.
    begun = (await cell.plain("/v1/passkey-options", {}, **headers)).json()["options"]
    cell.clock.now += 20_000
    await raised(cell, about=person.account_id, session_id=tokens["shift"]["session_id"], action="step_up")
    new = "twelve green kettles hum"
    for answer in (
        await cell.plain("/v1/passkey-options", {}, **headers),
        await cell.post("/v1/passkeys", {"name": "thief", "credential": key.make(begun)}, **headers),
        await cell.http.delete("/v1/passkeys/0123456789abcdef", headers={**headers, "Idempotency-Key": "d"}),
        await cell.post(
            "/v1/sessions/current/password", {"current_password": PASSWORD, "new_password": new}, **headers
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.step_up_required")
    # The owner, who proves it anew, may.
    proved = await cell.plain("/v1/sessions/current/proof", {"code": cell.next_code(person.secret)}, **headers)
    fresh = {"Authorization": f"Bearer {proved.json()['access_token']}"}
    begun = (await cell.plain("/v1/passkey-options", {}, **fresh)).json()["options"]
    added = await cell.post("/v1/passkeys", {"name": "laptop", "credential": key.make(begun)}, **fresh)
    assert [passkey["name"] for passkey in added.json()["passkeys"]] == ["laptop"]


async def test_a_session_that_an_alert_ends_goes_on(cell):
    person = await cell.enrolled("sam", "support")
    tokens = await person.tokens()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    await raised(cell, about=person.account_id, session_id=tokens["shift"]["session_id"], action="end_session")
    ended = await cell.http.get("/v1/skus", headers=headers)
    assert (ended.status_code, ended.json()["code"]) == (401, "auth.session_ended")


async def test_a_doubt_is_forgotten_before_its_time_or_never(cell):
    ended = cell.services.ended
    now = cell.clock.now
    for number in range(3):
        mark = Revoke(unproved("s1", now // 1000 + number), now + 1000 * (number + 1))
        await cell.gateway.ask("revocations", "us-revocations", mark, command_id=f"m{number}", digest=0)
    assert ended.unproved_s["s1"] == now // 1000 + 2
    assert "s2" not in ended.unproved_s
    cell.clock.now += 1500
    ended._sweep()
    assert ended.unproved_s["s1"] == now // 1000 + 2
    cell.clock.now += 5000
    ended._sweep()
    assert "s1" not in ended.unproved_s
