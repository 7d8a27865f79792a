"""Passkeys of customers: made and removed by who has just signed in, and good to sign in by alone. A code does so
as well, whatever is lost.

    add      fresh session ─▶ passkey-options ─▶ passkeys          the authenticator keeps the account's id with it (its user handle)
    sign in  passkey-options ─▶ sessions/passkey ─▶ the account that the passkey names judges

An authenticator that verifies its person is two factors in one, so nothing else is asked for. Whatever is wrong with a
sign-in, an account that there is not included, is answered alike and at the same moment.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.customer_commands import TryPasskey
from actors.domain.customer_views import CustomerPasskeys, CustomerSession, KeptOfCustomer, ViewCustomer
from actors.domain.ids import CUSTOMER_PATTERN, is_of
from actors.domain.passkeys import AddPasskey, Passkey, PasskeyUse, RemovePasskey
from serve.context import ENTITY_ID, REQUEST_ID, WHO, Scope
from serve.customers.accounts import caller
from serve.customers.passkey_names import opened_name, sealed_name
from serve.customers.passkey_notices import PasskeyNotices
from serve.customers.schemas import CustomerPasskeySignIn, CustomerTokens
from serve.customers.tokens import tokens
from serve.identity.ceremonies import PasskeyRefused, named_by, new_challenge
from serve.identity.desk import Desk, not_before, told
from serve.identity.guard import Principal, challenge
from serve.identity.passkeys import CREDENTIAL, invalid, listed
from serve.identity.schemas import Assertion, NewPasskeyRequest, PasskeyList, PasskeyOptions, PasskeyRequest
from serve.notices.port import Notifications
from serve.openapi import documented
from serve.problems import Problem
from serve.requests import decode
from serve.responses import AnswerResponse, encode, ok

log = structlog.get_logger("ocefs.customers")
# No refusal of a sign-in is given earlier.
REFUSAL_S = 0.5
# What challenges of a customer's sign-in are for.
SIGN_IN = "customer-sign-in"
PasskeyId = Annotated[str, Path(max_length=64, description="as `GET /v1/customers/me/passkeys` tells it")]
_request_decoder = msgspec.json.Decoder(PasskeyRequest)
_new_decoder = msgspec.json.Decoder(NewPasskeyRequest)
_sign_in_decoder = msgspec.json.Decoder(CustomerPasskeySignIn)
_SIGNED = {
    "id": "mRl2", "rawId": "mRl2", "type": "public-key",
    "response": {"clientDataJSON": "eyJ0", "authenticatorData": "SZYN", "signature": "MEUC", "userHandle": "dXMt"},
}  # fmt: skip


def _refused() -> Problem:
    """One answer for every sign-in that fails."""
    return Problem("session.refused", "This passkey does not sign in here.", headers=(challenge(""),))


def _to_add(who: Principal) -> str:
    return f"customer-add:{who.session_id}"


class _Passkeys:
    """What customers do with the passkeys that they have."""

    def __init__(self, desk: Desk, notices: PasskeyNotices) -> None:
        self._desk = desk
        self._notices = notices

    def _owner(self, scope: Scope) -> Principal:
        """The customer. Somebody else, who passes with identity off, is a customer that there
        is not. Raises Problem."""
        who = caller(self._desk, scope)
        scope[ENTITY_ID] = who.subject
        return who

    def _prover(self, scope: Scope) -> Principal:
        """The customer, who has just signed in. With identity off, nobody has looked at that yet. Raises Problem."""
        who = self._owner(scope)
        self._desk.services.guard.require_proof(who)
        return who

    async def mine(self, request: Request) -> PasskeyList:
        """Raises Problem."""
        who = self._owner(request.scope)
        kept = await self._desk.view("customer", who.subject, ViewCustomer(), request.scope, KeptOfCustomer)
        return await self._listed(who.subject, kept.passkeys, request.scope)

    async def options(self, request: Request) -> PasskeyOptions:
        """To make one. Raises Problem."""
        desk, who = self._desk, self._prover(request.scope)
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_request_decoder, write.body)
        kept = await desk.view("customer", who.subject, ViewCustomer(), request.scope, KeptOfCustomer)
        challenge = new_challenge(desk.keys(), _to_add(who), desk.now_ms())
        return PasskeyOptions(desk.ceremonies.to_make(challenge, who.subject, sent.shown_as or "", kept.passkeys))

    async def add(self, request: Request) -> PasskeyList:
        """Raises Problem."""
        desk, scope, who = self._desk, request.scope, self._prover(request.scope)
        write = await desk.services.bodies.read(scope, request.receive)
        sent = decode(_new_decoder, write.body)
        try:
            made = desk.ceremonies.made(desk.keys(), sent.credential, _to_add(who), "", desk.now_ms())
        except PasskeyRefused as refused:
            raise invalid(refused) from None
        kept = await desk.view("customer", who.subject, ViewCustomer(), scope, KeptOfCustomer)
        address = await self._notices.address(kept, who.subject, scope)
        sealed = await sealed_name(
            desk.data_keys(), who.subject, made.passkey.passkey_id, sent.name, scope[REQUEST_ID]
        )  # fmt: skip
        passkey = msgspec.structs.replace(made.passkey, sealed_name=sealed)
        # What is sealed is never the same twice; what was asked is told by the call's own digest.
        reply = await desk.services.gateway.ask(
            "customer", who.subject, AddPasskey(who.session_id, passkey, made.challenge.name, made.challenge.until_ms),
            command_id=write.key, digest=write.digest, cause=scope[REQUEST_ID], who=scope.get(WHO),
        )  # fmt: skip
        passkeys = told(reply, CustomerPasskeys).passkeys
        # As it was kept: a repeated call hears of the first one's.
        for one in passkeys:
            if one.passkey_id == passkey.passkey_id:
                await self._notices.tell("customer.passkey_added", address, who.subject, one, scope)
        return await self._listed(who.subject, passkeys, scope)

    async def remove(self, passkey_id: str, request: Request) -> None:
        """Raises Problem."""
        desk, scope, who = self._desk, request.scope, self._prover(request.scope)
        kept = await desk.view("customer", who.subject, ViewCustomer(), scope, KeptOfCustomer)
        address = await self._notices.address(kept, who.subject, scope)
        await desk.ask("customer", who.subject, RemovePasskey(who.session_id, passkey_id), scope, CustomerPasskeys)
        for one in kept.passkeys:
            if one.passkey_id == passkey_id:
                try:
                    await self._notices.tell("customer.passkey_removed", address, who.subject, one, scope)
                except Problem as problem:
                    # It is removed, whoever is told: called again, it would be one that there is not.
                    log.error("nobody is told of a removed passkey", entity_id=who.subject, code=problem.code, request_id=scope[REQUEST_ID])  # fmt: skip

    async def _listed(self, customer_id: str, passkeys: list[Passkey], scope: Scope) -> PasskeyList:
        keys, cause = self._desk.data_keys(), scope[REQUEST_ID]
        return PasskeyList([listed(one, await opened_name(keys, customer_id, one, cause)) for one in passkeys])


class _SignIn:
    """Signing in by a passkey alone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def options(self, request: Request) -> PasskeyOptions:
        """Passkeys name their account themselves, so nothing is told of any. Raises Problem."""
        desk = self._desk
        await desk.hold_address(request.scope, "customer-options")
        challenge = new_challenge(desk.keys(), SIGN_IN, desk.now_ms())
        return PasskeyOptions(desk.ceremonies.to_sign(challenge, []))

    async def open_session(self, request: Request) -> CustomerTokens:
        """Raises Problem."""
        desk, scope = self._desk, request.scope
        earliest = asyncio.get_running_loop().time() + REFUSAL_S
        await desk.hold_address(scope, "customer-sign-in")
        write = await desk.services.bodies.read(scope, request.receive, keyed=False)
        sent = decode(_sign_in_decoder, write.body).passkey
        identity = scope[ENTITY_ID] = self._account(sent)
        await desk.hold_tries(scope, "customer-passkey", identity)
        try:
            kept = await desk.view("customer", identity, ViewCustomer(), scope, KeptOfCustomer)
            command = TryPasskey(self._use(sent, kept.passkeys), secrets.token_hex(16))
            opened = await desk.ask("customer", identity, command, scope, CustomerSession)
        except Problem as problem:
            if problem.code != "customer.unknown":
                raise
            await not_before(earliest)
            raise _refused() from None
        if opened.session is None:
            await not_before(earliest)
            refused = _refused()
            # The account's own turn stands in the audit already.
            refused.remembered = True
            raise refused
        if desk.services.signals is not None:
            await desk.services.signals.heed(scope, identity)
        return tokens(desk, identity, opened.session)

    def _account(self, sent: Assertion) -> str:
        """The account that the passkey says to be of. What is none of ours is an account that there is not."""
        named, region = named_by(sent), self._desk.region
        return named if is_of(named, CUSTOMER_PATTERN, region) else f"{region}-cust-nobody"

    def _use(self, sent: Assertion, known: list[Passkey]) -> PasskeyUse | None:
        """Of a passkey whose signature is right; what is wrong with another is told to nobody
        who may only be guessing."""
        desk = self._desk
        try:
            return desk.ceremonies.signed(desk.keys(), sent, SIGN_IN, known, desk.now_ms(), alone=True)
        except PasskeyRefused:
            return None


def router(desk: Desk, notifications: Notifications) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["customers"])
    _add_own(api, _Passkeys(desk, PasskeyNotices(desk, notifications)))
    _add_sign_in(api, _SignIn(desk))
    return api


def _add_own(api: APIRouter, passkeys: _Passkeys) -> None:
    @api.get(
        "/v1/customers/me/passkeys",
        summary="My passkeys as a customer",
        **documented(PasskeyList, problems=(401, 403, 404)),
    )
    async def mine(request: Request) -> Response:
        """Without their keys."""
        return ok(await passkeys.mine(request))

    @api.post(
        "/v1/customers/me/passkey-options",
        summary="Begin to make a passkey as a customer",
        **documented(
            PasskeyOptions,
            body=PasskeyRequest,
            request_example={"shown_as": "mia@example.com"},
            problems=(401, 403, 404),
        ),
    )
    async def options(request: Request) -> Response:
        """For the browser's `navigator.credentials.create`. Good for five minutes and this session, which has
        to be younger than that."""
        return ok(await passkeys.options(request))

    @api.post(
        "/v1/customers/me/passkeys",
        summary="Add a passkey as a customer",
        **documented(
            PasskeyList,
            request=NewPasskeyRequest,
            request_example={"name": "phone", "credential": CREDENTIAL},
            status=201,
            problems=(401, 403, 404, 409),
        ),
    )
    async def added(request: Request) -> Response:
        """Takes what the browser gave. From now on it signs in by itself; codes go on working. At most five. All other
        sessions end, and its customer is written to."""
        return AnswerResponse((201, encode(await passkeys.add(request)), ()))

    @api.delete(
        "/v1/customers/me/passkeys/{passkey_id}",
        summary="Remove a passkey as a customer",
        **documented(None, status=204, problems=(401, 403, 404, 422)),
    )
    async def removed(passkey_id: PasskeyId, request: Request) -> Response:
        """It signs nothing any more. The last one may go as well: codes go on working. All other sessions end, and its
        customer is written to."""
        await passkeys.remove(passkey_id, request)
        return Response(status_code=204)


def _add_sign_in(api: APIRouter, sign_in: _SignIn) -> None:
    @api.post(
        "/v1/customers/sessions/passkey-options",
        summary="Begin to sign in with a passkey as a customer",
        **documented(PasskeyOptions),
    )
    async def options(request: Request) -> Response:
        """For the browser's `navigator.credentials.get`. Good for five minutes, and for one sign-in."""
        return ok(await sign_in.options(request))

    @api.post(
        "/v1/customers/sessions/passkey",
        summary="Sign in with a passkey as a customer",
        **documented(CustomerTokens, body=CustomerPasskeySignIn, request_example={"passkey": _SIGNED}, problems=(401,)),
    )
    async def signed_in(request: Request) -> Response:
        """By what the browser gave. It is taken once, and the same answer is given to everything that is not taken."""
        return ok(await sign_in.open_session(request))
