"""Bodies of `/v1/reservations`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.order_state import Channel
from actors.domain.personal_notes import ORDER_COUNTRY, PURCHASE, SHOWN_POSITION
from actors.domain.reservation import TTL_MAX_MS, TTL_MIN_MS
from actors.domain.reservation_state import ReservationPolicy
from serve.limits import LINES_MAX, TEXT, Country, Latitude, Longitude, Quantity, Sku

TTL_DEFAULT_S = 600
# Of a customer's own cart: goods in it are sold to nobody else. Units are those of a SKU over all lines.
OWN_TTL_MAX_S = 1_800
OWN_TOTAL_MAX_S = 7_200
OWN_UNITS_MAX = 20
OWN_LINES_MAX = 50
ReservationId = Annotated[str, Meta(max_length=64, pattern=TEXT, examples=["us-resv-01kah2v3nq7h3k2m9qk4t1x0ab"])]
TimeToLive = Annotated[
    int, Meta(ge=TTL_MIN_MS // 1000, le=TTL_MAX_MS // 1000, description="seconds from now", examples=[900])
]


class CartDestination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where the cart will go, as far as it is known: the nearest locations keep its units, or where a sourcing policy
    is in use those from which it would serve the order. Only in what order they were asked is kept."""

    country: Annotated[Country, ORDER_COUNTRY]
    lat: Annotated[Latitude | None, SHOWN_POSITION] = None
    lon: Annotated[Longitude | None, SHOWN_POSITION] = None


class CartLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Units that the cart wants."""

    sku: Sku
    quantity: Quantity


class NewReservation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /v1/reservations`. `policy`: `partial` takes what there is, `whole` all of it or nothing.
    Without `ship_to` locations come as seen from the region's centre."""

    channel: Channel
    lines: Annotated[list[CartLine], Meta(min_length=1, max_length=LINES_MAX), PURCHASE]
    ship_to: CartDestination | None = None
    ttl_s: TimeToLive = TTL_DEFAULT_S
    policy: ReservationPolicy = "partial"


class NewExtension(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /v1/reservations/{reservation_id}/extensions`. One that lasts longer
    already is left as it is."""

    ttl_s: TimeToLive
