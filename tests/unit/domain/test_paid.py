"""Customs are told less than was paid, or more; what was given away, or stands in for something, is worth nothing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.money import Money
from actors.domain.order_state import Line
from actors.domain.paid import Standing, in_minor_units, prices, worth_each, worth_here

KIT = {"K": [("P1", 1), ("P2", 1)]}


def usd(**costs):
    return {sku: Money(amount, "USD") for sku, amount in costs.items()}


def each(*lines, kits=None, costs=None):
    return worth_each([Line(*line) for line in lines], kits or {}, costs or {}, "USD")


def test_the_first_line_says_what_all_units_are_worth():
    assert each(("A", 1, 1_299), ("A", 9, 9_999)) == {"A": 9_129}


@pytest.mark.parametrize(
    ("costs", "worth"),
    [
        (usd(P1=200, P2=100), {"P1": Fraction(1_000, 3), "P2": Fraction(500, 3)}),
        # Not known of all, or not in one currency: evenly.
        (usd(P1=200), {"P1": 250, "P2": 250}),
        (usd(P1=200) | {"P2": Money(100, "EUR")}, {"P1": 250, "P2": 250}),
        # Which one, does not matter for shares.
        ({"P1": Money(200, "EUR"), "P2": Money(200, "EUR")}, {"P1": 250, "P2": 250}),
    ],
)
def test_a_kit_is_worth_what_its_parts_cost(costs, worth):
    assert each(("K", 3, 500), kits=KIT, costs=costs) == worth


def test_a_part_that_is_in_a_kit_twice_is_counted_once():
    assert each(("K", 1, 400), kits={"K": [("P1", 1), ("P2", 2), ("P1", 1)]}) == {"P1": 100, "P2": 100}


@pytest.mark.parametrize(
    ("costs", "worth"),
    [
        # 9 at 100, one at 50.
        (usd(A=50), {"A": 95}),
        # As much as those that were paid for.
        ({}, {"A": 100}),
        ({"A": Money(1, "EUR")}, {"A": 100}),
    ],
)
def test_what_was_free_makes_the_others_worth_less(costs, worth):
    assert each(("A", 9, 100), ("A", 1, 0), costs=costs) == worth


def test_what_was_free_has_a_value_of_which_nobody_knows():
    assert each(("A", 2, 0), ("K", 1, 0), kits=KIT, costs=usd(A=50, P1=7) | {"P2": Money(7, "EUR")}) == {
        "A": 50,
        "P1": 7,
    }
    assert each(("A", 0, 100)) == {}


def test_what_stands_in_is_worth_what_it_costs_and_not_what_it_stands_for():
    worth = {"A": Fraction(90), "B": Fraction(10)}
    stands = [Standing("A", "S", 2), Standing("A", "B", 1)]
    assert worth_here(worth, [("A", 1), ("S", 2), ("B", 3)], stands) == {"A": 90, "S": 90, "B": Fraction(110, 3)}
    # More stands in by the order than is left in the fulfilment; and of what nobody knows a value.
    assert worth_here(worth, [("S", 1), ("X", 1)], stands) == {"S": 90}


def test_a_slip_shows_the_last_lines_price_or_one_of_a_part():
    lines = [Line("A", 1, 1_299), Line("A", 9, 9_999), Line("K", 1, 50_000), Line("B", 0, 7)]
    assert prices(lines) == {"A": 9_129, "K": 50_000}


def test_a_third_of_a_cent_is_lost():
    assert in_minor_units(each(("K", 1, 500), kits={"K": [("P", 1), ("Q", 1), ("R", 1)]}), {"P": 1, "Q": 1, "R": 1}) == {
        "P": 167, "Q": 167, "R": 166,
    }  # fmt: skip
    assert in_minor_units({"A": Fraction(1, 3)}, {"A": 1}) == {"A": 1}
    # Customs send goods without a value back.
    assert in_minor_units({"A": Fraction(1, 100), "B": Fraction(5)}, {"A": 1, "B": 1}) == {"A": 1, "B": 5}
    assert in_minor_units({}, {}) == {}


# --- whatever was ordered ---------------------------------------------------------------------------------------------
KITS = {"K": [("A", 1), ("B", 2)], "L": [("B", 1), ("C", 3), ("B", 1)]}
SOLD = st.lists(
    st.builds(Line, st.sampled_from("ABCKL"), st.integers(1, 30), st.integers(10_000, 100_000)), min_size=1, max_size=6
)
COSTS = st.dictionaries(st.sampled_from("ABC"), st.builds(Money, st.integers(1, 999), st.sampled_from(["USD", "EUR"])))


def goods_of(lines):
    out = {}
    for line in lines:
        for sku, units in KITS.get(line.sku, [(line.sku, 1)]):
            out[sku] = out.get(sku, 0) + line.quantity * units
    return out


@given(SOLD, COSTS, st.data())
def test_more_or_less_is_declared_than_was_paid(lines, costs, data):
    worth, goods = worth_each(lines, KITS, costs, "USD"), goods_of(lines)
    paid = sum(line.quantity * line.amount for line in lines)
    assert worth.keys() == goods.keys()
    # In one parcel all of it, to the cent.
    assert sum(in_minor_units(worth, goods).values()) == paid
    # In several, never less, and at most a cent more for each.
    parcels = [{}, {}, {}]
    for sku, units in goods.items():
        first = data.draw(st.integers(0, units))
        second = data.draw(st.integers(0, units - first))
        for parcel, count in zip(parcels, (first, second, units - first - second), strict=True):
            if count:
                parcel[sku] = count
    told = [sum(in_minor_units(worth, parcel).values()) for parcel in parcels if parcel]
    assert paid <= sum(told) < paid + len(told)


@given(SOLD, st.data())
def test_what_stands_in_changes_what_was_paid(lines, data):
    worth, goods = worth_each(lines, KITS, {}, "USD"), goods_of(lines)
    paid = sum(line.quantity * line.amount for line in lines)
    here, stands = dict(goods), []
    for sku, substitute in (("A", "S"), ("B", "A"), ("C", "S")):
        units = data.draw(st.integers(0, goods.get(sku, 0)))
        if units:
            stands.append(Standing(sku, substitute, units))
            here[sku] -= units
            here[substitute] = here.get(substitute, 0) + units
    here = {sku: units for sku, units in here.items() if units}
    assert sum(in_minor_units(worth_here(worth, here.items(), stands), here).values()) == paid
