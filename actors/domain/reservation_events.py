"""What happens to a reservation. The rules are in `reservation.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import Place
from actors.domain.location_events import Units
from actors.domain.order_state import Channel
from actors.domain.personal_notes import NEARNESS, ORDER_OWNER, PURCHASE
from actors.domain.reservation_commands import HeldPart

Ending = Literal["refused", "released", "expired"]


class ReservationMade(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A cart wants `lines` until `expires_at_ms`. `command_id`: whose final answer is owed while
    locations are being asked."""

    lines: Annotated[list[Units], PURCHASE]
    channel: Channel
    whole: bool
    expires_at_ms: int
    command_id: str
    owner: Annotated[str, ORDER_OWNER] = ""
    life_days: dict[str, int] = {}


class HoldsAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Locations are asked to reserve. `places`: who may be asked next; the rest is said with every ask."""

    asks: list[HeldPart]
    places: Annotated[list[Place], NEARNESS]
    channel: Channel
    whole: bool
    life_days: dict[str, int]


class HoldSettled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location has reserved `lines`. `over`: nobody else is asked."""

    location_id: str
    lines: list[Units]
    over: bool


class HoldReturned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What a location reserved too late is given back."""

    part: HeldPart


class ReservationExtended(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It lasts until then."""

    expires_at_ms: int


class ReservationEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is over, and `returned` is given back. `missing`: of one that was refused, what could not be had."""

    how: Ending
    returned: list[HeldPart]
    missing: list[Units] = []


class ReservationConverted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order takes `parts`; the rest is given back."""

    order_id: str
    parts: list[HeldPart]
    returned: list[HeldPart]


class OwnerForgotten(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Whose cart it was is taken out. The history keeps the digest that it had."""


Event = (
    ReservationMade | HoldsAsked | HoldSettled | HoldReturned | ReservationExtended | ReservationEnded
    | ReservationConverted | OwnerForgotten
)  # fmt: skip
