"""`/v1/customers/me/sessions`: where a customer is signed in, and out everywhere else. Who is in with a stolen code or
token is seen here, and put out.

Nothing names a session: there is one that asks, and there are the others.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.customer_commands import EndOtherSessions
from actors.domain.customer_state import Session, runs
from actors.domain.customer_views import CustomerAccount, KeptOfCustomer, ViewCustomer
from actors.domain.times import moment
from serve.context import ENTITY_ID
from serve.customers.accounts import caller
from serve.customers.schemas import CustomerSessionList, ListedSession
from serve.identity.desk import Desk
from serve.openapi import documented
from serve.responses import ok


def _listed(session: Session, mine: str) -> ListedSession:
    return ListedSession(
        session.session_id == mine,
        "passkey" if session.by_passkey else "code",
        moment(session.opened_ms) if session.opened_ms else None,
        moment(session.seen_ms),
        moment(session.ends_ms),
    )


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["customers"])

    @api.get(
        "/v1/customers/me/sessions",
        summary="Where I am signed in as a customer",
        **documented(CustomerSessionList, problems=(401, 403, 404)),
    )
    async def mine(request: Request) -> Response:
        """The sessions that run, oldest first. One is used when it is opened and whenever its tokens are renewed."""
        who = caller(desk, request.scope)
        request.scope[ENTITY_ID] = who.subject
        kept = await desk.view("customer", who.subject, ViewCustomer(), request.scope, KeptOfCustomer)
        running = [one for one in kept.opened if runs(one, desk.now_ms())]
        return ok(CustomerSessionList([_listed(one, who.session_id) for one in running]))

    @api.delete(
        "/v1/customers/me/sessions",
        summary="Sign out everywhere else as a customer",
        **documented(None, status=204, problems=(401, 403, 404)),
    )
    async def put_out(request: Request) -> Response:
        """Ends all sessions but this one, which has to be younger than five minutes; their tokens are worthless within
        two seconds everywhere."""
        who = caller(desk, request.scope)
        # With identity off, nobody has looked at that yet.
        desk.services.guard.require_proof(who)
        await desk.ask("customer", who.subject, EndOtherSessions(who.session_id), request.scope, CustomerAccount)
        return Response(status_code=204)

    return api
