"""A privacy request and its clock, for the tests of its rules."""

from __future__ import annotations

import copy

import msgspec
import pytest

from actors.domain import ids, privacy_request
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.privacy_commands import BeginStep, Command, ConfirmIdentity, NoteStep, ReceiveRequest
from actors.domain.privacy_events import Event
from actors.domain.privacy_state import About

NOW_MS = 1_767_225_600_000
ID = ids.privacy_request_id("us", NOW_MS, "key-1")
ANN = ids.account_id("us", b"a" * 16)
ABOUT = About("p" * 32, ["p" * 32, "q" * 32], ["us-cust-x"], "e" * 32, "r" * 32)
# Named by an address alone, and as customers name themselves.
BY_ADDRESS = msgspec.structs.replace(ABOUT, subjects=["p" * 32], customer_ref="")


class Case:
    """One request, and the clock."""

    def __init__(self, law="gdpr", right="erasure", about=ABOUT, **more) -> None:
        self.now_ms = NOW_MS
        self.state, self.version, self.events = None, 0, []
        self.do(ReceiveRequest(law, right, about, NOW_MS, ANN, **more))

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(ID, "c", self.now_ms)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=Command)
        decision = privacy_request.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            stored = msgspec.json.decode(msgspec.json.encode(event), type=Event)
            self.state = privacy_request.evolve(self.state, stored, context)
            self.version += 1
            self.events.append(event)
        if decision.events:
            (row,) = privacy_request.rows(self.state, self.version, decision.events, context)
            assert privacy_request.restore(ID, {"privacy_requests": [row]}) == (self.state, self.version)
            assert (row.status, row.deadline_at, row.due_at) == (self.state.status, self.state.deadline_ms, self.due())
        return decision.reply(self.state, self.version)

    def due(self):
        return privacy_request.PRIVACY_REQUEST.due(self.state)

    def refused(self, command) -> str:
        with pytest.raises(Refused) as refused:
            self.do(command)
        return refused.value.body.code

    def proved(self) -> Case:
        self.do(ConfirmIdentity("id_document", "case-1", ANN, ["email", "customer_ref"]))
        return self

    def step(self, step):
        self.do(BeginStep(step, ANN))
        return self.do(NoteStep(step, ANN, {"orders": 2}))
