"""What customers ask about their own data themselves: the session is the proof of who they are."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.privacy_commands import ReceiveRequest
from actors.domain.privacy_terms import STEPS
from serve.freshness import as_of, from_store
from serve.identity.limits import OWN_DATA_BY_PERSON, hold_to
from serve.openapi import documented
from serve.privacy.consents import customer_of
from serve.privacy.endpoints import Requests
from serve.privacy.export import REQUESTS_MAX, person_request
from serve.privacy.schemas import NewOwnRequest, PersonData, PersonRequestDetail, PersonRequests
from serve.privacy.views import person_detail
from serve.problems import Problem
from serve.requests import decode
from serve.responses import AnswerResponse, encode, ok

RequestId = Annotated[str, Path(max_length=64, description="e.g. us-privacy-01kah2v3nq7h3k2m9qk4t1x0ab")]
_decoder = msgspec.json.Decoder(NewOwnRequest)
_TOLD = frozenset(right for right, (allowed, _) in STEPS.items() if "export" in allowed)
_PROVED = ("confirmed", "in_progress")


class _Own:
    """The handlers' work."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._services = requests.services

    async def ask(self, request: Request) -> PersonRequestDetail:
        """Raises Problem."""
        scope, customer = request.scope, customer_of(request.scope)
        write = await self._services.bodies.read(scope, request.receive)
        sent = decode(_decoder, write.body)
        await self._hold("own-requests", customer.subject)
        about = await self._requests.persons.about(customer.subject, None, "", scope)
        now_ms = self._services.clock.now_ms()
        received = ReceiveRequest(
            sent.law, sent.right, about, now_ms, customer.subject, session=customer.session_id
        )  # fmt: skip
        return person_detail(await self._requests.receive(request, write, received))

    async def mine(self, request: Request) -> PersonRequests:
        """Raises Problem 503."""
        fresh = as_of(self._services)
        person = self._requests.persons.person(customer_of(request.scope).subject)
        found = await from_store(
            self._services.read_model.privacy_requests(statuses=None, person=person, after=None, limit=REQUESTS_MAX)
        )
        return PersonRequests([person_request(one) for one in found], fresh)

    async def read(self, request_id: str, request: Request) -> PersonRequestDetail:
        """Raises Problem 404, for another person's as well."""
        person = self._requests.persons.person(customer_of(request.scope).subject)
        return person_detail(await self._requests.view(request_id, request, person))

    async def data(self, request: Request) -> PersonData:
        """Raises Problem 403 when the customer has not asked for it, 503 while that is not known."""
        customer = customer_of(request.scope)
        await self._hold("own-data", customer.subject)
        # Who has asked a moment ago is not to hear that it was never asked.
        await self._requests.persons.all_written()
        now_ms, person = self._services.clock.now_ms(), self._requests.persons.person(customer.subject)
        found = await from_store(
            self._services.read_model.privacy_requests(statuses=None, person=person, after=None, limit=REQUESTS_MAX)
        )
        for one in found:
            proved = one.status in _PROVED or (one.status == "completed" and now_ms <= one.deadline_at)
            if proved and one.asked_right in _TOLD:
                # The request itself has the last word.
                known = await self._requests.view(one.request_id, request, person)
                if known.missing:
                    # An officer's, that names somebody else as well of whom nothing is proved.
                    continue
                if known.status == "completed":
                    return await self._requests.export.gather(known.about, request.scope)
                return await self._requests.exported(known, request, customer.subject)
        detail = "Ask for it first: POST /v1/customers/me/privacy-requests with `access`, `portability` or `know`."
        raise Problem("privacy.no_request", detail)

    async def _hold(self, kind: str, customer_id: str) -> None:
        await hold_to(
            self._services.limits, OWN_DATA_BY_PERSON, kind, customer_id, self._services.clock.now_ms()
        )  # fmt: skip


def router(requests: Requests) -> APIRouter:
    """The customers' routes."""
    api = APIRouter(tags=["privacy"])
    own = _Own(requests)

    @api.post(
        "/v1/customers/me/privacy-requests",
        summary="Ask something about my own data",
        **documented(
            PersonRequestDetail,
            request=NewOwnRequest,
            request_example={"law": "gdpr", "right": "access"},
            status=201,
            problems=(401, 403, 409),
        ),
    )
    async def asked(request: Request) -> Response:
        """Whoever is signed in has proved who they are; of an access or portability request the data is there at once
        (`POST /v1/customers/me/data`)."""
        return AnswerResponse((201, encode(await own.ask(request)), ()))

    @api.get(
        "/v1/customers/me/privacy-requests",
        summary="What I have asked about my own data",
        **documented(PersonRequests, problems=(401, 403)),
    )
    async def mine(request: Request) -> Response:
        """By deadline; the list is a moment behind (`as_of`)."""
        return ok(await own.mine(request))

    @api.get(
        "/v1/customers/me/privacy-requests/{request_id}",
        summary="One of my requests",
        **documented(PersonRequestDetail, problems=(401, 403, 404, 422)),
    )
    async def read(request_id: RequestId, request: Request) -> Response:
        """As it is now. Another person's is answered as one that there is not."""
        return ok(await own.read(request_id, request))

    # No GET: the request notes that it was told, and is under way from then on.
    @api.post("/v1/customers/me/data", summary="My own data", **documented(PersonData, problems=(401, 403, 409)))
    async def data(request: Request) -> Response:
        """All that is kept about me, machine-readable (GDPR Art. 20), once I have asked for access,
        portability or knowledge."""
        return ok(await own.data(request))

    return api
