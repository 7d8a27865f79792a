"""With which locations an order has to do: whoever works there may know whose it is, and nobody else of those who
are bound to locations."""

from __future__ import annotations

import pytest

from actors.domain import order
from actors.domain.order_pickup_state import Pickup, PickupAt
from actors.domain.order_state import Fulfilment, Line, Order, ShipTo, copied, order_row, places_of, restored
from actors.domain.order_views import ViewContact

ORDER_ID = "us-01kah2v3nq7h3k2m9qk4t1x0ab"


def placed(*fulfilments, pickup=None):
    return Order(
        "ref", "online", "cust", "US", ShipTo("US"), "USD", [Line("a", 2, 1299)], list(fulfilments), 1, 1,
        retry_places=["us-wh-asked"], pickup=pickup,
    )  # fmt: skip


def part(location_id, status):
    return Fulfilment(1, location_id, status, [("a", 1)])


@pytest.mark.parametrize("status", ["reserving", "allocated", "picking", "packed", "shipped", "delivered", "cancelled"])
def test_a_place_counts_no_longer_or_not_yet(status):
    assert places_of(placed(part("us-wh-b", status), part("us-wh-a", "allocated"))) == ["us-wh-a", "us-wh-b"]


def test_the_store_where_it_will_be_collected_has_nothing_to_do_with_it():
    pickup = Pickup(PickupAt("us-st-here"))
    assert places_of(placed(pickup=pickup)) == ["us-st-here"]
    assert places_of(placed(part("us-st-here", "allocated"), pickup=pickup)) == ["us-st-here"]


def test_a_place_that_was_asked_and_gave_nothing_has_to_do_with_it():
    assert places_of(placed()) == []


def test_the_answer_within_the_cell_or_the_row_tells_of_other_places_than_the_state():
    state = placed(part("us-wh-a", "shipped"), pickup=Pickup(PickupAt("us-st-here")))
    told = order.view(copied(state), ViewContact(ORDER_ID), 1)
    assert told.places == places_of(restored(order_row(ORDER_ID, state, 1).state)) == ["us-st-here", "us-wh-a"]
