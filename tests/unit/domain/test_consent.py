"""What a customer agrees to."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import consent, ids
from actors.domain.consent import CHANGES_MAX, PURPOSES, Choice, SetConsents, ViewConsents, WithdrawConsents
from actors.domain.errors import Refused
from actors.domain.kind import Context

NOW_MS = 1_767_225_600_000
ID = ids.consent_id("us", "ab" * 16)


class Slip:
    """One person's consents, and the clock."""

    def __init__(self) -> None:
        self.now_ms, self.state, self.version, self.row = NOW_MS, None, 0, None

    def do(self, command):
        self.now_ms += 1
        before, context = copy.deepcopy(self.state), Context(ID, "c", self.now_ms)
        decision = consent.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            stored = msgspec.json.decode(msgspec.json.encode(event), type=consent.Event)
            self.state = consent.evolve(self.state, stored, context)
        self.version += len(decision.events)
        if decision.events:
            (self.row,) = consent.rows(self.state, self.version, decision.events, context)
            assert consent.restore(ID, {"consents": [self.row]}) == (self.state, self.version)
        return decision.reply(self.state, self.version)

    def say(self, purpose, granted, text="", source="account"):
        return self.do(SetConsents([Choice(purpose, granted, text)], source))


def said(view):
    return [(entry.purpose, entry.granted, entry.source, entry.text_version) for entry in view]


def test_who_was_never_asked_has_agreed():
    assert consent.view(None, ViewConsents(), 0) == consent.ConsentsView([], [])


def test_what_was_said_before_is_forgotten():
    slip = Slip()
    slip.say("marketing_email", True, "v1")
    slip.say("marketing_email", False)
    view = slip.say("marketing_email", True, "v2")
    assert said(view.present) == [("marketing_email", True, "account", "v2")]
    assert said(view.history) == [
        ("marketing_email", True, "account", "v1"), ("marketing_email", False, "account", ""),
        ("marketing_email", True, "account", "v2"),
    ]  # fmt: skip
    assert [entry.at_ms for entry in view.history] == [NOW_MS + 1, NOW_MS + 2, NOW_MS + 3]
    assert (slip.row.granted, slip.row.refused) == ("marketing_email", "")


def test_to_say_the_same_again_makes_a_history_or_another_text_none():
    slip = Slip()
    slip.say("personalisation", True, "v1")
    slip.say("personalisation", True, "v1")
    assert slip.version == 1
    slip.say("personalisation", True, "v2")
    assert slip.version == 2
    for source in ("gpc", "account", "gpc"):
        slip.say("sale_or_sharing", False, source=source)
    assert said(slip.state.history)[2:] == [("sale_or_sharing", False, "gpc", "")]


def test_erasure_leaves_something_granted():
    slip = Slip()
    slip.do(SetConsents([Choice("marketing_email", True, "v1"), Choice("sale_or_sharing", False)], "account"))
    view = slip.do(WithdrawConsents("erasure"))
    assert {entry.purpose: (entry.granted, entry.source) for entry in view.present} == {
        "marketing_email": (False, "erasure"), "sale_or_sharing": (False, "account"),
    }  # fmt: skip
    version = slip.version
    slip.do(WithdrawConsents("erasure"))
    assert slip.version == version
    assert Slip().do(WithdrawConsents("erasure")).history == []


def test_a_full_record_keeps_somebody_from_saying_no():
    slip = Slip()
    for number in range(CHANGES_MAX):
        slip.say("marketing_email", number % 2 == 1, "v1")
    with pytest.raises(Refused, match=r"consent\.too_many_changes"):
        slip.say("personalisation", True, "v1")
    slip.say("marketing_email", False)
    assert slip.row.refused == "marketing_email"


@given(st.lists(st.tuples(st.sampled_from(PURPOSES), st.booleans(), st.sampled_from(["", "v1"])), max_size=12))
def test_the_last_word_is_another_than_was_said_last(words):
    slip, last = Slip(), {}
    for purpose, granted, text in words:
        slip.say(purpose, granted, text)
        last[purpose] = granted
    assert {e.purpose: e.granted for e in consent.view(slip.state, ViewConsents(), 0).present} == last
    if slip.row is not None:
        assert slip.row.granted == ",".join(p for p in PURPOSES if last.get(p) is True)
        assert slip.row.refused == ",".join(p for p in PURPOSES if last.get(p) is False)
