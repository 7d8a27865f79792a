"""What a reservation may be asked to do, and what it answers an order that wants its units. The rules
are in `reservation.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.allocation import Place
from actors.domain.location_events import Units
from actors.domain.order_state import Channel
from actors.domain.personal_notes import ASKER, NEARNESS, ORDER_OWNER, PURCHASE


class MakeReservation(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A cart wants units for a while. `places`: where stock was seen, nearest first; `whole`: all of it or nothing;
    `owner`: the customer whose cart it is, "" for somebody else; `life_days`: per SKU, days that
    its lot must have left."""

    lines: Annotated[list[Units], PURCHASE]
    places: Annotated[list[Place], NEARNESS]
    channel: Channel
    ttl_ms: int
    whole: bool = False
    owner: Annotated[str, ORDER_OWNER] = ""
    life_days: dict[str, int] = {}


class HoldAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location has reserved these units, maybe none."""

    location_id: str
    lines: list[Units]


class ExtendReservation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It shall last at least `ttl_ms` from now. `asker`: see `reservation.check_asker`. `total_ms`: how long it may
    last in all, 0 for as long as any may."""

    ttl_ms: int
    asker: Annotated[str, ASKER] = ""
    total_ms: int = 0


class ReleaseReservation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The cart was emptied, or left."""

    asker: Annotated[str, ASKER] = ""


class ExpireReservation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer: its time is over."""


class ClaimReservation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The cart was ordered: `order_id` wants of its units what is in `lines`. `owner`: whose order it is."""

    order_id: str
    lines: Annotated[list[Units], PURCHASE]
    owner: Annotated[str, ORDER_OWNER] = ""


class ForgetOwner(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Whose cart it is, is erased (GDPR Art. 17). What it still keeps is given back."""


Command = (
    MakeReservation | HoldAnswered | ExtendReservation | ReleaseReservation | ExpireReservation | ClaimReservation
    | ForgetOwner
)  # fmt: skip


class HeldPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units that a location has reserved."""

    location_id: str
    lines: list[Units]


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """The answer to `ClaimReservation`: what the order may convert, and where."""

    parts: list[HeldPart]
