"""The passkeys of a customer: they come and go while their person is signed in. What holds for passkeys of
all accounts: `passkeys.py`.

The last one may go: a code to the proved address always opens a session. Whoever changes what he signs in by may do so
because somebody else is signed in as he: all sessions but the one by which it is done are over with it.
"""

from __future__ import annotations

from actors.domain import customer_sessions, passkeys
from actors.domain.customer_events import SessionEnded
from actors.domain.customer_state import Customer
from actors.domain.customer_views import CustomerPasskeys
from actors.domain.kind import Context, Decision
from actors.domain.passkeys import AddPasskey, PasskeyAdded, PasskeyRemoved, PasskeySuspected, RemovePasskey


def add(customer: Customer, command: AddPasskey, context: Context) -> Decision:
    """One more. Raises Refused `session.ended`, `passkey.challenge_spent`, `passkey.exists`, `passkey.too_many`."""
    customer_sessions.running(customer, command.session_id, context)
    passkeys.check_new(customer, command, context.now_ms)
    added = PasskeyAdded(command.passkey, command.challenge, command.until_ms)
    return _told(context, added, customer_sessions.others_ended(customer, command.session_id, context))


def remove(customer: Customer, command: RemovePasskey, context: Context) -> Decision:
    """One less. Raises Refused `session.ended`, `passkey.unknown`."""
    customer_sessions.running(customer, command.session_id, context)
    passkeys.check_known(customer, command.passkey_id)
    removed = PasskeyRemoved(command.passkey_id)
    return _told(context, removed, customer_sessions.others_ended(customer, command.session_id, context))


def _told(context: Context, event: PasskeyAdded | PasskeyRemoved, over: list[SessionEnded]) -> Decision:
    return Decision([event, *over], lambda state, version: CustomerPasskeys(context.entity_id, state.passkeys))


def evolve(customer: Customer, event: PasskeyAdded | PasskeyRemoved | PasskeySuspected, context: Context) -> None:
    """They are others now, or one is under suspicion."""
    if isinstance(event, PasskeyAdded):
        passkeys.keep(customer, event.passkey, event.challenge, event.until_ms, context.now_ms)
    elif isinstance(event, PasskeyRemoved):
        passkeys.drop(customer, event.passkey_id)
    else:
        passkeys.suspect(customer, event.use, context.now_ms)
