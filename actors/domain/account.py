"""An account of a member of staff: password, second factor, and the one shift that it may be on.

    (unknown) ──OpenAccount──▶ without factor ──EnrolTotp──▶ off shift ──SignIn──▶ on shift ─┐ Refresh, StepUp, ChangeOwnPassword: a new token
                                     ▲      or EnrolPasskey   │  ▲                   │  ▲    │ AddPasskey, RemovePasskey
                                     └──────ResetFactor───────┘  └─────EndShift──────┘  └────┘ SignIn: another shift instead
    on shift → off shift as well: an old token number in Refresh, ChangeRole, SetPassword,
                                  ResetFactor (→ without factor), Disable; and by itself, without an event,
                                  after `ends_ms` or when idle for IDLE_MS
    enabled ◀──Enable / Disable──▶ disabled                nobody signs in
    OpenAccount, SetPassword ──▶ password given            good for taking another one, for GIVEN_MS; then for nothing
    failures 1, 2, … LOCK_AFTER ──▶ locked for LOCK_MS     a right password and a right code don't help meanwhile; a passkey alone does

A proof is judged against credentials that were read a moment before (a slow hash lies in between). So they have a
generation, which every change of them raises, and a proof of another generation proves nothing: nobody gets in with a
password that was just replaced.

Passwords, codes, signatures and login names are checked elsewhere. What comes here is the outcome, hashes (argon2id of
passwords), and sealed secrets. These stand in events too, so the events of accounts are for nobody to read. Times are
UTC milliseconds since 1970.

    account_state.py     what an account is, and its limits
    account_commands.py  what it may be asked to do     account_events.py  what happened to it     account_views.py  what it tells
    account_factors.py   the second factor              account_shifts.py  signing in, and the shift     passkeys.py  shared with customers
    account_password.py  the person's own change of the password, and a new hash of it
    account.py           the noun: which rule for which command, and what administrators do
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import account_factors as factors
from actors.domain import account_password as password
from actors.domain import account_shifts as shifts
from actors.domain import ids, passkeys
from actors.domain.account_commands import (
    Administrative,
    ChangeOwnPassword,
    ChangeRole,
    Command,
    Disable,
    EndShift,
    EnrolPasskey,
    EnrolTotp,
    OpenAccount,
    Refresh,
    RenewHash,
    ResetFactor,
    SetPassword,
    SignIn,
    StepUp,
)
from actors.domain.account_events import (
    AccountDisabled,
    AccountEnabled,
    AccountOpened,
    Ending,
    Event,
    FactorReset,
    Failed,
    HashRenewed,
    PasskeyEnrolled,
    PasswordChanged,
    PasswordSet,
    RoleChanged,
    ShiftEnded,
    ShiftRefreshed,
    SignedIn,
    SteppedUp,
    TotpEnrolled,
)
from actors.domain.account_state import GIVEN_MS, ROLES, Account
from actors.domain.account_views import AccountView, Credentials, ViewAccount, ViewCredentials, ViewPasskeys
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.passkeys import AddPasskey, PasskeyAdded, PasskeyRemoved, PasskeySuspected, RemovePasskey
from actors.domain.revocations import Revoke, replaced
from actors.domain.rows import AccountRow


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Account | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules. Raises Refused `account.exists`, `account.unknown`,
    `account.role_unknown`, `account.factor_exists`, `account.changed`, `account.location_not_allowed`,
    `account.location_unknown`, `session.ended`, `passkey.…`."""
    if type(command) is OpenAccount:
        if state is not None:
            detail = f"Account {context.entity_id} exists already."
            raise Refused("account.exists", detail, account_id=context.entity_id)
        _check_role(command.role)
        given_until_ms = context.now_ms + GIVEN_MS
        return _changed(AccountOpened(command.role, command.locations, command.password_hash, given_until_ms))
    account = _known(state)
    if type(command) is SignIn:
        return shifts.sign_in(account, command, context)
    if type(command) is Refresh:
        return shifts.refresh(account, command, context)
    if type(command) is StepUp:
        return shifts.step_up(account, command, context)
    if type(command) is EndShift:
        return shifts.end(account, command)
    if type(command) is ChangeOwnPassword:
        return password.change(account, command, context)
    if type(command) is RenewHash:
        return password.renew_hash(account, command)
    if type(command) is EnrolTotp:
        return factors.enrol_totp(account, command)
    if type(command) is EnrolPasskey:
        return factors.enrol_passkey(account, command, context)
    if isinstance(command, AddPasskey | RemovePasskey):
        shifts.running(account, command.session_id, context)
        if isinstance(command, AddPasskey):
            return factors.add_passkey(account, command, context)
        return factors.remove_passkey(account, command)
    assert isinstance(command, Administrative)
    return _administer(account, command, context)


def _known(state: Account | None) -> Account:
    if state is None:
        raise Refused("account.unknown", "There is no such account.")
    return state


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise Refused("account.role_unknown", f"There is no role {role}.", role=role, roles=list(ROLES))


def _changed(*events: Event) -> Decision:
    return Decision(list(events), _account_view)


def _administer(account: Account, command: Administrative, context: Context) -> Decision:
    ended = shifts.ended(account)
    if type(command) is ChangeRole:
        _check_role(command.role)
        return _changed(RoleChanged(command.role, command.locations, ended))
    if type(command) is SetPassword:
        return _changed(PasswordSet(command.password_hash, ended, context.now_ms + GIVEN_MS))
    if type(command) is ResetFactor:
        return _changed(*([FactorReset(ended)] if account.has_factor else []))
    if type(command) is Disable:
        return _changed(*([AccountDisabled(ended)] if account.enabled else []))
    return _changed(*([] if account.enabled else [AccountEnabled()]))


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Account | None, event: Event, context: Context) -> Account:
    """The next state; takes over `state`."""
    if type(event) is AccountOpened:
        return Account(
            context.entity_id, event.role, event.locations, event.password_hash, given_until_ms=event.given_until_ms
        )
    assert state is not None
    if isinstance(event, Failed):
        shifts.count(state, event, context)
    elif type(event) is SignedIn:
        factors.use_up(state, event, context)
        state.shift = event.shift
    elif type(event) is SteppedUp:
        factors.use_up(state, event, context)
        shifts.renew(state, event, context)
    elif type(event) is ShiftRefreshed:
        shifts.renew(state, event, context)
    elif isinstance(event, TotpEnrolled | PasskeyEnrolled | PasskeyAdded | PasskeyRemoved):
        factors.evolve(state, event, context)
    elif isinstance(event, PasswordChanged | HashRenewed):
        password.evolve(state, event, context)
    elif type(event) is PasskeySuspected:
        passkeys.suspect(state, event.use, context.now_ms)
    elif type(event) is AccountEnabled:
        state.enabled = True
    else:
        state.shift = None
        state.generation += type(event) is not ShiftEnded
        _evolve_administered(state, event)
    return state


def _evolve_administered(account: Account, event: Event) -> None:
    if type(event) is RoleChanged:
        account.role, account.locations = event.role, event.locations
    elif type(event) is PasswordSet:
        account.password_hash, account.given_until_ms = event.password_hash, event.given_until_ms
        account.forgive()
    elif type(event) is FactorReset:
        factors.forget(account)
    elif type(event) is AccountDisabled:
        account.enabled = False


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(account_id: str, event: Event) -> Iterable[Message]:
    """A session that ended is revoked, and so are the tokens before one that was given for a
    proof or another password."""
    revocations_id = ids.revocations_id(ids.region_of(account_id))
    if isinstance(event, Ending) and event.ended is not None:
        yield Message("revocations", revocations_id, Revoke(event.ended.session_id, event.ended.until_ms))
    elif isinstance(event, SteppedUp | PasswordChanged) and event.before_until_ms:
        before = replaced(event.session_id, event.token_number)
        yield Message("revocations", revocations_id, Revoke(before, event.before_until_ms))


def view(state: Account | None, query: ViewCredentials | ViewAccount | ViewPasskeys, version: int) -> msgspec.Struct:
    """The credentials, or what an administrator or the person may see. Raises Refused `account.unknown`."""
    account = _known(state)
    if type(query) is ViewPasskeys:
        return factors.passkeys_view(account)
    if type(query) is ViewCredentials:
        return Credentials(
            account.account_id, account.enabled, account.role, account.password_hash, account.sealed_totp,
            account.recovery, account.last_totp_step, account.locked_until_ms, account.generation, account.passkeys,
        )  # fmt: skip
    return _account_view(account, version)


def _account_view(account: Account, version: int) -> AccountView:
    shift = account.shift
    return AccountView(
        account.account_id, version, account.role, account.locations, account.has_factor,
        account.locked_until_ms, account.enabled, shift is not None,
        *((shift.location_id, shift.started_ms, shift.ends_ms) if shift is not None else ("", 0, 0)), len(account.passkeys),
        account.given_until_ms,
    )  # fmt: skip


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Account).decode


def rows(state: Account, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The account's one row."""
    return [AccountRow(context.entity_id, version, state.role, int(state.enabled), _encode(state))]


def restore(entity_id: str, stored: StoredRows) -> tuple[Account, int] | None:
    """The state and version from the account's stored row."""
    found = stored.get("accounts")
    return (_decode(found[0].state), found[0].version) if found else None


ACCOUNT = Kind(
    name="account",
    commands=Command,
    events=Event,
    queries=ViewCredentials | ViewAccount | ViewPasskeys,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(AccountRow,),
    restore=restore,
    rows=rows,
    messages=messages,
    secret=True,
)
