"""The stream in, alerts out. One episode is one alert: what the rules and the model find of the same account or
address, until it has been quiet for a while, goes into the same alert, which is told again only when
there is something new to say.

    record ─▶ habits, rules, model ─▶ findings ─▶ Episode ─▶ Alert (new, or known with more)
           └▶ an auditor closes the alert ─▶ the episode is over: what its rules looked at, up to what he saw, counts no more

The audit tells of the closing as of everything else, so a stream that is read twice gives the same alerts; and it tells
what he saw: the rules, and up to when. What came after that makes an alert of its own: the closed one keeps its
verdict, which was about other records. So that he sees what there is, more of the same is told as it doubles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from actors.anomalies.day_sums import Days
from actors.anomalies.findings import EVIDENCE_MAX as OF_A_FINDING
from actors.anomalies.findings import Finding
from actors.anomalies.habits import Habits, Kept
from actors.anomalies.made_approvers import MADE_APPROVER, MadeApprovers
from actors.anomalies.model import VOICES, BehaviourModel, Told
from actors.anomalies.own_deeds import Action
from actors.anomalies.record import CLOSED, COMPARED, REFRESH, SIGN_IN, Record, Reference
from actors.anomalies.rules import Rules
from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import KeptWindow
from actors.domain.account_state import ROLES
from actors.domain.alert import JUDGED_MS, JUDGED_RULES, is_more
from actors.domain.ids import alert_id
from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

# Of the kept state; another one is not understood, and the monitor begins anew.
STATE_VERSION = 1
EPISODES_MAX = 10_000
REASONS_MAX = 10
EVIDENCE_MAX = 60
# Of an episode: a finding that asks something takes four lines of its session, of the 400 that a window has.
SESSIONS_MAX = 100
UNLIKE = "unlike"
_ACTIONS: tuple[str, ...] = get_args(Action)
_WORDS = {
    "acts": "more done than usual", "reads": "more orders looked at than usual", "writes": "more changed than usual",
    "mix_own": "not the work that this person does", "mix_role": "not the work of the role",
    "kinds": "more different things than usual", "looks": "looks more and does less than usual",
    "looks_long": "for hours looks more and does less than usual",
    "rare": "what the role hardly ever does",
}  # fmt: skip


class Alert(msgspec.Struct, array_like=True):
    """What auditors are told. about: an account, or an address's digest. rules: those that fired, in order; score: 0 to
    1; reasons: one for each rule, in words; evidence: lines of the audit; requests: ids of requests; action: the
    strongest that was asked for in this session; closed_ms: up to when an auditor judged `rules`, 0 while none has;
    lines: about so many were found, of which `evidence` has the newest; told_lines: when it was last told.
    sessions: those that were told of, each with the strongest that was asked of it; unlike: how strong the model's
    evidence was when it was last found. In what an earlier release kept, these four are empty."""

    alert_id: str
    about: str
    role: str
    session_id: str
    began_ms: int
    last_ms: int
    rules: list[str]
    score: float
    reasons: list[str]
    evidence: list[Reference]
    requests: list[str]
    action: Action
    closed_ms: int = 0
    lines: int = 0
    told_lines: int = 0
    sessions: dict[str, Action] = {}
    unlike: float = 0.0


class State(msgspec.Struct):
    """What is kept over a restart."""

    version: int
    habits: Kept
    rules: dict[str, dict[str, KeptWindow]]
    model: dict[str, Any]
    episodes: dict[str, Alert]
    refunded: dict[str, Days] = {}


class Monitor:
    """See the module's docstring. `voices` () leaves the model out."""

    def __init__(
        self, region: str, settings: AnomalySettings, *, voices: tuple[str, ...] = VOICES, with_rules: bool = True
    ) -> None:
        self._region = region
        self._settings = settings
        self._habits = Habits()
        self._rules = Rules(settings, self._habits)
        self._made = MadeApprovers(settings)
        self._model = BehaviourModel(settings.model_warmup, voices)
        self._with_model, self._with_rules = bool(voices), with_rules
        self._episodes: dict[str, Alert] = {}

    def see(self, record: Record) -> list[Alert]:
        """Alerts that are new, or have become more, with this record. Records come in the order of each shard."""
        if record.action == CLOSED and not record.outcome:
            self._close(record)
        alerts = []
        for finding in self._findings(record):
            alert = self._told(finding, record)
            if alert is not None:
                alerts.append(alert)
        return alerts

    def _findings(self, record: Record) -> Iterator[Finding]:
        if record.turned_away:
            if self._with_rules:
                yield from self._rules.see(record, self._habits.of(record.who), lambda act: 0.0)
            return
        if record.action == COMPARED:
            # Of what was done before: it says nothing of where somebody is, or what he does now.
            if self._with_rules:
                yield from self._rules.compared(record)
            return
        if not record.subject or record.action == REFRESH:
            return
        habit = self._habits.see(record)

        def usual(act: str) -> float:
            return self._model.usual(record.subject, act)

        if self._with_rules:
            yield from self._rules.see(record, habit, usual)
            yield from self._made.see(record)
        # Machines do what their programs do, and customers come and go: only staff works in a way that can be known.
        if record.role in ROLES and record.action != SIGN_IN:
            told = self._model.see(record)
            if self._with_model and told is not None and told.evidence >= self._settings.model_threshold:
                yield self._unlike(record, told)

    def _close(self, record: Record) -> None:
        """An auditor has judged this alert, if it still is the episode's. Seldom enough to look through them."""
        known = next((alert for alert in self._episodes.values() if alert.alert_id == record.entity_id), None)
        if known is None:
            return
        known.rules, known.closed_ms = _judged(known, record)
        self._rules.judge(known.rules, known.about, known.closed_ms)
        if UNLIKE in known.rules:
            self._model.judge(known.about, known.closed_ms)
        if MADE_APPROVER in known.rules:
            self._made.judge(known.about, known.closed_ms)

    def _unlike(self, record: Record, told: Told) -> Finding:
        words = [_WORDS[name] for name, off in told.oddest[:3] if off > 1]
        reason = f"unlike the {record.role}s' work: {', '.join(words) or 'a little of everything'}"
        strength = told.evidence / self._settings.model_threshold
        return Finding(
            UNLIKE, record.subject, record.at_ms, strength, reason, "step_up", record.session_id, [record.reference],
            [record.request_id] if record.request_id else [],
        )  # fmt: skip

    def _told(self, finding: Finding, record: Record) -> Alert | None:
        known = self._episodes.get(finding.about)
        if known is not None and finding.rule in known.rules and finding.at_ms <= known.closed_ms:
            return None  # read late: it is of the time that was judged
        self._episodes.pop(finding.about, None)
        if known is None or known.closed_ms or finding.at_ms - known.last_ms > self._quiet_ms(known):
            if len(self._episodes) >= EPISODES_MAX:
                del self._episodes[next(iter(self._episodes))]
            alert = Alert(
                alert_id(self._region, finding.at_ms, f"{finding.about} {finding.rule} {finding.references[-1]}"), finding.about, record.role, finding.session_id, finding.at_ms, finding.at_ms,
                [finding.rule], score(finding.strength), [finding.reason], finding.references, finding.requests, finding.action,
                lines=_lines(finding), told_lines=_lines(finding),
                sessions=_sessions(finding.session_id, finding.action), unlike=_evidence(finding),
            )  # fmt: skip
            self._episodes[finding.about] = alert
            return _copied(alert)
        self._episodes[finding.about] = known
        return _copied(known) if _merged(known, finding) else None

    def _quiet_ms(self, known: Alert) -> int:
        """Who works unlike the role goes on with it in the next shift, and whoever was let in decides all day: still
        the same question to the auditor."""
        limits, quiet_ms = self._settings, self._settings.quiet_minutes * MINUTE_MS
        if UNLIKE in known.rules:
            quiet_ms = limits.unlike_quiet_hours * HOUR_MS
        return max(quiet_ms, limits.made_days * DAY_MS) if MADE_APPROVER in known.rules else quiet_ms

    # --- state
    def dump(self) -> bytes:
        """All that it has learned."""
        rules = self._rules.dump() | {MADE_APPROVER: self._made.dump()}
        state = State(
            STATE_VERSION, self._habits.dump(), rules, self._model.dump(), self._episodes, self._rules.refunded.dump()
        )
        return msgspec.msgpack.encode(state)

    def restore(self, kept: bytes) -> bool:
        """Takes over what `dump` gave; False, and nothing is changed, for a state of another version."""
        try:
            state = msgspec.msgpack.decode(kept, type=State)
        except msgspec.DecodeError:
            return False
        if state.version != STATE_VERSION:
            return False
        self._habits.restore(state.habits)
        self._rules.restore(state.rules)
        self._rules.refunded.restore(state.refunded)
        self._made.restore(state.rules.get(MADE_APPROVER, {}))
        self._model.restore(state.model)
        self._episodes = state.episodes
        return True


def _judged(known: Alert, closing: Record) -> tuple[list[str], int]:
    """The rules, and up to when (UTC ms): what the auditor saw. A host of an earlier release did not say: all of it."""
    (_, rules), (_, until_ms) = (closing.changes.get(name, (None, None)) for name in (JUDGED_RULES, JUDGED_MS))
    if not (isinstance(rules, str) and isinstance(until_ms, int)):
        return known.rules, closing.at_ms
    return rules.split(","), until_ms


def _lines(finding: Finding) -> int:
    """Of how many lines it is. One that names as many as it may is of more, say 22 counts or 120 orders looked at: the
    next 60 make an alert whose whole evidence is another one."""
    return EVIDENCE_MAX if len(finding.references) >= OF_A_FINDING else len(finding.references)


def _merged(alert: Alert, finding: Finding) -> bool:
    """Adds it; True when that is news: another rule, a stronger action, a session that was not told of, or twice as
    much."""
    news = False
    alert.last_ms = max(alert.last_ms, finding.at_ms)
    alert.score = max(alert.score, score(finding.strength))
    if finding.rule in alert.rules:
        # The words have the numbers: those of now, when it is told.
        alert.reasons[alert.rules.index(finding.rule)] = finding.reason
    elif len(alert.rules) < REASONS_MAX:
        alert.rules.append(finding.rule)
        alert.reasons.append(finding.reason)
        alert.score = round(1 - (1 - alert.score) * 0.7, 3)
        news = True
    news = _asks(alert, finding) or news
    fresh = set(finding.references).difference(alert.evidence)
    alert.lines = (alert.lines or len(alert.evidence)) + len(fresh)
    news = news or is_more(alert.lines, alert.told_lines)
    if news:
        alert.told_lines = alert.lines
    alert.evidence = list(dict.fromkeys([*alert.evidence, *finding.references]))[-EVIDENCE_MAX:]
    alert.requests = list(dict.fromkeys([*alert.requests, *finding.requests]))[-EVIDENCE_MAX:]
    return news


def _asks(alert: Alert, finding: Finding) -> bool:
    """Tells of the finding's session: True when nobody was told of it yet, or it deserves more. However often sessions
    take turns, each is news once, and once more for each stronger action."""
    session_id, action = finding.session_id, finding.action
    if finding.rule == UNLIKE:
        if finding.strength <= alert.unlike:
            # The evidence adds up over hours and sessions: until it grows it is of what was done before.
            action = "none"
        alert.unlike = finding.strength  # it falls again while nothing odd is done
    if not session_id:
        return False
    sessions = alert.sessions = alert.sessions or _sessions(alert.session_id, alert.action)
    before = sessions.get(session_id)
    if before is None and action == "none" and len(sessions) >= SESSIONS_MAX:
        return False
    if before is not None and _ACTIONS.index(action) <= _ACTIONS.index(before):
        return False
    if before is None and len(sessions) >= SESSIONS_MAX:
        del sessions[next(iter(sessions))]
    sessions[session_id] = action
    alert.session_id, alert.action = session_id, action
    return True


def _sessions(session_id: str, action: Action) -> dict[str, Action]:
    return {session_id: action} if session_id else {}


def _evidence(finding: Finding) -> float:
    return finding.strength if finding.rule == UNLIKE else 0.0


def score(strength: float) -> float:
    """0.5 at the threshold, towards 1 with what is beyond it."""
    return round(1 - 0.5 / max(1.0, strength), 3)


def _copied(alert: Alert) -> Alert:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(alert), type=Alert)
