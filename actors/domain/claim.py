"""A claim: the memory of a request of many parts (`POST /v1/order-updates`).

Its parts go to many entities, each with a command id made from the request's key. The claim is taken first, with the
digest of the whole body: a second request with the same key and another body is refused as a whole by the runtime's
memory of command ids. It has no state and no row: once its turn is in the history it may be forgotten.
"""

from __future__ import annotations

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind


class Take(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Claims the key. `names`: what the parts are for, where the request itself does not say it."""

    parts: int
    names: list[str] = []


class Taken(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The key is claimed for a request of `parts` parts."""

    parts: int


class TakenReply(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Says that it is done, and what the parts are for: a repeated request is for the same,
    whatever it would find now."""

    parts: int
    names: list[str] = []


def decide(state: Taken | None, command: Take, context: Context) -> Decision:
    """Always yes: what matters is that the runtime remembers the command id with its digest."""
    reply = TakenReply(command.parts, command.names)
    return Decision([Taken(command.parts)], lambda state, version: reply)


def evolve(state: Taken | None, event: Taken, context: Context) -> Taken:
    """The last claim."""
    return event


def view(state: Taken | None, query: Take, version: int) -> msgspec.Struct:
    """A claim tells nothing."""
    raise Refused("claim.unreadable", "A claim can't be read.")


CLAIM = Kind(
    name="claim", commands=Take, events=Taken, queries=Take, decide=decide, evolve=evolve, view=view,
)  # fmt: skip
