"""Who has no token can't fill the audit, and not one refusal of his is left out of its numbers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.anomalies.record import NOT_LET_IN
from actors.domain.audit import Audited, Who
from actors.domain.audit_address import network_in
from serve.audit import strangers, trail
from serve.audit.who import address_digest
from serve.identity.limits import network_around
from tests.unit.serve.guarded_cell import GuardedCell

PATHS = ("/v1/skus", "/v1/locations", "/v1/alerts", "/v1/audit", "/v1/live")


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    monkeypatch.setattr(trail, "CLOSE_S", 60.0)  # what waits is to be seen on a slow machine, too
    # A thousand requests may take more than a minute.
    monkeypatch.setattr(trail, "FOLD_S", 3_600.0)
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


async def test_who_has_many_networks_fills_the_audit_or_is_not_even_counted(cell):
    """A /48 is what anybody is given: 65,536 networks."""
    await asked(cell, 200, "2001:db8:0:{:x}::1")
    found = await lines(cell)
    assert len(found) == 5 + 2, "one for each network that has a place, the first of the /48, and how many followed it"
    assert sum(map(stands_for, found)) == 200
    assert [stands_for(line) for line in found if "networks" in line.act.changes] == [194]


async def test_who_holds_the_places_of_one_net_leaves_others_without_an_address_to_be_found_by(cell):
    """Two refusals each of fifty networks keep their places, minute after minute."""
    for _ in range(2):
        await asked(cell, 50, "2001:db8:0:{:x}::1")
    await asked(cell, 1_000, "203.0.113.9")
    of_other = [line for line in await lines(cell) if line.who.address == address_digest(cell.keys, "203.0.113.9")]
    assert list(map(stands_for, of_other)) == [1, 999]


def refused(counted: strangers.Strangers, network: str, around: str, code: str = "auth.token_missing") -> bool:
    return counted.is_first(Who(address=network), around, code, "GET /", 1, "r")


def test_what_one_counts_of_many_nets_has_no_address_or_seems_to_be_one_network_alone():
    counted = strangers.Strangers()
    for n in range(100):
        refused(counted, f"a-{n}", f"around-{n}")
    for n in range(100, 103):
        refused(counted, f"a-{n}", f"around-{n}")
    assert refused(counted, "a-0", "around-0", "auth.token_wrong"), "what is known of a code by itself is another"
    (line,) = (line for line in counted.told(999) if stands_for(line) == 2)
    assert (line.who.address, line.act.changes["networks"]) == ("a-101", (None, "several"))


def test_the_codes_of_a_few_nets_take_the_first_line_of_everybody_else():
    counted = strangers.Strangers()
    for n in range(strangers.NETWORKS_MAX):
        refused(counted, f"a-{n}", f"around-{n}")
    for n in range(3 * 18):
        refused(counted, f"b-{n}", f"of-codes-{n % 3}", f"code-{n // 3}")
    assert refused(counted, "a-other", "around-other", "code-17")
    assert not refused(counted, "a-other", "around-other", "code-17")
    (line,) = (line for line in counted.told(999) if line.who.address == "a-other")
    assert (stands_for(line), "networks" in line.act.changes) == (1, False)


def test_the_places_of_a_net_are_taken_for_good_or_given_again_while_they_are_held():
    counted = strangers.Strangers()
    firsts = []
    for _ in range(3):
        firsts.append(sum(refused(counted, f"a-{n}", "around") for n in range(20) for _ in range(2)))
        counted.told(999)
    assert firsts == [strangers.NEAR_MAX + 1, 0, 0]
    counted.told(999)
    assert not len(counted)


@pytest.mark.parametrize("other", ["2001:db8:ffff::1", "203.0.113.9"])
async def test_who_has_many_networks_keeps_everybody_else_out_of_the_audit(cell, other):
    await asked(cell, 100, "2001:db8:0:{:x}::1")
    await asked(cell, 1, other)
    seen = [line for line in await lines(cell) if line.who.address and stands_for(line) == 1]
    address = address_digest(cell.keys, other)
    assert [line.who.address for line in seen].count(address) == 1


@pytest.mark.parametrize("address", ["2001:db8:{:x}::1", "10.{}.0.1"])
async def test_who_has_networks_everywhere_fills_the_audit_or_is_not_even_counted(cell, address):
    await asked(cell, 200, address)
    found = await lines(cell)
    assert len(found) == 50 + 50 + 2
    assert sum(map(stands_for, found)) == 200


@pytest.mark.parametrize(
    ("address", "around"),
    [
        ("2001:db8:7:ffff::1", "2001:db8:7::/48"), ("::1", "::/48"), ("fe80::1%eth0", "fe80::/48"), ("203.0.113.9", "203.0.0.0/16"),
        ("::ffff:203.0.113.9", "203.0.0.0/16"), ("unknown", "unknown"), ("", ""),
    ],
)  # fmt: skip
def test_what_is_around_an_address_depends_on_its_spelling_or_makes_it_raise(address, around):
    assert network_around(address) == around


def test_lines_of_a_minute_are_more_than_the_documents_say_when_all_of_them_come_again_and_again():
    counted = strangers.Strangers()
    for minute in range(3):
        firsts = sum(
            counted.is_first(Who(address=f"a-{n}"), f"around-{n}", "auth.token_missing", "GET /", minute, "r")
            for n in range(1_000)
            for _ in range(2)
        )
        lines = counted.told(5_000)
        assert firsts + len(lines) <= 200 + 2
        assert firsts + sum(map(stands_for, lines)) == 2_000
        assert len(counted) <= 101


async def test_a_quiet_network_is_remembered_for_ever_and_its_next_refusal_told_late(cell):
    counted = strangers.Strangers()
    who = Who(address="a-1")
    assert counted.is_first(who, "here", "auth.token_missing", "GET /", 1, "r-1")
    assert not counted.is_first(who, "here", "auth.token_missing", "GET /", 2, "r-2")
    assert [(line.at_ms, line.request_id) for line in counted.told(9)] == [(2, "r-2")]
    assert not counted.is_first(who, "here", "auth.token_missing", "GET /", 3, "r-3")
    assert counted.told(0) == []
    assert [stands_for(line) for line in counted.told(9)] == [1], "what had no room waits"
    assert counted.told(9) == []
    assert not len(counted)
    assert counted.is_first(who, "here", "auth.token_missing", "GET /", 4, "r-4")


async def test_what_the_monitor_needs_to_see_guessing_is_put_together_by_network(cell):
    assert strangers.TRIES == NOT_LET_IN
    for name in ("mia", "tom", "eva"):
        body = {"login": name, "password": "not at all right"}
        answer = await cell.plain("/v1/sessions", body)
        assert answer.json()["code"] == "session.refused", answer.text
    found = await lines(cell)
    assert len({line.entity_id for line in found}) == 3
    assert all(stands_for(line) == 1 for line in found)
