"""`GET /v1/locations/{location_id}/level-suggestions`: safety stock and reorder points from demand."""

from __future__ import annotations

import asyncio
import math
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import StringConstraints
from starlette.responses import Response

from actors.domain.location_views import SkuStockView, ViewSku
from actors.domain.replenishment import (
    SERVICE_LEVEL_MAX,
    SERVICE_LEVEL_MIN,
    LeadTime,
    days_of_supply,
    levels_for,
    stock_out_risk,
)
from actors.domain.times import DAY_MS, moment
from actors.runtime.read_model import DemandDay
from serve.context import REQUEST_ID
from serve.days import date_of
from serve.freshness import as_of, from_store
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.demand_measured import SKUS_MAX, first_ms, measured
from serve.locations.level_schemas import LevelSuggestion, LevelSuggestions
from serve.openapi import documented
from serve.responses import ok

_sku_decoder = msgspec.json.Decoder(SkuStockView)
_Sku = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
SkusAsked = Annotated[list[_Sku], Query(min_length=1, max_length=SKUS_MAX, description="1 to 20 SKUs")]


class _Terms(NamedTuple):
    """What is asked for."""

    lead: LeadTime
    service_level: float
    now_ms: int


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""
    services = calls.services

    @api.get(
        "/v1/locations/{location_id}/level-suggestions",
        summary="Levels that demand suggests",
        **documented(LevelSuggestions, problems=(404, 421, 422)),
    )
    async def suggestions(
        location_id: LocationId,
        request: Request,
        sku: SkusAsked,
        service_level: Annotated[
            float,
            Query(
                ge=SERVICE_LEVEL_MIN,
                le=SERVICE_LEVEL_MAX,
                description="share of replenishment cycles without a stock-out",
            ),
        ] = 0.95,
        lead_time_days: Annotated[float, Query(ge=0, le=365, description="from ordering to receipt, mean")] = 7.0,
        lead_time_deviation_days: Annotated[float, Query(ge=0, le=365, description="its standard deviation")] = 0.0,
    ) -> Response:
        """From what was shipped on each of the last 90 days (UTC) on which there was something to ship, by the read
        model (`as_of`). Service level: the share of replenishment cycles without a stock-out. Nothing is changed:
        levels are set by `PUT /v1/locations/{location_id}/levels`."""
        calls.territory.check_location(location_id)
        skus = list(dict.fromkeys(sku))
        fresh, now_ms = as_of(services), services.clock.now_ms()
        terms = _Terms(LeadTime(lead_time_days, lead_time_deviation_days**2), service_level, now_ms)
        cause = request.scope[REQUEST_ID]
        told = await asyncio.gather(*(calls.view(location_id, ViewSku(location_id, one), cause) for one in skus))
        moved = await from_store(services.read_model.demand(location_id, skus, first_ms(now_ms)))
        found = [
            _suggestion(_sku_decoder.decode(body), [day for day in moved if day.sku == one], terms)
            for one, body in zip(skus, told, strict=True)
        ]
        return ok(LevelSuggestions(location_id, service_level, lead_time_days, found, fresh))


def _suggestion(view: SkuStockView, moved: list[DemandDay], terms: _Terms) -> LevelSuggestion:
    stock = view.stock
    demand, since, today = measured(stock, moved, terms.now_ms)
    levels = levels_for(demand, terms.lead, terms.service_level)
    supply = days_of_supply(demand, stock.available)
    coming = [one.expected_at_ms for one in view.incoming if one.expected_at_ms > terms.now_ms]
    until = LeadTime((min(coming) - terms.now_ms) / DAY_MS) if coming else terms.lead
    return LevelSuggestion(
        stock.sku, demand.days, round(demand.mean, 3), round(math.sqrt(demand.variance), 3), demand.method,
        levels.safety_stock, levels.reorder_point, stock.safety_stock, stock.reorder_point, stock.available,
        None if supply is None else round(supply, 1), moment(min(coming)) if coming else None,
        round(stock_out_risk(demand, stock.available, until), 4), date_of(since), date_of(today - 1),
    )  # fmt: skip
