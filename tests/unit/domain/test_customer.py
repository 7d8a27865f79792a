from __future__ import annotations

import copy
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import customer, ids
from actors.domain.customer_commands import (
    EndOtherSessions,
    EndSession,
    EraseCustomer,
    ForgetUnproved,
    KeepCode,
    KeepEmail,
    Opening,
    RefreshSession,
    TryCode,
    TryPasskey,
)
from actors.domain.customer_events import SessionOpened
from actors.domain.customer_state import (
    IDLE_MS,
    KEYS_MAX,
    REVOKED_MS,
    SESSION_MS,
    SESSIONS_MAX,
    UNPROVED_MS,
    Customer,
    Session,
    runs,
)
from actors.domain.customer_views import CustomerAccount, ViewCustomer
from actors.domain.data_key import DestroyKey
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.one_time_code import CODE_MS, TRIES_MAX
from actors.domain.passkeys import AddPasskey, Passkey, PasskeyUse, RemovePasskey
from actors.domain.revocations import Revoke
from actors.domain.rows import CustomerRow

NOW_MS = 1_767_225_600_000
ID = ids.customer_id("us", bytes(32))
RIGHT, WRONG = b"r" * 32, b"w" * 32
UNTIL_MS = NOW_MS + 300_000
PHONE = Passkey("phone", b"c", b"k", 0, "", sealed_name=b"how she calls it")


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

    def signed_in(self):
        self.do(KeepCode(RIGHT, opens=True))
        session = self.do(TryCode(RIGHT, f"s-{next(self.numbers)}")).session
        assert session is not None
        return session

    def with_phone(self):
        session = self.signed_in()
        self.do(AddPasskey(session.session_id, PHONE, "made", UNTIL_MS))
        return session


def use(count: int = 0, challenge: str = "signed", passkey_id: str = "phone", *, alone: bool = True) -> PasskeyUse:
    return PasskeyUse(passkey_id, count, challenge, UNTIL_MS, alone)


def code_of(work, *args):
    with pytest.raises(Refused) as refused:
        work(*args)
    return refused.value.body.code


def test_somebody_without_an_account_gets_a_code_or_a_session():
    desk = Desk()
    for command in (
        KeepCode(RIGHT), TryCode(RIGHT, "s"), KeepEmail(b"x"), RefreshSession("s", 1), EndSession("s"), EndOtherSessions("s"),
        TryPasskey(use(), "s"), TryPasskey(None, "s"), AddPasskey("s", PHONE, "made", UNTIL_MS), RemovePasskey("s", "phone"),
    ):  # fmt: skip
        assert code_of(desk.do, command) == "customer.unknown"
    assert desk.state is None
    assert code_of(customer.view, None, ViewCustomer(), 0) == "customer.unknown"


def test_an_address_is_kept_before_it_is_proved_or_replaced_by_another_spelling():
    desk = Desk()
    assert desk.do(KeepCode(RIGHT, opens=True)).sealed_email == b""
    assert not desk.row.proved
    assert desk.do(TryCode(WRONG, "s-0")).session is None
    assert not desk.do(KeepEmail(b"somebody else's")).ok
    assert desk.state.sealed_email == b""
    desk.signed_in()
    assert desk.row.proved
    assert desk.do(KeepEmail(b"first")).ok
    desk.do(KeepCode(RIGHT))
    assert desk.do(TryCode(RIGHT, "s-9")).keeps_email
    assert not desk.do(KeepEmail(b"second")).ok
    desk.now_ms += 3_600_000
    assert desk.do(KeepCode(RIGHT)).sealed_email == b"first"


def test_an_address_whose_key_is_destroyed_is_kept_for_ever_or_replaced_by_who_did_not_see_it():
    desk = Desk()
    desk.signed_in()
    desk.do(KeepEmail(b"first"))
    assert not desk.do(KeepEmail(b"second", instead_of=b"another")).ok
    assert desk.do(KeepEmail(b"second", instead_of=b"first")).ok
    assert not desk.do(KeepEmail(b"third", instead_of=b"first")).ok
    assert desk.state.sealed_email == b"second"


def test_an_address_that_nobody_proves_is_kept_or_its_keys_are_or_one_who_comes_late_is_forgotten():
    desk = Desk()
    desk.do(KeepCode(RIGHT, opens=True, code_key_id="us-key-1"))
    desk.now_ms += UNPROVED_MS
    desk.do(KeepCode(RIGHT, opens=True, code_key_id="us-key-2"))
    desk.do(KeepCode(RIGHT, opens=True, code_key_id="us-key-1"))
    due_ms = desk.row.due_at
    assert due_ms == customer.due(desk.state) == desk.now_ms + CODE_MS + UNPROVED_MS
    desk.now_ms = due_ms - 1
    assert not desk.do(ForgetUnproved()).ok
    desk.now_ms = due_ms
    assert desk.do(ForgetUnproved()).ok
    assert desk.state == Customer(erased=True)
    assert desk.row.due_at is None
    assert desk.post == [DestroyKey(), DestroyKey()]
    assert code_of(desk.do, ForgetUnproved()) == "customer.unknown"
    desk.signed_in()
    assert desk.state.proved


def test_a_customer_who_proved_the_address_is_forgotten_or_loses_a_key():
    desk = Desk()
    desk.do(KeepCode(RIGHT, opens=True, code_key_id="us-key-1"))
    desk.do(TryCode(RIGHT, "s-1"))
    desk.do(KeepCode(RIGHT, opens=True, code_key_id="us-key-2"))
    assert (desk.row.due_at, desk.state.code_key_ids) == (None, ["us-key-1"])  # it goes when the account is erased
    desk.now_ms += 10 * UNPROVED_MS
    assert not desk.do(ForgetUnproved()).ok
    assert desk.state.proved
    assert desk.post == []


def test_keys_of_one_who_proves_nothing_pile_up_without_end():
    desk = Desk()
    for number in range(2 * KEYS_MAX):
        told = desk.do(KeepCode(RIGHT, opens=True, code_key_id=f"us-key-{number}"))
        assert told.code_key_id in desk.state.code_key_ids, "a code lies under a key that stays"
        desk.now_ms += CODE_MS * 3
    assert len(desk.state.code_key_ids) == KEYS_MAX


def test_a_code_to_sign_in_lies_under_a_key_that_the_account_does_not_name():
    desk = Desk()
    assert desk.do(KeepCode(RIGHT, opens=True, code_key_id="us-key-1")).code_key_id == "us-key-1"
    assert desk.do(KeepCode(RIGHT)).code_key_id == "us-key-1"
    told = msgspec.msgpack.decode(
        msgspec.msgpack.encode({"ok": True, "customer_id": ID, "sealed_email": b""}), type=CustomerAccount
    )
    assert told.code_key_id == "", "an answer that an earlier release remembered can't be read"


def test_a_code_opens_two_sessions_or_works_late_or_after_too_many_tries():
    desk = Desk()
    desk.signed_in()
    assert desk.do(TryCode(RIGHT, "again")).session is None
    desk.do(KeepCode(RIGHT))
    desk.now_ms += CODE_MS
    assert desk.do(TryCode(RIGHT, "late")).session is None
    desk.do(KeepCode(RIGHT))
    for _ in range(TRIES_MAX):
        assert desk.do(TryCode(WRONG, "wrong")).session is None
    version = desk.version
    assert desk.do(TryCode(RIGHT, "spent")).session is None
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


@pytest.mark.parametrize("change", ["wish", "added", "removed"])
def test_who_puts_others_out_or_changes_what_they_sign_in_by_goes_or_others_stay(change):
    desk = Desk()
    desk.with_phone()
    thief, mine, last = desk.signed_in(), desk.signed_in(), desk.signed_in()
    first = desk.state.sessions[0]
    desk.now_ms += 1000
    command = {
        "wish": EndOtherSessions(mine.session_id),
        "added": AddPasskey(mine.session_id, Passkey("tablet", b"t", b"k", 0, ""), "more", UNTIL_MS),
        "removed": RemovePasskey(mine.session_id, "phone"),
    }[change]
    desk.do(command)
    assert [one.session_id for one in desk.state.sessions] == [mine.session_id]
    assert desk.post == [Revoke(one.session_id, desk.now_ms + REVOKED_MS) for one in (first, thief, last)]
    assert code_of(desk.do, RefreshSession(thief.session_id, 1)) == "session.ended"
    assert desk.do(RefreshSession(mine.session_id, 1)).session is not None


@pytest.mark.parametrize("idle", [False, True])
def test_a_session_that_ended_puts_others_out(idle):
    desk = Desk()
    old = desk.signed_in()
    if idle:
        desk.now_ms += IDLE_MS + 1
    else:
        desk.do(EndSession(old.session_id))
    session = desk.signed_in()
    assert code_of(desk.do, EndOtherSessions(old.session_id)) == "session.ended"
    assert desk.do(RefreshSession(session.session_id, 1)).session is not None


def test_sessions_pile_up_or_the_newest_gives_way():
    desk = Desk()
    opened = [desk.signed_in().session_id for _ in range(SESSIONS_MAX)]
    newest = desk.signed_in().session_id
    assert [session.session_id for session in desk.state.sessions] == [*opened[1:], newest]
    assert desk.post == [Revoke(opened[0], NOW_MS + REVOKED_MS)]


@pytest.mark.parametrize("later_ms", [IDLE_MS + 1, SESSION_MS])
def test_sessions_that_ran_out_by_themselves_are_put_on_the_list_of_ended_ones_or_stay_with_the_account(later_ms):
    desk = Desk()
    for _ in range(SESSIONS_MAX):
        desk.signed_in()
    desk.now_ms += later_ms
    newest = desk.signed_in().session_id
    assert [session.session_id for session in desk.state.sessions] == [newest]
    assert desk.post == []


def test_a_sign_in_of_before_that_named_sessions_that_had_run_out_leads_elsewhere_now():
    desk = Desk()
    over, later_ms = desk.signed_in(), NOW_MS + IDLE_MS + 1
    running, newest = (Session(name, later_ms + SESSION_MS, later_ms, 1) for name in ("s-2", "s-3"))
    desk.state.sessions.append(running)
    event = SessionOpened(newest, [over.session_id], later_ms + REVOKED_MS)
    assert customer.evolve(desk.state, event, Context(ID, "c", later_ms)).sessions == [running, newest]


def test_a_passkey_opens_no_session_or_uses_up_a_code_that_waits():
    desk = Desk()
    desk.with_phone()
    desk.do(KeepCode(RIGHT))
    desk.now_ms += 5
    session = desk.do(TryPasskey(use(3), "by-phone")).session
    assert (session.session_id, session.opened_ms, session.by_passkey) == ("by-phone", desk.now_ms, True)
    assert (desk.state.passkeys[0].sign_count, desk.state.passkeys[0].used_ms) == (3, desk.now_ms)
    by_code = desk.do(TryCode(RIGHT, "by-code")).session
    assert (by_code.opened_ms, by_code.by_passkey) == (desk.now_ms, False)
    desk.now_ms += 5
    # A token that is renewed makes no session younger: who stole it has proved nothing.
    assert desk.do(RefreshSession("by-phone", 1)).session.opened_ms == desk.now_ms - 5


@pytest.mark.parametrize(
    "proof", [None, use(alone=False), use(passkey_id="another"), use(challenge="made"), PasskeyUse("phone", 0, "old", NOW_MS, True)]
)  # fmt: skip
def test_what_is_no_proof_opens_a_session_or_changes_something(proof):
    desk = Desk()
    desk.with_phone()
    version = desk.version
    assert desk.do(TryPasskey(proof, "s-9")).session is None
    assert desk.version == version


def test_a_challenge_is_answered_twice_or_after_it_was_suspected():
    desk = Desk()
    desk.with_phone()
    assert desk.do(TryPasskey(use(5, "one"), "s-2")).session is not None
    assert desk.do(TryPasskey(use(6, "one"), "s-3")).session is None
    assert desk.do(TryPasskey(use(5, "two"), "s-4")).session is None
    assert (desk.state.passkeys[0].sign_count, desk.state.passkeys[0].suspect_ms) == (5, NOW_MS)
    assert desk.do(TryPasskey(use(9, "two"), "s-5")).session is None
    assert desk.do(TryPasskey(use(6, "three"), "s-6")).session is not None


@pytest.mark.parametrize("idle", [False, True])
def test_passkeys_come_and_go_by_a_session_that_ended(idle):
    desk = Desk()
    session = desk.with_phone()
    if idle:
        desk.now_ms += IDLE_MS + 1
    else:
        desk.do(EndSession(session.session_id))
    tablet = Passkey("tablet", b"t", b"k", 0, "")
    assert code_of(desk.do, AddPasskey(session.session_id, tablet, "more", UNTIL_MS)) == "session.ended"
    assert code_of(desk.do, RemovePasskey(session.session_id, "phone")) == "session.ended"
    assert [passkey.passkey_id for passkey in desk.state.passkeys] == ["phone"]


def test_the_passkey_of_an_erased_customer_opens_a_session_or_stays():
    desk = Desk()
    desk.with_phone()
    desk.do(EraseCustomer())
    assert b"how she calls it" not in desk.row.state
    assert code_of(desk.do, TryPasskey(use(), "s-2")) == "customer.unknown"
    desk.signed_in()
    assert desk.state.passkeys == []
    assert desk.do(TryPasskey(use(), "s-3")).session is None


def test_a_session_or_state_of_before_can_not_be_read():
    old = msgspec.msgpack.encode({"codes": [], "sessions": [["s-1", NOW_MS + 1, NOW_MS, 4]], "proved": True})
    state, _ = customer.restore(ID, {"customers": [CustomerRow(ID, 7, 1, old)]})
    assert state == Customer(
        sessions=[Session("s-1", NOW_MS + 1, NOW_MS, 4, opened_ms=0, by_passkey=False)], proved=True
    )


_STEPS = st.one_of(
    st.builds(KeepCode, st.just(RIGHT), st.booleans()),
    st.builds(TryCode, st.sampled_from([RIGHT, WRONG]), st.sampled_from("abcdefgh")),
    st.builds(KeepEmail, st.just(b"sealed"), st.sampled_from([b"", b"sealed"])),
    st.builds(RefreshSession, st.sampled_from("abcdefgh"), st.integers(1, 3)),
    st.builds(EndSession, st.sampled_from("abcdefgh")),
    st.builds(EndOtherSessions, st.sampled_from("abcdefgh")),
    st.builds(AddPasskey, st.sampled_from("abcdefgh"), st.just(PHONE), st.sampled_from("123"), st.just(UNTIL_MS)),
    st.builds(RemovePasskey, st.sampled_from("abcdefgh"), st.just("phone")),
    st.builds(
        TryPasskey,
        st.none() | st.builds(use, st.integers(0, 3), st.sampled_from("123456")),
        st.sampled_from("abcdefgh"),
    ),
)


@given(st.lists(st.tuples(_STEPS, st.sampled_from([0, 1000, CODE_MS, IDLE_MS, IDLE_MS + 1])), max_size=40))
def test_a_session_ends_without_being_revoked_or_exists_without_a_code_or_passkey(steps):
    desk, sent, opened, signed = Desk(), 0, 0, set()
    for command, later_ms in steps:
        desk.now_ms += later_ms
        before = {session.session_id: session for session in desk.state.sessions} if desk.state else {}
        had_phone = bool(desk.state and desk.state.passkeys)
        try:
            reply = desk.do(command)
        except Refused:
            after = {session.session_id for session in desk.state.sessions} if desk.state else set()
            assert after == before.keys()
            continue
        sent += type(command) is KeepCode and reply.ok
        opened += type(command) is TryCode and reply.session is not None
        after = {session.session_id for session in desk.state.sessions}
        if type(command) is TryPasskey and reply.session is not None:
            assert command.use.challenge not in signed
            assert had_phone
            signed.add(command.use.challenge)
        reused = {command.session_id} if isinstance(command, Opening) else set()
        over = {name for name, session in before.items() if not runs(session, desk.now_ms)}
        assert before.keys() - after - reused - over <= {revoke.session_id for revoke in desk.post}
        assert len(desk.state.sessions) <= SESSIONS_MAX
    assert opened <= sent
