"""What happens to an order that is collected at a store. The rules are in `order_pickup.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.allocation import Place
from actors.domain.collection_commands import Retold
from actors.domain.location_events import Units
from actors.domain.order_pickup_commands import Clock
from actors.domain.order_pickup_state import PartStatus
from actors.domain.personal_notes import APPROVER, SEALED_ADDRESS


class Supply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Fulfilment `number` is to come from `source_id` by a transfer. `approval_ms`: how long a second person has to
    agree, 0 when none has to."""

    number: int
    source_id: str
    transfer_id: str
    lines: list[Units]
    approval_ms: int = 0


class StoreSupplyAsked(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """With this event transfers to the store are requested. `places`: who may be asked next; `expected_at_ms`: see
    `PickupAt`. `placed_by`: see `Pickup`. `life_days`: see `PlaceOrder`, of SKUs that are asked for."""

    location_id: str
    supplies: list[Supply]
    places: list[Place]
    expected_at_ms: int | None = None
    placed_by: Annotated[str, APPROVER] = ""
    life_days: dict[str, int] = {}


class CollectionPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One fulfilment of the order. `floor`: the store's floor picks it; `picked`: it has."""

    number: int
    lines: list[Units]
    floor: bool = False
    picked: bool = False


class CollectionOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """With this event the store has to make these units ready."""

    collection_id: str
    location_id: str
    parts: list[CollectionPart]
    clock: Clock | None = None


class CollectionTold(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """What the store's floor has said of a part, for its collection: that it is picked, or what is missing."""

    collection_id: str
    number: int
    picked: bool = False
    missing: list[Units] = []


class PickupStepped(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A collection is that far."""

    collection_id: str
    status: PartStatus
    ready_at_ms: int | None = None
    collect_by_ms: int | None = None


class LinesLeft(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer did not want these units of fulfilment `number`: they are given back, as a fulfilment
    `as_number` that is cancelled."""

    number: int
    as_number: int
    location_id: str
    lines: list[Units]


class PickupStopped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order does not want these collections and transfers any more."""

    collections: list[str]
    transfers: list[str]


class PickupGivenUp(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The store did not make these units ready in time: they are its own again, and asked for anew. `parts`: (number,
    lines). `ready_by_ms`: what the customer is told instead, by a notice to the address that is sealed here, b"" for
    none; `retry_at_ms`: when the order asks again by itself, None for never. `last`: it has done so too often: nothing
    is sent there any more, nor asked there, unless people say so; the customer is told that nobody knows a time."""

    collection_id: str
    location_id: str
    parts: list[tuple[int, list[Units]]]
    ready_by_ms: int
    retry_at_ms: int | None = None
    sealed: Annotated[bytes, SEALED_ADDRESS] = b""
    last: bool = False


class PickupPaused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order is held: these collections wait, whatever the time is. `turn` counts up, so that
    words may come in any order."""

    turn: int
    collections: list[str]


class KeptUntil(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A collection that is kept until then (UTC ms); None for one that is not ready. `told`:
    the customer hears of it."""

    collection_id: str
    collect_by_ms: int | None = None
    told: bool = False


class PickupResumed(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Nothing holds the order any more: their time goes on. `sealed`: the customer's address for notices, b"" for none,
    after correction number `contact`."""

    turn: int
    location_id: str
    collections: list[KeptUntil]
    sealed: Annotated[bytes, SEALED_ADDRESS] = b""
    contact: int = 0


class PickupRedirected(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer's address was corrected, the `turn`-th time: these collections are told, and `sealed` is what
    they tell the customer."""

    turn: int
    collections: list[str]
    sealed: list[Retold]


PICKUP_EVENTS = (
    StoreSupplyAsked, CollectionOpened, CollectionTold, PickupStepped, LinesLeft, PickupStopped, PickupGivenUp, PickupPaused,
    PickupResumed, PickupRedirected,
)  # fmt: skip
PickupEvent = (
    StoreSupplyAsked | CollectionOpened | CollectionTold | PickupStepped | LinesLeft | PickupStopped | PickupGivenUp | PickupPaused
    | PickupResumed | PickupRedirected
)  # fmt: skip
