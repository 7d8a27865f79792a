"""`GET /v1/orders/{order_id}/sourcing`: why an order is served from where it is, and what came of that.
From its history, fresh."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.order_views import UnitsView
from actors.domain.sourcing_constraints import REASONS
from actors.domain.sourcing_decision import SourcingDecision, decoded
from actors.domain.sourcing_phrases import Language
from actors.domain.sourcing_words import words
from actors.domain.times import moment
from serve.context import ENTITY_ID, REQUEST_ID, Scope
from serve.limits import PAGE_MAX
from serve.openapi import documented
from serve.orders.elsewhere import bounds_of, is_elsewhere
from serve.orders.nearness import is_corrected
from serve.orders.own import OrderInPath, reveals, sees_corrected
from serve.orders.private import PrivateOrders
from serve.orders.schemas import HistoryPage
from serve.orders.sourcing_schemas import (
    ConsideredPlace,
    OrderSourcing,
    OtherPlan,
    SourcedPart,
    SourcingNumbers,
    StockProspect,
    WithheldSourcing,
)
from serve.orders.sourcing_steps import steps_of
from serve.orders.words import OrderWords
from serve.problems import Problem
from serve.regions import Territory
from serve.replies import body_of
from serve.responses import ok
from serve.services import Services

_history_decoder = msgspec.json.Decoder(HistoryPage | None)


def router(services: Services, territory: Territory, private: PrivateOrders) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["orders"])

    @api.get(
        "/v1/orders/{order_id}/sourcing",
        summary="Why an order is served from where it is",
        **documented(OrderSourcing, problems=(404, 421, 422)),
    )
    async def explain(
        request: Request,
        order_id: OrderInPath,
        language: Annotated[Language, Query(description="of the words")] = "en",
    ) -> Response:
        """The decision at its placement with what was considered and rejected, in words and numbers; then what its
        first 500 events tell of who was asked, and gave what. Names are those that places have now. How far they are
        from there is withheld from who is bound to locations with which the order has nothing to do (`elsewhere`), and
        from who may not see what an order's address was before it was corrected (`rectified`)."""
        territory.check_order(order_id)
        request.scope[ENTITY_ID] = order_id
        page = _history_decoder.decode(body_of(await services.gateway.history("order", order_id, 0, PAGE_MAX)))
        if page is None or not page.events:
            raise Problem("order.unknown", f"There is no order {order_id}.", extra={"order_id": order_id})
        placed = page.events[0]
        stored, withheld = await _stored(services, private, order_id, placed, request.scope)
        names = {row.location_id: row.name for row in services.index.places.all()}
        decision = decoded(stored) if stored else None
        promised_ms = placed.get("promised_by_ms")
        return ok(
            OrderSourcing(
                order_id,
                language,
                [] if decision is None else words(decision, language, names),
                None if decision is None else _numbers(decision),
                steps_of(order_id, page.events, language, names),
                None if promised_ms is None else moment(promised_ms),
                withheld,
            )
        )

    return api


async def _stored(
    services: Services, private: PrivateOrders, order_id: str, placed: dict[str, Any], scope: Scope
) -> tuple[bytes, WithheldSourcing | None]:
    """(the decision as the caller may see it, b"" for none; why it is withheld). placed: the event of the
    placement. Raises Problem 503."""
    bounds, cause = bounds_of(scope), scope[REQUEST_ID]
    known = await OrderWords(services).contact(order_id, cause)
    if bounds and is_elsewhere(known.places, bounds):
        return b"", "elsewhere"
    stored, withheld = await private.sourcing(
        order_id, base64.b64decode(placed.get("sourcing", "")), cause, sealed=bool(placed.get("sealed")), restricted_too=reveals(scope)
    )  # fmt: skip
    if withheld is None and stored and not sees_corrected(scope) and is_corrected(placed, known.sealed):
        return b"", "rectified"
    return stored, withheld


def _numbers(decision: SourcingDecision) -> SourcingNumbers:
    def units(lines: list[tuple[int, int]]) -> list[UnitsView]:
        return [UnitsView(decision.skus[at], n) for at, n in lines]

    return SourcingNumbers(
        policy_version=decision.policy,
        currency=decision.currency,
        decided_at=moment(decision.decided_ms),
        why=decision.why,
        exact=decision.exact,
        places_max=decision.places_max,
        total_milli=decision.total_milli,
        costs_milli=decision.costs(),
        parts=[
            SourcedPart(
                part.location_id, part.carrier, moment(part.ready_ms), moment(part.deliver_ms), units(part.lines)
            )
            for part in decision.parts
        ],
        backordered=[UnitsView(sku, n) for sku, n in decision.backordered().items()],
        whole=decision.whole,
        considered=decision.considered,
        places=[
            ConsideredPlace(one.location_id, one.km, one.units, one.cost_milli, one.codes()) for one in decision.seen
        ],
        able_more=decision.able_more,
        ruled_out_more={REASONS[reason]: count for reason, count in decision.ruled_out_more},
        others=[OtherPlan(other.places, other.units, other.more_milli) for other in decision.others],
        prospects=[
            StockProspect(
                decision.seen[one.place].location_id,
                decision.skus[one.sku],
                one.weeks_tenths / 10,
                one.risk_percent / 100,
            )
            for one in decision.prospects
        ],
    )
