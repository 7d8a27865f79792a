"""`/v1/passkeys`: the passkeys of whoever is signed in. Adding and removing one takes a fresh second factor."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.account_views import PasskeysView, PasskeyView, ViewPasskeys
from actors.domain.passkeys import AddPasskey, Passkey, RemovePasskey
from actors.domain.times import moment
from serve.context import ENTITY_ID, REQUEST_ID, WHO, Scope
from serve.identity.ceremonies import PasskeyRefused, new_challenge
from serve.identity.desk import Desk, told
from serve.identity.guard import Principal
from serve.identity.schemas import (
    ListedPasskey,
    NewPasskeyRequest,
    PasskeyList,
    PasskeyOptions,
    PasskeyRequest,
)
from serve.openapi import documented
from serve.problems import Problem
from serve.requests import decode
from serve.responses import AnswerResponse, encode, ok

PasskeyId = Annotated[str, Path(max_length=64, description="as `GET /v1/passkeys` tells it")]
_request_decoder = msgspec.json.Decoder(PasskeyRequest)
_new_decoder = msgspec.json.Decoder(NewPasskeyRequest)
CREDENTIAL = {
    "id": "mRl2", "rawId": "mRl2", "type": "public-key",
    "response": {"clientDataJSON": "eyJ0", "attestationObject": "o2Nm"},
}  # fmt: skip


def invalid(refused: PasskeyRefused) -> Problem:
    """What a person who made a passkey is told."""
    return Problem("passkey.invalid", str(refused))


def _purpose(who: Principal) -> str:
    return f"add:{who.session_id}"


def listed(one: PasskeyView | Passkey, name: str) -> ListedPasskey:
    """As its person sees it."""
    return ListedPasskey(
        one.passkey_id,
        name,
        moment(one.created_ms),
        moment(one.used_ms) if one.used_ms else None,
        moment(one.suspect_ms) if one.suspect_ms else None,
    )


def _all(view: PasskeysView) -> PasskeyList:
    return PasskeyList([listed(one, one.name) for one in view.passkeys])


class _Passkeys:
    """The handlers' work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _prover(self, scope: Scope) -> Principal:
        """The person, with a fresh proof. With identity off, nobody has looked at that yet."""
        who = self._desk.person(scope)
        self._desk.services.guard.require_proof(who)
        scope[ENTITY_ID] = who.subject
        return who

    async def mine(self, request: Request) -> PasskeyList:
        who = self._desk.person(request.scope)
        return _all(await self._desk.view("account", who.subject, ViewPasskeys(), request.scope, PasskeysView))

    async def options(self, request: Request) -> PasskeyOptions:
        desk, who = self._desk, self._prover(request.scope)
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_request_decoder, write.body)
        known = await desk.credentials(who.subject, request.scope)
        challenge = new_challenge(desk.keys(), _purpose(who), desk.now_ms())
        passkeys = known.passkeys if known is not None else []
        return PasskeyOptions(desk.ceremonies.to_make(challenge, who.subject, sent.shown_as or "", passkeys))

    async def add(self, request: Request) -> PasskeyList:
        desk, who = self._desk, self._prover(request.scope)
        write = await desk.services.bodies.read(request.scope, request.receive)
        sent = decode(_new_decoder, write.body)
        try:
            made = desk.ceremonies.made(desk.keys(), sent.credential, _purpose(who), sent.name, desk.now_ms())
        except PasskeyRefused as refused:
            raise invalid(refused) from None
        command = AddPasskey(who.session_id, made.passkey, made.challenge.name, made.challenge.until_ms)
        reply = await desk.services.gateway.ask(
            "account", who.subject, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        return _all(told(reply, PasskeysView))

    async def remove(self, request: Request, passkey_id: str) -> None:
        who = self._prover(request.scope)
        command = RemovePasskey(who.session_id, passkey_id)
        await self._desk.ask("account", who.subject, command, request.scope, PasskeysView)


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["identity"])
    passkeys = _Passkeys(desk)

    @api.get("/v1/passkeys", summary="My passkeys", **documented(PasskeyList, problems=(401, 403, 404)))
    async def mine(request: Request) -> Response:
        """Without their keys."""
        return ok(await passkeys.mine(request))

    @api.post(
        "/v1/passkey-options",
        summary="Begin to make a passkey",
        **documented(PasskeyOptions, body=PasskeyRequest, request_example={"shown_as": "mia"}, problems=(401, 403)),
    )
    async def options(request: Request) -> Response:
        """For the browser's `navigator.credentials.create`. Good for five minutes and this session."""
        return ok(await passkeys.options(request))

    @api.post(
        "/v1/passkeys",
        summary="Add a passkey",
        **documented(
            PasskeyList,
            request=NewPasskeyRequest,
            request_example={"name": "phone", "credential": CREDENTIAL},
            status=201,
            problems=(401, 403, 404, 409),
        ),
    )
    async def added(request: Request) -> Response:
        """Takes what the browser gave. From now on it signs in by itself, or beside the password. At most five."""
        return AnswerResponse((201, encode(await passkeys.add(request)), ()))

    @api.delete(
        "/v1/passkeys/{passkey_id}",
        summary="Remove a passkey",
        **documented(None, status=204, problems=(401, 403, 404, 409, 422)),
    )
    async def removed(passkey_id: PasskeyId, request: Request) -> Response:
        """It signs nothing any more. The last second factor of an account stays."""
        await passkeys.remove(request, passkey_id)
        return Response(status_code=204)

    return api
