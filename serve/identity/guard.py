"""Lets a request pass or not: who is it, is the session still good, may they do this, is the second factor fresh.

No I/O: a token is checked by its signature with the cell's public keys, once; after that its bytes are looked up.
Sessions that ended before their tokens are known by name (`ended.py`), fed by the hosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from actors.domain.account_state import STEP_UP_MS
from actors.domain.audit import Who
from actors.domain.personal_notes import CALLER, CALLER_SESSION
from actors.runtime.ports import Clock
from serve.audit.who import WhoAsks, on_device
from serve.context import ENTITY_ID, NEED, OPEN_TO_ALL, PRINCIPAL, WHO, Scope, headers_of
from serve.endpoint_needs import Need
from serve.identity.activity import Activity
from serve.identity.ended import EndedSessions
from serve.identity.keyring import Keyring, KeyringWatch
from serve.identity.limits import Routers
from serve.identity.tokens import IAT_LEEWAY_S, Claims, TokenRefused, verify_by
from serve.permissions import CUSTOMERS, ROLES, may
from serve.problems import Problem

STEP_UP_S = STEP_UP_MS // 1000
# Tokens whose signature was checked already, by their text. The oldest give way.
KNOWN_MAX = 20_000
_BEARER = b"bearer "
DEVICE_AUTHORIZATION = b"device-authorization"
_CHALLENGE = 'Bearer realm="ocefs"'


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Who asks. `locations`: empty for the whole region. `proved_s`: when the second factor was last given, of a
    customer when the session was opened (UTC seconds; 0 never). `number`: of the token within its shift. `device`: the
    enrolled device that asks, or on which somebody works; its session has to last too."""

    subject: Annotated[str, CALLER]
    session_id: Annotated[str, CALLER_SESSION]
    role: str
    permissions: frozenset[str]
    locations: frozenset[str]
    proved_s: int
    expires_s: int
    number: int
    device: Annotated[str, CALLER_SESSION] = ""
    device_session: str = ""


def principal_of(claims: Claims) -> Principal:
    """What a token says of its bearer. A role or scope that we don't know gives nothing."""
    permissions = ROLES.get(claims.role, frozenset()) if claims.role else frozenset(claims.scopes)
    return Principal(
        claims.sub, claims.sid, claims.role, permissions, frozenset(claims.locs), claims.auth_time, claims.exp, claims.num,
        claims.dev, claims.dev_sid,
    )  # fmt: skip


@dataclass(slots=True)
class _Bearer:
    """Whose token was checked before; it never leaves this process. `is_staff`: is it somebody on shift, whose session
    ends when nobody works; `since_s`: when it or its proof was given (UTC seconds); `who`: he for the audit, when he
    came from `address`, as he did last."""

    principal: Principal
    is_staff: bool
    since_s: int
    address: str = ""
    who: Who | None = None


class Guard:
    """The guard of one replica. `required` False: everybody may do everything, as long as nobody but this
    machine reaches the API."""

    def __init__(
        self, region: str, *, required: bool, keys: KeyringWatch | None, ended: EndedSessions, clock: Clock, routers: Routers, activity: Activity
    ) -> None:  # fmt: skip
        self.required = required
        self._region = region
        self._keys = keys
        self._ended = ended
        self._clock = clock
        self._routers = routers
        self._activity = activity
        self._known: dict[bytes, _Bearer] = {}
        self._known_by: Keyring | None = None
        self._who = WhoAsks()

    def check(self, scope: Scope, need: Need | None, location_id: str = "") -> None:
        """Raises Problem 401 or 403; `need` None: the endpoint is not declared, so nobody may use it."""
        is_open = need is not None and need.permission is None
        if is_open:
            scope[OPEN_TO_ALL] = True
        if not self.required:
            return
        keys = self._keyring()
        if is_open:
            self._name_nobody(scope, keys)
            return
        try:
            bearer = self._caller(headers_of(scope).get(b"authorization"), keys)
        except Problem:
            self._name_nobody(scope, keys)
            raise
        principal = scope[PRINCIPAL] = bearer.principal
        if bearer.is_staff and (need is None or need.attended):
            self._activity.note(principal.session_id, self._clock.now_ms())
        address = self._routers.address_of(scope)
        if bearer.who is None or bearer.address != address:
            assert keys is not None, "nobody is a bearer without keys"
            bearer.address, bearer.who = address, self._who.from_address(keys, address, principal)
        scope[WHO] = bearer.who
        if need is None or not may(need, principal.permissions):
            raise _forbidden(need)
        if need.at_location and principal.locations and location_id not in principal.locations:
            # For the audit.
            scope[ENTITY_ID] = location_id
            raise Problem("auth.location_forbidden", f"Your rights don't reach {location_id}.")
        scope[NEED] = need
        self._check_trust(need, principal)

    def check_again(self, scope: Scope) -> None:
        """Once more, after something of the request had to be waited for: who held back his body would otherwise act
        after his session has ended or is doubted. What a token allows is as it was. Raises Problem 401."""
        need: Need | None = scope.get(NEED)
        if need is not None:
            self._check_trust(need, self.caller(scope))

    def _check_trust(self, need: Need, principal: Principal) -> None:
        # What needs no permission is what a doubted session can be proved and ended by; where that needs a
        # proof, a doubted one is none.
        if need.permission and self._ended.unproved_s:
            self.require_trust(principal)
        if need.step_up and principal.role:
            self.require_proof(principal)

    def _keyring(self) -> Keyring | None:
        return None if self._keys is None else self._keys.current(self._clock.monotonic())

    def _name_nobody(self, scope: Scope, keys: Keyring | None) -> None:
        """Says for the audit from where somebody asks."""
        if keys is not None:
            scope[WHO] = self._who.from_address(keys, self._routers.address_of(scope))

    def caller(self, scope: Scope) -> Principal:
        """Who asks, whatever they may do. Raises Problem 401."""
        return self._caller(headers_of(scope).get(b"authorization"), self._keyring()).principal

    def device(self, scope: Scope) -> Principal | None:
        """The enrolled device on which somebody is signing in, by its token in DEVICE_AUTHORIZATION; None
        without. Raises Problem 401."""
        given = headers_of(scope).get(DEVICE_AUTHORIZATION)
        if given is None:
            return None
        found = self._caller(given, self._keyring()).principal
        # Tokens of people who work on a device name it as well.
        if found.subject != found.device:
            raise _refused("claims")
        on_device(scope, found.device)
        return found

    def check_device(self, device_session: str) -> None:
        """Raises Problem 401 when the device's session has ended; "": there is none."""
        if device_session in self._ended.until_ms:
            detail = "The device was revoked, moved or has a new key: sign in on another one, or once it has signed in again."
            raise _unauthorized("auth.session_ended", detail, "invalid_token")

    def require_trust(self, principal: Principal) -> None:
        """Raises Problem 401 when somebody doubts the session since the second factor was last given: in such a one
        nothing is done that is not everybody's."""
        if self._is_doubted(principal):
            raise _proof_required(principal)

    def require_proof(self, principal: Principal) -> None:
        """Raises Problem 401 as RFC 9470 says when the second factor was not given within STEP_UP_S or is doubted, or a
        customer's session is older."""
        if not self.has_proof(principal):
            raise _proof_required(principal)

    def has_proof(self, principal: Principal) -> bool:
        """Was the second factor given within STEP_UP_S, or a customer's session opened, and
        does nobody doubt it since?"""
        fresh = self._clock.now_ms() // 1000 - principal.proved_s <= STEP_UP_S
        return fresh and not self._is_doubted(principal)

    def _is_doubted(self, principal: Principal) -> bool:
        """Has the session been marked since the second factor was last given (`domain/revocations.py`, unproved)?"""
        doubted_s = self._ended.unproved_s.get(principal.session_id)
        return doubted_s is not None and principal.proved_s <= doubted_s

    def _caller(self, given: bytes | None, keys: Keyring | None) -> _Bearer:
        if given is None:
            raise _unauthorized("auth.token_missing", "Sign in: this needs `Authorization: Bearer <token>`.", "")
        if keys is None:
            raise Problem("auth.unavailable", "The cell has no keys to check tokens with.")
        if keys is not self._known_by:  # a key that is gone is believed no more
            self._known, self._known_by = {}, keys
        now_s = self._clock.now_ms() // 1000
        bearer = self._known.get(given)
        if bearer is None:
            claims = self._verified(given, now_s)
            is_staff = bool(claims.role) and claims.role not in CUSTOMERS
            bearer = _Bearer(principal_of(claims), is_staff, max(claims.iat, claims.auth_time))
            if len(self._known) >= KNOWN_MAX:
                del self._known[next(iter(self._known))]
            self._known[given] = bearer
        elif now_s >= bearer.principal.expires_s:
            del self._known[given]
            raise _refused("expired")
        elif bearer.since_s > now_s + IAT_LEEWAY_S:
            # The clock was ahead and has been set right: it and its proof would be good until then.
            raise _refused("not_yet")
        if bearer.principal.session_id in self._ended.until_ms:
            raise _unauthorized("auth.session_ended", "This session has ended: sign in again.", "invalid_token")
        if bearer.principal.number < self._ended.first_good.get(bearer.principal.session_id, 0):
            raise _refused("replaced")
        if bearer.principal.device_session:  # of machines there is none: no call for each of their requests
            self.check_device(bearer.principal.device_session)
        return bearer

    def _verified(self, given: bytes, now_s: int) -> Claims:
        if b"," in given:  # as `headers_of` joins several; no token has one
            raise _unauthorized("auth.token_invalid", "The token must be given once.", "invalid_request")
        if given[: len(_BEARER)].lower() != _BEARER:
            raise _unauthorized("auth.token_invalid", "Only Bearer tokens are taken.", "invalid_request")
        try:
            token = given[len(_BEARER) :].decode("ascii")
        except UnicodeDecodeError:
            raise _refused("malformed") from None
        assert self._keys is not None, "there are keys"
        try:
            return verify_by(self._keys, token, self._region, now_s)
        except TokenRefused as refused:
            raise _refused(refused.reason) from None


def _proof_required(principal: Principal) -> Problem:
    if principal.role in CUSTOMERS:
        # Of whom a code suffices, so nothing is said of two factors.
        detail = "Sign in again: POST /v1/customers/sessions with a code, or /v1/customers/sessions/passkey."
        wanted: dict[str, Any] = {"max_age": STEP_UP_S}
    else:
        detail = "Give your second factor again: POST /v1/sessions/current/proof."
        wanted = {"acr_values": "2", "max_age": STEP_UP_S}
    asked = "".join(f', {name}="{value}"' for name, value in wanted.items())
    why = f'error="insufficient_user_authentication"{asked}'
    return Problem("auth.step_up_required", detail, extra=wanted, headers=(challenge(why),))


def challenge(more: str) -> tuple[bytes, bytes]:
    """The header of every 401 (RFC 9110, 15.5.2): how to come in, and `more` about what was wrong."""
    return b"www-authenticate", (f"{_CHALLENGE}, {more}" if more else _CHALLENGE).encode()


def _unauthorized(code: str, detail: str, error: str, **extra: Any) -> Problem:
    return Problem(code, detail, extra=extra, headers=(challenge(f'error="{error}"' if error else ""),))


def _refused(reason: str) -> Problem:
    """RFC 6750 knows one error for all of them; the reason is for whoever looks for the
    mistake, and tells no secret."""
    return _unauthorized("auth.token_invalid", f"The token is not good ({reason}).", "invalid_token", reason=reason)


def _forbidden(need: Need | None) -> Problem:
    permission = "" if need is None else need.permission or ""
    detail = f"This needs the permission {permission}." if permission else "Nobody may do this."
    return Problem(
        "auth.forbidden", detail, extra={"permission": permission},
        headers=(challenge(f'error="insufficient_scope", scope="{permission}"'),),
    )  # fmt: skip
