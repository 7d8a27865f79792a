"""`/v1/sessions`: signing in opens a shift; tokens are renewed while it runs; the second factor can
be given again; signing out.

Whether an account exists is told to nobody: every sign-in that fails gets the same answer, after the same time.
"""

from __future__ import annotations

import asyncio
import secrets

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.account_commands import EndShift, Refresh, SignIn, StepUp
from actors.domain.account_views import Credentials, SessionOutcome, ShiftOver, SignInOutcome
from actors.domain.ids import ACCOUNT_PATTERN, LOCATION_PATTERN, is_of
from actors.domain.location_views import LocationStockView, ViewStock
from actors.domain.passkeys import PasskeyUse
from actors.domain.times import HOUR_MS, moment
from serve.audit.who import on_device
from serve.context import ENTITY_ID, PRINCIPAL, Scope
from serve.identity.ceremonies import PasskeyRefused, named_by, new_challenge
from serve.identity.desk import Desk, not_before
from serve.identity.factors import ENROLMENT, ENROLMENT_S, Enrolment
from serve.identity.guard import Principal, challenge
from serve.identity.limits import BY_ACCOUNT, BY_ADDRESS, BY_SESSION
from serve.identity.passwords import DUMMY_HASH
from serve.identity.renewal import Renewals
from serve.identity.schemas import (
    Assertion,
    CallerView,
    PasskeyOptions,
    ProofRequest,
    RefreshRequest,
    SignInRequest,
    Tokens,
)
from serve.identity.tokens import TokenRefused
from serve.openapi import documented, parameter
from serve.problems import Problem, field_problem
from serve.requests import decode
from serve.responses import ok

# No refusal is given earlier than that: a wrong login takes as long as a wrong password, and guessing is slow.
REFUSAL_S = 0.5
REFUSAL_AFTER_HASH_S = 0.1
_sign_in_decoder = msgspec.json.Decoder(SignInRequest)
_refresh_decoder = msgspec.json.Decoder(RefreshRequest)
_proof_decoder = msgspec.json.Decoder(ProofRequest)
_DEVICE = parameter(
    "Device-Authorization", "header", {"type": "string", "maxLength": 4200, "pattern": "^[Bb]earer [!-~]+$"},
    "The token of the enrolled device on which somebody signs in.", example="Bearer eyJ…",
)  # fmt: skip
_NOWHERE = "account.location_unknown"
_PLACE_REFUSED = frozenset({_NOWHERE, "account.location_not_allowed"})
# What challenges of a sign-in are for.
SIGN_IN = "sign-in"
_SIGN_IN = {
    "login": "mia.manager",
    "password": "a long enough password",
    "code": "123456",
    "location_id": "us-st-austin",
}


def _refused() -> Problem:
    detail = "Login, password or code is wrong, or the account can't be used at the moment."
    return Problem("session.refused", detail, headers=(challenge(""),))


def _is_alone(sent: SignInRequest) -> bool:
    """Does a passkey stand for password and code? Raises Problem 422 when too little is given to sign in with, or no
    password that `new_password` could take the place of."""
    if sent.passkey is not None and not sent.password:
        if sent.new_password:
            raise field_problem("body.missing_field", "A new password takes the one before: `password`.", "/password")
        return True
    for name, given in (("login", sent.login), ("password", sent.password)):
        if not given:
            raise field_problem("body.missing_field", f"Field `{name}` is required.", f"/{name}")
    return False


def _place_of(sent: SignInRequest, device: Principal | None) -> str:
    """Where the shift is worked: on a device, that is where the device is. Raises Problem 403."""
    if device is None:
        return sent.location_id
    (location_id,) = device.locations
    if sent.location_id not in ("", location_id):
        raise _elsewhere(location_id)
    return location_id


def _elsewhere(location_id: str) -> Problem:
    detail = f"The device belongs to {location_id}, and the shift would not be worked there."
    return Problem("device.elsewhere", detail, extra={"location_id": location_id})


def _named_by(sent: SignInRequest, region: str) -> str:
    """The account that a passkey says to be of. What is none of ours is an account that there is not."""
    assert sent.passkey is not None
    named = named_by(sent.passkey)
    return named if is_of(named, ACCOUNT_PATTERN, region) else f"{region}-acct-nobody"


def _proof_of(principal: Principal) -> str:
    return f"proof:{principal.session_id}"


def kept(problem: Problem) -> Problem:
    """The problem, marked as written down: the account's own turn stands in the audit already."""
    problem.remembered = True
    return problem


class _Sessions:
    """The handlers' work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._renewals = Renewals(desk)

    async def sign_in(self, request: Request) -> Tokens:
        desk = self._desk
        earliest = asyncio.get_running_loop().time() + REFUSAL_S
        device = desk.services.guard.device(request.scope)
        await self._hold(device, request, "sign-in")
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_sign_in_decoder, write.body)
        location_id = _place_of(sent, device)
        alone = _is_alone(sent)
        identity = desk.account_of(sent.login) if not alone else _named_by(sent, desk.region)
        if not alone:
            await desk.hold_to(BY_ACCOUNT, "account", identity)
        if sent.new_password:
            desk.check_new_password(identity, sent.new_password, "/new_password", sent.login, sent.password)
        # Of everybody, so that no moment tells who has an account.
        nowhere = await self._is_nowhere(location_id, request.scope)
        known = await desk.credentials(identity, request.scope)
        fits = False if alone else await desk.fits(known.password_hash if known else DUMMY_HASH, sent.password)
        # Whatever came of it: this work would tell, too.
        made = await desk.hashed(sent.new_password) if sent.new_password else ""
        # Hashes may have to wait for each other; what comes after them differs between known logins and others.
        earliest = max(earliest, asyncio.get_running_loop().time() + REFUSAL_AFTER_HASH_S)
        passkey = None if known is None else self._use(sent.passkey, SIGN_IN, known, alone=alone)
        if known is None or (alone and passkey is None):
            # Who it is was only said, by anybody who knows the id: the account hears nothing of it and rests for
            # nobody. For the audit: many names that nobody has are many accounts tried.
            request.scope[ENTITY_ID] = identity
            await not_before(earliest)
            raise _refused()
        if alone:
            # Apart, and only now: who guesses at a password, or names the account, uses up none of the
            # tries of who has the passkey.
            await desk.hold_to(BY_ACCOUNT, "passkey", identity)
        step, recovery = desk.second_factor(known, sent.code, sent.recovery_code)
        if sent.passkey is not None and passkey is None:
            # Nobody learns by it which part was wrong; it is counted like any failure.
            fits, step, recovery = False, 0, ""
        command = SignIn(
            secrets.token_hex(16),
            fits,
            step,
            recovery,
            location_id,
            int(sent.hours * HOUR_MS),
            sent.device,
            known.generation,
            passkey,
            *(("", "") if device is None else (device.device, device.device_session)),
            nowhere=nowhere,
            new_hash=made,
        )
        try:
            outcome = await desk.ask("account", identity, command, request.scope, SignInOutcome)
        except Problem as problem:
            # That a location is not theirs, or not there, is told to those who have proved who they are; so say
            # it to all in the same way.
            if problem.code not in _PLACE_REFUSED:
                raise
            await not_before(earliest)
            if problem.code == _NOWHERE:
                problem.errors = [{"pointer": "/location_id", "detail": problem.detail}]
            elif device is not None and not sent.location_id:
                raise kept(_elsewhere(location_id)) from None
            raise
        if outcome.ok and outcome.shift is not None:
            if fits and not made:
                self._renewals.begin(known, sent.password, request.scope)
            return desk.tokens(identity, outcome.locations, outcome.shift)
        await not_before(earliest)
        raise kept(self._why_not(identity, known, outcome))

    def _why_not(self, identity: str, known: Credentials, outcome: SignInOutcome) -> Problem:
        """What somebody is told who has no shift by it: more than a refusal only where he has proved what there is."""
        if outcome.reason == "factor_missing":
            until_ms = self._desk.now_ms() + ENROLMENT_S * 1000
            ticket = self._desk.ticket(ENROLMENT, Enrolment(identity, known.generation, until_ms))
            detail = "The password is right; now enrol a second factor: POST /v1/factors with this `enrolment`."
            return Problem("session.factor_missing", detail, extra={"enrolment": ticket})
        if outcome.reason == "password_given":
            detail = (
                "Somebody gave you this password, and knows it: send it again with one of your own as `new_password`."
            )
            return Problem("session.password_given", detail)
        return _refused()

    async def _hold(self, device: Principal | None, request: Request, what: str) -> None:
        """Counts a try of `what` by the device on which it is made, which has proved itself, else by address.
        Raises Problem 429 or 503."""
        if device is None:
            await self._desk.hold_address(request.scope, what)
        else:
            await self._desk.hold_to(BY_ADDRESS, f"{what}-device", device.device)

    async def _is_nowhere(self, location_id: str, scope: Scope) -> bool:
        """Is there no location of that name? Raises Problem 429 or 503."""
        desk = self._desk
        if not location_id or location_id in desk.services.index.places:
            return False
        if not is_of(location_id, LOCATION_PATTERN, desk.region):
            return True
        try:
            # This replica may not have heard of it yet; the actor has, or refuses.
            await desk.view("location", location_id, ViewStock(location_id, "", 1), scope, LocationStockView)
        except Problem as problem:
            if problem.code != "location.unknown":
                raise
            return True
        return False

    async def refresh(self, request: Request) -> Tokens:
        desk = self._desk
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_refresh_decoder, write.body)
        try:
            claims = desk.renewing(sent.refresh_token)
        except TokenRefused as refused:
            raise await desk.refresh_refused(refused, request.scope) from None
        on_device(request.scope, claims.dev)
        desk.services.guard.check_device(claims.dev_sid)
        await desk.hold_to(BY_SESSION, "session", claims.sid)
        command = Refresh(claims.sid, claims.num, await desk.used_ms(claims.sid))
        outcome = await desk.ask("account", claims.sub, command, request.scope, SessionOutcome)
        return self._tokens(claims.sub, outcome)

    async def prove(self, request: Request, principal: Principal) -> Tokens:
        desk = self._desk
        earliest = asyncio.get_running_loop().time() + REFUSAL_S
        # Counted apart from sign-ins: whoever guesses at the door must not keep out somebody who is inside.
        await desk.hold_to(BY_ACCOUNT, "proof", principal.subject)
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        sent = decode(_proof_decoder, write.body)
        known = await desk.credentials(principal.subject, request.scope)
        if known is None or not principal.role:
            raise Problem("auth.forbidden", "Only people have a second factor.")
        step, recovery = desk.second_factor(known, sent.code, sent.recovery_code)
        # There is no password beside it: a touch alone would be of whoever has found the open device.
        passkey = self._use(sent.passkey, _proof_of(principal), known, alone=True)
        command = StepUp(principal.session_id, step, recovery, known.generation, passkey)
        outcome = await desk.ask("account", principal.subject, command, request.scope, SessionOutcome)
        if not outcome.ok:
            await not_before(earliest)
            raise kept(Problem("factor.code_wrong", "The code does not fit, or was used already."))
        return self._tokens(principal.subject, outcome)

    async def sign_out(self, request: Request) -> None:
        principal = self._desk.person(request.scope)
        await self._desk.ask("account", principal.subject, EndShift(principal.session_id), request.scope, ShiftOver)

    def _use(self, sent: Assertion | None, purpose: str, known: Credentials, *, alone: bool) -> PasskeyUse | None:
        """Of a passkey whose signature is right; what is wrong with another is told to nobody
        who may only be guessing."""
        if sent is None:
            return None
        desk = self._desk
        try:
            return desk.ceremonies.signed(desk.keys(), sent, purpose, known.passkeys, desk.now_ms(), alone=alone)
        except PasskeyRefused:
            return None

    async def options(self, request: Request) -> PasskeyOptions:
        """Of a sign-in. Passkeys name their account themselves, so nothing is told of any."""
        desk = self._desk
        await self._hold(desk.services.guard.device(request.scope), request, "sign-in-options")
        challenge = new_challenge(desk.keys(), SIGN_IN, desk.now_ms())
        return PasskeyOptions(desk.ceremonies.to_sign(challenge, []))

    async def proof_options(self, request: Request, principal: Principal) -> PasskeyOptions:
        desk = self._desk
        known = await desk.credentials(principal.subject, request.scope)
        challenge = new_challenge(desk.keys(), _proof_of(principal), desk.now_ms())
        return PasskeyOptions(desk.ceremonies.to_sign(challenge, [] if known is None else known.passkeys))

    def _tokens(self, identity: str, outcome: SessionOutcome) -> Tokens:
        if not outcome.ok or outcome.shift is None:
            raise Problem("session.ended", "This session has ended: sign in again.")
        return self._desk.tokens(identity, outcome.locations, outcome.shift)


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["identity"])
    sessions = _Sessions(desk)

    @api.post(
        "/v1/sessions",
        summary="Sign in: open a shift",
        **documented(Tokens, body=SignInRequest, request_example=_SIGN_IN, parameters=(_DEVICE,), problems=(401, 403)),
    )
    async def sign_in(request: Request) -> Response:
        """With password and second factor. A code is taken once. After 10 failures the account rests for half an hour.
        A password that an administrator gave has to be replaced by `new_password`, within four days.
        On an enrolled device, its own token goes with it: the shift is then worked where the device is, and lasts no
        longer than the device's session."""
        return ok(await sessions.sign_in(request))

    @api.post(
        "/v1/sessions/passkey-options",
        summary="Begin to sign in with a passkey",
        **documented(PasskeyOptions, parameters=(_DEVICE,), problems=(401,)),
    )
    async def options(request: Request) -> Response:
        """For the browser's `navigator.credentials.get`. Good for five minutes, and for one sign-in. On an enrolled
        device, its own token goes with it here as well: then nobody else in the building uses up its tries."""
        return ok(await sessions.options(request))

    @api.post(
        "/v1/sessions/refresh",
        summary="Renew the tokens of a shift",
        **documented(Tokens, body=RefreshRequest, request_example={"refresh_token": "eyJ…"}, problems=(401, 404)),
    )
    async def refresh(request: Request) -> Response:
        """While the person works: managers' shifts end when nothing was asked with a token of theirs for 15 minutes,
        others' after 60. Neither this nor `GET /v1/live` counts as work, since pages do both by themselves; all else
        does, also where a page polls it. An access token is good for less than five minutes where the shift would be
        idle for too long before. While the cell's Redis is away, nothing is renewed: 503."""
        return ok(await sessions.refresh(request))

    _add_current(api, desk, sessions)
    return api


def _add_current(api: APIRouter, desk: Desk, sessions: _Sessions) -> None:
    """The routes of who is signed in."""

    def caller(request: Request) -> Principal:
        # With identity off, the guard has let everybody pass; here it matters who it is.
        found = request.scope.get(PRINCIPAL) or desk.services.guard.caller(request.scope)
        assert isinstance(found, Principal)
        return found

    @api.post(
        "/v1/sessions/current/passkey-options",
        summary="Begin to prove the second factor with a passkey",
        **documented(PasskeyOptions, problems=(401, 403)),
    )
    async def proof_options(request: Request) -> Response:
        """As for signing in; the answer goes to `/v1/sessions/current/proof`."""
        return ok(await sessions.proof_options(request, desk.person(request.scope)))

    @api.get("/v1/sessions/current", summary="Who am I?", **documented(CallerView, problems=(401,)))
    async def current(request: Request) -> Response:
        """What the token says."""
        who = caller(request)
        proved = moment(who.proved_s * 1000) if who.proved_s else None
        return ok(
            CallerView(
                who.subject, who.session_id, who.role, sorted(who.permissions), sorted(who.locations), proved,
                moment(who.expires_s * 1000),
            )
        )  # fmt: skip

    @api.post(
        "/v1/sessions/current/proof",
        summary="Give the second factor again",
        **documented(Tokens, body=ProofRequest, request_example={"code": "123456"}, problems=(401, 403)),
    )
    async def proof(request: Request) -> Response:
        """For what asks for it with `insufficient_user_authentication` (RFC 9470). Both tokens are replaced."""
        return ok(await sessions.prove(request, caller(request)))

    @api.delete("/v1/sessions/current", summary="Sign out", **documented(None, status=204, problems=(401, 403, 404)))
    async def sign_out(request: Request) -> Response:
        """Ends the shift; its tokens are worthless within two seconds everywhere. Machines and devices have no shift:
        theirs end when they are disabled or revoked, or by themselves within five minutes."""
        await sessions.sign_out(request)
        return Response(status_code=204)
