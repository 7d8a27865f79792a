"""A noun that is as small as possible: a number that can be added to, refused, broken, and that
talks to others of its kind."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Answer, Context, Decision, Kind, Message


class Add(msgspec.Struct, frozen=True, tag=True):
    number: int


class Tell(msgspec.Struct, frozen=True, tag=True):
    """Adds `number` at another counter; `ask`: and here too, when that is done."""

    to: str
    number: int
    ask: bool = False


class Told(msgspec.Struct, frozen=True, tag=True):
    refused: bool


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Answered provisionally; `Finish` gives the final answer."""


class Finish(msgspec.Struct, frozen=True, tag=True):
    command_id: str


class WakeAt(msgspec.Struct, frozen=True, tag=True):
    due_ms: int


class Wake(msgspec.Struct, frozen=True, tag=True):
    pass


class CrashInDecide(msgspec.Struct, frozen=True, tag=True):
    pass


class CrashInEvolve(msgspec.Struct, frozen=True, tag=True):
    pass


class CrashInReply(msgspec.Struct, frozen=True, tag=True):
    happens: bool = True


Command = Add | Tell | Told | Begin | Finish | WakeAt | Wake | CrashInDecide | CrashInEvolve | CrashInReply


class Added(msgspec.Struct, frozen=True, tag=True):
    number: int


class Telling(msgspec.Struct, frozen=True, tag=True):
    to: str
    number: int
    ask: bool


class DueSet(msgspec.Struct, frozen=True, tag=True):
    due_ms: int | None


class Broken(msgspec.Struct, frozen=True, tag=True):
    pass


# Who is to be woken then can't be.
FATAL_MS = 7


class Counter(msgspec.Struct):
    total: int = 0
    due_ms: int | None = None


class Total(msgspec.Struct, frozen=True, tag=True):
    """Query, and what is told."""

    total: int = 0
    version: int = 0


class CounterRow(msgspec.Struct, array_like=True):
    table: ClassVar[str] = "counters"
    key: ClassVar[tuple[str, ...]] = ("counter_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    counter_id: str
    version: int
    total: int
    due_ms: int | None


def _told(state: Counter | None, version: int) -> Total:
    return Total(state.total if state is not None else 0, version)


def _crash(state: Counter | None, version: int) -> Total:
    raise ZeroDivisionError


def decide(state: Counter | None, command: Command, context: Context) -> Decision:
    match command:
        case CrashInDecide():
            raise ZeroDivisionError
        case CrashInEvolve():
            return Decision([Broken()], _told)
        case CrashInReply(happens):
            return Decision([Added(1)] if happens else [], _crash)
        case Add(number) if number < 0:
            raise Refused("counter.negative", "Only upwards.", number=number)
        case Add(number):
            return Decision([Added(number)] if number else [], _told)
        case Tell(to, number, ask):
            return Decision([Telling(to, number, ask)], _told)
        case Told(refused):
            return Decision([] if refused else [Added(1)], _told)
        case Begin():
            return Decision([Added(0)], _told, provisional=True)
        case Finish(command_id):
            return Decision([Added(100)], _told, answers=[Answer(command_id, _told)])
        case WakeAt(due_ms):
            return Decision([DueSet(due_ms)], _told)
    if state is not None and state.due_ms == FATAL_MS:
        return Decision([Broken()], _told)
    return Decision([Added(1000), DueSet(None)], _told)


def evolve(state: Counter | None, event, context: Context) -> Counter:
    state = state if state is not None else Counter()
    match event:
        case Added(number):
            state.total += number
        case DueSet(due_ms):
            state.due_ms = due_ms
        case Broken():
            raise AssertionError("an event that can't be applied")
    return state


def view(state: Counter | None, query: Total, version: int) -> Total:
    if state is None:
        raise Refused("counter.unknown", "There is no such counter.")
    return _told(state, version)


def messages(entity_id: str, event):
    if type(event) is Telling:
        yield Message("counter", event.to, Add(event.number), on_reply=event.ask)


COUNTER = Kind(
    name="counter",
    commands=Command,
    events=Added | Telling | DueSet | Broken,
    queries=Total,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(CounterRow,),
    restore=lambda entity_id, stored: (
        (Counter(row.total, row.due_ms), row.version) if (row := next(iter(stored.get("counters", ())), None)) else None
    ),
    rows=lambda state, version, events, context: [CounterRow(context.entity_id, version, state.total, state.due_ms)],
    messages=messages,
    on_reply=lambda message, reply, refused: Told(refused),
    due=lambda state: state.due_ms,
    wake=Wake,
)
