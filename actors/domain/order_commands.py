"""What an order may be asked to do. The rules are in `order.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import SPLIT_MAX, Place, Plan
from actors.domain.collection_commands import Retold
from actors.domain.location_events import Units
from actors.domain.order_backorder import BackorderTerms, DateMoved, LineAnswered, UnitsOffered
from actors.domain.order_pickup_commands import MovePickup, SupplyRequested
from actors.domain.order_pickup_state import PickupAt
from actors.domain.order_refund_commands import RefundCommand
from actors.domain.order_state import Channel, Kits, Line, ShipTo
from actors.domain.order_terms_commands import TermsCommand
from actors.domain.order_terms_state import Terms
from actors.domain.personal_notes import (
    APPROVER,
    ASKER,
    NEARNESS,
    ORDER_COUNTRY,
    ORDER_DIGEST,
    ORDER_OWNER,
    PRIVATE_POSITION,
    PURCHASE,
    SEALED_ORDER,
)
from actors.domain.reservation_commands import HeldPart

Update = Literal["start_picking", "pause_picking", "pack", "short_pick", "ship", "deliver", "cancel", "allocate"]


class PlaceOrder(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A new order. `places`: where stock was seen, nearest first. `owner`: the customer who places it, "" for somebody
    else. `sealed`, `email_digest`: see `Order`. `reservation_id`: of the cart that it was, "" for none; `unclaimable`:
    why that can't be had any more, as far as was seen: the code of the refusal, "" when it seems to be good.
    `buffered`: some place was seen to keep units back from the channel.

    `plan`: what to ask first, as sourcing decided, and `places` then are best first; None: as `allocation.plan` says.
    `splits`: over how many places at most. `sourcing`: the decision (`sourcing_decision.encoded`), sealed where orders
    are. `promised`: of each part of the plan when it shall be there (UTC ms), and `transit` how
    long its carrier takes (ms).
    `kits`: of kits among the lines what one is made of, None for none. `life_days`: of SKUs whose lots must have some
    left, how many, None for none. `terms`: what is asked for besides the goods, None for nothing. `backorder`: what
    matters for what can't be had now, None when all seems to be there. `pickup`: where its customer collects it
    (`order_pickup.py`), None for an order that is sent. `placed_by`: whose account of the staff has placed one that is
    collected, "" for nobody's: he may not decide what its transfers have to be approved for."""

    order_ref: Annotated[str, ORDER_DIGEST]
    channel: Channel
    customer_ref: Annotated[str, ORDER_DIGEST]
    country: Annotated[str, ORDER_COUNTRY]
    ship_to: ShipTo
    currency: str
    lines: Annotated[list[Line], PURCHASE]
    places: Annotated[list[Place], NEARNESS]
    owner: Annotated[str, ORDER_OWNER] = ""
    sealed: Annotated[bytes, SEALED_ORDER] = b""
    email_digest: Annotated[str, ORDER_OWNER] = ""
    reservation_id: str = ""
    unclaimable: str = ""
    buffered: bool = False
    plan: Plan | None = None
    splits: int = SPLIT_MAX
    sourcing: Annotated[bytes, PRIVATE_POSITION] = b""
    promised: list[int] = []
    kits: Kits | None = None
    life_days: dict[str, int] | None = None
    terms: Terms | None = None
    backorder: BackorderTerms | None = None
    transit: Annotated[list[int], NEARNESS] = []
    pickup: PickupAt | None = None
    placed_by: Annotated[str, APPROVER] = ""


class UpdateOrder(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A step of the order's life. `fulfilment`: its number, None for all for which the step is legal. `lines`: what is
    missing (short_pick), or what a shipment has packed (pack, ship: `order_packing.py`). `places`: where to ask
    (allocate). `occurred_at_ms`: when it happened in the world, None for now. `within`: locations that the caller's
    rights reach, empty for all: fulfilments elsewhere are not theirs to move. `asker`: see `check_asker`. `by_floor`:
    the floor of the location says so (`floor.py`). `lots`: of what is missing (SKU, lot, units), as far as it is known.
    `held`: what the shipment that tells what is missing (maybe nothing: it only asks) takes the fulfilment to hold,
    None where nobody packs."""

    update: Update
    fulfilment: int | None = None
    occurred_at_ms: int | None = None
    lines: list[Units] = []
    places: Annotated[list[Place], NEARNESS] = []
    within: list[str] = []
    asker: Annotated[str, ASKER] = ""
    by_floor: bool = False
    lots: list[tuple[str, str, int]] = []
    held: list[Units] | None = None


class ReservationAnswered(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The location of fulfilment `number` reserved these units, maybe none. `floor`: its floor picks them."""

    number: int
    location_id: str
    lines: list[Units]
    floor: bool = False


class CartAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The reservation gives these parts to the order; none when it refused with `code`."""

    reservation_id: str
    parts: list[HeldPart]
    code: str = ""


class RetryAllocation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer of a backorder went off."""


class RectifyOrder(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What tells who ordered and where it goes is otherwise. The fields as in `Order`. Under whose key it is sealed
    does not change: what was there before lies under it as well, and is to be erased with it. `pickups`: what the
    customer is told, at the new address, of what is ready to be collected. `was`: what was sealed when somebody looked,
    "" for whatever it is: all of it is written anew, so what others have changed since then would be as it was.
    `waiting`: ids of notices that wait to be sent to the address of before."""

    order_ref: Annotated[str, ORDER_DIGEST]
    sealed: Annotated[bytes, SEALED_ORDER]
    email_digest: Annotated[str, ORDER_OWNER]
    pickups: list[Retold] = []
    was: Annotated[bytes, SEALED_ORDER] = b""
    waiting: list[str] = []


class ForgetPerson(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The person was erased. To do it twice changes nothing."""


Command = (
    PlaceOrder | UpdateOrder | ReservationAnswered | CartAnswered | RetryAllocation | RectifyOrder | ForgetPerson | TermsCommand
    | UnitsOffered | LineAnswered | DateMoved | MovePickup | SupplyRequested | RefundCommand
)  # fmt: skip
