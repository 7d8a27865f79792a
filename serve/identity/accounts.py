"""`/v1/accounts`: who has rights, changed by those who may; each change ends the running shift."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.account_commands import ChangeRole, Disable, Enable, OpenAccount, ResetFactor, SetPassword
from actors.domain.account_views import AccountView, ViewAccount
from serve.context import ENTITY_ID, PRINCIPAL, REQUEST_ID, WHO
from serve.identity.desk import Desk, check_given
from serve.identity.schemas import AccountChange, AccountSearch, NewAccount
from serve.openapi import documented
from serve.problems import Problem, needed
from serve.replies import answer
from serve.requests import Write, decode
from serve.responses import AnswerResponse

AccountId = Annotated[str, Path(max_length=64, description="e.g. us-acct-01kah2v3nq7h3k2m9qk4t1x0ab")]
_new_decoder = msgspec.json.Decoder(NewAccount)
_search_decoder = msgspec.json.Decoder(AccountSearch)
_change_decoder = msgspec.json.Decoder(AccountChange)
_NEW = {"login": "mia.manager", "role": "manager", "password": "a long enough password", "locations": ["us-st-austin"]}
_SEARCH = {"login": "mia.manager"}
_CHANGE = {"change": "role", "role": "associate", "locations": ["us-st-austin"]}
# Changes that need nothing besides.
_PLAIN = {"reset_factor": ResetFactor, "disable": Disable, "enable": Enable}


class _Accounts:
    """The handlers' work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def open(self, request: Request) -> Response:
        desk = self._desk
        write = await desk.services.bodies.read(request.scope, request.receive)
        sent = decode(_new_decoder, write.body)
        check_given(request.scope, sent.locations)
        account_id = desk.account_of(sent.login)
        command = OpenAccount(sent.role, sent.locations, await self._hashed(account_id, sent.password, sent.login))
        return await self._done(request, account_id, command, write, 201)

    async def find(self, request: Request) -> Response:
        desk = self._desk
        write = await desk.services.bodies.read(request.scope, request.receive, keyed=False)
        account_id = desk.account_of(decode(_search_decoder, write.body).login)
        # Also where there is none: that is told as well.
        await desk.services.trail.read(request.scope, "account.read", "account", account_id)
        return await self.read(request, account_id)

    async def read(self, request: Request, account_id: str) -> Response:
        desk = self._desk
        request.scope[ENTITY_ID] = account_id
        desk.check_own("account", account_id)
        await desk.check_reach("account", account_id, ViewAccount(), AccountView, request.scope)
        reply = await desk.services.gateway.view(
            "account", account_id, ViewAccount(), cause=request.scope[REQUEST_ID]
        )  # fmt: skip
        return AnswerResponse(answer(reply))

    async def change(self, request: Request, account_id: str) -> Response:
        desk = self._desk
        write = await desk.services.bodies.read(request.scope, request.receive)
        sent = decode(_change_decoder, write.body)
        if not account_id.startswith(f"{desk.region}-acct-"):
            raise Problem("account.unknown", "There is no such account.")
        principal = request.scope.get(PRINCIPAL)
        if principal is not None and principal.subject == account_id:
            raise Problem("account.beyond_rights", "Nobody changes his own account.")
        await desk.check_reach("account", account_id, ViewAccount(), AccountView, request.scope)
        return await self._done(request, account_id, await self._command(request, account_id, sent), write)

    async def _command(self, request: Request, account_id: str, sent: AccountChange) -> msgspec.Struct:
        """Raises Problem 422 where what the change needs is missing."""
        if sent.change == "role":
            # Nothing that a change leaves out widens the rights that there are.
            role, locations = needed(sent.role, "role"), needed(sent.locations, "locations")
            check_given(request.scope, locations)
            return ChangeRole(role, locations)
        if sent.change == "password":
            return SetPassword(await self._hashed(account_id, needed(sent.password, "password")))
        return _PLAIN[sent.change]()

    async def _hashed(self, account_id: str, password: str, login: str = "") -> str:
        self._desk.check_new_password(account_id, password, "/password", login)
        return await self._desk.hashed(password)

    async def _done(
        self, request: Request, account_id: str, command: msgspec.Struct, write: Write, status: int = 200
    ) -> Response:
        desk = self._desk
        request.scope[ENTITY_ID] = account_id
        digest = desk.keyed_digest(account_id, write.body)
        reply = await desk.services.gateway.ask(
            "account", account_id, command,
            command_id=write.key, digest=digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        _, body, headers = answer(reply)
        return AnswerResponse((status, body, headers))


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["identity"])
    accounts = _Accounts(desk)

    @api.post(
        "/v1/accounts",
        summary="Open an account",
        **documented(AccountView, request=NewAccount, request_example=_NEW, status=201, problems=(401, 403, 409)),
    )
    async def opened(request: Request) -> Response:
        """With a first password. Before the first shift the person enrols a second factor and takes another
        password, within four days: later the first one opens nothing."""
        return await accounts.open(request)

    @api.post(
        "/v1/account-searches",
        summary="Find an account by its login",
        **documented(AccountView, body=AccountSearch, request_example=_SEARCH, problems=(400, 401, 403, 404, 422)),
    )
    async def found(request: Request) -> Response:
        """As reading it by its id, under which it stands in the audit. In a body, because a login is personal and
        addresses of requests stand in many logs."""
        return await accounts.find(request)

    @api.get(
        "/v1/accounts/{account_id}", summary="Read an account", **documented(AccountView, problems=(401, 403, 404, 422))
    )
    async def read(account_id: AccountId, request: Request) -> Response:
        """Without anything secret."""
        return await accounts.read(request, account_id)

    @api.post(
        "/v1/accounts/{account_id}/changes",
        summary="Change an account",
        **documented(AccountView, request=AccountChange, request_example=_CHANGE, problems=(401, 403, 404)),
    )
    async def changed(account_id: AccountId, request: Request) -> Response:
        """Ends the running shift: changed rights are never those of an old token. A password that is set is one to be
        replaced, as the first one is."""
        return await accounts.change(request, account_id)

    return api
