"""`GET /v1/inventory/{sku}`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.article import Article
from actors.domain.atp import Point, of_all, of_kit
from actors.domain.catalogue import ShowArticle
from actors.domain.ids import catalogue_id
from actors.domain.order_state import Channel
from actors.domain.outlook import decoded
from actors.domain.rows import LocationRow, StockRow
from actors.domain.rows_of_stock import IncomingRow
from actors.domain.times import moment
from serve.callers import reach_of
from serve.catalogue.endpoints import SkuInPath
from serve.catalogue.schemas import KitPart
from serve.context import REQUEST_ID
from serve.days import date_of, day_asked
from serve.freshness import as_of, from_store
from serve.inventory.schemas import InventoryTotals, InventoryView, LotTotal, PlaceInventory, PromisePoint
from serve.inventory.supply import Known, Wish, known_of, promised_by_place
from serve.locations.demand_schemas import lasting
from serve.locations.schemas import ExpectedUnits
from serve.openapi import documented
from serve.paging import check_choice, one_of
from serve.replies import body_of
from serve.responses import ok
from serve.services import Services

_CHANNELS = frozenset(get_args(Channel))
_GOOD_UNTIL = "a date: counts only lots that are good on that day"
_article_decoder = msgspec.json.Decoder(Article)
_EXAMPLE = {
    "sku": "HC-50", "description": "Hand cream 50 ml", "kit": [],
    "totals": {
        "on_hand": 48, "available": 31, "reserved": 2, "allocated": 9, "damaged": 1, "quality_hold": 0, "incoming": 120, "in_transit": 0,
    },
    "available_to_promise": [{"at": "2026-03-02T10:00:00Z", "units": 31}, {"at": "2026-03-05T08:00:00Z", "units": 151}],
    "lots": [{"expires_on": "2026-09-30", "on_hand": 12, "free": 8}, {"expires_on": "2027-02-28", "on_hand": 36, "free": 28}],
    "places": [
        {
            "location_id": "us-wh-seattle", "type": "warehouse", "on_hand": 48, "available": 31, "reserved": 2, "allocated": 9,
            "damaged": 1, "quality_hold": 0, "safety_stock": 5, "reorder_point": 20, "buffers": {"online": 2}, "incoming": 120, "in_transit": 0,
            "expected": [
                {"source_id": "us-inbound-01kah2v3nq7h3k2m9qk4t1x0ab", "source": "purchase", "expected_at": "2026-03-05T08:00:00Z",
                 "units": 120, "overdue": False}
            ],
            "lasting": {
                "demand": {"units_per_day": 1.25, "from": "2025-12-02", "until": "2026-03-01", "source": "measured"},
                "weeks_of_supply": 3.5, "markdown_risk": 0.0,
            },
        }
    ],
    "more": False, "as_of": "2026-03-02T10:00:00Z",
}  # fmt: skip


def router(services: Services) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["inventory"])
    catalogue = catalogue_id(services.settings.region)

    @api.get(
        "/v1/inventory/{sku:sku}",
        summary="One SKU over all places",
        **documented(InventoryView, problems=(404, 422), example=_EXAMPLE),
    )
    async def one(
        sku: SkuInPath,
        request: Request,
        channel: Annotated[str | None, one_of(_CHANNELS, "less what is kept back from this channel")] = None,
        good_until: Annotated[
            str | None, Query(max_length=32, description=_GOOD_UNTIL, examples=["2026-09-30"])
        ] = None,
    ) -> Response:
        """What is there in each state, what is on its way and when it is expected, and what can be promised now and
        later: at each place that one's rights reach and in all, from the read model (`as_of`). `channel`: less what is
        kept back from it. The location itself decides when it is asked for units."""
        check_choice("channel", channel, _CHANNELS)
        cause = request.scope[REQUEST_ID]
        reply = await services.gateway.view("catalogue", catalogue, ShowArticle(sku), cause=cause)
        article = _article_decoder.decode(body_of(reply))
        wish = Wish(
            channel or "", None if good_until is None else day_asked("good_until", good_until), services.clock.now_ms()
        )
        return ok(await _view(services, article, reach_of(request.scope) or None, wish))

    return api


async def _view(services: Services, article: Article, reach: Sequence[str] | None, wish: Wish) -> InventoryView:
    fresh = as_of(services)
    parts = article.details.kit or ((article.sku, 1),)
    read = asyncio.gather(*(known_of(services.read_model, sku, reach) for sku, _ in parts))
    known = await from_store(read)
    details = services.index.details
    points = [promised_by_place(one, details(sku), wish) for one, (sku, _) in zip(known, parts, strict=True)]
    if article.details.kit:
        promised = _of_kit(points, [units for _, units in parts])
        own = Known((), (), (), any(one.more for one in known))
    else:
        promised, own = points[0], known[0]
    places = _places(own, promised, services.index.places.all(), wish.now_ms)
    return InventoryView(
        article.sku, article.description, [KitPart(sku, units) for sku, units in article.details.kit], _totals(places),
        [PromisePoint(moment(point.at_ms), point.units) for point in of_all(promised.values())], _lots(own), places, own.more,
        fresh,
    )  # fmt: skip


def _of_kit(points: Sequence[Mapping[str, Sequence[Point]]], units: Sequence[int]) -> Mapping[str, Sequence[Point]]:
    """A kit is served whole from one place: only those that have every part count."""
    everywhere = set(points[0]).intersection(*points[1:])
    return {
        place: of_kit([(part[place], each) for part, each in zip(points, units, strict=True)])
        for place in sorted(everywhere)
    }


def _places(
    known: Known, promised: Mapping[str, Sequence[Point]], places: Sequence[LocationRow], now_ms: int
) -> list[PlaceInventory]:
    types = {row.location_id: row.type for row in places}
    rows = {row.location_id: row for row in known.stock}
    coming: dict[str, list[IncomingRow]] = {}
    for line in known.incoming:
        coming.setdefault(line.location_id, []).append(line)
    found = []
    for place, points in promised.items():
        row = rows.get(place) or StockRow(place, "", 0, 0, 0)
        lines = coming.get(place, [])
        found.append(
            PlaceInventory(
                place, types.get(place), row.on_hand, points[0].units, row.reserved, row.allocated, row.damaged,  # type: ignore[arg-type]
                row.quality_hold, row.safety_stock, row.reorder_point, row.kept_back, _from(lines, "purchase"),
                _from(lines, "transfer"), [_expected(line, now_ms) for line in lines],
                lasting(decoded(row.outlook), row.free, points[0].units, now_ms),
            )
        )  # fmt: skip
    return found


def _from(lines: Sequence[IncomingRow], source: str) -> int:
    return sum(line.units for line in lines if line.source == source)


def _expected(line: IncomingRow, now_ms: int) -> ExpectedUnits:
    overdue = line.expected_at <= now_ms
    return ExpectedUnits(line.source_id, line.source, moment(line.expected_at), line.units, overdue)  # type: ignore[arg-type]


def _totals(places: Sequence[PlaceInventory]) -> InventoryTotals:
    names = InventoryTotals.__struct_fields__
    return InventoryTotals(*(sum(getattr(place, name) for place in places) for name in names))


def _lots(known: Known) -> list[LotTotal]:
    sums: dict[int | None, tuple[int, int]] = {}
    for one in known.lots:
        on_hand, free = sums.get(one.expires_on, (0, 0))
        sums[one.expires_on] = (on_hand + one.on_hand, free + one.free)
    days = sorted(sums, key=lambda day: (day is None, day or 0))
    return [LotTotal(None if day is None else date_of(day), *sums[day]) for day in days]
