"""What the store's side of a pickup (`collection.py`) asks of its order. The rules are in `order_pickup.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.location_events import Units

PickupStep = Literal["missing", "ready", "extended", "collected", "left_behind", "expired", "given_up"]


class PartMove(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of fulfilment `number`: units that are not to be found (`missing`), that were handed over (`collected`), or that
    nobody made ready (`given_up`). `picked`: the collection knows that the store's floor has picked it."""

    number: int
    lines: list[Units]
    left: list[Units] = []
    picked: bool = False


class Clock(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """By when a store has to make something ready. `ready_by_ms`: as the customer was told, None when nothing was (UTC
    ms); `late_ms`: so long after that, or after it was asked when that is later, the store is told that it is late, and
    `give_up_ms` after the same moment it is asked no longer; 0: never. `held`: the order was held, as of
    its word number `turn`."""

    ready_by_ms: int | None = None
    late_ms: int = 0
    give_up_ms: int = 0
    turn: int = 0
    held: bool = False


class MovePickup(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A collection gets on. `parts`: with their units (missing, collected, given_up). `contact`: the customer is told
    at the address after that correction. Answered with whether the order still goes along (`PickupMoved`)."""

    collection_id: str
    step: PickupStep
    parts: list[PartMove]
    ready_at_ms: int | None = None
    collect_by_ms: int | None = None
    contact: int = 0


class PickupMoved(msgspec.Struct, frozen=True, gc=False):
    """`over`: the order was cancelled, and has told the collection so or is about to. `stopped`: the store has let the
    order down for the last time (`order_pickup_late.py`)."""

    over: bool
    stopped: bool = False


class SupplyRequested(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The transfer exists by now: it can be left."""

    number: int
    transfer_id: str
