from __future__ import annotations

import msgspec
import pytest

from actors.domain.collection_commands import (
    ExtendCollection,
    LocateUnits,
    LookAtCollection,
    MakeReady,
    Notices,
    SayHere,
)
from actors.domain.collection_events import CustomerHere, PickupOpened
from actors.domain.collection_evolve import ASKED_AGAIN_MS
from actors.domain.collection_state import due, restored
from actors.domain.errors import Refused
from actors.domain.floor_terms import FloorTerms
from actors.domain.location_commands import RunFloor
from actors.domain.order_commands import RetryAllocation, UpdateOrder
from actors.domain.order_pickup_state import Pickup, PickupAt
from actors.domain.order_terms_commands import HoldOrder, ReleaseOrder
from tests.unit.domain.pickup_world import CODE, NOTICES, ORDER, Shop, told
from tests.unit.domain.transfer_world import DAY_MS, NOW_MS, PORTLAND, SEATTLE

HOUR_MS = 3_600_000
LATE = {"late_ms": 4 * HOUR_MS, "give_up_ms": 10 * HOUR_MS}


def late_shop(store: dict[str, int], warehouse: dict[str, int], *lines: tuple[str, int], **more) -> Shop:
    shop = Shop(store, warehouse)
    shop.place_order(*lines, **(LATE | more))
    return shop


def wait(shop: Shop, hours: float, at: int = 0) -> None:
    shop.now_ms += int(hours * HOUR_MS)
    shop.look(at)


def hold(shop: Shop, *, settle: bool = True, kind: str = "fraud") -> None:
    shop.do("order", ORDER, HoldOrder([kind]))
    if settle:
        shop.settle()


def free(shop: Shop, *, settle: bool = True, kind: str = "fraud") -> None:
    shop.do("order", ORDER, ReleaseOrder([kind]))
    if settle:
        shop.settle()


def both_agree(shop: Shop, at: int = 0) -> int:
    """Until when the order and its collection both say that it is kept."""
    name = shop.of("collection")[at]
    known, terms = shop.order().pickup.collections[name], shop.collection(at).terms
    assert terms is not None
    assert known.collect_by_ms == terms.collect_by_ms
    return terms.collect_by_ms


# --- a store that does nothing ----------------------------------------------------------------------------------------
def test_a_collection_that_nobody_makes_ready_hangs_for_ever():
    shop = late_shop({"a": 2}, {"a": 5}, ("a", 2))
    wait(shop, 3.9)
    assert shop.seen().late_at_ms is None
    wait(shop, 0.1)
    assert shop.seen().late_at_ms == shop.now_ms
    shop.look()
    assert shop.seen().status == "locating"
    wait(shop, 6)
    assert (shop.seen().status, shop.shown().pickup.status) == ("given_up", "coming")
    # Nobody has said that they are missing: they are the store's again, and another place is asked.
    assert shop.stock(PORTLAND, "a") == (2, 0)
    assert [one.source_id for one in (shop.transfer(name) for name in shop.of("transfer"))] == [SEATTLE]
    shop.arrive(shop.send(("a", 2)))
    shop.make_ready(1)
    shop.collect(at=1)
    assert shop.shown().status == "delivered"
    assert shop.stock(PORTLAND, "a") == (2, 0)


def test_an_order_that_no_other_place_can_supply_is_not_asked_for_again():
    shop = late_shop({"a": 2}, {}, ("a", 2))
    wait(shop, 4)
    wait(shop, 6)
    [transfer] = shop.of("transfer")
    assert shop.view(transfer).status == "closed"
    assert shop.shown().pickup.status == "waiting"
    retry_at_ms = shop.order().retry_at_ms
    assert retry_at_ms is not None
    shop.now_ms = retry_at_ms
    shop.do("order", ORDER, RetryAllocation())
    shop.settle()
    assert shop.shown().pickup.status == "locating"
    assert shop.seen(1).status == "locating"
    shop.make_ready(1)
    shop.collect(at=1)
    assert shop.shown().status == "delivered"


def test_an_order_that_knows_nobody_else_does_not_ask_again():
    shop = late_shop({"a": 2}, {}, ("a", 2), settle=False)
    pickup = shop.order().pickup
    pickup.at = msgspec.structs.replace(pickup.at, sources=[])
    shop.settle()
    wait(shop, 4)
    wait(shop, 6)
    assert (shop.of("transfer"), shop.shown().pickup.status) == ([], "waiting")
    assert shop.order().retry_at_ms == shop.now_ms + 60_000


def test_what_was_found_goes_back_with_what_was_not():
    shop = late_shop({"a": 2, "b": 2}, {"b": 5}, ("a", 1), ("b", 2))
    shop.step(LocateUnits([("a", 1), ("b", 1)]))
    wait(shop, 4)
    wait(shop, 6)
    assert (shop.seen().status, shop.seen().late_at_ms) == ("located", None)
    assert [(line.sku, line.quantity) for line in shop.seen().lines] == [("a", 1), ("b", 1)]
    assert shop.stock(PORTLAND, "b") == (2, 1)
    # It is as late again with what it has, and then gives up all of it.
    wait(shop, 4)
    assert shop.seen().late_at_ms == shop.now_ms
    wait(shop, 6)
    assert shop.seen().status == "given_up"
    assert shop.stock(PORTLAND, "a") == (2, 0)
    assert shop.stock(PORTLAND, "b") == (2, 0)


def test_a_store_is_late_before_the_customer_expects_it():
    shop = late_shop({"a": 2}, {}, ("a", 2), ready_by_ms=NOW_MS + 30 * HOUR_MS)
    assert shop.shown().pickup.ready_by.timestamp() * 1000 == NOW_MS + 30 * HOUR_MS
    wait(shop, 33.9)
    assert shop.seen().late_at_ms is None
    wait(shop, 0.2)
    assert shop.seen().late_at_ms is not None


def test_the_customer_is_not_told_another_time():
    shop = late_shop({"a": 2}, {"a": 5}, ("a", 2), settle=False)
    state = shop.order()
    state.sealed, state.email_digest = b"sealed", "digest"
    shop.settle()
    wait(shop, 4)
    assert shop.notices() == []
    wait(shop, 6)
    assert shop.notices() == ["pickup.new_date"]
    # A day for the transfer, as at the placement, and what the store may take.
    assert shop.shown().pickup.ready_by.timestamp() * 1000 == shop.now_ms + DAY_MS + 4 * HOUR_MS


def test_a_collection_that_is_made_ready_in_time_is_given_up():
    shop = late_shop({"a": 2}, {}, ("a", 2))
    wait(shop, 5)
    shop.make_ready()
    wait(shop, 20)
    assert shop.seen().status == "ready"


def test_a_cancellation_crosses_what_is_given_up():
    shop = late_shop({"a": 2}, {"a": 5}, ("a", 2))
    wait(shop, 4)
    shop.now_ms += 6 * HOUR_MS
    shop.do("collection", shop.of("collection")[0], LookAtCollection())
    shop.cancel()
    assert shop.seen().status == "cancelled"
    assert shop.stock(PORTLAND, "a") == (2, 0)
    assert shop.of("transfer") == []


def test_the_floor_goes_on_picking_what_was_given_up():
    shop = Shop({"a": 2}, {})
    shop.do("location", PORTLAND, RunFloor(FloorTerms()))
    shop.place_order(("a", 2), **LATE)
    wait(shop, 4)
    wait(shop, 6)
    assert shop.seen().status == "given_up"
    assert shop.order().at_floors == []
    assert any(type(sent.message.command).__name__ == "EndWork" for sent in shop.sent.values())


def test_what_the_floor_has_just_picked_is_given_up():
    shop = Shop({"a": 2}, {})
    shop.do("location", PORTLAND, RunFloor(FloorTerms()))
    shop.place_order(("a", 2), **LATE)
    wait(shop, 4)
    shop.do("order", ORDER, UpdateOrder("start_picking", 1, by_floor=True))
    shop.do("order", ORDER, UpdateOrder("pack", 1, by_floor=True))
    crossing = list(shop.waiting)
    shop.now_ms += 6 * HOUR_MS
    shop.do("collection", shop.of("collection")[0], LookAtCollection())
    asked = next(n for n in shop.waiting if n not in crossing)
    shop.deliver(asked)
    shop.settle()
    assert (shop.seen().status, shop.seen().last_refusal) == ("located", "order.pickup_differs")
    assert due(shop.collection()) == shop.now_ms + ASKED_AGAIN_MS
    # By then it knows, and gives up what nobody makes ready.
    shop.now_ms += ASKED_AGAIN_MS
    shop.look()
    assert (shop.seen().status, due(shop.collection())) == ("given_up", None)
    assert shop.stock(PORTLAND, "a") == (2, 0)


# --- held -------------------------------------------------------------------------------------------------------------
def test_a_held_order_expires():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    shop.now_ms += DAY_MS
    hold(shop)
    assert shop.seen().held
    for _ in range(3):
        wait(shop, 90)
    assert (shop.seen().status, shop.notices()) == ("ready", ["pickup.ready"])
    free(shop)
    assert not shop.seen().held
    # Two of its three days were left.
    assert both_agree(shop) == shop.now_ms + 2 * DAY_MS
    wait(shop, 47.9)
    assert shop.seen().status == "ready"
    wait(shop, 0.2)
    assert (shop.seen().status, shop.stock(PORTLAND, "a")) == ("expired", (2, 0))


def test_a_hold_in_the_last_hour_leaves_the_customer_an_hour():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    shop.now_ms += 3 * DAY_MS - HOUR_MS
    hold(shop)
    shop.now_ms += 5 * DAY_MS
    free(shop)
    assert both_agree(shop) == shop.now_ms + DAY_MS


def test_a_release_of_one_of_two_holds_lets_it_go_on():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    hold(shop)
    shop.now_ms += DAY_MS
    hold(shop, kind="address")
    shop.now_ms += DAY_MS
    free(shop)
    assert shop.seen().held
    wait(shop, 24 * 9)
    assert shop.seen().status == "ready"
    free(shop, kind="address")
    assert both_agree(shop) == shop.now_ms + 3 * DAY_MS


def test_words_on_holds_that_cross_leave_it_held_for_ever():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    hold(shop, settle=False)
    free(shop, settle=False)
    for number in sorted(shop.waiting, reverse=True):
        shop.deliver(number)
        shop.deliver(number)
    shop.settle()
    assert not shop.seen().held
    assert due(shop.collection()) is not None
    both_agree(shop)


def test_a_collection_that_is_opened_while_the_order_is_held_is_late():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2), **LATE)
    hold(shop)
    shop.arrive(shop.send(("a", 2)))
    assert shop.seen().held
    wait(shop, 40)
    assert shop.seen().late_at_ms is None
    free(shop)
    wait(shop, 3.9)
    assert shop.seen().late_at_ms is None
    wait(shop, 0.2)
    assert shop.seen().late_at_ms is not None


def test_a_hold_that_crosses_the_expiry_is_too_late():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    wait(shop, 60)
    hold(shop, settle=False)
    shop.now_ms += 20 * HOUR_MS
    shop.do("collection", shop.of("collection")[0], LookAtCollection())
    shop.settle()
    assert (shop.seen().status, shop.seen().last_refusal, shop.seen().held) == ("ready", "order.held", True)
    # Only the timer was refused, and nobody who does something else meanwhile is told so.
    assert shop.step(SayHere("bay 1")).last_refusal == ""


def test_a_refused_expiry_is_asked_again_at_once_and_for_ever():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    wait(shop, 60)
    hold(shop, settle=False)
    word = list(shop.waiting)
    shop.now_ms += 20 * HOUR_MS
    shop.do("collection", shop.of("collection")[0], LookAtCollection())
    while rest := [n for n in shop.waiting if n not in word]:
        shop.deliver(rest[0])
    # The word on the hold is on its way yet; the refusal is one too.
    assert shop.seen().held
    assert due(shop.collection()) is None
    shop.settle()
    free(shop)
    assert both_agree(shop) == shop.now_ms + DAY_MS


@pytest.mark.parametrize("first", ["MovePickup", "ResumeCollection"])
def test_an_extension_that_crosses_a_release_makes_it_shorter(first):
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    hold(shop)
    shop.now_ms += 10 * DAY_MS
    name = shop.of("collection")[0]
    shop.do("collection", name, ExtendCollection(shop.now_ms + DAY_MS, 14 * DAY_MS))
    free(shop, settle=False)
    shop.deliver(next(n for n in shop.waiting if type(shop.sent[n].message.command).__name__ == first))
    shop.settle()
    assert both_agree(shop) == shop.now_ms + 3 * DAY_MS


def test_the_customer_of_a_released_order_is_reminded_of_the_old_day():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2), settle=False)
    state = shop.order()
    state.sealed, state.email_digest = b"sealed", "digest"
    shop.settle()
    shop.make_ready()
    hold(shop)
    shop.now_ms += 4 * DAY_MS
    free(shop)
    assert shop.notices() == ["pickup.new_date", "pickup.ready"]
    shop.now_ms += 2 * DAY_MS
    shop.look()
    assert shop.notices() == ["pickup.new_date", "pickup.new_date", "pickup.ready"]


def test_what_is_held_is_made_ready_or_ended_by_time():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    hold(shop)
    shop.step(LocateUnits([("a", 2)]))
    shop.step(MakeReady(CODE, shop.now_ms + DAY_MS, NOTICES))
    assert (shop.seen().status, shop.seen().last_refusal) == ("located", "order.held")
    free(shop)
    shop.step(MakeReady(CODE, shop.now_ms + DAY_MS, Notices(told("again"))))
    hold(shop)
    shop.end("expired")
    assert (shop.seen().status, shop.seen().last_refusal) == ("ready", "order.held")
    shop.end("left_behind")
    assert shop.seen().status == "left_behind"


def test_a_held_order_is_cancelled_and_waits_on():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    hold(shop)
    shop.cancel()
    assert (shop.seen().status, shop.seen().held) == ("cancelled", False)
    with pytest.raises(Refused):
        free(shop)


# --- what was written before ------------------------------------------------------------------------------------------
def test_collections_and_orders_of_then_can_not_be_read():
    at = msgspec.msgpack.encode(["us-st-a", [], None, 0, 0, []])
    assert msgspec.msgpack.decode(at, type=PickupAt) == PickupAt("us-st-a")
    pickup = msgspec.msgpack.encode([["us-st-a", [], None, 0, 0, []], {}, {}])
    assert msgspec.msgpack.decode(pickup, type=Pickup) == Pickup(PickupAt("us-st-a"))
    before = {"order_id": "us-1", "location_id": "us-st-a", "opened_at_ms": 1, "updated_at_ms": 1, "here_spot": "bay 1"}
    told = restored(msgspec.msgpack.encode(before))
    assert (told.here_spot, told.clock, due(told)) == ("bay 1", None, None)
    here = msgspec.json.decode(b'{"type":"CustomerHere","location_id":"us-st-a","spot":"bay 1"}', type=CustomerHere)
    assert (here.spot, here.sealed_spot) == ("bay 1", b"")
    opened = b'{"type":"PickupOpened","order_id":"us-1","location_id":"us-st-a","parts":[]}'
    assert msgspec.json.decode(opened, type=PickupOpened).clock is None
