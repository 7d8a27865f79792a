"""What may be asked of a transfer. The rules are in `transfer.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.location_events import Condition, Units
from actors.domain.personal_notes import APPROVER

# How an approval may end without being given.
NotGiven = Literal["refused", "withdrawn", "expired"]
LINES_MAX = 1_000


# --- what people ask; `within`: the locations that their rights reach, empty for the whole region ------------------
class RequestTransfer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody wants units to go from a location to another. expected_at_ms: when they shall be there, None while
    nobody knows. approval_ms: for how long a second person may approve it, 0 when none has to; asked_by: an account, a
    client, or an order that nobody of the staff has placed; "" when none has to.
    for_order: (order, number of its fulfilment) that gets what arrives (`transfer_for_order.py`); life_days: per SKU,
    days that a lot must have left when it is there, unset for none: messages of before stay the same bytes."""

    source_id: str
    destination_id: str
    lines: list[Units]
    reference: str = ""
    expected_at_ms: int | None = None
    approval_ms: int = 0
    asked_by: Annotated[str, APPROVER] = ""
    within: list[str] = []
    for_order: tuple[str, int] | None = None
    life_days: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class LeaveTransfer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order that it was for does not want it any more: it is cancelled, or if something has left,
    what arrives is anybody's."""


class StartPicking(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody at the source fetches the units."""

    within: list[str] = []


class TellMissing(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Allocated units were not found at the source. cause: the approval by which they leave the books, "" where one
    person may say so; the same with what is lost."""

    lines: list[Units]
    within: list[str] = []
    cause: str = ""


class NewPackage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A package that leaves. sscc: its number on the label (GS1), "" when it has none and is known by its
    number in the transfer."""

    sscc: str
    lines: list[Units]


class DispatchPackages(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Packages leave the source. expected_at_ms: when all of the transfer is expected, None
    for what was said before."""

    packages: list[NewPackage]
    expected_at_ms: int | None = None
    within: list[str] = []


class ReceivedLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`quantity` > 0 units that were sent and are here. lot, package: "" for whichever comes next; bin: where they were
    put, "" for nowhere yet."""

    sku: str
    quantity: int
    condition: Condition = "sellable"
    lot: str = ""
    package: str = ""
    bin: str = ""


class FoundLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`quantity` > 0 units that are here and were not sent by the books. expires_on: days since 1970-01-01; serial: the
    lot is the number of one single unit."""

    sku: str
    quantity: int
    condition: Condition = "sellable"
    lot: str = ""
    expires_on: int | None = None
    bin: str = ""
    serial: bool = False


class ReceiveUnits(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units are at the destination. packages: by number or SSCC, all that is still to come of them, as it was
    sent; lines: unit by unit."""

    packages: list[str] = []
    lines: list[ReceivedLine] = []
    found: list[FoundLine] = []
    within: list[str] = []


class StopSending(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What has not left by now stays at the source."""

    within: list[str] = []


class CloseTransfer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing more will come. lost: all that left and did not arrive, named so that nobody gives up
    what he does not know of."""

    lost: list[Units] = []
    found: list[FoundLine] = []
    within: list[str] = []
    cause: str = ""


class WantStep(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Could this be done now, so that it is worth asking a second person? Changes nothing. A command and no query, so
    that the same key has the same answer whatever becomes of the transfer."""

    step: TellMissing | CloseTransfer


class CancelTransfer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody wants it any more, and nothing has left."""

    within: list[str] = []


# --- what others answer --------------------------------------------------------------------------------------------
class ApproveTransfer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Two people want it. What it is about is told for who decides; `cause`: the approval."""

    source_id: str
    destination_id: str
    lines: list[Units]
    cause: str = ""


class ApprovalNotGiven(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The approval came to another end."""

    approval_id: str
    outcome: NotGiven


class SourceAllocated(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What the source could allocate. `code`: of its refusal, "" for none."""

    lines: list[Units]
    code: str = ""


class SentUnits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of one lot in a package. expires_on: days since 1970-01-01; serial: the lot is the number of one unit."""

    sku: str
    quantity: int
    lot: str = ""
    expires_on: int | None = None
    serial: bool = False


class SourceShipped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The package is off the books of the source, with these lots; or it is not, with the code of the refusal."""

    package: int
    lines: list[SentUnits]
    code: str = ""


class DestinationReceived(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The receipt is in the books of the destination; or it is not, with the code of the refusal."""

    receipt: int
    code: str = ""


class LookAtTransfer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer: it should all be there by now."""


Command = (
    RequestTransfer | StartPicking | TellMissing | DispatchPackages | ReceiveUnits | StopSending | CloseTransfer | CancelTransfer | WantStep
    | ApproveTransfer | ApprovalNotGiven | SourceAllocated | SourceShipped | DestinationReceived | LookAtTransfer | LeaveTransfer
)  # fmt: skip
