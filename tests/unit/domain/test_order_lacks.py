"""What of an order no place has: the short way for plain orders tells the same as adding it up line by line."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.allocation import Place, need_of
from actors.domain.order_backorder import Backorder, PlaceInLine, UnitsOffered
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_lacks import lacking
from actors.domain.order_state import Fulfilment, Line, Order, ShipTo, missing_of
from actors.domain.order_waiting import NUMBERS, lacking_after
from tests.unit.domain.test_order_waiting import place, shop_of, state

SKUS = "abc"
UNITS = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 5), min_size=1)


def order_of(lines: list[Line], fulfilments: list[Fulfilment], kits=None, backorder=None) -> Order:
    units = sum(line.quantity for line in lines)
    more = {"units": units, "kits": kits, "backorder": backorder}
    return Order("", "online", "", "US", ShipTo("US"), "USD", lines, fulfilments, 0, 0, **more)


@st.composite
def orders(draw) -> tuple[Order, dict[str, int], list[tuple[str, int]]]:
    """An order of which places hold or are asked for some, what it wants, and what a place gives next. No more than it
    wants is held, nor held and asked for, but of what is asked for a line may have given some meanwhile."""
    lines = [Line(draw(st.sampled_from(SKUS)), draw(st.integers(1, 4)), 100) for _ in range(draw(st.integers(1, 4)))]
    wanted = need_of((line.sku, line.quantity) for line in lines)
    left, fulfilments = dict(wanted), []
    for number in range(1, draw(st.integers(1, 4))):
        part = [(sku, draw(st.integers(0, units))) for sku, units in left.items()]
        for sku, units in part:
            left[sku] -= units
        status = draw(st.sampled_from(["reserving", "allocated", "picking", "cancelled"]))
        fulfilments.append(Fulfilment(number, "us-wh-1", status, [(sku, units) for sku, units in part if units]))
    backorder = Backorder(places={"us-wh-2": PlaceInLine(NUMBERS)}) if draw(st.booleans()) else None
    if backorder is not None:
        for fulfilment in fulfilments[: draw(st.integers(1, 3))]:
            fulfilment.status = "reserving"
        asked = need_of(line for one in fulfilments if one.status == "reserving" for line in one.lines)
        # Where it can be, as many units twice as others are nowhere: then the units alone tell nothing.
        twice, offer = draw(st.sampled_from([sum(left.values()), 1])), list[tuple[str, int]]()
        for sku, units in asked.items():
            offer.append((sku, min(units, twice)))
            twice -= offer[-1][1]
        fulfilments.append(Fulfilment(NUMBERS + 1, "us-wh-2", "allocated", [(sku, n) for sku, n in offer if n]))
    given_next = [(sku, draw(st.integers(0, units))) for sku, units in left.items()]
    return order_of(lines, fulfilments, backorder=backorder), wanted, given_next


def plainly(wanted, *parts) -> dict[str, int]:
    """What of it is in none of the parts."""
    left = dict(wanted)
    for part in parts:
        for sku, units in part:
            left[sku] -= units
    return {sku: units for sku, units in left.items() if units > 0}


@given(orders())
@settings(max_examples=60, deadline=None)
def test_what_is_missing_is_not_missed_or_what_is_there_is_asked_for_again(made):
    order, wanted, more = made
    held = [f.lines for f in order.fulfilments]
    allocated = [f.lines for f in order.fulfilments if f.status != "reserving"]
    assert missing_of(order) == plainly(wanted, *held)
    assert lacking(order) == plainly(wanted, *allocated)
    assert lacking_after(order, more) == plainly(wanted, *allocated, more)


def test_what_a_line_gave_while_others_are_asked_for_it_covers_something_else():
    shop = shop_of()
    order_id = place(shop, ("a", 1), ("b", 1))
    shop.deliver_all()
    shop.do("order", order_id, UpdateOrder("allocate", places=[Place("far", {"a": 1})]), "again")
    shop.receive("near", "a", 1)
    (offer,) = [one for one in shop.post if type(one.message.command) is UnitsOffered]
    shop.apply(offer)
    order = state(shop, order_id)
    assert (missing_of(order), order.short) == ({"b": 1}, True)
    order = state(shop.deliver_all(), order_id)
    assert (missing_of(order), order.short) == ({"b": 1}, True)


def test_a_kit_counts_as_one_unit_although_its_parts_are_several():
    kits = {"kit": [("a", 2), ("b", 1)]}
    lines = [Line("kit", 3, 100)]
    # As many units as kits were ordered, and yet most of it is missing.
    order = order_of(lines, [Fulfilment(1, "us-wh-1", "allocated", [("a", 3)])], kits)
    assert missing_of(order) == {"a": 3, "b": 3}
