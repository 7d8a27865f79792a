"""What the runtime needs to know of a noun.

    command ──decide(state, command, context)──▶ Decision(events, reply) ──evolve(state, event, …)──▶ state
                                                     │
                                                     ├─ messages(event)      to other entities, sent after durability
                                                     ├─ rows(state, events)  of the read model, written behind
                                                     └─ due(state)           when the entity wants to be woken

`decide` never changes its state. `evolve` takes over the state that it is given and returns the next one (it may be the
same object): the caller must not use the old one again. That keeps a location with thousands of SKUs cheap to change
and is still a pure function of its arguments in every way that a replay can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from actors.domain.audit import Act, Audited

# A row of the read model. Its struct type names the table; see `actors/domain/rows.py`.
Row = msgspec.Struct
# Rows as they were stored, by table name: what an entity is built from again.
StoredRows = Mapping[str, Sequence[Any]]


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a decision may know besides state and command. `now_ms`: UTC, milliseconds since 1970."""

    entity_id: str
    command_id: str
    now_ms: int


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The final answer to an earlier command of this entity whose own reply was only provisional."""

    command_id: str
    reply: Callable[[Any, int], msgspec.Struct]


class Decision(msgspec.Struct, gc=False):
    """The outcome of a command that was not refused.

    events: in order; empty when there is nothing to change.
    reply: called with the state after all events and its version; gives what the caller is told.
    provisional: the final answer follows by an `Answer`; a caller may wait for it.
    answers: final answers that this turn gives to earlier commands.
    """

    events: list[Any]
    reply: Callable[[Any, int], msgspec.Struct]
    provisional: bool = False
    answers: list[Answer] = msgspec.field(default_factory=list)


class Message(msgspec.Struct, frozen=True, gc=False):
    """A command to another entity that is part of an event. `on_reply`: does the sender want the outcome?"""

    kind: str
    entity_id: str
    command: msgspec.Struct
    on_reply: bool = False


def no_messages(entity_id: str, event: Any) -> Iterable[Message]:
    """A noun that tells nobody anything."""
    return ()


def _no_rows(state: Any, version: int, events: Sequence[Any], context: Context) -> list[Row]:
    return []


def _no_feed(entity_id: str, state: Any, version: int) -> Iterable[Row]:
    return ()


def _never(state: Any) -> int | None:
    return None


def _no_command(message: Message, reply: bytes, refused: bool) -> msgspec.Struct | None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """A noun: its types and its pure functions. `commands`, `events` and `queries` are tagged unions of structs."""

    name: str
    commands: Any
    events: Any
    decide: Callable[[Any, Any, Context], Decision]
    evolve: Callable[[Any, Any, Context], Any]
    # (state or None, query) -> what a reader is told; raises Refused when there is no such entity.
    view: Callable[[Any, Any, int], msgspec.Struct]
    queries: Any
    tables: tuple[type[Row], ...] = ()
    # Builds (state, version) from the rows of `tables`, or None when there are none.
    restore: Callable[[str, StoredRows], tuple[Any, int] | None] = lambda entity_id, rows: None
    rows: Callable[[Any, int, Sequence[Any], Context], list[Row]] = _no_rows
    messages: Callable[[str, Any], Iterable[Message]] = no_messages
    # Stands behind the entity's id in the ids of its messages: where another kind has entities of the same ids, their
    # messages must not be taken for each other.
    sends_as: str = ""
    # The command by which an entity learns the outcome of a message that it sent; None when it need not know.
    on_reply: Callable[[Message, bytes, bool], msgspec.Struct | None] = _no_command
    due: Callable[[Any], int | None] = _never
    wake: Callable[[], msgspec.Struct] | None = None
    # Rows of the whole entity for the in-memory indexes of the API (resident kinds only). An entity of very many is
    # told in pieces, and may change between two of them: so an iterator makes each row of what is so when it is asked
    # for it, and goes on whatever has come to the state meanwhile.
    feed: Callable[[str, Any, int], Iterable[Row]] = _no_feed
    # The name of a warning that operators find in the log once the event is durable; "" for none.
    warns: Callable[[Any], str] | None = None
    # What the audit says of a command: (state before, command, events that follow).
    act: Callable[[Any, Any, Sequence[Any]], Act] | None = None
    # Lines of the audit that a command brings with it (the trail's).
    noted: Callable[[Any], list[Audited]] | None = None
    # Its events hold secrets: they are told on no live stream and in no history that callers read.
    secret: bool = False
    # The history keeps that they happened and not what they say: nobody may find in it what was destroyed since.
    unwritten: bool = False
    # How one of its events stands in the history, where that must not keep all of it: what has a shorter life is
    # taken out. None: as it is.
    written: Callable[[Any], Any] | None = None
    # Kept in memory from the activation of its shard on, never passivated (locations, the catalogue).
    resident: bool = False
