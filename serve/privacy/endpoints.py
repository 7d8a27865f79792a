"""`/v1/privacy-requests`: what people ask about their own data, for the privacy officer: written
down, proved, done, ended."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal, get_args

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from actors.domain.ids import PRIVACY_REQUEST_PATTERN, is_of, privacy_request_id
from actors.domain.privacy_commands import BeginStep, NoteStep, ReceiveRequest
from actors.domain.privacy_state import OPEN, About, RequestStatus, RequestView, ViewRequest
from actors.domain.times import DAY_MS
from serve.callers import check_reaches_all
from serve.context import ENTITY_ID, PRINCIPAL, REQUEST_ID, WHO
from serve.identity.emails import checked
from serve.identity.guard import Principal
from serve.judging import judged
from serve.limits import PAGE_DEFAULT
from serve.moments import ms_of
from serve.openapi import documented
from serve.orders.private import PrivateOrders
from serve.pages import POLICY
from serve.paging import Cursor, Limit, check_choice, one_of, page_of
from serve.privacy.asking import Asking
from serve.privacy.export import Export
from serve.privacy.named_orders import NamedOrders
from serve.privacy.page import PAGE_POLICY, language_of, page
from serve.privacy.persons import Persons
from serve.privacy.schemas import NewRequest, PersonData, RequestDetail, RequestPage, RequestUpdate
from serve.privacy.steps import Steps
from serve.privacy.views import detail, listed
from serve.problems import Problem, field_problem
from serve.replies import body_of
from serve.requests import Write, decode
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services

RequestId = Annotated[str, Path(max_length=64, description="e.g. us-privacy-01kah2v3nq7h3k2m9qk4t1x0ab")]
# A letter that lay about for longer is overdue by every law.
RECEIVED_AGO_DAYS = 365
_STATUSES = frozenset(get_args(RequestStatus))
_new_decoder = msgspec.json.Decoder(NewRequest)
_update_decoder = msgspec.json.Decoder(RequestUpdate)
_view_decoder = msgspec.json.Decoder(RequestView)
_NEW = {"law": "gdpr", "right": "erasure", "customer_ref": "c-4711", "email": "mia@example.com"}
_STEP = {"step": "confirm_identity", "method": "id_document", "evidence": "case-2026-0117", "covers": ["customer_ref"]}


class Requests:
    """What the officer's routes and the customers' share."""

    def __init__(self, services: Services, persons: Persons, private: PrivateOrders) -> None:
        self.services = services
        self.persons = persons
        self._private = private
        self.named = NamedOrders(services, persons, private)
        self.export = Export(services, persons, private)
        self.steps = Steps(services, persons, private)

    async def view(self, request_id: str, request: Request, person: str = "") -> RequestView:
        """`person`: only if it is about them. Raises Problem 404."""
        self.check_id(request_id, request)
        reply = await self.services.gateway.view(
            "privacy_request", request_id, ViewRequest(request_id, person), cause=request.scope[REQUEST_ID]
        )
        return _view_decoder.decode(body_of(reply))

    async def receive(
        self, request: Request, write: Write, received: ReceiveRequest | None, refused: bytes = b""
    ) -> RequestView:
        """Writes it down. `refused`: see `judging.judged`. Raises Problem."""
        settings, clock = self.services.settings, self.services.clock
        request_id = request.scope[ENTITY_ID] = privacy_request_id(settings.region, clock.now_ms(), write.key)
        reply = await self.services.gateway.ask(
            "privacy_request", request_id, received,
            command_id=write.key, digest=self.digest(write), creates=True, cause=request.scope[REQUEST_ID],
            who=request.scope.get(WHO), refused=refused,
        )  # fmt: skip
        return _view_decoder.decode(body_of(reply))

    def digest(self, write: Write) -> int:
        """Of a body that names somebody: without the cell's key nobody can try out whom."""
        return self._private.digest(write.body, write.digest)

    async def exported(self, found: RequestView, request: Request, by: str) -> PersonData:
        """All of the person's data, once the request allows it, noted as told. Raises Problem."""
        # It has no Idempotency-Key, since nobody's answer of then is to be kept: each is a call of its
        # own, and told once is told.
        asking = Asking(self.services.gateway, request.scope, secrets.token_hex(16), 0)
        await asking.of_request(found.request_id, BeginStep("export", by), ":begin")
        data = await self.export.gather(found.about, request.scope)
        await asking.of_request(found.request_id, NoteStep("export", by, {"orders": len(data.orders)}))
        return data

    def check_id(self, request_id: str, request: Request) -> None:
        """Raises Problem 404 for what can't be one of this region."""
        request.scope[ENTITY_ID] = request_id
        if not is_of(request_id, PRIVACY_REQUEST_PATTERN, self.services.settings.region):
            raise Problem("privacy.unknown", "There is no such request.")


class _Officer:
    """The handlers' work."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._services = requests.services

    async def write_down(self, request: Request) -> RequestView:
        """Raises Problem."""
        officer = officer_of(request)
        write = await self._services.bodies.read(request.scope, request.receive)
        sent = decode(_new_decoder, write.body)
        received, refused = await judged(self._received(sent, officer, request))
        return await self._requests.receive(request, write, received, refused)

    async def _received(self, sent: NewRequest, officer: Principal, request: Request) -> ReceiveRequest:
        """Raises Problem."""
        about, now_ms = await self._about(sent, request), self._services.clock.now_ms()
        received_ms = now_ms if sent.received_at is None else ms_of(sent.received_at, "/received_at")
        if not now_ms - RECEIVED_AGO_DAYS * DAY_MS <= received_ms <= now_ms:
            detail = f"`received_at` must be within the last {RECEIVED_AGO_DAYS} days."
            raise field_problem("body.invalid", detail, "/received_at")
        return ReceiveRequest(sent.law, sent.right, about, received_ms, officer.subject, agent=sent.agent or "")

    async def _about(self, sent: NewRequest, request: Request) -> About:
        region = self._services.settings.region
        if not (sent.customer_id or sent.email or sent.customer_ref or sent.order_ids or sent.order_ref):
            detail = "Name the person by `customer_id`, `email`, `customer_ref`, `order_ids` or `order_ref`."
            raise Problem("body.invalid", detail, errors=[{"pointer": "", "detail": detail}])
        if sent.customer_id is not None and not sent.customer_id.startswith(f"{region}-"):
            raise field_problem("body.invalid", "`customer_id` must be one of this region.", "/customer_id")
        email = None if sent.email is None else checked(sent.email, "/email")
        orders = await self._requests.named.resolved(sent.order_ids or [], sent.order_ref or "", request.scope)
        return await self._requests.persons.about(
            sent.customer_id or "", email, sent.customer_ref or "", request.scope, orders
        )

    async def step(self, request_id: str, request: Request) -> RequestView:
        """Raises Problem."""
        officer = officer_of(request)
        write = await self._services.bodies.read(request.scope, request.receive)
        sent = decode(_update_decoder, write.body)
        self._requests.check_id(request_id, request)
        digest = self._requests.digest(write)
        asking = Asking(self._services.gateway, request.scope, write.key, digest)
        return await self._requests.steps.take(request_id, sent, officer.subject, asking)

    async def read(self, request_id: str, request: Request) -> RequestView:
        """Raises Problem."""
        officer_of(request)
        return await self._requests.view(request_id, request)

    async def exported(self, request_id: str, request: Request) -> PersonData:
        """Raises Problem."""
        officer = officer_of(request)
        found = await self._requests.view(request_id, request)
        return await self._requests.exported(found, request, officer.subject)


def officer_of(request: Request) -> Principal:
    """Who asks. Raises Problem 403 for somebody whose rights end at some locations: people buy in many places."""
    # There are these routes only where identity is required, and the guard has seen everybody.
    principal: Principal = request.scope[PRINCIPAL]
    check_reaches_all(request.scope, "Privacy requests are of the whole region; your rights reach some locations.")
    return principal


def router(requests: Requests) -> APIRouter:
    """The officer's routes."""
    api = APIRouter(tags=["privacy"])
    officer = _Officer(requests)
    _add_list(api, requests.services)
    _add_export(api, officer)

    @api.post(
        "/v1/privacy-requests",
        summary="Write down a request of a person about their own data",
        **documented(
            RequestDetail, request=NewRequest, request_example=_NEW, status=201, problems=(401, 403, 404, 409)
        ),
    )
    async def written(request: Request) -> Response:
        """Its deadline follows from the law and the day that it came in. What was typed to name
        the person is not kept."""
        return AnswerResponse((201, encode(detail(await officer.write_down(request))), ()))

    @api.get(
        "/v1/privacy-requests/{request_id}",
        summary="One request with its proofs and steps",
        **documented(RequestDetail, problems=(401, 403, 404, 422)),
    )
    async def read(request_id: RequestId, request: Request) -> Response:
        """As it is now."""
        return ok(detail(await officer.read(request_id, request)))

    @api.post(
        "/v1/privacy-requests/{request_id}/steps",
        summary="Prove who asks, do what is asked, or end it",
        **documented(RequestDetail, request=RequestUpdate, request_example=_STEP, problems=(401, 403, 404, 409)),
    )
    async def stepped(request_id: RequestId, request: Request) -> Response:
        """Nothing of the person is told or changed before it is proved of each name who asks. `erase` is refused while
        orders are under way. What was cut short stands in `begun`: send it again under another key; while `erase` does,
        the request is not completed."""
        return ok(detail(await officer.step(request_id, request)))

    return api


def _add_list(api: APIRouter, services: Services) -> None:
    @api.get(
        "/v1/privacy-requests",
        summary="Requests of people about their own data, by deadline",
        **documented(RequestPage, problems=(400, 401, 403, 422)),
    )
    async def find(
        request: Request,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """The nearest deadline first; without a `status`, what is open. From the read model, which is a
        moment behind (`as_of`)."""
        officer_of(request)
        check_choice("status", status, _STATUSES)
        statuses = sorted(OPEN) if status is None else [status]
        shown = await page_of(
            services, f"privacy-requests\0{status or ''}", cursor, limit,
            lambda after, some: services.read_model.privacy_requests(
                statuses=statuses, person=None, after=_place(after), limit=some
            ),
            lambda one: f"{one.deadline_at}:{one.request_id}",
        )  # fmt: skip
        return ok(RequestPage([listed(one) for one in shown.items], shown.as_of, shown.next_cursor))


def _place(position: str | None) -> tuple[int, str] | None:
    if position is None:
        return None
    deadline, _, request_id = position.partition(":")
    return int(deadline), request_id


def _add_export(api: APIRouter, officer: _Officer) -> None:
    # No GET: the request notes that it was told, and is under way from then on.
    @api.post(
        "/v1/privacy-requests/{request_id}/export",
        summary="All data of the person who asks",
        **documented(PersonData, problems=(401, 403, 404, 409, 422), also_as=("text/html",)),
    )
    async def exported(
        request_id: RequestId, request: Request, format: Annotated[Literal["json", "html"], Query(description="data, or a page to read")] = "json"  # noqa: A002 -- the parameter's name
    ) -> Response:  # fmt: skip
        """For requests of access, portability or knowledge, once it is proved who asks; as JSON, or as a page to read
        in the language that `Accept-Language` names (English, Spanish, Portuguese)."""
        data = await officer.exported(request_id, request)
        if format == "json":
            return ok(data)
        language = language_of(request.headers.get("accept-language", ""))
        headers = {"content-language": language, POLICY: PAGE_POLICY}
        return Response(page(data, language), media_type="text/html; charset=utf-8", headers=headers)
