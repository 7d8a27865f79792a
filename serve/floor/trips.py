"""`/v1/locations/{location_id}/floor/trips/…`: who picks what, checked by what is scanned."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.floor_commands import (
    AbandonTrip,
    ClaimTrip,
    CloseDispute,
    ConfirmPick,
    Elsewhere,
    HandOver,
    PauseTrip,
    PutBack,
    TellLost,
    TellShort,
)
from actors.domain.floor_plan import elsewhere
from actors.domain.floor_views import Changed, StepView, ViewTrip
from actors.domain.location_floor import ViewContents
from serve.callers import may_correct, subject_of
from serve.context import REQUEST_ID
from serve.floor.calls import (
    FloorCalls,
    TripNumber,
    changed_decoder,
    check_picker,
    check_picker_id,
    picker_of,
    task_detail,
    trip_decoder,
    trip_detail,
)
from serve.floor.schemas import (
    Abandonment,
    Checked,
    Claim,
    LostUnits,
    NewPicker,
    Pause,
    PickStep,
    ReturnedUnits,
    ScannedPick,
    ShortPick,
    TripDetail,
)
from serve.judging import judged
from serve.locations.calls import LocationId
from serve.openapi import documented
from serve.problems import Problem
from serve.requests import decode
from serve.responses import ok

# Bins that are proposed instead of one where something is missing.
ELSEWHERE_MAX = 20
_claim_decoder = msgspec.json.Decoder(Claim)
_pick_decoder = msgspec.json.Decoder(ScannedPick)
_short_decoder = msgspec.json.Decoder(ShortPick)
_pause_decoder = msgspec.json.Decoder(Pause)
_new_picker_decoder = msgspec.json.Decoder(NewPicker)
_abandonment_decoder = msgspec.json.Decoder(Abandonment)
_returned_decoder = msgspec.json.Decoder(ReturnedUnits)
_lost_decoder = msgspec.json.Decoder(LostUnits)
_checked_decoder = msgspec.json.Decoder(Checked)
_step_decoder = msgspec.json.Decoder(StepView)
_FULFILMENT = "us-01kah2v3nq7h3k2m9qk4t1x0ab.1"
_TASK = {
    "task": 2, "bin_id": "A-01-03", "sku": "85123A", "lot": "", "expires_on": None, "wanted": 3, "left": 3,
    "shares": [{"fulfilment_id": _FULFILMENT, "units": 3, "tote": 1}], "problem": "",
}  # fmt: skip
_TRIP = {
    "location_id": "us-wh-seattle", "version": 814, "trip": 17, "status": "claimed", "method": "cluster", "due_at": "2026-03-01T15:00:00Z",
    "walk_dm": 2140, "exact": True, "picker": "us-acct-0h3k2m9qk4t1x0ab0h3k2m9qk4", "claimed_at": "2026-03-01T12:00:00Z", "tasks": [_TASK],
}  # fmt: skip
_STEP = {"location_id": "us-wh-seattle", "version": 815, "trip": 17, "over": False, "left": 0, "next": _TASK}
_PICK = {"task": 1, "bin_id": "A-01-01", "sku": "HC-50", "units": 2, "lot": "L-2026-07", "tote": 1}
_BACK = {"fulfilment_id": _FULFILMENT, "sku": "85123A", "units": 2, "bin_id": "A-01-03"}
_LOST = {"fulfilment_id": _FULFILMENT, "sku": "85123A", "units": 1}
_CHANGED = {"location_id": "us-wh-seattle", "version": 816}
_PROBLEMS = (403, 404, 409, 421)


def add(api: APIRouter, calls: FloorCalls) -> None:
    """The routes."""
    _add_claims(api, calls)
    _add_picks(api, calls)
    _add_changes(api, calls)
    _add_returns(api, calls)


def _add_claims(api: APIRouter, calls: FloorCalls) -> None:
    @api.post(
        "/v1/locations/{location_id}/floor/claims",
        summary="Claim the next trip",
        **documented(TripDetail, request=Claim, request_example={}, example=_TRIP, problems=_PROBLEMS),
    )
    async def claim(location_id: LocationId, request: Request) -> Response:
        """The most urgent one that nobody has, for whoever asks; nobody else gets it. Who has a trip already gets that
        again, and if it was paused it goes on."""
        write = await calls.write(request, location_id)
        picker = picker_of(request, decode(_claim_decoder, write.body).picker)
        return ok(trip_detail(trip_decoder.decode(await calls.ask(request, location_id, ClaimTrip(picker), write))))

    @api.get(
        "/v1/locations/{location_id}/floor/trips/{trip}",
        summary="One trip",
        **documented(TripDetail, example=_TRIP, problems=(403, 404, 421, 422)),
    )
    async def read(location_id: LocationId, trip: TripNumber, request: Request) -> Response:
        """As it is now, while something is left of it."""
        told = await calls.view(request, location_id, ViewTrip(location_id, trip))
        return ok(trip_detail(trip_decoder.decode(told)))


def _add_picks(api: APIRouter, calls: FloorCalls) -> None:
    @api.post(
        "/v1/locations/{location_id}/floor/trips/{trip}/picks",
        summary="Take units",
        **documented(PickStep, request=ScannedPick, request_example=_PICK, example=_STEP, problems=_PROBLEMS),
    )
    async def pick(location_id: LocationId, trip: TripNumber, request: Request) -> Response:
        """What was scanned has to be what the task says; if not, the refusal says what would be right (`expected_bin`,
        `expected_sku`, `expected_lot`, `expected_totes`, `left`). Where the books know nothing of the units in that bin
        the pick stands, and the figures name the bin as to be counted."""
        write = await calls.write(request, location_id)
        sent = decode(_pick_decoder, write.body)
        command = ConfirmPick(
            trip, sent.task, sent.bin_id, sent.sku, sent.units, sent.lot, sent.tote, subject_of(request.scope)
        )
        return ok(_step(_step_decoder.decode(await calls.ask(request, location_id, command, write))))

    @api.post(
        "/v1/locations/{location_id}/floor/trips/{trip}/short-picks",
        summary="Tell that units are not there",
        **documented(
            PickStep, request=ShortPick, request_example={"task": 1, "units": 1}, example=_STEP, problems=_PROBLEMS
        ),
    )  # fmt: skip
    async def short(location_id: LocationId, trip: TripNumber, request: Request) -> Response:
        """They are looked for in other bins first: new tasks at the end of the trip. What no bin has the order is told,
        which asks other places for it. The figures name the bin as to be counted."""
        write = await calls.write(request, location_id)
        sent = decode(_short_decoder, write.body)
        others = await _others(calls, request, location_id, trip, sent.task)
        command = TellShort(trip, sent.task, sent.units, others, subject_of(request.scope))
        return ok(_step(_step_decoder.decode(await calls.ask(request, location_id, command, write))))


def _add_changes(api: APIRouter, calls: FloorCalls) -> None:
    @api.post(
        "/v1/locations/{location_id}/floor/trips/{trip}/pauses",
        summary="Pause a trip, or go on",
        **documented(TripDetail, request=Pause, request_example={"paused": True}, example=_TRIP, problems=_PROBLEMS),
    )
    async def pause(location_id: LocationId, trip: TripNumber, request: Request) -> Response:
        """While it is paused nothing is taken on it, and it stays whose it is."""
        write = await calls.write(request, location_id)
        command = PauseTrip(trip, decode(_pause_decoder, write.body).paused, subject_of(request.scope))
        return ok(trip_detail(trip_decoder.decode(await calls.ask(request, location_id, command, write))))

    @api.post(
        "/v1/locations/{location_id}/floor/trips/{trip}/hand-overs",
        summary="Hand a trip over",
        **documented(
            TripDetail, request=NewPicker, request_example={"to": "us-acct-0h3k2m9qk4t1x0ab0h3k2m9qk4"}, example=_TRIP, problems=_PROBLEMS,
        ),
    )  # fmt: skip
    async def hand_over(location_id: LocationId, trip: TripNumber, request: Request) -> Response:
        """By whose it is, or by who may correct stock. Whoever gets it is an account, a device or a client that is
        enabled and may do `floor.work` here, and has no other trip."""
        write = await calls.write(request, location_id)
        to = decode(_new_picker_decoder, write.body).to
        check_picker_id(calls, request, to)
        _, refused = await judged(check_picker(calls, request, location_id, to))
        command = HandOver(trip, to, subject_of(request.scope), may_correct(request.scope))
        return ok(trip_detail(trip_decoder.decode(await calls.ask(request, location_id, command, write, refused))))

    @api.post(
        "/v1/locations/{location_id}/floor/trips/{trip}/abandonment",
        summary="Abandon a trip",
        **documented(Changed, request=Abandonment, request_example={}, example=_CHANGED, problems=_PROBLEMS),
    )
    async def abandon(location_id: LocationId, trip: TripNumber, request: Request) -> Response:
        """What is left of it waits again; what was picked stays picked. By whose it is, or by who may correct stock;
        one that nobody has, by anybody."""
        write = await calls.write(request, location_id)
        decode(_abandonment_decoder, write.body)
        command = AbandonTrip(trip, subject_of(request.scope), may_correct(request.scope))
        return ok(changed_decoder.decode(await calls.ask(request, location_id, command, write)))


def _add_returns(api: APIRouter, calls: FloorCalls) -> None:
    @api.post(
        "/v1/locations/{location_id}/floor/put-backs",
        summary="Put units of a cancelled fulfilment back",
        **documented(Changed, request=ReturnedUnits, request_example=_BACK, example=_CHANGED, problems=_PROBLEMS),
    )
    async def put_back(location_id: LocationId, request: Request) -> Response:
        """What the queue names as `put_back`. A bin that is not there is refused. If the location does not take them
        there for another reason, they wait again, with its code as `problem`."""
        write = await calls.write(request, location_id)
        sent = decode(_returned_decoder, write.body)
        bins = {sent.bin_id: "/bin_id"} if sent.bin_id else {}
        _, refused = await judged(calls.locations.require_bins(location_id, bins, request.scope[REQUEST_ID]))
        command = PutBack(sent.fulfilment_id, sent.sku, sent.lot, sent.units, sent.bin_id)
        return ok(changed_decoder.decode(await calls.ask(request, location_id, command, write, refused)))

    @api.post(
        "/v1/locations/{location_id}/floor/losses",
        summary="Tell that picked units are lost or broken",
        **documented(Changed, request=LostUnits, request_example=_LOST, example=_CHANGED, problems=_PROBLEMS),
    )
    async def lost(location_id: LocationId, request: Request) -> Response:
        """On their way from the trip to the table: the order is told, which asks other places for them, and they leave
        the books. What is yet to be picked is told on its trip. A pack station tells it as missing there,
        and the floor hears of it."""
        write = await calls.write(request, location_id)
        sent = decode(_lost_decoder, write.body)
        lots = [(sent.sku, sent.lot, sent.units)] if sent.lot else []
        command = TellLost(sent.fulfilment_id, [(sent.sku, sent.units)], lots)
        return ok(changed_decoder.decode(await calls.ask(request, location_id, command, write)))

    @api.post(
        "/v1/locations/{location_id}/floor/dispute-closures",
        summary="Say that odd goods were looked into",
        **documented(
            Changed, request=Checked, request_example={"sku": "85123A", "bin_id": "A-01-03"}, example=_CHANGED, problems=_PROBLEMS,
        ),
    )  # fmt: skip
    async def close(location_id: LocationId, request: Request) -> Response:
        """What the figures name under `to_count` was counted."""
        write = await calls.write(request, location_id)
        sent = decode(_checked_decoder, write.body)
        command = CloseDispute(sent.bin_id, sent.sku, sent.lot)
        return ok(changed_decoder.decode(await calls.ask(request, location_id, command, write)))


async def _others(calls: FloorCalls, request: Request, location_id: str, trip: int, task: int) -> list[Elsewhere]:
    """Bins that seem to have the same; the floor judges what of that is spoken for. Raises Problem."""
    try:
        told = trip_decoder.decode(await calls.view(request, location_id, ViewTrip(location_id, trip)))
    except Problem as problem:
        if problem.code == "floor.trip_unknown":
            # The floor says so itself, unless this is said again: then it remembers what it said.
            return []
        raise
    wanted = next((one for one in told.tasks if one.task == task), None)
    if wanted is None:
        return []
    lying = await calls.contents(request, location_id, ViewContents(location_id, [wanted.sku]))
    found = elsewhere(lying, wanted.bin_id, wanted.sku, wanted.lot)
    return [Elsewhere(bin_id, units) for bin_id, units in found[:ELSEWHERE_MAX]]


def _step(step: StepView) -> PickStep:
    following = task_detail(step.next) if step.next is not None else None
    return PickStep(step.location_id, step.version, step.trip, step.over, step.left, following)
