"""`GET /v1/sourcing/promises`: how often it was there when it was promised, from what was written behind.

delivered in time ─▶ kept        delivered, or only shipped, after it; or not even shipped by now ─▶ late
not due yet ─▶ open              due, and nobody has told of its delivery ─▶ kept or late by when it was shipped and how long its carrier takes by the policy;
                                 unknown where that is not known
cancelled ─▶ cancelled, and no part of the others
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.times import DAY_MS, HOUR_MS, moment
from actors.runtime.read_model import PromiseFound
from serve.callers import places_asked
from serve.freshness import as_of, from_store
from serve.moments import WRITTEN, ms_asked
from serve.openapi import documented
from serve.paging import LocationAsked
from serve.problems import parameter_problem
from serve.responses import ok
from serve.services import Services
from serve.sourcing.schemas import PolicyChannel

DAYS_MAX = 92
PAGE = 2_000
COUNTED_MAX = 100_000
PLACES_TOLD = 200
# Begun days after the promise, up to and with each; what is later than the last has a count of its own.
_STEPS = (1, 2, 3, 7)
Fate = Literal["kept", "late", "open", "unknown", "cancelled"]


class PromiseCounts(msgspec.Struct, kw_only=True):
    """Fulfilments that were promised. `estimated`: of those that are kept or late, by when they were shipped and how
    long their carrier takes. `kept_percent`: of those that are kept or late; null without any."""

    kept: int = 0
    late: int = 0
    open: int = 0
    unknown: int = 0
    cancelled: int = 0
    estimated: int = 0
    kept_percent: float | None = None


class Lateness(msgspec.Struct, frozen=True):
    """Of the late ones: how many came so many days too late (begun ones count), and hours. `still_out`: of these, not
    delivered yet as far as is told: these are as late as they are by now."""

    within_1_day: int
    within_2_days: int
    within_3_days: int
    within_7_days: int
    later: int
    hours_p50: float | None
    hours_p90: float | None
    still_out: int


class PlacePromises(msgspec.Struct, frozen=True):
    """The same of one location."""

    location_id: str
    counts: PromiseCounts


class PromisesKept(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """How often promises were kept that were due in this time, `to` not in it. `locations`: those with most late ones
    first, 200 at most. `more`: there are more than 100,000, and only so many were counted. `as_of`: how fresh it is."""

    from_: datetime
    to: datetime
    counts: PromiseCounts
    lateness: Lateness
    locations: list[PlacePromises]
    more: bool
    as_of: datetime | None


def fate_of(one: PromiseFound, now_ms: int) -> tuple[Fate, int]:
    """What became of it, and by how many ms it is late. now_ms: as fresh as what is known."""
    if one.delivered_at is not None:
        late_ms = one.delivered_at - one.promised_at
        return ("late", late_ms) if late_ms > 0 else ("kept", 0)
    if one.cancelled_at is not None:
        return "cancelled", 0
    if now_ms <= one.promised_at:
        return "open", 0
    if one.shipped_at is None or one.shipped_at > one.promised_at:
        return "late", now_ms - one.promised_at
    if one.transit_ms is None:
        return "unknown", 0
    late_ms = one.shipped_at + one.transit_ms - one.promised_at
    return ("late", late_ms) if late_ms > 0 else ("kept", 0)


class _Tally:
    def __init__(self) -> None:
        self.all = PromiseCounts()
        self.by_place: dict[str, PromiseCounts] = {}
        self.late_ms: list[int] = []
        self.still_out = 0

    def add(self, found: Sequence[PromiseFound], now_ms: int) -> None:
        for one in found:
            fate, late_ms = fate_of(one, now_ms)
            settled = fate in ("kept", "late") and one.delivered_at is None
            estimated = settled and one.shipped_at is not None and one.shipped_at <= one.promised_at
            for counts in (self.all, self.by_place.setdefault(one.location_id, PromiseCounts())):
                setattr(counts, fate, getattr(counts, fate) + 1)
                counts.estimated += estimated
            if fate == "late":
                self.late_ms.append(late_ms)
                self.still_out += one.delivered_at is None

    def lateness(self) -> Lateness:
        late = sorted(self.late_ms)
        upto = [sum(ms <= days * DAY_MS for ms in late) for days in _STEPS]
        one, two, three, seven = (upto[at] - (upto[at - 1] if at else 0) for at in range(len(upto)))
        return Lateness(
            one, two, three, seven, len(late) - upto[-1], _hours(late, 50), _hours(late, 90), self.still_out
        )

    def places(self) -> list[PlacePromises]:
        ranked = sorted(self.by_place, key=lambda name: (-self.by_place[name].late, name))
        return [PlacePromises(name, _with_percent(self.by_place[name])) for name in ranked[:PLACES_TOLD]]


def _hours(late: Sequence[int], percent: int) -> float | None:
    return round(late[(len(late) * percent - 1) // 100] / HOUR_MS, 1) if late else None


def _with_percent(counts: PromiseCounts) -> PromiseCounts:
    settled = counts.kept + counts.late
    counts.kept_percent = round(100 * counts.kept / settled, 1) if settled else None
    return counts


def router(services: Services) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["sourcing"])

    @api.get(
        "/v1/sourcing/promises",
        summary="How often promises were kept",
        **documented(PromisesKept, problems=(401, 403, 422)),
    )
    async def promises(
        request: Request,
        from_: Annotated[
            datetime, WRITTEN, Query(alias="from", description="when they were due, e.g. 2026-03-01T00:00:00Z")
        ],
        to: Annotated[datetime, WRITTEN, Query(description="at most 92 days later; not in it")],
        channel: Annotated[PolicyChannel, Query(description="of orders by this channel")] = "all",
        location_id: LocationAsked = None,
    ) -> Response:
        """Of fulfilments with a `promised_by` that were allocated to a place; of the places that one's rights reach. An
        order that was promised nothing is none of them."""
        from_ms, until_ms = _period(from_, to)
        places = places_asked(request.scope, location_id)
        fresh = as_of(services)
        now_ms = services.clock.now_ms() if fresh is None else round(fresh.timestamp() * 1000)
        tally, after, counted = _Tally(), None, 0
        while True:
            page = await from_store(
                services.read_model.promises(
                    from_ms,
                    until_ms,
                    channel="" if channel == "all" else channel,
                    locations=places,
                    after=after,
                    limit=PAGE,
                )
            )
            tally.add(page, now_ms)
            counted += len(page)
            if len(page) < PAGE or counted >= COUNTED_MAX:
                break
            after = (page[-1].promised_at, page[-1].order_id, page[-1].number)
        more = len(page) == PAGE and counted >= COUNTED_MAX
        lateness, told = tally.lateness(), tally.places()
        return ok(
            PromisesKept(moment(from_ms), moment(until_ms), _with_percent(tally.all), lateness, told, more, fresh)
        )

    return api


def _period(from_: datetime, to: datetime) -> tuple[int, int]:
    from_ms, until_ms = ms_asked("from", from_), ms_asked("to", to)
    if not 0 < until_ms - from_ms <= DAYS_MAX * DAY_MS:
        detail = f"to must be after from, by {DAYS_MAX} days at most."
        raise parameter_problem("to", detail)
    return from_ms, until_ms
