"""What the store's side of a pickup (`collection.py`) asks of its order. The rules are in `order_pickup.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.location_events import Units

PickupStep = Literal["missing", "ready", "extended", "collected", "left_behind", "expired"]


class PartMove(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of fulfilment `number`: units that are not to be found (`missing`), or that were handed over (`collected`)."""

    number: int
    lines: list[Units]
    left: list[Units] = []


class MovePickup(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A collection gets on. `parts`: with their units (missing, collected). Answered with whether the order still goes along (`PickupMoved`)."""

    collection_id: str
    step: PickupStep
    parts: list[PartMove]
    ready_at_ms: int | None = None
    collect_by_ms: int | None = None


class PickupMoved(msgspec.Struct, frozen=True, gc=False):
    """`over`: the order was cancelled, and has told the collection so or is about to."""

    over: bool


class SupplyRequested(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The transfer exists by now: it can be left."""

    number: int
    transfer_id: str
