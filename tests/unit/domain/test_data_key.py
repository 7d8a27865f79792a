from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import data_key
from actors.domain.data_key import (
    DATA_KEY,
    REQUESTS_MAX,
    TOLD_MS,
    UNASKED,
    DestroyKey,
    KeepKey,
    Restrict,
    RewrapKey,
    SettleKey,
    ViewKey,
    changed_key,
)
from actors.domain.errors import Refused
from actors.domain.ids import data_key_id, revocations_id
from actors.domain.kind import Context

NOW_MS = 1_767_225_600_000
ID = data_key_id("us", bytes(16))
KEPT = KeepKey("p" * 32, b"wrapped-1", "file:1")


class Cabinet:
    """One key, what was answered, and what the list of revocations was told."""

    def __init__(self) -> None:
        self.state, self.version, self.row, self.told = None, 0, None, []

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(ID, "c", NOW_MS)
        decision = data_key.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            stored = msgspec.json.decode(msgspec.json.encode(event), type=DATA_KEY.events)
            self.state = data_key.evolve(self.state, stored, context)
            self.told.extend(data_key.messages(ID, stored))
        self.version += len(decision.events)
        if decision.events:
            (self.row,) = data_key.rows(self.state, self.version, decision.events, context)
            assert data_key.restore(ID, {"data_keys": [self.row]}) == (self.state, self.version)
        return decision.reply(self.state, self.version)

    def view(self):
        return data_key.view(self.state, ViewKey(), self.version)


def code_of(work, *args):
    with pytest.raises(Refused) as refused:
        work(*args)
    return refused.value.body.code


def test_a_destroyed_key_comes_back_or_lies_on_in_its_row():
    cabinet = Cabinet()
    cabinet.do(KEPT)
    told = cabinet.do(DestroyKey())
    assert (told.status, cabinet.row.status, cabinet.row.wrapped) == ("destroyed", "destroyed", b"")
    assert cabinet.view().wrapped == b""
    for command in (RewrapKey(b"w", "file:2", "file:1"), Restrict(True)):
        assert code_of(cabinet.do, command) == "data_key.destroyed"
    assert code_of(cabinet.do, KEPT) == "data_key.exists"
    before = cabinet.version
    assert cabinet.do(DestroyKey()).status == "destroyed"
    assert cabinet.version == before


def test_replicas_keep_a_key_that_was_destroyed_or_restricted():
    cabinet = Cabinet()
    cabinet.do(KEPT)
    for command in (Restrict(True), Restrict(True), Restrict(False), Restrict(True), DestroyKey()):
        cabinet.do(command)
    entries = [message.command.session_id for message in cabinet.told]
    assert len(entries) == len(set(entries)) == 4, "a change that looks like an earlier one is not heard of"
    assert {changed_key(entry) for entry in entries} == {ID}
    assert {(m.kind, m.entity_id) for m in cabinet.told} == {("revocations", revocations_id("us"))}
    assert {message.command.until_ms for message in cabinet.told} == {NOW_MS + TOLD_MS}
    assert changed_key("a-session") == changed_key("unproved:1:key:x") == ""


def test_a_rotation_that_comes_late_puts_an_older_wrapping_back():
    cabinet = Cabinet()
    cabinet.do(KEPT)
    cabinet.do(RewrapKey(b"wrapped-2", "file:2", "file:1"))
    cabinet.do(RewrapKey(b"late", "file:1", "file:0"))
    assert (cabinet.view().wrapped, cabinet.view().wrapping) == (b"wrapped-2", "file:2")
    assert not cabinet.told, "the key itself is the same"


def test_who_lifts_one_restriction_lifts_another_persons_request():
    cabinet = Cabinet()
    for command in (KEPT, Restrict(True, "r-1"), Restrict(True, "r-2"), Restrict(True, "r-2")):
        cabinet.do(command)
    for lifting, still in (("r-3", True), ("r-2", True), ("r-2", True), ("r-1", False), ("r-1", False)):
        assert (cabinet.do(Restrict(False, lifting)).restricted, cabinet.view().restricted) == (still, still)
        assert cabinet.row.restricted == still
    assert cabinet.version == 5


def test_what_was_restricted_before_requests_were_kept_is_free_or_stays_so_for_ever():
    cabinet = Cabinet()
    cabinet.do(KEPT)
    context = Context(ID, "c", NOW_MS)
    of_then = msgspec.json.decode(b'{"type": "KeyRestricted", "restricted": true, "number": 1, "until_ms": 1}', type=DATA_KEY.events)  # fmt: skip
    cabinet.state = data_key.evolve(cabinet.state, of_then, context)
    (row,) = data_key.rows(cabinet.state, 2, [of_then], context)
    assert (row.restricted, row.requests) == (1, "")
    assert data_key.restore(ID, {"data_keys": [row]}) == (cabinet.state, 2)
    cabinet.do(Restrict(True, "r-2"))
    assert cabinet.do(Restrict(False, "r-2")).restricted, "it was another request's"
    assert not cabinet.do(Restrict(False, "r-1")).restricted


def test_requests_without_end_restrict_one_key():
    cabinet = Cabinet()
    cabinet.do(KEPT)
    for number in range(REQUESTS_MAX):
        cabinet.do(Restrict(True, f"r-{number}"))
    assert code_of(cabinet.do, Restrict(True, "r-x")) == "data_key.too_many_requests"
    cabinet.do(Restrict(True, "r-0"))
    cabinet.do(Restrict(False, "r-0"))
    cabinet.do(Restrict(True, "r-x"))


def test_an_answer_that_is_remembered_holds_the_key():
    cabinet = Cabinet()
    for command in (KEPT, RewrapKey(b"wrapped-2", "file:2", "file:1"), Restrict(True)):
        assert b"wrapped" not in msgspec.json.encode(cabinet.do(command))
    assert DATA_KEY.unwritten
    assert DATA_KEY.secret


def test_somebody_finds_a_key_that_there_is_not():
    cabinet = Cabinet()
    for command in (DestroyKey(), Restrict(True), RewrapKey(b"", "", "")):
        assert code_of(cabinet.do, command) == "data_key.unknown"
    assert code_of(cabinet.view) == "data_key.unknown"


_COMMANDS = st.one_of(
    st.just(KEPT), st.just(DestroyKey()), st.builds(Restrict, st.booleans(), st.sampled_from(["", "r-1", "r-2"])),
    st.builds(RewrapKey, st.sampled_from([b"w2", b"w3"]), st.sampled_from(["file:2", "file:3"]), st.sampled_from(["file:1", "file:2"])),
)  # fmt: skip


@given(st.lists(_COMMANDS, max_size=20))
def test_any_order_of_commands_opens_a_destroyed_key_again(commands):
    cabinet, destroyed = Cabinet(), False
    for command in commands:
        try:
            cabinet.do(command)
        except Refused:
            continue
        destroyed = destroyed or isinstance(command, DestroyKey)
        assert (cabinet.view().wrapped == b"") == destroyed


def test_a_key_of_whose_person_nobody_could_ask_is_free_before_or_restricted_after_somebody_has():
    cabinet = Cabinet()
    assert cabinet.do(msgspec.structs.replace(KEPT, unasked=True)).restricted
    assert (cabinet.row.restricted, cabinet.view().requests) == (1, [UNASKED])
    assert not cabinet.do(SettleKey([])).restricted
    assert (cabinet.row.restricted, cabinet.row.requests) == (0, "")
    assert not cabinet.told, "replicas are told of each customer who is new while the store is away"
    version = cabinet.version
    assert not cabinet.do(SettleKey(["r-1"])).restricted, "what was lifted meanwhile comes back"
    assert cabinet.version == version


def test_a_settled_key_loses_its_own_restriction_or_that_of_the_persons_other_keys():
    cabinet = Cabinet()
    for command in (msgspec.structs.replace(KEPT, unasked=True), Restrict(True, "r-1"), Restrict(False, "r-9")):
        assert cabinet.do(command).restricted
    cabinet.do(SettleKey(["r-2", UNASKED, "r-1"]))
    assert cabinet.view().requests == ["r-1", "r-2"]
    for lifted, still in (("r-1", True), ("r-2", False)):
        assert cabinet.do(Restrict(False, lifted)).restricted == still


def test_a_restriction_that_was_lifted_while_a_key_was_settled_comes_back():
    cabinet = Cabinet()
    cabinet.do(msgspec.structs.replace(KEPT, unasked=True))
    seen = cabinet.view().changes
    # It knew nothing of the request; its person's other keys did.
    cabinet.do(Restrict(False, "r-1", named=True))
    late = cabinet.do(SettleKey(["r-1"], seen))
    assert (late.unasked, late.restricted, cabinet.view().requests) == (True, True, [UNASKED])
    assert len(cabinet.told) == 1, "replicas look again at once"
    settled = cabinet.do(SettleKey([], cabinet.view().changes))
    assert (settled.unasked, settled.restricted) == (False, False)
    version = cabinet.version
    cabinet.do(Restrict(False, "r-1", named=True))
    assert cabinet.version == version


def test_a_destroyed_key_is_settled():
    cabinet = Cabinet()
    cabinet.do(msgspec.structs.replace(KEPT, unasked=True))
    cabinet.do(DestroyKey())
    assert code_of(cabinet.do, SettleKey([])) == "data_key.destroyed"


def test_a_key_from_before_any_was_unasked_is_withheld():
    of_then = msgspec.json.decode(b'{"type": "KeyKept", "person": "p", "wrapped": "dw==", "wrapping": "file:1"}', type=DATA_KEY.events)  # fmt: skip
    assert not data_key.evolve(None, of_then, Context(ID, "c", NOW_MS)).restricted
