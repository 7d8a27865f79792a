from __future__ import annotations

import msgspec
import pytest

from actors.domain.collection_commands import (
    EndCollection,
    ExtendCollection,
    ForgetShelf,
    HandOver,
    LocateUnits,
    LookAtCollection,
    MakeReady,
    Notices,
    SayHere,
    VerifyCode,
    VerifyIdentity,
)
from actors.domain.collection_state import SHELF_KEPT_MS, VERIFIED_MS, due
from actors.domain.errors import Refused
from actors.domain.floor_terms import FloorTerms
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.location_commands import RunFloor
from actors.domain.order_commands import ForgetPerson, UpdateOrder
from actors.domain.transfer_commands import ReceivedLine, ReceiveUnits
from tests.unit.domain.pickup_world import CODE, NOTICES, ORDER, WRONG, Shop, told
from tests.unit.domain.transfer_world import DAY_MS, NOW_MS, PORTLAND, SEATTLE


def refused(shop: Shop, command, at: int = 0) -> str:
    before = shop.entities["collection", shop.of("collection")[at]]
    with pytest.raises(Refused) as found:
        shop.step(command, at)
    assert shop.entities["collection", shop.of("collection")[at]] == before
    return found.value.body.code


# --- as it should be ------------------------------------------------------------------------------------------------
def test_what_the_store_has_does_not_get_to_its_customer():
    shop = Shop({"a": 5, "b": 5}, {})
    shop.place_order(("a", 2), ("b", 1))
    assert shop.shown().pickup.status == "locating"
    assert shop.seen().status == "locating"
    shop.step(LocateUnits([("a", 1)]))
    assert [(line.sku, line.to_find) for line in shop.seen().lines] == [("a", 1), ("b", 1)]
    shop.step(LocateUnits([("a", 1), ("b", 1)], shelf="S1"))
    assert (shop.seen().status, shop.seen().shelf) == ("located", "S1")
    shop.make_ready()
    assert (shop.shown().status, shop.shown().pickup.status) == ("packed", "ready")
    assert shop.notices() == ["pickup.ready"]
    shop.step(SayHere("bay 4"))
    assert shop.seen().here_spot == "bay 4"
    shop.collect()
    assert (shop.shown().status, shop.shown().pickup.status) == ("delivered", "collected")
    assert shop.stock(PORTLAND, "a") == (3, 0)
    assert shop.seen().here_spot == ""


# --- cancellations ----------------------------------------------------------------------------------------------------
def test_a_cancellation_keeps_stock_at_the_store_and_at_the_source():
    shop = Shop({"a": 1}, {"a": 5})
    shop.place_order(("a", 3))
    shop.cancel()
    assert (shop.stock(PORTLAND, "a"), shop.stock(SEATTLE, "a")) == ((1, 0), (5, 0))
    assert shop.view(shop.of("transfer")[0]).status == "cancelled"


def test_what_is_on_the_road_of_a_cancelled_order_stays_promised():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2))
    name = shop.send(("a", 2))
    shop.do("transfer", name, ReceiveUnits(lines=[ReceivedLine("a", 1)]))
    shop.settle()
    assert shop.stock(PORTLAND, "a") == (1, 1)
    shop.cancel()
    assert shop.stock(PORTLAND, "a") == (1, 0)
    shop.do("transfer", name, ReceiveUnits(["1"]))
    shop.settle()
    assert shop.stock(PORTLAND, "a") == (2, 0)


def test_a_receipt_that_crosses_the_cancellation_is_not_given_back():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2))
    name = shop.send(("a", 2))
    shop.do("transfer", name, ReceiveUnits(lines=[ReceivedLine("a", 1)]))
    shop.cancel(settle=False)
    leave = next(n for n in shop.waiting if shop.sent[n].message.kind == "transfer")
    shop.deliver(leave)
    shop.settle()
    assert shop.stock(PORTLAND, "a") == (1, 0)


def test_a_transfer_is_requested_after_the_order_left_it():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2), settle=False)
    [request] = shop.waiting
    shop.cancel(settle=False)
    leave = next(n for n in shop.waiting if n != request)
    shop.deliver(leave)
    shop.deliver(request)
    shop.settle()
    assert shop.view(shop.of("transfer")[0]).status == "cancelled"
    assert shop.stock(SEATTLE, "a") == (2, 0)


def test_the_order_is_cancelled_while_it_is_handed_over():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    shop.step(VerifyCode(CODE))
    shop.do("collection", shop.of("collection")[0], HandOver())
    shop.cancel(settle=False)
    shop.settle()
    assert (shop.seen().status, shop.shown().status) == ("cancelled", "cancelled")
    assert shop.stock(PORTLAND, "a") == (1, 0)


def test_what_was_handed_over_is_cancelled_after_all():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    shop.collect()
    with pytest.raises(Refused, match="not possible"):
        shop.cancel()


def test_a_cancellation_comes_before_the_collection_is_opened():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1), settle=False)
    shop.deliver(shop.waiting[0])
    opening = next(n for n in shop.waiting if shop.sent[n].message.kind == "collection")
    shop.cancel(settle=False)
    stop = next(n for n in shop.waiting if shop.sent[n].message.kind == "collection" and n != opening)
    shop.deliver(stop)
    shop.deliver(opening)
    shop.settle()
    assert shop.collection().stage == "cancelled"


# --- missing, left behind, expired ------------------------------------------------------------------------------------
def test_a_line_that_is_not_found_stays_in_the_books():
    shop = Shop({"a": 3, "b": 1}, {"a": 5})
    shop.place_order(("a", 2), ("b", 1))
    shop.step(LocateUnits([("a", 1), ("b", 1)], [("a", 1)], "S1"))
    assert (shop.seen().status, shop.stock(PORTLAND, "a")) == ("located", (2, 1))
    assert [(one.sku, one.quantity) for one in shop.shown().backordered] == [("a", 1)]
    shop.make_ready()
    shop.collect()
    assert shop.shown().status == "partly_shipped"


def test_a_collection_of_which_nothing_is_found_goes_on():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.step(LocateUnits(missing=[("a", 2)]))
    assert (shop.seen().status, shop.shown().status) == ("nothing_found", "backordered")
    assert shop.stock(PORTLAND, "a") == (0, 0)


def test_what_is_left_behind_does_not_go_back():
    shop = Shop({"a": 2, "b": 1}, {})
    shop.place_order(("a", 2), ("b", 1))
    shop.make_ready()
    shop.collect(("a", 1), ("b", 1))
    assert (shop.stock(PORTLAND, "a"), shop.stock(PORTLAND, "b")) == ((1, 0), (1, 0))
    assert shop.shown().status == "delivered"
    assert shop.shown().backordered == []
    assert shop.seen().left == [("a", 1), ("b", 1)]


def test_all_is_left_behind():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    shop.collect(("a", 2))
    assert (shop.seen().status, shop.shown().status, shop.stock(PORTLAND, "a")) == ("left_behind", "cancelled", (2, 0))


def test_an_uncollected_order_keeps_its_stock():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    shop.now_ms += 2 * DAY_MS
    shop.look()
    assert shop.notices() == ["pickup.ready", "pickup.reminder"]
    shop.look()
    assert shop.seen().status == "ready"
    shop.now_ms += DAY_MS
    shop.look()
    shop.look()
    assert shop.notices() == ["pickup.expired", "pickup.ready", "pickup.reminder"]
    assert (shop.seen().status, shop.shown().pickup.status, shop.stock(PORTLAND, "a")) == ("expired", "expired", (2, 0))
    assert shop.shown().status == "cancelled"
    releases = [s for s in shop.sent.values() if type(s.message.command).__name__ == "Release"]
    assert len(releases) == 1


def test_who_is_being_served_is_sent_away():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    shop.now_ms += 2 * DAY_MS
    shop.look()
    shop.now_ms += DAY_MS - 1
    shop.step(VerifyCode(CODE))
    shop.now_ms += 60_000
    shop.look()
    shop.step(HandOver())
    assert shop.seen().status == "collected"


def test_it_is_extended_beyond_the_limit_or_made_shorter():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    until = shop.seen().collect_by_ms
    assert refused(shop, ExtendCollection(NOW_MS + 15 * DAY_MS, 14 * DAY_MS)) == "collection.too_long"
    shop.step(ExtendCollection(NOW_MS + DAY_MS, 14 * DAY_MS))
    assert shop.seen().collect_by_ms == until
    shop.step(ExtendCollection(NOW_MS + 7 * DAY_MS, 14 * DAY_MS, Notices(None, told("later"), None)))
    assert shop.seen().collect_by_ms == NOW_MS + 7 * DAY_MS
    shop.now_ms += 3 * DAY_MS
    shop.look()
    assert shop.seen().status == "ready"
    assert shop.shown().pickup.collect_by.timestamp() * 1000 == NOW_MS + 7 * DAY_MS


def test_staff_ends_one_and_stock_stays():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    shop.end("left_behind")
    assert (shop.seen().status, shop.stock(PORTLAND, "a")) == ("left_behind", (1, 0))


# --- the code ---------------------------------------------------------------------------------------------------------
def test_it_is_handed_over_without_the_code():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    assert refused(shop, HandOver()) == "collection.not_verified"
    shop.step(VerifyCode(WRONG))
    assert refused(shop, HandOver()) == "collection.not_verified"
    shop.step(VerifyCode(CODE))
    shop.now_ms += VERIFIED_MS
    assert refused(shop, HandOver()) == "collection.not_verified"


def test_codes_are_tried_without_end():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    for left in (4, 3, 2, 1, 0):
        assert shop.step(VerifyCode(WRONG)).tries_left == left
    assert refused(shop, VerifyCode(CODE)) == "collection.code_locked"
    assert refused(shop, HandOver()) == "collection.not_verified"
    shop.step(VerifyIdentity())
    shop.step(HandOver())
    assert shop.seen().status == "collected"


def test_an_order_that_nobody_could_be_told_of_has_a_code_that_fits():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.step(LocateUnits([("a", 1)]))
    shop.step(MakeReady(b"", shop.now_ms + DAY_MS))
    assert refused(shop, VerifyCode(b"")) == "collection.no_code"


def test_code_notices_and_spot_are_kept_when_it_is_over():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.make_ready()
    shop.step(SayHere("bay 4"))
    shop.collect()
    state = shop.collection()
    assert (state.digest, state.here_spot, state.terms.notices, state.terms.digest) == (b"", "", Notices(), b"")


@pytest.mark.parametrize("end", ["expired", "left_behind", "cancelled"])
def test_goods_can_not_be_put_back_or_whose_they_were_stays_on_the_shelf(end):
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.step(LocateUnits([("a", 1)], shelf="Mia Quillfeather"))
    shop.step(MakeReady(CODE, shop.now_ms + DAY_MS, NOTICES))
    if end == "cancelled":
        shop.cancel()
    else:
        shop.end(end)
    ended_ms = shop.now_ms
    assert (shop.collection().shelf, due(shop.collection())) == ("Mia Quillfeather", ended_ms + SHELF_KEPT_MS)
    shop.now_ms = ended_ms + SHELF_KEPT_MS - 1
    shop.look()
    assert shop.collection().shelf == "Mia Quillfeather"
    shop.now_ms += 1
    shop.look()
    assert (shop.collection().shelf, due(shop.collection()), shop.seen().status) == ("", None, end)


def test_an_order_that_forgets_its_person_leaves_the_name_on_the_shelf():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.step(LocateUnits([("a", 1)], shelf="Mia Quillfeather"))
    shop.cancel()
    shop.do("order", ORDER, ForgetPerson())
    shop.settle()
    assert shop.collection().shelf == ""
    # Said of one that nobody knows, or again, it does nothing.
    for state in (None, shop.collection()):
        assert KINDS["collection"].decide(state, ForgetShelf(), Context("us-c", "c", NOW_MS)).events == []


# --- misuse -----------------------------------------------------------------------------------------------------------
def test_somebody_else_moves_what_the_store_hands_over():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    for update in ("start_picking", "pack", "ship", "deliver", "short_pick"):
        with pytest.raises(Refused) as found:
            shop.do("order", ORDER, UpdateOrder(update))
        assert found.value.body.code == "order.store_hands_over"
    with pytest.raises(Refused, match="collected at"):
        shop.do("order", ORDER, UpdateOrder("cancel", 1))


def test_steps_out_of_order_change_something():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    for command in (
        MakeReady(CODE, NOW_MS + 1),
        SayHere(),
        VerifyCode(CODE),
        VerifyIdentity(),
        EndCollection("expired"),
    ):
        assert refused(shop, command) == "collection.illegal_transition"
    assert refused(shop, LocateUnits([("b", 1)])) == "collection.sku_not_in"
    assert refused(shop, LocateUnits([("a", 2)], [("a", 1)])) == "collection.too_many"
    assert refused(shop, LocateUnits()) == "collection.nothing_named"
    assert refused(shop, LocateUnits([("a", 1)], within=[SEATTLE])) == "collection.location_forbidden"
    shop.step(LocateUnits([("a", 2)]))
    assert refused(shop, MakeReady(CODE, NOW_MS)) == "collection.hold_out_of_range"
    assert refused(shop, MakeReady(CODE, NOW_MS + 61 * DAY_MS)) == "collection.hold_out_of_range"
    shop.make_ready()
    shop.step(VerifyCode(CODE))
    assert refused(shop, HandOver([("a", 3)])) == "collection.too_many"


def test_two_steps_are_asked_at_once():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    shop.step(LocateUnits([("a", 1)]))
    name = shop.of("collection")[0]
    shop.do("collection", name, MakeReady(CODE, NOW_MS + DAY_MS, NOTICES))
    with pytest.raises(Refused) as found:
        shop.do("collection", name, MakeReady(CODE, NOW_MS + DAY_MS, NOTICES))
    assert found.value.body.code == "collection.busy"
    shop.now_ms += 9 * DAY_MS
    shop.do("collection", name, LookAtCollection())
    shop.settle()
    assert shop.seen().status == "ready"


# --- with a floor -----------------------------------------------------------------------------------------------------
def with_floor(units: int) -> Shop:
    shop = Shop({"a": units}, {})
    shop.do("location", PORTLAND, RunFloor(FloorTerms()))
    shop.place_order(("a", units))
    return shop


def test_what_the_floor_picks_is_looked_for_by_people_too():
    shop = with_floor(2)
    assert [(line.by_floor, line.to_find) for line in shop.seen().lines] == [(2, 0)]
    shop.do("order", ORDER, UpdateOrder("start_picking", 1, by_floor=True))
    shop.do("order", ORDER, UpdateOrder("pack", 1, by_floor=True))
    shop.settle()
    assert shop.seen().status == "located"
    shop.make_ready()
    shop.collect()
    assert shop.shown().status == "delivered"


def test_what_the_floor_misses_is_waited_for():
    shop = with_floor(2)
    shop.do("order", ORDER, UpdateOrder("start_picking", 1, by_floor=True))
    shop.do("order", ORDER, UpdateOrder("short_pick", 1, lines=[("a", 1)], by_floor=True))
    shop.do("order", ORDER, UpdateOrder("pack", 1, by_floor=True))
    shop.settle()
    assert [(line.sku, line.quantity) for line in shop.seen().lines] == [("a", 1)]
    shop.make_ready()
    shop.collect()
    assert shop.stock(PORTLAND, "a") == (0, 0)


def test_a_collection_of_which_the_floor_finds_nothing_goes_on():
    shop = with_floor(1)
    shop.do("order", ORDER, UpdateOrder("start_picking", 1, by_floor=True))
    shop.do("order", ORDER, UpdateOrder("short_pick", 1, lines=[("a", 1)], by_floor=True))
    shop.settle()
    assert (shop.seen().status, shop.shown().status) == ("nothing_found", "backordered")


def test_orders_of_then_are_read_as_pickups():
    shop = Shop({"a": 1}, {})
    shop.place_order(("a", 1))
    as_then = msgspec.structs.astuple(shop.order())[: type(shop.order()).__struct_fields__.index("pickup")]
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(as_then), type=type(shop.order()))
    assert back.pickup is None
