"""The register of breaches through the whole API: who may, what is sealed, what the clock says."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from actors.domain.breach import WatchClock
from actors.runtime.sharding import digest_of
from tests.unit.serve.guarded_cell import GuardedCell

SECRET = "Mia Muster's parcel list went to the wrong carrier."
DISCOVERED = "2026-01-01T00:00:00Z"
EXTENT = {"natures": ["disclosure"], "categories": ["name"], "groups": ["customers"], "persons": 240, "records": 310}
NEW = {"discovered_at": DISCOVERED, "extent": EXTENT, "summary": SECRET}
HOUR_MS = 3_600_000


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


def officer(cell, **more):
    return cell.of_role("privacy", **more)


async def recorded(cell, key=None, **more):
    answer = await cell.post("/v1/breaches", NEW | more, key, **officer(cell))
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/breaches/{answer.json()['breach_id']}"
    return answer.json()


async def step(cell, identity, key=None, **said):
    return await cell.post(f"/v1/breaches/{identity}/steps", {"step": said}, key, **officer(cell))


async def test_a_breach_is_not_followed_from_its_discovery_to_its_end(cell):
    breach = await recorded(cell)
    identity = breach["breach_id"]
    assert (breach["status"], breach["deadline_at"], breach["risk"]) == ("open", "2026-01-04T00:00:00Z", "not_judged")
    assert breach["duties"] == ["assess_risk", "tell_authority", "take_measure"]
    early = await step(cell, identity, type="close")
    assert (early.status_code, early.json()["code"]) == (409, "breach.duties_left")
    assert early.json()["duties"] == breach["duties"]
    for said in (
        {"type": "judge_risk", "risk": "high", "reason": "contents"},
        {"type": "tell_authority", "reference": "2026-4711"},
        {"type": "tell_subjects", "persons": 240, "at": DISCOVERED},
        {"type": "take_measure", "measure": "recipient_asked_to_delete"},
        {"type": "revise_extent", "extent": EXTENT | {"persons": 250}},
        {"type": "close"},
    ):
        answer = await step(cell, identity, **said)
        assert answer.status_code == 200, answer.text
    read = (await cell.http.get(f"/v1/breaches/{identity}", headers=officer(cell))).json()
    assert read == answer.json()
    assert (read["status"], read["duties"], read["summary"]) == ("closed", [], SECRET)
    assert (read["extent"]["persons"], read["closed_at"]) == (250, DISCOVERED)
    assert read["authority"] == [{"at": DISCOVERED, "reference": "2026-4711", "delay": ""}]
    late = await step(cell, identity, type="take_measure", measure="other")
    assert (late.status_code, late.json()["code"]) == (409, "breach.closed")


async def test_what_happened_lies_somewhere_in_the_clear(cell):
    breach = await recorded(cell)
    await step(cell, breach["breach_id"], type="take_measure", measure="other")
    await cell.http.get(f"/v1/breaches/{breach['breach_id']}", headers=officer(cell))
    kept = msgspec.msgpack.encode(
        [list(cell.gateway.entities.items()), cell.gateway.events, list(cell.gateway.remembered.items()), cell.gateway.audited],
        enc_hook=repr, order=None,
    )  # fmt: skip
    assert breach["breach_id"].encode() in kept
    assert b"Muster" not in kept
    # Nobody can try out what stood in the body: what is remembered of it is keyed.
    digests = [digest for (kind, *_), (digest, _) in cell.gateway.remembered.items() if kind == "breach"]
    assert digests
    assert digest_of(msgspec.json.encode(NEW)) not in digests


async def test_a_summary_opens_for_another_breach(cell):
    first, second = await recorded(cell), await recorded(cell, summary="Another one.")
    entities = cell.gateway.entities
    one, other = (entities["breach", breach["breach_id"]][0] for breach in (first, second))
    other.sealed_summary = one.sealed_summary
    answer = await cell.http.get(f"/v1/breaches/{second['breach_id']}", headers=officer(cell))
    assert (answer.status_code, answer.json()["code"]) == (500, "keys.unreadable")
    assert "Muster" not in answer.text


async def test_a_repeated_call_records_a_second_breach(cell):
    first = await recorded(cell, "key-1")
    cell.clock.now += 60_000
    assert (await recorded(cell, "key-1"))["breach_id"] == first["breach_id"]
    other = await cell.post("/v1/breaches", NEW | {"summary": "Something else."}, "key-1", **officer(cell))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")


async def test_the_clock_is_silent_in_the_list(cell):
    breach = await recorded(cell)
    calm = await recorded(cell)
    await step(cell, calm["breach_id"], type="judge_risk", risk="unlikely", reason="sealed_and_keys_safe")
    for hours in (49, 73):
        cell.clock.now = 1_767_225_600_000 + hours * HOUR_MS
        for one in (breach, calm):
            await cell.gateway.ask("breach", one["breach_id"], WatchClock(), command_id=f"t{hours}", digest=0)
    page = (await cell.http.get("/v1/breaches", params={"status": "overdue"}, headers=officer(cell))).json()
    assert [found["breach_id"] for found in page["breaches"]] == [breach["breach_id"]]
    told = await step(cell, breach["breach_id"], type="tell_authority", reference="2026-4711")
    assert (told.status_code, told.json()["code"]) == (422, "breach.delay_unexplained")
    told = await step(cell, breach["breach_id"], type="tell_authority", reference="2026-4711", delay="facts_unclear")
    assert told.json()["status"] == "open"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"type": "judge_risk", "risk": "high"}, "body.missing_field"),
        ({"type": "judge_risk", "risk": "not_judged", "reason": "other"}, "body.invalid"),
        ({"type": "judge_risk", "risk": "high", "reason": "he was rude"}, "body.invalid"),
        ({"type": "tell_authority", "reference": "line\nbreak"}, "body.invalid"),
        ({"type": "tell_authority", "reference": "A-1\n"}, "body.invalid"),
        ({"type": "tell_authority"}, "body.missing_field"),
        ({"type": "tell_authority", "reference": "A-1", "at": "2026-01-01T00:00:00"}, "body.invalid"),
        ({"type": "tell_authority", "reference": "A-1", "at": "2025-12-31T00:00:00Z"}, "breach.moment_invalid"),
        ({"type": "tell_subjects", "persons": 0}, "body.invalid"),
        ({"type": "close", "note": "done"}, "body.unknown_field"),
        ({"type": "reopen"}, "body.invalid"),
        ({}, "body.missing_field"),
    ],
)
async def test_a_step_that_makes_no_sense_changes_something(cell, said, code):
    identity = (await recorded(cell))["breach_id"]
    before = cell.gateway.entities["breach", identity][1]
    answer = await step(cell, identity, **said)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert cell.gateway.entities["breach", identity][1] == before


@pytest.mark.parametrize(
    "more",
    [
        {"discovered_at": "2026-01-02T00:00:00Z"}, {"summary": ""}, {"summary": "x" * 4001}, {"law": "none"},
        {"extent": EXTENT | {"natures": []}}, {"extent": EXTENT | {"persons": -1}}, {"extent": EXTENT | {"names": ["Mia"]}},
    ],
)  # fmt: skip
async def test_a_breach_is_recorded_that_makes_no_sense(cell, more):
    answer = await cell.post("/v1/breaches", NEW | more, **officer(cell))
    assert answer.status_code == 422, answer.text
    assert not [kind for kind, _ in cell.gateway.entities if kind == "breach"]


@pytest.mark.parametrize(
    "identity", ["us-breach-x", "eu-breach-01kah2v3nq7h3k2m9qk4t1x0ab", "us-breach-01kah2v3nq7h3k2m9qk4t1x0ab"]
)
async def test_a_breach_that_is_not_there_is_found(cell, identity):
    for answer in (
        await cell.http.get(f"/v1/breaches/{identity}", headers=officer(cell)),
        await step(cell, identity, type="close"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "breach.unknown")


async def test_somebody_of_one_location_reads_or_records_breaches(cell):
    identity = (await recorded(cell))["breach_id"]
    bound = officer(cell, locs=("us-wh-seattle",))
    for answer in (
        await cell.http.get("/v1/breaches", headers=bound),
        await cell.http.get(f"/v1/breaches/{identity}", headers=bound),
        await cell.post("/v1/breaches", NEW, **bound),
        await cell.post(f"/v1/breaches/{identity}/steps", {"step": {"type": "close"}}, **bound),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.location_forbidden")


async def test_a_breach_is_read_or_changed_without_a_line_in_the_audit(cell):
    identity = (await recorded(cell))["breach_id"]
    await step(cell, identity, type="judge_risk", risk="high", reason="contents")
    await cell.http.get(f"/v1/breaches/{identity}", headers=officer(cell))
    await cell.http.get("/v1/breaches", headers=officer(cell))
    await asyncio.sleep(0)
    lines = [(line.act.action, line.who.role) for line in cell.gateway.audited]
    for action in ("breach.record", "breach.judge_risk", "breach.read", "breach.search"):
        assert (action, "privacy") in lines


async def test_a_page_repeats_a_breach_or_leaves_one_out(cell):
    made = [(await recorded(cell))["breach_id"] for _ in range(5)]
    found, query = [], {"limit": 2}
    while True:
        page = (await cell.http.get("/v1/breaches", params=query, headers=officer(cell))).json()
        found += [breach["breach_id"] for breach in page["breaches"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == sorted(made, reverse=True)
    other = await cell.http.get(
        "/v1/breaches", params={"status": "open", "cursor": query["cursor"]}, headers=officer(cell)
    )
    assert (other.status_code, other.json()["code"]) == (400, "cursor.invalid")
    assert (await cell.http.get("/v1/breaches", params={"status": "new"}, headers=officer(cell))).status_code == 422
    cell.read_model.away = True
    assert (await cell.http.get("/v1/breaches", headers=officer(cell))).json()["code"] == "cell.store_unavailable"


async def test_a_breach_of_another_region_is_told_because_it_lies_here(cell):
    """As after a backup was restored to the wrong cell."""
    identity = (await recorded(cell))["breach_id"]
    stray = "eu" + identity[2:]
    cell.gateway.entities["breach", stray] = cell.gateway.entities["breach", identity]
    for answer in (
        await cell.http.get(f"/v1/breaches/{stray}", headers=officer(cell)),
        await step(cell, stray, type="take_measure", measure="other"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "breach.unknown")
