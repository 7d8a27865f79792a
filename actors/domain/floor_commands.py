"""What a building's floor may be asked to do. The rules are in `floor.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.floor_service import LookAtWork, SetMarks
from actors.domain.floor_terms import EndReason
from actors.domain.location_events import Units
from actors.domain.personal_notes import APPROVER
from actors.domain.wave_terms import LeftOut, Method, Split

# What the floor asks of an order.
FloorUpdate = Literal["start_picking", "short_pick", "cancel"]


# --- of the order -----------------------------------------------------------------------------------------------------
class QueueWork(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A fulfilment is to be picked. `lines`: units per SKU, each once; `priority`: of two with the same due time the
    higher comes first; `handling`: how the goods are to be treated. Times: UTC ms."""

    fulfilment_id: str
    lines: list[Units]
    priority: int
    due_ms: int
    placed_at_ms: int
    handling: list[str] = []


class ReviseWork(msgspec.Struct, frozen=True, tag=True, gc=False):
    """How it stands with a fulfilment, as its order sees it. `turn`: the higher is the newer; `held`: let it lie;
    `less`: units that are not wanted any more, of all since it was handed over. May come before its `QueueWork`."""

    fulfilment_id: str
    turn: int
    held: bool
    priority: int
    due_ms: int
    less: list[Units]


class EndWork(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The fulfilment is packed, or cancelled: nothing more is to be picked for it. May come before its `QueueWork`."""

    fulfilment_id: str
    why: EndReason


class OrderAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What the order said to `update`; `code`: of its refusal, "" for yes; `status`: of the fulfilment when it refused;
    `turn`: of its last word about it then."""

    fulfilment_id: str
    update: FloorUpdate
    code: str = ""
    status: str = ""
    turn: int = 0


# --- of the location --------------------------------------------------------------------------------------------------
class MoveRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The books know nothing of these units in that bin. `trip`, `task`: for which they were taken, 0 for none."""

    bin_id: str
    sku: str
    lot: str
    units: int
    code: str
    trip: int = 0
    task: int = 0


class ShortBooked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The books have units that were not found outside of their bin by now; or they had none there (`code`)."""

    fulfilment_id: str
    bin_id: str
    sku: str
    lot: str
    units: int
    code: str = ""


class PutBackAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location took the units into a bin, or refused with `code`."""

    fulfilment_id: str
    sku: str
    lot: str
    units: int
    code: str = ""


# --- of whoever plans -------------------------------------------------------------------------------------------------
class Share(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units for a fulfilment. `tote`: from 1, 0 when they are sorted afterwards."""

    fulfilment_id: str
    units: int
    tote: int = 0


class NewTask(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units to be taken from a bin, "" where they lie in none. `expires_on`: days since 1970-01-01, the lot's last good
    day. More urgent shares come first."""

    bin_id: str
    sku: str
    lot: str
    expires_on: int | None
    shares: tuple[Share, ...]


class NewTrip(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Tasks in walking order. `due_ms`: the earliest due time on it; `exact`: no way is shorter."""

    method: Method
    due_ms: int
    walk_dm: int
    exact: bool
    tasks: tuple[NewTask, ...]


class PlanTrips(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A proposal that was made from an earlier look at the queue: of it is taken what still waits. Why fulfilments go
    on several trips or on none, and how many were not looked at, is for the answer alone."""

    trips: list[NewTrip]
    splits: list[Split] = []
    left_out: list[LeftOut] = []
    more: int = 0


class Prioritise(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The work is more urgent, or less. What is planned already stays as it is."""

    fulfilment_id: str
    priority: int
    due_ms: int


class RetryWork(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Blocked work goes on: the order is asked again."""

    fulfilment_id: str


# --- of pickers -------------------------------------------------------------------------------------------------------
class ClaimTrip(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The next trip for somebody; who has one gets that again."""

    picker: Annotated[str, APPROVER]


class ConfirmPick(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Units are taken. `bin_id`, `sku`, `lot`, `tote`: as scanned; `sku` may be a GTIN in any of its lengths. `by`:
    whose trip it must be, "" where nobody is known."""

    trip: int
    task: int
    bin_id: str
    sku: str
    units: int
    lot: str = ""
    tote: int = 0
    by: Annotated[str, APPROVER] = ""


class Elsewhere(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Another bin that seems to have units of the same."""

    bin_id: str
    units: int


class TellShort(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Units are not there. `elsewhere`: where they may be had instead."""

    trip: int
    task: int
    units: int
    elsewhere: list[Elsewhere] = []
    by: Annotated[str, APPROVER] = ""


class TellLost(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Units of a fulfilment that were picked are lost or broken. `lots`: (SKU, lot, units) of them of which it is said
    which; `held`: what the shipment that packs it takes the floor to have for it, None where nobody packs; `packed`:
    what of that is in its parcels, so it is not lost."""

    fulfilment_id: str
    lines: list[Units]
    lots: list[tuple[str, str, int]] = []
    held: list[Units] | None = None
    packed: list[Units] = []


class PauseTrip(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The trip rests, or goes on."""

    trip: int
    paused: bool
    by: Annotated[str, APPROVER]


class HandOver(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody else goes on with the trip. `senior`: may do it for others."""

    trip: int
    to: Annotated[str, APPROVER]
    by: Annotated[str, APPROVER]
    senior: bool = False


class AbandonTrip(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What is not picked yet goes back into the queue."""

    trip: int
    by: Annotated[str, APPROVER]
    senior: bool = False


class PutBack(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units that were picked for a cancelled fulfilment go into a bin; "" leaves them where no bin is."""

    fulfilment_id: str
    sku: str
    lot: str
    units: int
    bin_id: str


class CloseDispute(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What was found odd about these goods is dealt with: somebody counted."""

    bin_id: str
    sku: str
    lot: str


Command = (
    QueueWork | ReviseWork | EndWork | OrderAnswered | MoveRefused | ShortBooked | PutBackAnswered | PlanTrips | Prioritise | RetryWork | ClaimTrip
    | ConfirmPick | TellShort | TellLost | PauseTrip | HandOver | AbandonTrip | PutBack | CloseDispute | SetMarks | LookAtWork
)  # fmt: skip
