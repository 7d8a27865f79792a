"""`POST /v1/sessions/current/password`: people change their password themselves.

They give the present one and a fresh second factor: an open screen, or a token that was stolen, is no licence to keep
the owner out. Wrong ones count with failed sign-ins, and a wrong one is told as a right one of a locked
account, at the same time.
"""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.account_commands import ChangeOwnPassword
from actors.domain.account_views import SessionOutcome
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.identity import sessions
from serve.identity.desk import Desk, not_before, told
from serve.identity.limits import BY_ACCOUNT
from serve.identity.schemas import OwnPasswordChange, Tokens
from serve.openapi import documented
from serve.problems import Problem
from serve.requests import decode
from serve.responses import ok

_decoder = msgspec.json.Decoder(OwnPasswordChange)
_EXAMPLE = {"current_password": "a long enough password", "new_password": "another long enough password"}


def router(desk: Desk) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["identity"])

    @api.post(
        "/v1/sessions/current/password",
        summary="Change my password",
        **documented(Tokens, request=OwnPasswordChange, request_example=_EXAMPLE, problems=(401, 403, 404)),
    )
    async def changed(request: Request) -> Response:
        """The shift goes on, and both tokens are replaced; whoever comes with the refresh token before ends it. A
        repetition gets the tokens of the first time, as long as the access token is not known to be replaced, which
        takes at most two seconds: who has lost the answer by then signs in with the new password."""
        scope = request.scope
        earliest = asyncio.get_running_loop().time() + sessions.REFUSAL_S
        who = desk.person(scope)
        # With identity off, the guard has not looked at that.
        desk.services.guard.require_proof(who)
        scope[ENTITY_ID] = who.subject
        # Counted apart from sign-ins: whoever guesses at the door must not keep out somebody who is inside.
        await desk.hold_to(BY_ACCOUNT, "password", who.subject)
        write = await desk.services.bodies.read(scope, request.receive)
        sent = decode(_decoder, write.body)
        desk.check_new_password(who.subject, sent.new_password, "/new_password", before=sent.current_password)
        known = await desk.credentials(who.subject, scope)
        if known is None:
            raise Problem("account.unknown", "There is no such account.")
        fits = await desk.fits(known.password_hash, sent.current_password)
        # After a wrong one as well: of a locked account, only this work and its wait for others would tell which was
        # right.
        made = await desk.hashed(sent.new_password)
        reply = await desk.services.gateway.ask(
            "account", who.subject, ChangeOwnPassword(who.session_id, fits, made if fits else "", known.generation),
            command_id=write.key, digest=desk.keyed_digest(who.subject, write.body), cause=scope[REQUEST_ID], who=scope.get(WHO),
        )  # fmt: skip
        outcome = told(reply, SessionOutcome)
        if outcome.shift is None:
            await not_before(earliest)
            detail = "The current password is wrong, or the account can't be used at the moment."
            raise sessions.kept(Problem("password.wrong", detail))
        return ok(desk.tokens(who.subject, outcome.locations, outcome.shift))

    return api
