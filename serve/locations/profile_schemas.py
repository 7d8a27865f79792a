"""What callers send and get about a location's profile."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.article import Temperature
from actors.domain.sourcing_policy import CARRIERS_MAX, CarrierName
from serve.catalogue.schemas import HazardClass
from serve.limits import END, Country

Clock = Annotated[
    str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]" + END, description="local time", examples=["16:30"])
]
Holiday = Annotated[
    str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}" + END, description="local date", examples=["2026-12-25"])
]
Minutes = Annotated[int, Meta(ge=0, le=20_160, description="from the order to the parcel")]
ADay = Annotated[int, Meta(ge=0, le=10_000_000, description="on a local day, 0 for no limit")]
HoldDays = Annotated[
    int, Meta(ge=0, le=60, description="what is ready for its customer is kept, 0: as the region does")
]
Labour = Annotated[int, Meta(ge=0, le=1_000_000, description="minor units of the region's first currency")]


class DayOfWork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when what comes leaves on that day, and when it leaves. At the cut-off itself it is too late."""

    cut_off: Clock
    dispatch: Clock


Week = Annotated[
    list[DayOfWork | None],
    Meta(max_length=7, description="Monday to Sunday, null for a day without work; empty: works always"),
]


class NewProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /v1/locations/{location_id}/profile`: all of it anew. `ships`: orders go to customers from here;
    `serves`: countries that it ships to, empty for all; `orders_a_day` counts parts of orders; `hazard_classes`,
    `temperatures`: what it may hold, a whole class has all its divisions; `carriers`: that call there, as the policies
    name them, empty for all."""

    ships: bool = True
    serves: Annotated[list[Country], Meta(max_length=250)] = []
    week: Week = []
    holidays: Annotated[list[Holiday], Meta(max_length=366)] = []
    handling_min: Minutes = 0
    orders_a_day: ADay = 0
    units_a_day: ADay = 0
    hazard_classes: Annotated[list[HazardClass], Meta(max_length=30)] = []
    temperatures: Annotated[tuple[Temperature, ...], Meta(max_length=3)] = ("ambient",)
    labour_order_minor: Labour = 0
    labour_line_minor: Labour = 0
    carriers: Annotated[list[CarrierName], Meta(max_length=CARRIERS_MAX)] = []
    pickup_hold_days: HoldDays = 0


class DayTaken(msgspec.Struct, frozen=True):
    """What was allocated to orders on a local day."""

    day: date
    orders: int
    units: int


class LocationProfile(msgspec.Struct, frozen=True):
    """A location's profile, null where none was set: it does everything then. `counted`: of the last day on which there
    was a limit and something was allocated."""

    location_id: str
    version: int
    timezone: str
    profile: NewProfile | None
    counted: DayTaken | None
