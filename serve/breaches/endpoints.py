"""`/v1/breaches`: breaches of personal data, for whoever handles them: recorded, judged, told, closed."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.breach_state import BreachStatus
from actors.domain.times import moment
from actors.runtime.read_model import BreachSummary
from serve.breaches.register import Register
from serve.breaches.schemas import BreachDetail, BreachPage, BreachStep, ListedBreach, NewBreach
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.paging import Cursor, Limit, check_choice, one_of, page_of
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services

BreachId = Annotated[str, Path(max_length=64, description="e.g. us-breach-01kah2v3nq7h3k2m9qk4t1x0ab")]
_STATUSES = frozenset(get_args(BreachStatus))
_NEW = {
    "discovered_at": "2026-03-01T12:00:00Z",
    "extent": {
        "natures": ["disclosure"], "categories": ["name", "address"], "groups": ["customers"], "persons": 240, "records": 310,
    },
    "summary": "A list of parcels of one day was sent to the wrong carrier.",
}  # fmt: skip
_STEP = {"step": {"type": "tell_authority", "reference": "2026-4711"}}


def router(services: Services) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["breaches"])
    register = Register(services)
    _add_list(api, services, register)

    @api.post(
        "/v1/breaches",
        summary="Record a breach of personal data",
        **documented(
            BreachDetail,
            request=NewBreach,
            request_example=_NEW,
            status=201,
            headers={201: ["Location"]},
            problems=(401, 403, 409),
        ),
    )
    async def recorded(request: Request) -> Response:
        """Starts the clock: the authority has to know by `deadline_at`, unless people are unlikely to
        be harmed (GDPR Art. 33)."""
        view = await register.record(request)
        location = ((b"location", f"/v1/breaches/{view.breach_id}".encode()),)
        return AnswerResponse((201, encode(register.detail(view)), location))

    @api.get(
        "/v1/breaches/{breach_id}",
        summary="One breach with its steps",
        **documented(BreachDetail, problems=(401, 403, 404, 422)),
    )
    async def read(breach_id: BreachId, request: Request) -> Response:
        """As it is now."""
        return ok(register.detail(await register.view(breach_id, request)))

    @api.post(
        "/v1/breaches/{breach_id}/steps",
        summary="Judge, tell, do something about it, close it",
        **documented(BreachDetail, request=BreachStep, request_example=_STEP, problems=(401, 403, 404, 409)),
    )
    async def stepped(breach_id: BreachId, request: Request) -> Response:
        """In any order; it can be closed when no duty is left, and nothing follows then."""
        return ok(register.detail(await register.step(breach_id, request)))

    return api


def _add_list(api: APIRouter, services: Services, register: Register) -> None:
    @api.get(
        "/v1/breaches",
        summary="The register of breaches",
        **documented(BreachPage, problems=(400, 401, 403, 422)),
    )
    async def find(
        request: Request,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, from the read model, which is a moment behind (`as_of`)."""
        register.check_reach(request)
        check_choice("status", status, _STATUSES)
        page = await page_of(
            services, f"breaches\0{status or ''}", cursor, limit,
            lambda before, some: services.read_model.breaches(status=status, before=before, limit=some),
            lambda breach: breach.breach_id,
        )  # fmt: skip
        return ok(BreachPage([_listed(breach) for breach in page.items], page.as_of, page.next_cursor))


def _listed(breach: BreachSummary) -> ListedBreach:
    return ListedBreach(
        breach.breach_id, breach.version, breach.status, breach.law, breach.risk, breach.persons,  # type: ignore[arg-type]
        moment(breach.discovered_at), moment(breach.deadline_at),
    )  # fmt: skip
