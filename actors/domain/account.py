"""An account of a member of staff: password, second factor, and the one shift that it may be on.

    (unknown) ──OpenAccount──▶ without factor ──EnrolTotp──▶ off shift ──SignIn──▶ on shift ─┐ Refresh, StepUp: a new token
                                     ▲                        │  ▲                   │  ▲    │ SignIn: another shift instead
                                     └──────ResetFactor───────┘  └─────EndShift──────┘  └────┘
    on shift → off shift as well: an old token number in Refresh, ChangeRole, SetPassword, ResetFactor (→ without factor),
                                  Disable; and by itself, without an event, after `ends_ms` or when idle for IDLE_MS
    enabled ◀──Enable / Disable──▶ disabled                nobody signs in
    failures 1, 2, … LOCK_AFTER ──▶ locked for LOCK_MS     a right password and a right code don't help meanwhile

A failed proof is not a refusal: a refusal changes nothing, and failures are counted. Every code of the second factor is taken
once: time steps only rise (RFC 6238 section 5.2), recovery codes are crossed out. Each token of a shift has a number; whoever comes
with an old one holds a token that was stolen, or whose successor was, so the shift ends (RFC 9700 section 4.14.2).

A proof is judged against credentials that were read a moment before (a slow hash lies in between). So they have a generation, which every
change of them raises, and a proof of another generation proves nothing: nobody gets in with a password that was just replaced.

Passwords, codes and login names are checked elsewhere. What comes here is the outcome, hashes (argon2id of passwords), and sealed
secrets. These stand in events too, so the events of accounts are for nobody to read. Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from actors.domain import ids
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.revocations import Revoke
from actors.domain.rows import AccountRow

_MINUTE_MS = 60_000
LOCK_AFTER = 10
LOCK_MS = 30 * _MINUTE_MS
SHIFT_MAX_MS = 12 * 60 * _MINUTE_MS
# For how long the proof of a second factor allows what needs a fresh one.
STEP_UP_MS = 5 * _MINUTE_MS
# Of a proof that was judged against no credentials in particular: it proves nothing.
NO_GENERATION = -1
ROLES = ("associate", "fulfilment", "manager", "driver", "support", "auditor", "privacy", "ops")
IDLE_MS: Mapping[str, int] = {role: (15 if role == "manager" else 60) * _MINUTE_MS for role in ROLES}

SignInReason = Literal["", "failed", "locked", "factor_missing"]
SessionReason = Literal["", "token_reused", "failed", "locked"]


# --- commands -------------------------------------------------------------------------------------------------------
class OpenAccount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new account, yet without a second factor. `locations`: where it may work, empty for the whole region."""

    role: str
    locations: list[str]
    password_hash: str


class EnrolTotp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor, once its first code was proved: for the time step `totp_step`. `recovery`: hashes of its recovery codes."""

    sealed_totp: bytes
    totp_step: int
    recovery: list[str]
    generation: int = NO_GENERATION


class SignIn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Begins a shift. `totp_step`: the time step whose code was given, 0 when none fits; `recovery_hash`: of the recovery code given
    instead, "" for none; `location_id`: "" for nowhere in particular; `planned_ms`: the shift's length, 0 for the longest."""

    session_id: str
    password_ok: bool
    totp_step: int
    recovery_hash: str
    location_id: str
    planned_ms: int
    device: str
    generation: int = NO_GENERATION


class Refresh(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new token for the shift in exchange for that of number `token_number`."""

    session_id: str
    token_number: int


class StepUp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Proves the second factor again, as in SignIn, and gets a new token."""

    session_id: str
    totp_step: int
    recovery_hash: str
    generation: int = NO_GENERATION


class EndShift(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Signs out. Nothing to do when the session is not that of the shift."""

    session_id: str


class ChangeRole(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Other rights. As all that follow, it ends the shift."""

    role: str
    locations: list[str]


class SetPassword(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Another password."""

    password_hash: str


class ResetFactor(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Forgets the second factor and its recovery codes: another one has to be enrolled."""


class Disable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody signs in to the account any more."""


class Enable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account may be used again."""


_Administrative = EnrolTotp | ChangeRole | SetPassword | ResetFactor | Disable | Enable
Command = OpenAccount | SignIn | Refresh | StepUp | EndShift | _Administrative


# --- state ----------------------------------------------------------------------------------------------------------
class Shift(msgspec.Struct, frozen=True, gc=False):
    """A session of work. `role` and `location_id` ("" or one) are those of its tokens; `seen_ms`: last activity; `proved_ms`: last
    proof of the second factor; `token_number`: of the one token that Refresh takes."""

    session_id: str
    role: str
    location_id: str
    started_ms: int
    ends_ms: int
    seen_ms: int
    proved_ms: int
    token_number: int
    device: str


class Account(msgspec.Struct):
    """The state of an account. `sealed_totp`: b"" while there is no second factor; `last_totp_step`: the newest that was taken;
    `recovery`: hashes of unused recovery codes; `failures`: since the last success or lock."""

    account_id: str
    role: str
    locations: list[str]
    password_hash: str
    sealed_totp: bytes = b""
    last_totp_step: int = 0
    recovery: list[str] = []
    failures: int = 0
    failed_at_ms: int = 0
    locked_until_ms: int = 0
    enabled: bool = True
    shift: Shift | None = None
    generation: int = 0


# --- events ---------------------------------------------------------------------------------------------------------
class EndedShift(msgspec.Struct, frozen=True, gc=False):
    """A session whose tokens have to be revoked; from `until_ms` on none would be good anyway."""

    session_id: str
    until_ms: int


class AccountOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account exists."""

    role: str
    locations: list[str]
    password_hash: str


class TotpEnrolled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is a second factor; the code of `totp_step` is used up."""

    sealed_totp: bytes
    totp_step: int
    recovery: list[str]


class SignedIn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A shift began. `totp_step` and `recovery_hash` are used up; `ended`: the shift before."""

    shift: Shift
    totp_step: int
    recovery_hash: str
    ended: EndedShift | None = None


class SignInFailed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Password or second factor did not fit, for the `failures`th time. `locked_until_ms`: 0, or until when nobody may try."""

    failures: int
    locked_until_ms: int = 0


class ShiftRefreshed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The shift has a new token, of this number."""

    session_id: str
    token_number: int


class SteppedUp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor was proved again during the shift, which has a new token. What was used is used up."""

    session_id: str
    token_number: int
    totp_step: int
    recovery_hash: str


class StepUpFailed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor did not fit during the shift; see SignInFailed."""

    session_id: str
    failures: int
    locked_until_ms: int = 0


class ShiftEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The shift is over: signed out, or an old token was used."""

    ended: EndedShift
    reason: Literal["signed_out", "token_reused"]


class RoleChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account's rights are now these."""

    role: str
    locations: list[str]
    ended: EndedShift | None = None


class PasswordSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account has another password."""

    password_hash: str
    ended: EndedShift | None = None


class FactorReset(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account has no second factor any more."""

    ended: EndedShift | None = None


class AccountDisabled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account is off."""

    ended: EndedShift | None = None


class AccountEnabled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account is on again."""


_Ending = SignedIn | ShiftEnded | RoleChanged | PasswordSet | FactorReset | AccountDisabled
Event = (
    AccountOpened | TotpEnrolled | SignInFailed | ShiftRefreshed | SteppedUp | StepUpFailed | AccountEnabled | _Ending
)


# --- queries and answers --------------------------------------------------------------------------------------------
class ViewCredentials(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what a password and a code are checked against; inside the cell only."""


class ViewAccount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what an administrator may see."""


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """Hashes and sealed secrets; never leaves the cell."""

    account_id: str
    enabled: bool
    role: str
    password_hash: str
    sealed_totp: bytes
    recovery: list[str]
    last_totp_step: int
    locked_until_ms: int
    generation: int


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """An account without its secrets; also the answer to who administers it. The shift's fields are "" and 0 without one; a shift that
    is past `shift_ends_ms`, or was idle for too long, is still told."""

    account_id: str
    version: int
    role: str
    locations: list[str]
    has_factor: bool
    locked_until_ms: int
    enabled: bool
    on_shift: bool
    shift_location_id: str
    shift_started_ms: int
    shift_ends_ms: int


class FactorEnrolled(msgspec.Struct, frozen=True, gc=False):
    """The answer to EnrolTotp."""

    account_id: str
    version: int


class SignInOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to SignIn. When not `ok`, only `reason` and `account_id` are told."""

    ok: bool
    reason: SignInReason
    account_id: str
    role: str
    locations: list[str]
    shift: Shift | None


class SessionOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to Refresh and StepUp. When not `ok`, only `reason` and `account_id` are told: "token_reused" says that the shift has
    ended, "failed" and "locked" that it goes on as it was."""

    ok: bool
    reason: SessionReason
    account_id: str
    role: str
    locations: list[str]
    shift: Shift | None


class ShiftOver(msgspec.Struct, frozen=True, gc=False):
    """The answer to EndShift. `ended`: false when there was nothing to end."""

    account_id: str
    ended: bool


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Account | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules. Raises Refused `account.exists`, `account.unknown`, `account.role_unknown`,
    `account.factor_exists`, `account.changed`, `account.location_not_allowed`, `session.ended`."""
    if type(command) is OpenAccount:
        if state is not None:
            detail = f"Account {context.entity_id} exists already."
            raise Refused("account.exists", detail, account_id=context.entity_id)
        _check_role(command.role)
        return _changed(AccountOpened(command.role, command.locations, command.password_hash))
    account = _known(state)
    if type(command) is SignIn:
        return _sign_in(account, command, context)
    if type(command) is Refresh:
        return _refresh(account, command, context)
    if type(command) is StepUp:
        return _step_up(account, command, context)
    if type(command) is EndShift:
        return _end_shift(account, command)
    assert isinstance(command, _Administrative)
    return _administer(account, command)


def _known(state: Account | None) -> Account:
    if state is None:
        raise Refused("account.unknown", "There is no such account.")
    return state


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise Refused("account.role_unknown", f"There is no role {role}.", role=role, roles=list(ROLES))


def _changed(*events: Event) -> Decision:
    return Decision(list(events), _account_view)


def _session(event: Event) -> Decision:
    return Decision(
        [event],
        lambda state, version: SessionOutcome(True, "", state.account_id, state.role, state.locations, state.shift),
    )


def _no_session(reason: SessionReason, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: SessionOutcome(False, reason, state.account_id, "", [], None))


def _not_signed_in(reason: SignInReason, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: SignInOutcome(False, reason, state.account_id, "", [], None))


def _ended(account: Account) -> EndedShift | None:
    return EndedShift(account.shift.session_id, account.shift.ends_ms) if account.shift is not None else None


def _running(account: Account, session_id: str, context: Context) -> Shift:
    shift, now_ms = account.shift, context.now_ms
    if shift is None or shift.session_id != session_id:
        raise Refused("session.ended", "This session has ended.", reason="signed_out")
    if now_ms >= shift.ends_ms:
        raise Refused("session.ended", "The shift is over.", reason="shift_over")
    if now_ms - shift.seen_ms > IDLE_MS[shift.role]:
        raise Refused("session.ended", "This session was not used for too long.", reason="idle")
    return shift


def _factor_fits(account: Account, command: SignIn | StepUp) -> bool:
    if command.recovery_hash:
        return command.recovery_hash in account.recovery
    return command.totp_step > account.last_totp_step


def _next_failure(account: Account, context: Context) -> tuple[int, int]:
    """(how many it makes, until when the account is locked for it or 0)."""
    failures = account.failures + 1
    return failures, context.now_ms + LOCK_MS if failures >= LOCK_AFTER else 0


def _sign_in(account: Account, command: SignIn, context: Context) -> Decision:
    if not account.enabled:
        return _not_signed_in("failed")
    if context.now_ms < account.locked_until_ms:
        return _not_signed_in("locked")
    password_ok = command.password_ok and command.generation == account.generation
    if password_ok and not account.sealed_totp:
        return _not_signed_in("factor_missing")
    if not password_ok or not _factor_fits(account, command):
        return _not_signed_in("failed", SignInFailed(*_next_failure(account, context)))
    # Only now: where somebody may work is nothing for who is not known yet.
    if account.locations and command.location_id not in account.locations:
        raise Refused(
            "account.location_not_allowed", "This account does not work there.",
            location_id=command.location_id, locations=account.locations,
        )  # fmt: skip
    now_ms = context.now_ms
    length_ms = min(command.planned_ms, SHIFT_MAX_MS) if command.planned_ms > 0 else SHIFT_MAX_MS
    shift = Shift(
        command.session_id, account.role, command.location_id, now_ms, now_ms + length_ms, now_ms, now_ms, 1,
        command.device,
    )  # fmt: skip
    return Decision(
        [SignedIn(shift, command.totp_step, command.recovery_hash, _ended(account))],
        lambda state, version: SignInOutcome(True, "", state.account_id, state.role, state.locations, state.shift),
    )


def _refresh(account: Account, command: Refresh, context: Context) -> Decision:
    shift = _running(account, command.session_id, context)
    if command.token_number == shift.token_number:
        return _session(ShiftRefreshed(shift.session_id, shift.token_number + 1))
    return _no_session("token_reused", ShiftEnded(EndedShift(shift.session_id, shift.ends_ms), "token_reused"))


def _step_up(account: Account, command: StepUp, context: Context) -> Decision:
    shift = _running(account, command.session_id, context)
    if context.now_ms < account.locked_until_ms:
        return _no_session("locked")
    if command.generation != account.generation or not _factor_fits(account, command):
        return _no_session("failed", StepUpFailed(shift.session_id, *_next_failure(account, context)))
    stepped_up = SteppedUp(shift.session_id, shift.token_number + 1, command.totp_step, command.recovery_hash)
    return _session(stepped_up)


def _end_shift(account: Account, command: EndShift) -> Decision:
    ended = _ended(account)
    mine = ended is not None and ended.session_id == command.session_id
    return Decision(
        [ShiftEnded(ended, "signed_out")] if ended is not None and mine else [],
        lambda state, version: ShiftOver(state.account_id, mine),
    )


def _administer(account: Account, command: _Administrative) -> Decision:
    ended = _ended(account)
    if type(command) is EnrolTotp:
        assert command.sealed_totp, "empty stands for no second factor"
        if account.sealed_totp:
            detail = "This account has a second factor already."
            raise Refused("account.factor_exists", detail, account_id=account.account_id)
        if command.generation != account.generation or not account.enabled:
            raise Refused("account.changed", "The account was changed meanwhile: sign in again.")
        return Decision(
            [TotpEnrolled(command.sealed_totp, command.totp_step, command.recovery)],
            lambda state, version: FactorEnrolled(state.account_id, version),
        )
    if type(command) is ChangeRole:
        _check_role(command.role)
        return _changed(RoleChanged(command.role, command.locations, ended))
    if type(command) is SetPassword:
        return _changed(PasswordSet(command.password_hash, ended))
    if type(command) is ResetFactor:
        return _changed(*([FactorReset(ended)] if account.sealed_totp else []))
    if type(command) is Disable:
        return _changed(*([AccountDisabled(ended)] if account.enabled else []))
    return _changed(*([] if account.enabled else [AccountEnabled()]))


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Account | None, event: Event, context: Context) -> Account:
    """The next state; takes over `state`."""
    if type(event) is AccountOpened:
        return Account(context.entity_id, event.role, event.locations, event.password_hash)
    assert state is not None
    if isinstance(event, SignInFailed | StepUpFailed):
        _count(state, event, context)
    elif type(event) is SignedIn:
        _use_up(state, event)
        state.shift = event.shift
    elif type(event) is SteppedUp:
        _use_up(state, event)
        _renew(state, event, context)
    elif type(event) is ShiftRefreshed:
        _renew(state, event, context)
    elif type(event) is TotpEnrolled:
        state.generation += 1
        state.sealed_totp, state.recovery = event.sealed_totp, event.recovery
        state.last_totp_step = max(state.last_totp_step, event.totp_step)
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
        account.password_hash = event.password_hash
        account.failures, account.locked_until_ms = 0, 0
    elif type(event) is FactorReset:
        account.sealed_totp, account.recovery = b"", []
        account.failures, account.locked_until_ms = 0, 0
    elif type(event) is AccountDisabled:
        account.enabled = False


def _count(account: Account, event: SignInFailed | StepUpFailed, context: Context) -> None:
    account.failures, account.failed_at_ms = event.failures, context.now_ms
    if event.locked_until_ms:
        account.failures, account.locked_until_ms = 0, event.locked_until_ms


def _use_up(account: Account, event: SignedIn | SteppedUp) -> None:
    account.failures, account.locked_until_ms = 0, 0
    account.last_totp_step = max(account.last_totp_step, event.totp_step)
    account.recovery = [known for known in account.recovery if known != event.recovery_hash]


def _renew(account: Account, event: ShiftRefreshed | SteppedUp, context: Context) -> None:
    assert account.shift is not None
    proved_ms = context.now_ms if type(event) is SteppedUp else account.shift.proved_ms
    account.shift = msgspec.structs.replace(
        account.shift, seen_ms=context.now_ms, proved_ms=proved_ms, token_number=event.token_number
    )


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(account_id: str, event: Event) -> Iterable[Message]:
    """A session that ended is revoked."""
    if isinstance(event, _Ending) and event.ended is not None:
        revocations_id = ids.revocations_id(ids.region_of(account_id))
        yield Message("revocations", revocations_id, Revoke(event.ended.session_id, event.ended.until_ms))


def view(state: Account | None, query: ViewCredentials | ViewAccount, version: int) -> msgspec.Struct:
    """The credentials, or what an administrator may see. Raises Refused `account.unknown`."""
    account = _known(state)
    if type(query) is ViewCredentials:
        return Credentials(
            account.account_id, account.enabled, account.role, account.password_hash, account.sealed_totp,
            account.recovery, account.last_totp_step, account.locked_until_ms, account.generation,
        )  # fmt: skip
    return _account_view(account, version)


def _account_view(account: Account, version: int) -> AccountView:
    shift = account.shift
    return AccountView(
        account.account_id, version, account.role, account.locations, bool(account.sealed_totp),
        account.locked_until_ms, account.enabled, shift is not None,
        *((shift.location_id, shift.started_ms, shift.ends_ms) if shift is not None else ("", 0, 0)),
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
    queries=ViewCredentials | ViewAccount,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(AccountRow,),
    restore=restore,
    rows=rows,
    messages=messages,
    secret=True,
)
