"""The two tokens of a customer's session: one for five minutes, and one by which they are renewed."""

from __future__ import annotations

from actors.domain.customer_state import Session
from serve.customers.schemas import CustomerTokens
from serve.identity.desk import Desk
from serve.identity.tokens import ACCESS_S, REFRESH_S, Claims, issue, issuer_of
from serve.problems import Problem

# The role of everybody who has an account.
CUSTOMER = "customer"


def tokens(desk: Desk, customer_id: str, session: Session) -> CustomerTokens:
    """For a session that runs. They say when it was opened, since some things take one that is young. Raises Problem
    401 when it ends within this second."""
    keys, now_s = desk.keys(), desk.now_ms() // 1000
    ends_s = min(session.ends_ms // 1000, now_s + REFRESH_S)
    if ends_s <= now_s:
        raise Problem("session.ended", "This session has ended: sign in again.")

    def token(expires_s: int, use: str) -> str:
        claims = Claims(
            iss=issuer_of(desk.region), sub=customer_id, sid=session.session_id, role=CUSTOMER, scopes=(), locs=(),
            iat=now_s, exp=expires_s, auth_time=session.opened_ms // 1000, acr="2" if session.by_passkey else "1",
            num=session.token_number, dev="", dev_sid="",
            use=use,  # type: ignore[arg-type]
        )  # fmt: skip
        return issue(keys, claims)

    expires_s = min(now_s + ACCESS_S, ends_s)
    return CustomerTokens(
        token(expires_s, "access"), token(ends_s, "refresh"), "Bearer", expires_s - now_s, customer_id
    )  # fmt: skip
