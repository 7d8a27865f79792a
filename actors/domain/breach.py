"""A personal data breach: what is documented of it, and the clock until the authority has to
know (GDPR Art. 33 and 34).

    (unknown) ──RecordBreach──▶ open ◀──────────────▶ overdue           the term is over, and what it was for is not done
                                 │  JudgeRisk, TellAuthority, TellSubjects,
                                 │  SpareSubjects, TakeMeasure, ReviseExtent
                                 └──CloseBreach──▶ closed               once no duty is left (`duties_of`), for good

    clock:  discovered ──▶ reminded (of 72 hours after 48) ──▶ overdue     WatchClock, by the entity's timer; only while it runs (`clock_runs`)

A risk that is unlikely stops the clock, and so does telling the authority; to judge the risk anew may start it again,
with the term that it had. The authority and people may be told several times, as more is known (Art. 33(4)). Every
breach is documented, told or not (Art. 33(5)): nothing here is ever removed. What happened, in words, comes sealed
under the cell's key and stays so; all else are codes and numbers. The reference is what the authority calls its case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from actors.domain.breach_clock import Law, deadline_ms, remind_ms
from actors.domain.breach_state import (
    STEPS_MAX,
    AuthorityTelling,
    Breach,
    BreachStatus,
    DelayReason,
    Duty,
    Extent,
    JudgedRisk,
    Measure,
    MeasureTaken,
    RiskReason,
    SealedSummary,
    SpareReason,
    SubjectsTelling,
    clock_runs,
    due_ms,
    duties_of,
    status_of,
)
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.rows import BreachRow

# Clocks of people and of the cell differ.
SKEW_MS = 5 * 60_000


# --- commands -------------------------------------------------------------------------------------------------------
class RecordBreach(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It was discovered then. `law`: whose term holds; `sealed_summary`: what happened, in words."""

    law: Law
    discovered_ms: int
    extent: Extent
    sealed_summary: SealedSummary


class JudgeRisk(msgspec.Struct, frozen=True, tag=True, gc=False):
    """How likely it harms people, and why one thinks so."""

    risk: JudgedRisk
    reason: RiskReason


class TellAuthority(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The authority was told at `at_ms`. `delay`: why so late, "" in time."""

    at_ms: int
    reference: str
    delay: DelayReason | Literal[""] = ""


class TellSubjects(msgspec.Struct, frozen=True, tag=True, gc=False):
    """So many of the people were told at `at_ms`."""

    at_ms: int
    persons: int


class SpareSubjects(msgspec.Struct, frozen=True, tag=True, gc=False):
    """People need not be told one by one."""

    reason: SpareReason


class TakeMeasure(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This was done about it at `at_ms`."""

    at_ms: int
    measure: Measure


class ReviseExtent(msgspec.Struct, frozen=True, tag=True, gc=False):
    """More is known of how far it reaches."""

    extent: Extent


class CloseBreach(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All is done that had to be."""


class WatchClock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer: somebody has to be reminded, or the term is over."""


Step = JudgeRisk | TellAuthority | TellSubjects | SpareSubjects | TakeMeasure | ReviseExtent | CloseBreach
Command = RecordBreach | Step | WatchClock


# --- events ---------------------------------------------------------------------------------------------------------
class BreachRecorded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is on record."""

    law: Law
    discovered_ms: int
    extent: Extent
    sealed_summary: SealedSummary


class RiskJudged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The risk is this, until it is judged anew."""

    risk: JudgedRisk
    reason: RiskReason


class AuthorityTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The authority knows of it."""

    telling: AuthorityTelling


class SubjectsTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """People know of it."""

    telling: SubjectsTelling


class SubjectsSpared(msgspec.Struct, frozen=True, tag=True, gc=False):
    """People need not be told one by one."""

    reason: SpareReason


class MeasureNoted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Something was done about it."""

    taken: MeasureTaken


class ExtentRevised(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It reaches so far, as is known now."""

    extent: Extent


class BreachReminded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A day is left to tell of it."""


class BreachOverdue(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The term is over."""


class BreachClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is done with."""


Event = (
    BreachRecorded | RiskJudged | AuthorityTold | SubjectsTold | SubjectsSpared | MeasureNoted | ExtentRevised
    | BreachReminded | BreachOverdue | BreachClosed
)  # fmt: skip


# --- queries and answers --------------------------------------------------------------------------------------------
class ViewBreach(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it."""

    breach_id: str


class BreachView(msgspec.Struct, frozen=True, gc=False):
    """A breach; also the answer to every command. `deadline_ms`: by when the authority has to know; `duties`:
    what is still to be done."""

    breach_id: str
    version: int
    status: BreachStatus
    deadline_ms: int
    duties: list[Duty]
    breach: Breach


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Breach | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `breach.exists`, `breach.unknown`, `breach.closed`,
    `breach.moment_invalid`, `breach.delay_unexplained`, `breach.duties_left`, `breach.too_many_steps`."""
    if type(command) is RecordBreach:
        if state is not None:
            raise Refused("breach.exists", f"Breach {context.entity_id} exists already.")
        _check_moment(command.discovered_ms, 0, context)
        recorded = BreachRecorded(command.law, command.discovered_ms, command.extent, command.sealed_summary)
        return _told(context, recorded)
    if state is None:
        raise Refused("breach.unknown", "There is no such breach.")
    if type(command) is WatchClock:
        return _told(context, *_clock(state, context))
    if state.closed_ms:
        raise Refused("breach.closed", "This breach is closed: record what is new as another one.")
    return _told(context, *_step(state, command, context))


def _step(breach: Breach, command: Command, context: Context) -> list[Event]:
    if type(command) is JudgeRisk:
        same = (command.risk, command.reason) == (breach.risk, breach.risk_reason)
        return [] if same else [RiskJudged(command.risk, command.reason)]
    if type(command) is TellAuthority:
        _check_moment(command.at_ms, breach.discovered_ms, context)
        _check_room(breach.authority)
        late = not breach.authority and command.at_ms > deadline_ms(breach.law, breach.discovered_ms)
        if late and not command.delay:
            raise Refused(
                "breach.delay_unexplained", "The term is over: the authority has to be told why it is told so late."
            )
        return [AuthorityTold(AuthorityTelling(command.at_ms, command.reference, command.delay if late else ""))]
    if type(command) is TellSubjects:
        _check_moment(command.at_ms, breach.discovered_ms, context)
        _check_room(breach.subjects)
        return [SubjectsTold(SubjectsTelling(command.at_ms, command.persons))]
    if type(command) is SpareSubjects:
        return [] if command.reason == breach.spared else [SubjectsSpared(command.reason)]
    if type(command) is TakeMeasure:
        _check_moment(command.at_ms, 0, context)
        _check_room(breach.measures)
        return [MeasureNoted(MeasureTaken(command.at_ms, command.measure))]
    if type(command) is ReviseExtent:
        return [] if command.extent == breach.extent else [ExtentRevised(command.extent)]
    assert type(command) is CloseBreach
    left = duties_of(breach)
    if left:
        raise Refused("breach.duties_left", f"Still to be done: {', '.join(left)}.", duties=left)
    return [BreachClosed()]


def _check_moment(at_ms: int, from_ms: int, context: Context) -> None:
    if not from_ms <= at_ms <= context.now_ms + SKEW_MS:
        raise Refused("breach.moment_invalid", "That is before the breach was discovered, or in the future.")


def _check_room(steps: Sequence[msgspec.Struct]) -> None:
    if len(steps) >= STEPS_MAX:
        raise Refused("breach.too_many_steps", f"A breach keeps at most {STEPS_MAX} of these.", limit=STEPS_MAX)


def _clock(breach: Breach, context: Context) -> list[Event]:
    """What the clock says now: nothing when it does not run, or has said it already."""
    if breach.overdue or not clock_runs(breach):
        return []
    if context.now_ms > deadline_ms(breach.law, breach.discovered_ms):
        return [BreachOverdue()]
    return (
        [BreachReminded()]
        if not breach.reminded and context.now_ms >= remind_ms(breach.law, breach.discovered_ms)
        else []
    )


def _told(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: _view(context.entity_id, state, version))


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Breach | None, event: Event, context: Context) -> Breach:
    """The next state; takes over `state`."""
    if type(event) is BreachRecorded:
        return Breach(event.law, event.discovered_ms, context.now_ms, event.extent, event.sealed_summary)
    assert state is not None
    if type(event) is RiskJudged:
        state.risk, state.risk_reason = event.risk, event.reason
    elif type(event) is AuthorityTold:
        state.authority = [*state.authority, event.telling]
    elif type(event) is SubjectsTold:
        state.subjects = [*state.subjects, event.telling]
    elif type(event) is SubjectsSpared:
        state.spared = event.reason
    elif type(event) is MeasureNoted:
        state.measures = [*state.measures, event.taken]
    elif type(event) is ExtentRevised:
        state.extent = event.extent
    elif type(event) is BreachReminded:
        state.reminded = True
    elif type(event) is BreachOverdue:
        state.reminded = state.overdue = True
    else:
        state.closed_ms = context.now_ms
    return state


# --- projections ----------------------------------------------------------------------------------------------------
def warns(event: Event) -> str:
    """What the clock says is for people to hear."""
    return {BreachReminded: "breach.reminder", BreachOverdue: "breach.overdue"}.get(type(event), "")


def view(state: Breach | None, query: ViewBreach, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `breach.unknown`."""
    if state is None:
        raise Refused("breach.unknown", "There is no such breach.")
    return _view(query.breach_id, state, version)


def _view(breach_id: str, breach: Breach, version: int) -> BreachView:
    return BreachView(
        breach_id, version, status_of(breach), deadline_ms(breach.law, breach.discovered_ms), duties_of(breach), breach
    )


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Breach).decode


def rows(state: Breach, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The breach's one row."""
    return [
        BreachRow(
            context.entity_id, version, status_of(state), state.law, state.risk, state.extent.persons, state.discovered_ms,
            deadline_ms(state.law, state.discovered_ms), due_ms(state), _encode(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Breach, int] | None:
    """The state and version from the stored row."""
    found = stored.get("breaches")
    return (_decode(found[0].state), found[0].version) if found else None


BREACH = Kind(
    name="breach", commands=Command, events=Event, queries=ViewBreach, decide=decide, evolve=evolve, view=view,
    tables=(BreachRow,), restore=restore, rows=rows, due=due_ms, wake=WatchClock, warns=warns, secret=True,
)  # fmt: skip
