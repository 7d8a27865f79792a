"""`/v1/factors`: enrolling the second factor, by whoever has just proved the password of an account that has none."""

from __future__ import annotations

import base64

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.account import EnrolTotp, FactorEnrolled
from serve.identity.desk import Desk
from serve.identity.schemas import FactorConfirmation, FactorRequest, NewFactor, RecoveryCodes
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


class Enrolment(msgspec.Struct, frozen=True):
    """The password of this account was right, as its credentials were then; until then a factor may be enrolled."""

    account_id: str
    generation: int
    until_ms: int


class PendingFactor(msgspec.Struct, frozen=True):
    """A secret whose first code is still to come."""

    account_id: str
    generation: int
    until_ms: int
    secret: bytes


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["identity"])

    def in_time(until_ms: int) -> None:
        if desk.now_ms() >= until_ms:
            raise Problem("factor.request_invalid", "That took too long: sign in again.")

    @api.post(
        "/v1/factors",
        summary="Begin to enrol a second factor",
        **documented(NewFactor, body=FactorRequest, request_example={"enrolment": "AYx3…"}),
    )
    async def begin(request: Request) -> Response:
        """A new secret for an authenticator app. Nothing is kept until its first code is confirmed."""
        await desk.hold_address(request.scope)
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        enrolment = desk.open_ticket(ENROLMENT, decode(_request_decoder, write.body).enrolment, Enrolment)
        in_time(enrolment.until_ms)
        secret = new_secret()
        uri = provisioning_uri(secret, enrolment.account_id, f"OCEFS {desk.region}")
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
        await desk.hold_address(request.scope)
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_confirmation_decoder, write.body)
        pending = desk.open_ticket(PENDING, sent.pending, PendingFactor)
        in_time(pending.until_ms)
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

    return api
