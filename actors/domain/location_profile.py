"""A location's profile: what it can do for orders, and how much of it in a day. The rules are
in `location_capacity.py`.

A location without a profile is taken to do everything, as much as it has stock for: it ships everywhere, works always,
and holds what lies there.
"""

from __future__ import annotations

import msgspec

from actors.domain.article import Temperature
from actors.domain.sourcing_calendar import Calendar, WorkDay

TEMPERATURES: tuple[Temperature, ...] = ("ambient", "chilled", "frozen")


class Profile(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """ships: orders go to customers from here. serves: countries that it ships to, empty for all.

    week, holidays: as `sourcing_calendar.Calendar` has them, in the location's own time; no week: it works always.
    handling_min: minutes from the order to the parcel. orders_a_day, units_a_day: how much of orders it allocates on a
    local day, 0 for no limit.
    hazard_classes, temperatures: what it may hold; a whole class ("2") has all its divisions. labour: minor units of
    the region's currency for each order and each of its lines. carriers: that call there, empty for all.
    pickup_hold_days: for how long it keeps what is ready for its customer, 0 for as long as the region does."""

    ships: bool = True
    serves: tuple[str, ...] = ()
    week: tuple[WorkDay | None, ...] = ()
    holidays: tuple[str, ...] = ()
    handling_min: int = 0
    orders_a_day: int = 0
    units_a_day: int = 0
    hazard_classes: tuple[str, ...] = ()
    temperatures: tuple[Temperature, ...] = ("ambient",)
    labour_order_minor: int = 0
    labour_line_minor: int = 0
    carriers: tuple[str, ...] = ()
    pickup_hold_days: int = 0

    @property
    def limited(self) -> bool:
        """Is there a limit to what it does in a day?"""
        return bool(self.orders_a_day or self.units_a_day)

    def beyond_a_day(self, units: int) -> bool:
        """Is it more than it does in any day?"""
        return 0 < self.units_a_day < units

    def calendar(self, timezone: str) -> Calendar | None:
        """When it works; None for always. timezone: the location's, an IANA name."""
        return Calendar(timezone, self.week, self.holidays) if self.week else None


class DayCount(msgspec.Struct, frozen=True, gc=False):
    """What was allocated to orders on a local day: parts of orders, and units. `day`: days since 1970-01-01."""

    day: int
    orders: int
    units: int


class SetProfile(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This is the location's profile from now on."""

    profile: Profile


class ProfileSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location's profile is another."""

    profile: Profile


class DayCounted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """So much has been allocated to orders today, where there is a limit to it."""

    count: DayCount


class ViewProfile(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for the profile."""

    location_id: str


class ProfileView(msgspec.Struct, frozen=True, gc=False):
    """The answer. profile: None where none was set. counted: of the last day on which anything was counted."""

    location_id: str
    version: int
    timezone: str
    profile: Profile | None
    counted: DayCount | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Profile).decode


def encoded(profile: Profile) -> bytes:
    """As rows carry it: MessagePack of what differs from the defaults."""
    return _encode(profile)


def decoded(data: bytes) -> Profile:
    """What `encoded` made."""
    return _decode(data)
