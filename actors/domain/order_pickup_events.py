"""What happens to an order that is collected at a store. The rules are in `order_pickup.py`."""

from __future__ import annotations

import msgspec

from actors.domain.allocation import Place
from actors.domain.location_events import Units
from actors.domain.order_pickup_state import PartStatus


class Supply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Fulfilment `number` is to come from `source_id` by a transfer. `approval_ms`: how long a second person has to agree, 0 when none has to."""

    number: int
    source_id: str
    transfer_id: str
    lines: list[Units]
    approval_ms: int = 0


class StoreSupplyAsked(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """With this event transfers to the store are requested. `places`: who may be asked next; `expected_at_ms`: see `PickupAt`."""

    location_id: str
    supplies: list[Supply]
    places: list[Place]
    expected_at_ms: int | None = None


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
    """The customer did not want these units of fulfilment `number`: they are given back, as a fulfilment `as_number` that is cancelled."""

    number: int
    as_number: int
    location_id: str
    lines: list[Units]


class PickupStopped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order does not want these collections and transfers any more."""

    collections: list[str]
    transfers: list[str]


PICKUP_EVENTS = (StoreSupplyAsked, CollectionOpened, CollectionTold, PickupStepped, LinesLeft, PickupStopped)
PickupEvent = StoreSupplyAsked | CollectionOpened | CollectionTold | PickupStepped | LinesLeft | PickupStopped
