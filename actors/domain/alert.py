"""An alert: behaviour that somebody should look at, from when the monitor found it to what an auditor made of it.

    (unknown) ──RaiseAlert──▶ open ──AssignAlert──▶ assigned ──CloseAlert──▶ closed: confirmed or false_alarm
                              │ ▲ ▲                   │  ▲ └─ AssignAlert: to somebody else    │ │ ▲
                              └─┘ │ RaiseAlert: more  └──┘ RaiseAlert: more                    │ └─┘ RaiseAlert: a little more by the same rules
                                  └───────── RaiseAlert: by another rule, or twice as much ────┘
    untold ──AlertTold──▶ told       the webhook has taken the news; RaiseAlert with more makes it untold again

The monitor raises the same alert again while its episode goes on; what is in it already changes nothing, more of the
same is news when it has doubled, and a session is news once, so of an episode without end there are a handful of
events. Nobody closes what he has not seen: CloseAlert names the version that was read, and is refused when there were
news after it; the audit's line names the rules and the time up to which this judges. A closed one was judged for
these: by another rule, or when it has doubled since, it opens again, without assignee and verdict. That is of the
moment until the monitor knows that it is closed: from then on, whatever it finds, and what it found after that time,
is another alert. What it asks for is done by messages as soon as it is durable: `end_session` ends the shift and
revokes its tokens, `step_up` makes the session's proofs not count any more. People are their accounts' ids, addresses
keyed digests; the reasons are the monitor's words, never text of people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain import ids
from actors.domain.account_commands import EndShift
from actors.domain.account_state import SHIFT_MAX_MS
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.personal_notes import ALERT_ABOUT, ALERT_ASSIGNEE, ALERT_EVIDENCE, ALERT_SESSION
from actors.domain.revocations import Revoke, unproved
from actors.domain.rows import AlertRow

AlertStatus = Literal["open", "assigned", "closed"]
Verdict = Literal["confirmed", "false_alarm"]
AlertAction = Literal["none", "step_up", "end_session"]
# Why it was closed so, for who counts: there is no free text about people.
Note = Literal[
    "misuse", "stolen_credentials", "policy_breach", "honest_mistake", "busy_day", "known_event", "bad_rule", "other"
]
LIST_MAX = 100
# Of a line or two, twice as many are no news yet.
MORE_MIN = 4
# What the audit's line of a closing says was judged, as changes: the rules, and up to when (UTC ms).
JUDGED_RULES, JUDGED_MS = "rules", "last_ms"
Text = Annotated[str, Meta(max_length=300)]
Texts = Annotated[list[Text], Meta(max_length=LIST_MAX)]
_STRENGTH: tuple[AlertAction, ...] = ("none", "step_up", "end_session")


# --- commands -------------------------------------------------------------------------------------------------------
class Finding(msgspec.Struct, frozen=True, gc=False):
    """What was found. about: an account, or an address's digest; session_id: in which, or ""; began_ms, last_ms: UTC
    ms; score: 0 to 1; evidence: (shard, number) of lines of the audit; requests: ids of requests; action: what is done
    by itself, to this session; of a machine, a device or an address, which have none, it becomes `none`; lines: of the
    audit, about so many were found so far, of which `evidence` has the newest; 0 in those of earlier releases."""

    about: Annotated[str, Meta(min_length=1, max_length=128), ALERT_ABOUT]
    role: Annotated[str, Meta(max_length=32)]
    session_id: Annotated[str, Meta(max_length=128), ALERT_SESSION]
    began_ms: int
    last_ms: int
    rules: Annotated[list[Text], Meta(min_length=1, max_length=LIST_MAX)]
    score: Annotated[float, Meta(ge=0, le=1)]
    reasons: Annotated[Texts, ALERT_EVIDENCE]
    evidence: Annotated[list[tuple[int, int]], Meta(max_length=LIST_MAX)]
    requests: Texts
    action: AlertAction
    lines: int = 0


class RaiseAlert(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The monitor found this, or more of it."""

    finding: Finding


class AssignAlert(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody looks at it."""

    assignee: Annotated[str, ALERT_ASSIGNEE]


class CloseAlert(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What it was, as it was at `version`; 0: as it was when it was assigned."""

    verdict: Verdict
    note: Note
    version: int = 0


class AlertTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The webhook has taken it as it was at `version`."""

    version: int


Command = RaiseAlert | AssignAlert | CloseAlert | AlertTold


# --- events ---------------------------------------------------------------------------------------------------------
class AlertRaised(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is something to look at. `asked`: what is done about it with this event; `again`: it was
    closed, and is open again."""

    finding: Finding
    asked: AlertAction
    again: bool = False  # older events have none, and leave a closed alert closed


class AlertAssigned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is looked at by this account."""

    assignee: Annotated[str, ALERT_ASSIGNEE]


class AlertClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is done with."""

    verdict: Verdict
    note: Note


class WebhookTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The webhook knows of it."""


Event = AlertRaised | AlertAssigned | AlertClosed | WebhookTold


# --- state and answers ----------------------------------------------------------------------------------------------
class Alert(msgspec.Struct):
    """The state. `news_version`: at which there last was something to tell; `told`: has the webhook taken that?
    `assigned_version`: at which somebody last took it on, who was shown it then; 0 where an earlier release did
    that. `sessions`: those that were told of, the newest LIST_MAX, each with the strongest that was asked of it: each
    is news once, and again for a stronger action."""

    finding: Finding
    status: AlertStatus = "open"
    assignee: Annotated[str, ALERT_ASSIGNEE] = ""
    verdict: str = ""
    note: str = ""
    news_version: int = 1
    version: int = 0
    told: bool = False
    assigned_version: int = 0
    sessions: dict[Annotated[str, ALERT_SESSION], AlertAction] = {}


class ViewAlert(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it."""

    alert_id: str


class AlertView(msgspec.Struct, frozen=True, gc=False):
    """An alert; also the answer to every command. See `Finding`; verdict and note are "" until it is closed."""

    alert_id: str
    version: int
    status: AlertStatus
    assignee: Annotated[str, ALERT_ASSIGNEE]
    verdict: str
    note: str
    told: bool
    finding: Finding


# --- the rules ------------------------------------------------------------------------------------------------------
def decide(state: Alert | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `alert.unknown`, `alert.illegal_transition`,
    `alert.changed_meanwhile`."""
    if type(command) is RaiseAlert:
        return _raise(state, command.finding, context)
    alert = _known(state)
    if type(command) is AlertTold:
        news = not alert.told and command.version >= alert.news_version
        return _told(context, *([WebhookTold()] if news else []))
    if type(command) is AssignAlert:
        if alert.status == "closed":
            raise _illegal(context, alert, "assign")
        return _told(context, *([] if command.assignee == alert.assignee else [AlertAssigned(command.assignee)]))
    assert type(command) is CloseAlert
    if alert.status != "assigned":
        raise _illegal(context, alert, "close")
    # Without either it is of an earlier release, which asked for none.
    seen = command.version or alert.assigned_version or alert.version
    if not alert.news_version <= seen <= alert.version:
        detail = (
            "There is more to see by now: read the alert again, and close it with the `version` that you have read."
        )
        raise Refused("alert.changed_meanwhile", detail, alert_id=context.entity_id, version=alert.version)
    return _told(context, AlertClosed(command.verdict, command.note))


def _raise(state: Alert | None, found: Finding, context: Context) -> Decision:
    if not _can_act(found):
        # What is told of an alert is what was done, not what the rule would have done to a person.
        found = msgspec.structs.replace(found, action="none")
    if state is None:
        return _told(context, AlertRaised(found, found.action))
    known = state.finding
    asked_before = _sessions(state).get(found.session_id)
    stronger = _STRENGTH.index(found.action) > _STRENGTH.index(asked_before or "none")
    elsewhere = bool(found.session_id) and asked_before is None
    unjudged = not set(found.rules) <= set(known.rules) or is_more(found.lines, known.lines or len(known.evidence))
    if not (unjudged or stronger or elsewhere):
        return _told(context)
    asked = found.action if stronger or elsewhere else "none"
    return _told(context, AlertRaised(found, asked, again=unjudged and state.status == "closed"))


def _sessions(alert: Alert) -> dict[str, AlertAction]:
    """Of one that an earlier release kept, the last alone."""
    return alert.sessions or {alert.finding.session_id: alert.finding.action}


def is_more(lines: int, told: int) -> bool:
    """Is it news that there are so many lines of the audit, when so many were told? Twice as many are."""
    return lines >= told + max(told, MORE_MIN)


def _can_act(found: Finding) -> bool:
    """Only sessions of people are touched: a machine that is stopped stops a shop."""
    return bool(found.session_id) and ids.ACCOUNT_PATTERN.match(found.about) is not None


def _known(state: Alert | None) -> Alert:
    if state is None:
        raise Refused("alert.unknown", "There is no such alert.")
    return state


def _illegal(context: Context, alert: Alert, step: str) -> Refused:
    detail = f"`{step}` is no step from {alert.status}."
    return Refused("alert.illegal_transition", detail, alert_id=context.entity_id, status=alert.status, update=step)


def _told(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: _view(context.entity_id, state, version))


def evolve(state: Alert | None, event: Event, context: Context) -> Alert:
    """The next state; takes over `state`."""
    if type(event) is AlertRaised:
        if state is None:
            return Alert(event.finding, version=1, sessions={event.finding.session_id: event.finding.action})
        state.sessions = _with(_sessions(state), event)
        state.finding = msgspec.structs.replace(event.finding, began_ms=state.finding.began_ms)
        state.told, state.news_version = False, state.version + 1
        if event.again:
            state.status, state.assignee, state.verdict, state.note = "open", "", "", ""
    else:
        assert state is not None
        if type(event) is AlertAssigned:
            state.status, state.assignee, state.assigned_version = "assigned", event.assignee, state.version + 1
        elif type(event) is AlertClosed:
            state.status, state.verdict, state.note = "closed", event.verdict, event.note
        else:
            state.told = True
    state.version += 1
    return state


def _with(sessions: dict[str, AlertAction], raised: AlertRaised) -> dict[str, AlertAction]:
    found = raised.finding
    strongest = max(found.action, sessions.get(found.session_id, "none"), key=_STRENGTH.index)
    together = sessions | {found.session_id: strongest}
    return dict(list(together.items())[-LIST_MAX:])


def messages(alert_id: str, event: Event) -> Iterable[Message]:
    """What the alert does by itself."""
    if type(event) is not AlertRaised or event.asked == "none":
        return
    found = event.finding
    if not _can_act(found):
        return  # an event of before says otherwise
    region = ids.region_of(alert_id)
    if event.asked == "end_session":
        yield Message("account", found.about, EndShift(found.session_id))
    else:
        mark = unproved(found.session_id, found.last_ms // 1000)
        yield Message("revocations", ids.revocations_id(region), Revoke(mark, found.last_ms + SHIFT_MAX_MS))


def view(state: Alert | None, query: ViewAlert, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `alert.unknown`."""
    return _view(query.alert_id, _known(state), version)


def _view(alert_id: str, alert: Alert, version: int) -> AlertView:
    return AlertView(
        alert_id, version, alert.status, alert.assignee, alert.verdict, alert.note, alert.told, alert.finding
    )  # fmt: skip


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Alert).decode


def rows(state: Alert, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The alert's one row."""
    found = state.finding
    return [
        AlertRow(
            context.entity_id, version, state.status, found.about, found.role, ",".join(found.rules), found.score,
            found.action, state.assignee, state.verdict, found.began_ms, found.last_ms, int(state.told), _encode(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Alert, int] | None:
    """The state and version from the stored row."""
    found = stored.get("alerts")
    return (_decode(found[0].state), found[0].version) if found else None


ALERT = Kind(
    name="alert", commands=Command, events=Event, queries=ViewAlert, decide=decide, evolve=evolve, view=view,
    tables=(AlertRow,), restore=restore, rows=rows, messages=messages, secret=True,
)  # fmt: skip
