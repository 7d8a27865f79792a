"""`GET /v1/locations/{location_id}/count-suggestions`: what is due to be counted, by what moves
(`actors/domain/count_schedule.py`)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from actors.domain.count_schedule import INTERVAL_DAYS, AbcClass, Due, Movement, due
from actors.domain.times import DAY_MS, moment
from serve.context import REQUEST_ID
from serve.counts.places import require_place
from serve.counts.schemas import CountSuggestion, CountSuggestions
from serve.freshness import as_of, from_store
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.paging import Limit
from serve.regions import Territory
from serve.responses import ok
from serve.services import Services

# What moved in so many days makes the classes.
MOVED_DAYS = 90
# SKUs of one location that are looked at, what moved most first; the others are all of class C.
SKUS_MAX = 20_000
LocationId = Annotated[str, Path(max_length=80, description="e.g. us-wh-seattle")]
_EXAMPLE = {
    "location_id": "us-wh-seattle", "as_of": "2026-03-01T12:00:00Z", "days": MOVED_DAYS, "due": 1,
    "suggestions": [
        {
            "sku": "85123A", "abc": "A", "units": 4711, "last_counted_at": "2026-01-15T09:30:00Z", "due_since": "2026-02-14T09:30:00Z",
        }
    ],
}  # fmt: skip


def _days(abc: AbcClass) -> object:
    return Query(ge=1, le=3_650, description=f"how often what is of class {abc} is counted, in days")


def router(services: Services, territory: Territory) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["counts"])

    @api.get(
        "/v1/locations/{location_id}/count-suggestions",
        summary="What is due to be counted",
        **documented(CountSuggestions, example=_EXAMPLE, problems=(404, 421, 422)),
    )
    async def suggested(
        location_id: LocationId,
        request: Request,
        limit: Limit = PAGE_DEFAULT,
        a_days: Annotated[int, _days("A")] = INTERVAL_DAYS["A"],
        b_days: Annotated[int, _days("B")] = INTERVAL_DAYS["B"],
        c_days: Annotated[int, _days("C")] = INTERVAL_DAYS["C"],
    ) -> Response:
        """What was never counted comes first, then what is late by the most of its interval. Class A is what makes up
        80 % of the value that left in 90 days, B the next 15 %; no more is looked at than the newest 200,000 entries of
        the location's ledger. From the read model (`as_of`)."""
        await require_place(services, territory, location_id, request.scope[REQUEST_ID])
        fresh, now_ms = as_of(services), services.clock.now_ms()
        since_ms = now_ms - MOVED_DAYS * DAY_MS
        found = await from_store(services.read_model.movements(location_id, since_ms, SKUS_MAX))
        costs = services.index.details
        movements = [Movement(one.sku, one.units, costs(one.sku).cost_minor, one.last_counted) for one in found]
        wanted = due(movements, now_ms, {"A": a_days, "B": b_days, "C": c_days})
        told = [_suggestion(one) for one in wanted[:limit]]
        return ok(CountSuggestions(location_id, fresh, MOVED_DAYS, len(wanted), told))

    return api


def _suggestion(one: Due) -> CountSuggestion:
    last = None if one.last_counted_ms is None else moment(one.last_counted_ms)
    return CountSuggestion(one.sku, one.abc, one.units, last, None if one.due_ms is None else moment(one.due_ms))
