"""`GET /v1/locations/{location_id}/stock`, and all about one SKU there."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.location_views import SkuStockView, ViewSku
from actors.domain.times import moment
from serve.catalogue.endpoints import SkuInPath
from serve.context import REQUEST_ID
from serve.days import date_of
from serve.limits import PAGE_DEFAULT
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.demand_schemas import lasting
from serve.locations.schemas import ExpectedUnits, LotStock, SkuStock, SpotUnits, StockPage
from serve.openapi import documented
from serve.paging import Cursor, Limit
from serve.responses import ok

_sku_decoder = msgspec.json.Decoder(SkuStockView)


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""
    cursors = calls.services.cursors

    @api.get(
        "/v1/locations/{location_id}/stock",
        summary="Stock of a location",
        **documented(StockPage, problems=(400, 404, 421, 422)),
    )
    async def stock(
        location_id: LocationId,
        request: Request,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """By SKU, from the location's actor: every acknowledged change is in it."""
        calls.territory.check_location(location_id)
        scope = f"stock\0{location_id}"
        after = cursors.open(scope, cursor) or ""
        page = await calls.stock(location_id, after, limit, request.scope[REQUEST_ID])
        more = cursors.seal(scope, page.next_after) if page.next_after else None
        return ok(StockPage(page.location_id, page.version, page.stock, more))

    @api.get(
        "/v1/locations/{location_id}/stock/{sku:sku}",
        summary="One SKU at a location",
        **documented(SkuStock, problems=(404, 421, 422)),
    )
    async def one(location_id: LocationId, sku: SkuInPath, request: Request) -> Response:
        """How much there is in each state, its lots, in which bins it lies and what is to come, from the location's
        actor. What lies in no bin is told with the bin null: it has just arrived, lies on a shelf without number, or
        is in somebody's hands."""
        calls.territory.check_location(location_id)
        told = await calls.view(location_id, ViewSku(location_id, sku), request.scope[REQUEST_ID])
        return ok(_shown(_sku_decoder.decode(told), calls.services.clock.now_ms()))


def _shown(view: SkuStockView, now_ms: int) -> SkuStock:
    lots = [
        LotStock(
            lot.lot, None if lot.expires_on is None else date_of(lot.expires_on), lot.serial, lot.on_hand, lot.free,
            lot.reserved, lot.allocated, lot.damaged, lot.quality_hold,
        )
        for lot in view.lots
    ]  # fmt: skip
    bins = [SpotUnits(at.bin_id or None, at.zone, at.aisle, at.rack, at.level, at.lot, at.units) for at in view.bins]
    expected = [
        ExpectedUnits(one.source_id, one.source, moment(one.expected_at_ms), one.units, one.expected_at_ms < now_ms)
        for one in view.incoming
    ]
    at = view.stock
    free = at.on_hand - at.reserved - at.allocated - at.damaged - at.quality_hold
    lasts = lasting(view.outlook, free, at.available, now_ms)
    return SkuStock(view.location_id, view.version, at, view.buffers, lots, view.lots_more, bins, expected, lasts)
