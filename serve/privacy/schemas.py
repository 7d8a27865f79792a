"""Bodies of `/v1/privacy-requests` and of what customers ask themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from actors.domain.collection_state import CollectionStatus
from actors.domain.consent import PURPOSES, Choice, ConsentPurpose, Source
from actors.domain.ids import CUSTOMER_PATTERN, ORDER_PATTERN
from actors.domain.order_state import ShipTo
from actors.domain.order_terms_state import GIFT_MAX, HoldKind
from actors.domain.order_views import OrderView
from actors.domain.personal_notes import (
    CUSTOMER_ID,
    HANDLER,
    PRIVATE_ADDRESS,
    PRIVATE_CONTACT,
    PRIVATE_GIFT,
    PRIVATE_NAME,
    PRIVATE_POSITION,
    PRIVATE_REFERENCE,
    REQUEST_AGENT,
    REQUEST_CONTACT,
    REQUEST_OF,
    REQUEST_REFERENCE,
    SHOWN_ADDRESS,
    SHOWN_CONTACT,
    SHOWN_GIFT,
    SHOWN_NAME,
    SHOWN_NOTE,
    SHOWN_PASSKEY_NAME,
    SHOWN_PICKUP_SPOT,
    SHOWN_POSITION,
    SHOWN_REFERENCE,
)
from actors.domain.privacy_state import Extension, Method, Name, Refusal, RequestStatus
from actors.domain.privacy_terms import Law, Right, Step
from actors.domain.reservation_state import ReservationView
from serve.limits import END, TEXT, EmailText, Latitude, Longitude, Reference
from serve.moments import Moment
from serve.packing.schemas import TrackedParcel, UnitsOf

# A reference to the officer's own files: no word of a person.
CodeText = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:/-]*" + END, examples=["case-2026-0117"])
]
CustomerId = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=CUSTOMER_PATTERN.pattern,
        description="a customer's id",
        examples=["us-cust-01kah2v3nq7h3k2m9qk4t1x0ab"],
    ),
]
OrderId = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=ORDER_PATTERN.pattern,
        description="an order's id",
        examples=["us-01kah2v3nq7h3k2m9qk4t1x0ab"],
    ),
]
_Named = Annotated[str, Meta(min_length=1, max_length=64, pattern=TEXT)]
# In one request; a person with more of them sends another.
NAMED_ORDERS_MAX = 50
RequestStep = Literal[
    "confirm_identity", "extend", "refuse", "restrict", "lift_restriction", "erase", "rectify", "opt_out", "complete"
]


class NewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that came in by letter, phone or agent. The person is named by at least one of `customer_id`, `email`,
    `customer_ref`, `order_ids` and `order_ref`: of these, keyed digests and ids are kept and not what was typed.
    `order_ids`, `order_ref`: orders of somebody who has no account, address or reference, as at a marketplace;
    each is looked for at once.
    `agent`: a reference to the authorized agent's papers; `received_at`: now when absent."""

    law: Law
    right: Right
    customer_id: Annotated[CustomerId | None, REQUEST_OF] = None
    email: Annotated[EmailText | None, REQUEST_CONTACT] = None
    customer_ref: Annotated[_Named | None, REQUEST_REFERENCE] = None
    agent: Annotated[CodeText | None, REQUEST_AGENT] = None
    received_at: Moment | None = None
    order_ids: Annotated[list[OrderId], Meta(min_length=1, max_length=NAMED_ORDERS_MAX)] | None = None
    order_ref: Annotated[_Named | None, REQUEST_REFERENCE] = None


class NewOwnRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer asks. Who it is, the session says."""

    law: Law
    right: Right


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of an order is otherwise; what is absent stays as it is. The country does not change, it is the books'; nor
    does the customer's reference, or the address of an order without one: it is by these that the person's key is
    found. `gift_message`: of a present that has words, "" for none any more."""

    order_ref: Annotated[Reference | None, PRIVATE_REFERENCE] = None
    email: Annotated[EmailText | None, PRIVATE_CONTACT] = None
    recipient: Annotated[Annotated[str, Meta(max_length=120, pattern=TEXT)] | None, PRIVATE_NAME] = None
    street: Annotated[Annotated[str, Meta(max_length=200, pattern=TEXT)] | None, PRIVATE_ADDRESS] = None
    postcode: Annotated[Reference | None, PRIVATE_ADDRESS] = None
    city: Annotated[Annotated[str, Meta(max_length=100, pattern=TEXT)] | None, PRIVATE_ADDRESS] = None
    phone: Annotated[Annotated[str, Meta(max_length=32, pattern=TEXT)] | None, PRIVATE_CONTACT] = None
    lat: Annotated[Latitude | None, PRIVATE_POSITION] = None
    lon: Annotated[Longitude | None, PRIVATE_POSITION] = None
    gift_message: Annotated[Annotated[str, Meta(max_length=GIFT_MAX, pattern=TEXT)] | None, PRIVATE_GIFT] = None


class RequestUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step. `confirm_identity` has a `method` and an `evidence`, of an `id_document` what it `covers` as well:
    which of the request's names are the person's whom it shows; `order_papers`, and a document that covers `orders`,
    the `order_ids` of the request that they are the proof of, unless it has one only. `extend` and `refuse` a `reason`,
    `rectify` an `order_id` and a `correction`; the others have nothing more."""

    step: RequestStep
    method: Method | None = None
    evidence: CodeText | None = None
    reason: Extension | Refusal | None = None
    order_id: OrderId | None = None
    correction: Correction | None = None
    covers: Annotated[list[Name], Meta(min_length=1, max_length=len(get_args(Name)))] | None = None
    order_ids: Annotated[list[OrderId], Meta(min_length=1, max_length=NAMED_ORDERS_MAX)] | None = None


class ProofDetail(msgspec.Struct, frozen=True):
    """How it became known who asks. `by`: who has noted it; `covers`: as the officer has said of a document;
    `order_ids`: for which of the named orders."""

    method: Method
    evidence: str
    by: Annotated[str, HANDLER]
    at: datetime
    covers: list[Name]
    order_ids: list[str]


class DoneDetail(msgspec.Struct, frozen=True):
    """A step that was done, with how many of what."""

    step: Step
    by: Annotated[str, HANDLER]
    at: datetime
    counts: dict[str, int]


class RequestDetail(msgspec.Struct, frozen=True):
    """All of a request. `missing`: what is to be proved yet before anything is done: that `email` (the address, and the
    account that it has), `customer_id`, `customer_ref`, `orders` are the person's who asks, the agent's `mandate`;
    `missing_orders`: of which orders; `begun`: steps that were cut short: do them again; `extended`, `refusal`:
    the reason, "" for none."""

    request_id: str
    version: int
    law: Law
    right: Right
    status: RequestStatus
    received_at: datetime
    deadline_at: datetime
    near: bool
    overdue: bool
    term: str
    taken_by: Annotated[str, HANDLER]
    agent: Annotated[str, REQUEST_AGENT]
    missing: list[str]
    proofs: list[ProofDetail]
    begun: list[Step]
    done: list[DoneDetail]
    extended: str
    refusal: str
    closed_at: datetime | None
    missing_orders: list[str]


class PersonRequest(msgspec.Struct, frozen=True):
    """A request in a list of the person's own."""

    request_id: str
    law: Law
    right: Right
    status: RequestStatus
    received_at: datetime
    deadline_at: datetime


class PersonRequests(msgspec.Struct, frozen=True):
    """By deadline. `as_of`: how fresh it is, null while not every host has told."""

    requests: list[PersonRequest]
    as_of: datetime | None


class PersonRequestDetail(msgspec.Struct, frozen=True):
    """A request as the person sees it. `term`: the rule that the deadline follows; `extended`, `refusal`:
    the reason, "" for none."""

    request_id: str
    law: Law
    right: Right
    status: RequestStatus
    received_at: datetime
    deadline_at: datetime
    term: str
    done: list[Step]
    extended: str
    refusal: str
    closed_at: datetime | None


class ListedRequest(msgspec.Struct, frozen=True):
    """One request in a list."""

    request_id: str
    version: int
    law: Law
    right: Right
    status: RequestStatus
    received_at: datetime
    deadline_at: datetime
    overdue: bool


class RequestPage(msgspec.Struct, frozen=True):
    """The nearest deadline first. `as_of`: how fresh it is, null while not every host has told;
    `next_cursor`: null at the end."""

    requests: list[ListedRequest]
    as_of: datetime | None
    next_cursor: str | None


# --- consents -------------------------------------------------------------------------------------------------------
class NewConsents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Choices. To a grant belongs the `text_version` of what was shown, one of those that the region shows
    (`consent.text_unknown`); a refusal needs none, and is kept without one that is not shown."""

    consents: Annotated[list[Choice], Meta(min_length=1, max_length=len(PURPOSES))]


class ConsentEntry(msgspec.Struct, frozen=True):
    """What was said, when, by what (`gpc`: the browser's signal) and to which text."""

    purpose: ConsentPurpose
    granted: bool
    source: Source
    text_version: str
    at: datetime


class OwnConsents(msgspec.Struct, frozen=True):
    """`consents`: the last word to each purpose; one that is not there was never asked, and counts as not granted.
    `history`: all that was ever said, oldest first."""

    consents: list[ConsentEntry]
    history: list[ConsentEntry]


# --- the answer to who asks for all that there is -------------------------------------------------------------------
class AccountData(msgspec.Struct, frozen=True):
    """An account. `email`: "" when it is not kept; `proved`: a code came back from there; `passkeys`:
    as the person calls them."""

    customer_id: Annotated[str, CUSTOMER_ID]
    email: Annotated[str, SHOWN_CONTACT]
    proved: bool
    sessions: int
    passkeys: Annotated[list[str], SHOWN_PASSKEY_NAME]


class StaffNote(msgspec.Struct, frozen=True):
    """What the staff wrote when it held an order for these reasons, or released it."""

    at: datetime
    done: Literal["held", "released"]
    reasons: list[HoldKind]
    note: Annotated[str, SHOWN_NOTE]


class FormerData(msgspec.Struct, frozen=True):
    """Whose an order was said to be, and where it went, until that was changed or corrected. `email`,
    `gift_message`: "" for none."""

    until: datetime
    order_ref: Annotated[str, SHOWN_REFERENCE]
    ship_to: ShipTo
    email: Annotated[str, SHOWN_CONTACT]
    gift_message: Annotated[str, SHOWN_GIFT]


class PlaceSeen(msgspec.Struct, frozen=True):
    """A place that was looked at, and how far it is from where the order was to go: to within 10 km, null unknown. What
    it would have cost from there is the retailer's."""

    location_id: str
    distance_km: Annotated[int | None, SHOWN_POSITION]


class OrderData(msgspec.Struct, frozen=True):
    """An order, and the address that it was placed with, "" for none. `notes`: all that the staff wrote about it, of
    holds that stand and of those that are over; `former`: what was there before a change or a
    correction. Both oldest first. `considered`: places that were looked at to serve it."""

    order: OrderView
    email: Annotated[str, SHOWN_CONTACT]
    notes: list[StaffNote]
    former: list[FormerData]
    considered: list[PlaceSeen]


class SentTo(msgspec.Struct, frozen=True):
    """Where a shipment without an order went."""

    name: Annotated[str, SHOWN_NAME]
    company: Annotated[str, SHOWN_NAME]
    street: Annotated[list[str], SHOWN_ADDRESS]
    city: Annotated[str, SHOWN_ADDRESS]
    postcode: Annotated[str, SHOWN_ADDRESS]
    state: Annotated[str, SHOWN_ADDRESS]
    country: Annotated[str, SHOWN_ADDRESS]
    phone: Annotated[str, SHOWN_CONTACT]


class ShipmentData(msgspec.Struct, frozen=True):
    """What was packed for the person: of an order (`fulfilment_id`), or without one, for the `reason` given. ship_to:
    of one without an order, as long as it is kept; note: for who packs it, until it is over; customs: what was declared
    for them in words, as long as that is kept; who carries the parcels, under which numbers, and what is in them stands
    in `parcels`."""

    shipment_id: str
    order_id: str
    fulfilment_id: str
    location_id: str
    status: str
    reason: str
    opened_at: datetime
    ship_to: SentTo | None
    parcels: list[TrackedParcel]
    note: Annotated[str, SHOWN_NOTE] = ""
    customs: Annotated[list[str], SHOWN_NOTE] = []


class PickupData(msgspec.Struct, frozen=True):
    """An order that waits, or waited, at a store. `verified`: how it was proved that the person may have it; `here_at`,
    `here_spot`: since when and where the person said to be waiting; `shelf`: where the staff wrote that it lies, as
    long as that is kept."""

    collection_id: str
    order_id: str
    location_id: str
    status: CollectionStatus
    opened_at: datetime
    ready_at: datetime | None
    collect_by: datetime | None
    verified: str
    here_at: datetime | None
    here_spot: Annotated[str, SHOWN_PICKUP_SPOT]
    lines: list[UnitsOf]
    shelf: Annotated[str, SHOWN_NOTE]


class ProcessingNote(msgspec.Struct, frozen=True):
    """What personal data is used for, why that is allowed, who gets it, and for how long it is
    kept (GDPR Art. 15(1))."""

    purpose: str
    legal_basis: str
    recipients: str
    kept: str


class PersonData(msgspec.Struct, frozen=True):
    """All that a cell keeps about one person (GDPR Art. 15 and 20, Cal. Civ. Code §1798.110, LGPD Art. 19). Money is in
    minor units, times are UTC.
    `reservations`: carts, oldest first, with what was in them; `shipments`: parcels of the orders, and what was sent
    without one; `pickups`: at stores; `pending_notices`: messages that are on their way to the person."""

    region: str
    made_at: datetime
    accounts: list[AccountData]
    orders: list[OrderData]
    reservations: list[ReservationView]
    consents: list[ConsentEntry]
    requests: list[PersonRequest]
    pending_notices: int
    processing: list[ProcessingNote]
    shipments: list[ShipmentData]
    pickups: list[PickupData]
