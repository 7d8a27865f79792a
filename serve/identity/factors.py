"""`/v1/factors`: enrolling the second factor, by whoever has just proved the password of an account that has none."""

from __future__ import annotations

import base64
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.account_commands import EnrolPasskey, EnrolTotp
from actors.domain.account_views import FactorEnrolled
from actors.domain.personal_notes import STAFF_ID
from serve.context import Scope
from serve.identity.ceremonies import PasskeyRefused, new_challenge
from serve.identity.desk import REFUSED, Desk
from serve.identity.limits import BY_ACCOUNT
from serve.identity.passkeys import CREDENTIAL, invalid
from serve.identity.schemas import (
    FactorConfirmation,
    FactorRequest,
    FirstPasskey,
    FirstPasskeyRequest,
    NewFactor,
    PasskeyOptions,
    RecoveryCodes,
)
from serve.identity.sealing import seal
from serve.identity.totp import matching_step, new_recovery_codes, new_secret, provisioning_uri, qr_svg, recovery_hash
from serve.openapi import documented
from serve.problems import Problem, field_problem
from serve.requests import decode
from serve.responses import ok

# Names of the tickets' purposes.
ENROLMENT = "enrolment"
PENDING = "pending-factor"
ENROLMENT_S = 900
_request_decoder = msgspec.json.Decoder(FactorRequest)
_confirmation_decoder = msgspec.json.Decoder(FactorConfirmation)
_options_decoder = msgspec.json.Decoder(FirstPasskeyRequest)
_passkey_decoder = msgspec.json.Decoder(FirstPasskey)
_PASSKEY = {"enrolment": "AYx3…", "name": "phone", "credential": CREDENTIAL}


class Enrolment(msgspec.Struct, frozen=True):
    """The password of this account was right, as its credentials were then; until then a factor may be enrolled."""

    account_id: Annotated[str, STAFF_ID]
    generation: int
    until_ms: int


class PendingFactor(msgspec.Struct, frozen=True):
    """A secret whose first code is still to come."""

    account_id: Annotated[str, STAFF_ID]
    generation: int
    until_ms: int
    secret: bytes


_Ticket = TypeVar("_Ticket", Enrolment, PendingFactor)


async def _opened(desk: Desk, purpose: str, ticket: str, content: type[_Ticket], scope: Scope) -> _Ticket:
    """What an enrolment gave, counted by its account; what is none, by address. Raises Problem 422, 429 or 503."""
    try:
        found = desk.open_ticket(purpose, ticket, content)
    except Problem:
        await desk.hold_address(scope, REFUSED)
        raise
    await desk.hold_to(BY_ACCOUNT, "enrolment", found.account_id)
    if desk.now_ms() >= found.until_ms:
        raise Problem("factor.request_invalid", "That took too long: sign in again.")
    return found


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["identity"])

    @api.post(
        "/v1/factors",
        summary="Begin to enrol a second factor",
        **documented(NewFactor, body=FactorRequest, request_example={"enrolment": "AYx3…", "shown_as": "mia"}),
    )
    async def begin(request: Request) -> Response:
        """A new secret for an authenticator app. Nothing is kept until its first code is confirmed."""
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_request_decoder, write.body)
        enrolment = await _opened(desk, ENROLMENT, sent.enrolment, Enrolment, request.scope)
        secret = new_secret()
        uri = provisioning_uri(secret, sent.shown_as or enrolment.account_id, f"OCEFS {desk.region}")
        kept = PendingFactor(enrolment.account_id, enrolment.generation, enrolment.until_ms, secret)
        pending = desk.ticket(PENDING, kept)
        return ok(NewFactor(base64.b32encode(secret).decode("ascii"), uri, qr_svg(uri), pending))

    @api.post(
        "/v1/factors/confirmation",
        summary="Confirm a second factor by its first code",
        **documented(
            RecoveryCodes,
            body=FactorConfirmation,
            request_example={"pending": "AYx3…", "code": "123456"},
            problems=(409,),
        ),
    )
    async def confirm(request: Request) -> Response:
        """From now on signing in needs it. The recovery codes are shown here and never again."""
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_confirmation_decoder, write.body)
        pending = await _opened(desk, PENDING, sent.pending, PendingFactor, request.scope)
        step = matching_step(pending.secret, sent.code, desk.now_ms() // 1000)
        if not step:
            raise field_problem(
                "factor.code_wrong", "The code does not fit: is the clock of the device right?", "/code"
            )
        codes = new_recovery_codes()
        sealed = seal(desk.keys(), pending.secret, f"totp:{pending.account_id}")
        command = EnrolTotp(sealed, step, [recovery_hash(code) for code in codes], pending.generation)
        await desk.ask("account", pending.account_id, command, request.scope, FactorEnrolled)
        return ok(RecoveryCodes(codes))

    _add_passkeys(api, desk)
    return api


def _add_passkeys(api: APIRouter, desk: Desk) -> None:
    """A passkey instead of codes."""

    def purpose(enrolment: Enrolment) -> str:
        return f"enrol:{enrolment.account_id}:{enrolment.generation}"

    @api.post(
        "/v1/factors/passkey-options",
        summary="Begin to enrol a passkey as the second factor",
        **documented(PasskeyOptions, body=FirstPasskeyRequest, request_example={"enrolment": "AYx3…"}),
    )
    async def options(request: Request) -> Response:
        """For the browser's `navigator.credentials.create`. Good for five minutes."""
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_options_decoder, write.body)
        enrolment = await _opened(desk, ENROLMENT, sent.enrolment, Enrolment, request.scope)
        challenge = new_challenge(desk.keys(), purpose(enrolment), desk.now_ms())
        return ok(PasskeyOptions(desk.ceremonies.to_make(challenge, enrolment.account_id, sent.shown_as or "", [])))

    @api.post(
        "/v1/factors/passkey",
        summary="Enrol a passkey as the second factor",
        **documented(RecoveryCodes, body=FirstPasskey, request_example=_PASSKEY, problems=(409,)),
    )
    async def enrolled(request: Request) -> Response:
        """From now on signing in needs it. The recovery codes are shown here and never again."""
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_passkey_decoder, write.body)
        enrolment = await _opened(desk, ENROLMENT, sent.enrolment, Enrolment, request.scope)
        try:
            made = desk.ceremonies.made(desk.keys(), sent.credential, purpose(enrolment), sent.name, desk.now_ms())
        except PasskeyRefused as refused:
            raise invalid(refused) from None
        codes = new_recovery_codes()
        hashes = [recovery_hash(code) for code in codes]
        command = EnrolPasskey(
            made.passkey, made.challenge.name, made.challenge.until_ms, hashes, enrolment.generation
        )  # fmt: skip
        await desk.ask("account", enrolment.account_id, command, request.scope, FactorEnrolled)
        return ok(RecoveryCodes(codes))
