"""What the identity routes share: keys, workers for passwords, asking accounts, and tokens for a shift that runs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import secrets
from typing import Any, TypeVar

import msgspec

from actors.domain.account_state import IDLE_MS, Shift
from actors.domain.account_views import AccountView, Credentials, ViewCredentials
from actors.domain.client import ClientView
from actors.domain.ids import account_id
from actors.domain.times import moment
from actors.runtime.sharding import digest_of
from actors.runtime.wire import OK, Reply
from serve.audit.who import named
from serve.context import PRINCIPAL, REQUEST_ID, Scope
from serve.identity.ceremonies import Ceremonies
from serve.identity.guard import Principal, challenge
from serve.identity.keyring import Keyring
from serve.identity.limits import BY_ADDRESS, CODES_BY_ADDRESS, CODES_BY_PERSON, TRIES_BY_PERSON, Limit, hold_to
from serve.identity.own_words import OwnWords
from serve.identity.passwords import (
    BreachedList,
    Overloaded,
    PasswordWorkers,
    WeakPassword,
    check_new_password,
    is_login,
)
from serve.identity.schemas import ShiftView, Tokens
from serve.identity.sealing import Unsealable, login_digest, seal, unseal, unseal_newest
from serve.identity.tokens import ACCESS_S, REFRESH_S, Claims, TokenRefused, issue, issuer_of, verify_by
from serve.identity.totp import matching_step, recovery_hash
from serve.keys.data_keys import DataKeys
from serve.permissions import CUSTOMERS
from serve.problems import Problem, field_problem, of_refusal
from serve.services import Services

T = TypeVar("T", bound=msgspec.Struct)
UNKNOWN = "account.unknown"
# What is counted by address of all that proves itself, once it was not good.
REFUSED = "refused"
log = logging.getLogger("ocefs.identity")


class Desk:
    """Of one replica. `breached_file`: see BreachedList."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.region = services.settings.region
        breached = services.settings.breached_passwords
        self.breached = BreachedList(breached or None)
        self.own_words = OwnWords(services.settings.own_words)
        self.workers = PasswordWorkers()
        settings = services.settings
        self.ceremonies = Ceremonies(settings.rp_id, settings.origins, f"OCEFS {settings.region}")

    def now_ms(self) -> int:
        """UTC, milliseconds."""
        return self.services.clock.now_ms()

    def keys(self) -> Keyring:
        """The cell's keys. Raises Problem 503 when there are none."""
        found = None if self.services.keys is None else self.services.keys.current(self.services.clock.monotonic())
        if found is None:
            raise Problem("auth.unavailable", "The cell has no keys: nobody can sign in.")
        return found

    def data_keys(self) -> DataKeys:
        """The customers' keys. Raises Problem 503 in a cell that has none."""
        found = self.services.data_keys
        if found is None:
            raise Problem("auth.unavailable", "The cell has no keys to keep an address with.")
        return found

    async def hold_to(self, limit: Limit, kind: str, who: str) -> None:
        """Counts a try of somebody. Raises Problem 429 or 503."""
        await hold_to(self.services.limits, limit, kind, who, self.now_ms())

    async def hold_address(self, scope: Scope, what: str) -> None:
        """Counts a try of `what` from the caller's address: before it is looked at where it can be guessed or costs
        much, else when it was not good (REFUSED). Raises Problem 429 or 503."""
        await self._hold_place(BY_ADDRESS, f"{what}-address", scope)

    async def hold_asking(self, scope: Scope) -> None:
        """Counts a request for a code from the caller's address. Raises Problem 429 or 503."""
        await self._hold_place(CODES_BY_ADDRESS, "codes-address", scope)

    async def hold_codes(self, scope: Scope, what: str, who: str) -> None:
        """Counts a request for a code for somebody (a customer, an order) by the caller's network too, as `hold_tries`:
        whoever asks with a wrong address has nothing sent, and would keep the owner from asking with the right one. How
        many codes are sent, from wherever they are asked for, the codes count (`one_time_code.asked`). Raises Problem
        429 or 503."""
        await self.hold_to(CODES_BY_PERSON, what, f"{who} {self.services.routers.network_of(scope)}")

    async def _hold_place(self, limit: Limit, kind: str, scope: Scope) -> None:
        routers = self.services.routers
        await self.hold_to(limit, kind, routers.network_of(scope))
        around = routers.around_of(scope)
        if around:
            await self.hold_to(limit.around(), f"{kind}-around", around)

    async def hold_tries(self, scope: Scope, what: str, who: str) -> None:
        """Counts a try of `what` for somebody (a customer, an order, a device) by the caller's network too: whoever
        knows an e-mail address or an id uses up nobody's tries but those of his own network. How often a code may be
        tried from all of them, the code itself counts. Raises Problem 429 or 503."""
        await self.hold_to(TRIES_BY_PERSON, what, f"{who} {self.services.routers.network_of(scope)}")

    def renewing(self, token: str) -> Claims:
        """What a refresh token says. Raises TokenRefused, and Problem 503."""
        self.keys()  # looks at the file when it is time to, and refuses where there is none
        assert self.services.keys is not None
        return verify_by(self.services.keys, token, self.region, self.now_ms() // 1000, "refresh")

    async def refresh_refused(self, refused: TokenRefused, scope: Scope) -> Problem:
        """What is told of a refresh token that is not good. Raises Problem 429 or 503."""
        # Whoever has an old one of ours has to hear that he must sign in again, whatever others send beside him.
        if refused.reason != "expired":
            await self.hold_address(scope, REFUSED)
        detail = f"The refresh token is not good ({refused.reason})."
        headers = (challenge('error="invalid_token"'),)
        return Problem("auth.token_invalid", detail, extra={"reason": refused.reason}, headers=headers)

    def person(self, scope: Scope) -> Principal:
        """Which member of staff asks. With identity off the guard has let everybody pass; here it matters
        who it is. Raises Problem."""
        found = scope.get(PRINCIPAL) or self.services.guard.caller(scope)
        assert isinstance(found, Principal)
        if not found.role or found.role in CUSTOMERS:
            raise Problem("auth.forbidden", "Only people on shift may do this: machines have none.")
        return found

    # --- actors
    async def ask(self, kind: str, entity_id: str, command: msgspec.Struct, scope: Scope, reply: type[T]) -> T:
        """A command that is done once and never again. Raises Problem. For the audit, who is not yet
        known is whom he names."""
        body = msgspec.msgpack.encode(command)
        who = named(scope, entity_id)
        answer = await self.services.gateway.ask(
            kind, entity_id, command,
            command_id=secrets.token_hex(16), digest=digest_of(body), cause=scope[REQUEST_ID], who=who,
        )  # fmt: skip
        return told(answer, reply)

    async def view(self, kind: str, entity_id: str, query: msgspec.Struct, scope: Scope, reply: type[T]) -> T:
        """Raises Problem."""
        return told(await self.services.gateway.view(kind, entity_id, query, cause=scope[REQUEST_ID]), reply)

    def account_of(self, login: str) -> str:
        """The id of the account with this login name, whether there is one or not."""
        return account_id(self.region, login_digest(self.keys(), login))

    async def credentials(self, identity: str, scope: Scope) -> Credentials | None:
        """What a sign-in is checked against; None when there is no such account."""
        try:
            return await self.view("account", identity, ViewCredentials(), scope, Credentials)
        except Problem as problem:
            if problem.code == UNKNOWN:
                return None
            raise

    def check_own(self, kind: str, entity_id: str) -> None:
        """Raises Problem 404 for an id that is not of this region, even if something of that name lay here."""
        if not entity_id.startswith(f"{self.region}-"):
            raise Problem(f"{kind}.unknown", f"There is no such {kind}.")

    async def check_reach(
        self, kind: str, entity_id: str, query: msgspec.Struct, view: type[AccountView] | type[ClientView], scope: Scope
    ) -> None:
        """Raises Problem 403 when the caller is bound to locations and the account or client is
        not bound to some of them."""
        principal = scope.get(PRINCIPAL)
        if principal is not None and principal.locations:
            found: AccountView | ClientView = await self.view(kind, entity_id, query, scope, view)
            check_given(scope, found.locations)

    async def used_ms(self, session_id: str) -> int | None:
        """When somebody last did something in the session (UTC ms; 0: never); None while nobody can tell, as in a cell
        whose guard lets everybody pass."""
        services = self.services
        return await services.activity.last_ms(session_id) if services.guard.required else None

    # --- secrets
    def keyed_digest(self, entity_id: str, body: bytes) -> int:
        """63 bits of a body that holds a password: without the cell's key nobody can try passwords by them."""
        digest = hmac.digest(self.keys().lookup_key, b"body\0" + entity_id.encode() + b"\0" + body, "sha256")
        return int.from_bytes(digest[:8], "big") >> 1

    async def fits(self, password_hash: str, password: str) -> bool:
        """Is it the password? Raises Problem 429 when too many ask."""
        try:
            return await self.workers.verify(password_hash, password)
        except Overloaded:
            raise Problem("auth.busy", "Too many people sign in at this moment.") from None

    async def hashed(self, password: str) -> str:
        """The hash to be kept. Raises Problem 429 when too many ask."""
        try:
            return await self.workers.hash(password)
        except Overloaded:
            raise Problem("auth.busy", "Too many people sign in at this moment.") from None

    def check_new_password(self, identity: str, password: str, place: str, login: str = "", before: str = "") -> None:
        """Raises Problem 422 with `place` when nobody should have this password, or `identity` should not, as it takes
        the place of `before`. Login names are kept nowhere in clear: where none is given, whether the password is the
        account's is known by their digest."""
        try:
            check_new_password(password, self.breached, self.own_words, login, before)
            if self.account_of(password) == identity:
                raise is_login()
        except WeakPassword as weak:
            raise field_problem("password.weak", str(weak), place) from None

    def second_factor(self, credentials: Credentials, code: str, recovery_code: str) -> tuple[int, str]:
        """(time step that the code belongs to or 0, hash of the recovery code or "")."""
        step = 0
        if code and credentials.sealed_totp:
            try:
                secret = unseal(self.keys(), credentials.sealed_totp, f"totp:{credentials.account_id}")
                step = matching_step(secret, code, self.now_ms() // 1000)
            except Unsealable:  # told to operations, not to whoever tries
                log.error("factor.unsealable", extra={"entity_id": credentials.account_id})
        return step, recovery_hash(recovery_code) if recovery_code else ""

    def ticket(self, purpose: str, content: Any) -> str:
        """Content that the caller keeps for us, for one purpose; it can neither be read nor changed."""
        sealed = seal(self.keys(), msgspec.json.encode(content), f"ticket:{purpose}")
        return base64.urlsafe_b64encode(sealed).decode("ascii")

    def open_ticket(self, purpose: str, ticket: str, content: type[T]) -> T:
        """Raises Problem 422."""
        try:
            sealed = base64.b64decode(ticket.encode("ascii"), altchars=b"-_", validate=True)
            return msgspec.json.decode(unseal_newest(self.keys(), sealed, f"ticket:{purpose}"), type=content)
        except (UnicodeEncodeError, binascii.Error, Unsealable, msgspec.MsgspecError):
            raise Problem(
                "factor.request_invalid", "This is not what an enrolment gave, or it was for another step."
            ) from None

    # --- tokens
    def tokens(self, identity: str, locations: list[str], shift: Shift) -> Tokens:
        """An access and a refresh token for a shift that runs. Raises Problem 401 when it ends within this second."""
        keys, now_s = self.keys(), self.now_ms() // 1000
        ends_s = min(shift.ends_ms // 1000, now_s + REFRESH_S)  # the host's clock may be ahead of ours
        # Nobody comes back by it after the shift was idle for too long; whoever works meanwhile is given a longer one.
        idle_s = (shift.seen_ms + IDLE_MS[shift.role]) // 1000
        if min(ends_s, idle_s) <= now_s:
            raise Problem("session.ended", "This session has ended: sign in again.")

        def claims(expires_s: int, use: str) -> Claims:
            return Claims(
                iss=issuer_of(self.region), sub=identity, sid=shift.session_id, role=shift.role, scopes=(),
                locs=tuple(locations), iat=now_s, exp=expires_s, auth_time=shift.proved_ms // 1000, acr="2",
                num=shift.token_number, dev=shift.device_id, dev_sid=shift.device_session, use=use,  # type: ignore[arg-type]
            )  # fmt: skip

        expires_s = min(now_s + ACCESS_S, ends_s, idle_s)
        view = ShiftView(
            shift.session_id, shift.role, shift.location_id, moment(shift.started_ms), moment(shift.ends_ms)
        )
        return Tokens(
            issue(keys, claims(expires_s, "access")), issue(keys, claims(ends_s, "refresh")), "Bearer", expires_s - now_s, view
        )  # fmt: skip


def told(reply: Reply, view: type[T]) -> T:
    """What an actor answered. Raises Problem for everything but success."""
    if reply.status == OK:
        return msgspec.json.decode(reply.body, type=view)
    raise of_refusal(reply)


async def not_before(moment_s: float) -> None:
    """Waits until the loop's clock shows that: so that how long an answer takes tells nothing."""
    left = moment_s - asyncio.get_running_loop().time()
    if left > 0:
        await asyncio.sleep(left)


def check_given(scope: Scope, locations: list[str]) -> None:
    """Raises Problem 403 when somebody who is bound to locations would give rights at others, or everywhere."""
    principal = scope.get(PRINCIPAL)
    if principal is not None and principal.locations and not (locations and principal.locations.issuperset(locations)):
        raise Problem("account.beyond_rights", "Your own rights reach some locations only; name some of these.")
