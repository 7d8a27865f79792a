"""Lots of a location by example: which one goes out, when one ends, and which receipts would muddle them."""

from __future__ import annotations

import pytest

from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    ChangeCondition,
    ConditionLine,
    Convert,
    LookAtLocation,
    ReceiptLine,
    ReceiveStock,
    Release,
    Reserve,
    Ship,
    ShortPick,
)
from actors.domain.location_events import ExpiryNear, PromisesAtRisk
from actors.domain.location_lots import EXPIRY_WARN_DAYS
from actors.domain.location_promises import Taken
from tests.unit.domain.books import DAY_MS, TODAY, Books
from tests.unit.domain.location_rig import lot, refused, with_lots


def test_a_later_lot_goes_out_before_an_earlier_one():
    books = with_lots(late=(5, 90), soon=(2, 20), never_sold=(9, 400))
    assert books.do(Allocate("us-o", 1, [("m", 4)])) == Taken([("m", 4)])
    assert books.state.claims == {"us-o.1": {("m", "soon"): 2, ("m", "late"): 2}}
    books.do(Ship("us-o", 1, [("m", 3)]))
    assert books.state.claims == {"us-o.1": {("m", "late"): 1}}
    assert sorted(books.state.lots["m"]) == ["late", "never_sold"]
    assert books.state.lots["m"]["late"].on_hand == 4


def test_lots_that_are_gone_are_kept_for_ever():
    books = with_lots(one=(2, 20))
    books.do(Allocate("us-o", 1, [("m", 2)]))
    books.do(Ship("us-o", 1, [("m", 2)]))
    assert (books.state.lots, books.state.claims) == ({}, {})


def test_a_lot_is_promised_that_ends_too_soon():
    books = with_lots(late=(5, 90), soon=(2, 20))
    assert books.do(Allocate("us-o", 1, [("m", 7)], life_days={"m": 30})) == Taken([("m", 5)])
    assert books.do(Reserve("us-resv", [("m", 7)], life_days={"m": 30})) == Taken([])


def test_an_order_gives_back_the_lot_of_another():
    books = with_lots(one=(2, 20), two=(2, 30))
    books.do(Allocate("us-o", 1, [("m", 2)]))
    books.do(Allocate("us-o", 2, [("m", 2)]))
    books.do(Release("us-o", 2, [("m", 2)]))
    assert {name: one.allocated for name, one in books.state.lots["m"].items()} == {"one": 2, "two": 0}
    assert refused(books, ShortPick("us-o", 2, [("m", 1)])) == "stock.not_allocated"


def test_the_end_of_a_lot_comes_without_a_word_or_leaves_it_for_sale():
    books = with_lots(soon=(5, 20), late=(5, 90))
    books.do(Allocate("us-o", 1, [("m", 2)]))
    assert books.state.look_at_ms == (TODAY + 20 - EXPIRY_WARN_DAYS) * DAY_MS
    books.now_ms = books.state.look_at_ms
    books.do(LookAtLocation())
    assert ExpiryNear("m", "soon", 5, TODAY + 20) in books.events
    assert books.state.look_at_ms == (TODAY + 21) * DAY_MS
    books.now_ms = books.state.look_at_ms
    books.do(LookAtLocation())
    assert (books.stock("m").quality_hold, books.stock("m").available) == (3, 5)
    assert books.state.look_at_ms == (TODAY + 90 - EXPIRY_WARN_DAYS) * DAY_MS
    books.do(Release("us-o", 1, [("m", 2)]))
    assert (books.stock("m").quality_hold, books.stock("m").available) == (5, 5), "an expired lot is for sale again"


def test_a_cart_becomes_an_order_of_what_has_ended_meanwhile():
    books = with_lots(soon=(2, 0), late=(5, 90))
    books.do(Reserve("us-resv", [("m", 3)]))
    books.now_ms += DAY_MS
    # Whether the location has looked at its lots by then or not.
    assert books.do(Convert("us-resv", "us-o", 1, [("m", 3)])) == Taken([("m", 1)])
    assert books.state.claims == {"us-o.1": {("m", "late"): 1}}
    assert (books.stock("m").quality_hold, books.stock("m").reserved, books.stock("m").available) == (2, 0, 4)


def test_a_cart_of_nothing_but_what_has_ended_is_allocated_or_stays_reserved():
    books = with_lots(soon=(2, 0))
    books.do(Reserve("us-resv", [("m", 2)]))
    books.now_ms += DAY_MS
    books.do(LookAtLocation())
    assert books.do(Convert("us-resv", "us-o", 1, [("m", 2)])) == Taken([])
    assert (books.stock("m").quality_hold, books.stock("m").reserved, books.state.claims) == (2, 0, {})


def test_a_cart_that_had_life_enough_loses_its_units_because_a_day_went_by():
    books = with_lots(late=(5, 30))
    assert books.do(Reserve("us-resv", [("m", 2)], life_days={"m": 30})) == Taken([("m", 2)])
    books.now_ms += DAY_MS
    assert books.do(Convert("us-resv", "us-o", 1, [("m", 2)])) == Taken([("m", 2)])


def test_what_is_promised_of_a_lot_that_ends_is_told_to_nobody():
    books = with_lots(soon=(5, 0), late=(5, 90))
    books.do(Allocate("us-o", 1, [("m", 2)]))
    books.do(Reserve("us-resv", [("m", 1)]))
    books.now_ms += DAY_MS
    books.do(LookAtLocation())
    assert PromisesAtRisk("m", 3) in books.events
    told = len(books.events)
    books.do(LookAtLocation())
    assert PromisesAtRisk("m", 3) not in books.events[told:]


def test_what_has_expired_is_for_sale_again_by_a_word():
    books = with_lots(soon=(5, 2))
    books.do(ChangeCondition([ConditionLine("m", 1, "sellable", "damaged", "soon")]))
    books.now_ms += 3 * DAY_MS
    books.do(LookAtLocation())
    assert (
        refused(books, ChangeCondition([ConditionLine("m", 1, "damaged", "sellable", "soon")])) == "stock.lot_expired"
    )
    assert refused(books, AdjustStock([AdjustmentLine("m", 1, "found", lot="soon")])) == "stock.lot_expired"
    assert refused(books, ReceiveStock([lot("m", "soon", 1)])) == "stock.lot_expired"


def test_looking_at_lots_again_and_again_never_ends():
    books = with_lots(**{f"l{n}": (1, n % 40) for n in range(450)})
    books.now_ms += 100 * DAY_MS
    rounds = 0
    while books.state.look_at_ms is not None and books.state.look_at_ms <= books.now_ms:
        books.do(LookAtLocation())
        rounds += 1
        assert rounds < 10
    assert books.stock("m").quality_hold == 450


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (ReceiptLine("m", 1), "stock.lot_required"),
        (lot("a", "x", 1), "stock.lot_not_kept"),
        (lot("m", "new", 1, -1), "stock.lot_expired"),
        (lot("m", "soon", 1, 21), "stock.lot_expiry_differs"),
        (lot("s", "n-1", 1, serial=True), "stock.serial_here"),
        (lot("s", "n-2", 2, serial=True), "stock.serial_here"),
    ],
)
def test_a_receipt_muddles_the_lots(line, code):
    books = with_lots(soon=(2, 20)).with_units(a=1)
    books.do(ReceiveStock([lot("s", "n-1", 1, serial=True)]))
    assert refused(books, ReceiveStock([line])) == code


def test_an_expired_lot_can_not_even_be_put_on_hold():
    books = Books()
    books.do(ReceiveStock([lot("m", "old", 3, -5, condition="quality_hold")]))
    assert (books.stock("m").on_hand, books.stock("m").available) == (3, 0)
