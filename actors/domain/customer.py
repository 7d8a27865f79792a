"""An account of a customer: an address that was proved by a one-time code, and the sessions that codes and passkeys
opened. There is no password.

    (unknown) ──KeepCode(opens)──▶ unproved ──TryCode, right──▶ proved ─┐ KeepCode, TryCode: one session more, at most SESSIONS_MAX
                                      └─ TryCode, wrong: counted        ├ TryPasskey: the same, by a passkey alone
                                                                        ├ RefreshSession: a new token; EndSession; EndOtherSessions: by who has one
                                                                        ├ AddPasskey, RemovePasskey: by who has a session, which ends the others
                                                                        └ KeepEmail: once, right after the first session; again if the key of what is kept was destroyed
    unproved ──ForgetUnproved──▶ as if there had never been one, a day after the last code (the entity's timer): what is not proved is not kept, nor are the data keys of its codes. They are no keys of the person's: under those may
                                       be what somebody ordered with the address, and anybody may ask for a code
    EraseCustomer ──▶ as if there had never been one: its sessions are revoked, and whoever joins with the address begins anew

Its id is made from the address's keyed digest, so whoever knows the address and the key finds it, and the address
stands nowhere in the clear. It is kept sealed, and only once it is proved. Passkeys know the account by its id,
and so name it by themselves.

Addresses, codes and signatures are checked elsewhere; what comes here are digests, sealed bytes and public keys, in
events too. Times are UTC milliseconds.

    customer_state.py     what an account is, and its limits
    customer_commands.py  what it may be asked to do     customer_events.py    what happened to it     customer_views.py  what it tells
    customer_sessions.py  codes and sessions             customer_passkeys.py  passkeys
    customer.py           the noun: which rule for which command
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import customer_passkeys, ids, one_time_code
from actors.domain import customer_sessions as sessions
from actors.domain.customer_commands import (
    Command,
    EndOtherSessions,
    EndSession,
    EraseCustomer,
    ForgetUnproved,
    KeepCode,
    KeepEmail,
    RefreshSession,
    TryCode,
    TryPasskey,
)
from actors.domain.customer_events import (
    CodeKept,
    CodeMissed,
    CustomerErased,
    EmailKept,
    Event,
    Passkeys,
    SessionEnded,
    SessionOpened,
    Sessions,
    UnprovedForgotten,
)
from actors.domain.customer_state import KEYS_MAX, REVOKED_MS, UNPROVED_MS, Customer, session_of
from actors.domain.customer_views import CustomerAccount, KeptOfCustomer, ViewCustomer
from actors.domain.data_key import DestroyKey
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.passkeys import AddPasskey, RemovePasskey
from actors.domain.revocations import Revoke
from actors.domain.rows import CustomerRow


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Customer | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules. Raises Refused `customer.unknown`, `session.ended`, `passkey.…`."""
    if state is not None and state.erased:
        state = None
    if type(command) is KeepCode:
        return _keep(Customer() if state is None and command.opens else _known(state), command, context)
    customer = _known(state)
    if type(command) is TryCode:
        return sessions.try_code(customer, command, context)
    if type(command) is TryPasskey:
        return sessions.try_passkey(customer, command, context)
    if type(command) is RefreshSession:
        return sessions.refresh(customer, command, context)
    if type(command) is AddPasskey:
        return customer_passkeys.add(customer, command, context)
    if type(command) is RemovePasskey:
        return customer_passkeys.remove(customer, command, context)
    if type(command) is KeepEmail:
        wanted = customer.proved and customer.sealed_email == command.instead_of
        return _account(wanted, context, *([EmailKept(command.sealed_email)] if wanted else []))
    if type(command) is EraseCustomer:
        ended = [session.session_id for session in customer.sessions]
        return _account(True, context, CustomerErased(ended, context.now_ms + REVOKED_MS, customer.code_key_ids))
    if type(command) is EndOtherSessions:
        session = sessions.running(customer, command.session_id, context)
        return _account(True, context, *sessions.others_ended(customer, session.session_id, context))
    if type(command) is ForgetUnproved:
        due_ms = due(customer)
        over = due_ms is not None and context.now_ms >= due_ms
        return _account(over, context, *([UnprovedForgotten(customer.code_key_ids)] if over else []))
    assert type(command) is EndSession
    found = session_of(customer, command.session_id)
    signed_out = [] if found is None else [sessions.ended(found, "signed_out", context)]
    return _account(found is not None, context, *signed_out)


def _known(state: Customer | None) -> Customer:
    if state is None:
        raise Refused("customer.unknown", "There is no such customer.")
    return state


def _account(ok: bool, context: Context, *events: Event) -> Decision:
    return Decision(
        list(events), lambda state, version: CustomerAccount(ok, context.entity_id, state.sealed_email)
    )  # fmt: skip


def _keep(customer: Customer, command: KeepCode, context: Context) -> Decision:
    kept = one_time_code.asked(customer.codes, command.digest, context.now_ms)
    key_id = "" if customer.proved else command.code_key_id

    def reply(state: Customer, version: int) -> CustomerAccount:
        # What the account names goes with it; another key, of one who has KEYS_MAX or has not
        # opened it now, would stay.
        under = state.code_key_ids[-1] if state.code_key_ids else command.code_key_id
        return CustomerAccount(kept is not None, context.entity_id, state.sealed_email, under)

    return Decision([CodeKept(kept, key_id)] if kept is not None else [], reply)


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Customer | None, event: Event, context: Context) -> Customer:
    """The next state; takes over `state`."""
    customer = state if state is not None and not state.erased else Customer()
    if type(event) is CustomerErased or type(event) is UnprovedForgotten:
        return Customer(erased=True)
    if type(event) is CodeKept:
        customer.codes = event.codes
        key_id, known = event.code_key_id, customer.code_key_ids
        if key_id and key_id not in known and len(known) < KEYS_MAX:
            customer.code_key_ids = [*known, key_id]
    elif type(event) is CodeMissed:
        customer.codes = one_time_code.missed(customer.codes)
    elif type(event) is EmailKept:
        customer.sealed_email = event.sealed_email
    elif isinstance(event, Sessions):
        sessions.evolve(customer, event, context)
    else:
        assert isinstance(event, Passkeys)
        customer_passkeys.evolve(customer, event, context)
    return customer


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(customer_id: str, event: Event) -> Iterable[Message]:
    """Sessions that ended are revoked; the keys of codes are destroyed with their account."""
    if isinstance(event, UnprovedForgotten | CustomerErased):
        for key_id in event.code_key_ids:
            yield Message("data_key", key_id, DestroyKey())
    if isinstance(event, SessionOpened | SessionEnded | CustomerErased):
        revocations_id = ids.revocations_id(ids.region_of(customer_id))
        for session_id in [event.session_id] if isinstance(event, SessionEnded) else event.ended:
            yield Message("revocations", revocations_id, Revoke(session_id, event.until_ms))


def due(customer: Customer) -> int | None:
    """When it is forgotten, as long as nobody has proved the address (UTC ms)."""
    if customer.proved or customer.erased or not customer.codes.until_ms:
        return None
    return customer.codes.until_ms + UNPROVED_MS


def view(state: Customer | None, query: ViewCustomer, version: int) -> KeptOfCustomer:
    """What is kept. Raises Refused `customer.unknown`."""
    customer = _known(None if state is not None and state.erased else state)
    return KeptOfCustomer(
        customer.proved, customer.sealed_email, len(customer.sessions), customer.passkeys, customer.sessions
    )


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Customer).decode


def rows(state: Customer, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The account's one row."""
    return [CustomerRow(context.entity_id, version, int(state.proved), _encode(state), due(state))]


def restore(entity_id: str, stored: StoredRows) -> tuple[Customer, int] | None:
    """The state and version from the account's stored row."""
    found = stored.get("customers")
    return (_decode(found[0].state), found[0].version) if found else None


CUSTOMER = Kind(
    name="customer", commands=Command, events=Event, queries=ViewCustomer, decide=decide, evolve=evolve, view=view,
    tables=(CustomerRow,), restore=restore, rows=rows, messages=messages, due=due, wake=ForgetUnproved, secret=True,
)  # fmt: skip
