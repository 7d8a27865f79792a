"""An account of a customer: an address that was proved by a one-time code, and the sessions that codes opened. There is no password.

    (unknown) ──KeepCode(opens)──▶ unproved ──TryCode, right──▶ proved ─┐ KeepCode, TryCode: one session more, at most SESSIONS_MAX
                                      └─ TryCode, wrong: counted        └ RefreshSession: a new token; EndSession

Its id is made from the address's keyed digest, so whoever knows the address and the key finds it, and the address stands nowhere in the
clear. It is sealed, and only once it is proved. Each token of a session has a number; whoever comes with an old one holds a token that
was stolen, or whose successor was, so the session ends (RFC 9700 section 4.14.2). A wrong code is no refusal: tries are counted.

Addresses and codes are checked elsewhere; what comes here are digests and sealed bytes, in events too. Times are UTC milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from actors.domain import ids, one_time_code
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.one_time_code import Codes
from actors.domain.revocations import Revoke
from actors.domain.rows import CustomerRow

SESSIONS_MAX = 5
SESSION_MS = 30 * 24 * 3_600_000
# A session that was not used for so long is over; no refresh token is good for longer.
IDLE_MS = 12 * 3_600_000
# No access token of a session lives longer; a refresh token of one that ended is refused here.
REVOKED_MS = 15 * 60_000


# --- commands -------------------------------------------------------------------------------------------------------
class KeepCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This code (its keyed digest) is about to be sent. `opens`: to somebody who may be unknown yet."""

    digest: bytes
    opens: bool = False


class TryCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody gave a code of this digest, for a session. `sealed_email`: the address, kept when this proves it."""

    digest: bytes
    session_id: str
    sealed_email: bytes


class RefreshSession(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new token for the session in exchange for that of number `token_number`."""

    session_id: str
    token_number: int


class EndSession(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Signs out. Nothing to do when there is no such session."""

    session_id: str


Command = KeepCode | TryCode | RefreshSession | EndSession


# --- state ----------------------------------------------------------------------------------------------------------
class Session(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`token_number`: of the one token that RefreshSession takes."""

    session_id: str
    ends_ms: int
    seen_ms: int
    token_number: int


class Customer(msgspec.Struct):
    """The state of an account. `sealed_email`: b"" until the address is proved. `sessions`: oldest first."""

    codes: Codes = one_time_code.NONE
    sealed_email: bytes = b""
    sessions: list[Session] = []


# --- events ---------------------------------------------------------------------------------------------------------
class CodeKept(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A code waits. The first makes the account."""

    codes: Codes


class CodeMissed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A wrong code was given."""


class SessionOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The right code was given. `sealed_email`: kept from now on; `ended`: sessions that had to give way, revoked until `until_ms`."""

    session: Session
    sealed_email: bytes
    ended: list[str]
    until_ms: int


class SessionRefreshed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The session has a new token, of this number."""

    session_id: str
    token_number: int


class SessionEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The session is over, and revoked until `until_ms`."""

    session_id: str
    until_ms: int
    reason: Literal["signed_out", "token_reused"]


Event = CodeKept | CodeMissed | SessionOpened | SessionRefreshed | SessionEnded


# --- queries and answers --------------------------------------------------------------------------------------------
class ViewCustomer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is nothing to be read: the read model has the customer's orders."""


class CustomerAccount(msgspec.Struct, frozen=True, gc=False):
    """The answer to KeepCode and EndSession. `ok`: was it done? `sealed_email`: the proved address, b"" when it is not proved yet."""

    ok: bool
    customer_id: str
    sealed_email: bytes


class CustomerSession(msgspec.Struct, frozen=True, gc=False):
    """The answer to TryCode and RefreshSession: the session, or None."""

    customer_id: str
    session: Session | None


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Customer | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules. Raises Refused `customer.unknown`, `session.ended`."""
    if type(command) is KeepCode:
        return _keep(Customer() if state is None and command.opens else _known(state), command, context)
    customer = _known(state)
    if type(command) is TryCode:
        return _try(customer, command, context)
    if type(command) is RefreshSession:
        return _refresh(customer, command, context)
    assert type(command) is EndSession
    found = _session(customer, command.session_id)
    return _account(found is not None, context, *([_ended(found, "signed_out", context)] if found is not None else []))


def _known(state: Customer | None) -> Customer:
    if state is None:
        raise Refused("customer.unknown", "There is no such customer.")
    return state


def _session(customer: Customer, session_id: str) -> Session | None:
    return next((session for session in customer.sessions if session.session_id == session_id), None)


def _ended(session: Session, reason: Literal["signed_out", "token_reused"], context: Context) -> SessionEnded:
    return SessionEnded(session.session_id, context.now_ms + REVOKED_MS, reason)


def _account(ok: bool, context: Context, *events: Event) -> Decision:
    return Decision(
        list(events), lambda state, version: CustomerAccount(ok, context.entity_id, state.sealed_email)
    )  # fmt: skip


def _keep(customer: Customer, command: KeepCode, context: Context) -> Decision:
    kept = one_time_code.asked(customer.codes, command.digest, context.now_ms)
    return _account(kept is not None, context, *([CodeKept(kept)] if kept is not None else []))


def _try(customer: Customer, command: TryCode, context: Context) -> Decision:
    now_ms = context.now_ms
    if not one_time_code.fits(customer.codes, command.digest, now_ms):
        waits = one_time_code.waits(customer.codes, now_ms)
        return _no_session(context, *([CodeMissed()] if waits else []))
    session = Session(command.session_id, now_ms + SESSION_MS, now_ms, 1)
    running = [one.session_id for one in customer.sessions if _runs(one, now_ms)]
    over = [one.session_id for one in customer.sessions if not _runs(one, now_ms)]
    ended = [*over, *running[: max(0, len(running) + 1 - SESSIONS_MAX)]]
    # The address that was proved first stays: another spelling of it may be another person's some day.
    sealed_email = customer.sealed_email or command.sealed_email
    opened = SessionOpened(session, sealed_email, ended, now_ms + REVOKED_MS)
    return _with_session(context, session.session_id, opened)


def _runs(session: Session, now_ms: int) -> bool:
    return now_ms < session.ends_ms and now_ms - session.seen_ms <= IDLE_MS


def _refresh(customer: Customer, command: RefreshSession, context: Context) -> Decision:
    session = _session(customer, command.session_id)
    if session is None or not _runs(session, context.now_ms):
        raise Refused("session.ended", "This session has ended.")
    if command.token_number != session.token_number:
        return _no_session(context, _ended(session, "token_reused", context))
    refreshed = SessionRefreshed(session.session_id, session.token_number + 1)
    return _with_session(context, session.session_id, refreshed)


def _no_session(context: Context, *events: Event) -> Decision:
    reply = CustomerSession(context.entity_id, None)
    return Decision(list(events), lambda state, version: reply)


def _with_session(context: Context, session_id: str, event: Event) -> Decision:
    return Decision(
        [event], lambda state, version: CustomerSession(context.entity_id, _session(state, session_id))
    )  # fmt: skip


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Customer | None, event: Event, context: Context) -> Customer:
    """The next state; takes over `state`."""
    customer = state if state is not None else Customer()
    if type(event) is CodeKept:
        customer.codes = event.codes
    elif type(event) is CodeMissed:
        customer.codes = one_time_code.missed(customer.codes)
    elif type(event) is SessionOpened:
        customer.codes, customer.sealed_email = one_time_code.used(customer.codes), event.sealed_email
        kept = [session for session in customer.sessions if session.session_id not in event.ended]
        customer.sessions = [*kept, event.session]
    elif type(event) is SessionRefreshed:
        customer.sessions = [_renewed(session, event, context) for session in customer.sessions]
    elif type(event) is SessionEnded:
        customer.sessions = [session for session in customer.sessions if session.session_id != event.session_id]
    return customer


def _renewed(session: Session, event: SessionRefreshed, context: Context) -> Session:
    if session.session_id != event.session_id:
        return session
    return msgspec.structs.replace(session, seen_ms=context.now_ms, token_number=event.token_number)


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(customer_id: str, event: Event) -> Iterable[Message]:
    """Sessions that ended are revoked."""
    if isinstance(event, SessionOpened | SessionEnded):
        revocations_id = ids.revocations_id(ids.region_of(customer_id))
        for session_id in event.ended if isinstance(event, SessionOpened) else [event.session_id]:
            yield Message("revocations", revocations_id, Revoke(session_id, event.until_ms))


def view(state: Customer | None, query: ViewCustomer, version: int) -> msgspec.Struct:
    """An account tells nothing."""
    raise Refused("customer.unreadable", "A customer can't be read.")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Customer).decode


def rows(state: Customer, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The account's one row."""
    return [CustomerRow(context.entity_id, version, int(bool(state.sealed_email)), _encode(state))]


def restore(entity_id: str, stored: StoredRows) -> tuple[Customer, int] | None:
    """The state and version from the account's stored row."""
    found = stored.get("customers")
    return (_decode(found[0].state), found[0].version) if found else None


CUSTOMER = Kind(
    name="customer", commands=Command, events=Event, queries=ViewCustomer, decide=decide, evolve=evolve, view=view,
    tables=(CustomerRow,), restore=restore, rows=rows, messages=messages, secret=True,
)  # fmt: skip
