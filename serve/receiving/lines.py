"""Lines of goods that came or will come: what callers send, checked against what the catalogue says of each SKU.

What is asked here is what people can be told to correct. Whether the lot or the serial number fits what is
there, the location judges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from actors.domain.article import BASE_UNIT, Details, to_base_units
from actors.domain.errors import Refused
from actors.domain.gs1 import SSCC_DIGITS
from actors.domain.location_events import Condition
from serve.catalogue.known import Catalogue
from serve.days import day_of
from serve.limits import END, TEXT, UNITS_MAX, BinIdOrNone, Lot, Sku
from serve.problems import field_problem

SERIALS_MAX = 1_000
QuantityOfUnit = Annotated[int, Meta(ge=1, le=UNITS_MAX, description="of the unit", examples=[10])]
Unit = Annotated[
    str,
    Meta(
        min_length=1, max_length=16, pattern=TEXT, description="`each`, or a unit of the catalogue", examples=["case"]
    ),
]
Sscc = Annotated[
    str, Meta(min_length=SSCC_DIGITS, max_length=SSCC_DIGITS, pattern="^[0-9]*" + END, examples=["095212340000000426"])
]
Serial = Annotated[str, Meta(min_length=1, max_length=64, pattern=TEXT, examples=["SN-000417"])]
Serials = Annotated[
    list[Serial], Meta(max_length=SERIALS_MAX, description="of each base unit its number, or empty for none")
]


class PackedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Units of a SKU and lot. `expires_on`: the lot's last good day, or that of all these serial numbers."""

    sku: Sku
    quantity: QuantityOfUnit
    unit: Unit = BASE_UNIT
    lot: Lot = ""
    expires_on: date | None = None
    serials: Serials = []


class ReceivedLine(PackedLine, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Units that are here, in that condition. `bin`: where they were put, empty for nowhere yet."""

    condition: Condition = "sellable"
    bin: BinIdOrNone = ""


class Goods(Protocol):
    """A line as it is checked."""

    @property
    def sku(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def lot(self) -> str: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def serials(self) -> Sequence[str]: ...


def base_units(details: Details, quantity: int, unit: str, pointer: str) -> int:
    """Raises Problem 422 for a unit that the SKU does not have, and for more than one line may have."""
    try:
        units = to_base_units(details, quantity, unit)
    except Refused as refused:
        raise field_problem(refused.body.code, refused.body.detail, f"{pointer}/unit", **refused.body.extra) from None
    if units > UNITS_MAX:
        detail = f"{quantity} {unit} are {units} base units; one line has at most {UNITS_MAX}."
        raise field_problem("stock.quantity_too_large", detail, f"{pointer}/quantity", units=units, limit=UNITS_MAX)
    return units


def units_of(catalogue: Catalogue, lines: Sequence[Goods], pointer: Callable[[int], str]) -> list[int]:
    """Base units of each line. `pointer`: of the line at that position. Raises Problem 422 with the place of what
    is missing or too much."""
    seen: set[tuple[str, str]] = set()
    found = []
    for position, line in enumerate(lines):
        at, details = pointer(position), catalogue.details(line.sku)
        check_no_kit(details, line.sku, at)
        units = base_units(details, line.quantity, line.unit, at)
        _check_tracking(line, details, at)
        _check_serials(line, units, seen, at)
        found.append(units)
    return found


def check_no_kit(details: Details, sku: str, pointer: str) -> None:
    """Raises Problem 422: a kit has no stock of its own, and nobody would ever see what is booked of it."""
    if details.kit:
        detail = f"{sku} is a kit: name its parts."
        raise field_problem("stock.kit_not_kept", detail, f"{pointer}/sku", parts=[part for part, _ in details.kit])


def _check_tracking(line: Goods, details: Details, pointer: str) -> None:
    if details.tracking == "lot" and line.serials:
        raise field_problem("stock.serials_not_kept", f"{line.sku} is kept by lot.", f"{pointer}/serials")
    if details.tracking == "lot" and not line.lot:
        raise field_problem("stock.lot_required", f"{line.sku} is kept by lot: name the lot.", f"{pointer}/lot")
    if details.tracking == "serial" and line.lot:
        detail = f"{line.sku} is kept by serial number, not by lot."
        raise field_problem("stock.lot_not_kept", detail, f"{pointer}/lot")
    if line.lot and line.serials:
        raise field_problem("stock.serials_not_kept", "Name a lot or serial numbers.", f"{pointer}/serials")
    if details.expires and line.expires_on is None:
        detail = f"Lots of {line.sku} expire: say when."
        raise field_problem("stock.expiry_required", detail, f"{pointer}/expires_on")
    if line.expires_on is not None and not (line.lot or line.serials):
        detail = "Only a lot or serial numbers can expire."
        raise field_problem("stock.expiry_needs_lot", detail, f"{pointer}/expires_on")
    if details.tracking == "serial" and not line.serials:
        detail = f"{line.sku} is kept by serial number: name one for each unit."
        raise field_problem("stock.serials_differ", detail, f"{pointer}/serials", serials=0)


def _check_serials(line: Goods, units: int, seen: set[tuple[str, str]], pointer: str) -> None:
    if line.serials and len(line.serials) != units:
        detail = f"{len(line.serials)} serial numbers for {units} units of {line.sku}."
        raise field_problem(
            "stock.serials_differ", detail, f"{pointer}/serials", serials=len(line.serials), units=units
        )
    for number, serial in enumerate(line.serials):
        if (line.sku, serial) in seen:
            raise field_problem(
                "stock.serial_repeated", f"{serial} of {line.sku} is named twice.", f"{pointer}/serials/{number}", serial=serial
            )  # fmt: skip
        seen.add((line.sku, serial))


def day_or_none(on: date | None) -> int | None:
    """As commands carry it."""
    return None if on is None else day_of(on)
