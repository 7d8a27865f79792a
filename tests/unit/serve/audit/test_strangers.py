"""Who has no token can't fill the audit, and not one refusal of his is left out of its numbers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.anomalies.record import NOT_LET_IN
from actors.domain.audit import Audited, Who
from actors.domain.audit_address import network_in
from serve.audit import strangers, trail
from tests.unit.serve.guarded_cell import GuardedCell

PATHS = ("/v1/skus", "/v1/locations", "/v1/alerts", "/v1/audit", "/v1/live")


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def asked(cell: GuardedCell, count: int, address: str = "2001:db8::{:x}") -> None:
    for n in range(count):
        answer = await cell.http.get(PATHS[n % len(PATHS)], headers={"X-Forwarded-For": address.format(n)})
        assert answer.status_code == 401
        await asyncio.sleep(0)


async def lines(cell: GuardedCell) -> list[Audited]:
    await cell.services.trail.close()
    found = [line for line in cell.gateway.audited if line.act.action == "request.refused"]
    cell.gateway.audited.clear()
    return found


def stands_for(line: Audited) -> int:
    times = line.act.changes.get("times", (None, 1))[1]
    assert isinstance(times, int)
    return times


async def test_each_request_without_a_token_is_a_line_that_is_kept_for_years_or_one_is_not_counted(cell):
    await asked(cell, 200)
    found = await lines(cell)
    assert len(found) == 2
    assert sum(map(stands_for, found)) == 200
    first, rest = found
    assert first.act.changes["endpoint"] == (None, "GET /v1/skus")
    assert "endpoint" not in rest.act.changes, "they were at several"
    assert rest.who.address == network_in(first.who.address), "its /64 is all that they have in common"


async def test_what_is_counted_waits_until_the_replica_ends(cell, monkeypatch):
    monkeypatch.setattr(trail, "FOLD_S", 0.05)
    await asked(cell, 10)
    for _ in range(200):
        await asyncio.sleep(0.01)
        if sum(map(stands_for, cell.gateway.audited)) == 10:
            break
    assert sum(map(stands_for, cell.gateway.audited)) == 10


async def test_two_networks_or_two_codes_are_mixed_up(cell):
    await asked(cell, 3, "203.0.113.1")
    await asked(cell, 3, "203.0.113.2")
    await cell.http.get("/v1/skus", headers={"X-Forwarded-For": "203.0.113.1", "Authorization": "Bearer x.y.z"})
    found = await lines(cell)
    assert sorted(stands_for(line) for line in found) == [1, 1, 1, 2, 2]


async def test_who_has_many_networks_fills_the_audit_or_is_not_even_counted(cell, monkeypatch):
    monkeypatch.setattr(strangers, "KINDS_MAX", 4)
    await asked(cell, 40, "2001:db8:0:{:x}::1")
    found = await lines(cell)
    assert [line.outcome for line in found].count("audit.overflow") == 1
    assert len(found) == 5
    assert sum(map(stands_for, found)) == 40


async def test_a_quiet_network_is_remembered_for_ever_and_its_next_refusal_told_late(cell):
    counted = strangers.Strangers()
    who = Who(address="a-1")
    assert counted.is_first(who, "auth.token_missing", "GET /", 1, "r-1")
    assert not counted.is_first(who, "auth.token_missing", "GET /", 2, "r-2")
    assert [(line.at_ms, line.request_id) for line in counted.told(9)] == [(2, "r-2")]
    assert not counted.is_first(who, "auth.token_missing", "GET /", 3, "r-3")
    assert counted.told(0) == []
    assert [stands_for(line) for line in counted.told(9)] == [1], "what had no room waits"
    assert counted.told(9) == []
    assert not len(counted)
    assert counted.is_first(who, "auth.token_missing", "GET /", 4, "r-4")


async def test_what_the_monitor_needs_to_see_guessing_is_put_together_by_network(cell):
    assert strangers.TRIES == NOT_LET_IN
    for name in ("mia", "tom", "eva"):
        body = {"login": name, "password": "not at all right"}
        answer = await cell.plain("/v1/sessions", body)
        assert answer.json()["code"] == "session.refused", answer.text
    found = await lines(cell)
    assert len({line.entity_id for line in found}) == 3
    assert all(stands_for(line) == 1 for line in found)
