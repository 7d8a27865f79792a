"""What a location may promise of its stock: by its condition and levels, to carts, and as what is to come."""

from __future__ import annotations

from actors.domain import location
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    ChangeCondition,
    ConditionLine,
    Convert,
    Expect,
    LookAtLocation,
    ReceiptLine,
    ReceiveStock,
    Reserve,
    SetLevels,
    Unreserve,
)
from actors.domain.location_events import Levels, PromisesAtRisk, StockChanged, StockRanOut, StockRunsLow
from actors.domain.location_incoming import CLOSED_KEPT_MS
from actors.domain.location_promises import Taken
from actors.domain.location_views import ViewSku
from tests.unit.domain.books import DAY_MS, Books
from tests.unit.domain.location_rig import refused, with_lots


# --- conditions and levels ------------------------------------------------------------------------------------------
def test_damaged_and_held_units_are_promised():
    books = Books().with_units(a=10)
    books.do(
        ChangeCondition(
            [ConditionLine("a", 3, "sellable", "damaged"), ConditionLine("a", 2, "sellable", "quality_hold")]
        )
    )
    assert books.do(Allocate("us-o", 1, [("a", 10)])) == Taken([("a", 5)])
    books.do(
        ChangeCondition(
            [ConditionLine("a", 2, "quality_hold", "sellable"), ConditionLine("a", 1, "damaged", "quality_hold")]
        )
    )
    stock = books.stock("a")
    assert (stock.on_hand, stock.allocated, stock.damaged, stock.quality_hold, stock.available) == (10, 5, 2, 1, 2)


def test_goods_that_come_in_damaged_are_sold():
    books = Books()
    books.do(ReceiveStock([ReceiptLine("a", 4, condition="damaged"), ReceiptLine("a", 1)]))
    assert (books.stock("a").on_hand, books.stock("a").available) == (5, 1)


def test_promised_units_become_damaged():
    books = Books().with_units(a=5)
    books.do(Allocate("us-o", 1, [("a", 4)]))
    assert refused(books, ChangeCondition([ConditionLine("a", 2, "sellable", "damaged")])) == "stock.insufficient"
    assert refused(books, ChangeCondition([ConditionLine("a", 1, "damaged", "sellable")])) == "stock.insufficient"
    assert refused(books, ChangeCondition([ConditionLine("a", 1, "damaged", "damaged")])) == "stock.condition_same"


def test_damaged_units_are_written_off_from_the_sellable_ones():
    books = Books().with_units(a=5)
    books.do(ChangeCondition([ConditionLine("a", 2, "sellable", "damaged")]))
    books.do(AdjustStock([AdjustmentLine("a", -2, "write_off", condition="damaged")]))
    assert (books.stock("a").on_hand, books.stock("a").damaged, books.stock("a").available) == (3, 0, 3)


def test_a_loss_takes_away_what_is_promised_or_is_not_told_as_a_risk():
    books = Books().with_units(a=5)
    books.do(Allocate("us-o", 1, [("a", 4)]))
    loss = AdjustStock([AdjustmentLine("a", -3, "count")], as_far=True)
    assert refused(books, AdjustStock(loss.lines)) == "stock.insufficient"
    books.do(loss)
    assert (books.stock("a").on_hand, books.stock("a").allocated) == (4, 4)
    assert books.events[-1] == PromisesAtRisk("a", 2)


def test_a_count_takes_sellable_units_off_though_the_damaged_ones_are_missing():
    books = Books().with_units(a=5)
    books.do(ChangeCondition([ConditionLine("a", 2, "sellable", "damaged")]))
    books.do(Allocate("us-o", 1, [("a", 3)]))
    books.do(AdjustStock([AdjustmentLine("a", -2, "count")], as_far=True))
    stock = books.stock("a")
    assert (stock.on_hand, stock.allocated, stock.damaged) == (3, 3, 0)
    assert not any(isinstance(event, PromisesAtRisk) for event in books.events)


def test_stock_runs_low_without_a_word_when_a_level_rises_or_a_lot_ends():
    books = with_lots(soon=(9, 2)).with_units(a=10)
    books.do(SetLevels([Levels("a", reorder_point=4), Levels("m", reorder_point=4)]))
    books.do(SetLevels([Levels("a", safety_stock=7)]))
    books.do(AdjustStock([AdjustmentLine("a", 0, "other", None, 10)]))
    books.now_ms += 3 * DAY_MS
    books.do(LookAtLocation())
    told = [event for event in books.events if isinstance(event, StockRunsLow | StockRanOut)]
    assert told == [StockRunsLow("a", 3, 4), StockRanOut("a"), StockRunsLow("m", 0, 4), StockRanOut("m")]


def test_running_low_is_told_at_each_step_or_not_at_all():
    books = Books().with_units(a=10)
    books.do(SetLevels([Levels("a", 1, 4)]))
    for number, wanted in enumerate((4, 2, 1, 2), 1):
        books.do(Allocate("us-o", number, [("a", wanted)]))
    told = [event for event in books.events if isinstance(event, StockRunsLow | StockRanOut)]
    assert told == [StockRunsLow("a", 3, 4), StockRanOut("a")]


def test_a_channel_gets_what_is_kept_back_from_it():
    books = Books().with_units(a=5)
    books.do(SetLevels([Levels("a", buffers={"marketplace": 3, "store": 0})]))
    assert books.do(Allocate("us-o", 1, [("a", 5)], "marketplace")) == Taken([("a", 2)])
    assert books.do(Reserve("us-resv", [("a", 5)], "online")) == Taken([("a", 3)])


def test_levels_that_are_the_same_are_an_event():
    books = Books().with_units(a=5)
    books.do(SetLevels([Levels("a", 2, 3, {"store": 1})]))
    version = books.version
    books.do(SetLevels([Levels("a", 2, 3, {"store": 1, "online": 0}), Levels("a")]))
    assert books.version == version


# --- carts ----------------------------------------------------------------------------------------------------------
def test_a_cart_takes_what_an_order_has_and_an_order_what_a_cart_has():
    books = Books().with_units(a=5)
    assert books.do(Reserve("us-resv-1", [("a", 3)])) == Taken([("a", 3)])
    assert books.do(Allocate("us-o", 1, [("a", 3)])) == Taken([("a", 2)])
    assert books.do(Reserve("us-resv-2", [("a", 1)])) == Taken([])
    books.do(Unreserve("us-resv-1", [("a", 3)]))
    assert books.stock("a").available == 3


def test_a_cart_that_wants_all_or_nothing_gets_a_part():
    books = Books().with_units(a=5, b=1)
    assert books.do(Reserve("us-resv-1", [("a", 3), ("b", 2)], whole=True)) == Taken([])
    assert books.stock("a").available == 5


def test_units_of_a_cart_are_free_for_a_moment_when_it_becomes_an_order():
    books = Books().with_units(a=5)
    books.do(Reserve("us-resv-1", [("a", 5)]))
    assert books.do(Convert("us-resv-1", "us-o", 1, [("a", 4)])) == Taken([("a", 4)])
    stock = books.stock("a")
    assert (stock.reserved, stock.allocated, stock.available) == (1, 4, 0)
    causes = [event.cause for event in books.events[-2:] if isinstance(event, StockChanged)]
    assert causes == ["us-resv-1", "us-o.1"]
    assert refused(books, Convert("us-resv-1", "us-o", 1, [("a", 2)])) == "stock.not_reserved"
    assert refused(books, Unreserve("us-resv-1", [("a", 2)])) == "stock.not_reserved"


# --- what is to come ------------------------------------------------------------------------------------------------
def test_a_late_word_about_what_is_to_come_counts():
    books = Books()
    books.do(Expect("us-in-1", "purchase", 2, 5_000, [("a", 4), ("b", 1)]))
    books.do(Expect("us-in-1", "purchase", 1, 4_000, [("a", 9)]))
    books.do(Expect("us-in-1", "purchase", 3, 6_000, [("b", 1)]))
    [one] = location.view(books.state, ViewSku("us-wh-1", "b"), books.version).incoming
    assert (one.units, one.expected_at_ms) == (1, 6_000)
    books.do(Expect("us-in-1", "purchase", 4, 6_000, []))
    books.do(Expect("us-in-1", "purchase", 3, 6_000, [("b", 1)]))
    assert books.state.incoming["us-in-1"].lines == ()
    assert [row.sku for row in books.stored["incoming"].values()] == [""]


def test_a_source_that_was_silent_for_long_is_forgotten_while_it_speaks():
    books = Books()
    books.do(Expect("us-t-1", "transfer", 1, 5_000, []))
    books.now_ms += CLOSED_KEPT_MS + 1
    books.do(Expect("us-t-1", "transfer", 2, 9_000, [("a", 7)]))
    assert books.restored()[0].incoming == books.state.incoming
    assert books.state.incoming["us-t-1"].lines == (("a", 7),)


def test_closed_sources_are_kept_for_ever():
    books = Books()
    books.do(Expect("us-in-1", "purchase", 1, 5_000, []))
    books.now_ms += CLOSED_KEPT_MS + 1
    books.do(Expect("us-in-2", "purchase", 1, 5_000, [("a", 1)]))
    assert list(books.state.incoming) == ["us-in-2"]
    assert {row.source_id for row in books.stored["incoming"].values()} == {"us-in-2"}
