"""Rows of what sourcing goes by: profiles of locations, and policies. See `rows.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from actors.domain.location_profile import DayCount, Profile, decoded, encoded
from actors.domain.personal_notes import APPROVER


class LocationProfileRow(msgspec.Struct, array_like=True, gc=False):
    """The profile of one location. version: the location's when it last changed. profile: MessagePack of
    `location_profile.Profile`. day, orders, units: what was allocated to orders on the last local day (since
    1970-01-01) on which anything was counted."""

    table: ClassVar[str] = "location_profiles"
    key: ClassVar[tuple[str, ...]] = ("location_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    version: int
    profile: bytes
    day: int = 0
    orders: int = 0
    units: int = 0


class SourcingPolicyRow(msgspec.Struct, array_like=True, gc=False):
    """One version of the policy of a channel ("": of all that have none of their own). version: of the cell's policies,
    each has its own. policy: MessagePack of `sourcing_policy.Policy`. set_at: UTC ms."""

    table: ClassVar[str] = "sourcing_policies"
    key: ClassVar[tuple[str, ...]] = ("policies_id", "channel", "version")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    policies_id: str
    channel: str
    version: int
    policy: bytes
    reason: str
    set_by: Annotated[str, APPROVER]
    set_at: int


def profile_row(location_id: str, version: int, profile: Profile, counted: DayCount | None) -> LocationProfileRow:
    """The location's row."""
    count = counted if counted is not None else DayCount(0, 0, 0)
    return LocationProfileRow(location_id, version, encoded(profile), count.day, count.orders, count.units)


def profile_of(row: LocationProfileRow) -> tuple[Profile, DayCount | None]:
    """The profile from its row, and what was counted."""
    return decoded(row.profile), DayCount(row.day, row.orders, row.units) if row.day else None
