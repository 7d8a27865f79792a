from __future__ import annotations

import contextlib
import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import alert, ids
from actors.domain.account_commands import EndShift
from actors.domain.acts import audited_of
from actors.domain.alert import AlertTold, AssignAlert, CloseAlert, Event, Finding, RaiseAlert, ViewAlert
from actors.domain.audit import Who
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.revocations import Revoke, doubted, unproved

NOW_MS = 1_767_225_600_000
ID = ids.alert_id("us", NOW_MS, "found")
MIA = "us-acct-0h3k2m9qk4t1x0ab0h3k2m9qk4"


def finding(**more) -> Finding:
    said = {
        "about": MIA, "role": "support", "session_id": "s1", "began_ms": NOW_MS, "last_ms": NOW_MS, "rules": ["lookups"],
        "score": 0.7, "reasons": ["60 orders"], "evidence": [(1, 2)], "requests": ["r1"], "action": "none",
    }  # fmt: skip
    return Finding(**(said | more))


class Life:
    """An alert and what it told others."""

    def __init__(self) -> None:
        self.state, self.version, self.sent, self.events = None, 0, [], []

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(ID, "c", NOW_MS)
        decision = alert.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            self.state = alert.evolve(self.state, event, context)
            self.version += 1
            self.events.append(event)
            self.sent.extend(alert.messages(ID, event))
        return decision.reply(self.state, self.version)

    def refused(self, command) -> str:
        with pytest.raises(Refused) as refused:
            self.do(command)
        return refused.value.body.code


def test_an_alert_is_closed_that_nobody_looked_at_or_twice():
    life = Life()
    assert life.refused(AssignAlert(MIA)) == "alert.unknown"
    assert life.do(RaiseAlert(finding())).status == "open"
    assert life.refused(CloseAlert("confirmed", "misuse")) == "alert.illegal_transition"
    assert life.do(AssignAlert("us-acct-a")).status == "assigned"
    assert life.do(AssignAlert("us-acct-b")).assignee == "us-acct-b"
    closed = life.do(CloseAlert("false_alarm", "busy_day"))
    assert (closed.status, closed.verdict, closed.note, closed.version) == ("closed", "false_alarm", "busy_day", 4)
    assert life.refused(CloseAlert("confirmed", "misuse")) == "alert.illegal_transition"
    assert life.refused(AssignAlert(MIA)) == "alert.illegal_transition"


def assigned_life() -> Life:
    life = Life()
    life.do(RaiseAlert(finding()))
    life.do(AssignAlert("us-acct-a"))
    return life


@pytest.mark.parametrize(
    "more", [{"rules": ["lookups", "voids"]}, {"action": "step_up"}, {"session_id": "s2"}, {"lines": 5}]
)
@pytest.mark.parametrize("named", [2, 0])
def test_an_auditor_closes_what_he_has_not_seen(more, named):
    life = assigned_life()
    assert life.do(RaiseAlert(finding(**more))).version == 3
    assert life.refused(CloseAlert("false_alarm", "busy_day", named)) == "alert.changed_meanwhile"
    assert life.state.status == "assigned"
    assert life.do(CloseAlert("false_alarm", "busy_day", 3)).status == "closed"


def test_an_alert_can_be_closed_by_nobody_because_the_webhook_took_it_or_its_assignee_changed():
    life = assigned_life()
    life.do(AlertTold(1))
    life.do(AssignAlert("us-acct-b"))
    assert life.do(CloseAlert("false_alarm", "busy_day", 2)).status == "closed"


def test_a_version_that_there_has_never_been_closes_whatever_there_is():
    life = assigned_life()
    assert life.refused(CloseAlert("false_alarm", "busy_day", 3)) == "alert.changed_meanwhile"


@pytest.mark.parametrize("named", [0, 3])
def test_an_alert_that_an_earlier_release_assigned_is_never_closed(named):
    life = assigned_life()
    life.do(RaiseAlert(finding(rules=["lookups", "voids"])))
    kept = msgspec.to_builtins(life.state)
    del kept["assigned_version"], kept["finding"]["lines"]
    life.state = msgspec.convert(kept, alert.Alert)
    assert life.do(CloseAlert("false_alarm", "busy_day", named)).status == "closed"


def test_an_alert_that_doubles_is_told_once_or_with_every_line():
    life = Life()
    # Told by an earlier release, which counted nothing: what is counted is held against its evidence.
    life.do(RaiseAlert(finding(evidence=[(1, number) for number in range(6)])))
    told = []
    for lines in range(6, 100):
        if life.do(RaiseAlert(finding(lines=lines, last_ms=NOW_MS + lines))).version > len(told) + 1:
            told.append(lines)
            assert (life.state.finding.last_ms, life.state.told) == (NOW_MS + lines, False)
    assert told == [12, 24, 48, 96]
    life.do(AlertTold(5))
    # The stream is read again after a crash.
    for lines in (6, 12, 96):
        assert life.do(RaiseAlert(finding(lines=lines))).told
    assert life.sent == []


def test_twice_as_much_as_was_judged_is_never_looked_at():
    life = Life()
    life.do(RaiseAlert(finding(lines=8)))
    life.do(AssignAlert("us-acct-a"))
    life.do(CloseAlert("false_alarm", "busy_day", 2))
    assert life.do(RaiseAlert(finding(lines=15))).status == "closed"
    again = life.do(RaiseAlert(finding(lines=16)))
    assert (again.status, again.assignee, again.verdict) == ("open", "", "")


def closed_life(verdict="false_alarm") -> Life:
    life = Life()
    life.do(RaiseAlert(finding()))
    life.do(AssignAlert("us-acct-a"))
    life.do(CloseAlert(verdict, "busy_day"))
    return life


@pytest.mark.parametrize("verdict", ["false_alarm", "confirmed"])
def test_what_is_found_after_an_alert_was_closed_is_never_looked_at(verdict):
    life = closed_life(verdict)
    again = life.do(RaiseAlert(finding(rules=["lookups", "voids"])))
    assert (again.status, again.assignee, again.verdict, again.note, again.told) == ("open", "", "", "", False)
    assert life.do(AssignAlert("us-acct-b")).status == "assigned"
    assert life.do(CloseAlert("confirmed", "misuse")).verdict == "confirmed"


@pytest.mark.parametrize("more", [{}, {"session_id": "s2"}, {"action": "step_up"}, {"last_ms": NOW_MS + 60_000}])
def test_an_auditor_closes_the_same_alert_every_minute(more):
    life = closed_life()
    same = life.do(RaiseAlert(finding(**more)))
    assert (same.status, same.assignee, same.verdict, same.note) == ("closed", "us-acct-a", "false_alarm", "busy_day")


def test_another_rule_takes_an_alert_from_whoever_looks_at_it():
    life = Life()
    life.do(RaiseAlert(finding()))
    life.do(AssignAlert("us-acct-a"))
    more = life.do(RaiseAlert(finding(rules=["lookups", "voids"])))
    assert (more.status, more.assignee) == ("assigned", "us-acct-a")


def test_an_alert_of_before_comes_back_open_that_was_closed():
    life = closed_life()
    raised = alert.AlertRaised(finding(rules=["lookups", "voids"]), "none")
    stored = {name: kept for name, kept in msgspec.to_builtins(raised).items() if name != "again"}
    event = msgspec.convert(stored, Event)
    assert alert.evolve(life.state, event, Context(ID, "c", NOW_MS)).status == "closed"


def test_a_stream_that_is_read_twice_raises_the_alert_twice_or_acts_twice():
    life = Life()
    life.do(RaiseAlert(finding(action="end_session")))
    life.do(RaiseAlert(finding(action="end_session", last_ms=NOW_MS + 5)))
    assert (life.version, len(life.sent)) == (1, 1)
    more = life.do(RaiseAlert(finding(rules=["lookups", "voids"], action="end_session")))
    assert (more.version, more.finding.rules, len(life.sent)) == (2, ["lookups", "voids"], 1)


def test_two_sessions_that_take_turns_are_news_without_end_or_are_acted_on_again_and_again():
    life = Life()
    for number in range(30):
        life.do(RaiseAlert(finding(action="step_up", session_id=f"s{number % 3}", last_ms=NOW_MS + number)))
    assert [event.finding.session_id for event in life.events] == ["s0", "s1", "s2"]
    assert len(life.sent) == 3
    life.do(RaiseAlert(finding(action="end_session", session_id="s1")))
    assert life.sent[-1].command == EndShift("s1")
    for number in range(300):
        life.do(RaiseAlert(finding(session_id=f"more-{number}")))
    assert len(life.state.sessions) == alert.LIST_MAX


def test_an_alert_that_an_earlier_release_kept_acts_again_or_on_nobody():
    life = Life()
    life.do(RaiseAlert(finding(action="end_session")))
    life.state.sessions = {}
    life.do(RaiseAlert(finding(action="end_session", last_ms=NOW_MS + 1)))
    assert (life.version, len(life.sent)) == (1, 1)
    life.do(RaiseAlert(finding(action="end_session", session_id="s2")))
    life.do(RaiseAlert(finding(action="end_session")))
    assert (life.version, len(life.sent)) == (2, 2)


def test_a_session_that_must_end_goes_on():
    life = Life()
    life.do(RaiseAlert(finding(action="end_session")))
    (message,) = life.sent
    assert (message.kind, message.entity_id, message.command) == ("account", MIA, EndShift("s1"))


def test_the_proofs_of_a_session_still_count_or_never_again():
    life = Life()
    life.do(RaiseAlert(finding(action="step_up")))
    (message,) = life.sent
    assert (message.kind, message.entity_id) == ("revocations", "us-revocations")
    assert type(message.command) is Revoke
    assert doubted(message.command.session_id) == ("s1", NOW_MS // 1000)
    # It became worse, and then it went on in another session.
    life.do(RaiseAlert(finding(action="end_session")))
    life.do(RaiseAlert(finding(action="end_session", session_id="s2")))
    assert [message.command for message in life.sent[1:]] == [EndShift("s1"), EndShift("s2")]


def test_another_session_gets_what_the_first_one_deserved():
    life = Life()
    life.do(RaiseAlert(finding(action="end_session")))
    life.do(RaiseAlert(finding(action="step_up", session_id="s2")))
    assert [type(message.command) for message in life.sent] == [EndShift, Revoke]
    life.do(RaiseAlert(finding(action="end_session", session_id="s2")))
    assert life.sent[-1].command == EndShift("s2")


@pytest.mark.parametrize(
    "more", [{"about": "a-0123456789abcdef0123"}, {"about": "us-client-erp"}, {"session_id": ""}, {"action": "none"}]
)
def test_an_alert_about_no_person_ends_a_session_or_says_that_it_did(more):
    life = Life()
    raise_it = RaiseAlert(finding(**({"action": "end_session"} | more)))
    view = life.do(raise_it)
    assert life.sent == []
    assert view.finding.action == life.events[0].finding.action == life.events[0].asked == "none"
    [row] = alert.rows(life.state, 1, life.events, Context(ID, "c", NOW_MS))
    assert row.action == "none"
    [line] = audited_of(KINDS["alert"], Who("us-watchman"), None, raise_it, life.events)
    assert line.act.changes == {"action": (None, "none")}
    # Read again it is the same, and no news.
    assert life.do(raise_it).version == 1


def test_an_event_of_before_ends_the_session_of_a_machine():
    raised = alert.AlertRaised(finding(about="us-client-erp", action="end_session"), "end_session")
    assert list(alert.messages(ID, raised)) == []


def test_the_webhook_is_told_of_old_news_for_new():
    life = Life()
    life.do(RaiseAlert(finding()))
    assert life.do(AlertTold(1)).told
    assert not life.do(RaiseAlert(finding(rules=["lookups", "voids"]))).told
    assert not life.do(AlertTold(1)).told
    assert life.do(AlertTold(life.version)).told


def test_a_mark_for_a_session_is_read_as_another_session():
    assert doubted(unproved("us-acct:x:1", 17)) == ("us-acct:x:1", 17)
    for plain in ("abc", "unproved", "unproved:", "unproved:x:s1", "us-client-erp.1"):
        assert doubted(plain) is None


def test_an_id_differs_from_read_to_read_or_is_no_id():
    assert ids.alert_id("us", NOW_MS, "found") == ID
    assert ids.ALERT_PATTERN.match(ID)
    assert ids.alert_id("us", NOW_MS + 1, "found") > ID


commands = st.one_of(
    st.builds(
        lambda rules, action, session, lines: RaiseAlert(
            finding(rules=rules, action=action, session_id=session, lines=lines)
        ),
        st.lists(st.sampled_from(("lookups", "voids", "unlike")), min_size=1, max_size=3, unique=True),
        st.sampled_from(("none", "step_up", "end_session")),
        st.sampled_from(("", "s1", "s2")),
        st.integers(0, 20),
    ),
    st.builds(AssignAlert, st.sampled_from(("us-acct-a", "us-acct-b"))),
    st.builds(CloseAlert, st.sampled_from(("confirmed", "false_alarm")), st.just("other"), st.integers(0, 9)),
    st.builds(AlertTold, st.integers(0, 9)),
)


@given(st.lists(commands, max_size=20))
def test_an_alert_comes_back_from_its_row_or_its_events_otherwise(steps):
    life = Life()
    for step in steps:
        with contextlib.suppress(Refused):
            life.do(step)
    if life.state is None:
        assert alert.restore(ID, {}) is None
        return
    context = Context(ID, "c", NOW_MS)
    row = alert.rows(life.state, life.version, [], context)[0]
    assert alert.restore(ID, {"alerts": [row]}) == (life.state, life.version)
    again = None
    for event in msgspec.json.decode(msgspec.json.encode(life.events), type=list[Event]):
        again = alert.evolve(again, event, context)
    assert again == life.state
    assert alert.view(life.state, ViewAlert(ID), life.version).alert_id == ID
    assert life.state.version == life.version
