"""`/v1/sourcing/simulations`: what would have come of another policy. One at a time in a cell; live stock is not
touched (`running.py`)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.ids import simulation_id as new_simulation_id
from actors.domain.ids import simulations_id
from actors.domain.simulations import (
    CancelSimulation,
    Question,
    SimulationsView,
    SimulationView,
    ViewSimulation,
    ViewSimulations,
)
from actors.domain.times import DAY_MS
from actors.domain.what_if_terms import PERIOD_DAYS_MAX
from serve.callers import check_reaches_all, subject_of
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.moments import ms_of
from serve.openapi import documented
from serve.orders.private import PrivateOrders
from serve.problems import Problem, field_problem
from serve.regions import Territory
from serve.replies import body_of
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services
from serve.sourcing.running import Running, begin
from serve.sourcing.simulation_schemas import (
    NewSimulation,
    SimulationCancellation,
    SimulationDetail,
    SimulationList,
    detail,
)

SimulationId = Annotated[str, Path(max_length=64, description="e.g. us-whatif-01kah2v3nq7h3k2m9qk4t1x0ab")]
_new_decoder = msgspec.json.Decoder(NewSimulation)
_cancellation_decoder = msgspec.json.Decoder(SimulationCancellation)
_view_decoder = msgspec.json.Decoder(SimulationView)
_list_decoder = msgspec.json.Decoder(SimulationsView)
_AGAIN = (b"retry-after", b"2")
_ALL = "A simulation is of the whole region, and your rights don't reach all of it."
_NEW = {
    "policy": {"currency": "USD", "limits": {"places": 2}, "costs": {"split_minor": 900}},
    "from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z", "channel": "online", "orders_max": 2000,
}  # fmt: skip


class _Simulations:
    """The handlers' work."""

    def __init__(self, services: Services, territory: Territory, private: PrivateOrders) -> None:
        self._services = services
        self._territory = territory
        self._running = Running(services, private)
        self._id = simulations_id(services.settings.region)

    async def begin(self, request: Request) -> SimulationView:
        """Raises Problem."""
        services, scope = self._services, request.scope
        check_reaches_all(scope, _ALL)
        write, sent = await services.bodies.document(request, _new_decoder)
        question = self._question(sent)
        made_id = scope[ENTITY_ID] = new_simulation_id(services.settings.region, services.clock.now_ms(), write.key)
        command = begin(made_id, question, subject_of(scope))
        reply = await services.gateway.ask(
            "simulations",
            self._id,
            command,
            command_id=write.key,
            digest=write.digest,
            cause=scope[REQUEST_ID],
            who=scope.get(WHO),
        )
        begun = _view_decoder.decode(body_of(reply))
        self._running.start(begun, command.runner, scope[REQUEST_ID])
        return begun

    def _question(self, sent: NewSimulation) -> Question:
        from_ms, until_ms = ms_of(sent.from_, "/from"), ms_of(sent.to, "/to")
        if from_ms >= until_ms:
            raise field_problem("simulation.period_invalid", "It ends before it begins.", "/to")
        if until_ms - from_ms > PERIOD_DAYS_MAX * DAY_MS:
            detail = f"A period of {PERIOD_DAYS_MAX} days at most."
            raise field_problem("simulation.period_invalid", detail, "/to", days_max=PERIOD_DAYS_MAX)
        if until_ms > self._services.clock.now_ms():
            raise field_problem("simulation.period_invalid", "Only the past can be played.", "/to")
        if not self._territory.accepts(sent.policy.currency):
            detail, accepted = f"{sent.policy.currency} is not accepted here.", self._territory.currencies
            raise field_problem("sourcing.currency_not_accepted", detail, "/policy/currency", accepted=accepted)
        fresh_ms = self._services.gateway.fresh_ms()
        if fresh_ms is None or fresh_ms < until_ms:
            raise Problem("simulation.not_fresh", "What happened until then is not all written down yet: ask again.")
        return Question(sent.policy, "" if sent.channel == "all" else sent.channel, from_ms, until_ms, sent.orders_max)

    async def cancel(self, simulation_id: str, request: Request) -> SimulationView:
        """Raises Problem."""
        services, scope = self._services, request.scope
        check_reaches_all(scope, _ALL)
        write, _ = await services.bodies.document(request, _cancellation_decoder)
        self._territory.check_own(simulation_id)
        scope[ENTITY_ID] = simulation_id
        reply = await services.gateway.ask(
            "simulations", self._id, CancelSimulation(simulation_id),
            command_id=write.key, digest=write.digest, cause=scope[REQUEST_ID], who=scope.get(WHO),
        )  # fmt: skip
        return _view_decoder.decode(body_of(reply))

    async def one(self, simulation_id: str, request: Request) -> SimulationView:
        """Raises Problem."""
        check_reaches_all(request.scope, _ALL)
        self._territory.check_own(simulation_id)
        query = ViewSimulation(simulation_id)
        reply = await self._services.gateway.view("simulations", self._id, query, cause=request.scope[REQUEST_ID])
        return _view_decoder.decode(body_of(reply))

    async def all(self, request: Request) -> SimulationsView:
        """Raises Problem."""
        check_reaches_all(request.scope, _ALL)
        cause = request.scope[REQUEST_ID]
        return _list_decoder.decode(
            body_of(await self._services.gateway.view("simulations", self._id, ViewSimulations(), cause=cause))
        )


def router(services: Services, territory: Territory, private: PrivateOrders) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["sourcing"])
    calls = _Simulations(services, territory, private)

    @api.post(
        "/v1/sourcing/simulations",
        summary="Try a policy on past orders",
        **documented(
            SimulationDetail,
            request=NewSimulation,
            request_example=_NEW,
            status=202,
            headers={202: ["Location", "Retry-After"]},
            problems=(401, 403),
        ),
    )
    async def begun(request: Request) -> Response:
        """Plays the orders of a past period again, as the policy decides on the stock of that time. Nothing of now is
        touched. One at a time in a cell, else 429. Reads of the orders how far places were from where they went; the
        audit has that as one read of personal data."""
        view = await calls.begin(request)
        where = f"/v1/sourcing/simulations/{view.simulation_id}".encode()
        return AnswerResponse((202, encode(detail(view)), ((b"location", where), _AGAIN)))

    @api.get("/v1/sourcing/simulations", summary="Simulations", **documented(SimulationList, problems=(403,)))
    async def listed(request: Request) -> Response:
        """The last 50, newest first, without what came of them."""
        return ok(SimulationList([detail(one) for one in (await calls.all(request)).simulations]))

    @api.get(
        "/v1/sourcing/simulations/{simulation_id}",
        summary="A simulation, and what came of it",
        **documented(
            SimulationDetail, accepted=SimulationDetail, headers={202: ["Retry-After"]}, problems=(403, 404, 421, 422)
        ),
    )
    async def read(simulation_id: SimulationId, request: Request) -> Response:
        """202 while it runs; ask again after a moment. It stays for as long as it is one of the last 50."""
        view = await calls.one(simulation_id, request)
        return ok(detail(view)) if view.status != "running" else AnswerResponse((202, encode(detail(view)), (_AGAIN,)))

    @api.post(
        "/v1/sourcing/simulations/{simulation_id}/cancellation",
        summary="Cancel a simulation",
        **documented(
            SimulationDetail, request=SimulationCancellation, request_example={}, problems=(401, 403, 404, 409, 421)
        ),
    )
    async def cancelled(simulation_id: SimulationId, request: Request) -> Response:
        """Its replica stops it within some seconds; another may begin at once."""
        return ok(detail(await calls.cancel(simulation_id, request)))

    return api
