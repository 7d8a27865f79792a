"""What happens to an order: what is kept of it for ever. The rules are in `order.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import SPLIT_MAX, Place
from actors.domain.floor_terms import EndReason
from actors.domain.location_events import Units
from actors.domain.order_backorder import (
    BackorderFilled,
    BackorderParked,
    BackorderTerms,
    CustomerTold,
    DateKept,
    DateTold,
    OfferReturned,
    WaitingAsked,
    WaitingDated,
    WaitingSettled,
)
from actors.domain.order_pickup_events import (
    CollectionOpened,
    CollectionTold,
    LinesLeft,
    PickupGivenUp,
    PickupPaused,
    PickupRedirected,
    PickupResumed,
    PickupStepped,
    PickupStopped,
    StoreSupplyAsked,
)
from actors.domain.order_pickup_state import PickupAt
from actors.domain.order_refund_events import RefundGiven
from actors.domain.order_state import Channel, FulfilmentStatus, Kits, Line, ShipTo
from actors.domain.order_terms_events import TermsEvent
from actors.domain.order_terms_state import StandIn, Terms
from actors.domain.personal_notes import (
    APPROVER,
    NEARNESS,
    ORDER_COUNTRY,
    ORDER_DIGEST,
    ORDER_OWNER,
    PRIVATE_POSITION,
    PURCHASE,
    SEALED_ORDER,
)
from actors.domain.reservation_commands import HeldPart


class Ask(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Fulfilment `number` asks `location_id` for units."""

    number: int
    location_id: str
    lines: list[Units]


class OrderPlaced(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The order exists. `retry_at_ms`: set when nobody has anything to ask for. `reservation_id`: with this it claims
    the cart that it was; locations are asked when that has answered. `splits`, `sourcing`: see `PlaceOrder`;
    `promised_by_ms`: when all of it shall be there (UTC ms), None when that is not known; `kits`: what kits among the
    lines are made of; `backorder`, `placed_by`: see `PlaceOrder`."""

    order_ref: Annotated[str, ORDER_DIGEST]
    channel: Channel
    customer_ref: Annotated[str, ORDER_DIGEST]
    country: Annotated[str, ORDER_COUNTRY]
    ship_to: ShipTo
    currency: str
    lines: Annotated[list[Line], PURCHASE]
    places: Annotated[list[Place], NEARNESS]
    command_id: str
    retry_at_ms: int | None = None
    owner: Annotated[str, ORDER_OWNER] = ""
    sealed: Annotated[bytes, SEALED_ORDER] = b""
    email_digest: Annotated[str, ORDER_OWNER] = ""
    reservation_id: str = ""
    splits: int = SPLIT_MAX
    sourcing: Annotated[bytes, PRIVATE_POSITION] = b""
    promised_by_ms: int | None = None
    kits: Kits | None = None
    life_days: dict[str, int] | None = None
    terms: Terms | None = None
    backorder: BackorderTerms | None = None
    pickup: PickupAt | None = None
    placed_by: Annotated[str, APPROVER] = ""


class CartClaimed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The reservation has answered: locations are asked to convert what it had. None when it refused with `code`.
    `over`: nobody is asked for anything; `retry_at_ms`: when the order asks again."""

    reservation_id: str
    asks: list[Ask]
    code: str = ""
    over: bool = False
    retry_at_ms: int | None = None


class CartReturned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The reservation has answered an order that was cancelled meanwhile: all is given back."""

    reservation_id: str
    parts: list[HeldPart]


class AllocationAsked(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Locations are asked to reserve. `places`: who may be asked next; `retry`: a new round has begun; `channel`: whose
    buffers are kept back, "" where nobody seems to have any; `promised`: of each of the asks when it shall be there
    (UTC ms), empty where nothing was promised; `life_days`, `transit`: see `PlaceOrder`; `stands`: what of the asks
    stands in for what was ordered."""

    asks: list[Ask]
    places: Annotated[list[Place], NEARNESS]
    retry: bool = False
    channel: Channel | Literal[""] = ""
    promised: list[int] = []
    life_days: dict[str, int] = {}
    transit: Annotated[list[int], NEARNESS] = []
    stands: list[StandIn] = []


class ReservationSettled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A location reserved `lines`. `over`: the round is over; `retry_at_ms`: when the order asks
    again for what is missing."""

    number: int
    lines: list[Units]
    over: bool
    retry_at_ms: int | None = None


class HandedToFloor(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The floor of the location picks fulfilment `number`. `handling`: how the goods are to be
    treated. Times: UTC ms."""

    number: int
    location_id: str
    lines: list[Units]
    priority: int
    due_ms: int
    placed_at_ms: int
    handling: list[str] = []


class LeftFloor(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Floors have no more to pick of these fulfilments (number, location)."""

    parts: list[tuple[int, str]]
    why: EndReason


class ReservationReturned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A reservation that came too late is given back."""

    number: int
    location_id: str
    lines: list[Units]


class Move(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Fulfilment `number` moves; location and lines are named where the location has to know."""

    number: int
    location_id: str = ""
    lines: list[Units] = []


class FulfilmentsMoved(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Fulfilments reached the status `to`."""

    to: FulfilmentStatus
    moves: list[Move]
    occurred_at_ms: int | None = None


class ShipmentsTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """With this event the shipments of these fulfilments are told that they are cancelled, those that there are."""

    numbers: list[int]


class ShortPicked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units of fulfilment `number` were not found. `lots`: see `UpdateOrder`."""

    number: int
    location_id: str
    lines: list[Units]
    retry_at_ms: int | None = None
    lots: list[tuple[str, str, int]] = []


class OrderCancelled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The whole order is cancelled; `released` is given back."""

    released: list[Ask]
    occurred_at_ms: int | None = None


class RetrySkipped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer went off and there was nothing to ask for."""


class OrderRectified(msgspec.Struct, frozen=True, tag=True, gc=False):
    """From now on this is who ordered, and where it goes. With this event the notices that wait to be sent (`waiting`)
    follow to what is sealed now, instead of `was`; without an address they are withdrawn. `moved`: the address is
    another one."""

    order_ref: Annotated[str, ORDER_DIGEST]
    sealed: Annotated[bytes, SEALED_ORDER]
    email_digest: Annotated[str, ORDER_OWNER]
    waiting: list[str] = []
    was: Annotated[bytes, SEALED_ORDER] = b""
    moved: bool = False


class PersonForgotten(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing here tells any more who ordered. With this event these collections of it are told."""

    collections: list[str] = []


Event = (
    OrderPlaced | AllocationAsked | ReservationSettled | ReservationReturned | FulfilmentsMoved | ShortPicked
    | OrderCancelled | RetrySkipped | OrderRectified | PersonForgotten | CartClaimed | CartReturned | HandedToFloor | LeftFloor
    | ShipmentsTold | TermsEvent | RefundGiven
    | WaitingAsked | WaitingSettled | BackorderFilled | OfferReturned | BackorderParked | CustomerTold
    | WaitingDated | DateTold | DateKept
    | StoreSupplyAsked | CollectionOpened | CollectionTold | PickupStepped | LinesLeft | PickupStopped
    | PickupGivenUp | PickupPaused | PickupResumed | PickupRedirected
)  # fmt: skip
