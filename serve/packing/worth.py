"""What goods of a shipment are worth, from the order and the catalogue: for customs papers and slips. How it is
reckoned stands in `actors/domain/paid.py`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.domain.money import Money
from actors.domain.order_state import Line, fulfilment_id
from actors.domain.order_views import OrderView
from actors.domain.paid import Standing, in_minor_units, prices, worth_each, worth_here
from actors.domain.shipment_views import ShipmentView
from serve.availability.index import AvailabilityIndex


def values_of(
    goods: Mapping[str, int], view: ShipmentView, order: OrderView | None, index: AvailabilityIndex
) -> dict[str, Money]:
    """What all these units are worth together, by SKU, of those of which somebody knows it: what was paid for them,
    else what they cost the retailer (of a manual shipment, and what was free), which may be in another currency."""
    values = {} if order is None else _paid(goods, view, order, index)
    for sku, units in goods.items():
        cost = _cost(sku, index)
        if sku not in values and cost is not None:
            values[sku] = Money(cost.amount * units, cost.currency)
    return values


def prices_of(view: ShipmentView, order: OrderView) -> dict[str, Money]:
    """What one unit was sold for, by SKU; not of parts of kits. Where its lines have several prices, their average, to
    the nearest minor unit."""
    each = worth_here(prices(_lines(order)), view.lines, _standing(order, view.number))
    return {sku: Money(round(price), order.total.currency) for sku, price in each.items()}


def _paid(goods: Mapping[str, int], view: ShipmentView, order: OrderView, index: AvailabilityIndex) -> dict[str, Money]:
    currency, lines = order.total.currency, _lines(order)
    kits = {} if order.kits is msgspec.UNSET else order.kits
    parts = {sku: [(one.sku, one.quantity) for one in of] for sku, of in kits.items()}
    ordered = {line.sku for line in lines} | {sku for of in parts.values() for sku, _ in of}
    costs = {sku: cost for sku in ordered if (cost := _cost(sku, index)) is not None}
    each = worth_here(worth_each(lines, parts, costs, currency), view.lines, _standing(order, view.number))
    worth = in_minor_units(each, {sku: units for sku, units in goods.items() if sku in each})
    return {sku: Money(amount, currency) for sku, amount in worth.items()}


def _lines(order: OrderView) -> list[Line]:
    return [Line(line.sku, line.quantity, line.unit_price.amount) for line in order.lines]


def _standing(order: OrderView, number: int) -> list[Standing]:
    terms, name = order.terms, fulfilment_id(order.order_id, number)
    if terms is msgspec.UNSET:
        return []
    return [Standing(one.sku, one.substitute, one.quantity) for one in terms.substituted if one.fulfilment_id == name]


def _cost(sku: str, index: AvailabilityIndex) -> Money | None:
    """Of one, to the retailer; None when nobody knows."""
    details = index.details(sku)
    return Money(details.cost_minor, details.currency) if details.cost_minor else None
