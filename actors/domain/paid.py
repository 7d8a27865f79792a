"""What was paid for goods of an order, by SKU: for customs, who want what a parcel is worth, and for slips. Pure
arithmetic, in minor units; shares are exact until a parcel is reckoned.

    lines ──kits in parts, free ones at cost──▶ worth of one unit ──what stands in──▶ of one unit in a fulfilment ──▶ a parcel, in whole minor units

- One SKU in several lines: each unit is worth what they cost on average.
- A kit's price is shared out over its parts: by what these cost the retailer, where that is known of all of them in one
  currency, else evenly by units.
- What was free is worth what it costs the retailer; where that is not known in the order's currency, as much as others
  of its SKU that were paid for.
- What stands in for something is worth what that was sold for (`Substituted`): it costs what that would have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from actors.domain.money import Money
from actors.domain.order_state import Line

# SKU → minor units of one unit
Worth = Mapping[str, Fraction]


class Standing(NamedTuple):
    """In a fulfilment, units of `substitute` stand in for `sku`."""

    sku: str
    substitute: str
    units: int


def worth_each(
    lines: Iterable[Line], kits: Mapping[str, Sequence[tuple[str, int]]], costs: Mapping[str, Money], currency: str
) -> dict[str, Fraction]:
    """What one unit is worth, of each SKU of which somebody knows that. kits: of those among the lines, (part, units in
    one kit); costs: of one unit, where they are known. All that the lines ask for is worth together what they cost, to
    the last minor unit; more only by what was free."""
    minor, units, free = dict[str, Fraction](), dict[str, int](), dict[str, int]()
    for line in lines:
        parts = kits.get(line.sku) or [(line.sku, 1)]
        if not line.amount:
            for sku, each in parts:
                free[sku] = free.get(sku, 0) + line.quantity * each
            continue
        for (sku, each), share in zip(parts, _shares(parts, costs), strict=True):
            minor[sku] = minor.get(sku, Fraction(0)) + line.quantity * line.amount * share
            units[sku] = units.get(sku, 0) + line.quantity * each
    for sku, count in free.items():
        cost = costs.get(sku)
        if cost is not None and cost.currency == currency:
            minor[sku] = minor.get(sku, Fraction(0)) + count * cost.amount
            units[sku] = units.get(sku, 0) + count
    return {sku: minor[sku] / count for sku, count in units.items() if count}


def _shares(parts: Sequence[tuple[str, int]], costs: Mapping[str, Money]) -> list[Fraction]:
    """Of a kit's price, part by part; together 1."""
    known = [costs.get(sku) for sku, _ in parts]
    weights = [units for _, units in parts]
    if all(cost is not None and cost.amount for cost in known) and len({cost.currency for cost in known if cost}) == 1:
        weights = [units * cost.amount for (_, units), cost in zip(parts, known, strict=True) if cost]
    whole = sum(weights)
    return [Fraction(weight, whole) for weight in weights]


def worth_here(each: Worth, lines: Iterable[tuple[str, int]], stands: Sequence[Standing]) -> dict[str, Fraction]:
    """The same of one unit in a fulfilment that holds `lines`, of which some stands in for something else; on average,
    where not all of a SKU does."""
    out: dict[str, Fraction] = {}
    for sku, units in lines:
        standing = [(one.sku, one.units) for one in stands if one.substitute == sku]
        own = units - sum(count for _, count in standing)
        known = [(each[name], count) for name, count in [(sku, own), *standing] if name in each and count > 0]
        count = sum(count for _, count in known)
        if count:
            out[sku] = sum((worth * n for worth, n in known), Fraction(0)) / count
    return out


def in_minor_units(each: Worth, goods: Mapping[str, int]) -> dict[str, int]:
    """What the units of a parcel are worth, by SKU. Together what was paid for them, rounded up to a whole minor unit,
    as customs must not be told less: so all that was paid, where one parcel holds all. What is left of a minor unit
    goes where most of one is due; nothing is worth nothing. Each of the goods has to stand in `each`."""
    exact = {sku: each[sku] * units for sku, units in goods.items()}
    out = {sku: floor(share) for sku, share in exact.items()}
    rest = ceil(sum(exact.values())) - sum(out.values())
    for sku in sorted(exact, key=lambda sku: (out[sku] - exact[sku], sku))[:rest]:
        out[sku] += 1
    return {sku: max(1, amount) for sku, amount in out.items()}


def prices(lines: Iterable[Line]) -> dict[str, Fraction]:
    """What one unit of a SKU was sold for, on average over its lines; nothing is told of parts of kits, which
    nobody sold by themselves."""
    minor, units = dict[str, int](), dict[str, int]()
    for line in lines:
        minor[line.sku] = minor.get(line.sku, 0) + line.quantity * line.amount
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    return {sku: Fraction(minor[sku], count) for sku, count in units.items() if count}
