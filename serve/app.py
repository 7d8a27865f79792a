"""The cell's one ASGI app. `build(services)` gives it; both doors serve the same object.

    request ──▶ Api ──┬─ hot routes: plain handlers with msgspec      updates, placements, one order, availability
                      └─ FastAPI: everything else (`routes.py`)       lists, locations, catalogue, live, health, docs

`Api` gives every request its id, counts it, bounds how many run at once, and turns a crash into a 500 that tells
nothing but the id. Hot or not, callers pass the same guard (`identity/guard.py`) with the endpoint's declaration
(`permissions.py`), bodies are read by `requests.py`, problems are told by `problems.py`, replies
become answers in `replies.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.requests import Request

from serve import documentation, openapi
from serve.availability.endpoints import Availability
from serve.availability.pickup import PickupOffers
from serve.catalogue.known import KnownSkuCheck
from serve.context import REQUEST_ID, Receive, Scope, Send, headers_of, request_id_of
from serve.endpoint_needs import NEEDS, Need
from serve.heads import as_get
from serve.logs import crashed
from serve.metrics import OTHER, UNMATCHED
from serve.orders.documents import hot_paths
from serve.orders.pickup import Pickups
from serve.orders.places import PlacesOfOrders
from serve.orders.placing import OrderPlacing
from serve.orders.private import PrivateOrders
from serve.orders.reading import OrderReading
from serve.orders.updates import OrderUpdating
from serve.pages import PageHeaders
from serve.permissions import undeclared
from serve.privacy.gpc import SIGNAL
from serve.problems import Answer, Problem
from serve.queries import NO_NAMES, check_names, check_query, names_of, pairs
from serve.regions import Territory
from serve.requests import ClientGone
from serve.responses import send_answer
from serve.routes import all_routers
from serve.services import Services
from serve.told_errors import fault, tell_errors

VERSION = "1.0"
DESCRIPTION = (
    "Orders, stock and availability of one region. Writes need an `Idempotency-Key`, but for signing in and out, codes and second factors, "
    "`DELETE /v1/passkeys/{passkey_id}` and `DELETE /v1/customers/me/passkeys/{passkey_id}`, `POST /v1/customers`, `POST /v1/devices/claim`, `POST /v1/audit/operator-acts` and "
    "`POST /v1/notices/{notice_id}/sent`. Errors are RFC 9457 problem details with a stable `code` "
    "(`ProblemBody` lists all; `docs/errors.md` says what to do). Money is in minor units, times are UTC. "
    "A query may have the parameters that its endpoint tells of, and no others; an empty one that is optional is as if it were not there."
)
_PAGES_MAX = 20
_ORDERS = "/v1/orders/"
_UPDATES = "/updates"
Handler = Callable[[Scope, Receive], Awaitable[Answer]]
OrderHandler = Callable[[str, Scope, Receive], Awaitable[Answer]]


class _HotRoute(NamedTuple):
    """A route that FastAPI does not serve: its template, what it asks of callers, and its handler of either kind."""

    method: str
    template: str
    need: Need | None
    plain: Handler | None = None
    of_order: OrderHandler | None = None

    @property
    def endpoint(self) -> str:
        """As the audit names it."""
        return f"{self.method} {self.template}"


def _hot_route(
    method: str, template: str, plain: Handler | None = None, of_order: OrderHandler | None = None
) -> _HotRoute:
    return _HotRoute(method, template, NEEDS.get((method, template)), plain, of_order)


class Api:
    """See the module's docstring."""

    def __init__(self, services: Services) -> None:
        territory = Territory(services.settings)
        known = KnownSkuCheck(services.index, services.gateway, services.settings.region, services.clock)
        private = PrivateOrders(services)
        places = PlacesOfOrders(services.index, services.gateway, private, services.clock)
        updating = OrderUpdating(services, territory, places, private)
        self._metrics = services.metrics
        self._requests_max = services.settings.requests_max
        self._guard = services.guard
        self._trail = services.trail
        self._signals = services.signals
        placing = OrderPlacing(services, territory, places, known, private)
        reading = OrderReading(services, territory, private)
        self._place = _hot_route("POST", "/v1/orders", placing.place)
        self._update_one = _hot_route("POST", "/v1/orders/{order_id}/updates", of_order=updating.update_one)
        self._update_many = _hot_route("POST", "/v1/order-updates", updating.update_many)
        self._read_order = _hot_route("GET", "/v1/orders/{order_id}", of_order=reading.read)
        offers = PickupOffers(services.index, Pickups(services.index, services.settings))
        self._availability = _hot_route(
            "GET", "/v1/availability", Availability(services.index, known, services.clock, offers).read
        )
        self._rest, self.methods_of = _fastapi(services, territory, known, private, places)
        # None of them is counted under `other`, nor are the pages, of which the document does not tell.
        self._metrics.routes_max = sum(map(len, self.methods_of.values())) + _PAGES_MAX
        missing = undeclared([(method, path) for path, methods in self.methods_of.items() for method in methods])
        if missing:
            raise RuntimeError(f"serve/endpoint_needs.py does not say who may use {', '.join(missing)}")

    def make_document(self) -> None:
        """Makes the document of the API ahead: whoever asked for it first would hold up everybody else."""
        self._rest.openapi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        started = perf_counter()
        scope = as_get(scope)
        request_id = scope[REQUEST_ID] = request_id_of(scope)
        metrics = self._metrics
        method = scope["method"]
        metrics.in_flight += 1
        try:
            if metrics.in_flight > self._requests_max:
                counted = (OTHER, UNMATCHED)
                answer: Answer | None = _busy(request_id)
            else:
                hot, order_id = self._hot(method, scope["path"])
                if hot is None:
                    status = await self._cold(scope, receive, send, request_id)
                    if status:
                        metrics.count(*self._route_of(scope), status, perf_counter() - started)
                    return
                counted = (method, hot.template)
                answer = await self._answered(hot, order_id, scope, receive, request_id)
            if answer is not None:
                await send_answer(scope, send, answer, request_id)
                metrics.count(*counted, answer[0], perf_counter() - started)
        finally:
            metrics.in_flight -= 1

    def _route_of(self, scope: Scope) -> tuple[str, str]:
        """Method and template as they are counted, after FastAPI has answered."""
        method, template = scope["method"], getattr(scope.get("route"), "path_format", "")
        # FastAPI names a template whose methods don't fit as well. Pages are routes of which
        # the document does not tell.
        fits = method in self.methods_of[template] if template in self.methods_of else template and method == "GET"
        return (method, template) if fits else (OTHER, UNMATCHED)

    def _hot(self, method: str, path: str) -> tuple[_HotRoute | None, str]:
        """The hot route that serves this, and the order's id if the path names one; None when FastAPI serves it."""
        if method == "POST":
            if path.startswith(_ORDERS) and path.endswith(_UPDATES):
                order_id = path[len(_ORDERS) : -len(_UPDATES)]
                if order_id and "/" not in order_id:
                    return self._update_one, order_id
            elif path == "/v1/order-updates":
                return self._update_many, ""
            elif path == "/v1/orders":
                return self._place, ""
        elif method == "GET":
            if path == "/v1/availability":
                return self._availability, ""
            if path.startswith(_ORDERS):
                order_id = path[len(_ORDERS) :]
                if order_id and "/" not in order_id:
                    return self._read_order, order_id
        return None, ""

    async def _answered(
        self, hot: _HotRoute, order_id: str, scope: Scope, receive: Receive, request_id: str
    ) -> Answer | None:
        """The answer, whatever happens; None when the caller is gone."""
        try:
            self._guard.check(scope, hot.need)
            if self._signals is not None and SIGNAL in headers_of(scope):
                await self._signals.heed_caller(scope)
            if scope["query_string"] and hot is not self._availability:
                # That one looks at its own, once for all who ask the same; the others take none.
                check_names(scope, pairs(scope["query_string"]), NO_NAMES)
            if hot.need is not None and hot.need.reads:
                await self._trail.read(scope, hot.need.reads, "order", order_id)
            if hot.of_order is not None:
                return await hot.of_order(order_id, scope, receive)
            assert hot.plain is not None
            return await hot.plain(scope, receive)
        except Problem as problem:
            self._metrics.refused(problem.code)
            self._trail.refused(scope, problem, hot.endpoint)
            return problem.answer(request_id)
        except ClientGone:
            return None
        except Exception:
            self._metrics.faults += 1
            crashed(scope)
            return fault(request_id)

    async def _cold(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        """FastAPI's routes; gives the status. The request id goes with every answer."""
        sending = PageHeaders(send, [(b"x-request-id", request_id.encode())])
        try:
            await self._rest(scope, receive, sending)
        except Exception:
            # The answer, if none had begun, was given by `told_errors.py`; Starlette raises again so
            # that it can be logged once.
            self._metrics.faults += 1
            crashed(scope)
        return sending.status


def build(services: Services) -> Api:
    """The app. `services` are ready; the app neither starts nor closes them."""
    return Api(services)


def _busy(request_id: str) -> Answer:
    return Problem("cell.busy", "This replica has too many requests in flight.").answer(request_id)


def _fastapi(
    services: Services, territory: Territory, known: KnownSkuCheck, private: PrivateOrders, places: PlacesOfOrders
) -> tuple[FastAPI, dict[str, set[str]]]:  # fmt: skip
    """FastAPI's part, and the methods of all paths, hot ones too."""
    settings = services.settings
    app: FastAPI = FastAPIOffline(
        title=f"OCEFS {settings.region}: {settings.title or settings.region}",
        version=VERSION,
        description=DESCRIPTION,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )

    async def allowed(request: Request) -> None:
        template = getattr(request.scope.get("route"), "path_format", "")
        location_id = request.path_params.get("location_id", "")
        endpoint = (request.method, template)
        need = NEEDS.get(endpoint)
        services.guard.check(request.scope, need, location_id)
        if services.signals is not None and SIGNAL in headers_of(request.scope):
            await services.signals.heed_caller(request.scope)
        if request.scope["query_string"]:
            names = names_of_routes(endpoint)
            if names is not None:
                check_query(request, names)
        if need is not None and need.reads and not need.counted:
            await _note_read(services, request, need.reads)

    routers = all_routers(services, territory, known, private, places)
    names_of_routes = names_of(route for routes in routers for route in routes.routes)
    for routes in routers:
        # Before anything else of the request is looked at.
        app.include_router(routes, dependencies=[Depends(allowed)])
    documentation.install(app)
    openapi.install(app, hot_paths(), guarded=settings.identity == "required")

    methods_of = openapi.methods_by_path(routers, hot_paths())
    tell_errors(app, services, methods_of)
    return app, methods_of


async def _note_read(services: Services, request: Request, action: str) -> None:
    """Whose data is read is said by the path: an entity's."""
    entity_id = next(iter(request.path_params.values()), "")
    await services.trail.read(request.scope, action, action.partition(".")[0] if entity_id else "", entity_id)
