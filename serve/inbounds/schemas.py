"""Bodies of `/v1/inbounds`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.article import BASE_UNIT
from actors.domain.inbound_announcing import LINES_MAX, PACKAGES_MAX
from actors.domain.inbound_events import Discrepancy, Outcome
from actors.domain.inbound_state import InboundStatus, PackageStatus, ReceiptStatus
from actors.domain.inbound_views import LineOutcome
from actors.domain.location_events import Condition
from actors.domain.money import Money
from serve.limits import ITEMS_MAX, BinIdOrNone, Quantity, Reference, Sku
from serve.moments import Moment
from serve.receiving.lines import PackedLine, QuantityOfUnit, ReceivedLine, Sscc, Unit

LocationName = Annotated[str, Meta(min_length=1, max_length=80, examples=["us-wh-seattle"])]
LineNumber = Annotated[int, Meta(ge=1, le=1_000_000, description="in the purchase order", examples=[10])]
Percent = Annotated[
    int, Meta(ge=0, le=100, description="of each line so much more than announced is taken without a question")
]


class NewInboundLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the purchase order. `unit_value`: what one base unit is worth."""

    line: LineNumber
    sku: Sku
    quantity: QuantityOfUnit
    unit: Unit = BASE_UNIT
    unit_value: Money | None = None


class NewInboundPackage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A package with its SSCC (GS1), and what the supplier says is in it."""

    sscc: Sscc
    lines: Annotated[list[PackedLine], Meta(min_length=1, max_length=ITEMS_MAX)]


InboundLines = Annotated[list[NewInboundLine], Meta(min_length=1, max_length=LINES_MAX)]
InboundPackages = Annotated[list[NewInboundPackage], Meta(max_length=PACKAGES_MAX)]


class NewInbound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/inbounds`. `lines`: each SKU once; `packages`: all or some of that, as far
    as the supplier has said."""

    location_id: LocationName
    expected_at: Moment
    lines: InboundLines
    packages: InboundPackages = []
    supplier_ref: Reference = ""
    purchase_ref: Reference = ""
    asn_ref: Reference = ""
    tolerance_percent: Percent = 0


class InboundChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/inbounds/{inbound_id}/changes`. `lines`: new or changed ones, by number; `removed_lines`:
    numbers of those that won't come; `packages`: all that are still to come anew, null for as they are."""

    expected_at: Moment | None = None
    lines: Annotated[list[NewInboundLine], Meta(max_length=LINES_MAX)] = []
    removed_lines: Annotated[list[LineNumber], Meta(max_length=LINES_MAX)] = []
    packages: InboundPackages | None = None


class NewReceivedPackage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A package that is here. `lines`: what was really in it, null for all as announced, which then lies in `bin`."""

    sscc: Sscc
    lines: Annotated[list[ReceivedLine], Meta(min_length=1, max_length=ITEMS_MAX)] | None = None
    bin: BinIdOrNone = ""


class NewInboundReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/inbounds/{inbound_id}/receipts`: all of it or nothing. `reference`: of the delivery note,
    empty for the announcement's."""

    packages: Annotated[list[NewReceivedPackage], Meta(max_length=PACKAGES_MAX)] = []
    lines: Annotated[list[ReceivedLine], Meta(max_length=ITEMS_MAX)] = []
    accept_over: bool = False
    accept_unexpected: bool = False
    reference: Reference = ""


class Shortage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base units that have not come."""

    sku: Sku
    quantity: Quantity


class InboundClosure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/inbounds/{inbound_id}/closure`. `shortages`: just what has not come, all of it."""

    shortages: Annotated[list[Shortage], Meta(max_length=LINES_MAX)] = []


class InboundCancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object: there is nothing more to say."""


# --- what callers are told ------------------------------------------------------------------------------------------
class InboundLine(msgspec.Struct, frozen=True):
    """One SKU in base units: announced = remaining + arriving + received - over, and once it is closed under stands for
    remaining. `line`: 0 for what was not announced; `arriving`: of receipts that the location has not answered;
    `damaged`, `quality_hold`: of what was received."""

    line: int
    sku: str
    announced: int
    remaining: int
    arriving: int
    received: int
    over: int
    under: int
    unexpected: int
    damaged: int
    quality_hold: int
    unit_value: Money | None


class InboundPackedUnits(msgspec.Struct, frozen=True):
    """Base units of a SKU and lot in a package, as announced."""

    sku: str
    quantity: int
    lot: str
    expires_on: date | None
    serials: list[str]


class InboundPackage(msgspec.Struct, frozen=True):
    """One package. `receipt`: by which it came, null while it has not."""

    sscc: str
    status: PackageStatus
    receipt: int | None
    lines: list[InboundPackedUnits]


class InboundReceivedUnits(msgspec.Struct, frozen=True):
    """Base units of a receipt. `outcome`: empty while the location has not answered; `over`: of the units, those
    beyond what was announced."""

    sku: str
    quantity: int
    outcome: LineOutcome
    over: int
    condition: Condition
    lot: str
    expires_on: date | None
    bin: str
    serials: list[str]


class InboundReceipt(msgspec.Struct, frozen=True):
    """One receipt. `booking`: the location has not answered yet; `refused`: it did not take it into its books (`code`,
    `detail`), and nothing of it has come."""

    receipt: int
    status: ReceiptStatus
    code: str
    detail: str
    reference: str
    received_at: datetime
    packages: list[str]
    lines: list[InboundReceivedUnits]


class ReceiptResult(msgspec.Struct, frozen=True):
    """What came of a receipt, and how far the inbound is."""

    inbound_id: str
    version: int
    status: InboundStatus
    receipt: InboundReceipt


class InboundDetail(msgspec.Struct, frozen=True):
    """All of an inbound. `discrepancies`: what differs, once it is closed; `allowed`: what may be done now."""

    inbound_id: str
    version: int
    status: InboundStatus
    outcome: Outcome | Literal[""]
    location_id: str
    supplier_ref: str
    purchase_ref: str
    asn_ref: str
    tolerance_percent: int
    announced_at: datetime
    updated_at: datetime
    expected_at: datetime
    allowed: list[str]
    lines: list[InboundLine]
    packages: list[InboundPackage]
    receipts: list[InboundReceipt]
    discrepancies: list[Discrepancy]


class ListedInbound(msgspec.Struct, frozen=True):
    """One inbound in a list; base units over all lines, and what was not announced is among those received."""

    inbound_id: str
    version: int
    status: InboundStatus
    outcome: str
    location_id: str
    supplier_ref: str
    purchase_ref: str
    asn_ref: str
    line_count: int
    package_count: int
    announced: int
    received: int
    remaining: int
    announced_at: datetime
    expected_at: datetime


class InboundPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    inbounds: list[ListedInbound]
    as_of: datetime | None
    next_cursor: str | None
