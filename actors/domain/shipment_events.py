"""What has happened to a shipment. The rules are in `shipment.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.location_events import Units
from actors.domain.personal_notes import ORDER_COUNTRY, ORDER_OWNER, PACKING_NOTE, PAPER_DIGEST, SEALED_PAPER, TRACKING
from actors.domain.shipment_commands import Declared, Known, LabelFormat, LotUnits, ManualReason, Proposed, Sides


class ShipmentOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Packing begins. series: who counts the SSCCs of its parcels."""

    location_id: str
    order_id: str
    number: int
    lines: list[Units]
    known: Known
    proposal: list[Proposed]
    series: str


class ManualOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Something goes out without an order: with this event the location is asked for it. person: of whom it is
    for, "" when nobody said."""

    location_id: str
    reason: ManualReason
    note: Annotated[str, PACKING_NOTE]
    lines: list[Units]
    known: Known
    proposal: list[Proposed]
    series: str
    country: Annotated[str, ORDER_COUNTRY]
    ship_to: Annotated[bytes, SEALED_PAPER]
    command_id: str
    person: Annotated[str, ORDER_OWNER] = ""
    sealed_note: Annotated[bytes, PACKING_NOTE] = b""


class StockSetAside(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location keeps all of it for this shipment."""


class StockNotThere(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location lacks some of it: with this event it has back what it gave. It is over."""

    location_id: str
    returned: list[Units]
    code: str = ""


class ParcelOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A carton is being filled: with this event its number is asked for. command_id: whose answer waits for that."""

    parcel: int
    carton: str
    sides_mm: Sides
    tare_g: int
    weight_max_g: int
    series: str
    command_id: str


class ParcelNumbered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It has its SSCC; or has none, with the code of the refusal."""

    parcel: int
    sscc: str
    code: str = ""


class UnitsPacked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units were scanned into it."""

    parcel: int
    sku: str
    units: int
    lot: str = ""


class UnitsTakenOut(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units were taken out of it."""

    parcel: int
    sku: str
    units: int
    lot: str = ""


class ParcelClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It weighs that. expected_g: what its contents weigh with the carton, 0 when the weight of some is unknown;
    despite: it differs, and somebody says that it is right."""

    parcel: int
    weight_g: int
    expected_g: int
    despite: bool = False


class ParcelReopened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is being filled again."""

    parcel: int


class ParcelRemoved(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It was empty, and is not there any more."""

    parcel: int


class LeftBehind(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Broken or lost, of what was taken out once other parcels had left: it does not follow them. It
    left the books with them."""

    lines: list[LotUnits]


class MissingAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units are not there: with this event the order (of a manual one the location) is told. No lines: the order is
    only asked what it holds. command_id: whose answer waits; held: what the order is taken to hold, None of events from
    before it was told; lots: of the lines, as far as it is known."""

    location_id: str
    order_id: str
    number: int
    lines: list[Units]
    command_id: str
    held: list[Units] | None = None
    lots: list[LotUnits] = []


class MissingNoted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """They are off the books, and not wanted any more."""

    lines: list[Units]


class FloorTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The floor of the location has picked them: with this event it is told, and it tells the order. held: what it is
    taken to have for the fulfilment; packed: what of that is in parcels."""

    location_id: str
    order_id: str
    number: int
    lines: list[Units]
    lots: list[LotUnits]
    held: list[Units]
    packed: list[Units]


class MissingRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order, or the floor, won't have it so. lines: what the fulfilment holds, when that is something else."""

    code: str
    lines: list[Units] | None = None


class PackAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All of it is in closed parcels: with this event the order is told (of a manual one the location). command_id:
    whose answer waits; again: it was packed before, as the location of a manual one knows."""

    location_id: str
    order_id: str
    number: int
    lines: list[Units]
    command_id: str
    again: bool = False


class PackNoted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The fulfilment is packed."""


class PackRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order can't take it as packed now. lines: what the fulfilment holds, when that is something else."""

    code: str
    lines: list[Units] | None = None


class ShipmentStopped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It won't leave: it is unpacked and put back. released: of a manual one, what the location has back. With `why`
    "nothing_left" the order is told that nothing of the fulfilment is; told: it hears that of its floor."""

    location_id: str
    order_id: str
    number: int
    why: str
    released: list[Units] = []
    told: bool = False


class ShipmentEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing of it is left to do."""


class LabelAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A label is to be bought under this key. unheard: tries under it of which nobody knows what came; of events from
    before these were counted, one."""

    parcel: int
    key: str
    carrier: str
    service: str
    label_format: LabelFormat
    request: Annotated[bytes, SEALED_PAPER]
    dock: str
    digest: Annotated[str, PAPER_DIGEST] = ""
    declared: Declared | None = None
    unheard: int = 1


class LabelTried(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier is being asked: it may have sold the label from now on."""

    parcel: int


class LabelUnavailable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One try did nothing, and another may have."""

    parcel: int
    code: str


class LabelBought(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It was sold. document: sealed, b"" when it was too large to be kept."""

    parcel: int
    tracking: Annotated[str, TRACKING]
    document: Annotated[bytes, SEALED_PAPER]
    amount: int
    currency: str


class LabelRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier does not take the parcel; or could not be reached by any try, and has sold nothing."""

    parcel: int
    code: str


class VoidAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The label is to be given back: with this event the parcel is taken off the dock, if it waits there (dock, "" if
    not). command_id: whose answer waits for that."""

    parcel: int
    dock: str
    sscc: str
    command_id: str


class VoidDropped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is on a manifest that is closed: the label stays."""

    parcel: int
    code: str


class LabelVoided(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier took it back; with a code it would not."""

    parcel: int
    code: str = ""


class ParcelOffered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It has all that it needs: with this event it joins what waits for the carrier."""

    parcel: int
    dock: str
    sscc: str
    tracking: str
    weight_g: int


class ParcelAtDock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It waits for the carrier; or with a code the dock did not take it, or with `left` it is not there any more."""

    parcel: int
    code: str = ""
    left: bool = False


class ParcelWithdrawn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It must not leave: with this event the dock is told."""

    parcel: int
    dock: str
    sscc: str


class LabelOrphaned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A label was sold of which nobody heard in time, and the parcel has another by now, or its shipment is over:
    somebody has to give it back."""

    parcel: int
    key: str
    tracking: str


class ShipAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The first parcel stands before the carrier: with this event the order is asked whether it may leave."""

    location_id: str
    order_id: str
    number: int
    lines: list[Units]
    parcel: int
    dock: str


class ClearanceWaits(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Another parcel stands there, while the order is being asked."""

    parcel: int
    dock: str


class Shipped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The fulfilment is shipped."""


class ShipRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order can't be shipped now."""

    code: str


class ParcelCleared(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It may leave: with this event the dock is told; with a code, that it must not."""

    parcel: int
    dock: str
    sscc: str
    code: str = ""


class HandedOver(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier has it, since then (UTC ms)."""

    parcel: int
    at_ms: int


class RecipientForgotten(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing of it tells any more who got it."""


Outcome = Literal["", "not_available", "cancelled", "nothing_left"]
Event = (
    ShipmentOpened | ManualOpened | StockSetAside | StockNotThere | ParcelOpened | ParcelNumbered | UnitsPacked | UnitsTakenOut | ParcelClosed
    | ParcelReopened | ParcelRemoved | MissingAsked | MissingNoted | MissingRefused | PackAsked | PackNoted | PackRefused | ShipmentStopped
    | ShipmentEnded | LabelAsked | LabelBought | LabelRefused | VoidAsked | VoidDropped | LabelVoided | ParcelOffered | ParcelAtDock | ParcelWithdrawn
    | LabelOrphaned | ShipAsked | ClearanceWaits | Shipped | ShipRefused | ParcelCleared | HandedOver
    | RecipientForgotten | LabelTried | LabelUnavailable | FloorTold | LeftBehind
)  # fmt: skip
