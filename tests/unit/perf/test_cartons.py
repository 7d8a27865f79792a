"""The figures compare with something that nobody would do, or of orders that are none."""

import random

import pytest

from actors.domain.carton import Item, pack
from perf.cartons import CARTONS, UNITS, by_volume, measure, order


@pytest.mark.parametrize("units", UNITS)
def test_an_order_has_other_units_or_does_not_fit(units):
    items = order(random.Random(units), units)
    assert sum(item.units for item in items) == units
    assert pack(items, CARTONS, 0)


def test_volume_alone_chooses_a_dearer_carton_or_one_that_is_too_small():
    litre = Item("a", 1, 100, 100, 100, 100)
    assert by_volume([litre], 0.2).carton == "A5"
    # 2.64 litres inside: full is allowed only without a margin.
    box = Item("a", 1, 220, 150, 80, 100)
    assert by_volume([box], 0).carton == "A5"
    assert by_volume([box], 0.2).carton == "A4 flat"
    assert by_volume([Item("lead", 1, 10, 10, 10, 5_000)], 0).carton == "shoe"
    assert by_volume([Item("lead", 1, 10, 10, 10, 40_000)], 0) is None


def test_a_figure_is_of_other_orders_the_next_time():
    first, second = (measure(5, 3, 1_000, 0.2) for _ in range(2))
    assert first._replace(p50_ms=0, p99_ms=0) == second._replace(p50_ms=0, p99_ms=0)
    assert first.parcels >= 1
    assert 0 < first.fill <= 1
    assert 0 <= first.air_fits <= 1
