from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import ids, revocations
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.revocations import (
    IsRevoked,
    Revoke,
    Revoked,
    SessionRevoked,
    doubted,
    first_good,
    replaced,
    unproved,
)
from actors.domain.rows import RevocationRow

NOW_MS = 1_767_225_600_000
ID = ids.revocations_id("us")


class List:
    """The list, a clock, and the store's rows of it."""

    def __init__(self) -> None:
        self.state, self.version, self.now_ms = None, 0, NOW_MS
        self.stored, self.events = {}, []

    def revoke(self, session, until_ms):
        before, context = copy.deepcopy(self.state), Context(ID, "command", self.now_ms)
        decision = revocations.decide(self.state, Revoke(session, until_ms), context)
        assert self.state == before
        for event in decision.events:
            self.state = revocations.evolve(self.state, event, context)
            self.events.append((event, context))
        self.version += len(decision.events)
        if decision.events:
            rows = revocations.rows(self.state, self.version, decision.events, context)
            self.stored.update((row.session_id, row) for row in rows)
        return decision.reply(self.state, self.version)

    def until(self, session):
        return revocations.view(self.state, IsRevoked(session), self.version).until_ms


def test_one_mark_of_a_session_is_read_as_another_or_as_its_end():
    assert first_good(replaced("us-acct:x:1", 17)) == ("us-acct:x:1", 17)
    assert doubted(replaced("s1", 17)) is first_good(unproved("s1", 17)) is None
    for plain in ("abc", "replaced", "replaced:", "replaced:x:s1", "us-client-erp.1"):
        assert first_good(plain) is None


def test_a_revoked_session_is_good():
    cell = List()
    assert cell.until("s1") == 0
    assert cell.revoke("s1", NOW_MS + 10) == Revoked("s1", NOW_MS + 10)
    assert (cell.until("s1"), cell.until("s2")) == (NOW_MS + 10, 0)
    assert revocations.feed(ID, cell.state, cell.version) == [RevocationRow(ID, "s1", NOW_MS + 10, 1)]
    assert ID == "us-revocations"


def test_a_session_is_revoked_for_less_long_by_a_message_that_comes_late_or_twice():
    cell = List()
    cell.revoke("s1", NOW_MS + 10)
    assert cell.revoke("s1", NOW_MS + 5).until_ms == NOW_MS + 10
    cell.revoke("s1", NOW_MS + 10)
    assert cell.version == 1
    cell.revoke("s1", NOW_MS + 20)
    cell.now_ms += 15
    cell.revoke("s2", NOW_MS + 30)
    assert cell.until("s1") == NOW_MS + 20


def test_the_list_grows_for_ever():
    cell = List()
    for n in range(100):
        cell.revoke(f"s{n}", cell.now_ms + 10)
        cell.now_ms += 1
    assert len(cell.state.until_ms) == len(cell.state.soonest) == 10
    cell.revoke("over already", cell.now_ms)
    assert cell.version == 100


def test_a_full_list_takes_more_or_refuses_though_half_of_it_is_over(monkeypatch):
    monkeypatch.setattr(revocations, "REVOCATIONS_MAX", 3)
    cell = List()
    for n in range(3):
        cell.revoke(f"s{n}", NOW_MS + 10 + n)
    with pytest.raises(Refused) as refused:
        cell.revoke("s3", NOW_MS + 50)
    assert refused.value.body.code == "revocations.full"
    cell.revoke("s2", NOW_MS + 60)  # it is on the list
    cell.now_ms += 10
    cell.revoke("s3", NOW_MS + 50)
    assert sorted(cell.state.until_ms) == ["s1", "s2", "s3"]


def test_a_restored_list_forgets_its_version_or_keeps_what_is_over():
    cell = List()
    cell.revoke("s1", NOW_MS + 10)
    cell.revoke("s2", NOW_MS + 90)
    cell.now_ms += 50
    state, version = revocations.restore(ID, {"revocations": list(cell.stored.values())})
    assert (version, sorted(state.until_ms)) == (2, ["s1", "s2"])
    state = revocations.evolve(state, SessionRevoked("s3", NOW_MS + 80), Context(ID, "c", cell.now_ms))
    assert state.until_ms == {"s2": NOW_MS + 90, "s3": NOW_MS + 80}
    assert revocations.restore(ID, {}) is None


def test_a_list_without_the_rows_of_sessions_that_are_over_loses_its_version_or_one_that_is_not():
    cell = List()
    cell.revoke("over", NOW_MS + 10)
    cell.revoke("not over", NOW_MS + 90)
    cell.revoke("newest", NOW_MS + 20)
    cell.now_ms += 50
    left = [row for row in cell.stored.values() if row.session_id != "over"]
    state, version = revocations.restore(ID, {"revocations": left})
    assert (version, sorted(state.until_ms)) == (3, ["newest", "not over"])
    state = revocations.evolve(state, SessionRevoked("s3", NOW_MS + 80), Context(ID, "c", cell.now_ms))
    assert sorted(state.until_ms) == ["not over", "s3"]


lives = st.lists(
    st.tuples(st.sampled_from(("s1", "s2", "s3")), st.integers(-2, 9), st.integers(0, 4)), min_size=1, max_size=30
)


@given(lives)
def test_the_list_differs_from_what_was_revoked(life):
    cell, model = List(), {}
    for session, lasts_ms, pause_ms in life:
        cell.now_ms += pause_ms
        until, version = cell.now_ms + lasts_ms, cell.version
        cell.revoke(session, until)
        if until > cell.now_ms:
            model[session] = max(until, model.get(session, 0))
        if cell.version > version:
            model = {name: until_ms for name, until_ms in model.items() if until_ms > cell.now_ms}
    assert (cell.state.until_ms if cell.state else {}) == model
    fed = revocations.feed(ID, cell.state, cell.version) if cell.state else []
    assert {row.session_id: row.until_ms for row in fed} == model


@given(lives)
def test_the_same_events_lead_to_another_list_after_a_crash(life):
    cell, again = List(), None
    for session, lasts_ms, pause_ms in life:
        cell.now_ms += pause_ms
        cell.revoke(session, cell.now_ms + lasts_ms)
    for event, context in cell.events:
        (read,) = msgspec.json.decode(msgspec.json.encode([event]), type=list[SessionRevoked])
        again = revocations.evolve(again, read, context)
    assert again == cell.state


@given(lives)
def test_a_list_comes_back_from_its_rows_without_a_session_that_is_not_over(life):
    cell = List()
    for session, lasts_ms, pause_ms in life:
        cell.now_ms += pause_ms
        cell.revoke(session, cell.now_ms + lasts_ms)
    found = revocations.restore(ID, {"revocations": list(cell.stored.values())})
    if found is None:
        assert cell.version == 0
        return
    state, version = found
    assert version == cell.version
    assert cell.state.until_ms.items() <= state.until_ms.items()
    for one in (state, cell.state):
        revocations.evolve(one, SessionRevoked("s9", cell.now_ms + 99), Context(ID, "c", cell.now_ms))
    assert state.until_ms == cell.state.until_ms
