"""A guest: who follows one order without an account. Its id is the order's. The guest proves by a one-time code, which
was sent to the address that the order was placed with, that the order is theirs.

    (nobody yet) ──KeepCode──▶ waits for the code ──TryCode, right──▶ has seen the order; KeepCode again for the next time
                                       └──TryCode, wrong──▶ counted; the code is worth nothing after five

Whether order, address and code belong together is checked before (`serve/identity/guests.py`); what comes here is a
keyed digest. A wrong code is no refusal: a refusal changes nothing, and tries are counted. The rules of the code
are in `one_time_code.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain import one_time_code
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.one_time_code import Codes
from actors.domain.rows import GuestRow


# --- commands -------------------------------------------------------------------------------------------------------
class KeepCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This code is about to be sent. `digest`: keyed."""

    digest: bytes


class TryCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody gave a code of this digest."""

    digest: bytes


Command = KeepCode | TryCode


# --- events and state -----------------------------------------------------------------------------------------------
class CodeKept(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A code waits."""

    codes: Codes


class CodeMissed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A wrong code was given."""


class CodeUsed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The right code was given."""


Event = CodeKept | CodeMissed | CodeUsed


class Guest(msgspec.Struct, array_like=True):
    """The state."""

    codes: Codes


class CodeOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to both: was the code kept, or right? known: was a code ever asked for? Where none was, nothing is
    kept of the try, no line of the audit either."""

    ok: bool
    known: bool = True


class ViewGuest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is nothing to be read."""


# --- the rules ------------------------------------------------------------------------------------------------------
def decide(state: Guest | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Refuses nothing."""
    codes = state.codes if state is not None else one_time_code.NONE
    if type(command) is KeepCode:
        kept = one_time_code.asked(codes, command.digest, context.now_ms)
        return _outcome(kept is not None, *([CodeKept(kept)] if kept is not None else []))
    if one_time_code.fits(codes, command.digest, context.now_ms):
        return _outcome(True, CodeUsed())
    missed = [CodeMissed()] if one_time_code.waits(codes, context.now_ms) else []
    return _outcome(False, *missed, known=state is not None)


def _outcome(ok: bool, *events: Event, known: bool = True) -> Decision:
    reply = CodeOutcome(ok, known)
    return Decision(list(events), lambda state, version: reply)


def evolve(state: Guest | None, event: Event, context: Context) -> Guest:
    """The next state; takes over `state`."""
    if type(event) is CodeKept:
        return Guest(event.codes)
    assert state is not None
    state.codes = one_time_code.used(state.codes) if type(event) is CodeUsed else one_time_code.missed(state.codes)
    return state


def view(state: Guest | None, query: ViewGuest, version: int) -> msgspec.Struct:
    """A guest tells nothing."""
    raise Refused("guest.unreadable", "A guest can't be read.")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Guest).decode


def rows(state: Guest, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The guest's one row."""
    return [GuestRow(context.entity_id, version, _encode(state))]


def restore(entity_id: str, stored: StoredRows) -> tuple[Guest, int] | None:
    """The state and version from the stored row."""
    found = stored.get("guests")
    return (_decode(found[0].state), found[0].version) if found else None


GUEST = Kind(
    name="guest", commands=Command, events=Event, queries=ViewGuest, decide=decide, evolve=evolve, view=view,
    tables=(GuestRow,), restore=restore, rows=rows, secret=True,
)  # fmt: skip
