"""A breach and its clock: by example, and by a machine that judges, tells, forgets and lets time pass as it likes."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.domain import breach, ids
from actors.domain.acts import audited_of
from actors.domain.audit import Who
from actors.domain.breach import (
    BreachOverdue,
    BreachReminded,
    CloseBreach,
    JudgeRisk,
    RecordBreach,
    ReviseExtent,
    SpareSubjects,
    TakeMeasure,
    TellAuthority,
    TellSubjects,
    ViewBreach,
    WatchClock,
)
from actors.domain.breach_clock import deadline_ms, remind_ms
from actors.domain.breach_state import STEPS_MAX, DataCategory, Extent
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.personal import CATEGORIES
from actors.domain.times import HOUR_MS

NOW_MS = 1_767_225_600_000  # Thursday, 2026-01-01
ID = ids.breach_id("us", NOW_MS, "key-1")
EXTENT = Extent(["disclosure"], ["name", "address"], ["customers"], 240, 310)
RECORD = RecordBreach("gdpr", NOW_MS, EXTENT, b"sealed")
CHANGES = [JudgeRisk("likely", "contents"), TellAuthority(NOW_MS, "A-1"), TellSubjects(NOW_MS, 5), CloseBreach()]


class Life:
    """A breach as the runtime lets it live: commands by the wire, the timer when it is due."""

    def __init__(self, law="gdpr") -> None:
        self.now_ms, self.state, self.version, self.events = NOW_MS, None, 0, []
        self.do(msgspec.structs.replace(RECORD, law=law))

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(ID, "c", self.now_ms)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=breach.Command)
        decision = breach.decide(self.state, command, context)
        assert self.state == before
        for decided in decision.events:
            event = msgspec.json.decode(msgspec.json.encode(decided), type=breach.Event)
            self.state = breach.evolve(self.state, event, context)
            self.version += 1
            self.events.append(event)
        return decision.reply(self.state, self.version)

    def after(self, hours: float) -> list[str]:
        """Lets time pass until so long after the discovery; what the clock said."""
        end_ms, said = NOW_MS + int(hours * HOUR_MS), len(self.events)
        while (due := KINDS["breach"].due(self.state)) is not None and due <= end_ms:
            self.now_ms = max(self.now_ms, due)
            known = len(self.events)
            self.do(WatchClock())
            assert len(self.events) > known, "a timer that goes off without an effect goes off for ever"
        self.now_ms = end_ms
        return [breach.warns(event) for event in self.events[said:]]

    def status(self) -> str:
        return breach.view(self.state, ViewBreach(ID), self.version).status


def refused(life, command) -> str:
    with pytest.raises(Refused) as caught:
        life.do(command)
    return caught.value.body.code


def test_nobody_is_reminded_after_48_hours_or_warned_after_72_or_twice():
    life = Life()
    assert life.after(47.999) == []
    assert life.after(48) == ["breach.reminder"]
    assert life.status() == "open"
    assert life.after(72) == []  # the last moment is in time
    assert life.after(72.001) == ["breach.overdue"]
    assert life.status() == "overdue"
    assert life.after(10_000) == []


def test_a_clock_goes_on_that_has_been_answered():
    told, unlikely = Life(), Life()
    told.do(TellAuthority(NOW_MS, "A-1"))
    unlikely.do(JudgeRisk("unlikely", "sealed_and_keys_safe"))
    assert told.after(100) == unlikely.after(100) == []
    # What was judged may turn out to be wrong; the term stays what it was.
    unlikely.do(JudgeRisk("high", "misuse_seen"))
    assert unlikely.after(101) == ["breach.overdue"]
    unlikely.do(TellAuthority(unlikely.now_ms, "A-1", "facts_unclear"))
    assert unlikely.status() == "open"


def test_what_was_discovered_long_ago_is_in_time_when_it_is_recorded():
    life = Life.__new__(Life)
    life.now_ms, life.state, life.version, life.events = NOW_MS + 80 * HOUR_MS, None, 0, []
    life.do(RECORD)
    assert life.after(80) == ["breach.overdue"]


def test_the_authority_is_told_late_without_a_reason():
    life = Life()
    life.after(73)
    assert refused(life, TellAuthority(life.now_ms, "A-1")) == "breach.delay_unexplained"
    life.do(TellAuthority(life.now_ms, "A-1", "facts_unclear"))
    assert [told.delay for told in life.state.authority] == ["facts_unclear"]
    # More is told as more is known (Art. 33(4)): that is not late.
    life.do(TellAuthority(life.now_ms, "A-1"))
    # Told in time, and written down afterwards.
    other = Life()
    other.after(73)
    other.do(TellAuthority(NOW_MS + 71 * HOUR_MS, "A-2", "oversight"))
    assert [told.delay for told in other.state.authority] == [""]


@pytest.mark.parametrize("at_ms", [NOW_MS - 1, NOW_MS + breach.SKEW_MS + 1])
def test_somebody_was_told_before_it_was_discovered_or_will_have_been(at_ms):
    life = Life()
    for command in (TellAuthority(at_ms, "A-1"), TellSubjects(at_ms, 3)):
        assert refused(life, command) == "breach.moment_invalid"
    assert life.version == 1


def test_a_breach_is_discovered_tomorrow_or_twice():
    state = Context(ID, "c", NOW_MS - breach.SKEW_MS - 1)
    with pytest.raises(Refused, match="future"):
        breach.decide(None, RECORD, state)
    assert refused(Life(), RECORD) == "breach.exists"


def test_it_is_closed_while_something_is_to_be_done_or_changed_afterwards():
    life = Life()
    life.do(JudgeRisk("high", "contents"))
    with pytest.raises(Refused) as caught:
        life.do(CloseBreach())
    assert caught.value.body.extra["duties"] == ["tell_authority", "tell_subjects", "take_measure"]
    for step in (TellAuthority(NOW_MS, "A-1"), TellSubjects(NOW_MS, 240), TakeMeasure(NOW_MS, "access_closed")):
        assert refused(life, CloseBreach()) == "breach.duties_left"
        life.do(step)
    life.do(CloseBreach())
    assert (life.status(), life.after(100)) == ("closed", [])
    for command in CHANGES:
        assert refused(life, command) == "breach.closed"


def test_a_high_risk_is_kept_from_people_without_a_reason():
    life = Life()
    life.do(JudgeRisk("likely", "contents"))
    assert "tell_subjects" not in breach.duties_of(life.state)
    life.do(JudgeRisk("high", "contents"))
    assert "tell_subjects" in breach.duties_of(life.state)
    life.do(SpareSubjects("told_publicly"))
    assert "tell_subjects" not in breach.duties_of(life.state)


def test_brazil_has_people_told_only_of_high_risks_or_without_a_term():
    life = Life("lgpd")
    life.do(TellAuthority(NOW_MS, "A-1"))
    assert "tell_subjects" in breach.duties_of(life.state)
    assert life.after(24 * 9) == ["breach.reminder", "breach.overdue"]
    life.do(TellSubjects(life.now_ms, 240))
    assert life.status() == "open"


@pytest.mark.parametrize(
    ("discovered", "last_day"),
    [
        ("2026-01-05T13:00:00Z", "2026-01-09T02:59:59.999Z"),  # Monday: Thursday's last moment, in Brasília
        ("2026-01-06T02:00:00Z", "2026-01-09T02:59:59.999Z"),  # it is Monday there yet
        ("2026-01-07T12:00:00Z", "2026-01-13T02:59:59.999Z"),  # Wednesday: Thursday, Friday, Monday
        ("2026-01-10T12:00:00Z", "2026-01-15T02:59:59.999Z"),  # Saturday: Monday to Wednesday
    ],
)
def test_a_working_day_is_a_weekend_or_the_day_of_the_discovery(discovered, last_day):
    assert deadline_ms("lgpd", _ms(discovered)) == _ms(last_day)


def test_a_term_is_counted_from_something_else_than_the_discovery():
    assert deadline_ms("gdpr", NOW_MS) == NOW_MS + 72 * HOUR_MS
    assert remind_ms("gdpr", NOW_MS) == NOW_MS + 48 * HOUR_MS


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int(at.replace(microsecond=0, tzinfo=UTC).timestamp()) * 1000 + at.microsecond // 1000


def test_steps_gather_without_an_end():
    life = Life()
    for _ in range(STEPS_MAX):
        life.do(TakeMeasure(NOW_MS, "other"))
    assert refused(life, TakeMeasure(NOW_MS, "other")) == "breach.too_many_steps"


def test_a_breach_that_comes_back_from_the_store_is_another_one():
    life = Life()
    life.do(ReviseExtent(msgspec.structs.replace(EXTENT, persons=900)))
    life.do(TakeMeasure(NOW_MS, "keys_rotated"))
    [row] = breach.rows(life.state, life.version, [], Context(ID, "c", NOW_MS))
    assert breach.restore(ID, {"breaches": [row]}) == (life.state, life.version)
    assert (row.persons, row.status, row.due_at) == (900, "open", NOW_MS + 48 * HOUR_MS)
    assert breach.restore(ID, {}) is None


def test_repeating_a_judgement_changes_something():
    life = Life()
    for command in (JudgeRisk("likely", "contents"), SpareSubjects("risk_averted"), ReviseExtent(EXTENT)):
        life.do(command)
        known = life.version
        life.do(command)
        assert life.version == known


def test_nothing_is_known_of_a_breach_that_is_not_there():
    for command in [*CHANGES, WatchClock()]:
        with pytest.raises(Refused, match="no such breach"):
            breach.decide(None, command, Context(ID, "c", NOW_MS))
    with pytest.raises(Refused, match="no such breach"):
        breach.view(None, ViewBreach(ID), 0)


def test_the_audit_tells_the_summary_or_not_the_judgement():
    who = Who("us-acct-mia", "privacy")
    life = Life()
    step = JudgeRisk("high", "misuse_seen")
    [line] = audited_of(KINDS["breach"], who, life.state, step, [breach.RiskJudged("high", "misuse_seen")])
    assert (line.act.action, line.act.why, line.act.changes) == (
        "breach.judge_risk", "misuse_seen", {"risk": ("not_judged", "high")},
    )  # fmt: skip
    [line] = audited_of(KINDS["breach"], who, None, RECORD, [breach.BreachRecorded("gdpr", NOW_MS, EXTENT, b"sealed")])
    assert line.act.action == "breach.record"
    assert b"sealed" not in msgspec.msgpack.encode(line)


def test_a_command_has_no_name_in_the_audit():
    who = Who("us-acct-mia", "privacy")
    commands = [*CHANGES, RECORD, SpareSubjects("told_publicly"), TakeMeasure(NOW_MS, "other"), ReviseExtent(EXTENT)]
    assert {type(command) for command in commands} == {*get_args(breach.Command)} - {WatchClock}
    names = [audited_of(KINDS["breach"], who, Life().state, command, [])[0].act.action for command in commands]
    assert len(set(names)) == len(names)


def test_data_is_of_a_category_that_the_register_does_not_know():
    assert set(get_args(DataCategory)) < set(CATEGORIES)


class AnyLife(RuleBasedStateMachine):
    """Whatever is done and however late: the clock warns once, in its order, and only while something is owed."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.refusals: set[str] = set()

    def _try(self, command) -> None:
        try:
            self.life.do(command)
        except Refused as refusal:
            self.refusals.add(refusal.body.code)

    @rule(risk=st.sampled_from(["unlikely", "likely", "high"]))
    def judge(self, risk):
        self._try(JudgeRisk(risk, "other"))

    @rule(late=st.booleans())
    def tell_authority(self, late):
        self._try(TellAuthority(self.life.now_ms, "A-1", "other" if late else ""))

    @rule()
    def tell_people(self):
        self._try(TellSubjects(self.life.now_ms, 1))

    @rule()
    def do_something(self):
        self._try(TakeMeasure(self.life.now_ms, "other"))

    @rule()
    def close(self):
        owed = breach.duties_of(self.life.state)
        was_closed = bool(self.life.state.closed_ms)
        self._try(CloseBreach())
        assert bool(self.life.state.closed_ms) == (was_closed or not owed)

    @precondition(lambda self: self.life.now_ms < NOW_MS + 200 * HOUR_MS)
    @rule(hours=st.floats(0.1, 50))
    def wait(self, hours):
        self.life.after((self.life.now_ms - NOW_MS) / HOUR_MS + hours)

    @rule()
    def the_timer_goes_off_by_mistake(self):
        self.life.do(WatchClock())

    @invariant()
    def refused_for_a_reason(self):
        assert self.refusals <= {
            "breach.closed",
            "breach.duties_left",
            "breach.delay_unexplained",
            "breach.too_many_steps",
        }

    @invariant()
    def warned_once_and_in_order(self):
        said = [type(event) for event in self.life.events if breach.warns(event)]
        assert said in ([], [BreachReminded], [BreachOverdue], [BreachReminded, BreachOverdue])
        owed = breach.clock_runs(self.life.state)
        if owed and self.life.now_ms > NOW_MS + 72 * HOUR_MS and KINDS["breach"].due(self.life.state) is None:
            assert self.life.status() == "overdue"
        if not owed:
            assert self.life.status() != "overdue"


TestAnyLife = AnyLife.TestCase
