"""What may be asked of an inbound. The rules are in `inbound.py`."""

from __future__ import annotations

import msgspec

from actors.domain.location_events import Condition, Units


class AnnouncedLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line of the purchase order. `number`: its number there, from 1; `units` > 0; `value`: (minor units
    of one unit, currency)."""

    number: int
    sku: str
    units: int
    value: tuple[int, str] | None = None


class PackedGoods(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`units` > 0 of one SKU and lot in a package. `expires_on`: days since 1970-01-01, the lot's last good day;
    `serials`: of each unit its number, or none."""

    sku: str
    units: int
    lot: str = ""
    expires_on: int | None = None
    serials: list[str] = []


class AnnouncedPackage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A package with its SSCC (GS1), and what the supplier says is in it."""

    sscc: str
    lines: list[PackedGoods]


class ReceivedGoods(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`units` > 0 of one SKU that are here, in that condition. `bin`: where they were put, "" for nowhere yet. Lot,
    expiry and serials: see `PackedGoods`."""

    sku: str
    units: int
    condition: Condition = "sellable"
    lot: str = ""
    expires_on: int | None = None
    bin: str = ""
    serials: list[str] = []


class ReceivedPackage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A package that is here. `lines`: what was really in it, None for all as announced, which
    then was put into `bin`."""

    sscc: str
    lines: list[ReceivedGoods] | None = None
    bin: str = ""


# --- what people ask; `within`: the locations that their rights reach, empty for the whole region ------------------
class AnnounceInbound(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A supplier sends goods to a location. `tolerance_percent`: of a line so much more than announced is
    taken without a question."""

    location_id: str
    expected_at_ms: int
    lines: list[AnnouncedLine]
    packages: list[AnnouncedPackage] = []
    supplier_ref: str = ""
    purchase_ref: str = ""
    asn_ref: str = ""
    tolerance_percent: int = 0
    within: list[str] = []


class ChangeInbound(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It comes at another time, or something else comes. `lines`: new or changed ones, by number; `removed`: numbers of
    those that won't come; `packages`: all that are still to come anew, None for as they are."""

    expected_at_ms: int | None = None
    lines: list[AnnouncedLine] = []
    removed: list[int] = []
    packages: list[AnnouncedPackage] | None = None
    within: list[str] = []


class ReceiveGoods(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Goods are here, by package or by line. `reference`: of the delivery note, "" for the announcement's."""

    packages: list[ReceivedPackage] = []
    lines: list[ReceivedGoods] = []
    accept_over: bool = False
    accept_unexpected: bool = False
    reference: str = ""
    within: list[str] = []


class CloseInbound(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing more will come. `shortages`: all that has not come, named so that nobody gives up
    what he does not know of."""

    shortages: list[Units] = []
    within: list[str] = []


class CancelInbound(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It won't come, and nothing of it has."""

    within: list[str] = []


# --- what the location answers -------------------------------------------------------------------------------------
class LocationAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The receipt is in the location's books; or it is not, with the code and the words of the refusal."""

    receipt: int
    code: str = ""
    detail: str = ""


Command = AnnounceInbound | ChangeInbound | ReceiveGoods | CloseInbound | CancelInbound | LocationAnswered
