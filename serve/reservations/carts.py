"""What orders and `/v1/reservations` share: is it a reservation of ours, whose is it, and can
an order still have it?"""

from __future__ import annotations

import msgspec

from actors.domain.errors import RefusalBody
from actors.domain.ids import RESERVATION_PATTERN
from actors.domain.reservation_state import ReservationStatus, ViewReservation
from actors.runtime.wire import REFUSED
from serve.gateway import Gateway
from serve.problems import Problem
from serve.regions import Territory
from serve.replies import body_of

# Why one in this status can't be ordered any more, as the reservation itself would say.
_UNCLAIMABLE: dict[ReservationStatus, str] = {
    "refused": "reservation.over", "released": "reservation.over", "expired": "reservation.expired",
    "converted": "reservation.converted",
}  # fmt: skip
_UNKNOWN = "reservation.unknown"


class _Seen(msgspec.Struct):
    """What of a reservation's view is needed here."""

    status: ReservationStatus


_seen_decoder = msgspec.json.Decoder(_Seen)
_refusal_decoder = msgspec.json.Decoder(RefusalBody)


def check_reservation(territory: Territory, reservation_id: str) -> None:
    """Raises Problem 421 for another region's reservation, 404 for what can't be a reservation's id."""
    if RESERVATION_PATTERN.fullmatch(reservation_id):
        territory.check_own(reservation_id)
        if reservation_id.startswith(f"{territory.region}-"):
            return
    raise Problem(_UNKNOWN, "There is no such reservation.")


async def unclaimable(gateway: Gateway, reservation_id: str, asker: str, cause: str) -> str:
    """Why an order can't have the reservation, as the code of the refusal; "" when it can, as far as can be seen
    now. Raises Problem 503."""
    reply = await gateway.view("reservation", reservation_id, ViewReservation(reservation_id, asker), cause=cause)
    if reply.status == REFUSED and _refusal_decoder.decode(reply.body).code == _UNKNOWN:
        return _UNKNOWN
    return _UNCLAIMABLE.get(_seen_decoder.decode(body_of(reply)).status, "")
