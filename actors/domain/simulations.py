"""The cell's what-ifs: one is under way at most, and the last of them are kept with what came of
them. One entity per cell.

    BeginSimulation ─▶ running ──FinishSimulation──▶ done
                        │  ReportProgress: its runner lives; the lease goes on
                        ├──FailSimulation───────────▶ failed      with a code
                        ├──CancelSimulation─────────▶ cancelled   the runner is told so at its next report, and stops
                        └──(lease is over)──────────▶ failed      `simulation.interrupted`: its replica is gone; EndLease, by the entity's timer

Who began one runs it (`serve/sourcing/running.py`), and nobody else may report for it. A what-if that is lost is not
taken up again: what it read was a moment's, and asking anew is one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.personal_notes import APPROVER
from actors.domain.rows_of_simulations import SimulationRow
from actors.domain.sourcing_policy import Policy, check
from actors.domain.times import MINUTE_MS
from actors.domain.what_if_report import Report

KEPT_MAX = 50
LEASE_MS = MINUTE_MS
# Whatever it reports: no longer.
LONGEST_MS = 15 * MINUTE_MS
Status = Literal["running", "done", "failed", "cancelled"]


class Question(msgspec.Struct, frozen=True, gc=False):
    """What if `policy` had held for the orders of this channel ("": of all) that were placed in this time (UTC ms, the
    end not in it)? orders_max: so many are played at most."""

    policy: Policy
    channel: str
    from_ms: int
    until_ms: int
    orders_max: int


class Scope(msgspec.Struct, frozen=True, gc=False):
    """Which orders were looked at. in_period: so many were placed; of more than 1,000,000 the rest is not counted.
    sampled: so many of them were chosen. left_out: of these, why some could not be played."""

    in_period: int = 0
    sampled: int = 0
    left_out: dict[str, int] = {}


class BeginSimulation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody wants to know. runner: who will find out."""

    simulation_id: str
    question: Question
    runner: str
    asked_by: Annotated[str, APPROVER]


class ReportProgress(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The runner lives; so many orders of so many are played."""

    simulation_id: str
    runner: str
    done: int
    total: int


class FinishSimulation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This came of it."""

    simulation_id: str
    runner: str
    scope: Scope
    report: Report


class FailSimulation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It can't be done."""

    simulation_id: str
    runner: str
    code: str


class CancelSimulation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody wants to know any more."""

    simulation_id: str


class EndLease(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer: has the runner been heard of?"""


Command = BeginSimulation | ReportProgress | FinishSimulation | FailSimulation | CancelSimulation | EndLease


class SimulationBegun(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is under way; `forgotten`: of so many the oldest is not kept any more, "" for none."""

    simulation_id: str
    question: Question
    runner: str
    asked_by: Annotated[str, APPROVER]
    forgotten: str = ""


class SimulationAdvanced(msgspec.Struct, frozen=True, tag=True, gc=False):
    """So far it is."""

    simulation_id: str
    done: int
    total: int


class SimulationFinished(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What came of it."""

    simulation_id: str
    scope: Scope
    report: Report


class SimulationEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing came of it. code: of a failure, "" when it was cancelled."""

    simulation_id: str
    code: str


Event = SimulationBegun | SimulationAdvanced | SimulationFinished | SimulationEnded


class Simulation(msgspec.Struct):
    """One of them. until_ms: when its lease is over."""

    question: Question
    runner: str
    asked_by: Annotated[str, APPROVER]
    began_ms: int
    status: Status = "running"
    until_ms: int = 0
    done: int = 0
    total: int = 0
    ended_ms: int | None = None
    code: str = ""
    scope: Scope | None = None
    report: Report | None = None


class Simulations(msgspec.Struct):
    """all: oldest first."""

    all: dict[str, Simulation] = {}


class ViewSimulation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What came of it?"""

    simulation_id: str


class ViewSimulations(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Which are kept?"""


class SimulationView(msgspec.Struct, frozen=True, gc=False):
    """The answer. runner stays inside of the cell."""

    simulation_id: str
    status: Status
    question: Question
    runner: str
    asked_by: Annotated[str, APPROVER]
    began_ms: int
    ended_ms: int | None
    done: int
    total: int
    code: str
    scope: Scope | None
    report: Report | None


class SimulationsView(msgspec.Struct, frozen=True, gc=False):
    """Newest first, without their reports."""

    simulations: list[SimulationView]


def decide(state: Simulations | None, command: Command, context: Context) -> Decision:
    """Raises Refused `simulation.busy`, `simulation.exists`, `simulation.unknown`, `simulation.over`,
    `simulation.not_yours`, and what a policy is refused with."""
    known = state if state is not None else Simulations()
    if isinstance(command, BeginSimulation):
        return _begin(known, command, context)
    if isinstance(command, EndLease):
        lost = [
            SimulationEnded(name, "simulation.interrupted")
            for name in _running(known)
            if _is_lost(known.all[name], context)
        ]
        return _told(context, lost[0].simulation_id if lost else "", *lost)
    found = known.all.get(command.simulation_id)
    if found is None:
        raise Refused("simulation.unknown", "There is no such simulation, or it is not kept any more.")
    if isinstance(command, CancelSimulation):
        if found.status == "cancelled":
            return _told(context, command.simulation_id)
        _check_running(found, context)
        return _told(context, command.simulation_id, SimulationEnded(command.simulation_id, ""))
    if command.runner != found.runner:
        raise Refused("simulation.not_yours", "Somebody else runs it.")
    _check_running(found, context)
    if isinstance(command, ReportProgress):
        event: Event = SimulationAdvanced(command.simulation_id, command.done, command.total)
    elif isinstance(command, FinishSimulation):
        event = SimulationFinished(command.simulation_id, command.scope, command.report)
    else:
        event = SimulationEnded(command.simulation_id, command.code)
    return _told(context, command.simulation_id, event)


def _begin(known: Simulations, command: BeginSimulation, context: Context) -> Decision:
    check(command.question.policy)
    if command.simulation_id in known.all:
        raise Refused("simulation.exists", "There is such a simulation already.", simulation_id=command.simulation_id)
    ended: list[Event] = []
    for name in _running(known):
        if not _is_lost(known.all[name], context):
            raise Refused("simulation.busy", "Another simulation is under way: one at a time.", simulation_id=name)
        # The timer is late.
        ended.append(SimulationEnded(name, "simulation.interrupted"))
    forgotten = next(iter(known.all)) if len(known.all) >= KEPT_MAX else ""
    begun = SimulationBegun(command.simulation_id, command.question, command.runner, command.asked_by, forgotten)
    return _told(context, command.simulation_id, *ended, begun)


def _running(known: Simulations) -> list[str]:
    return [name for name, one in known.all.items() if one.status == "running"]


def _is_lost(one: Simulation, context: Context) -> bool:
    return context.now_ms >= one.until_ms


def _check_running(one: Simulation, context: Context) -> None:
    if one.status != "running" or _is_lost(one, context):
        raise Refused("simulation.over", "It is not under way any more.", status=one.status)


def _told(context: Context, simulation_id: str, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: _view_of(simulation_id, state))


def _view_of(simulation_id: str, state: Simulations | None, *, whole: bool = False) -> SimulationView | SimulationsView:
    one = state.all.get(simulation_id) if state is not None else None
    return SimulationsView([]) if one is None else _shown(simulation_id, one, whole=whole)


def evolve(state: Simulations | None, event: Event, context: Context) -> Simulations:
    """The next state; takes over `state`."""
    known = state if state is not None else Simulations()
    if type(event) is SimulationBegun:
        known.all.pop(event.forgotten, None)
        until_ms = context.now_ms + LEASE_MS
        known.all[event.simulation_id] = Simulation(
            event.question, event.runner, event.asked_by, context.now_ms, until_ms=until_ms
        )
        return known
    one = known.all[event.simulation_id]
    if type(event) is SimulationAdvanced:
        one.done, one.total = event.done, event.total
        one.until_ms = min(context.now_ms + LEASE_MS, one.began_ms + LONGEST_MS)
        return known
    one.ended_ms = context.now_ms
    if type(event) is SimulationFinished:
        one.status, one.scope, one.report = "done", event.scope, event.report
    elif type(event) is SimulationEnded:
        one.status, one.code = ("failed" if event.code else "cancelled"), event.code
    return known


def view(
    state: Simulations | None, query: ViewSimulation | ViewSimulations, version: int
) -> SimulationView | SimulationsView:
    """Raises Refused `simulation.unknown`."""
    known = state.all if state is not None else {}
    if type(query) is ViewSimulations:
        return SimulationsView([_shown(name, one, whole=False) for name, one in reversed(known.items())])
    assert type(query) is ViewSimulation
    one = known.get(query.simulation_id)
    if one is None:
        raise Refused("simulation.unknown", "There is no such simulation, or it is not kept any more.")
    return _shown(query.simulation_id, one, whole=True)


def _shown(simulation_id: str, one: Simulation, *, whole: bool) -> SimulationView:
    return SimulationView(
        simulation_id, one.status, one.question, one.runner, one.asked_by, one.began_ms, one.ended_ms, one.done, one.total, one.code,
        one.scope, one.report if whole else None,
    )  # fmt: skip


# --- rows -----------------------------------------------------------------------------------------------------------
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Simulation).decode


def rows(state: Simulations, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """One for each that changed. `version`: the entity's, so the highest is what it has."""
    out: list[Row] = [
        SimulationRow(context.entity_id, event.forgotten, 0, b"", gone=True)
        for event in events
        if type(event) is SimulationBegun and event.forgotten
    ]
    touched = dict.fromkeys(event.simulation_id for event in events)
    return out + [
        SimulationRow(context.entity_id, name, version, _encode(state.all[name]))
        for name in touched
        if name in state.all
    ]


def restore(entity_id: str, stored: StoredRows) -> tuple[Simulations, int] | None:
    """The state from its stored rows."""
    found: Sequence[SimulationRow] = stored.get("simulations", ())
    if not found:
        return None
    ordered = sorted(
        ((row.simulation_id, _decode(row.state)) for row in found), key=lambda one: (one[1].began_ms, one[0])
    )
    return Simulations(dict(ordered)), max(row.version for row in found)


def _due(state: Simulations) -> int | None:
    return min((one.until_ms for one in state.all.values() if one.status == "running"), default=None)


SIMULATIONS = Kind(
    name="simulations",
    commands=Command,
    events=Event,
    queries=ViewSimulation | ViewSimulations,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(SimulationRow,),
    restore=restore,
    rows=rows,
    due=_due,
    wake=EndLease,
    secret=True,
    resident=True,
)
