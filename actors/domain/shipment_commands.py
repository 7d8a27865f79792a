"""What may be asked of a shipment. The rules are in `shipment.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.customs import Reason
from actors.domain.location_events import Units
from actors.domain.personal_notes import (
    CUSTOMS_WORDS,
    ORDER_COUNTRY,
    ORDER_OWNER,
    PACKING_NOTE,
    PAPER_DIGEST,
    SEALED_PAPER,
)

ManualReason = Literal["sample", "supplier_return", "replacement", "gift", "repair", "other"]
LabelFormat = Literal["zpl", "pdf"]
# length, width, height in mm
Sides = tuple[int, int, int]
# SKU, lot or serial number, units
LotUnits = tuple[str, str, int]


class Proposed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A parcel as it was worked out beside the turn (`carton.py`). weight_g: with the carton."""

    carton: str
    lines: list[Units]
    weight_g: int


class Known(msgspec.Struct, frozen=True, gc=False):
    """What the catalogue says of the goods. weights_g: of one unit, only where it is known; tracked: SKUs that are kept
    by lot or serial number; hazards: classes of dangerous goods, of SKUs that have one."""

    weights_g: dict[str, int] = {}
    tracked: list[str] = []
    hazards: dict[str, str] = {}


class DeclaredGoods(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line of a declaration (`customs.CustomsLine`). net_weight_g and amount (minor units): of
    all its units together."""

    description: str
    units: int
    net_weight_g: int
    amount: int
    hs_code: str
    origin: str


class Declared(msgspec.Struct, frozen=True, gc=False):
    """How a parcel was declared to customs when its label was asked for: nothing of who gets it. reason_text: in words,
    in a cell without keys, and of labels from before they were sealed; else sealed_text. sender_tax_id: of the
    retailer. declared_on: YYYY-MM-DD; goods: with their values in `currency`; "" and none of one from
    before these were kept."""

    reason: Reason
    reason_text: Annotated[str, CUSTOMS_WORDS] = ""
    sender_tax_id: str = ""
    declared_on: str = ""
    currency: str = ""
    goods: list[DeclaredGoods] = []
    sealed_text: Annotated[bytes, CUSTOMS_WORDS] = b""


# --- what people ask; `within`: the locations that their rights reach, empty for the whole region ------------------
class OpenShipment(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Packing of an order's fulfilment begins. lines: what it holds; series: who counts the SSCCs."""

    location_id: str
    order_id: str
    number: int
    lines: list[Units]
    known: Known
    proposal: list[Proposed]
    series: str
    within: list[str] = []


class OpenManual(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Something goes out without an order. ship_to: `postal.Party`, sealed where anything is; country: of it. person:
    keyed digest of whom it is for, "" when nobody said. note: for who packs, in a cell without
    keys; else sealed_note."""

    location_id: str
    reason: ManualReason
    note: Annotated[str, PACKING_NOTE]
    lines: list[Units]
    known: Known
    proposal: list[Proposed]
    series: str
    country: Annotated[str, ORDER_COUNTRY]
    ship_to: Annotated[bytes, SEALED_PAPER]
    within: list[str] = []
    person: Annotated[str, ORDER_OWNER] = ""
    sealed_note: Annotated[bytes, PACKING_NOTE] = b""


class OpenParcel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An empty carton stands on the table. carton: its name, "" for one that nobody knows; sides: outer; weight_max_g:
    with the carton, 0 for any.
    series: who counts the region's SSCCs now, "" for who did when the shipment was opened."""

    carton: str
    sides_mm: Sides
    tare_g: int
    weight_max_g: int
    within: list[str] = []
    series: str = ""


class PackUnits(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units were scanned into a parcel. lot: or the serial number, "" for none; allotted: the lots that the location
    keeps for this shipment, of a SKU that has any."""

    parcel: int
    sku: str
    units: int
    lot: str = ""
    allotted: list[Units] = []
    within: list[str] = []


class TakeOut(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units were taken out of a parcel."""

    parcel: int
    sku: str
    units: int
    lot: str = ""
    within: list[str] = []


class CloseParcel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The parcel is taped and weighed. tolerance: by how much the scale may differ from what its contents weigh,
    the larger of the two counts.
    despite: somebody has looked, and the weight is right."""

    parcel: int
    weight_g: int
    tolerance_g: int
    tolerance_percent: int
    despite: bool = False
    within: list[str] = []


class ReopenParcel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The parcel was opened again."""

    parcel: int
    within: list[str] = []


class RemoveParcel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The empty carton is not needed."""

    parcel: int
    within: list[str] = []


class TellMissing(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units that should be packed are not there, or are no good. lots: of them, those of which it was said which;
    allotted: all that the location keeps for this shipment, of SKUs that have lots or serial numbers."""

    lines: list[Units]
    within: list[str] = []
    lots: list[LotUnits] = []
    allotted: list[LotUnits] = []


class FinishPacking(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All is in closed parcels: the order is asked again, after it refused; or all that is there, and it is
    asked whether it holds more."""

    within: list[str] = []


class AskLabel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A label is to be bought. request: what the carrier is asked (`partners.carrier.LabelRequest`), sealed. Answered
    with what to ask it, and under which key: of a label that was asked for already, as it was then. dock: where the
    parcel waits for the carrier then. digest: keyed, of the request, by which it is known again ("" where nothing is
    sealed); declared: None where there is nothing to declare."""

    parcel: int
    carrier: str
    service: str
    label_format: LabelFormat
    request: Annotated[bytes, SEALED_PAPER]
    dock: str
    within: list[str] = []
    digest: Annotated[str, PAPER_DIGEST] = ""
    declared: Declared | None = None


class TryLabel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier is asked under that key, now: until it is said what came of it, it may have sold. Answered with
    the label as it is then."""

    parcel: int
    key: str


class NoteLabel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier sold it. document: sealed, b"" when it is too large to be kept; amount: minor units."""

    parcel: int
    key: str
    tracking: str
    document: Annotated[bytes, SEALED_PAPER]
    amount: int
    currency: str


class NoteLabelRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier does not take it, and has sold nothing under that key."""

    parcel: int
    key: str
    code: str


class NoteLabelUnavailable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier could not be reached, so this one try did nothing: of others that says nothing."""

    parcel: int
    key: str
    code: str


class AskVoid(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The label is to be given back. Answered with the key under which to ask the carrier."""

    parcel: int
    within: list[str] = []


class NoteVoided(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier took it back, or with that code won't."""

    parcel: int
    key: str
    code: str = ""


class NoteCancelled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody who looked saw that the order, or its part, is cancelled: that is never taken back."""


class PutBack(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All of it lies in its places again."""

    within: list[str] = []


class CancelManual(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A manual shipment is not wanted any more."""

    within: list[str] = []


class ForgetRecipient(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Who got it is erased: nothing of it may tell any more."""


# --- what others answer --------------------------------------------------------------------------------------------
class SsccGiven(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The number of a parcel; or none, with the code of the refusal."""

    parcel: int
    sscc: str
    code: str = ""


class StockTaken(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What the location could allocate to a manual shipment."""

    lines: list[Units]
    code: str = ""


class MissingAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The missing units are off the books; or not, with the code of the refusal. status, lines: as `OrderAnswered`'s;
    by_floor: the floor says so. All three unset where they say nothing, as in the answers to
    what older programs asked."""

    code: str = ""
    status: str | msgspec.UnsetType = msgspec.UNSET
    lines: list[Units] | msgspec.UnsetType = msgspec.UNSET
    by_floor: bool | msgspec.UnsetType = msgspec.UNSET


class OrderAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What the order (or the location, of a manual one) says to `pack` or `ship`: done, or why not. status: of the
    fulfilment then; lines: what it holds."""

    update: Literal["pack", "ship"]
    code: str = ""
    status: str = ""
    lines: list[Units] = []


class DockAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The parcel waits at the dock (or not, with a code); or with `left` it was taken off it (or not)."""

    parcel: int
    left: bool = False
    code: str = ""


class ClearParcel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The dock has the parcel before it: may it leave?"""

    parcel: int
    dock: str


class NoteHandedOver(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier has the parcel."""

    parcel: int
    at_ms: int


Command = (
    OpenShipment | OpenManual | OpenParcel | PackUnits | TakeOut | CloseParcel | ReopenParcel | RemoveParcel | TellMissing | FinishPacking
    | AskLabel | TryLabel | NoteLabel | NoteLabelUnavailable | NoteLabelRefused | AskVoid | NoteVoided | NoteCancelled | PutBack | CancelManual | ForgetRecipient
    | SsccGiven | StockTaken | MissingAnswered | OrderAnswered | DockAnswered | ClearParcel | NoteHandedOver
)  # fmt: skip
