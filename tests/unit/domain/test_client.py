from __future__ import annotations

import copy
import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import client, ids
from actors.domain.client import (
    GRACE_MAX_MS,
    TOKEN_MAX_MS,
    CheckClient,
    ClientChanged,
    ClientCheck,
    ClientSecretChanged,
    DisableClient,
    EnableClient,
    RegisterClient,
    RotateClientSecret,
    SetClientScopes,
    ViewClient,
)
from actors.domain.errors import Refused
from actors.domain.kind import Context, Message
from actors.domain.revocations import Revoke

NOW_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ID = ids.client_id("us", "erp-bridge")
HASHES = [hashlib.sha256(bytes([n])).hexdigest() for n in range(4)]


class Desk:
    """A client, a clock, and everything that the client said."""

    def __init__(self) -> None:
        self.state, self.version, self.now_ms = None, 0, NOW_MS
        self.post, self.events = [], []

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(ID, "command", self.now_ms)
        decision = client.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            self.state = client.evolve(self.state, event, context)
            self.post.extend(client.messages(ID, event))
            self.events.append((event, context))
        self.version += len(decision.events)
        return decision.reply(self.state, self.version)

    def registered(self):
        self.do(RegisterClient(["stock:write"], ["us-wh-1"], HASHES[0]))
        return self

    def check(self, secret_hash):
        return client.view(self.state, CheckClient(secret_hash, self.now_ms), self.version)


def revoked(generation, until_ms):
    return Message("revocations", "us-revocations", Revoke(f"{ID}.{generation}", until_ms), on_reply=False)


def code_of(work, *args):
    with pytest.raises(Refused) as refused:
        work(*args)
    return refused.value.body.code


def test_a_client_is_registered_twice():
    desk = Desk().registered()
    assert code_of(desk.do, RegisterClient([], [], HASHES[1])) == "client.exists"


def test_a_repeated_call_can_not_be_told_from_the_one_that_gave_the_secret():
    """Whoever repeats it has drawn another secret, and is answered as the first was: with the
    name of that one's drawing."""
    desk = Desk()
    assert desk.do(RegisterClient([], [], HASHES[0], "first")).draw == "first"
    assert desk.do(RotateClientSecret(HASHES[1], 0, "second")).draw == "second"
    assert desk.do(DisableClient()).draw == ""


def test_answers_that_an_earlier_release_remembered_can_not_be_read():
    assert msgspec.json.decode(b'{"client_id":"c","version":1}', type=ClientChanged).draw == ""
    told = msgspec.json.decode(b'{"client_id":"c","version":2,"old_until_ms":0}', type=ClientSecretChanged)
    assert told.draw == ""
    assert told.older_until_ms is msgspec.UNSET, "nobody knows whether older ones have ended"


def test_commands_and_events_of_earlier_releases_end_older_secrets():
    command = {"type": "RotateClientSecret", "secret_hash": "h", "grace_ms": 1, "draw": ""}
    event = {"type": "ClientSecretRotated", "secret_hash": "h", "old_until_ms": 1}
    assert not msgspec.convert(command, client.Command).end_older
    assert not msgspec.convert(event, client.Event).end_older


def test_a_client_that_there_is_not_can_be_used():
    for command in (RotateClientSecret(HASHES[0], 0), SetClientScopes([], []), DisableClient(), EnableClient()):
        assert code_of(Desk().do, command) == "client.unknown"
    for query in (CheckClient(HASHES[0], NOW_MS), ViewClient()):
        assert code_of(client.view, None, query, 0) == "client.unknown"


def test_a_wrong_secret_is_good_or_tells_something():
    desk = Desk().registered()
    assert desk.check(HASHES[0]) == ClientCheck(True, ID, ["stock:write"], ["us-wh-1"], f"{ID}.1")
    for wrong in (HASHES[1], "", HASHES[0][:-1], HASHES[0] + "0", "é"):
        assert desk.check(wrong) == ClientCheck(False, ID, [], [], "")


def test_a_new_secret_cuts_off_those_who_have_the_old_one_still():
    desk = Desk().registered()
    told = desk.do(RotateClientSecret(HASHES[1], HOUR_MS))
    assert (told.client_id, told.version, told.old_until_ms) == (ID, 2, NOW_MS + HOUR_MS)
    desk.now_ms += HOUR_MS - 1
    assert desk.check(HASHES[0]).ok
    desk.now_ms += 1
    assert not desk.check(HASHES[0]).ok
    assert desk.check(HASHES[1]).ok
    assert desk.post == []


def test_an_old_secret_stays_good_for_ever():
    desk = Desk().registered()
    assert desk.do(RotateClientSecret(HASHES[1], 2 * GRACE_MAX_MS)).old_until_ms == NOW_MS + GRACE_MAX_MS
    desk.do(RotateClientSecret(HASHES[2], HOUR_MS))
    desk.now_ms += HOUR_MS
    assert [desk.check(one).ok for one in HASHES] == [True, False, True, False]
    desk.now_ms = NOW_MS + GRACE_MAX_MS
    assert [desk.check(one).ok for one in HASHES] == [False, False, True, False]
    for grace_ms in (0, -HOUR_MS):
        told = desk.do(RotateClientSecret(HASHES[3 if grace_ms == 0 else 0], grace_ms))
        assert told.old_until_ms == 0
        assert len(desk.state.secrets) == 1


def test_a_lost_answer_ends_the_only_secret_that_anybody_has():
    """Two answers are lost, one after the other; the secret in use was promised a day, and
    gets neither less nor more."""
    desk = Desk().registered()
    for lost in HASHES[1:]:
        desk.now_ms += HOUR_MS
        desk.do(RotateClientSecret(lost, DAY_MS))
    assert [desk.check(one).ok for one in HASHES] == [True, False, True, True]
    desk.now_ms = NOW_MS + HOUR_MS + DAY_MS - 1
    assert desk.check(HASHES[0]).ok
    desk.now_ms += 1
    assert not desk.check(HASHES[0]).ok


def test_a_leaked_secret_outlives_a_grace_of_none():
    desk = Desk().registered()
    desk.do(RotateClientSecret(HASHES[1], DAY_MS))
    desk.do(RotateClientSecret(HASHES[2], 0))
    assert [desk.check(one).ok for one in HASHES] == [False, False, True, False]


def test_a_leaked_older_secret_ends_only_with_the_one_in_use():
    desk = Desk().registered()
    desk.do(RotateClientSecret(HASHES[1], GRACE_MAX_MS))
    told = desk.do(RotateClientSecret(HASHES[2], HOUR_MS, end_older=True))
    assert (told.old_until_ms, told.older_until_ms) == (NOW_MS + HOUR_MS, 0)
    assert [desk.check(one).ok for one in HASHES] == [False, True, True, False]
    desk.now_ms += HOUR_MS
    assert [desk.check(one).ok for one in HASHES] == [False, False, True, False]


def test_an_answer_that_is_lost_while_an_older_secret_ends_takes_the_one_in_use_with_it():
    desk = Desk().registered()
    desk.do(RotateClientSecret(HASHES[1], GRACE_MAX_MS))
    desk.do(RotateClientSecret(HASHES[2], DAY_MS, end_older=True))
    desk.do(RotateClientSecret(HASHES[3], HOUR_MS))
    assert [desk.check(one).ok for one in HASHES] == [False, True, True, True]


def test_an_administrator_believes_that_older_secrets_have_ended():
    """The one before the newest ends first."""
    desk = Desk().registered()
    assert desk.do(RotateClientSecret(HASHES[1], DAY_MS)).older_until_ms == 0
    told = desk.do(RotateClientSecret(HASHES[2], HOUR_MS))
    assert (told.old_until_ms, told.older_until_ms) == (NOW_MS + HOUR_MS, NOW_MS + DAY_MS)
    assert client.view(desk.state, ViewClient(), desk.version).old_secret_until_ms == NOW_MS + DAY_MS


def test_the_same_secret_again_makes_itself_expire():
    desk = Desk().registered()
    desk.do(RotateClientSecret(HASHES[0], 0))
    assert (desk.version, desk.state.secrets) == (1, [(HASHES[0], 0)])


def test_changed_rights_live_on_in_a_token():
    desk = Desk().registered()
    until = NOW_MS + TOKEN_MAX_MS
    for generation, command in enumerate((SetClientScopes(["orders:read"], []), DisableClient(), EnableClient()), 1):
        desk.do(command)
        assert desk.post[-1] == revoked(generation, until)
        assert desk.check(HASHES[0]).ok != (type(command) is DisableClient)
    assert desk.check(HASHES[0]) == ClientCheck(True, ID, ["orders:read"], [], f"{ID}.4")


def test_a_command_that_changes_nothing_revokes_tokens():
    desk = Desk().registered()
    desk.do(EnableClient())
    desk.do(SetClientScopes(["stock:write"], ["us-wh-1"]))
    assert desk.version == 1
    desk.do(DisableClient())
    desk.do(DisableClient())
    assert desk.post == [revoked(1, NOW_MS + TOKEN_MAX_MS)]


def test_an_administrator_sees_a_secret():
    desk = Desk().registered()
    desk.do(RotateClientSecret(HASHES[1], HOUR_MS))
    seen = client.view(desk.state, ViewClient(), desk.version)
    assert (seen.name, seen.version, seen.generation, seen.old_secret_until_ms) == (
        "erp-bridge",
        2,
        1,
        NOW_MS + HOUR_MS,
    )
    assert not [one for one in HASHES if one in msgspec.json.encode(seen).decode()]


scopes = st.sampled_from(([], ["stock:write"], ["orders:read", "stock:write"]))
commands = st.one_of(
    st.builds(
        RotateClientSecret,
        st.sampled_from(HASHES),
        st.sampled_from((-1, 0, HOUR_MS, 2 * GRACE_MAX_MS)),
        st.just(""),
        st.booleans(),
    ),
    st.builds(SetClientScopes, scopes, st.sampled_from(([], ["us-wh-1"]))),
    st.sampled_from((DisableClient(), EnableClient())),
)
moves = st.lists(st.tuples(commands, st.sampled_from((0, 1, HOUR_MS, GRACE_MAX_MS))), max_size=25)


def lived(life):
    desk = Desk().registered()
    for command, pause_ms in life:
        desk.now_ms += pause_ms
        reply = desk.do(command)
        assert not [one for one in HASHES if one in msgspec.json.encode(reply).decode()]
    return desk


@given(moves)
def test_the_same_events_lead_to_another_state_after_a_crash(life):
    desk, again = lived(life), None
    for event, context in desk.events:
        (read,) = msgspec.json.decode(msgspec.json.encode([event]), type=list[client.Event])
        again = client.evolve(again, read, context)
        assert list(client.messages(ID, read)) == list(client.messages(ID, event))
    assert again == desk.state


@given(moves)
def test_a_client_comes_back_from_its_row_as_another(life):
    desk = lived(life)
    event, context = desk.events[-1]
    (row,) = client.rows(desk.state, desk.version, [event], context)
    assert (row.client_id, row.enabled) == (ID, desk.state.enabled)
    assert client.restore(ID, {"clients": [row]}) == (desk.state, desk.version)
    assert client.restore(ID, {}) is None


@given(moves)
def test_some_way_leaves_four_secrets_or_none_or_an_older_generation_good(life):
    desk = lived(life)
    assert 1 <= len(desk.state.secrets) <= 3
    assert desk.state.secrets[0][1] == 0
    assert all(NOW_MS < until <= desk.now_ms + GRACE_MAX_MS for _, until in desk.state.secrets[1:])
    assert [message.command.session_id for message in desk.post] == [
        f"{ID}.{generation}" for generation in range(1, desk.state.generation)
    ]


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,40}", fullmatch=True))
def test_a_client_id_is_refused_by_our_own_pattern_or_loses_its_name(name):
    made = ids.client_id("latam", name)
    assert ids.CLIENT_PATTERN.fullmatch(made)
    assert ids.region_of(made) == "latam"
    assert client.Client(made, [], [], []).name == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a.1", "a" * 42])
def test_a_name_that_no_client_may_have_fits_the_pattern(name):
    assert not ids.CLIENT_PATTERN.fullmatch(ids.client_id("us", name))
