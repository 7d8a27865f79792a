"""What is known of an inbound. The rules are in `inbound.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Literal

import msgspec

from actors.domain.errors import Refused
from actors.domain.inbound_commands import AnnouncedLine, PackedGoods
from actors.domain.inbound_events import ArrivedGoods, Discrepancy, InboundClosed, Outcome
from actors.domain.location_events import Units

InboundStatus = Literal["announced", "receiving", "closed", "cancelled"]
# `booking`: the location has not answered yet.
ReceiptStatus = Literal["booking", "booked", "refused"]
PackageStatus = Literal["announced", "booking", "received"]


class Line(msgspec.Struct, gc=False):
    """One SKU. `number`: in the purchase order, 0 for one that was not announced, of which `units` is 0. arriving: told
    to the location, and not yet answered; received: in its books, in whatever condition; damaged,
    quality_hold: of those."""

    number: int
    units: int
    value: tuple[int, str] | None = None
    arriving: int = 0
    received: int = 0
    damaged: int = 0
    quality_hold: int = 0

    @property
    def touched(self) -> bool:
        """Has anything of it come?"""
        return bool(self.arriving or self.received)

    @property
    def remaining(self) -> int:
        """Still to come."""
        return max(0, self.units - self.arriving - self.received)

    @property
    def over(self) -> int:
        """More than was announced of an announced SKU."""
        return max(0, self.received - self.units) if self.number else 0

    @property
    def unexpected(self) -> int:
        """Units of a SKU that was not announced."""
        return 0 if self.number else self.received


class Package(msgspec.Struct, gc=False):
    """`receipt`: by which it came, 0 while it has not."""

    lines: list[PackedGoods]
    receipt: int = 0
    status: PackageStatus = "announced"


class Receipt(msgspec.Struct, gc=False):
    """`over`: units of each line beyond what was announced, once it is booked. Of a refused one the lines are
    forgotten. `awaited`: see `GoodsReceived`."""

    at_ms: int
    reference: str
    packages: list[str]
    lines: list[ArrivedGoods]
    awaited: str = ""
    status: ReceiptStatus = "booking"
    over: list[int] = []
    code: str = ""
    detail: str = ""


class Inbound(msgspec.Struct):
    """The state. lines: by SKU. packages: by SSCC. receipts: by number. revision: of what the location was told to
    expect. ended: "" until it is over."""

    location_id: str
    supplier_ref: str
    purchase_ref: str
    asn_ref: str
    tolerance_percent: int
    announced_at_ms: int
    updated_at_ms: int
    expected_at_ms: int
    lines: dict[str, Line]
    packages: dict[str, Package]
    receipts: dict[int, Receipt] = {}
    next_receipt: int = 1
    revision: int = 0
    ended: Literal["", "closed", "cancelled"] = ""
    outcome: Outcome | Literal[""] = ""
    discrepancies: list[Discrepancy] = []

    @property
    def waits(self) -> bool:
        """Has the location something to answer yet?"""
        return any(receipt.status == "booking" for receipt in self.receipts.values())


def status_of(inbound: Inbound) -> InboundStatus:
    """How far it is."""
    if inbound.ended:
        return inbound.ended
    return "receiving" if any(line.touched for line in inbound.lines.values()) else "announced"


def allowed_steps(inbound: Inbound) -> list[str]:
    """What may be done now."""
    status = status_of(inbound)
    if status == "announced":
        return ["change", "receive", "cancel"]
    return ["change", "receive", "close"] if status == "receiving" else []


def remaining_of(lines: Mapping[str, Line]) -> list[Units]:
    """Units per SKU that are still to come."""
    return [(sku, line.remaining) for sku, line in lines.items() if line.remaining]


def copied(lines: Mapping[str, Line]) -> dict[str, Line]:
    """To be tried on."""
    return {sku: copy(line) for sku, line in lines.items()}


# --- what `decide` tries and `evolve` does --------------------------------------------------------------------------
def announce(lines: dict[str, Line], announced: Iterable[AnnouncedLine], removed: Iterable[int] = ()) -> None:
    """Lines as they are now announced; one that is there already by its number is another from now on."""
    changed = list(announced)
    gone = {line.number for line in changed} | set(removed)
    for sku in [sku for sku, line in lines.items() if line.number and line.number in gone]:
        del lines[sku]
    for one in changed:
        lines[one.sku] = Line(one.number, one.units, one.value)


def arrive(lines: dict[str, Line], arrived: Iterable[ArrivedGoods]) -> None:
    """Units are told to the location."""
    for one in arrived:
        lines.setdefault(one.sku, Line(0, 0)).arriving += one.units


def book(lines: dict[str, Line], arrived: Iterable[ArrivedGoods]) -> list[int]:
    """Units are in the location's books. Gives how many of each are more than was announced."""
    over = []
    for one in arrived:
        line = lines[one.sku]
        before = max(0, line.received - line.units)
        line.arriving -= one.units
        line.received += one.units
        if one.condition == "damaged":
            line.damaged += one.units
        elif one.condition == "quality_hold":
            line.quality_hold += one.units
        over.append(max(0, line.received - line.units) - before)
    return over


def take_back(lines: dict[str, Line], arrived: Iterable[ArrivedGoods]) -> None:
    """The location did not take the units into its books."""
    for one in arrived:
        line = lines[one.sku]
        line.arriving -= one.units
        if not line.number and not line.touched:
            del lines[one.sku]


def closed(lines: Mapping[str, Line]) -> InboundClosed:
    """The end, with all that differs."""
    found = [
        Discrepancy(line.number, sku, line.remaining, line.over, line.unexpected, line.damaged)
        for sku, line in sorted(lines.items(), key=_in_order)
        if line.remaining or line.over or line.unexpected or line.damaged
    ]
    return InboundClosed("with_discrepancies" if found else "complete", found)


def _in_order(item: tuple[str, Line]) -> tuple[bool, int, str]:
    sku, line = item
    return (not line.number, line.number, sku)


def in_order(lines: Mapping[str, Line]) -> list[tuple[str, Line]]:
    """As people read them: by number, and then what was not announced."""
    return sorted(lines.items(), key=_in_order)


def unknown() -> Refused:
    """There is no such inbound."""
    return Refused("inbound.unknown", "There is no such inbound.")


def check_reach(within: list[str], location_id: str) -> None:
    """Raises Refused `inbound.location_forbidden` unless the rights reach the location."""
    if within and location_id not in within:
        raise Refused("inbound.location_forbidden", f"Your rights don't reach {location_id}.", location_id=location_id)
