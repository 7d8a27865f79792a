"""What an order lacks. The rules of its waiting are in `order_waiting.py`."""

from __future__ import annotations

from actors.domain.allocation import Need
from actors.domain.order_state import Order, wanted_of
from actors.domain.order_terms_state import as_ordered


def lacking(order: Order) -> Need:
    """Units per SKU that no place has allocated; what is being asked for is still lacking."""
    lacks, terms = wanted_of(order.lines, order.kits), order.terms
    for fulfilment in order.fulfilments:
        if fulfilment.status == "reserving":
            continue
        lines = fulfilment.lines if terms is None else as_ordered(terms, fulfilment.number, fulfilment.lines)
        for sku, units in lines:
            lacks[sku] = lacks.get(sku, 0) - units
    return {sku: units for sku, units in lacks.items() if units > 0}
