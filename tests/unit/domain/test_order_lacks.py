"""What of an order no place has: the short way for plain orders tells the same as adding it up line by line."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.allocation import need_of
from actors.domain.order_lacks import lacking
from actors.domain.order_state import Fulfilment, Line, Order, ShipTo, missing_of
from actors.domain.order_waiting import lacking_after

SKUS = "abc"
UNITS = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 5), min_size=1)


def order_of(lines: list[Line], fulfilments: list[Fulfilment], kits=None) -> Order:
    units = sum(line.quantity for line in lines)
    return Order("", "online", "", "US", ShipTo("US"), "USD", lines, fulfilments, 0, 0, units=units, kits=kits)


@st.composite
def orders(draw) -> tuple[Order, dict[str, int], list[tuple[str, int]]]:
    """An order of which places hold or are asked for some (never more than it wants), what it wants, and what a place gives next."""
    lines = [Line(draw(st.sampled_from(SKUS)), draw(st.integers(1, 4)), 100) for _ in range(draw(st.integers(1, 4)))]
    wanted = need_of((line.sku, line.quantity) for line in lines)
    left, fulfilments = dict(wanted), []
    for number in range(1, draw(st.integers(1, 4))):
        part = [(sku, draw(st.integers(0, units))) for sku, units in left.items()]
        for sku, units in part:
            left[sku] -= units
        status = draw(st.sampled_from(["reserving", "allocated", "picking", "cancelled"]))
        fulfilments.append(Fulfilment(number, "us-wh-1", status, [(sku, units) for sku, units in part if units]))
    given_next = [(sku, draw(st.integers(0, units))) for sku, units in left.items()]
    return order_of(lines, fulfilments), wanted, given_next


def plainly(wanted, *parts) -> dict[str, int]:
    """What of it is in none of the parts."""
    left = dict(wanted)
    for part in parts:
        for sku, units in part:
            left[sku] -= units
    return {sku: units for sku, units in left.items() if units}


@given(orders())
@settings(max_examples=60, deadline=None)
def test_what_is_missing_is_not_missed_or_what_is_there_is_asked_for_again(made):
    order, wanted, more = made
    held = [f.lines for f in order.fulfilments]
    allocated = [f.lines for f in order.fulfilments if f.status != "reserving"]
    assert missing_of(order) == plainly(wanted, *held)
    assert lacking(order) == plainly(wanted, *allocated)
    assert lacking_after(order, more) == plainly(wanted, *allocated, more)


def test_a_kit_counts_as_one_unit_although_its_parts_are_several():
    kits = {"kit": [("a", 2), ("b", 1)]}
    lines = [Line("kit", 3, 100)]
    # As many units as kits were ordered, and yet most of it is missing.
    order = order_of(lines, [Fulfilment(1, "us-wh-1", "allocated", [("a", 3)])], kits)
    assert missing_of(order) == {"a": 3, "b": 3}
