"""`/v1/clients` and `/v1/oauth/token`: machines, by OAuth 2 client credentials (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Annotated
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.client import (
    CheckClient,
    ClientCheck,
    ClientView,
    DisableClient,
    EnableClient,
    RegisterClient,
    RotateClientSecret,
    SetClientScopes,
    ViewClient,
)
from actors.domain.ids import CLIENT_PATTERN, client_id
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.identity.desk import Desk, check_given, told
from serve.identity.limits import BY_CLIENT
from serve.identity.schemas import AccessToken, ClientChange, ClientSecret, NewClient, Scopes
from serve.identity.tokens import ACCESS_S, Claims, issue, issuer_of
from serve.openapi import documented
from serve.permissions import OWN, PERMISSIONS
from serve.problems import Problem, field_problem
from serve.replies import answer, body_of
from serve.requests import decode
from serve.responses import AnswerResponse, encode, ok

# A machine has no second factor: one that may give rights would be a way around it. And nothing is its own.
FOR_PEOPLE = frozenset({"accounts.write", "clients.write"}) | OWN
# What operators on the cell's own machine name themselves (`cells/keys.py`).
RESERVED_NAMES = frozenset({"local"})
FORM = b"application/x-www-form-urlencoded"
ClientId = Annotated[str, Path(max_length=64, description="e.g. us-client-web-shop")]
_new_decoder = msgspec.json.Decoder(NewClient)
_change_decoder = msgspec.json.Decoder(ClientChange)
_NEW = {"name": "web-shop", "scopes": ["orders.place", "orders.read"]}
_CHANGE = {"change": "rotate_secret", "grace_s": 3600}


class TokenForm(msgspec.Struct, frozen=True):
    """The form of a token request; the client may name itself by HTTP Basic instead."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    scope: str = ""


class TokenError(msgspec.Struct, frozen=True):
    """RFC 6749, 5.2."""

    error: str
    error_description: str


class _TokenRefused(Exception):
    """Told as RFC 6749, 5.2 says."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(error)
        self.status, self.error, self.detail = status, error, detail


def _secret_hash(secret: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_scopes(scopes: Scopes) -> None:
    for position, scope in enumerate(scopes):
        if scope not in PERMISSIONS:
            detail = f"Scopes are permissions: {', '.join(PERMISSIONS)}."
            raise field_problem("client.scope_unknown", detail, f"/scopes/{position}")
        if scope in FOR_PEOPLE:
            detail = f"{scope} is for people, who prove who they are by more than a secret."
            raise field_problem("client.scope_forbidden", detail, f"/scopes/{position}")


class _Clients:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def secret(self, identity: str, key: str) -> str:
        """Made from the call's key, so that a repeated call gives the same secret again. 256 bits."""
        made = hmac.digest(self.desk.keys().lookup_key, f"client-secret\0{identity}\0{key}".encode(), "sha256")
        return base64.urlsafe_b64encode(made).decode("ascii").rstrip("=")

    async def token(self, request: Request) -> AccessToken:
        desk = self.desk
        await desk.hold_address(request.scope)
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False, media_type=FORM)
        form = _form(write.body)
        if not form.grant_type:
            raise _TokenRefused(400, "invalid_request", "grant_type is missing.")
        if form.grant_type != "client_credentials":
            raise _TokenRefused(400, "unsupported_grant_type", "Only client_credentials is known here.")
        identity, secret = _credentials(request.headers.get("authorization"), form)
        await desk.hold_to(BY_CLIENT, "client", identity)
        now_ms = desk.now_ms()
        check = await self._checked(request, identity, secret, now_ms)
        wanted = form.scope.split()
        if not set(wanted) <= set(check.scopes):
            raise _TokenRefused(400, "invalid_scope", "The client does not have all of these scopes.")
        scopes = sorted(set(wanted or check.scopes))
        # From the moment for which the client was checked: no token outlives its revocation.
        now_s = now_ms // 1000
        claims = Claims(
            iss=issuer_of(desk.region), sub=identity, sid=check.session_id, role="", scopes=tuple(scopes),
            locs=tuple(check.locations), iat=now_s, exp=now_s + ACCESS_S, auth_time=0, acr="1", num=0, use="access",
        )  # fmt: skip
        return AccessToken(issue(desk.keys(), claims), "Bearer", ACCESS_S, " ".join(scopes))

    async def _checked(self, request: Request, identity: str, secret: str, now_ms: int) -> ClientCheck:
        wrong = _TokenRefused(401, "invalid_client", "The client is not known, or its secret is wrong.")
        if not CLIENT_PATTERN.fullmatch(identity) or not identity.startswith(f"{self.desk.region}-"):
            raise wrong
        query = CheckClient(_secret_hash(secret), now_ms)
        reply = await self.desk.services.gateway.view("client", identity, query, cause=request.scope[REQUEST_ID])
        try:
            check = told(reply, ClientCheck)
        except Problem as problem:
            if problem.code == "client.unknown":
                raise wrong from None
            raise
        if not check.ok:
            raise wrong
        return check


def _form(body: bytes) -> TokenForm:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20, errors="strict")
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a field is given twice")
        return msgspec.convert({name: value for name, value in pairs if name in TokenForm.__struct_fields__}, TokenForm)
    except ValueError as error:
        raise _TokenRefused(400, "invalid_request", f"The form can't be read: {error}.") from None


def _credentials(header: str | None, form: TokenForm) -> tuple[str, str]:
    if header is None:
        return form.client_id, form.client_secret
    kind, _, encoded = header.partition(" ")
    if form.client_secret or kind.lower() != "basic":
        raise _TokenRefused(400, "invalid_request", "Name the client once: by HTTP Basic, or in the form.")
    try:
        identity, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no base64, no UTF-8, or not even ASCII
        raise _TokenRefused(400, "invalid_request", "The Authorization header can't be read.") from None
    if not colon:
        raise _TokenRefused(400, "invalid_request", "The Authorization header can't be read.")
    return unquote_plus(identity), unquote_plus(secret)


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["identity"])
    clients = _Clients(desk)
    gateway = desk.services.gateway

    @api.post(
        "/v1/oauth/token",
        summary="A token for a machine",
        **documented(
            AccessToken,
            body=TokenForm,
            body_type=FORM.decode(),
            also={400: TokenError, 401: TokenError},
            problems=(401,),
        ),
    )
    async def token(request: Request) -> Response:
        """OAuth 2 client credentials. Refusals are told as RFC 6749, 5.2 has them."""
        try:
            return ok(await clients.token(request))
        except _TokenRefused as refused:
            body = encode(TokenError(refused.error, refused.detail))
            challenge = ((b"www-authenticate", b'Basic realm="ocefs"'),) if refused.status == 401 else ()
            response = AnswerResponse((refused.status, body, challenge))
            response.headers["content-type"] = "application/json"
            return response

    @api.post(
        "/v1/clients",
        summary="Register a machine",
        **documented(ClientSecret, request=NewClient, request_example=_NEW, status=201, problems=(401, 403, 409)),
    )
    async def registered(request: Request) -> Response:
        """Gives the secret; it is kept nowhere."""
        write = await desk.services.bodies.read(request.scope, request.receive)
        sent = decode(_new_decoder, write.body)
        _check_scopes(sent.scopes)
        check_given(request.scope, sent.locations)
        if sent.name in RESERVED_NAMES:
            raise Problem("client.exists", "This name is taken.")
        identity = request.scope[ENTITY_ID] = client_id(desk.region, sent.name)
        secret = clients.secret(identity, write.key)
        reply = await gateway.ask(
            "client", identity, RegisterClient(sent.scopes, sent.locations, _secret_hash(secret)),
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        body_of(reply)
        return AnswerResponse((201, encode(ClientSecret(identity, secret)), ()))

    @api.get(
        "/v1/clients/{client_id}",
        summary="Read a machine's rights",
        **documented(ClientView, problems=(401, 403, 404, 422)),
    )
    async def read(client_id: ClientId, request: Request) -> Response:
        """Without anything secret."""
        request.scope[ENTITY_ID] = client_id
        return AnswerResponse(
            answer(await gateway.view("client", client_id, ViewClient(), cause=request.scope[REQUEST_ID]))
        )

    @api.post(
        "/v1/clients/{client_id}/changes",
        summary="Change a machine's rights or secret",
        **documented(ClientSecret, request=ClientChange, request_example=_CHANGE, problems=(401, 403, 404)),
    )
    async def changed(client_id: ClientId, request: Request) -> Response:
        """Tokens that were given before end, but at a new secret. `client_secret` is empty unless it is new."""
        write = await desk.services.bodies.read(request.scope, request.receive)
        sent = decode(_change_decoder, write.body)
        request.scope[ENTITY_ID] = client_id
        await desk.check_reach("client", client_id, ViewClient(), ClientView, request.scope)
        secret = ""
        command: msgspec.Struct
        if sent.change == "rotate_secret":
            secret = clients.secret(client_id, write.key)
            command = RotateClientSecret(_secret_hash(secret), sent.grace_s * 1000)
        elif sent.change == "scopes":
            _check_scopes(sent.scopes)
            check_given(request.scope, sent.locations)
            command = SetClientScopes(sent.scopes, sent.locations)
        else:
            command = DisableClient() if sent.change == "disable" else EnableClient()
        reply = await gateway.ask(
            "client", client_id, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        body_of(reply)
        return ok(ClientSecret(client_id, secret))

    return api
