"""The sessions of a customer: opened by a code that was sent or by a passkey, renewed while they are used, ended.

Each token of a session has a number; whoever comes with an old one holds a token that was stolen, or whose successor
was, so the session ends (RFC 9700 section 4.14.2). What does not fit is no refusal: wrong codes are counted, and a
passkey that counts backwards is marked.
"""

from __future__ import annotations

import msgspec

from actors.domain import one_time_code, passkeys
from actors.domain.customer_commands import RefreshSession, TryCode, TryPasskey
from actors.domain.customer_events import CodeMissed, EndReason, Event, SessionEnded, SessionOpened, SessionRefreshed
from actors.domain.customer_state import REVOKED_MS, SESSION_MS, SESSIONS_MAX, Customer, Session, runs, session_of
from actors.domain.customer_views import CustomerSession
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision
from actors.domain.passkeys import PasskeySuspected, PasskeyUse


# --- decide ---------------------------------------------------------------------------------------------------------
def try_code(customer: Customer, command: TryCode, context: Context) -> Decision:
    """A session, or none and the try is counted."""
    if not one_time_code.fits(customer.codes, command.digest, context.now_ms):
        waits = one_time_code.waits(customer.codes, context.now_ms)
        return _no_session(context, *([CodeMissed()] if waits else []))
    return _opened(customer, command.session_id, context, None)


def try_passkey(customer: Customer, command: TryPasskey, context: Context) -> Decision:
    """A session, or none. There is nothing beside the passkey, so it has to have verified its person."""
    use = command.use
    if use is None or not use.alone:
        return _no_session(context)
    if passkeys.is_suspect(customer, use, context.now_ms):
        return _no_session(context, PasskeySuspected(use))
    if not passkeys.fits(customer, use, context.now_ms):
        return _no_session(context)
    return _opened(customer, command.session_id, context, use)


def refresh(customer: Customer, command: RefreshSession, context: Context) -> Decision:
    """A new token, or the end of the session. Raises Refused `session.ended`."""
    session = running(customer, command.session_id, context)
    if command.token_number != session.token_number:
        return _no_session(context, ended(session, "token_reused", context))
    refreshed = SessionRefreshed(session.session_id, session.token_number + 1)
    return _with_session(context, session.session_id, refreshed)


def running(customer: Customer, session_id: str, context: Context) -> Session:
    """The session of that id. Raises Refused `session.ended`."""
    session = session_of(customer, session_id)
    if session is None or not runs(session, context.now_ms):
        raise Refused("session.ended", "This session has ended.")
    return session


def ended(session: Session, reason: EndReason, context: Context) -> SessionEnded:
    """That it is over."""
    return SessionEnded(session.session_id, context.now_ms + REVOKED_MS, reason)


def others_ended(customer: Customer, session_id: str, context: Context) -> list[SessionEnded]:
    """That all but this one are over. Those that ran out by themselves as well: nobody is to
    ask when exactly they did."""
    return [ended(one, "put_out", context) for one in customer.sessions if one.session_id != session_id]


def _opened(customer: Customer, session_id: str, context: Context, use: PasskeyUse | None) -> Decision:
    now_ms = context.now_ms
    session = Session(session_id, now_ms + SESSION_MS, now_ms, 1, now_ms, use is not None)
    running_now = [one.session_id for one in customer.sessions if runs(one, now_ms)]
    gives_way = running_now[: max(0, len(running_now) + 1 - SESSIONS_MAX)]
    return _with_session(context, session_id, SessionOpened(session, gives_way, now_ms + REVOKED_MS, use))


def _no_session(context: Context, *events: Event) -> Decision:
    reply = CustomerSession(context.entity_id, None)
    return Decision(list(events), lambda state, version: reply)


def _with_session(context: Context, session_id: str, event: Event) -> Decision:
    def told(state: Customer, version: int) -> CustomerSession:
        return CustomerSession(context.entity_id, session_of(state, session_id), bool(state.sealed_email))

    return Decision([event], told)


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(customer: Customer, event: SessionOpened | SessionRefreshed | SessionEnded, context: Context) -> None:
    """What opened a session is used up; a token that was renewed makes it younger."""
    if isinstance(event, SessionOpened):
        if event.passkey is not None:
            passkeys.use_up(customer, event.passkey, context.now_ms)
        else:
            customer.codes, customer.proved = one_time_code.used(customer.codes), True
        # One that ran out by itself goes without a word: none of its tokens is good any more.
        kept = [one for one in customer.sessions if one.session_id not in event.ended and runs(one, context.now_ms)]
        customer.sessions = [*kept, event.session]
    elif isinstance(event, SessionRefreshed):
        customer.sessions = [_renewed(session, event, context) for session in customer.sessions]
    else:
        customer.sessions = [session for session in customer.sessions if session.session_id != event.session_id]


def _renewed(session: Session, event: SessionRefreshed, context: Context) -> Session:
    if session.session_id != event.session_id:
        return session
    return msgspec.structs.replace(session, seen_ms=context.now_ms, token_number=event.token_number)
