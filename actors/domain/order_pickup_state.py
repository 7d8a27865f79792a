"""What an order knows of its being collected at a store. The rules are in `order_pickup.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import Place
from actors.domain.location_events import Units
from actors.domain.personal_notes import APPROVER

# As the order's view tells it. `waiting`: nothing of it is at the store nor on its way there.
PickupStatus = Literal[
    "waiting", "coming", "locating", "ready", "collected", "left_behind", "expired", "nothing_found", "cancelled", "given_up"
]  # fmt: skip
# How far one collection is, as its store has said.
PartStatus = Literal["locating", "ready", "collected", "left_behind", "expired", "nothing_found", "given_up"]


class PickupAt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a customer who collects has chosen. `sources`: places that seem to have what the store lacks, best first,
    for transfers to it; `expected_at_ms`: when these would be there (UTC ms), None when that is not known. A transfer
    of more than `approval_units` waits for a second person, for `approval_ms` at most; 0: none does.
    `short`: what nobody seems to have, for which the placement is refused. `ready_by_ms`: when all of it may be
    collected (UTC ms), None when nobody knows; `late_ms`, `give_up_ms`: see `Clock`."""

    location_id: str
    sources: list[Place] = []
    expected_at_ms: int | None = None
    approval_units: int = 0
    approval_ms: int = 0
    short: list[Units] = []
    ready_by_ms: int | None = None
    late_ms: int = 0
    give_up_ms: int = 0


class Collected(msgspec.Struct, array_like=True, gc=False):
    """One collection of the order. `parts`: numbers of its fulfilments. Times: UTC ms, None until it is ready."""

    parts: list[int]
    status: PartStatus = "locating"
    ready_at_ms: int | None = None
    collect_by_ms: int | None = None


class Pickup(msgspec.Struct, array_like=True, gc=False):
    """The state. `coming`: number of a fulfilment → the transfer that brings it; `collections`: by id, oldest first.
    `turn`: of the last word to them on holds; `paused_at_ms`: since when something holds the order, None while nothing
    does; `ready_by_ms`: when it may be collected, as the customer was told last (UTC ms). `contact_turn`: how often the
    customer's address was corrected. `give_ups`: how often the store has let it down since people asked there;
    `stopped_at_ms`: since when nothing is asked by itself any more because of that, None while it is. `placed_by`: who
    of the staff has placed it, "" for nobody of them: in his name its transfers are asked for, where
    they have to be approved."""

    at: PickupAt
    coming: dict[int, str] = {}
    collections: dict[str, Collected] = {}
    turn: int = 0
    paused_at_ms: int | None = None
    ready_by_ms: int | None = None
    contact_turn: int = 0
    give_ups: int = 0
    stopped_at_ms: int | None = None
    placed_by: Annotated[str, APPROVER] = ""
