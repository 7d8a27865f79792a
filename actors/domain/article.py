"""What an article is: the goods behind a SKU, as those who store, pick, pack, ship and promise them have to know them.

Everything has a default, and of most SKUs nothing else is said: such a one is kept as its description alone. Quantities
are base units ("each"), lengths millimetres, weights grams, both of one base unit; 0 stands for unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from actors.domain.errors import Refused

BASE_UNIT = "each"
UNITS_MAX = 8
PARTS_MAX = 20
SUBSTITUTES_MAX = 10
CLASSES_MAX = 8
# (SKU, base units of it in one kit)
Part = tuple[str, int]
Tracking = Literal["none", "lot", "serial"]
Temperature = Literal["ambient", "chilled", "frozen"]

_UNIT_NAME = re.compile(r"[a-z][a-z0-9_-]{0,15}")


class Details(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What may be said of a SKU besides its description.

    units: other units of measure, with the base units in one of each.
    tracking: stock is told apart by lots, or one by one by serial numbers; expires: each lot has an expiry date.
    min_life_days: days that a lot must have left before it expires when it is promised to a customer.
    hazard_class: class or division of the UN Model Regulations (2.0), "" for no dangerous goods.
    kit: parts; it has no stock of its own then. substitutes: SKUs that may stand in, best first.
    released_at_ms: before that (UTC ms) it can only be ordered ahead; None: it is out.
    origin_country: ISO 3166-1 alpha-2, "" unknown. hs_code: Harmonized System (WCO), 6 digits and national
    ones after them, "" unknown.
    goods_classes: what law may keep from going somewhere (`alcohol`, `weapons`, `batteries`, …), as the bans of
    sourcing policies name it.
    cost_minor: what one costs the retailer, in minor units of `currency`; None unknown.
    """

    units: dict[str, int] = {}
    weight_g: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    tracking: Tracking = "none"
    expires: bool = False
    min_life_days: int = 0
    hazard_class: str = ""
    temperature: Temperature = "ambient"
    kit: tuple[Part, ...] = ()
    substitutes: tuple[str, ...] = ()
    released_at_ms: int | None = None
    origin_country: str = ""
    hs_code: str = ""
    cost_minor: int | None = None
    currency: str = ""
    goods_classes: tuple[str, ...] = ()


class Article(msgspec.Struct, frozen=True, gc=False):
    """One SKU with all that is known of it."""

    sku: str
    description: str
    details: Details


NO_DETAILS = Details()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Details).decode


def encoded(details: Details) -> bytes:
    """As rows carry it: MessagePack of what differs from the defaults; empty when nothing does."""
    return b"" if details == NO_DETAILS else _encode(details)


def decoded(data: bytes) -> Details:
    """What `encoded` made."""
    return _decode(data) if data else NO_DETAILS


# --- rules ----------------------------------------------------------------------------------------------------------
def check(sku: str, details: Details) -> None:
    """What can be judged of one article alone. Raises Refused `catalogue.…`, with the SKU named."""
    for name in details.units:
        if name == BASE_UNIT or not _UNIT_NAME.fullmatch(name):
            detail = f"A unit of {sku} can't be called so: a letter, then at most 15 lower-case letters, digits, _ or -, and not {BASE_UNIT}."
            raise Refused("catalogue.unit_invalid", detail, sku=sku, unit=name)
    if details.expires and details.tracking != "lot":
        raise Refused(
            "catalogue.expiry_needs_lots", f"{sku} can only expire by lots: set its tracking to lot.", sku=sku
        )
    if details.min_life_days and not details.expires:
        raise Refused("catalogue.life_needs_expiry", f"{sku} has a least shelf life and does not expire.", sku=sku)
    if details.kit and details.tracking != "none":
        raise Refused("catalogue.kit_tracked", f"{sku} is a kit: only its parts can be tracked.", sku=sku)
    for goods in details.goods_classes:
        if details.goods_classes.count(goods) > 1:
            raise Refused("catalogue.class_repeated", f"{sku} is {goods} twice.", sku=sku, goods_class=goods)
    _check_named(sku, "kit", [part for part, _ in details.kit])
    _check_named(sku, "substitutes", details.substitutes)


def _check_named(sku: str, field: str, named: Iterable[str]) -> None:
    seen: set[str] = set()
    for other in named:
        if other == sku:
            raise Refused("catalogue.part_itself", f"{sku} is named in its own {field}.", sku=sku, field=field)
        if other in seen:
            raise Refused(
                "catalogue.part_repeated", f"{other} is named twice in the {field} of {sku}.", sku=sku, field=field, part=other
            )  # fmt: skip
        seen.add(other)


def check_tracking(sku: str, before: Details, after: Details) -> None:
    """Stock may carry lots and serial numbers by now. Raises Refused `catalogue.tracking_fixed`."""
    if before.tracking not in ("none", after.tracking):
        detail = f"{sku} is tracked by {before.tracking}; that can't be changed any more."
        raise Refused("catalogue.tracking_fixed", detail, sku=sku, tracking=before.tracking)


# --- units of measure -----------------------------------------------------------------------------------------------
def to_base_units(details: Details, quantity: int, unit: str) -> int:
    """`quantity` of `unit` in base units. Raises Refused `catalogue.unit_unknown`."""
    return quantity * _base_units_in(details, unit)


def from_base_units(details: Details, units: int, unit: str) -> int:
    """Base units as a whole number of `unit`. Raises Refused `catalogue.unit_unknown`, and `stock.not_divisible` with
    the `rest` that is too many."""
    size = _base_units_in(details, unit)
    quantity, rest = divmod(units, size)
    if rest:
        detail = f"{units} {BASE_UNIT} are {quantity} {unit} of {size}, and {rest} are over."
        raise Refused("stock.not_divisible", detail, units=units, unit=unit, size=size, rest=rest)
    return quantity


def _base_units_in(details: Details, unit: str) -> int:
    if unit == BASE_UNIT:
        return 1
    size = details.units.get(unit)
    if size is None:
        known = [BASE_UNIT, *sorted(details.units)]
        raise Refused("catalogue.unit_unknown", f"This is counted in {', '.join(known)}.", unit=unit, known=known)
    return size
