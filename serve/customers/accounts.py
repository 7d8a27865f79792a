"""`/v1/customers`: accounts without a password. An address, a code that is sent there, and a session that
lives as long as it is used.

Whether there is an account is told to nobody who does not read that address.
"""

from __future__ import annotations

import asyncio
import secrets

from fastapi import APIRouter, Request
from msgspec import json
from starlette.responses import Response

from actors.domain.customer_commands import EndSession, KeepCode, KeepEmail, RefreshSession, TryCode
from actors.domain.customer_views import CustomerAccount, CustomerSession, KeptOfCustomer, ViewCustomer
from actors.domain.ids import customer_id
from actors.domain.one_time_code import CODE_MS
from serve.context import ENTITY_ID, PRINCIPAL, REQUEST_ID, Scope
from serve.customers.codes import new_code, plain
from serve.customers.guests import ASKED, code_refused
from serve.customers.proved_email import opened_email, sealed_email
from serve.customers.quiet import Quietly
from serve.customers.schemas import (
    CodeAsked,
    CustomerRefreshRequest,
    CustomerSessionRequest,
    CustomerTokens,
    EmailRequest,
)
from serve.customers.tokens import CUSTOMER, tokens
from serve.customers.unproved import unproved
from serve.identity.desk import Desk, not_before
from serve.identity.emails import Email, checked
from serve.identity.guard import Principal
from serve.identity.limits import BY_SESSION
from serve.identity.sealing import code_digest, email_digest
from serve.identity.tokens import TokenRefused
from serve.notices.port import Notice, Notifications, Template
from serve.openapi import documented
from serve.problems import Problem
from serve.requests import decode
from serve.responses import AnswerResponse, encode, ok

# No refusal of a code is given earlier.
REFUSAL_S = 0.5
_email_decoder = json.Decoder(EmailRequest)
_session_decoder = json.Decoder(CustomerSessionRequest)
_refresh_decoder = json.Decoder(CustomerRefreshRequest)
_EMAIL = {"email": "mia@example.com"}
_SESSION = {"email": "mia@example.com", "code": "12345678"}


def caller(desk: Desk, scope: Scope) -> Principal:
    """Who asks. With identity off the guard has let everybody pass; here it matters who it is."""
    found = scope.get(PRINCIPAL) or desk.services.guard.caller(scope)
    assert isinstance(found, Principal)
    return found


class _Accounts:
    """The handlers' work."""

    def __init__(self, desk: Desk, notifications: Notifications) -> None:
        self._desk = desk
        self._notifications = notifications
        self._quietly = Quietly()

    def _id(self, email: Email) -> str:
        return customer_id(self._desk.region, email_digest(self._desk.keys(), email.comparable))

    async def ask_code(self, request: Request, *, opens: bool) -> None:
        desk, scope = self._desk, request.scope
        await desk.hold_asking(scope)
        write = await desk.services.bodies.read(scope, request.receive, keyed=False)
        email = checked(decode(_email_decoder, write.body).email, "/email")
        identity = scope[ENTITY_ID] = self._id(email)
        await desk.hold_codes(scope, "customer-codes", identity)
        await self._quietly.do(self._send(identity, email, scope, opens=opens), scope[REQUEST_ID])

    async def _send(self, identity: str, email: Email, scope: Scope, *, opens: bool) -> None:
        desk = self._desk
        keys, code = desk.keys(), new_code()
        # Made before the account, which says what becomes of it: who proves nothing leaves no key. Who signs in has one
        # already, which another replica may have made: a second one would be named by nobody.
        key_id = await self._key_of(unproved(identity), scope) if opens else ""
        command = KeepCode(code_digest(keys, identity, code), opens, key_id)
        try:
            account = await desk.ask("customer", identity, command, scope, CustomerAccount)
        except Problem as problem:
            if problem.code == "customer.unknown":
                return
            raise
        if not account.ok:
            return
        # A proved address is written to as it was proved, however it is spelt now.
        proved, address = account.sealed_email, email.address
        if proved:
            # Its key may be destroyed without the account. The account's id is the address's digest: whoever reads the
            # given one is its customer.
            address = await opened_email(desk.data_keys(), identity, proved, scope[REQUEST_ID]) or address
        template: Template = "customer.code" if proved else "customer.welcome"
        # An account that an earlier release opened, and a host of one, name no key: then it is sought by whose it is.
        person, under = (identity, "") if proved else (unproved(identity), account.code_key_id or key_id)
        until_ms = desk.now_ms() + CODE_MS
        notice = Notice(template, address, identity, {"code": code}, until_ms, person=person, key_id=under)
        await self._notifications.send(notice, scope)

    async def _key_of(self, person: str, scope: Scope) -> str:
        data_keys = self._desk.data_keys()
        return (await data_keys.of_person(data_keys.digest("person", person), scope[REQUEST_ID])).key_id

    async def open_session(self, request: Request) -> CustomerTokens:
        desk, scope = self._desk, request.scope
        earliest = asyncio.get_running_loop().time() + REFUSAL_S
        await desk.hold_address(scope, "customer-sign-in")
        write = await desk.services.bodies.read(scope, request.receive, keyed=False)
        sent = decode(_session_decoder, write.body)
        email, keys = checked(sent.email, "/email"), desk.keys()
        identity = scope[ENTITY_ID] = self._id(email)
        await desk.hold_tries(scope, "customer-tries", identity)
        command = TryCode(code_digest(keys, identity, plain(sent.code)), secrets.token_hex(16))
        opened, known = CustomerSession(identity, None), True
        try:
            opened = await desk.ask("customer", identity, command, scope, CustomerSession)
        except Problem as problem:
            if problem.code != "customer.unknown":
                raise
            known = False
        if opened.session is None:
            await not_before(earliest)
            raise code_refused(remembered=known)
        lost = await self._lost(identity, scope) if opened.keeps_email else b""
        if lost or not opened.keeps_email:
            await self._keep(identity, email, lost, scope)
        if desk.services.signals is not None:
            await desk.services.signals.heed(scope, identity)
        return tokens(self._desk, identity, opened.session)

    async def _lost(self, identity: str, scope: Scope) -> bytes:
        """The address as it is kept, when its key is destroyed; b"" otherwise, also when that can't be seen now: the
        next sign-in looks again."""
        try:
            kept = await self._desk.view("customer", identity, ViewCustomer(), scope, KeptOfCustomer)
            address = await opened_email(self._desk.data_keys(), identity, kept.sealed_email, scope[REQUEST_ID])
        except Problem:
            return b""
        return b"" if address else kept.sealed_email

    async def _keep(self, identity: str, email: Email, instead_of: bytes, scope: Scope) -> None:
        # Only now: what is not proved is not kept, and of the account nothing after a day (`customer.py`).
        desk = self._desk
        sealed = await sealed_email(desk.data_keys(), identity, email.address, scope[REQUEST_ID])
        await desk.ask("customer", identity, KeepEmail(sealed, instead_of), scope, CustomerAccount)

    async def refresh(self, request: Request) -> CustomerTokens:
        desk, scope = self._desk, request.scope
        write = await desk.services.bodies.read(scope, request.receive, keyed=False)
        token = decode(_refresh_decoder, write.body).refresh_token
        try:
            claims = desk.renewing(token)
            if claims.role != CUSTOMER:
                raise TokenRefused("claims")
        except TokenRefused as refused:
            raise await desk.refresh_refused(refused, scope) from None
        await desk.hold_to(BY_SESSION, "customer-session", claims.sid)
        command = RefreshSession(claims.sid, claims.num)
        session = (await desk.ask("customer", claims.sub, command, scope, CustomerSession)).session
        if session is None:
            raise Problem("session.ended", "This session has ended: sign in again.")
        if desk.services.signals is not None:
            await desk.services.signals.heed(scope, claims.sub)
        return tokens(self._desk, claims.sub, session)

    async def sign_out(self, request: Request) -> None:
        who = caller(self._desk, request.scope)
        if who.role == CUSTOMER:
            await self._desk.ask("customer", who.subject, EndSession(who.session_id), request.scope, CustomerAccount)


def router(desk: Desk, notifications: Notifications) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["customers"])
    accounts = _Accounts(desk, notifications)

    @api.post(
        "/v1/customers",
        summary="Open a customer's account",
        **documented(CodeAsked, body=EmailRequest, request_example=_EMAIL, status=202),
    )
    async def opened(request: Request) -> Response:
        """Sends a code; the account is there once it comes back (`POST /v1/customers/sessions`). Who has one
        gets a code to sign in."""
        await accounts.ask_code(request, opens=True)
        return AnswerResponse((202, encode(ASKED), ()))

    @api.post(
        "/v1/customers/codes",
        summary="Ask for a code to sign in as a customer",
        **documented(CodeAsked, body=EmailRequest, request_example=_EMAIL, status=202),
    )
    async def codes(request: Request) -> Response:
        """The same answer at the same time, whether there is an account or not. A newer code replaces the older."""
        await accounts.ask_code(request, opens=False)
        return AnswerResponse((202, encode(ASKED), ()))

    @api.post(
        "/v1/customers/sessions",
        summary="Sign in as a customer",
        **documented(CustomerTokens, body=CustomerSessionRequest, request_example=_SESSION, problems=(401,)),
    )
    async def signed_in(request: Request) -> Response:
        """By the code that was sent. It is taken once."""
        return ok(await accounts.open_session(request))

    @api.post(
        "/v1/customers/sessions/refresh",
        summary="Renew the tokens of a customer's session",
        **documented(
            CustomerTokens,
            body=CustomerRefreshRequest,
            request_example={"refresh_token": "eyJ…"},
            problems=(401, 404),
        ),
    )
    async def refreshed(request: Request) -> Response:
        """A session ends after 12 hours without, and after 30 days."""
        return ok(await accounts.refresh(request))

    @api.delete(
        "/v1/customers/sessions/current",
        summary="Sign out as a customer",
        **documented(None, status=204, problems=(401, 403, 404)),
    )
    async def signed_out(request: Request) -> Response:
        """Ends the session; its tokens are worthless within two seconds everywhere."""
        await accounts.sign_out(request)
        return Response(status_code=204)

    return api
