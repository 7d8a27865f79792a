"""Bodies of `/v1/transfers` and `/v1/transfer-suggestions`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.balancing import Need
from actors.domain.gs1 import SSCC_DIGITS
from actors.domain.location_events import Condition
from actors.domain.transfer_sending import PACKAGES_MAX
from actors.domain.transfer_state import LineView, PackageStatus, TransferStatus
from serve.limits import END, ITEMS_MAX, BinIdOrNone, Lot, Quantity, Reference, Sku
from serve.moments import Moment
from serve.receiving.lines import Sscc

LocationName = Annotated[str, Meta(max_length=80, examples=["us-wh-seattle"])]
PackageName = Annotated[
    str,
    Meta(min_length=1, max_length=SSCC_DIGITS, pattern="^[0-9]*" + END, description="number or SSCC", examples=["1"]),
]
PackageNameOrAny = Annotated[
    str, Meta(max_length=SSCC_DIGITS, pattern="^[0-9]*" + END, description="number or SSCC, empty for any")
]


class TransferLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a SKU."""

    sku: Sku
    quantity: Quantity


Lines = Annotated[list[TransferLine], Meta(min_length=1, max_length=ITEMS_MAX)]


class NewTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/transfers`. `expected_at`: when all of it shall be there; it may be said when
    the first package leaves."""

    source_id: LocationName
    destination_id: LocationName
    lines: Lines
    reference: Reference = ""
    expected_at: Moment | None = None


class NoDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object: there is nothing more to say."""


class TransferShortPick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/transfers/{transfer_id}/short-picks`: allocated units that are not there."""

    lines: Lines


class DispatchedPackage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One package. `sscc`: of its label; without one it is known by its number in the transfer, from 1 in the
    order in which they leave."""

    lines: Lines
    sscc: Sscc | None = None


class NewDispatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/transfers/{transfer_id}/dispatches`."""

    packages: Annotated[list[DispatchedPackage], Meta(min_length=1, max_length=PACKAGES_MAX)]
    expected_at: Moment | None = None


class ReceivedUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that were sent and are here: of that package and lot, or of whichever come next."""

    sku: Sku
    quantity: Quantity
    condition: Condition = "sellable"
    lot: Lot = ""
    package: PackageNameOrAny = ""
    bin: BinIdOrNone = ""


class FoundUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that are here and were not sent by the books. `expires_on`: the lot's last good day, when none of the lot
    was sent; of what has serial numbers each unit is a line with its number as `lot`."""

    sku: Sku
    quantity: Quantity
    condition: Condition = "sellable"
    lot: Lot = ""
    expires_on: date | None = None
    bin: BinIdOrNone = ""


Found = Annotated[list[FoundUnits], Meta(max_length=ITEMS_MAX)]


class TransferReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/transfers/{transfer_id}/receipts`. `packages`: all that is still to come of them, as it was
    sent; `lines`: unit by unit."""

    packages: Annotated[list[PackageName], Meta(max_length=PACKAGES_MAX)] = []
    lines: Annotated[list[ReceivedUnits], Meta(max_length=ITEMS_MAX)] = []
    found: Found = []


class TransferClosure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/transfers/{transfer_id}/closure`. `lost`: just what is on the road, all of it."""

    lost: Annotated[list[TransferLine], Meta(max_length=ITEMS_MAX)] = []
    found: Found = []


class PackedUnits(msgspec.Struct, frozen=True):
    """Units of one lot in a package. `expires_on`: the lot's last good day."""

    sku: str
    quantity: int
    received: int
    lot: str
    expires_on: date | None


class TransferPackage(msgspec.Struct, frozen=True):
    """One package. `sscc`: empty when it has no label. While it is `leaving`, its lots are not known."""

    number: int
    sscc: str
    status: PackageStatus
    lines: list[PackedUnits]


class TransferDetail(msgspec.Struct, frozen=True):
    """All of a transfer. `outcome`: what it came to once it is closed (`complete`, `partial`, `with_loss`,
    `nothing_available`) or refused (`refused`, `withdrawn`, `expired`), else empty; `late`: not all was there when it
    was expected; `approval_id`: of a large one; `last_refusal`: the code by which a location last refused what the
    transfer told it; `allowed`: what may be done now."""

    transfer_id: str
    version: int
    status: TransferStatus
    outcome: str
    source_id: str
    destination_id: str
    reference: str
    requested_at: datetime
    updated_at: datetime
    expected_at: datetime | None
    late: bool
    approval_id: str
    last_refusal: str
    allowed: list[str]
    lines: list[LineView]
    packages: list[TransferPackage]


class ListedTransfer(msgspec.Struct, frozen=True):
    """One transfer in a list; units over all lines."""

    transfer_id: str
    version: int
    status: TransferStatus
    outcome: str
    source_id: str
    destination_id: str
    reference: str
    line_count: int
    wanted: int
    dispatched: int
    received: int
    lost: int
    late: bool
    requested_at: datetime
    expected_at: datetime | None


class TransferPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    transfers: list[ListedTransfer]
    as_of: datetime | None
    next_cursor: str | None


class SuggestedTransfer(msgspec.Struct, frozen=True):
    """A transfer that would help. `need`: why the destination should have it; `days_left`: for how long what it can
    count on lasts there, null when nobody knows."""

    source_id: str
    destination_id: str
    units: int
    distance_km: int
    need: Need
    days_left: int | None


class TransferSuggestions(msgspec.Struct, frozen=True):
    """The most needed first. `as_of`: how fresh the stock is that they are made from."""

    sku: str
    suggestions: list[SuggestedTransfer]
    as_of: datetime | None
