"""A data key: what the personal data of one customer is sealed under (AES-256), itself wrapped by the region's key. Who
destroys it has erased all that it sealed, wherever a copy of that lies: journal, history, read models, logs, backups.

    (unknown) ──KeepKey──▶ in use ──DestroyKey──▶ destroyed, for good
                            │  ▲
                    Restrict└──┘RewrapKey (the region's key was rotated)

Each key has an id of its own, made when it is made, so that a customer nobody remembers gets one without asking the
store: orders go on while PostgreSQL is away. So a customer may have several; `person`, a keyed digest, finds them all.

One that was made while the store could not be asked is `unasked`: the person may be restricted by keys that nobody
could see. So it is born restricted, by nobody's request, until SettleKey puts the requests of the person's other keys
in the place of that. Whoever lifts a restriction tells it of all of the person's keys: one that is unasked counts that
as a change, whether it was restricted by it or not, and what was looked up of the others before it is void.

Restricted (GDPR Art. 18): what it seals is told to nobody but the customer and the privacy officer, as long as one of
the person's requests wants that: each lifts what it has put there itself, and no other's. That a key is destroyed or
restricted reaches every replica by the list of revocations, within two seconds: they keep opened keys in memory.

The wrapped key is in the events, or it could not be durable before it is used; the history keeps none of it
(`Kind.unwritten`), and the journal forgets it with its tail. What is left of a destroyed key on disks that nobody wrote
over is worth nothing once the region's key has been rotated, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from actors.domain import ids
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.personal_notes import KEY_OF
from actors.domain.revocations import Revoke
from actors.domain.rows import DataKeyRow

# Longer than any replica keeps an opened key without asking again.
TOLD_MS = 15 * 60_000
# That restrict one key at the same time.
REQUESTS_MAX = 100
_PREFIX = "key:"
# Stands among the requests of a key of whose person nobody could ask whether she is restricted.
UNASKED = "unasked"

Status = Literal["in_use", "destroyed"]


def changed_key(session_id: str) -> str:
    """The id of the key that an entry of the revocations is about; "" when it is about a session."""
    return session_id[len(_PREFIX) :].partition("#")[0] if session_id.startswith(_PREFIX) else ""


# --- commands -------------------------------------------------------------------------------------------------------
class KeepKey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new key. `person`: keyed digest of whose it is, as hex; `wrapped`: the key as wrapped by the
    region's key of id `wrapping`; `unasked`: made without knowing the person's other keys."""

    person: Annotated[str, KEY_OF]
    wrapped: bytes
    wrapping: str
    unasked: bool = False


class RewrapKey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The same key, wrapped anew. `instead_of`: the wrapping that it had when it was read."""

    wrapped: bytes
    wrapping: str
    instead_of: str


class Restrict(msgspec.Struct, frozen=True, tag=True, gc=False):
    """From now on what it seals is withheld, or is not any more unless another request wants it. `request_id`: the
    request that does, "" where that was not told yet; `named`: lift just what it has put there itself, not what stands
    there without a name."""

    restricted: bool
    request_id: str = ""
    named: bool = False


class SettleKey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The person's other keys are known now. `requests`: those that restrict them, and from now on this one too.
    `changes`: of this key, as they were before the others were asked; if there are more by now it stays unasked (None:
    not told yet). Changes nothing of a key that is settled."""

    requests: list[str]
    changes: int | None = None


class DestroyKey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Erases what it seals. To destroy it twice changes nothing."""


Command = KeepKey | RewrapKey | Restrict | SettleKey | DestroyKey


# --- events ---------------------------------------------------------------------------------------------------------
class KeyKept(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The key is there."""

    person: Annotated[str, KEY_OF]
    wrapped: bytes
    wrapping: str
    unasked: bool = False


class KeyRewrapped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The key is wrapped by another key of the region."""

    wrapped: bytes
    wrapping: str


class KeyRestricted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What it seals is withheld, or not. `number`: the version, which makes each change of it one of its own.
    `requests`: those that want it withheld from now on, None where that was not told yet."""

    restricted: bool
    number: int
    until_ms: int
    requests: list[str] | None = None


class KeySettled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """`requests` restrict it, all that do. Replicas are not told: they look again after seconds at a key
    that is unasked."""

    requests: list[str]


class KeyDestroyed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The key is no more. `until_ms` (UTC): replicas are told until then."""

    until_ms: int


Event = KeyKept | KeyRewrapped | KeyRestricted | KeySettled | KeyDestroyed


# --- state, query, answers ------------------------------------------------------------------------------------------
class DataKey(msgspec.Struct, gc=False):
    """The state. `wrapped`: b"" once it is destroyed. `requests`: ids of those that restrict it, oldest first; "" among
    them stands for what was restricted when that was not kept yet, UNASKED for what might be."""

    person: Annotated[str, KEY_OF]
    wrapped: bytes
    wrapping: str
    requests: list[str] = []
    changes: int = 0

    @property
    def restricted(self) -> bool:
        """Is what it seals withheld?"""
        return bool(self.requests)


class ViewKey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for the key itself; inside the cell only."""


class WrappedKey(msgspec.Struct, frozen=True, gc=False):
    """The answer: never leaves the cell. `requests`, `changes`: as in the state."""

    person: Annotated[str, KEY_OF]
    status: Status
    wrapped: bytes
    wrapping: str
    restricted: bool
    requests: list[str] = []
    changes: int = 0


class DataKeyView(msgspec.Struct, frozen=True, gc=False):
    """The answer to commands: nothing of the key, since answers are remembered. `unasked`: nobody has settled it."""

    key_id: str
    status: Status
    restricted: bool
    unasked: bool = False


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: DataKey | None, command: Command, context: Context) -> Decision:
    """Raises Refused `data_key.exists`, `data_key.unknown`, `data_key.destroyed`, `data_key.too_many_requests`."""
    if type(command) is KeepKey:
        if state is not None:
            raise Refused("data_key.exists", "There is such a key already.")
        return _told(context, KeyKept(command.person, command.wrapped, command.wrapping, command.unasked))
    if state is None:
        raise Refused("data_key.unknown", "There is no such key.")
    if type(command) is DestroyKey:
        return _told(context, *([KeyDestroyed(context.now_ms + TOLD_MS)] if state.wrapped else []))
    if not state.wrapped:
        raise Refused("data_key.destroyed", "This key was destroyed.")
    if type(command) is Restrict:
        requests = _restricting(state, command)
        # Of an unasked key it counts that something was lifted: what is to be taken over may have been that.
        if requests == state.requests and (command.restricted or UNASKED not in requests):
            return _told(context)
        return _told(context, KeyRestricted(bool(requests), state.changes + 1, context.now_ms + TOLD_MS, requests))
    if type(command) is SettleKey:
        known = command.changes is None or command.changes == state.changes
        return _told(context, *([KeySettled(_settled(state, command))] if known and UNASKED in state.requests else []))
    assert type(command) is RewrapKey
    if command.instead_of != state.wrapping:
        return _told(context)  # somebody else has done it meanwhile
    return _told(context, KeyRewrapped(command.wrapped, command.wrapping))


def _restricting(state: DataKey, command: Restrict) -> list[str]:
    """The requests that restrict it after the command."""
    if command.restricted:
        if command.request_id in state.requests:
            return state.requests
        if len(state.requests) >= REQUESTS_MAX:
            detail = f"{REQUESTS_MAX} requests restrict it already: lift what is over."
            raise Refused("data_key.too_many_requests", detail, limit=REQUESTS_MAX)
        return [*state.requests, command.request_id]
    # Whose it was is not known of one that was restricted before that was kept: it is of a request that
    # has restricted nothing since.
    lifted = command.request_id if command.request_id in state.requests or command.named else ""
    return [one for one in state.requests if one != lifted]


def _settled(state: DataKey, command: SettleKey) -> list[str]:
    """The requests that restrict it once nobody has to be asked any more."""
    return [one for one in dict.fromkeys([*state.requests, *command.requests]) if one != UNASKED]


def _status(state: DataKey) -> Status:
    return "in_use" if state.wrapped else "destroyed"


def _told(context: Context, *events: Event) -> Decision:
    return Decision(
        list(events),
        lambda state, version: DataKeyView(
            context.entity_id, _status(state), state.restricted, UNASKED in state.requests
        ),
    )


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: DataKey | None, event: Event, context: Context) -> DataKey:
    """The next state; takes over `state`."""
    if type(event) is KeyKept:
        return DataKey(event.person, event.wrapped, event.wrapping, [UNASKED] if event.unasked else [])
    assert state is not None
    if type(event) is KeyRewrapped:
        state.wrapped, state.wrapping = event.wrapped, event.wrapping
    elif type(event) is KeyRestricted:
        before = [""] if event.restricted else []
        state.requests, state.changes = before if event.requests is None else event.requests, event.number
    elif type(event) is KeySettled:
        state.requests = event.requests
    else:
        state.wrapped = b""
    return state


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(key_id: str, event: Event) -> Iterable[Message]:
    """Every replica has to forget what it keeps of the key."""
    if isinstance(event, KeyRestricted | KeyDestroyed):
        number = event.number if isinstance(event, KeyRestricted) else 0
        revocations_id = ids.revocations_id(ids.region_of(key_id))
        yield Message("revocations", revocations_id, Revoke(f"{_PREFIX}{key_id}#{number}", event.until_ms))


def view(state: DataKey | None, query: ViewKey, version: int) -> WrappedKey:
    """The key, wrapped."""
    if state is None:
        raise Refused("data_key.unknown", "There is no such key.")
    return WrappedKey(
        state.person, _status(state), state.wrapped, state.wrapping, state.restricted, state.requests, state.changes
    )


def rows(state: DataKey, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The key's one row."""
    return [
        DataKeyRow(
            context.entity_id, version, state.person, _status(state), state.wrapping, int(state.restricted), state.changes,
            state.wrapped, ",".join(state.requests),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[DataKey, int] | None:
    """The state and version from the key's stored row."""
    found = stored.get("data_keys")
    if not found:
        return None
    row = found[0]
    # A row of before has none: then it is "", of which nobody knows whose it is.
    requests = row.requests.split(",") if row.restricted else []
    return DataKey(row.person, row.wrapped, row.wrapping, requests, row.changes), row.version


DATA_KEY = Kind(
    name="data_key", commands=Command, events=Event, queries=ViewKey, decide=decide, evolve=evolve, view=view,
    tables=(DataKeyRow,), restore=restore, rows=rows, messages=messages, secret=True, unwritten=True,
)  # fmt: skip
