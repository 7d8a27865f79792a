"""What a store lacks for a collection: transfers that are the order's."""

from __future__ import annotations

from actors.domain import ids, order_pickup
from actors.domain.approval import DecideApproval
from actors.domain.location_commands import Allocate, ReceiptLine, WaitInLine
from actors.domain.order_commands import RetryAllocation
from actors.domain.transfer_commands import LINES_MAX, CancelTransfer, CloseTransfer, ReceivedLine, ReceiveUnits
from tests.unit.domain.pickup_world import ORDER, Shop
from tests.unit.domain.transfer_world import DAY_MS, NOW_MS, PORTLAND, SEATTLE

MANAGER = ids.account_id("us", b"m" * 16)


def test_what_the_store_lacks_is_not_brought_by_one_transfer_that_is_the_orders():
    shop = Shop({"a": 1}, {"a": 9, "b": 9})
    shop.place_order(("a", 3), ("b", 1))
    assert shop.shown().status == "partly_allocated"
    assert (shop.shown().pickup.status, shop.of("collection")) == ("coming", [])
    assert shop.stock(SEATTLE, "a") == (9, 2)
    [transfer] = shop.of("transfer")
    shop.send(("a", 2), ("b", 1))
    shop.arrive(transfer)
    # Nobody else could have had it in between: the receipt itself allocated it.
    assert shop.stock(PORTLAND, "a") == (3, 3)
    assert shop.shown().status == "allocated"
    shop.make_ready()
    shop.collect()
    assert (shop.stock(PORTLAND, "a"), shop.stock(PORTLAND, "b")) == ((0, 0), (0, 0))
    assert shop.stock(SEATTLE, "a") == (7, 0)


def test_somebody_else_takes_what_lands_before_the_order_hears_of_it():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2))
    name = shop.send(("a", 2))
    shop.do("transfer", name, ReceiveUnits(["1"]))
    receipt = next(
        n for n in shop.waiting if shop.sent[n].kind == "transfer" and shop.sent[n].message.kind == "location"
    )
    shop.deliver(receipt)
    taken = shop.do("location", PORTLAND, Allocate("us-other", 1, [("a", 1)]))
    assert taken.lines == []
    shop.settle()
    assert shop.shown().status == "allocated"


def test_units_by_lot_are_not_promised_when_they_land():
    shop = Shop({}, {})
    shop.receive(SEATTLE, ReceiptLine("f", 4, lot="L1", expires_on=NOW_MS // DAY_MS + 90))
    shop.place_order(("f", 3))
    shop.arrive(shop.send(("f", 3)))
    location = shop.place(PORTLAND)
    assert location.claims == {f"{ORDER}.1": {("f", "L1"): 3}}
    shop.make_ready()
    shop.collect(("f", 1))
    assert (location.claims, shop.stock(PORTLAND, "f")) == ({}, (1, 0))


# --- goods that must be good for some time ----------------------------------------------------------------------------
TODAY = NOW_MS // DAY_MS
LIFE = {"f": 5}


def with_lots(*left_days: int) -> Shop:
    """Seattle has 4 units of a lot for each, which ends in so many days."""
    shop = Shop({}, {})
    shop.receive(SEATTLE, *(ReceiptLine("f", 4, lot=f"L{days}", expires_on=TODAY + days) for days in left_days))
    return shop


def test_a_transfer_brings_an_order_goods_that_are_too_old_to_be_sold_to_it():
    shop = with_lots(2)
    shop.place_order(("f", 3), life_days=LIFE)
    assert shop.stock(SEATTLE, "f") == (4, 0)
    assert [(one.sku, one.quantity) for one in shop.shown().backordered] == [("f", 3)]


def test_goods_grow_too_old_on_the_road_though_they_come_in_time():
    # It is expected tomorrow: what is good for five days today is good for four then.
    shop = with_lots(5, 6)
    shop.place_order(("f", 3), life_days=LIFE)
    [name] = shop.of("transfer")
    assert shop.place(SEATTLE).claims == {f"{name}.1": {("f", "L6"): 3}}
    shop.now_ms += DAY_MS
    shop.arrive(shop.send(("f", 3)))
    assert shop.place(PORTLAND).claims == {f"{ORDER}.1": {("f", "L6"): 3}}


def test_goods_that_come_late_are_taken_from_the_order_and_others_as_late_are_sent_after_them():
    shop = with_lots(6, 9)
    shop.place_order(("f", 3), life_days=LIFE)
    name = shop.send(("f", 3))
    shop.now_ms += 3 * DAY_MS
    shop.arrive(name)
    assert shop.shown().status == "allocated"
    assert shop.of("transfer") == [name]


def test_an_order_asks_again_for_goods_that_are_too_old():
    shop = with_lots(2)
    shop.place_order(("f", 3), life_days=LIFE)
    shop.do("order", ORDER, RetryAllocation())
    shop.settle()
    assert len(shop.of("transfer")) == 2
    assert shop.stock(SEATTLE, "f") == (4, 0)


def test_a_second_person_lets_goods_go_that_are_too_old():
    shop = with_lots(2)
    shop.place_order(("f", 3), life_days=LIFE, approval_units=2, approval_ms=DAY_MS)
    shop.do("approval", shop.of("approval")[0], DecideApproval("approve", MANAGER))
    shop.settle()
    assert shop.view(shop.of("transfer")[0]).outcome == "nothing_available"
    assert shop.stock(SEATTLE, "f") == (4, 0)


# --- more than one transfer holds -------------------------------------------------------------------------------------
def test_an_order_of_more_skus_than_a_transfer_holds_stands_as_coming_for_ever():
    lines = many(LINES_MAX + 1)
    shop = Shop({}, dict(lines))
    shop.place_order(*lines)
    assert [wanted(shop, name) for name in asked(shop)] == [lines[:LINES_MAX], lines[LINES_MAX:]]
    first, second = asked(shop)
    for name in (first, second):
        shop.send(*wanted(shop, name), at=shop.of("transfer").index(name))
    shop.arrive(first)
    assert shop.shown().pickup.status == "coming"
    shop.arrive(second)
    assert shop.shown().status == "allocated"
    shop.make_ready()
    shop.collect()
    assert (shop.shown().status, shop.of("collection")[1:]) == ("delivered", [])


def test_one_of_two_transfers_from_a_place_that_is_cancelled_ends_the_other(monkeypatch):
    monkeypatch.setattr(order_pickup, "LINES_MAX", 2)
    lines = many(3)
    shop = Shop({}, dict(lines))
    shop.place_order(*lines)
    first, second = asked(shop)
    shop.do("transfer", second, CancelTransfer())
    shop.settle()
    assert shop.shown().pickup.status == "coming"
    shop.arrive(shop.send(*lines[:2], at=shop.of("transfer").index(first)))
    assert [(one.sku, one.quantity) for one in shop.shown().backordered] == [lines[-1]]
    assert len(shop.seen().lines) == 2


def test_a_large_share_that_is_cut_goes_past_the_second_person(monkeypatch):
    monkeypatch.setattr(order_pickup, "LINES_MAX", 2)
    lines = many(3)
    shop = Shop({}, dict(lines))
    shop.place_order(*lines, approval_units=2, approval_ms=DAY_MS)
    assert [shop.view(name).status for name in shop.of("transfer")] == ["requested", "requested"]
    assert len(shop.of("approval")) == 2
    for approval in shop.of("approval"):
        shop.do("approval", approval, DecideApproval("approve", MANAGER))
    shop.settle()
    assert [shop.view(name).status for name in shop.of("transfer")] == ["allocated", "allocated"]


def many(skus: int) -> list[tuple[str, int]]:
    return [(f"s{number:04}", 1) for number in range(skus)]


def asked(shop: Shop) -> list[str]:
    """The transfers, as the order numbers them."""
    return [name for _, name in sorted(shop.order().pickup.coming.items())]


def wanted(shop: Shop, name: str) -> list[tuple[str, int]]:
    return [(sku, line.wanted) for sku, line in shop.transfer(name).lines.items()]


# --- what goes wrong on the road --------------------------------------------------------------------------------------
def test_a_loss_on_the_road_leaves_the_order_waiting_for_ever():
    shop = Shop({"b": 1}, {"a": 9})
    shop.place_order(("a", 2), ("b", 1))
    name = shop.send(("a", 2))
    shop.do("transfer", name, ReceiveUnits(lines=[ReceivedLine("a", 1)]))
    shop.settle()
    assert shop.shown().pickup.status == "coming"
    shop.do("transfer", name, CloseTransfer([("a", 1)]))
    shop.settle()
    # What is there is made ready, the rest is backordered and asked for again by the order's timer.
    assert shop.seen().status == "locating"
    assert [(one.sku, one.quantity) for one in shop.shown().backordered] == [("a", 1)]
    assert shop.order().retry_at_ms is not None
    shop.now_ms += 60_000
    shop.do("order", ORDER, RetryAllocation())
    shop.settle()
    assert len(shop.of("transfer")) == 2
    shop.arrive(shop.send(("a", 1), at=1))
    shop.make_ready(0)
    shop.collect(at=0)
    shop.make_ready(1)
    shop.collect(at=1)
    assert shop.shown().status == "delivered"


def test_an_order_of_which_the_store_had_nothing_never_asks_again():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2))
    [first] = shop.of("transfer")
    shop.do("transfer", first, CancelTransfer())
    shop.settle()
    # It asks by its timer, and waits in nobody's line: what a line gave it no collection would know of.
    assert shop.order().retry_at_ms is not None
    shop.do("order", ORDER, RetryAllocation())
    shop.settle()
    assert shop.order().backorder is None
    [again] = [at for at, name in enumerate(shop.of("transfer")) if name != first]
    shop.arrive(shop.send(("a", 2), at=again))
    shop.make_ready()
    shop.collect()
    assert shop.shown().status == "delivered"


def test_damaged_units_are_handed_to_the_customer():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2))
    name = shop.send(("a", 2))
    shop.do("transfer", name, ReceiveUnits(lines=[ReceivedLine("a", 1, "damaged"), ReceivedLine("a", 1)]))
    shop.settle()
    assert [(one.sku, one.quantity) for one in shop.shown().backordered] == [("a", 1)]
    assert [(line.sku, line.quantity) for line in shop.seen().lines] == [("a", 1)]


def test_a_transfer_that_staff_cancels_is_never_answered():
    shop = Shop({}, {"a": 2})
    shop.place_order(("a", 2))
    shop.do("transfer", shop.of("transfer")[0], CancelTransfer())
    shop.settle()
    assert shop.shown().status == "backordered"
    assert shop.stock(SEATTLE, "a") == (2, 0)


def test_a_large_transfer_goes_without_a_second_person():
    shop = Shop({}, {"a": 90})
    shop.place_order(("a", 60), approval_units=50, approval_ms=DAY_MS)
    [transfer], [approval] = shop.of("transfer"), shop.of("approval")
    assert shop.view(transfer).status == "requested"
    shop.do("approval", approval, DecideApproval("approve", MANAGER))
    shop.settle()
    assert shop.view(transfer).status == "allocated"


def test_a_large_transfer_that_is_refused_blocks_the_order():
    shop = Shop({}, {"a": 90})
    shop.place_order(("a", 60), approval_units=50, approval_ms=DAY_MS)
    shop.do("approval", shop.of("approval")[0], DecideApproval("refuse", MANAGER, [], "other"))
    shop.settle()
    assert (shop.shown().status, shop.shown().pickup.status) == ("backordered", "waiting")
    assert shop.order().retry_at_ms is not None


# --- what is on the road is the order's -------------------------------------------------------------------------------
def test_what_comes_for_an_order_is_told_to_others_as_to_come():
    shop = Shop({}, {"a": 6})
    shop.place_order(("a", 3))
    name = shop.send(("a", 2))
    assert shop.expected(PORTLAND, name) == {}
    other = "us-01kah2v3nq7h3k2m9qk4t1x0zz"
    told = shop.do("location", PORTLAND, WaitInLine(other, 10_001, shop.now_ms, [("a", 2)]))
    assert told.expected_ms is None
    shop.do("transfer", name, ReceiveUnits(["1"]))
    shop.settle()
    assert (shop.expected(PORTLAND, name), shop.stock(PORTLAND, "a")) == ({}, (2, 2))


def test_what_an_order_has_left_comes_and_nobody_was_told():
    shop = Shop({}, {"a": 6})
    shop.place_order(("a", 3))
    name = shop.send(("a", 2))
    shop.cancel()
    assert shop.expected(PORTLAND, name) == {"a": 2}
    shop.do("transfer", name, ReceiveUnits(lines=[ReceivedLine("a", 1)]))
    shop.settle()
    assert (shop.expected(PORTLAND, name), shop.stock(PORTLAND, "a")) == ({"a": 1}, (1, 0))
