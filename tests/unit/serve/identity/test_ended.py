"""A session that ended goes on at a replica, or what a replica knows of ended sessions grows without end."""

from __future__ import annotations

import pytest

from actors.domain.revocations import replaced, unproved
from actors.domain.rows import RevocationRow
from serve.identity import ended as module
from serve.identity.ended import EndedSessions
from tests.unit.serve.fake_gateway import FakeClock

HOUR_MS = 3_600_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ended(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> EndedSessions:
    monkeypatch.setattr(module, "SWEEP_AT", 4)
    return EndedSessions(clock)


def row(entry: str, until_ms: int) -> RevocationRow:
    return RevocationRow("us-revocations", entry, until_ms, 1)


def test_streams_of_a_session_that_ends_or_is_doubted_go_on_or_others_end_with_it(ended, clock):
    told: list[str] = []
    ended.listeners.append(told.append)
    rows = [row(entry, clock.now + HOUR_MS) for entry in ("s1", unproved("s2", 5), replaced("s3", 2))]
    ended.rows(rows)
    ended.rows(rows)  # as after each connection to a host anew
    assert told == ["s1", "s2", "s3"]


def test_sessions_whose_tokens_are_over_by_themselves_are_remembered_for_ever(ended, clock):
    for number in range(40):
        ended.rows([row(f"s{number}", clock.now + HOUR_MS), row(unproved(f"s{number}", 5), clock.now + HOUR_MS)])
        clock.now += HOUR_MS
        assert len(ended.until_ms) <= module.SWEEP_AT
        assert len(ended.unproved_s) <= module.SWEEP_AT


def test_all_of_many_ended_sessions_are_looked_through_at_each_that_is_new(ended, clock, monkeypatch):
    swept: list[int] = []
    sweep = ended._sweep
    monkeypatch.setattr(ended, "_sweep", lambda: (swept.append(len(ended.until_ms)), sweep()))
    for number in range(100):
        ended.rows([row(f"s{number}", clock.now + HOUR_MS)])
    assert swept == [4, 8, 16, 32, 64]
    assert len(ended.until_ms) == 100
