"""The password of an account, as its person changes it, and its hash, as it is made anew.

A change is done on shift, by who knows the password that it replaces (ASVS 5.0.0, 6.2.3). The shift that does it goes
on under a new token, as after a step up: an account has one shift, so there is no other to end. It keeps its session's
id: a mark that an alert put on the session must not be shaken off by it. The refresh token before ends the shift when
somebody comes with it; access tokens before do not count any more.

A password that an administrator gave is known to two. So it is good for one thing only: taking another one, with the
second factor, before GIVEN_MS are over (ASVS 5.0.0, 6.4.1): by the sign-in (`account_shifts.sign_in`), or in a shift
that a passkey alone has opened. Whoever signs in with a password may replace it at the same time, also one of his own.

A new hash is of the same password, so what was judged against the hash before is as good as
ever, and the generation stays.
"""

from __future__ import annotations

from actors.domain import account_shifts as shifts
from actors.domain.account_commands import ChangeOwnPassword, RenewHash
from actors.domain.account_events import HashRenewed, PasswordChanged, PasswordChangeFailed
from actors.domain.account_state import ACCESS_MS, Account
from actors.domain.account_views import HashRenewal
from actors.domain.kind import Context, Decision


# --- decide ---------------------------------------------------------------------------------------------------------
def change(account: Account, command: ChangeOwnPassword, context: Context) -> Decision:
    """A new token under another password, or why not. Raises Refused `session.ended`."""
    shift = shifts.running(account, command.session_id, context)
    if context.now_ms < account.inside_locked_until_ms:
        return shifts.no_session("locked")
    knows = command.generation == account.generation and command.password_ok
    if not knows or not account.takes_password(context.now_ms):
        return shifts.no_session(
            "failed", PasswordChangeFailed(shift.session_id, *shifts.next_inside(account, context))
        )
    assert command.password_hash, "whoever proved the old password brings a new one"
    number, until_ms = shift.token_number + 1, context.now_ms + ACCESS_MS
    return shifts.session(PasswordChanged(shift.session_id, number, command.password_hash, until_ms))


def renew_hash(account: Account, command: RenewHash) -> Decision:
    """Nothing to do when the credentials have changed since the password was proved: it may not be theirs any more."""
    current = command.generation == account.generation
    return Decision(
        [HashRenewed(command.password_hash)] if current else [],
        lambda state, version: HashRenewal(state.account_id, current),
    )


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(account: Account, event: PasswordChanged | HashRenewed, context: Context) -> None:
    """The account has another hash; after a change, what was judged against the one before proves nothing."""
    account.password_hash = event.password_hash
    if type(event) is PasswordChanged:
        account.generation += 1
        account.given_until_ms = 0
        account.forgive()
        shifts.renew(account, event, context)
