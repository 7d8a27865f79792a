"""The state pictures in `docs/domain/` say what the code does."""

from __future__ import annotations

import pytest

from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.order_events import OrderCancelled, OrderPlaced
from actors.domain.order_evolve import evolve
from actors.domain.order_state import Line, ShipTo
from tests.simulation.checks import pictured
from tests.simulation.history import History
from tests.simulation.pictures import MACHINES, OUTSIDE, PAGES, Step, Watch, drawn, picture, shown_in

PLACED = Step("order", OUTSIDE, "placed", "OrderPlaced")
BACK = Step("order", "delivered", "placed", "OrderForged")


def wrong(*steps: Step) -> list[str]:
    return list(pictured(History(steps=dict.fromkeys(steps))))


def test_an_order_goes_from_delivered_to_placed_and_no_page_has_to_show_it():
    assert wrong(PLACED) == []
    assert len(wrong(PLACED, BACK)) == 1
    assert "order.md does not show order from delivered to placed by OrderForged" in wrong(BACK)[0]


def test_what_is_drawn_reads_as_something_else():
    twice = PLACED._replace(events="AllocationAsked, OrderPlaced")
    steps = {PLACED, twice, BACK, Step("trip", "open", "claimed", "TripClaimed")}
    page = picture("order", [])
    assert shown_in(drawn(page, "order", steps), "order") == {PLACED, twice, BACK}
    assert shown_in(drawn(page, "order", steps), "trip") == set()


def test_a_page_without_a_place_loses_its_picture_unnoticed():
    for page in ("", picture("trip", []), picture("order", []) * 2):
        with pytest.raises(ValueError, match="one place"):
            drawn(page, "order", [PLACED])


def test_a_turn_is_shown_by_what_nobody_could_see_between_its_events():
    context = Context("us-1", "k", 1)
    placed = OrderPlaced("r", "online", "c", "US", ShipTo("US"), "USD", [Line("A", 1, 1)], [], "k")
    watch = Watch("order", None)
    state = evolve(None, placed, context)
    watch.happened(placed, state)
    cancelled = OrderCancelled([])
    watch.happened(cancelled, evolve(state, cancelled, context))
    assert list(watch.steps()) == [Step("order", OUTSIDE, "cancelled", "OrderPlaced, OrderCancelled")]


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_has_no_picture(name: str):
    machine = MACHINES[name]
    assert machine.kind in KINDS
    steps = shown_in((PAGES / machine.page).read_text(), name)
    assert any(step.before == OUTSIDE for step in steps)
    assert len(steps) > 1
