"""What has happened to a transfer. The rules are in `transfer.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.location_events import Condition, Units
from actors.domain.personal_notes import APPROVER
from actors.domain.transfer_commands import NotGiven, SentUnits

Outcome = Literal["complete", "partial", "with_loss", "nothing_available"]


class TransferRequested(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody wants it. approval_ms: with this event somebody else is asked, who has so long
    to decide; 0: nobody is. life_days: see `RequestTransfer`."""

    source_id: str
    destination_id: str
    lines: list[Units]
    reference: str
    expected_at_ms: int | None
    approval_ms: int = 0
    asked_by: Annotated[str, APPROVER] = ""
    for_order: tuple[str, int] | None = None
    life_days: dict[str, int] = {}


class TransferRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second person did not want it, or there was none in time."""

    outcome: NotGiven


class StockAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """With this event the source is asked for the units. approval_id: by which they may go, "" when none was needed.
    life_days: per SKU, days that a lot must have left now."""

    source_id: str
    lines: list[Units]
    approval_id: str = ""
    life_days: dict[str, int] = {}


class StockAllocated(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These units are set aside at the source; what was wanted and is not here is short."""

    lines: list[Units]
    code: str = ""


class StockReturned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The source's answer came too late: its units are given back."""

    source_id: str
    lines: list[Units]


class PickingStarted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The units are being fetched."""


class UnitsMissing(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Allocated units are not there: with this event they leave the source's books. approval_id: by which they do, ""
    when none was needed; the same with what is lost."""

    source_id: str
    lines: list[Units]
    approval_id: str = ""


class LeavingPackage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`number`: from 1, within the transfer."""

    number: int
    sscc: str
    lines: list[Units]


class PackagesDispatched(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Packages leave: with this event the source takes them off its books."""

    source_id: str
    packages: list[LeavingPackage]
    expected_at_ms: int


class PackageLeft(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The package is on the road, with these lots."""

    number: int
    lines: list[SentUnits]


class PackageStayed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The source refused to take it off its books, with this code."""

    number: int
    code: str


class InTransitChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All that is on the road now and may be promised: with this event the destination expects just that.
    `revision` rises with each."""

    destination_id: str
    revision: int
    expected_at_ms: int
    lines: list[Units]


class ArrivedUnits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of one lot that are at the destination. package: its number, 0 for found ones."""

    package: int
    sku: str
    quantity: int
    lot: str
    expires_on: int | None
    serial: bool
    condition: Condition
    bin: str


class UnitsArrived(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A receipt: with this event the destination takes the units into its books. `receipt`: from 1, within the
    transfer. `for_order`: whose they are then, those that were sent and are sellable; "" for anybody's, else
    "<order id>.<fulfilment>"."""

    destination_id: str
    receipt: int
    reference: str
    lines: list[ArrivedUnits]
    for_order: str = ""


class ReceiptBooked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The receipt is in the destination's books."""

    receipt: int


class ReceiptRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The destination refused the receipt, with this code: its units count as on the road."""

    receipt: int
    code: str


class RestReleased(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing more will leave: with this event the source has these units back."""

    source_id: str
    lines: list[Units]


class TransferCancelled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody wants it any more."""


class TransferClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is over. lost: units that left and did not arrive."""

    outcome: Outcome
    lost: list[Units] = []
    approval_id: str = ""


class TransferLate(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It should all have arrived by then. in_transit, to_go: units on the road, and units that have not left yet."""

    expected_at_ms: int
    in_transit: int
    to_go: int


class OrderLeft(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order does not want it any more: what arrives from now on is anybody's."""


class OrderSupplied(msgspec.Struct, frozen=True, tag=True, gc=False):
    """With this event the order is told what it has got."""

    order_id: str
    number: int
    location_id: str
    lines: list[Units]


Event = (
    TransferRequested | TransferRefused | StockAsked | StockAllocated | StockReturned | PickingStarted | UnitsMissing | PackagesDispatched
    | PackageLeft | PackageStayed | InTransitChanged | UnitsArrived | ReceiptBooked | ReceiptRefused | RestReleased | TransferCancelled
    | TransferClosed | TransferLate | OrderLeft | OrderSupplied
)  # fmt: skip
