"""`GET /v1/locations/{location_id}/figures`, `GET /v1/figures`: what was seen, minute by minute."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from actors.figures.minute import Minute, gaps, idle, points
from actors.runtime.figures import MINUTES_KEPT_DAYS
from serve.callers import check_reaches_all
from serve.context import REQUEST_ID
from serve.counts.places import require_place
from serve.figures.schemas import Figures, gap_of, point_of
from serve.freshness import from_store
from serve.locations.calls import LocationId
from serve.moments import WRITTEN, ms_asked
from serve.openapi import documented
from serve.problems import Problem, parameter_problem
from serve.regions import Territory
from serve.responses import ok
from serve.services import Services

POINTS_MAX = 1_500
# A minute is not missed yet so long after its end.
RECORDED_MS = 20_000
# Of a location; so many are read at a time, since others want the loop too.
_MINUTES_A_DAY = DAY_MS // MINUTE_MS
_STATE = {
    "state": "waiting", "count": 37, "units": 81, "overdue": 2,
    "by_age": {"under_1h": 20, "1h_to_4h": 11, "4h_to_24h": 4, "over_24h": 2},
}  # fmt: skip
_POINT = {
    "location_id": "us-wh-seattle", "at": "2026-03-01T12:00:00Z", "minutes": 5, "states": [_STATE], "backlog": {"fulfilments": 41, "units": 90},
    "arrived": {"fulfilments": 12, "units": 25},
    "picked": {
        "units": 30, "lines": 22, "units_per_hour": 360.0, "lines_per_hour": 264.0, "picker_minutes": 15, "units_per_picker_hour": 120.0,
    },
    "on_time": {
        "packed": 10, "packed_in_time": 9, "packed_share": 0.9, "shipped": 8, "shipped_in_time": 8, "shipped_share": 1.0,
    },
    "cancelled": 0, "short_units": 1,
    "forecast": {
        "method": "weekly", "picks_per_hour": 340.5, "arrivals_per_hour": 280.0, "empty_at": "2026-03-01T13:26:12Z", "late": 2, "units_ahead": [34, 0, 0],
    },
    "orders": None, "left_out": 0,
}  # fmt: skip
_EXAMPLE = {
    "location_id": "us-wh-seattle", "step_s": 300, "points": [_POINT],
    "gaps": [{"since": "2026-03-01T12:05:00Z", "until": "2026-03-01T12:10:00Z"}],
}  # fmt: skip
From = Annotated[
    datetime | None, WRITTEN, Query(alias="from", description="from then on (RFC 3339); an hour before `to` by default")
]
To = Annotated[
    datetime | None, WRITTEN, Query(description="until before then; now by default. At most 8 days after `from`")
]
Step = Annotated[
    int, Query(ge=60, le=86_400, description=f"seconds, a multiple of 60; at most {POINTS_MAX} steps are told")
]


def router(services: Services, territory: Territory) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["figures"])

    @api.get(
        "/v1/locations/{location_id}/figures",
        summary="How much work a location has, and how fast it is done",
        **documented(Figures, example=_EXAMPLE, problems=(404, 421, 422)),
    )
    async def of_location(
        location_id: LocationId, request: Request, since: From = None, to: To = None, step: Step = 60
    ) -> Response:
        """Steps of time of which no minute was seen are not among the points; the gaps say which minutes were not."""
        await require_place(services, territory, location_id, request.scope[REQUEST_ID])
        return ok(await _figures(services, location_id, since, to, step))

    @api.get(
        "/v1/figures",
        summary="How much work the region has, and how fast it is done",
        **documented(Figures, example=_EXAMPLE | {"location_id": "us"}, problems=(422,)),
    )
    async def of_region(request: Request, since: From = None, to: To = None, step: Step = 60) -> Response:
        """As of a location, for rights that reach the whole region. `orders`: all open orders by status, which no
        location has until they are allocated."""
        check_reaches_all(request.scope, "Your rights end at some locations: read the figures of each.")
        return ok(await _figures(services, services.settings.region, since, to, step))

    return api


async def _figures(services: Services, place: str, since: datetime | None, to: datetime | None, step_s: int) -> Figures:
    now_ms = services.clock.now_ms()
    until_ms = now_ms if to is None else ms_asked("to", to)
    since_ms = until_ms - HOUR_MS if since is None else ms_asked("from", since)
    _check(since_ms, until_ms, step_s)
    since_ms -= since_ms % MINUTE_MS
    until_ms += -until_ms % MINUTE_MS
    seen: list[int] = []
    minutes: list[Minute] = []
    for first_ms in range(since_ms, until_ms, DAY_MS):
        await _read(services, place, first_ms, min(first_ms + DAY_MS, until_ms), seen, minutes)
    over_ms = min(until_ms, (now_ms - RECORDED_MS) // MINUTE_MS * MINUTE_MS)
    missed = gaps([at for at in seen if at < over_ms], since_ms, over_ms) if over_ms > since_ms else []
    found = points(minutes, step_s * 1000)
    return Figures(place, step_s, [point_of(one) for one in found], [gap_of(one) for one in missed])


async def _read(
    services: Services, place: str, since_ms: int, until_ms: int, seen: list[int], minutes: list[Minute]
) -> None:
    """Adds the minutes that were seen, and what was seen of the place in each. First those: what is
    recorded meanwhile is of both."""
    region, stored = services.settings.region, services.figures
    found = await from_store(stored.seen(region, since_ms, until_ms, _MINUTES_A_DAY))
    rows = await from_store(stored.figures(place, since_ms, until_ms, _MINUTES_A_DAY))
    mine = {row.at: row for row in rows}
    seen += found
    # Of a location without anything to tell no row is kept.
    minutes += [mine.get(at) or idle(place, at) for at in found]


def _check(since_ms: int, until_ms: int, step_s: int) -> None:
    if step_s % 60:
        raise parameter_problem("step", "step is a multiple of 60 seconds.")
    if not 0 < until_ms - since_ms <= MINUTES_KEPT_DAYS * DAY_MS:
        raise parameter_problem("from", f"from lies before to, by at most {MINUTES_KEPT_DAYS} days.")
    if (until_ms - since_ms) / (step_s * 1000) > POINTS_MAX:
        detail = f"At most {POINTS_MAX} steps are told at once: take longer steps, or a shorter time."
        raise Problem("figures.too_many_points", detail, extra={"limit": POINTS_MAX})
