"""What the routes below `/v1/locations/{location_id}/floor` share: who asks, the floor's answers, and what these
say in the API's words."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import Path, Request

from actors.domain.floor_commands import Command
from actors.domain.floor_views import Changed, Query, TaskView, TripView
from actors.domain.location_floor import ContentsView, ViewContents
from actors.domain.times import moment
from serve.callers import subject_of
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.days import date_of
from serve.floor.schemas import ForWhom, TaskDetail, TripDetail
from serve.locations.calls import LocationCalls
from serve.problems import Problem, field_problem
from serve.replies import body_of
from serve.requests import Write
from serve.subjects import kind_of, may_do

TripNumber = Annotated[int, Path(ge=1, le=1_000_000_000, description="its number at the location")]
_contents_decoder = msgspec.json.Decoder(ContentsView)
changed_decoder = msgspec.json.Decoder(Changed)
trip_decoder = msgspec.json.Decoder(TripView)


class FloorCalls:
    """Asks floors, and the locations that they are of."""

    def __init__(self, locations: LocationCalls) -> None:
        self.locations = locations
        self.services = locations.services

    async def write(self, request: Request, location_id: str) -> Write:
        """Reads a write to a floor of ours. Raises Problem."""
        return await self.locations.write(request, location_id)

    async def ask(
        self, request: Request, location_id: str, command: Command, write: Write, refused: bytes = b""
    ) -> bytes:
        """The floor's answer, as JSON. `refused`: see `judging.judged`. Raises Problem."""
        await self.locations.require(location_id, request.scope[REQUEST_ID])
        reply = await self.services.gateway.ask(
            "floor", location_id, None if refused else command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
            refused=refused,
        )  # fmt: skip
        return body_of(reply)

    async def view(self, request: Request, location_id: str, query: Query) -> bytes:
        """What the floor answers, as JSON. Raises Problem."""
        request.scope[ENTITY_ID] = location_id
        self.locations.territory.check_location(location_id)
        await self.locations.require(location_id, request.scope[REQUEST_ID])
        reply = await self.services.gateway.view("floor", location_id, query, cause=request.scope[REQUEST_ID])
        return body_of(reply)

    async def contents(self, request: Request, location_id: str, query: ViewContents) -> ContentsView:
        """What lies where. Raises Problem."""
        return _contents_decoder.decode(await self.locations.view(location_id, query, request.scope[REQUEST_ID]))


def picker_of(request: Request, named: str) -> str:
    """Who picks. Raises Problem: nobody claims a trip for somebody else."""
    subject = subject_of(request.scope)
    if subject:
        if named not in ("", subject):
            raise Problem("floor.not_you", "One claims trips for oneself: leave the picker out.")
        return subject
    if not named:
        raise field_problem("floor.picker_required", "Nobody signs in here: say who picks.", "/picker")
    return named


def check_picker_id(calls: FloorCalls, request: Request, named: str) -> None:
    """Raises Problem 422 for what is no id of anybody, where people sign in. Not even the floor is told of it, so an
    address that was typed in its place is kept nowhere."""
    if subject_of(request.scope) and not kind_of(calls.services.settings.region, named):
        raise _unfit()


async def check_picker(calls: FloorCalls, request: Request, location_id: str, named: str) -> None:
    """Raises Problem 422 for who may not pick here. Where nobody signs in everybody may; and who asks was let in."""
    if subject_of(request.scope) in ("", named):
        return
    if not await may_do(calls.services, named, "floor.work", location_id, request.scope[REQUEST_ID]):
        raise _unfit()


def _unfit() -> Problem:
    detail = "Name an account, a device or a client that is enabled and may do floor.work here."
    return field_problem("floor.picker_unfit", detail, "/to")


def task_detail(task: TaskView) -> TaskDetail:
    """A task in the API's words."""
    return TaskDetail(
        task.task, task.bin_id, task.sku, task.lot, None if task.expires_on is None else date_of(task.expires_on),
        task.wanted, task.left, [ForWhom(one.fulfilment_id, one.units, one.tote) for one in task.shares], task.problem,
    )  # fmt: skip


def trip_detail(trip: TripView) -> TripDetail:
    """A trip in the API's words."""
    return TripDetail(
        trip.location_id, trip.version, trip.trip, trip.status, trip.method, moment(trip.due_ms), trip.walk_dm, trip.exact,
        trip.picker, None if trip.claimed_at_ms is None else moment(trip.claimed_at_ms), [task_detail(one) for one in trip.tasks],
    )  # fmt: skip
