"""What is known of a reservation, and what callers see of it. The rules are in `reservation.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import Need, Place, need_of
from actors.domain.location_events import Units
from actors.domain.order_state import Channel
from actors.domain.order_views import UnitsView
from actors.domain.personal_notes import ASKER, NEARNESS, ORDER_OWNER, PURCHASE
from actors.domain.reservation_commands import HeldPart
from actors.domain.rows_of_reservation import ReservationRow
from actors.domain.times import moment

Stage = Literal["asking", "held", "refused", "released", "expired", "converted"]
ReservationStatus = Literal["asking", "held", "partly_held", "refused", "released", "expired", "converted"]
ReservationPolicy = Literal["partial", "whole"]
# While it is in one of these it has units, or may get some.
LIVE = frozenset({"asking", "held"})


class Hold(msgspec.Struct, array_like=True, gc=False):
    """What one location is asked for, and then has reserved. A location has one at most."""

    location_id: str
    lines: list[Units]
    asking: bool = True


class Reservation(msgspec.Struct, array_like=True, gc=False):
    """The state. Times in UTC ms. `lines`: what is wanted, each SKU once; `holds`: empty once it is over; `candidates`:
    places that may still be asked, nearest first; `place_command`: the command whose final answer is owed; `missing`:
    of one that was refused; `order_id`, `converted`: who took which parts."""

    lines: Annotated[list[Units], PURCHASE]
    channel: Channel
    whole: bool
    made_at_ms: int
    expires_at_ms: int
    owner: Annotated[str, ORDER_OWNER]
    place_command: str
    life_days: dict[str, int]
    stage: Stage = "asking"
    holds: list[Hold] = []
    candidates: Annotated[list[Place], NEARNESS] = []
    missing: list[Units] = []
    order_id: str = ""
    converted: list[HeldPart] = []


def parts_of(reservation: Reservation) -> list[HeldPart]:
    """What locations have reserved by now."""
    return [HeldPart(hold.location_id, hold.lines) for hold in reservation.holds if not hold.asking]


def held_of(reservation: Reservation) -> Need:
    """Units per SKU that locations have reserved by now."""
    return need_of(line for part in parts_of(reservation) for line in part.lines)


def status_of(reservation: Reservation) -> ReservationStatus:
    """Its stage, and whether all of it is held."""
    if reservation.stage == "held" and held_of(reservation) != dict(reservation.lines):
        return "partly_held"
    return reservation.stage


def due_of(reservation: Reservation) -> int | None:
    """When it expires, None once it can't any more."""
    return reservation.expires_at_ms if reservation.stage in LIVE else None


# --- what callers see -----------------------------------------------------------------------------------------------
class ViewReservation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. `asker`: see `reservation.check_asker`."""

    reservation_id: str
    asker: Annotated[str, ASKER] = ""


class ReservedLineView(msgspec.Struct, frozen=True, gc=False):
    """Units of a SKU that are wanted, and how many of them are held (once it was converted: ordered)."""

    sku: str
    wanted: int
    held: int


class ReservedPartView(msgspec.Struct, frozen=True, gc=False):
    """What lies reserved at one location."""

    location_id: str
    lines: list[UnitsView]


class ReservationView(msgspec.Struct, frozen=True, gc=False):
    """A reservation; also the answer to every command of callers. `missing`: of one that was refused, what could not be
    had; `order_id`: of the order that took it, else ""."""

    reservation_id: str
    version: int
    status: ReservationStatus
    policy: ReservationPolicy
    channel: Channel
    lines: Annotated[list[ReservedLineView], PURCHASE]
    parts: list[ReservedPartView]
    missing: list[UnitsView]
    made_at: datetime
    expires_at: datetime
    order_id: str


def _units(lines: list[Units]) -> list[UnitsView]:
    return [UnitsView(sku, units) for sku, units in lines]


def reservation_view(reservation_id: str, reservation: Reservation, version: int) -> ReservationView:
    """All of it as callers see it."""
    parts = reservation.converted if reservation.stage == "converted" else parts_of(reservation)
    held = need_of(line for part in parts for line in part.lines)
    return ReservationView(
        reservation_id, version, status_of(reservation), "whole" if reservation.whole else "partial", reservation.channel,
        [ReservedLineView(sku, wanted, held.get(sku, 0)) for sku, wanted in reservation.lines],
        [ReservedPartView(part.location_id, _units(part.lines)) for part in parts], _units(reservation.missing),
        moment(reservation.made_at_ms), moment(reservation.expires_at_ms), reservation.order_id,
    )  # fmt: skip


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reservation).decode


def reservation_row(reservation_id: str, reservation: Reservation, version: int) -> ReservationRow:
    """Its row, with its state for the next activation."""
    return ReservationRow(
        reservation_id, version, status_of(reservation), reservation.owner, reservation.expires_at_ms, due_of(reservation),
        _encode(reservation),
    )  # fmt: skip


def restored(state: bytes) -> Reservation:
    """The reservation from the state of its row."""
    return _decode(state)
