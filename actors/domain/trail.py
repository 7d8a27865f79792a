"""A trail: what the audit keeps of that which is no command to an entity: reads of personal data, and
refusals at the API's door.

A replica hands over what it saw, some lines at a time; they are durable like any command's turn, and chained like it.
It has no state and no row: its turns are the audit's lines.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.audit import Audited
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind

NOTES_MAX = 500


class Note(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These things were done, or refused."""

    lines: Annotated[list[Audited], Meta(min_length=1, max_length=NOTES_MAX)]


class Noted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """So many lines went into the audit with this turn."""

    lines: int


class NotedReply(msgspec.Struct, frozen=True, gc=False):
    """How many were noted."""

    lines: int


def decide(state: Noted | None, command: Note, context: Context) -> Decision:
    """Always yes."""
    noted = Noted(len(command.lines))
    reply = NotedReply(noted.lines)
    return Decision([noted], lambda state, version: reply)


def evolve(state: Noted | None, event: Noted, context: Context) -> Noted:
    """The last notes."""
    return event


def view(state: Noted | None, query: Note, version: int) -> msgspec.Struct:
    """The audit is read from the store."""
    raise Refused("trail.unreadable", "A trail can't be read; look at the audit.")


TRAIL = Kind(
    name="trail", commands=Note, events=Noted, queries=Note, decide=decide, evolve=evolve, view=view,
    noted=lambda command: command.lines, secret=True,
)  # fmt: skip
