"""`GET /v1/transfer-suggestions`: which places should give some of a SKU to which others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.balancing import SUGGESTIONS_MAX, Holding, suggest
from actors.domain.rows import StockRow
from actors.domain.times import DAY_MS
from actors.runtime.errors import StoreUnavailable
from serve.callers import reach_of
from serve.catalogue.known import KnownSkuCheck
from serve.context import REQUEST_ID
from serve.freshness import as_of, from_store
from serve.inventory.supply import INCOMING_MAX, PLACES_MAX
from serve.openapi import documented
from serve.problems import Problem
from serve.responses import ok
from serve.services import Services
from serve.transfers.schemas import SuggestedTransfer, TransferSuggestions

# Of so many places what they sold is looked at too; of more, reorder points alone tell who is in need.
DEMAND_PLACES_MAX = 20
# For all of them together, and the wait until others have been answered.
DEMAND_LIMIT_S = 10.0
DEMAND_DAYS = 28
_EXAMPLE = {
    "sku": "85123A",
    "suggestions": [
        {"source_id": "us-wh-seattle", "destination_id": "us-st-portland", "units": 40, "distance_km": 213,
         "need": "below_reorder_point", "days_left": 3}
    ],
    "as_of": "2026-03-01T12:00:00Z",
}  # fmt: skip


def add(api: APIRouter, services: Services, known: KnownSkuCheck) -> None:
    """The route."""
    # What places sold is read for one caller of the replica at a time: it is much for what it tells.
    turn = asyncio.Semaphore(1)

    @api.get(
        "/v1/transfer-suggestions",
        summary="Which transfers of a SKU would help",
        **documented(TransferSuggestions, problems=(401, 403, 422), example=_EXAMPLE),
    )
    async def suggested(
        request: Request,
        sku: Annotated[
            str,
            Query(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", description="which SKU to balance"),
        ],
        limit: Annotated[int, Query(ge=1, le=SUGGESTIONS_MAX, description="how many at most")] = 20,
    ) -> Response:
        """From places that have more than they need to places that run low, over little distance, the most needed
        first; of the places that one's rights reach, from the read model (`as_of`). Nothing is moved:
        `POST /v1/transfers` does that."""
        try:
            await known.require([sku], "{}", request.scope[REQUEST_ID])
        except Problem as problem:
            if problem.code == "sku.unknown":
                problem.errors = [{"parameter": "sku", "detail": problem.detail}]
            raise
        fresh = as_of(services)
        found = suggest(await from_store(_holdings(services, sku, reach_of(request.scope) or None, turn)), limit)
        made = [
            SuggestedTransfer(one.source_id, one.destination_id, one.units, one.distance_km, one.need, one.days_left)
            for one in found
        ]
        return ok(TransferSuggestions(sku, made, fresh))


async def _holdings(
    services: Services, sku: str, reach: Sequence[str] | None, turn: asyncio.Semaphore
) -> list[Holding]:  # fmt: skip
    """Raises StoreUnavailable."""
    model, places = services.read_model, services.index.places
    stock, incoming = await asyncio.gather(
        model.stock_of(sku, locations=reach, limit=PLACES_MAX),
        model.incoming_of(sku, locations=reach, limit=INCOMING_MAX),
    )
    coming = Counter[str]()
    for line in incoming:
        coming[line.location_id] += line.units
    sold = await _sold(services, sku, stock, turn)
    by_place = {row.location_id: row for row in stock}
    return [
        Holding(
            place.location_id, place.lat, place.lon, row.available, row.reorder_point, coming[place.location_id],
            sold.get(place.location_id, 0.0),
        )
        for place in places.all()
        if (row := by_place.get(place.location_id)) is not None
    ]  # fmt: skip


async def _sold(
    services: Services, sku: str, stock: Sequence[StockRow], turn: asyncio.Semaphore
) -> dict[str, float]:  # fmt: skip
    """Units a day that each place sold lately, read place by place: what it gave to other places is no need of its own,
    or the goods would be sent back. Raises StoreUnavailable, also when others are waiting for too long."""
    if len(stock) > DEMAND_PLACES_MAX:
        return {}
    since_ms = services.clock.now_ms() - DEMAND_DAYS * DAY_MS
    sold = {}
    try:
        async with asyncio.timeout(DEMAND_LIMIT_S), turn:
            for row in stock:
                days = await services.read_model.demand(row.location_id, [sku], since_ms)
                sold[row.location_id] = sum(day.shipped - day.moved for day in days) / DEMAND_DAYS
    except TimeoutError as late:
        raise StoreUnavailable("what places sold takes too long to read") from late
    return sold
