"""A store that lets an order down, played on for long: nothing is asked without end or by the
minute, and nothing hangs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.domain.collection_clock import warns
from actors.domain.collection_commands import LocateUnits, LookAtCollection, OrderAnswered
from actors.domain.collection_events import LeftToPeople
from actors.domain.collection_evolve import ASKED_AGAIN_MAX_MS, asked_again_ms
from actors.domain.collection_state import due
from actors.domain.errors import Refused
from actors.domain.floor_terms import FloorTerms
from actors.domain.location_commands import ReceiptLine, RunFloor
from actors.domain.order_changes import OrderChanged
from actors.domain.order_commands import ForgetPerson, RetryAllocation, UpdateOrder
from actors.domain.order_pickup_commands import PartMove, PickupMoved
from actors.domain.order_pickup_state import Pickup, PickupAt
from actors.domain.order_state import ShipTo, due_of
from actors.domain.order_terms_commands import ChangeOrder, LineChange, NewAddress
from actors.domain.transfer_commands import CloseTransfer, ReceivedLine, ReceiveUnits
from tests.unit.domain.pickup_world import ORDER, Shop
from tests.unit.domain.test_collection_clock import HOUR_MS, LATE, free, hold, late_shop, wait
from tests.unit.domain.transfer_world import DAY_MS, PORTLAND

OTHER = ORDER[:-1] + ("0" if ORDER[-1] != "0" else "1")


def let_time_pass(shop: Shop, days: float) -> int:
    """Each timer goes off when it is due; how often any did."""
    until_ms, looks = shop.now_ms + int(days * DAY_MS), 0
    while True:
        dues = [(at_ms, n) for n in range(len(shop.of("collection"))) if (at_ms := due(shop.collection(n))) is not None]
        retry_ms = due_of(shop.order())
        at_ms, n = min([*dues, *([] if retry_ms is None else [(retry_ms, -1)])], default=(until_ms, 0))
        if at_ms >= until_ms:
            shop.now_ms = until_ms
            return looks
        shop.now_ms = max(shop.now_ms, at_ms)
        if n < 0:
            shop.do("order", ORDER, RetryAllocation())
            shop.settle()
        else:
            shop.look(n)
        looks += 1


def with_email(shop: Shop) -> Shop:
    state = shop.order()
    state.sealed, state.email_digest = b"sealed", "digest"
    return shop


def gives_up(shop: Shop, at: int = 0) -> None:
    for _ in range(2):
        at_ms = due(shop.collection(at))
        assert at_ms is not None
        shop.now_ms = max(shop.now_ms, at_ms)
        shop.look(at)
    assert shop.seen(at).status == "given_up"


def picked(shop: Shop) -> None:
    shop.do("order", ORDER, UpdateOrder("start_picking", 1, by_floor=True))
    shop.do("order", ORDER, UpdateOrder("pack", 1, by_floor=True))


def of_floor() -> Shop:
    shop = Shop({"a": 2}, {})
    shop.do("location", PORTLAND, RunFloor(FloorTerms()))
    shop.place_order(("a", 2), **LATE)
    return shop


# --- it lacks something for long --------------------------------------------------------------------------------------
def test_an_order_that_gave_up_is_not_asked_for_any_more_after_some_hours():
    shop = late_shop({"a": 2}, {}, ("a", 2))
    wait(shop, 4)
    shop.now_ms += 6 * HOUR_MS
    shop.look()
    shop.place_order(("a", 2), order_id=OTHER)
    assert let_time_pass(shop, 40) < 80
    shop.cancel(OTHER)
    let_time_pass(shop, 1.01)
    assert len(shop.shown().pickup.collections) == 2


def test_what_a_store_lacks_is_not_asked_for_any_more_when_units_come():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.step(LocateUnits([], [("a", 2)]))
    let_time_pass(shop, 3)
    shop.receive(PORTLAND, ReceiptLine("a", 5))
    let_time_pass(shop, 0.3)
    assert shop.shown().pickup.status == "locating"


def test_an_order_asks_by_the_hour_for_ever_and_grows():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.step(LocateUnits([], [("a", 2)]))
    let_time_pass(shop, 10)
    assert let_time_pass(shop, 30) <= 31
    order = shop.order()
    assert (len(order.fulfilments), len(order.pickup.coming), len(order.retry_places)) == (1, 1, 1)


def test_what_was_given_up_is_asked_for_as_seldom_as_what_it_lacked_for_long():
    shop = late_shop({"a": 2}, {}, ("a", 2))
    shop.order().retries = 60
    wait(shop, 4)
    wait(shop, 6)
    assert shop.order().retries == 0
    assert shop.order().retry_at_ms == shop.now_ms + 60_000


# --- a store that does nothing ----------------------------------------------------------------------------------------
def test_goods_are_sent_for_ever_to_a_store_that_does_nothing():
    shop = with_email(late_shop({"a": 2}, {"a": 50}, ("a", 2), settle=False))
    shop.settle()
    gives_up(shop)
    # As long as it took at first, and what the store may take.
    at_ms = shop.now_ms + DAY_MS + LATE["late_ms"]
    assert shop.shown().pickup.ready_by.timestamp() * 1000 == at_ms
    said = {one.template: one for name in shop.of("notice") if (one := shop.entities["notice", name][0])}
    assert "ready_by" in msgspec.json.decode(said["pickup.new_date"].sealed_content)
    assert said["pickup.new_date"].until_ms == at_ms + DAY_MS
    shop.arrive(shop.send(("a", 2)))
    gives_up(shop, 1)
    shown = shop.shown().pickup
    assert (shown.status, shown.ready_by) == ("waiting", msgspec.UNSET)
    assert shown.stopped_at.timestamp() * 1000 == shop.now_ms
    assert let_time_pass(shop, 60) == 0
    assert (len(shop.of("transfer")), len(shop.of("collection")), len(shop.order().fulfilments)) == (1, 2, 2)
    assert shop.notices() == ["pickup.delayed", "pickup.new_date"]
    (last,) = [
        one for name in shop.of("notice") if (one := shop.entities["notice", name][0]).template == "pickup.delayed"
    ]
    assert "ready_by" not in msgspec.json.decode(last.sealed_content)
    assert shop.stock(PORTLAND, "a") == (4, 0)
    shop.cancel()
    assert shop.shown().pickup.stopped_at is msgspec.UNSET


def test_a_store_that_does_nothing_is_asked_for_ever_for_what_it_has():
    shop = with_email(late_shop({"a": 2}, {}, ("a", 2), settle=False))
    shop.settle()
    assert let_time_pass(shop, 90) < 10
    assert [one.status for one in shop.shown().pickup.collections] == ["given_up", "given_up"]
    assert shop.notices() == ["pickup.delayed", "pickup.new_date"]


def test_nobody_hears_that_an_order_is_left_to_people():
    shop = late_shop({"a": 2}, {"a": 50}, ("a", 2))
    gives_up(shop)
    shop.arrive(shop.send(("a", 2)))
    gives_up(shop, 1)
    told = [[event for event, _ in shop.events["collection", name]] for name in shop.of("collection")]
    assert [events.count(LeftToPeople(PORTLAND)) for events in told] == [0, 1]
    assert "people" in warns(LeftToPeople(PORTLAND))


def test_people_can_not_have_it_asked_for_once_more():
    shop = late_shop({"a": 2}, {"a": 50}, ("a", 2))
    gives_up(shop)
    shop.arrive(shop.send(("a", 2)))
    gives_up(shop, 1)
    shop.do("order", ORDER, UpdateOrder("allocate"))
    shop.settle()
    assert (shop.shown().pickup.status, shop.shown().pickup.stopped_at) == ("locating", msgspec.UNSET)
    shop.make_ready(2)
    shop.collect(at=2)
    assert shop.shown().status == "delivered"


def test_what_is_not_found_after_the_last_time_is_asked_for():
    shop = late_shop({"a": 2, "b": 2}, {"a": 9, "b": 9}, ("a", 2), ("b", 2))
    gives_up(shop)
    shop.arrive(shop.send(("a", 2), ("b", 2)))
    shop.step(LocateUnits([("a", 2)]), 1)
    # It lets the order down with half of it; the rest is not there either.
    wait(shop, 48, 1)
    wait(shop, 48, 1)
    assert shop.shown().pickup.stopped_at is not msgspec.UNSET
    assert shop.seen(1).status == "located"
    assert let_time_pass(shop, 30) < 5
    assert len(shop.of("transfer")) == 1


# --- the rest is given up ---------------------------------------------------------------------------------------------
def fewer(shop: Shop, *lines: tuple[int, int], **more: Any) -> OrderChanged:
    changed = shop.do("order", ORDER, ChangeOrder([LineChange(*line) for line in lines], **more))
    shop.settle()
    assert isinstance(changed, OrderChanged)
    return changed


def refused(shop: Shop, *lines: tuple[int, int], **more: Any) -> dict[str, Any]:
    with pytest.raises(Refused) as found:
        fewer(shop, *lines, **more)
    assert found.value.body.code == "order.store_hands_over"
    return found.value.body.extra


def test_the_rest_of_what_was_collected_can_not_be_given_up_and_the_person_never_erased():
    shop = late_shop({"a": 2, "b": 1}, {}, ("a", 2), ("b", 1))
    shop.step(LocateUnits([("a", 2)], shelf="S1"))
    wait(shop, 4)
    wait(shop, 6)
    shop.make_ready()
    shop.collect()
    # The store has let it down with the other line, and does so again.
    let_time_pass(shop, 30)
    assert [one.status for one in shop.shown().pickup.collections] == ["collected", "given_up"]
    assert (shop.shown().status, shop.order().pickup.stopped_at_ms is None) == ("partly_shipped", False)
    with pytest.raises(Refused, match="under_way"):
        shop.do("order", ORDER, ForgetPerson())
    changed = fewer(shop, (2, 0))
    assert (changed.status, changed.refund.amount) == ("delivered", 100)
    assert (due_of(shop.order()), shop.shown().pickup.stopped_at) == (None, msgspec.UNSET)
    assert shop.stock(PORTLAND, "b") == (1, 0)
    shop.do("order", ORDER, ForgetPerson())
    assert shop.order().forgotten


def test_an_order_asks_daily_for_ever_for_what_nobody_wants_any_more():
    shop = Shop({"a": 3, "b": 1}, {})
    shop.place_order(("a", 2), ("b", 1))
    shop.step(LocateUnits([("a", 2)], [("b", 1)], "S1"))
    shop.make_ready()
    assert fewer(shop, (2, 0)).status == "packed"
    assert due_of(shop.order()) is None
    shop.collect()
    assert shop.shown().status == "delivered"


def test_what_lies_at_the_store_or_is_on_the_road_is_taken_away_behind_its_back():
    shop = Shop({"a": 2}, {"b": 2})
    shop.place_order(("a", 2), ("b", 3), settle=False)
    shop.settle()
    told = refused(shop, (1, 1), (2, 1))["not_changed"]
    assert [(one["line"], one["code"], one["quantity_min"]) for one in told] == [
        (1, "order.store_hands_over", 2),
        (2, "order.store_hands_over", 2),
    ]
    assert [one["fulfilments"] for one in told] == [[f"{ORDER}.1"], [f"{ORDER}.2"]]
    changed = fewer(shop, (1, 0), (2, 2))
    assert [(one.line, one.quantity) for one in changed.lines] == [(2, 2)]
    assert [one.line for one in changed.not_changed] == [1]
    shop.arrive(shop.send(("b", 2)))
    refused(shop, (2, 0))
    shop.make_ready()
    refused(shop, (1, 0))
    shop.collect()
    assert shop.shown().status == "delivered"
    assert (shop.stock(PORTLAND, "a"), shop.stock(PORTLAND, "b")) == ((0, 0), (0, 0))


def test_what_is_lost_on_the_road_after_less_was_wanted_is_asked_for():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 3))
    fewer(shop, (1, 2))
    name = shop.send(("a", 2))
    shop.do("transfer", name, ReceiveUnits(lines=[ReceivedLine("a", 1)]))
    shop.settle()
    shop.do("transfer", name, CloseTransfer([("a", 1)]))
    shop.settle()
    assert [(one.sku, one.quantity) for one in shop.shown().backordered] == [("a", 1)]
    fewer(shop, (1, 1))
    shop.make_ready()
    shop.collect()
    assert shop.shown().status == "delivered"


def test_an_order_that_is_collected_is_changed_in_other_things():
    shop = Shop({"a": 2}, {"a": 9})
    shop.place_order(("a", 3), ("b", 1))
    refused(shop, (1, 4))
    refused(shop, (2, 0), service_level="express")
    refused(shop, (2, 0), address=NewAddress(ShipTo("US")))
    assert len(shop.order().lines) == 2
    assert shop.order().lines[1].quantity == 1


# --- refusals ---------------------------------------------------------------------------------------------------------
def test_what_the_floor_has_picked_and_nobody_makes_ready_is_asked_for_by_the_minute():
    shop = of_floor()
    picked(shop)
    shop.settle()
    assert shop.seen().status == "located"
    assert let_time_pass(shop, 0.41) <= 2
    wait(shop, 1)
    assert shop.seen().status == "given_up"
    assert shop.stock(PORTLAND, "a") == (2, 0)
    assert shop.shown().status == "backordered"


def test_a_part_of_which_the_floor_finds_nothing_hangs_before_there_is_a_collection():
    shop = Shop({"a": 2}, {"b": 2})
    shop.do("location", PORTLAND, RunFloor(FloorTerms()))
    shop.place_order(("a", 2), ("b", 2))
    shop.do("order", ORDER, UpdateOrder("start_picking", 1, by_floor=True))
    with pytest.raises(Refused, match="store_hands_over"):
        shop.do("order", ORDER, UpdateOrder("cancel", 1, by_floor=True))
    shop.do("order", ORDER, UpdateOrder("short_pick", 1, lines=[("a", 2)], by_floor=True))
    with pytest.raises(Refused, match="store_hands_over"):
        shop.do("order", ORDER, UpdateOrder("cancel", 1))
    assert shop.of("collection") == []
    shop.do("order", ORDER, UpdateOrder("cancel", 1, by_floor=True))
    assert (shop.order().fulfilments[0].status, shop.order().at_floors) == ("cancelled", [])
    shop.settle()
    assert not shop.order().cancelled


def test_what_the_order_refuses_again_and_again_is_asked_by_the_minute():
    assert [asked_again_ms(n) // 60_000 for n in (0, 1, 2, 5)] == [1, 2, 4, 32]
    assert asked_again_ms(11) == asked_again_ms(10_000) == ASKED_AGAIN_MAX_MS
    shop = of_floor()
    picked(shop)
    word = list(shop.waiting)
    shop.now_ms += 4 * HOUR_MS
    name, asks = shop.of("collection")[0], 0
    until_ms = shop.now_ms + 3 * DAY_MS
    while (at_ms := due(shop.collection())) is not None and at_ms < until_ms:
        shop.now_ms = max(shop.now_ms, at_ms)
        shop.do("collection", name, LookAtCollection())
        while rest := [n for n in shop.waiting if n not in word]:
            shop.deliver(rest[0])
        asks += 1
    # The word that it was picked is lost for days.
    assert shop.seen().last_refusal == "order.pickup_differs"
    assert asks < 15
    shop.settle()
    assert due(shop.collection()) <= shop.now_ms + 60_000
    wait(shop, 0.1)
    assert shop.seen().status == "given_up"


def test_an_order_that_was_held_before_there_were_words_on_it_is_asked_for_ever():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    hold(shop)
    one, pickup = shop.collection(), shop.order().pickup
    one.paused_at_ms, one.turn, pickup.turn, pickup.paused_at_ms = None, 0, 0, None
    version = shop.seen().version
    let_time_pass(shop, 20)
    assert (shop.seen().held, shop.seen().last_refusal) == (True, "order.held")
    assert shop.seen().version - version < 8
    free(shop)
    assert not shop.seen().held
    assert shop.collection().terms.collect_by_ms == shop.now_ms + DAY_MS


@pytest.mark.parametrize("turn", [1, None])
def test_a_refusal_that_comes_after_the_release_holds_it_for_ever(turn):
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    hold(shop)
    free(shop)
    name, state = shop.of("collection")[0], shop.collection()
    wait(shop, 100)
    assert state.turn == 2
    shop.do("collection", name, LookAtCollection())
    shop.do("collection", name, OrderAnswered("expired", code="order.held", turn=turn))
    assert not shop.seen().held


# --- what was written before ------------------------------------------------------------------------------------------
def test_what_was_written_before_can_not_be_read():
    assert msgspec.json.decode(b"[1,[],[]]", type=PartMove) == PartMove(1, [])
    assert msgspec.json.decode(b'{"over":false}', type=PickupMoved) == PickupMoved(False)
    before = msgspec.msgpack.encode([["us-st-a", [], None, 0, 0, []], {}, {}, 3, None, 7])
    assert msgspec.msgpack.decode(before, type=Pickup) == Pickup(PickupAt("us-st-a"), {}, {}, 3, None, 7)
