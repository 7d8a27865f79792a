"""The cell's revoked sessions: those that ended before their tokens did. One entity per cell, always in memory; every
Serve replica holds a copy of its rows and refuses the tokens of these sessions.

    (good) ──Revoke──▶ revoked ──until_ms──▶ (forgotten: the tokens are over by themselves)

A session that goes on has an entry of another name: `unproved`, when its second factor is doubted; `replaced`, when its
tokens before one of them don't count any more. They are kept and forgotten alike.

Forgetting needs no event: whenever the list changes, it drops what is over at the time of the change. A replay has that
time too (it is the turn's), so it drops the same. Rows in the store stay for a day more
(`actors/runtime/retention.py`), but the newest always: it tells the list's version. A list that is restored from them
drops them at its next change.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Annotated

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.personal_notes import REVOKED
from actors.domain.rows import RevocationRow

REVOCATIONS_MAX = 100_000
# What stands on the list in place of a session whose proofs are doubted: it goes on, but must be proved anew.
_UNPROVED = "unproved"
# And of one whose tokens were replaced: it goes on under those that were given instead.
_REPLACED = "replaced"


def unproved(session_id: str, until_s: int) -> str:
    """The entry by which no second factor that was given in the session before `until_s` (UTC seconds), or
    at it, counts any more."""
    return f"{_UNPROVED}:{until_s}:{session_id}"


def doubted(entry: str) -> tuple[str, int] | None:
    """(session id, until which second its proofs don't count); None for an entry that ends a session."""
    return _marked(_UNPROVED, entry)


def replaced(session_id: str, first_good: int) -> str:
    """The entry by which no token of the session counts any more that has a lower number than `first_good`. By numbers
    and not by times, so that it never meets the token that was given instead, however close the two are and whichever a
    replica hears of first."""
    return f"{_REPLACED}:{first_good}:{session_id}"


def first_good(entry: str) -> tuple[str, int] | None:
    """(session id, number of the first token that counts); None for another entry."""
    return _marked(_REPLACED, entry)


def _marked(mark: str, entry: str) -> tuple[str, int] | None:
    head, _, rest = entry.partition(":")
    number, _, session_id = rest.partition(":")
    return (session_id, int(number)) if head == mark and number.isdecimal() else None


class Revoke(msgspec.Struct, frozen=True, tag=True, gc=False):
    """No token of the session is good any more. `until_ms` (UTC ms): from then on none would be anyway."""

    session_id: Annotated[str, REVOKED]
    until_ms: int


class SessionRevoked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The session is revoked until `until_ms` (UTC ms)."""

    session_id: Annotated[str, REVOKED]
    until_ms: int


class IsRevoked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Is this session revoked? For who can't wait for a replica to hear of it."""

    session_id: Annotated[str, REVOKED]


class Revocations(msgspec.Struct):
    """Until when each session is revoked (UTC ms), and the same as a heap, soonest first. The heap may hold older times
    of a session that was revoked for longer later."""

    until_ms: dict[str, int]
    soonest: list[tuple[int, str]]


class Revoked(msgspec.Struct, frozen=True, gc=False):
    """The answer to both: `until_ms` (UTC ms) is 0 for a session that is not revoked."""

    session_id: Annotated[str, REVOKED]
    until_ms: int


def decide(state: Revocations | None, command: Revoke, context: Context) -> Decision:
    """Only what revokes for longer than is known becomes an event. Raises Refused `revocations.full`."""
    known = state.until_ms if state is not None else {}
    until_ms = max(command.until_ms, known.get(command.session_id, 0))
    reply = Revoked(command.session_id, until_ms)
    if command.until_ms <= context.now_ms or known.get(command.session_id) == until_ms:
        return Decision([], lambda state, version: reply)
    # Counted only when there may be too many: what is over is still there until the next change.
    full = command.session_id not in known and len(known) >= REVOCATIONS_MAX
    if full and sum(over_ms > context.now_ms for over_ms in known.values()) >= REVOCATIONS_MAX:
        detail = f"A cell remembers at most {REVOCATIONS_MAX} revoked sessions."
        raise Refused("revocations.full", detail, limit=REVOCATIONS_MAX)
    return Decision([SessionRevoked(command.session_id, until_ms)], lambda state, version: reply)


def evolve(state: Revocations | None, event: SessionRevoked, context: Context) -> Revocations:
    """The next state; takes over `state`."""
    revoked = state if state is not None else Revocations({}, [])
    revoked.until_ms[event.session_id] = event.until_ms
    heapq.heappush(revoked.soonest, (event.until_ms, event.session_id))
    while revoked.soonest and revoked.soonest[0][0] <= context.now_ms:
        until_ms, session_id = heapq.heappop(revoked.soonest)
        if revoked.until_ms.get(session_id) == until_ms:
            del revoked.until_ms[session_id]
    return revoked


def view(state: Revocations | None, query: IsRevoked, version: int) -> msgspec.Struct:
    """Until when the session is revoked. A session of the past may still be told: compare with the clock."""
    known = state.until_ms if state is not None else {}
    return Revoked(query.session_id, known.get(query.session_id, 0))


def rows(state: Revocations, version: int, events: Sequence[SessionRevoked], context: Context) -> list[Row]:
    """One row for each session that the events name."""
    revoked = {event.session_id: event.until_ms for event in events}
    return [RevocationRow(context.entity_id, session_id, until, version) for session_id, until in revoked.items()]


def feed(revocations_id: str, state: Revocations, version: int) -> list[Row]:
    """All sessions."""
    return [RevocationRow(revocations_id, session_id, until, version) for session_id, until in state.until_ms.items()]


def restore(entity_id: str, stored: StoredRows) -> tuple[Revocations, int] | None:
    """The state and version from its stored rows: the newest carries the list's version."""
    found = stored.get("revocations")
    if not found:
        return None
    soonest = [(row.until_ms, row.session_id) for row in found]
    heapq.heapify(soonest)
    return Revocations({row.session_id: row.until_ms for row in found}, soonest), max(row.version for row in found)


REVOCATIONS = Kind(
    name="revocations",
    commands=Revoke,
    events=SessionRevoked,
    queries=IsRevoked,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(RevocationRow,),
    restore=restore,
    rows=rows,
    feed=feed,
    resident=True,
)
