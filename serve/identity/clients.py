"""`/v1/clients` and `/v1/oauth/token`: machines, by OAuth 2 client credentials (RFC 6749, 4.4). Devices get
their tokens there too."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.client import (
    CheckClient,
    ClientChanged,
    ClientCheck,
    ClientSecretChanged,
    ClientView,
    DisableClient,
    EnableClient,
    RegisterClient,
    RotateClientSecret,
    SetClientScopes,
    ViewClient,
)
from actors.domain.ids import CLIENT_PATTERN, client_id, is_of
from serve.audit.who import proved
from serve.context import ENTITY_ID, PRINCIPAL, REQUEST_ID, WHO, Scope
from serve.devices.signing_in import DeviceSignIn
from serve.identity.desk import REFUSED, Desk, check_given
from serve.identity.limits import BY_CLIENT
from serve.identity.oauth import (
    FORM,
    TokenError,
    TokenForm,
    TokenNotGiven,
    assertion_of,
    credentials_of,
    form_of,
    scopes_of,
)
from serve.identity.schemas import AccessToken, ClientChange, ClientSecret, NewClient, Scopes
from serve.identity.tokens import ACCESS_S, Claims, issue, issuer_of
from serve.openapi import documented
from serve.permissions import FOR_PEOPLE, PERMISSIONS, beyond
from serve.problems import Problem, field_problem, needed
from serve.replies import answer, body_of
from serve.requests import Write, decode
from serve.responses import AnswerResponse, encode, ok

# What operators on the cell's own machine name themselves (`cells/keys.py`).
RESERVED_NAMES = frozenset({"local"})
SECRET_BYTES = 32
DRAW_BYTES = 8
ClientId = Annotated[str, Path(max_length=64, description="e.g. us-client-web-shop")]
_new_decoder = msgspec.json.Decoder(NewClient)
_change_decoder = msgspec.json.Decoder(ClientChange)
_changed_decoder = msgspec.json.Decoder(ClientChanged)
_secret_changed_decoder = msgspec.json.Decoder(ClientSecretChanged)
_NEW = {"name": "web-shop", "scopes": ["orders.place", "orders.read"]}
_CHANGE = {"change": "rotate_secret", "grace_s": 3600, "end_older": False}
_FORM = {
    "grant_type": "client_credentials",
    "client_id": "us-client-marketplace",
    "client_secret": "as it was told when the client was made",
    "scope": "orders.place",
}


def _secret_hash(secret: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()


class _Drawn(NamedTuple):
    """A secret of 256 bits by chance: what is made from the cell's keys, whoever has these can make as well. `draw`: a
    name for it that tells nothing of it."""

    secret: str
    draw: str


def _drawn() -> _Drawn:
    return _Drawn(secrets.token_urlsafe(SECRET_BYTES), secrets.token_hex(DRAW_BYTES))


def _check_scopes(scopes: Scopes) -> None:
    for position, scope in enumerate(scopes):
        if scope not in PERMISSIONS:
            detail = f"Scopes are permissions: {', '.join(PERMISSIONS)}."
            raise field_problem("client.scope_unknown", detail, f"/scopes/{position}")
        if scope in FOR_PEOPLE:
            detail = f"{scope} is for people, who prove who they are by more than a secret."
            raise field_problem("client.scope_forbidden", detail, f"/scopes/{position}")


def _check_own(scope: Scope, scopes: Scopes) -> None:
    """Raises Problem 403 when the caller would give, or get by a secret, what he may not do himself."""
    principal = scope.get(PRINCIPAL)
    more = [] if principal is None else beyond(scopes, principal.permissions)
    if more:
        raise Problem("client.beyond_rights", f"You don't have these rights yourself: {', '.join(more)}.")


def _told(changed: ClientChanged | ClientSecretChanged, drawn: _Drawn) -> ClientSecret:
    """The secret, if it is the one that was taken. Raises Problem 409 when the call is a repetition: then another one
    was, and nobody knows that any more."""
    if changed.draw != drawn.draw:
        detail = (
            "This was done before, and its secret told once; it is kept nowhere. If it was lost, ask for a new one: `rotate_secret`, with another key. "
            "A secret in use stays good until the end that it was promised, if you give a `grace_s` again; with 0, or with `end_older`, it ends at once."
        )
        raise Problem("client.secret_told", detail, extra={"client_id": changed.client_id})
    if isinstance(changed, ClientSecretChanged):
        return ClientSecret(changed.client_id, drawn.secret, changed.old_until_ms, changed.older_until_ms)
    return ClientSecret(changed.client_id, drawn.secret)


class _Clients:
    """The handlers' work."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._devices = DeviceSignIn(desk)

    async def register(self, request: Request) -> ClientSecret:
        desk = self.desk
        write = await desk.services.bodies.read(request.scope, request.receive)
        sent = decode(_new_decoder, write.body)
        _check_scopes(sent.scopes)
        _check_own(request.scope, sent.scopes)
        check_given(request.scope, sent.locations)
        if sent.name in RESERVED_NAMES:
            raise Problem("client.exists", "This name is taken.")
        identity = request.scope[ENTITY_ID] = client_id(desk.region, sent.name)
        drawn = _drawn()
        command = RegisterClient(sent.scopes, sent.locations, _secret_hash(drawn.secret), drawn.draw)
        return _told(await self._ask(request, write, identity, command), drawn)

    async def read(self, request: Request, identity: str) -> Response:
        desk = self.desk
        request.scope[ENTITY_ID] = identity
        desk.check_own("client", identity)
        await desk.check_reach("client", identity, ViewClient(), ClientView, request.scope)
        reply = await desk.services.gateway.view("client", identity, ViewClient(), cause=request.scope[REQUEST_ID])
        return AnswerResponse(answer(reply))

    async def change(self, request: Request, identity: str) -> ClientSecret:
        desk = self.desk
        write = await desk.services.bodies.read(request.scope, request.receive)
        sent = decode(_change_decoder, write.body)
        request.scope[ENTITY_ID] = identity
        desk.check_own("client", identity)
        await desk.check_reach("client", identity, ViewClient(), ClientView, request.scope)
        drawn = _Drawn("", "")
        command: msgspec.Struct
        if sent.change == "rotate_secret":
            # Whoever is told the secret may do what the client may.
            known = await desk.view("client", identity, ViewClient(), request.scope, ClientView)
            _check_own(request.scope, known.scopes)
            drawn = _drawn()
            command = RotateClientSecret(_secret_hash(drawn.secret), sent.grace_s * 1000, drawn.draw, sent.end_older)
        elif sent.change == "scopes":
            # As with roles (`accounts.py`).
            scopes, locations = needed(sent.scopes, "scopes"), needed(sent.locations, "locations")
            _check_scopes(scopes)
            _check_own(request.scope, scopes)
            check_given(request.scope, locations)
            command = SetClientScopes(scopes, locations)
        else:
            command = DisableClient() if sent.change == "disable" else EnableClient()
        return _told(await self._ask(request, write, identity, command), drawn)

    async def _ask(
        self, request: Request, write: Write, identity: str, command: msgspec.Struct
    ) -> ClientChanged | ClientSecretChanged:
        """Raises Problem where it is refused."""
        reply = await self.desk.services.gateway.ask(
            "client", identity, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        decoder = _secret_changed_decoder if isinstance(command, RotateClientSecret) else _changed_decoder
        return decoder.decode(body_of(reply))

    async def token(self, request: Request) -> AccessToken:
        desk = self.desk
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False, media_type=FORM)
        form, header = form_of(write.body), request.headers.get("authorization")
        if assertion := assertion_of(header, form):
            return await self._devices.token(request.scope, form, assertion)
        identity, secret = credentials_of(header, form)
        now_ms = desk.now_ms()
        check = await self._checked(request, identity, secret, now_ms)
        proved(request.scope, identity, check.session_id)
        # Not before: nobody guesses 256 bits, and whoever knows the id alone must not use up what the client may ask.
        await desk.hold_to(BY_CLIENT, "client", identity)
        # A client of an earlier release may have been given more.
        scopes = scopes_of(form, [scope for scope in check.scopes if scope not in FOR_PEOPLE])
        # The secret was checked by a view, of which no turn tells.
        await desk.services.trail.signed_in(request.scope, "client.sign_in", "client", identity)
        # From the moment for which the client was checked: no token outlives its revocation.
        now_s = now_ms // 1000
        claims = Claims(
            iss=issuer_of(desk.region), sub=identity, sid=check.session_id, role="", scopes=tuple(scopes),
            locs=tuple(check.locations), iat=now_s, exp=now_s + ACCESS_S, auth_time=0, acr="1", num=0, dev="", dev_sid="",
            use="access",
        )  # fmt: skip
        return AccessToken(issue(desk.keys(), claims), "Bearer", ACCESS_S, " ".join(scopes))

    def not_given(self, request: Request, refused: TokenNotGiven) -> Response:
        """As OAuth 2 has it, which is not as all other problems are."""
        self.desk.services.trail.refused(request.scope, refused.problem(), "POST /v1/oauth/token")
        challenge = ((b"www-authenticate", b'Basic realm="ocefs"'),) if refused.status == 401 else ()
        response = AnswerResponse((refused.status, encode(TokenError(refused.error, refused.detail)), challenge))
        response.headers["content-type"] = "application/json"
        return response

    async def _checked(self, request: Request, identity: str, secret: str, now_ms: int) -> ClientCheck:
        """Raises TokenNotGiven, and Problem 429 or 503."""
        check = await self._check(request, identity, secret, now_ms)
        if check is None or not check.ok:
            await self.desk.hold_address(request.scope, REFUSED)
            raise TokenNotGiven(401, "invalid_client", "The client is not known, or its secret is wrong.")
        return check

    async def _check(self, request: Request, identity: str, secret: str, now_ms: int) -> ClientCheck | None:
        """None when there is no such client. Raises Problem 503."""
        if not is_of(identity, CLIENT_PATTERN, self.desk.region):
            return None
        request.scope[ENTITY_ID] = identity
        query = CheckClient(_secret_hash(secret), now_ms)
        try:
            return await self.desk.view("client", identity, query, request.scope, ClientCheck)
        except Problem as problem:
            if problem.code == "client.unknown":
                return None
            raise


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["identity"])
    clients = _Clients(desk)

    @api.post(
        "/v1/oauth/token",
        summary="A token for a machine",
        **documented(
            AccessToken,
            body=TokenForm,
            request_example=_FORM,
            body_type=FORM.decode(),
            also={400: TokenError, 401: TokenError},
            problems=(401,),
        ),
    )
    async def token(request: Request) -> Response:
        """OAuth 2 client credentials: of a client by its secret, of a device by a JWT that it signed (RFC 7523, 2.2).
        Refusals are told as RFC 6749, 5.2 has them."""
        try:
            return ok(await clients.token(request))
        except TokenNotGiven as refused:
            return clients.not_given(request, refused)

    @api.post(
        "/v1/clients",
        summary="Register a machine",
        **documented(ClientSecret, request=NewClient, request_example=_NEW, status=201, problems=(401, 403, 409)),
    )
    async def registered(request: Request) -> Response:
        """Gives the secret, once: it is kept nowhere. The same call again is answered 409 `client.secret_told`; whoever
        lost the secret asks for a new one."""
        return AnswerResponse((201, encode(await clients.register(request)), ()))

    @api.get(
        "/v1/clients/{client_id}",
        summary="Read a machine's rights",
        **documented(ClientView, problems=(401, 403, 404, 422)),
    )
    async def read(client_id: ClientId, request: Request) -> Response:
        """Without anything secret."""
        return await clients.read(request, client_id)

    @api.post(
        "/v1/clients/{client_id}/changes",
        summary="Change a machine's rights or secret",
        **documented(ClientSecret, request=ClientChange, request_example=_CHANGE, problems=(401, 403, 404, 409)),
    )
    async def changed(client_id: ClientId, request: Request) -> Response:
        """Tokens that were given before end, but at a new secret. `client_secret` is empty unless it is new; it is told
        once, and the same call again is answered 409 `client.secret_told`. With another key after a lost one the secret
        in use stays good until the end that it was promised; with `grace_s` 0 all older ones end at once, with
        `end_older` all but the one before the new one: when an older one has leaked. At most three are good: the
        newest, the one before it, and the oldest."""
        return ok(await clients.change(request, client_id))

    return api
