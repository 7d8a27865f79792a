"""Bodies of `/v1/shipments` and `/v1/manual-shipments`, and what is told of shipments. Who a parcel goes to stands in
none of the answers: it is on the papers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.carton import UNITS_MAX
from actors.domain.customs import Form, Reason, Why
from actors.domain.money import Money
from actors.domain.personal_notes import (
    ORDER_COUNTRY,
    SHOWN_ADDRESS,
    SHOWN_CONTACT,
    SHOWN_NAME,
    SHOWN_NOTE,
    SHOWN_REFERENCE,
    TRACKING,
)
from actors.domain.postal import LINE
from actors.domain.shipment_commands import LabelFormat, ManualReason
from serve.limits import END, Country, EmailText, Lot, Quantity, Reference, Sku, Text
from serve.transfers.schemas import LocationName

Side = Annotated[int, Meta(ge=1, le=10_000, description="mm, outer")]
Grams = Annotated[int, Meta(ge=1, le=1_000_000, description="g")]
CarrierName = Annotated[str, Meta(min_length=1, max_length=24, pattern="^[a-z][a-z0-9]*" + END, examples=["post"])]
Service = Annotated[str, Meta(min_length=1, max_length=64, pattern=LINE, examples=["standard"])]
# Of a manual shipment: what one station can pack.
MANUAL_LINES_MAX = 100
_Line = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]
Phone = Annotated[
    str,
    Meta(
        pattern=r"^(\+[0-9]{6,15})?" + END,
        description="+, country code and number, without blanks; empty for none",
        examples=["+12065550188"],
    ),
]


# --- bodies ---------------------------------------------------------------------------------------------------------
class NewShipment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/shipments`."""

    fulfilment_id: Annotated[str, Meta(max_length=80, examples=["us-01kah2v3nq7h3k2m9qk4t1x0ab.1"])]


class PackedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a SKU."""

    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=100_000, description="base units", examples=[2])]


class ShipToParty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a manual shipment goes. street: one to four lines."""

    name: Annotated[_Line, SHOWN_NAME]
    street: Annotated[list[_Line], Meta(min_length=1, max_length=4), SHOWN_ADDRESS]
    city: Annotated[_Line, SHOWN_ADDRESS]
    country: Annotated[Country, SHOWN_ADDRESS]
    postcode: Annotated[Annotated[str, Meta(max_length=16, pattern=LINE)], SHOWN_ADDRESS] = ""
    company: Annotated[Annotated[str, Meta(max_length=100, pattern=LINE)], SHOWN_NAME] = ""
    state: Annotated[Annotated[str, Meta(max_length=40, pattern=LINE)], SHOWN_ADDRESS] = ""
    phone: Annotated[Phone, SHOWN_CONTACT] = ""


class NewManualShipment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/manual-shipments`. note: in words, for who packs: kept sealed until that is over.
    customer_ref, or else email: whose it is, so that a request of that person finds it, and an
    erasure takes the address too."""

    location_id: LocationName
    reason: ManualReason
    ship_to: ShipToParty
    lines: Annotated[list[PackedLine], Meta(min_length=1, max_length=MANUAL_LINES_MAX)]
    note: Annotated[Text, SHOWN_NOTE] = ""
    customer_ref: Annotated[Reference, SHOWN_REFERENCE] = ""
    email: Annotated[EmailText | None, SHOWN_CONTACT] = None


class NewParcel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/parcels`: the name of a carton of the region, or the measures of
    one that it does not know."""

    carton: Annotated[str, Meta(max_length=64, pattern=LINE)] = ""
    length_mm: Side | None = None
    width_mm: Side | None = None
    height_mm: Side | None = None
    tare_g: Annotated[int, Meta(ge=0, le=1_000_000, description="g, empty")] | None = None


class Scan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/scans` and `…/take-outs`."""

    sku: Sku
    quantity: Quantity = 1
    lot: Lot = ""


class ParcelClosure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/closure`: what the scale says. despite: the weight differs from that of the contents,
    and somebody has looked."""

    weight_g: Grams
    despite: bool = False


class MissingLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a SKU, or of one of its lots. lot: or serial number; without it, of those that are set aside for the
    shipment and in no parcel, if that says which."""

    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=100_000, description="base units", examples=[2])]
    lot: Lot = ""


class MissingAtPacking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/missing`."""

    lines: Annotated[list[MissingLine], Meta(min_length=1, max_length=UNITS_MAX)]


class CustomsWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What customs are told besides of the goods. reason_text: in words, when the reason is "other";
    sender_tax_id: IOSS, EORI, CNPJ, …"""

    reason: Reason = "sale_of_goods"
    reason_text: Annotated[Annotated[str, Meta(max_length=64, pattern=LINE)], SHOWN_NOTE] = ""
    sender_tax_id: Annotated[str, Meta(max_length=64, pattern=LINE)] = ""


class NewLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/label`. label_format: else the carrier's usual one; customs: only for a parcel that
    leaves the customs territory."""

    carrier: CarrierName
    service: Service
    label_format: LabelFormat | None = None
    customs: CustomsWords = CustomsWords()


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object: there is nothing more to say."""


# --- answers --------------------------------------------------------------------------------------------------------
class ContentDetail(msgspec.Struct, frozen=True):
    """Units in a parcel."""

    sku: str
    quantity: int
    lot: str


class UnitsOf(msgspec.Struct, frozen=True):
    """Units of a SKU."""

    sku: str
    quantity: int


class StepDetail(msgspec.Struct, frozen=True):
    """The answer to most calls. parcel, sscc: of the one that it was about; left: what is still to be packed, below
    0: to be taken out again."""

    shipment_id: str
    version: int
    status: str
    parcel: int
    sscc: str
    left: list[UnitsOf]
    last_refusal: str
    allowed: list[str]


class LabelDetail(msgspec.Struct, frozen=True):
    """A label. code: why the carrier refused, to sell it or to take it back."""

    status: str
    carrier: str
    service: str
    label_format: str
    tracking_number: Annotated[str, TRACKING]
    price: Money | None
    code: str


class ParcelDetail(msgspec.Struct, frozen=True):
    """A parcel. place: where it is on its way out; despite: its weight is not that of its contents, and
    somebody said that it is right."""

    number: int
    carton: str
    length_mm: int
    width_mm: int
    height_mm: int
    tare_g: int
    sscc: str
    contents: list[ContentDetail]
    closed: bool
    weight_g: int
    expected_g: int
    despite: bool
    place: str
    handed_over_at: datetime | None
    code: str
    label: LabelDetail | None


class ProposedParcel(msgspec.Struct, frozen=True):
    """What should go into one carton."""

    carton: str
    lines: list[UnitsOf]
    weight_g: int


class OrphanDetail(msgspec.Struct, frozen=True):
    """A label that was sold and belongs to no parcel: somebody has to give it back at the carrier."""

    key: str
    tracking_number: str


class ShipmentDetail(msgspec.Struct, frozen=True):
    """All of a shipment. note: of a manual one, until it is over, "" when it is erased or restricted too; why: it was
    stopped; last_refusal: why the order or the location did not do what it was asked."""

    shipment_id: str
    version: int
    status: str
    location_id: str
    order_id: str
    fulfilment_id: str
    reason: str
    note: Annotated[str, SHOWN_NOTE]
    country: Annotated[str, ORDER_COUNTRY]
    opened_at: datetime
    updated_at: datetime
    over: bool
    why: str
    last_refusal: str
    allowed: list[str]
    lines: list[UnitsOf]
    left: list[UnitsOf]
    proposal: list[ProposedParcel]
    parcels: list[ParcelDetail]
    orphans: list[OrphanDetail]


class ListedShipment(msgspec.Struct, frozen=True):
    """One in a list."""

    shipment_id: str
    version: int
    status: str
    location_id: str
    order_id: str
    reason: str
    parcels: int
    units: int
    weight_g: int
    opened_at: datetime
    updated_at: datetime


class ShipmentPage(msgspec.Struct, frozen=True):
    """A page of them, newest first."""

    shipments: list[ListedShipment]
    as_of: datetime | None
    next_cursor: str | None


class Placed(msgspec.Struct, frozen=True):
    """One unit in its carton: its corner nearest to the carton's, and its lengths along the axes, in mm."""

    sku: str
    x: int
    y: int
    z: int
    dx: int
    dy: int
    dz: int


class PlacedParcel(msgspec.Struct, frozen=True):
    """A packed carton. placements: in the order in which to put them in; fill: share of its inner volume, 0 to 1."""

    carton: str
    placements: list[Placed]
    weight_g: int
    fill: float


class ProposalDetail(msgspec.Struct, frozen=True):
    """How to pack. problem: why nobody could say, "" when somebody can; skus: because of these."""

    parcels: list[PlacedParcel]
    problem: str
    skus: list[str]


class QuoteDetail(msgspec.Struct, frozen=True):
    """What a service would cost. days: working days from hand-over to delivery, at most."""

    carrier: str
    service: str
    price: Money
    days: int


class QuotesDetail(msgspec.Struct, frozen=True):
    """Of all carriers, cheapest first. refused: carrier → the code of why it does not take the parcel."""

    quotes: list[QuoteDetail]
    refused: dict[str, str]


class CustomsDetail(msgspec.Struct, frozen=True):
    """What goes with a parcel that leaves the customs territory. why: it is that form; invoice: a commercial invoice
    goes with it; value_sdr: hundredths of a special drawing right by the rate of `rate_on`, null
    when there is none of use."""

    form: Form
    why: Why
    invoice: bool
    value: Money
    value_sdr: int | None
    rate_on: str | None


class TrackedParcel(msgspec.Struct, frozen=True):
    """A parcel, as who ordered it may know. status: packing, waiting or handed_over. carrier, tracking_number: ""
    without a label, and where they are withheld."""

    number: int
    status: Literal["packing", "waiting", "handed_over"]
    carrier: str
    tracking_number: Annotated[str, TRACKING]
    handed_over_at: datetime | None
    contents: list[UnitsOf]


class TrackedFulfilment(msgspec.Struct, frozen=True):
    """The parcels of one fulfilment."""

    fulfilment_id: str
    status: str
    parcels: list[TrackedParcel]


class OrderShipments(msgspec.Struct, frozen=True):
    """Of those fulfilments of an order that were packed at a station. `withheld`: why carriers and tracking numbers are
    not told, absent when they are."""

    order_id: str
    fulfilments: list[TrackedFulfilment]
    withheld: Literal["elsewhere"] | msgspec.UnsetType = msgspec.UNSET
