"""What happens on a building's floor. The rules are in `floor.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.floor_commands import FloorUpdate, NewTask, NewTrip, ReviseWork, Share
from actors.domain.floor_service import MarksSet, WorkMarked
from actors.domain.floor_terms import EndReason
from actors.domain.location_events import Units
from actors.domain.personal_notes import APPROVER


class WorkQueued(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A fulfilment waits to be picked. See `QueueWork`."""

    fulfilment_id: str
    lines: list[Units]
    priority: int
    due_ms: int
    placed_at_ms: int
    handling: list[str] = []


class Unplanned(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a task that are on the trip no more."""

    trip: int
    task: int
    sku: str
    units: int
    tote: int


class WorkRevised(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order has said something new of the work: see `ReviseWork`. `less`: units that are wanted no more since the
    last word; `unplanned`: what is taken off trips; `picked`: (SKU, lot, units) in hands that are to be put back;
    `lost`: units that were not found and need not be."""

    fulfilment_id: str
    turn: int
    held: bool
    priority: int
    due_ms: int
    less: list[Units]
    unplanned: list[Unplanned]
    picked: list[tuple[str, str, int]]
    lost: list[Units]


class RevisionNoted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The word came before the work. `forgotten`: older ones, of work that never came."""

    word: ReviseWork
    forgotten: list[str] = []


class WorkEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The floor has no more to pick for it. `trips`: on which something of it was left; what was picked of a
    cancelled one is to be put back."""

    fulfilment_id: str
    why: EndReason
    trips: list[int]


class EndNoted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The end came before the beginning. `forgotten`: of which that was noted too long ago."""

    fulfilment_id: str
    forgotten: list[str] = []


class WorkSkipped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The beginning came after the end: there is nothing to do."""

    fulfilment_id: str


class WorkPrioritised(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The work's urgency is another."""

    fulfilment_id: str
    priority: int
    due_ms: int


class TripsPlanned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These trips can be claimed; the first has number `first`, the others follow."""

    first: int
    trips: list[NewTrip]


class TripClaimed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The trip is the picker's alone."""

    trip: int
    picker: Annotated[str, APPROVER]


class TripPaused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The trip rests, or goes on."""

    trip: int
    paused: bool


class TripHandedOver(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The trip is somebody else's."""

    trip: int
    to: Annotated[str, APPROVER]


class TripAbandoned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The trip is over; what was left of it waits again: `works` are those it was for."""

    trip: int
    works: list[str]


class UnitsPicked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units were taken from a bin and are in somebody's hands, for these fulfilments."""

    trip: int
    task: int
    bin_id: str
    sku: str
    lot: str
    shares: list[Share]


class UnitsShort(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units of a task were not there. `moved`: tasks that take them elsewhere, added to the trip; `short`: for whom
    nothing more is looked for."""

    trip: int
    task: int
    bin_id: str
    sku: str
    lot: str
    moved: list[NewTask]
    short: list[Share]


class ShortUnits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units that were not found where they should have been."""

    sku: str
    units: int
    bin_id: str
    lot: str


class UnitsLost(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units that were picked are not there any more. They were in no bin."""

    fulfilment_id: str
    lost: list[ShortUnits]


class OrderAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order is asked for a step of the fulfilment. `lines`: units that were not found; `lots`: (SKU, lot, units) of
    them of which it is known which."""

    fulfilment_id: str
    update: FloorUpdate
    lines: list[Units] = []
    lots: list[tuple[str, str, int]] = []


class OrderAgreed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order has done what it was asked for."""

    fulfilment_id: str
    update: FloorUpdate


class ShortageBooked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location knows that units are not where they should be: the order can be told."""

    fulfilment_id: str
    missing: ShortUnits


class PickingStopped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order does not take the fulfilment for one that is being picked (any more): it has to be told first."""

    fulfilment_id: str


class WorkBlocked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order refused, with `code`."""

    fulfilment_id: str
    update: FloorUpdate
    code: str


class WorkUnblocked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It goes on."""

    fulfilment_id: str


class UnitsDisputed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Books and floor differ about a bin, for this reason: somebody should count. `trip`, `task`: where it was found, 0
    for none; `forgotten`: older ones."""

    bin_id: str
    sku: str
    lot: str
    units: int
    code: str
    trip: int
    task: int
    forgotten: list[tuple[str, str, str]] = []


class DisputeClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It was looked into."""

    bin_id: str
    sku: str
    lot: str


class PutBackAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units go back into a bin, if the location takes them there."""

    fulfilment_id: str
    sku: str
    lot: str
    units: int
    bin_id: str


class PutBackDone(msgspec.Struct, frozen=True, tag=True, gc=False):
    """They are there; or they are not, for the reason `code`, and wait again."""

    fulfilment_id: str
    sku: str
    lot: str
    units: int
    code: str


Event = (
    WorkQueued | WorkRevised | RevisionNoted | WorkEnded | EndNoted | WorkSkipped | WorkPrioritised | TripsPlanned | TripClaimed | TripPaused | TripHandedOver
    | TripAbandoned | UnitsPicked | UnitsShort | OrderAsked | OrderAgreed | PickingStopped | WorkBlocked | WorkUnblocked | UnitsDisputed
    | DisputeClosed | ShortageBooked | PutBackAsked | PutBackDone | MarksSet | WorkMarked
    | UnitsLost
)  # fmt: skip
