from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import device, ids
from actors.domain.account_state import SHIFT_MAX_MS
from actors.domain.device import (
    CODE_MS,
    REVOKED_MS,
    ClaimDevice,
    DeviceSession,
    EnrolDevice,
    MoveDevice,
    RenewCode,
    RevokeDevice,
    UseAssertion,
    ViewDevice,
    ViewKey,
)
from actors.domain.errors import Refused
from actors.domain.kind import Context, Message
from actors.domain.one_time_code import ASK_EVERY_MS, ASKS_MAX, TRIES_MAX
from actors.domain.revocations import Revoke
from actors.runtime.sharding import shard_of

NOW_MS = 1_767_225_600_000
MINUTE_MS = 60_000
ID = ids.device_id("us", NOW_MS, "key-1")
HERE, THERE = "us-wh-seattle", "us-wh-newark"
CODES = [bytes([n]) * 32 for n in range(4)]
KEYS = [bytes([9, n]) * 16 for n in range(3)]
SCOPES = ["stock.read", "stock.receive"]


class Dock:
    """A device, a clock, and everything that the device said."""

    def __init__(self) -> None:
        self.state, self.version, self.now_ms = None, 0, NOW_MS
        self.post, self.events = [], []

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(ID, "command", self.now_ms)
        decision = device.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            self.state = device.evolve(self.state, event, context)
            self.post.extend(device.messages(ID, event))
            self.events.append((event, context))
        self.version += len(decision.events)
        return decision.reply(self.state, self.version)

    def enrolled(self):
        self.do(EnrolDevice("dock 3", "scanner", HERE, SCOPES, CODES[0]))
        return self

    def claimed(self, code=CODES[0], key=KEYS[0]):
        assert self.do(ClaimDevice(code, key)).ok
        return self

    def signs_in(self, name="jti-1", generation=None, life_ms=MINUTE_MS):
        generation = self.state.generation if generation is None else generation
        return self.do(UseAssertion(name, self.now_ms + life_ms, generation))

    def key(self):
        return device.view(self.state, ViewKey(), self.version)

    def seen(self):
        return device.view(self.state, ViewDevice(), self.version)


def revoked(generation, now_ms=NOW_MS):
    return Message("revocations", "us-revocations", Revoke(f"{ID}.{generation}", now_ms + REVOKED_MS))


def code_of(work, *args):
    with pytest.raises(Refused) as refused:
        work(*args)
    return refused.value.body.code


def test_a_device_is_enrolled_twice():
    again = EnrolDevice("dock 4", "till", THERE, [], CODES[1])
    assert code_of(Dock().enrolled().do, again) == "device.exists"


def test_a_device_that_there_is_not_can_be_used():
    for command in (
        ClaimDevice(CODES[0], KEYS[0]), UseAssertion("jti", NOW_MS + 1, 0), RenewCode(HERE, CODES[0]), MoveDevice(HERE, THERE),
        RevokeDevice(HERE),
    ):  # fmt: skip
        assert code_of(Dock().do, command) == "device.unknown"
    for query in (ViewDevice(), ViewKey()):
        assert code_of(device.view, None, query, 0) == "device.unknown"


def test_a_claimed_device_does_not_get_in_or_says_too_much_of_itself():
    dock = Dock().enrolled()
    assert dock.seen().status == "waiting"
    outcome = dock.do(ClaimDevice(CODES[0], KEYS[0]))
    assert (outcome.ok, outcome.name, outcome.location_id, outcome.scopes) == (True, "dock 3", HERE, SCOPES)
    assert (dock.key().public_key, dock.key().generation) == (KEYS[0], 1)
    assert dock.signs_in() == DeviceSession(True, SCOPES, HERE, f"{ID}.1")
    assert (dock.seen().status, dock.seen().seen_ms, dock.seen().code_until_ms) == ("enrolled", NOW_MS, 0)
    told = msgspec.json.encode(dock.seen()).decode()
    assert not [secret for secret in ("code_digest", "digest", "public_key") if secret in told]
    assert dock.post == []


def test_a_code_is_good_twice_or_too_long():
    dock = Dock().enrolled().claimed()
    assert not dock.do(ClaimDevice(CODES[0], KEYS[1])).ok
    assert dock.key().public_key == KEYS[0]
    for late_ms, ok in ((CODE_MS - 1, True), (CODE_MS, False)):
        dock = Dock().enrolled()
        dock.now_ms += late_ms
        assert dock.do(ClaimDevice(CODES[0], KEYS[0])).ok is ok
    assert CODE_MS == 15 * MINUTE_MS


def test_a_code_is_guessed_by_trying_often():
    dock = Dock().enrolled()
    for _ in range(TRIES_MAX):
        outcome = dock.do(ClaimDevice(CODES[1], KEYS[1]))
        assert (outcome.ok, outcome.name, outcome.location_id, outcome.scopes) == (False, "", "", [])
    assert not dock.do(ClaimDevice(CODES[0], KEYS[0])).ok
    assert dock.seen().code_until_ms == 0
    # What comes after that fills no journal.
    before = dock.version
    dock.do(ClaimDevice(CODES[1], KEYS[1]))
    assert dock.version == before


def test_a_burnt_code_keeps_the_device_out_for_ever():
    dock = Dock().enrolled()
    for _ in range(TRIES_MAX):
        dock.do(ClaimDevice(CODES[1], KEYS[1]))
    assert dock.do(RenewCode(HERE, CODES[2])).code_until_ms == NOW_MS + CODE_MS
    dock.claimed(CODES[2])


def test_a_renewed_code_leaves_the_one_before_good():
    dock = Dock().enrolled()
    dock.do(RenewCode(HERE, CODES[1]))
    assert not dock.do(ClaimDevice(CODES[0], KEYS[0])).ok
    dock.claimed(CODES[1])


def test_codes_without_end_are_given():
    dock = Dock().enrolled()
    for _ in range(ASKS_MAX - 1):
        dock.do(RenewCode(HERE, CODES[1]))
    assert code_of(dock.do, RenewCode(HERE, CODES[2])) == "device.too_many_codes"
    dock.now_ms += ASK_EVERY_MS
    dock.do(RenewCode(HERE, CODES[2]))


def test_a_lost_device_keeps_its_key_beside_its_successor():
    dock = Dock().enrolled().claimed()
    dock.do(RenewCode(HERE, CODES[1]))
    # Whoever just wants a code takes nothing from a device that works.
    assert dock.signs_in("before").ok
    assert dock.post == []
    dock.claimed(CODES[1], KEYS[1])
    assert dock.post == [revoked(1)]
    assert dock.key().public_key == KEYS[1]
    assert not dock.signs_in("old key", generation=1).ok
    assert dock.signs_in("new key").session_id == f"{ID}.2"


def test_an_assertion_is_taken_twice_or_late():
    dock = Dock().enrolled().claimed()
    command = UseAssertion("jti-1", NOW_MS + MINUTE_MS, 1)
    assert dock.do(command).ok
    assert dock.do(command) == DeviceSession(False, [], "", "")
    dock.now_ms += MINUTE_MS
    assert not dock.do(command).ok
    assert not dock.do(UseAssertion("jti-2", dock.now_ms, 1)).ok
    assert dock.do(UseAssertion("jti-2", dock.now_ms + 1, 1)).ok


def test_a_device_that_waits_signs_in_without_a_key():
    dock = Dock().enrolled()
    assert dock.key().public_key == b""
    assert not dock.signs_in().ok


def test_a_moved_device_keeps_a_session_of_its_old_place():
    dock = Dock().enrolled().claimed()
    dock.do(RenewCode(HERE, CODES[1]))
    dock.do(MoveDevice(HERE, THERE))
    assert dock.post == [revoked(1)]
    assert not dock.signs_in("judged before", generation=1).ok
    assert dock.signs_in("after") == DeviceSession(True, SCOPES, THERE, f"{ID}.2")
    # The code was given by somebody whose rights may not reach there.
    assert not dock.do(ClaimDevice(CODES[1], KEYS[1])).ok


def test_a_device_moves_before_it_was_claimed_and_revokes_a_session_that_there_never_was():
    dock = Dock().enrolled()
    dock.do(MoveDevice(HERE, THERE))
    assert (dock.post, dock.state.generation, dock.seen().status) == ([], 0, "waiting")
    assert not dock.do(ClaimDevice(CODES[0], KEYS[0])).ok
    dock.do(RenewCode(THERE, CODES[1]))
    assert dock.claimed(CODES[1]).signs_in().location_id == THERE


@pytest.mark.parametrize("command", [RenewCode(HERE, CODES[1]), MoveDevice(HERE, HERE), RevokeDevice(HERE)])
def test_rights_that_were_checked_at_one_location_are_used_at_another(command):
    dock = Dock().enrolled().claimed()
    dock.do(MoveDevice(HERE, THERE))
    assert code_of(dock.do, command) == "device.moved"


def test_a_revoked_device_comes_back():
    dock = Dock().enrolled().claimed()
    dock.do(RenewCode(HERE, CODES[1]))
    dock.do(RevokeDevice(HERE))
    assert dock.post == [revoked(1)]
    assert not dock.signs_in().ok
    assert (dock.key().public_key, dock.seen().status) == (b"", "revoked")
    assert not dock.do(ClaimDevice(CODES[1], KEYS[1])).ok
    for command in (RenewCode(HERE, CODES[2]), MoveDevice(HERE, THERE)):
        assert code_of(dock.do, command) == "device.revoked"
    before = dock.version
    dock.do(RevokeDevice(HERE))
    assert (dock.version, dock.post) == (before, [revoked(1)])


def test_a_shift_on_a_revoked_device_outlives_the_revocation():
    assert REVOKED_MS > SHIFT_MAX_MS


def test_a_repeated_enrolment_goes_to_another_shard():
    later = ids.device_id("us", NOW_MS + 86_400_000, "key-1")
    assert later != ID
    assert ids.DEVICE_PATTERN.fullmatch(ID)
    assert ids.region_of(ID) == "us"
    assert shard_of("device", ID, 64) == shard_of("device", later, 64)


commands = st.one_of(
    st.builds(ClaimDevice, st.sampled_from(CODES), st.sampled_from(KEYS)),
    st.builds(
        UseAssertion, st.sampled_from(("a", "b", "c")), st.sampled_from((NOW_MS + MINUTE_MS, NOW_MS + 9 * MINUTE_MS)),
        st.integers(0, 3),
    ),
    st.builds(RenewCode, st.sampled_from((HERE, THERE)), st.sampled_from(CODES)),
    st.builds(MoveDevice, st.sampled_from((HERE, THERE)), st.sampled_from((HERE, THERE))),
    st.builds(RevokeDevice, st.sampled_from((HERE, THERE))),
)  # fmt: skip
moves = st.lists(st.tuples(commands, st.sampled_from((0, 1, MINUTE_MS, CODE_MS))), max_size=25)


def lived(life):
    """The device, and the assertions that it took."""
    dock, taken = Dock().enrolled(), []
    for command, pause_ms in life:
        dock.now_ms += pause_ms
        was = dock.state.revoked
        try:
            reply = dock.do(command)
        except Refused:
            continue
        told = msgspec.json.encode(reply)
        assert not [code for code in CODES if msgspec.json.encode(code) in told]
        if isinstance(reply, DeviceSession) and reply.ok:
            assert not was
            assert reply.session_id == f"{ID}.{command.generation}"
            taken.append((command.name, command.until_ms))
    return dock, taken


@given(moves)
def test_the_same_events_lead_to_another_state_after_a_crash(life):
    dock, again = lived(life)[0], None
    for event, context in dock.events:
        (read,) = msgspec.json.decode(msgspec.json.encode([event]), type=list[device.Event])
        again = device.evolve(again, read, context)
        assert list(device.messages(ID, read)) == list(device.messages(ID, event))
    assert again == dock.state


@given(moves)
def test_a_device_comes_back_from_its_row_as_another(life):
    dock, _ = lived(life)
    event, context = dock.events[-1]
    (row,) = device.rows(dock.state, dock.version, [event], context)
    assert (row.device_id, row.location_id, row.status) == (ID, dock.state.location_id, dock.state.status)
    assert device.restore(ID, {"devices": [row]}) == (dock.state, dock.version)
    assert device.restore(ID, {}) is None


@given(moves)
def test_some_way_leaves_an_older_session_good_or_takes_an_assertion_twice(life):
    dock, taken = lived(life)
    assert len(set(taken)) == len(taken)
    last = dock.state.generation + dock.state.revoked if dock.state.generation else 1
    assert [message.command.session_id for message in dock.post] == [f"{ID}.{number}" for number in range(1, last)]
