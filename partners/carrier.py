"""The port to a carrier: what a parcel costs, its label, taking that back, the day's hand-over, and where it is.

    quote ──▶ label ──▶ manifest ──▶ (the carrier fetches) ──▶ track
                │ └──▶ void, until the manifest
                └──▶ find: was one sold under this key?

Errors
    CarrierError
    ├── CarrierRefused       never as it is: `code` says why; nothing was done
    ├── CarrierUnavailable   not now; nothing was done; ask again after `retry_after_s`
    └── CarrierTimedOut      no answer within the deadline; it may have been done: ask again with the same key

`label`, `void` and `manifest` change something at the carrier and cost money, so they are done once per key: the same
key with the same request gives the first answer again (the same label, paid once), with another one
`carrier.key_reused`. Keys are remembered for KEYS_KEPT_MS at least. Keys of labels and manifests are also our
references at the carrier, by which `find` and `find_manifest` tell, as long as it knows the parcels, what was done:
whoever asks again late asks that first.

A quote takes the places and the parcel only: who sends and who gets it, a carrier is told once a label is bought (GDPR
Art. 5(1)(c)). What a real carrier's port has to do is in `tests/unit/partners/carrier_contract.py`,
which the fake passes too.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

import msgspec

from actors.domain.customs import CustomsDeclaration, value_of
from actors.domain.ids import END
from actors.domain.money import Money
from actors.domain.personal_notes import SHOWN_ADDRESS
from actors.domain.postal import LINE, Party
from actors.domain.times import DAY_MS

PARCELS_MAX = 300
KEYS_KEPT_MS = DAY_MS
DEADLINE_S = 5.0
KEY_CHARS_MAX = 128

LabelFormat = Literal["zpl", "pdf"]
# Where a parcel is: handed over, on its way, in the recipient's street, there; or on its way back, or nobody knows.
TrackStatus = Literal[
    "announced", "accepted", "in_transit", "out_for_delivery", "delivered", "exception", "returned", "voided"
]

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=LINE)]
_Side = Annotated[int, msgspec.Meta(ge=1, le=10_000, description="mm, outer")]


# --- errors ---------------------------------------------------------------------------------------------------------
class CarrierError(Exception):
    """Anything that a carrier did not do."""


class CarrierRefused(CarrierError):
    """`code`: stable, `carrier.…`; `detail`: a sentence for whoever packs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class CarrierUnavailable(CarrierError):
    """`retry_after_s`: when it is worth asking again."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"not available, again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class CarrierTimedOut(CarrierError):
    """Nothing came within the deadline."""


# --- requests and answers -------------------------------------------------------------------------------------------
class CarrierParcel(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A packed carton: outer size, weight with the carton, its SSCC, and the hazard class of what
    is in it ("" for none)."""

    sscc: Annotated[str, msgspec.Meta(pattern="^[0-9]{18}" + END)]
    weight_g: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    length_mm: _Side
    width_mm: _Side
    height_mm: _Side
    hazard: Annotated[str, msgspec.Meta(max_length=16)] = ""


class Shipment(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One parcel from somebody to somebody. reference: what is printed on the label for us, the order's id. customs:
    has to be there when it leaves the country."""

    sender: Party
    recipient: Party
    parcel: CarrierParcel
    reference: _Text
    customs: CustomsDeclaration | None = None


class Place(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Where something goes from or to, as far as a price needs it. Country: ISO 3166-1 alpha-2."""

    country: Annotated[Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}" + END)], SHOWN_ADDRESS]
    postcode: Annotated[Annotated[str, msgspec.Meta(max_length=16, pattern=LINE)], SHOWN_ADDRESS]
    city: Annotated[Annotated[str, msgspec.Meta(max_length=100, pattern=LINE)], SHOWN_ADDRESS]


class QuoteRequest(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What one parcel would cost. declared: what customs are told that it is worth; has to be there
    when it leaves the country."""

    origin: Place
    destination: Place
    parcel: CarrierParcel
    declared: Money | None = None


def quote_of(shipment: Shipment) -> QuoteRequest:
    """What a quote needs of it."""
    declared = None if shipment.customs is None else value_of(shipment.customs)
    return QuoteRequest(_place(shipment.sender), _place(shipment.recipient), shipment.parcel, declared)


def _place(party: Party) -> Place:
    return Place(party.country, party.postcode, party.city)


class Quote(msgspec.Struct, frozen=True, gc=False):
    """What one service would cost. days: working days from hand-over to delivery, at most."""

    service: str
    price: Money
    days: int


class LabelRequest(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A label for a shipment by one of the services that were quoted."""

    shipment: Shipment
    service: _Text
    label_format: LabelFormat = "pdf"


class Label(msgspec.Struct, frozen=True, gc=False):
    """A paid label. document: ZPL as UTF-8 text from `^XA` to `^XZ`, or a PDF of one page; what is neither is not
    taken (`label_content.py`)."""

    tracking_number: str
    label_format: LabelFormat
    document: bytes
    price: Money


class Voided(msgspec.Struct, frozen=True, gc=False):
    """The label is not good any more. refund: what it had cost."""

    tracking_number: str
    refund: Money


class Manifest(msgspec.Struct, frozen=True, gc=False):
    """What is handed over at once: the carrier owes a scan for each of these parcels."""

    manifest_id: str
    tracking_numbers: tuple[str, ...]
    weight_g: int
    closed_ms: int


class TrackEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a parcel. place: as the carrier says it."""

    status: TrackStatus
    at_ms: int
    place: str


class Carrier(Protocol):
    """A carrier. timeout_s: the deadline of the call. All calls raise CarrierUnavailable and
    CarrierTimedOut besides what they say."""

    async def quote(self, wanted: QuoteRequest, timeout_s: float = DEADLINE_S) -> list[Quote]:
        """The services that take it, cheapest first; never empty. CarrierRefused: none does, and why."""
        ...

    async def label(self, key: str, request: LabelRequest, timeout_s: float = DEADLINE_S) -> Label:
        """Buys a label. CarrierRefused: as `quote`, `carrier.unknown_service`, `carrier.key_reused`."""
        ...

    async def find(self, key: str, request: LabelRequest, timeout_s: float = DEADLINE_S) -> Label | None:
        """The label that was sold under the key, however long ago, whatever became of it since; None: there is none,
        and nothing is done. request: as it was then, for who keeps no documents."""
        ...

    async def void(self, key: str, tracking_number: str, timeout_s: float = DEADLINE_S) -> Voided:
        """Takes a label back. CarrierRefused: `carrier.unknown_parcel`, `carrier.handed_over`,
        `carrier.already_voided`, `carrier.key_reused`."""
        ...

    async def manifest(self, key: str, tracking_numbers: tuple[str, ...], timeout_s: float = DEADLINE_S) -> Manifest:
        """Closes these parcels for hand-over: all or none. CarrierRefused: `carrier.nothing_to_hand_over`,
        `carrier.too_many`, `carrier.parcel_repeated`, `carrier.unknown_parcel`, `carrier.handed_over`,
        `carrier.already_voided`, `carrier.key_reused`."""
        ...

    async def find_manifest(self, key: str, timeout_s: float = DEADLINE_S) -> Manifest | None:
        """What was closed under the key, however long ago; None: nothing was, and nothing is done."""
        ...

    async def track(self, tracking_number: str, timeout_s: float = DEADLINE_S) -> list[TrackEvent]:
        """What happened to it, oldest first; never empty. CarrierRefused: `carrier.unknown_parcel`."""
        ...
