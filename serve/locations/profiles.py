"""`/v1/locations/{location_id}/profile`: what a place can do for orders, and how much of it in a day."""

from __future__ import annotations

from datetime import date

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.location_profile import Profile, ProfileView, SetProfile, ViewProfile
from actors.domain.location_views import Changed
from actors.domain.sourcing_calendar import WorkDay
from serve.context import REQUEST_ID
from serve.days import date_of
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.profile_schemas import DayOfWork, DayTaken, LocationProfile, NewProfile
from serve.openapi import documented
from serve.problems import field_problem
from serve.requests import decode
from serve.responses import ok

_profile_decoder = msgspec.json.Decoder(NewProfile)
_view_decoder = msgspec.json.Decoder(ProfileView)
_WORK = {"cut_off": "16:00", "dispatch": "18:30"}
_PROFILE = {
    "ships": True,
    "serves": ["US", "CA"],
    "week": [_WORK, _WORK, _WORK, _WORK, _WORK, None, None],
    "holidays": ["2026-12-25"],
    "handling_min": 90,
    "orders_a_day": 400,
    "hazard_classes": ["2.1", "9"],
    "temperatures": ["ambient", "chilled"],
    "labour_order_minor": 60,
    "labour_line_minor": 25,
    "carriers": ["ground"],
    "pickup_hold_days": 5,
}


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    @api.put(
        "/v1/locations/{location_id}/profile",
        summary="Say what a location can do for orders",
        **documented(Changed, request=NewProfile, request_example=_PROFILE, problems=(404, 421)),
    )
    async def put(location_id: LocationId, request: Request) -> Response:
        """Sourcing goes by it from then on. Past its capacity of the day the location itself allocates nothing more to
        orders, and they ask elsewhere; what is promised already stays so. What is left out is as at first."""
        write = await calls.write(request, location_id)
        sent = decode(_profile_decoder, write.body)
        _check(sent)
        return await calls.ask(request, location_id, SetProfile(_profile(sent)), write)

    @api.get(
        "/v1/locations/{location_id}/profile",
        summary="What a location can do for orders",
        **documented(LocationProfile, problems=(404, 421, 422)),
    )
    async def read(location_id: LocationId, request: Request) -> Response:
        """From the location's actor, with what was counted of the day."""
        calls.territory.check_location(location_id)
        told = await calls.view(location_id, ViewProfile(location_id), request.scope[REQUEST_ID])
        return ok(_shown(_view_decoder.decode(told)))


def _check(sent: NewProfile) -> None:
    """Raises Problem 422; what makes a calendar, the location itself says."""
    if sent.week and len(sent.week) != 7:
        detail = f"{len(sent.week)} days: give seven, Monday first, or none."
        raise field_problem("sourcing.calendar_invalid", detail, "/week")
    if "" in sent.hazard_classes:
        at = sent.hazard_classes.index("")
        raise field_problem("body.invalid", "Name a class, or leave it out.", f"/hazard_classes/{at}")
    for at, holiday in enumerate(sent.holidays):
        if not _is_date(holiday):
            raise field_problem("sourcing.calendar_invalid", f"There is no day {holiday}.", f"/holidays/{at}")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _profile(sent: NewProfile) -> Profile:
    return Profile(
        sent.ships, tuple(sent.serves), tuple(_work_day(day) for day in sent.week), tuple(sent.holidays), sent.handling_min,
        sent.orders_a_day, sent.units_a_day, tuple(sent.hazard_classes), sent.temperatures, sent.labour_order_minor,
        sent.labour_line_minor, tuple(sent.carriers), sent.pickup_hold_days,
    )  # fmt: skip


def _work_day(day: DayOfWork | None) -> WorkDay | None:
    return None if day is None else WorkDay(_minutes(day.cut_off), _minutes(day.dispatch))


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return 60 * int(hours) + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _shown(view: ProfileView) -> LocationProfile:
    profile, counted = view.profile, view.counted
    return LocationProfile(
        view.location_id,
        view.version,
        view.timezone,
        None if profile is None else _told(profile),
        None if counted is None else DayTaken(date_of(counted.day), counted.orders, counted.units),
    )


def _told(one: Profile) -> NewProfile:
    week = [None if day is None else DayOfWork(_clock(day.cut_off_min), _clock(day.dispatch_min)) for day in one.week]
    return NewProfile(
        one.ships, list(one.serves), week, list(one.holidays), one.handling_min, one.orders_a_day, one.units_a_day,
        list(one.hazard_classes), one.temperatures, one.labour_order_minor, one.labour_line_minor, list(one.carriers),
        one.pickup_hold_days,
    )  # fmt: skip
