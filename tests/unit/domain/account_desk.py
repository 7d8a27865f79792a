"""An account at a desk: its state, a clock, and everything that it said."""

from __future__ import annotations

import copy

import msgspec
import pytest

from actors.domain import account, ids
from actors.domain.account_commands import (
    ChangeRole,
    Disable,
    EnrolTotp,
    OpenAccount,
    ResetFactor,
    SetPassword,
    SignIn,
)
from actors.domain.account_state import NO_GENERATION
from actors.domain.errors import Refused
from actors.domain.kind import Context, Message
from actors.domain.revocations import Revoke

NOW_MS = 1_767_225_600_000
STEP = NOW_MS // 30_000
ID = ids.account_id("us", bytes(range(32)))
MINUTE_MS = 60_000
RIGHTS = [ChangeRole("driver", []), SetPassword("argon2id-other"), ResetFactor(), Disable()]
SECRETS = ("argon2id-first", "argon2id-other", "recovery-1", "recovery-2", "sealed", "c2VhbGVk")


class Desk:
    """An account, a clock, and everything that the account said."""

    def __init__(self) -> None:
        self.state, self.version, self.now_ms = None, 0, NOW_MS
        self.post, self.events = [], []

    def do(self, command):
        if getattr(command, "generation", None) == NO_GENERATION and self.state is not None:
            # Judged against what the account has now; a test that means something else says so.
            command = msgspec.structs.replace(command, generation=self.state.generation)
        before, context = copy.deepcopy(self.state), Context(ID, "command", self.now_ms)
        decision = account.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            self.state = account.evolve(self.state, event, context)
            self.post.extend(account.messages(ID, event))
            self.events.append((event, context))
        self.version += len(decision.events)
        return decision.reply(self.state, self.version)

    def refused(self, command):
        with pytest.raises(Refused) as refused:
            self.do(command)
        return refused.value.body.code

    def opened(self, role="associate", locations=()):
        """With a password that nobody has to replace."""
        self.do(OpenAccount(role, list(locations), "argon2id-first"))
        ((opened, context),) = self.events
        own = msgspec.structs.replace(opened, given_until_ms=0)
        self.state, self.events = account.evolve(None, own, context), [(own, context)]
        return self

    def ready(self, role="associate", locations=()):
        self.opened(role, locations).do(EnrolTotp(b"sealed", STEP, ["recovery-1", "recovery-2"]))
        return self

    def sign_in(self, session="s1", **more):
        self.now_ms += 1
        given = {
            "password_ok": True, "totp_step": self.state.last_totp_step + 1, "recovery_hash": "", "location_id": "",
            "planned_ms": 0, "device": "till 4",
        }  # fmt: skip
        return self.do(SignIn(session, **given | more))

    def row(self):
        event, context = self.events[-1]
        return account.rows(self.state, self.version, [event], context)


def revoked(session, until_ms):
    return Message("revocations", "us-revocations", Revoke(session, until_ms), on_reply=False)
