"""`/v1/guest`: an order is followed without an account, by its id, one thing that whoever placed it knows, and a code
that is sent to the address that it was placed with. When that is corrected, a code and a token that came from the one
before are worth nothing any more: who reads that mailbox was never the customer.

Whether there is such an order, whether it fits and whether it has an address is told to nobody: not by
the answer, not by its time.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets

from fastapi import APIRouter, Request
from msgspec import json
from starlette.responses import Response

from actors.domain.guest import CodeOutcome, KeepCode, TryCode
from actors.domain.ids import guest_of
from actors.domain.one_time_code import CODE_MS
from actors.domain.order_views import OrderContact, ViewContact
from serve.context import ENTITY_ID, REQUEST_ID, Scope
from serve.customers.codes import new_code, plain
from serve.customers.quiet import Quietly
from serve.customers.schemas import CodeAsked, GuestCodeRequest, GuestSessionRequest, GuestToken
from serve.identity.desk import Desk, not_before
from serve.identity.emails import Email, checked
from serve.identity.folding import folded
from serve.identity.guard import challenge
from serve.identity.sealing import code_digest
from serve.identity.tokens import GUEST, GUEST_S, Claims, issue, issuer_of
from serve.keys.data_keys import Erased
from serve.notices.port import Notice, Notifications
from serve.openapi import documented
from serve.orders.private import PrivateOrders
from serve.problems import Problem
from serve.regions import Territory
from serve.requests import decode
from serve.responses import AnswerResponse, encode, ok

# No refusal of a code is given earlier.
REFUSAL_S = 0.5
_code_decoder = json.Decoder(GuestCodeRequest)
_session_decoder = json.Decoder(GuestSessionRequest)
_CODE = {"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "email": "mia@example.com"}
_SESSION = {"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "code": "12345678"}
ASKED = CodeAsked("If that is right, a code is on its way.", CODE_MS // 1000)


def code_refused(*, remembered: bool) -> Problem:
    """One answer for every code that is not taken. `remembered`: an entity refused it, whose
    turn stands in the audit."""
    detail = "The code is wrong, was used, or is too old: ask for another one."
    problem = Problem("code.refused", detail, headers=(challenge(""),))
    problem.remembered = remembered
    return problem


class _Guests:
    """The handlers' work."""

    def __init__(self, desk: Desk, notifications: Notifications) -> None:
        self._desk = desk
        self._notifications = notifications
        self._territory = Territory(desk.services.settings)
        self._private = PrivateOrders(desk.services)
        self._quietly = Quietly()

    async def ask_code(self, request: Request) -> None:
        desk, scope = self._desk, request.scope
        await desk.hold_asking(scope)
        write = await desk.services.bodies.read(scope, request.receive, keyed=False)
        sent = decode(_code_decoder, write.body)
        if (sent.email is None) == (sent.postcode is None):
            raise Problem("body.invalid", "Give either `email` or `postcode`.", errors=[{"pointer": "", "detail": "one of both"}])  # fmt: skip
        email = None if sent.email is None else checked(sent.email, "/email")
        self._territory.check_order(sent.order_id)
        await desk.hold_codes(scope, "guest-codes", sent.order_id)
        scope[ENTITY_ID] = sent.order_id
        await self._quietly.do(self._send(sent.order_id, email, sent.postcode or "", scope), scope[REQUEST_ID])

    async def _send(self, order_id: str, email: Email | None, postcode: str, scope: Scope) -> None:
        desk, cause = self._desk, scope[REQUEST_ID]
        known = await self._contact(order_id, scope)
        if known is None or not known.email_digest:
            return
        if email is not None and self._private.email_digest(email) != known.email_digest:
            return
        try:
            private, _ = await self._private.private(order_id, known.sealed, cause)
        except Erased:
            return
        if email is None and not _same(postcode, private.postcode):
            return
        keys, code = desk.keys(), new_code()
        digest = code_digest(keys, guest_of(order_id, known.email_digest), code)
        kept = await desk.ask("guest", order_id, KeepCode(digest), scope, CodeOutcome)
        if kept.ok:
            values, until_ms = {"code": code, "order_id": order_id}, desk.now_ms() + CODE_MS
            notice = Notice("guest.code", private.email, order_id, values, until_ms, known.sealed)
            await self._notifications.send(notice, scope)

    async def _contact(self, order_id: str, scope: Scope) -> OrderContact | None:
        """How whoever placed it can be reached; None when there is no such order. Raises Problem 503."""
        try:
            return await self._desk.view("order", order_id, ViewContact(order_id), scope, OrderContact)
        except Problem as problem:
            if problem.code == "order.unknown":
                return None
            raise

    async def open_session(self, request: Request) -> GuestToken:
        desk, scope = self._desk, request.scope
        earliest = asyncio.get_running_loop().time() + REFUSAL_S
        await desk.hold_address(scope, "guest")
        write = await desk.services.bodies.read(scope, request.receive, keyed=False)
        sent = decode(_session_decoder, write.body)
        self._territory.check_order(sent.order_id)
        await desk.hold_tries(scope, "guest-tries", sent.order_id)
        scope[ENTITY_ID] = sent.order_id
        keys = desk.keys()
        # Read before the code is judged: where the address is corrected between the two, the token is of the old one.
        known = await self._contact(sent.order_id, scope)
        guest = guest_of(sent.order_id, "" if known is None else known.email_digest)
        digest = code_digest(keys, guest, plain(sent.code))
        outcome = await desk.ask("guest", sent.order_id, TryCode(digest), scope, CodeOutcome)
        if not outcome.ok:
            await not_before(earliest)
            raise code_refused(remembered=outcome.known)
        now_s = desk.now_ms() // 1000
        claims = Claims(
            iss=issuer_of(desk.region), sub=sent.order_id, sid=f"{guest}.{secrets.token_hex(8)}", role=GUEST, scopes=(),
            locs=(), iat=now_s, exp=now_s + GUEST_S, auth_time=0, acr="1", num=0, dev="", dev_sid="",
            use="access",
        )  # fmt: skip
        return GuestToken(issue(keys, claims), "Bearer", GUEST_S, sent.order_id)


def _same(one: str, other: str) -> bool:
    return bool(_spelt(one)) and hmac.compare_digest(_spelt(one).encode(), _spelt(other).encode())


def _spelt(postcode: str) -> str:
    """SW1A 1AA, sw1a1aa and 98101-1234, 981011234 are spellings of one."""
    return "".join(character for character in folded(postcode) if character.isalnum())


def router(desk: Desk, notifications: Notifications) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["customers"])
    guests = _Guests(desk, notifications)

    @api.post(
        "/v1/guest/codes",
        summary="Ask for a code to follow an order without an account",
        **documented(CodeAsked, body=GuestCodeRequest, request_example=_CODE, status=202, problems=(404, 421)),
    )
    async def codes(request: Request) -> Response:
        """The same answer at the same time, whether a code is sent or not. A newer code replaces the older."""
        await guests.ask_code(request)
        return AnswerResponse((202, encode(ASKED), ()))

    @api.post(
        "/v1/guest/sessions",
        summary="Follow an order by the code that was sent",
        **documented(GuestToken, body=GuestSessionRequest, request_example=_SESSION, problems=(401, 404, 421)),
    )
    async def sessions(request: Request) -> Response:
        """A token that reaches this order and nothing else: it may be read, and cancelled while that is
        possible. A code is taken once."""
        return ok(await guests.open_session(request))

    return api
