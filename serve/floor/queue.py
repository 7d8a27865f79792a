"""`/v1/locations/{location_id}/floor/…`: what waits to be picked, waves of it, and how much there is to do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.errors import Refused
from actors.domain.floor_commands import PlanTrips, Prioritise, RetryWork
from actors.domain.floor_plan import Handling, propose
from actors.domain.floor_state import WorkStatus
from actors.domain.floor_views import (
    Changed,
    FiguresView,
    PlannableView,
    PlannedView,
    QueueView,
    Urgency,
    ViewFigures,
    ViewPlannable,
    ViewQueue,
    WorkView,
)
from actors.domain.location_floor import ViewContents
from actors.domain.times import moment
from serve.floor.calls import FloorCalls, changed_decoder
from serve.floor.planning import Planning
from serve.floor.schemas import (
    FloorFigures,
    FloorQueue,
    HeldUnits,
    LeftOutWork,
    NewWave,
    PlannedTrip,
    QueuedLine,
    QueuedWork,
    Retry,
    SplitWork,
    ToCount,
    Wave,
    WorkFigures,
)
from serve.floor.schemas import Urgency as NewUrgency
from serve.floor.switch import limits_of
from serve.limits import PAGE_DEFAULT
from serve.locations.calls import LocationId
from serve.locations.moves import volume_ml
from serve.moments import ms_of
from serve.openapi import documented
from serve.paging import Cursor, Limit, check_choice, one_of
from serve.problems import Problem
from serve.requests import Write, decode
from serve.responses import ok

# Enough for an hour of a large building; its turn at the floor takes some milliseconds.
WAVE_LINES_MAX = 5_000
_STATUSES = frozenset(get_args(WorkStatus))
_wave_decoder = msgspec.json.Decoder(NewWave)
_urgency_decoder = msgspec.json.Decoder(NewUrgency)
_retry_decoder = msgspec.json.Decoder(Retry)
_queue_decoder = msgspec.json.Decoder(QueueView)
_plannable_decoder = msgspec.json.Decoder(PlannableView)
_planned_decoder = msgspec.json.Decoder(PlannedView)
_figures_decoder = msgspec.json.Decoder(FiguresView)
_position_decoder = msgspec.json.Decoder(Urgency)
_FULFILMENT = "us-01kah2v3nq7h3k2m9qk4t1x0ab.1"
_WAVE = {"method": "wave", "due_by": "2026-03-01T15:00:00Z"}
_PLANNED = {
    "location_id": "us-wh-seattle", "version": 812,
    "trips": [{
        "trip": 17, "method": "wave", "due_at": "2026-03-01T15:00:00Z", "tasks": 12, "units": 31, "orders": 9, "walk_dm": 2140, "exact": True,
    }],
    "splits": [], "left_out": [], "waiting": 0,
}  # fmt: skip
_QUEUE = {
    "location_id": "us-wh-seattle", "version": 812, "next_cursor": None,
    "works": [{
        "fulfilment_id": _FULFILMENT, "status": "waiting", "priority": 0, "due_at": "2026-03-01T15:00:00Z", "placed_at": "2026-03-01T09:12:00Z",
        "problem": "", "lines": [{"sku": "85123A", "wanted": 2, "waiting": 2, "planned": 0, "picked": 0, "short": 0}], "put_back": [],
    }],
}  # fmt: skip
_FIGURES = {
    "location_id": "us-wh-seattle", "version": 812,
    "works": [{
        "status": "waiting", "orders": 41, "units": 97, "overdue": 1, "by_age": {"over_24h": 0, "4h_to_24h": 1, "1h_to_4h": 20, "under_1h": 20},
    }],
    "trips": {"open": 3, "claimed": 2, "paused": 0},
    "to_count": [{"bin_id": "A-01-03", "sku": "85123A", "lot": "", "units": 1, "reason": "floor.short", "since": "2026-03-01T12:00:00Z"}],
}  # fmt: skip
_CHANGED = {"location_id": "us-wh-seattle", "version": 813}


def add(api: APIRouter, calls: FloorCalls) -> None:
    """The routes."""
    _add_reads(api, calls)
    _add_writes(api, calls)
    planning = Planning()

    @api.post(
        "/v1/locations/{location_id}/floor/waves",
        summary="Plan trips",
        **documented(Wave, request=NewWave, request_example=_WAVE, example=_PLANNED, problems=(403, 404, 409, 421)),
    )
    async def wave(location_id: LocationId, request: Request) -> Response:
        """Of what waits, the most urgent first: the trips can be claimed at once. `single`: an order a trip; `batch`:
        several, sorted afterwards; `cluster`: several, a tote each; `zone`: batches within a zone; `wave`: the same, of
        all that is due by `due_by`. What waits and is left for another wave is told as `waiting`."""
        write = await calls.write(request, location_id)
        return ok(await _planned(calls, planning, request, location_id, decode(_wave_decoder, write.body), write))


def _add_writes(api: APIRouter, calls: FloorCalls) -> None:
    @api.post(
        "/v1/locations/{location_id}/floor/priorities",
        summary="Make work more urgent, or less",
        **documented(
            Changed, request=NewUrgency, request_example={"fulfilment_id": _FULFILMENT, "due_at": "2026-03-01T15:00:00Z", "priority": 5},
            example=_CHANGED, problems=(403, 404, 421),
        ),
    )  # fmt: skip
    async def priority(location_id: LocationId, request: Request) -> Response:
        """Of two fulfilments that are due at the same time the one with the higher priority comes first. Trips that are
        planned stay as they are."""
        write = await calls.write(request, location_id)
        sent = decode(_urgency_decoder, write.body)
        command = Prioritise(sent.fulfilment_id, sent.priority, ms_of(sent.due_at, "/due_at"))
        return ok(changed_decoder.decode(await calls.ask(request, location_id, command, write)))

    @api.post(
        "/v1/locations/{location_id}/floor/retries",
        summary="Go on with blocked work",
        **documented(
            Changed, request=Retry, request_example={"fulfilment_id": _FULFILMENT}, example=_CHANGED, problems=(403, 404, 409, 421),
        ),
    )  # fmt: skip
    async def retry(location_id: LocationId, request: Request) -> Response:
        """The order refused a step of it (`problem`), and would not do so any more: it is asked again."""
        write = await calls.write(request, location_id)
        sent = decode(_retry_decoder, write.body)
        return ok(changed_decoder.decode(await calls.ask(request, location_id, RetryWork(sent.fulfilment_id), write)))


def _add_reads(api: APIRouter, calls: FloorCalls) -> None:
    @api.get(
        "/v1/locations/{location_id}/floor/queue",
        summary="What is to be picked",
        **documented(FloorQueue, example=_QUEUE, problems=(400, 403, 404, 421, 422)),
    )
    async def queue(
        location_id: LocationId,
        request: Request,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Most urgent first. `put_back`: what was picked for a fulfilment that was cancelled then."""
        check_choice("status", status, _STATUSES)
        cursors, scope = calls.services.cursors, f"floor\0{location_id}\0{status or ''}"
        position = cursors.open(scope, cursor)
        after = _position_decoder.decode(position) if position else None
        query = ViewQueue(location_id, status or "", after, limit)
        page = _queue_decoder.decode(await calls.view(request, location_id, query))
        more = None
        if page.next_after is not None:
            more = cursors.seal(scope, msgspec.json.encode(page.next_after).decode())
        return ok(FloorQueue(page.location_id, page.version, [_work(one) for one in page.works], more))

    @api.get(
        "/v1/locations/{location_id}/floor/figures",
        summary="How much there is to pick",
        **documented(FloorFigures, example=_FIGURES, problems=(403, 404, 421, 422)),
    )
    async def figures(location_id: LocationId, request: Request) -> Response:
        """As it is now."""
        query = ViewFigures(location_id, calls.services.clock.now_ms())
        told = _figures_decoder.decode(await calls.view(request, location_id, query))
        works = [WorkFigures(one.status, one.works, one.units, one.overdue, one.by_age) for one in told.statuses]
        to_count = [
            ToCount(one.bin_id, one.sku, one.lot, one.units, one.reason, moment(one.at_ms)) for one in told.disputes
        ]
        return ok(FloorFigures(told.location_id, told.version, works, told.trips, to_count))


async def _planned(
    calls: FloorCalls, planning: Planning, request: Request, location_id: str, sent: NewWave, write: Write
) -> Wave:
    """Raises Problem."""
    until_ms = None if sent.due_by is None else ms_of(sent.due_by, "/due_by")
    query = ViewPlannable(location_id, sent.orders_max, WAVE_LINES_MAX, until_ms)
    seen = _plannable_decoder.decode(await calls.view(request, location_id, query))
    skus = list(dict.fromkeys(sku for work in seen.works for sku, _ in work.lines))
    causes = [work.fulfilment_id for work in seen.works]
    lying = await calls.contents(request, location_id, ViewContents(location_id, skus, causes))
    plan = partial(
        propose, seen.works, seen.spoken_for, lying, _handling(calls, skus), sent.method,
        limits=limits_of(sent.limits) if sent.limits is not None else None,
        until_ms=until_ms if sent.method == "wave" else None, now_ms=calls.services.clock.now_ms(),
    )  # fmt: skip
    try:
        # Neither this replica's loop nor a turn of the floor may be held up by it.
        proposal = await planning.run(plan)
    except Refused as refused:
        body = refused.body
        raise Problem(body.code, body.detail, extra=body.extra) from None
    command = PlanTrips(list(proposal.trips), list(proposal.splits), list(proposal.left_out), seen.more)
    return _wave(_planned_decoder.decode(await calls.ask(request, location_id, command, write)))


def _handling(calls: FloorCalls, skus: Iterable[str]) -> dict[str, Handling]:
    known = {sku: calls.services.index.details(sku) for sku in skus}
    return {
        sku: Handling(details.weight_g, volume_ml(details), details.temperature, details.hazard_class)
        for sku, details in known.items()
    }


def _wave(planned: PlannedView) -> Wave:
    trips = [
        PlannedTrip(one.trip, one.method, moment(one.due_ms), one.tasks, one.units, one.works, one.walk_dm, one.exact)
        for one in planned.trips
    ]
    splits = [SplitWork(one.fulfilment_id, list(one.reasons)) for one in planned.splits]
    left_out = [LeftOutWork(one.fulfilment_id, one.sku, one.limit) for one in planned.left_out]
    return Wave(planned.location_id, planned.version, trips, splits, left_out, planned.more)


def _work(work: WorkView) -> QueuedWork:
    lines = [
        QueuedLine(line.sku, line.wanted, line.waiting, line.planned, line.picked, line.short) for line in work.lines
    ]
    back = [HeldUnits(one.sku, one.lot, one.units) for one in work.put_back]
    return QueuedWork(
        work.fulfilment_id, work.status, work.priority, moment(work.due_ms), moment(work.placed_at_ms), work.problem, lines, back,
        work.mark, work.handling,
    )  # fmt: skip
