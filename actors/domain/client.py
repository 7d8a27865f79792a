"""A machine client: another program that gets tokens by a secret of its own (OAuth 2.0 client
credentials, RFC 6749 section 4.4).

    (unknown) ──RegisterClient──▶ enabled ◀──EnableClient / DisableClient──▶ disabled

    secrets:     [newest, older, …]   RotateClientSecret: the newest becomes an older one, good for a grace yet
    generation:  1, 2, 3, …           all tokens of a generation are one session, `<client id>.<generation>`

An older secret keeps the end that it was promised, whatever comes after it: when the answer with a new one is lost, and
another has to be made, the one before the lost one is the only one that anybody has. A grace of 0 ends them all;
`end_older` all but the one before, when an older one has leaked and that is in use.

Whatever changes the client's rights begins a new generation and revokes the last, so that no token outlives the rights
that it was made with. Only hashes of secrets come here; a secret has 256 bits, so a plain hash is enough.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import ids
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.revocations import Revoke
from actors.domain.rows import ClientRow
from actors.domain.times import DAY_MS

# No token of a client is good for longer.
TOKEN_MAX_MS = 15 * 60_000
GRACE_MAX_MS = 7 * DAY_MS
# The newest, the one before it, and one for an answer that was lost.
SECRETS_MAX = 3
# (SHA-256 of the secret as hex, when it expires in UTC ms; 0 for never)
Secret = tuple[str, int]


# --- commands -------------------------------------------------------------------------------------------------------
class RegisterClient(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new client. `locations`: where it may act, empty for the whole region; `secret_hash`: SHA-256 as hex; `draw`: a
    name by chance for this one drawing of a secret, which the answer repeats."""

    scopes: list[str]
    locations: list[str]
    secret_hash: str
    draw: str = ""


class RotateClientSecret(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new secret. The one before stays good for `grace_ms`, at most GRACE_MAX_MS, and older ones until their own
    ends; with 0 all of them end. Of more than SECRETS_MAX the oldest stays and those between end. `draw`: see
    RegisterClient. `end_older`: those that are older than the one before end at once."""

    secret_hash: str
    grace_ms: int
    draw: str = ""
    end_older: bool = False


class SetClientScopes(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The client may do this from now on, and nothing else."""

    scopes: list[str]
    locations: list[str]


class DisableClient(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The client gets no tokens any more, and those that it has end."""


class EnableClient(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The client gets tokens again."""


Command = RegisterClient | RotateClientSecret | SetClientScopes | DisableClient | EnableClient


# --- events ---------------------------------------------------------------------------------------------------------
class ClientRegistered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The client exists."""

    scopes: list[str]
    locations: list[str]
    secret_hash: str


class ClientSecretRotated(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is a new secret; the one before expires at `old_until_ms` (UTC ms). `end_older`: those
    that were older have ended."""

    secret_hash: str
    old_until_ms: int
    end_older: bool = False


class ClientScopesSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The client's rights are now these. The session `ended` is revoked until `until_ms` (UTC ms)."""

    scopes: list[str]
    locations: list[str]
    ended: str
    until_ms: int


class ClientDisabled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The client is off. The session `ended` is revoked until `until_ms` (UTC ms)."""

    ended: str
    until_ms: int


class ClientEnabled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The client is on again. The session `ended` is revoked until `until_ms` (UTC ms)."""

    ended: str
    until_ms: int


Event = ClientRegistered | ClientSecretRotated | ClientScopesSet | ClientDisabled | ClientEnabled


# --- state ----------------------------------------------------------------------------------------------------------
class Client(msgspec.Struct):
    """The state of a client. `secrets`: newest first, at most SECRETS_MAX."""

    client_id: str
    scopes: list[str]
    locations: list[str]
    secrets: list[Secret]
    enabled: bool = True
    generation: int = 1

    @property
    def name(self) -> str:
        """What the retailer calls it."""
        return self.client_id.partition("-client-")[2]

    @property
    def session_id(self) -> str:
        """The session of the tokens that it gets now."""
        return f"{self.client_id}.{self.generation}"


# --- queries and answers --------------------------------------------------------------------------------------------
class CheckClient(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Is this a secret of the client, at `now_ms` (UTC ms)? `secret_hash`: SHA-256 as hex."""

    secret_hash: str
    now_ms: int


class ViewClient(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what an administrator may see."""


class ClientCheck(msgspec.Struct, frozen=True, gc=False):
    """What a token for the client may hold; all empty when not `ok`."""

    ok: bool
    client_id: str
    scopes: list[str]
    locations: list[str]
    session_id: str


class ClientView(msgspec.Struct, frozen=True, gc=False):
    """A client without its secrets. `old_secret_until_ms` (UTC ms): when the last of the older secrets
    ends, 0 when there is none."""

    client_id: str
    version: int
    name: str
    scopes: list[str]
    locations: list[str]
    enabled: bool
    generation: int
    old_secret_until_ms: int


class ClientChanged(msgspec.Struct, frozen=True, gc=False):
    """The answer to all commands but a new secret. `draw`: of the registration that was done, by which whoever repeats
    it sees that the secret which he has drawn was not taken; "" else, and in answers of earlier releases."""

    client_id: str
    version: int
    draw: str = ""


class ClientSecretChanged(msgspec.Struct, frozen=True, gc=False):
    """The answer to a new secret. `old_until_ms`: when the one before ends, UTC ms; 0 when it has ended. `draw`: see
    ClientChanged. `older_until_ms`: when the last of those ends that are older than it, 0 when there is none; unset in
    answers of earlier releases, which don't know how to end them alone."""

    client_id: str
    version: int
    old_until_ms: int
    draw: str = ""
    older_until_ms: int | msgspec.UnsetType = msgspec.UNSET


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Client | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules. Raises Refused `client.exists`, `client.unknown`."""
    if type(command) is RegisterClient:
        if state is not None:
            detail = f"Client {context.entity_id} exists already."
            raise Refused("client.exists", detail, client_id=context.entity_id)
        registered = ClientRegistered(command.scopes, command.locations, command.secret_hash)
        return Decision([registered], lambda state, version: ClientChanged(context.entity_id, version, command.draw))
    client = _known(state)
    if type(command) is RotateClientSecret:
        return _rotate(client, command, context)
    ended, until_ms = client.session_id, context.now_ms + TOKEN_MAX_MS
    if type(command) is SetClientScopes:
        if (command.scopes, command.locations) == (client.scopes, client.locations):
            return _changed(context)
        return _changed(context, ClientScopesSet(command.scopes, command.locations, ended, until_ms))
    if type(command) is DisableClient:
        return _changed(context, *([ClientDisabled(ended, until_ms)] if client.enabled else []))
    return _changed(context, *([] if client.enabled else [ClientEnabled(ended, until_ms)]))


def _known(state: Client | None) -> Client:
    if state is None:
        raise Refused("client.unknown", "There is no such client.")
    return state


def _changed(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: ClientChanged(context.entity_id, version))


def _rotate(client: Client, command: RotateClientSecret, context: Context) -> Decision:
    def reply(state: Client, version: int) -> ClientSecretChanged:
        return ClientSecretChanged(
            state.client_id,
            version,
            _last_until_ms(state.secrets[1:2]),
            command.draw,
            _last_until_ms(state.secrets[2:]),
        )

    if client.secrets[0][0] == command.secret_hash:
        return Decision([], reply)
    grace_ms = max(0, min(command.grace_ms, GRACE_MAX_MS))
    return Decision([ClientSecretRotated(command.secret_hash, context.now_ms + grace_ms, command.end_older)], reply)


def _last_until_ms(secrets: Sequence[Secret]) -> int:
    return max((until_ms for _, until_ms in secrets), default=0)


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Client | None, event: Event, context: Context) -> Client:
    """The next state; takes over `state`."""
    if type(event) is ClientRegistered:
        return Client(context.entity_id, event.scopes, event.locations, [(event.secret_hash, 0)])
    assert state is not None
    if type(event) is ClientSecretRotated:
        state.secrets = [(event.secret_hash, 0), *_still_good(state.secrets, event, context.now_ms)]
        return state
    state.generation += 1
    if type(event) is ClientScopesSet:
        state.scopes, state.locations = event.scopes, event.locations
    else:
        state.enabled = type(event) is ClientEnabled
    return state


def _still_good(secrets: list[Secret], event: ClientSecretRotated, now_ms: int) -> list[Secret]:
    """Of those that there were, what stays beside a new one. Of too many the oldest does, which may be the only one
    that was told to anybody."""
    if event.old_until_ms <= now_ms:
        return []
    older = [] if event.end_older else [known for known in secrets[1:] if known[1] > now_ms]
    return [(secrets[0][0], event.old_until_ms), *older[2 - SECRETS_MAX :]]


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(client_id: str, event: Event) -> Iterable[Message]:
    """The generation that ended is revoked."""
    if isinstance(event, ClientScopesSet | ClientDisabled | ClientEnabled):
        revocations_id = ids.revocations_id(ids.region_of(client_id))
        yield Message("revocations", revocations_id, Revoke(event.ended, event.until_ms))


def view(state: Client | None, query: CheckClient | ViewClient, version: int) -> msgspec.Struct:
    """The check of a secret, or what an administrator may see. Raises Refused `client.unknown`."""
    client = _known(state)
    if type(query) is CheckClient:
        return _check(client, query)
    return ClientView(
        client.client_id, version, client.name, client.scopes, client.locations, client.enabled, client.generation,
        _last_until_ms(client.secrets),
    )  # fmt: skip


def _check(client: Client, query: CheckClient) -> ClientCheck:
    # All are compared, whichever fits: how long it takes tells nothing.
    asked = query.secret_hash.encode()
    fits = [
        hmac.compare_digest(known.encode(), asked) and (expires_ms == 0 or query.now_ms < expires_ms)
        for known, expires_ms in client.secrets
    ]
    if not (any(fits) and client.enabled):
        return ClientCheck(False, client.client_id, [], [], "")
    return ClientCheck(True, client.client_id, client.scopes, client.locations, client.session_id)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Client).decode


def rows(state: Client, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The client's one row."""
    return [ClientRow(context.entity_id, version, int(state.enabled), _encode(state))]


def restore(entity_id: str, stored: StoredRows) -> tuple[Client, int] | None:
    """The state and version from the client's stored row."""
    found = stored.get("clients")
    return (_decode(found[0].state), found[0].version) if found else None


CLIENT = Kind(
    name="client",
    commands=Command,
    events=Event,
    queries=CheckClient | ViewClient,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(ClientRow,),
    restore=restore,
    rows=rows,
    messages=messages,
    secret=True,
)
