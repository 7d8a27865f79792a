from __future__ import annotations

import copy
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import customer, ids
from actors.domain.customer import (
    IDLE_MS,
    REVOKED_MS,
    SESSION_MS,
    SESSIONS_MAX,
    EndSession,
    KeepCode,
    RefreshSession,
    TryCode,
    ViewCustomer,
)
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.one_time_code import CODE_MS, TRIES_MAX
from actors.domain.revocations import Revoke

NOW_MS = 1_767_225_600_000
ID = ids.customer_id("us", bytes(32))
RIGHT, WRONG = b"r" * 32, b"w" * 32


class Desk:
    """A customer, a clock, and what was said to the list of revoked sessions."""

    def __init__(self) -> None:
        self.state, self.version, self.now_ms = None, 0, NOW_MS
        self.post, self.row, self.numbers = [], None, count(1)

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(ID, "c", self.now_ms)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=customer.CUSTOMER.commands)
        decision = customer.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            stored = msgspec.json.decode(msgspec.json.encode(event), type=customer.CUSTOMER.events)
            self.state = customer.evolve(self.state, stored, context)
            self.post.extend(message.command for message in customer.messages(ID, stored))
        self.version += len(decision.events)
        if decision.events:
            (self.row,) = customer.rows(self.state, self.version, decision.events, context)
            state, version = customer.restore(ID, {"customers": [self.row]})
            assert (state, version) == (self.state, self.version)
            self.state = state
        return decision.reply(self.state, self.version)

    def signed_in(self, sealed=b"sealed"):
        self.do(KeepCode(RIGHT, opens=True))
        session = self.do(TryCode(RIGHT, f"s-{next(self.numbers)}", sealed)).session
        assert session is not None
        return session


def code_of(work, *args):
    with pytest.raises(Refused) as refused:
        work(*args)
    return refused.value.body.code


def test_somebody_without_an_account_gets_a_code_or_a_session():
    desk = Desk()
    for command in (KeepCode(RIGHT), TryCode(RIGHT, "s", b"x"), RefreshSession("s", 1), EndSession("s")):
        assert code_of(desk.do, command) == "customer.unknown"
    assert desk.state is None
    assert code_of(customer.view, None, ViewCustomer(), 0) == "customer.unreadable"


def test_an_address_is_kept_before_it_is_proved_or_replaced_by_another_spelling():
    desk = Desk()
    assert desk.do(KeepCode(RIGHT, opens=True)).sealed_email == b""
    assert not desk.row.proved
    assert desk.do(TryCode(WRONG, "s-0", b"somebody else's")).session is None
    assert desk.state.sealed_email == b""
    desk.signed_in(b"first")
    assert desk.row.proved
    desk.signed_in(b"second")
    assert desk.do(KeepCode(RIGHT)).sealed_email == b"first"


def test_a_code_opens_two_sessions_or_works_late_or_after_too_many_tries():
    desk = Desk()
    desk.signed_in()
    assert desk.do(TryCode(RIGHT, "again", b"x")).session is None
    desk.do(KeepCode(RIGHT))
    desk.now_ms += CODE_MS
    assert desk.do(TryCode(RIGHT, "late", b"x")).session is None
    desk.do(KeepCode(RIGHT))
    for _ in range(TRIES_MAX):
        assert desk.do(TryCode(WRONG, "wrong", b"x")).session is None
    version = desk.version
    assert desk.do(TryCode(RIGHT, "spent", b"x")).session is None
    assert desk.version == version
    assert [session.session_id for session in desk.state.sessions] == ["s-1"]


def test_a_stolen_refresh_token_goes_on_working():
    desk = Desk()
    first = desk.signed_in()
    renewed = desk.do(RefreshSession(first.session_id, 1)).session
    assert renewed.token_number == 2
    # The old number comes again: either of both who hold tokens stole them.
    assert desk.do(RefreshSession(first.session_id, 1)).session is None
    assert code_of(desk.do, RefreshSession(first.session_id, 2)) == "session.ended"
    assert desk.post == [Revoke(first.session_id, NOW_MS + REVOKED_MS)]


def test_a_session_lives_on_unused_or_for_ever():
    desk = Desk()
    session = desk.signed_in()
    desk.now_ms += IDLE_MS + 1
    assert code_of(desk.do, RefreshSession(session.session_id, 1)) == "session.ended"
    session, opened_ms, number = desk.signed_in(), desk.now_ms, 1
    while desk.now_ms + IDLE_MS < opened_ms + SESSION_MS:
        desk.now_ms += IDLE_MS
        number = desk.do(RefreshSession(session.session_id, number)).session.token_number
    desk.now_ms = opened_ms + SESSION_MS
    assert code_of(desk.do, RefreshSession(session.session_id, number)) == "session.ended"


def test_who_signs_out_is_still_in_or_others_are_put_out():
    desk = Desk()
    one, other = desk.signed_in(), desk.signed_in()
    assert desk.do(EndSession(one.session_id)).ok
    assert not desk.do(EndSession(one.session_id)).ok
    assert code_of(desk.do, RefreshSession(one.session_id, 1)) == "session.ended"
    assert desk.do(RefreshSession(other.session_id, 1)).session is not None


def test_sessions_pile_up_or_the_newest_gives_way():
    desk = Desk()
    opened = [desk.signed_in().session_id for _ in range(SESSIONS_MAX)]
    newest = desk.signed_in().session_id
    assert [session.session_id for session in desk.state.sessions] == [*opened[1:], newest]
    assert desk.post == [Revoke(opened[0], NOW_MS + REVOKED_MS)]


_STEPS = st.one_of(
    st.builds(KeepCode, st.just(RIGHT), st.booleans()),
    st.builds(TryCode, st.sampled_from([RIGHT, WRONG]), st.sampled_from("abcdefgh"), st.just(b"sealed")),
    st.builds(RefreshSession, st.sampled_from("abcdefgh"), st.integers(1, 3)),
    st.builds(EndSession, st.sampled_from("abcdefgh")),
)


@given(st.lists(st.tuples(_STEPS, st.sampled_from([0, 1000, CODE_MS, IDLE_MS, IDLE_MS + 1])), max_size=40))
def test_a_session_ends_without_being_revoked_or_exists_without_a_code(steps):
    desk, sent, opened = Desk(), 0, 0
    for command, later_ms in steps:
        desk.now_ms += later_ms
        before = {session.session_id for session in desk.state.sessions} if desk.state else set()
        try:
            reply = desk.do(command)
        except Refused:
            after = {session.session_id for session in desk.state.sessions} if desk.state else set()
            assert after == before
            continue
        sent += type(command) is KeepCode and reply.ok
        opened += type(command) is TryCode and reply.session is not None
        after = {session.session_id for session in desk.state.sessions}
        reused = {command.session_id} if type(command) is TryCode else set()
        assert before - after - reused <= {revoke.session_id for revoke in desk.post}
        assert len(desk.state.sessions) <= SESSIONS_MAX
    assert opened <= sent
