"""`/v1/locations/{location_id}/demand-rates`: how much of its SKUs is wanted at a location. Sourcing goes by it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.location_commands import SetLevels
from actors.domain.location_events import Levels
from actors.domain.location_views import Changed, SkuStockView, ViewSku
from actors.domain.outlook import PERIOD_DAYS_MAX
from serve.context import REQUEST_ID
from serve.freshness import from_store
from serve.judging import judged
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.demand_measured import first_ms, measured
from serve.locations.demand_schemas import NewDemand, RateChange, RateMeasurement, rate_of
from serve.openapi import documented
from serve.problems import field_problem
from serve.requests import decode

_change_decoder = msgspec.json.Decoder(RateChange)
_measurement_decoder = msgspec.json.Decoder(RateMeasurement)
_sku_decoder = msgspec.json.Decoder(SkuStockView)
_CHANGE = {
    "rates": [
        {"sku": "85123A", "units_per_day": 3.4, "from": "2026-03-01", "until": "2026-05-31"},
        {"sku": "HC-50", "units_per_day": 0.25, "from": "2026-03-01", "until": "2026-05-31"},
    ]
}
_MEASUREMENT = {"skus": ["85123A", "HC-50"]}


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    @api.put(
        "/v1/locations/{location_id}/demand-rates",
        summary="Say how much of SKUs is wanted at a location",
        **documented(Changed, request=RateChange, request_example=_CHANGE, problems=(404, 421)),
    )
    async def put(location_id: LocationId, request: Request) -> Response:
        """One's own forecast, of up to 1,000 SKUs; 0 takes away what is known. Weeks of supply and the risk of
        markdowns follow from it, and sourcing weighs them as its policy says."""
        write = await calls.write(request, location_id)
        sent = decode(_change_decoder, write.body)
        _check_single([one.sku for one in sent.rates], "/rates/{}/sku")
        for position, one in enumerate(sent.rates):
            check_period(one, f"/rates/{position}")
        await calls.known.require([one.sku for one in sent.rates], "/rates/{}/sku", request.scope[REQUEST_ID])
        levels = [Levels(one.sku, rate=rate_of(one)) for one in sent.rates]
        return await calls.ask(request, location_id, SetLevels(levels), write)

    @api.post(
        "/v1/locations/{location_id}/demand-rates/measurements",
        summary="Take how much of SKUs is wanted from the ledger",
        **documented(Changed, request=RateMeasurement, request_example=_MEASUREMENT, problems=(404, 421)),
    )
    async def measure(location_id: LocationId, request: Request) -> Response:
        """Of up to 20 SKUs, by what was shipped on those of the last 90 days (UTC) on which there was something to
        ship, as level suggestions have it; 14 such days are needed. Of what was not wanted on any of them it is taken
        that one unit will be in one day more."""
        write = await calls.write(request, location_id)
        skus = decode(_measurement_decoder, write.body).skus
        _check_single(skus, "/skus/{}")
        cause = request.scope[REQUEST_ID]
        await calls.known.require(skus, "/skus/{}", cause)
        levels, refused = await judged(_measured(calls, location_id, skus, cause))
        return await calls.ask(request, location_id, None if levels is None else SetLevels(levels), write, refused)


async def _measured(calls: LocationCalls, location_id: str, skus: Sequence[str], cause: str) -> list[Levels]:
    """Raises Problem 404, 422, 503."""
    services = calls.services
    now_ms = services.clock.now_ms()
    told = await asyncio.gather(*(calls.view(location_id, ViewSku(location_id, sku), cause) for sku in skus))
    moved = await from_store(services.read_model.demand(location_id, skus, first_ms(now_ms)))
    levels = []
    for position, (sku, body) in enumerate(zip(skus, told, strict=True)):
        found = measured(_sku_decoder.decode(body).stock, [day for day in moved if day.sku == sku], now_ms)
        rate = found.rate
        if rate is None:
            detail = f"There was {sku} to sell on {found.demand.days} days only, which tell too little."
            raise field_problem("stock.demand_unmeasurable", detail, f"/skus/{position}", days=found.demand.days)
        levels.append(Levels(sku, rate=rate))
    return levels


def _check_single(skus: Sequence[str], pointer: str) -> None:
    """Raises Problem 422."""
    seen: set[str] = set()
    for position, sku in enumerate(skus):
        if sku in seen:
            raise field_problem("stock.sku_repeated", f"{sku} is named twice.", pointer.format(position))
        seen.add(sku)


def check_period(demand: NewDemand, pointer: str) -> None:
    """Raises Problem 422."""
    days = (demand.until - demand.from_).days + 1
    if not 1 <= days <= PERIOD_DAYS_MAX:
        detail = f"The period has {days} days: give its first day, and its last, at most {PERIOD_DAYS_MAX} days."
        raise field_problem("stock.demand_period_invalid", detail, f"{pointer}/until")
