from __future__ import annotations

import copy
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import location
from actors.domain.errors import Refused
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    ChangeCondition,
    ConditionLine,
    Convert,
    DefineBins,
    Expect,
    LookAtLots,
    MoveLine,
    MoveUnits,
    ReceiptLine,
    ReceiveStock,
    Release,
    RemoveBins,
    Reserve,
    SetLevels,
    Ship,
    ShortPick,
    Unreserve,
)
from actors.domain.location_events import (
    Bin,
    ExpiryNear,
    Levels,
    PromisesAtRisk,
    StockChanged,
    StockRanOut,
    StockRunsLow,
)
from actors.domain.location_incoming import CLOSED_KEPT_MS
from actors.domain.location_lots import EXPIRY_WARN_DAYS
from actors.domain.location_promises import Taken
from actors.domain.location_views import ViewBins, ViewSku
from tests.unit.domain.books import DAY_MS, TODAY, Books

BINS = [Bin("A-01", "A", 1, 1, 0), Bin("A-02", "A", 1, 2, 0, units_max=5), Bin("B-01", "B", 2, 1, 0)]


def refused(books: Books, command) -> str:
    before = copy.deepcopy((books.state, books.version, books.stored))
    with pytest.raises(Refused) as error:
        books.do(command)
    assert (books.state, books.version, books.stored) == before, "a refusal changed something"
    return error.value.body.code


def lot(sku: str, name: str, units: int, days: int | None = None, **more) -> ReceiptLine:
    return ReceiptLine(sku, units, None, name, None if days is None else TODAY + days, **more)


def with_lots(**lots: tuple[int, int]) -> Books:
    books = Books()
    books.do(ReceiveStock([lot("m", name, units, days) for name, (units, days) in lots.items()]))
    return books


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
    books.do(LookAtLots())
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


# --- lots -----------------------------------------------------------------------------------------------------------
def test_a_later_lot_goes_out_before_an_earlier_one():
    books = with_lots(late=(5, 90), soon=(2, 20), never_sold=(9, 400))
    assert books.do(Allocate("us-o", 1, [("m", 4)])) == Taken([("m", 4)])
    assert books.state.claims == {"us-o.1": {("m", "soon"): 2, ("m", "late"): 2}}
    books.do(Ship("us-o", 1, [("m", 3)]))
    assert books.state.claims == {"us-o.1": {("m", "late"): 1}}
    assert sorted(books.state.lots["m"]) == ["late", "never_sold"]
    assert books.state.lots["m"]["late"].on_hand == 4


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
    books.do(LookAtLots())
    assert ExpiryNear("m", "soon", 5, TODAY + 20) in books.events
    assert books.state.look_at_ms == (TODAY + 21) * DAY_MS
    books.now_ms = books.state.look_at_ms
    books.do(LookAtLots())
    assert (books.stock("m").quality_hold, books.stock("m").available) == (3, 5)
    assert books.state.look_at_ms == (TODAY + 90 - EXPIRY_WARN_DAYS) * DAY_MS
    books.do(Release("us-o", 1, [("m", 2)]))
    assert (books.stock("m").quality_hold, books.stock("m").available) == (5, 5), "an expired lot is for sale again"


def test_what_has_expired_is_for_sale_again_by_a_word():
    books = with_lots(soon=(5, 2))
    books.do(ChangeCondition([ConditionLine("m", 1, "sellable", "damaged", "soon")]))
    books.now_ms += 3 * DAY_MS
    books.do(LookAtLots())
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
        books.do(LookAtLots())
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


# --- bins -----------------------------------------------------------------------------------------------------------
def with_bins(**units: int) -> Books:
    books = Books().with_units(**units)
    books.do(DefineBins(BINS))
    return books


def test_putting_away_changes_what_may_be_promised():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 4, "", "A-02"), MoveLine("a", 3, "", "B-01"), MoveLine("a", 1, "B-01", "A-02")]))
    assert books.state.contents == {"a": {("A-02", ""): 5, ("B-01", ""): 2}}
    assert (books.state.fill["A-02"], books.stock("a").available) == (5, 9)
    view = location.view(books.state, ViewSku("us-wh-1", "a"), books.version)
    assert [(spot.bin_id, spot.units) for spot in view.bins] == [("A-02", 5), ("B-01", 2), ("", 2)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (MoveLine("a", 1, "", "Z-99"), "bins.unknown"),
        (MoveLine("a", 1, "Z-99", ""), "bins.unknown"),
        (MoveLine("a", 6, "", "A-02"), "bins.too_full"),
        (MoveLine("a", 10, "", "B-01"), "stock.not_in_bin"),
        (MoveLine("a", 1, "B-01", "A-01"), "stock.not_in_bin"),
        (MoveLine("a", 1, "A-01", "A-01"), "bins.same"),
        (MoveLine("a", 1, "", "A-01", "lot"), "stock.lot_unknown"),
    ],
)
def test_a_move_is_taken_that_can_not_be(line, code):
    assert refused(with_bins(a=9), MoveUnits([MoveLine("a", 1, "", "A-01"), line])) == code


def test_a_shipment_leaves_bins_with_more_than_is_on_hand():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02"), MoveLine("a", 3, "", "B-01")]))
    books.do(Allocate("us-o", 1, [("a", 6)]))
    books.do(Ship("us-o", 1, [("a", 6)]))
    # One that lay loose, three of the emptier bin, two of the other.
    assert books.state.contents == {"a": {("A-02", ""): 3}}
    assert books.stock("a").on_hand == 3


def test_a_bin_with_goods_is_taken_away():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02")]))
    assert refused(books, RemoveBins(["B-01", "A-02"])) == "bins.not_empty"
    assert refused(books, RemoveBins(["Z-99"])) == "bins.unknown"
    assert refused(books, DefineBins([Bin("A-02", "A", 1, 2, 0, units_max=4)])) == "bins.too_full"
    assert refused(books, DefineBins([BINS[0], BINS[0]])) == "bins.twice"
    books.do(MoveUnits([MoveLine("a", 5, "A-02", "")]))
    books.do(RemoveBins(["B-01", "A-02"]))
    assert list(books.state.bins) == ["A-01"]


def test_a_correction_of_a_bin_takes_from_another():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02")]))
    books.do(AdjustStock([AdjustmentLine("a", -2, "count", bin="A-02"), AdjustmentLine("a", 1, "found", bin="A-01")]))
    assert books.state.contents == {"a": {("A-02", ""): 3, ("A-01", ""): 1}}
    assert refused(books, AdjustStock([AdjustmentLine("a", -2, "count", bin="A-01")])) == "stock.not_in_bin"
    assert refused(books, AdjustStock([AdjustmentLine("a", 3, "found", bin="A-02")])) == "bins.too_full"


def test_a_page_of_bins_loses_one():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02")]))
    first = location.view(books.state, ViewBins("us-wh-1", "", 2), books.version)
    assert ([one.bin.bin_id for one in first.bins], first.next_after) == (["A-01", "A-02"], "A-02")
    assert [(one.sku, one.units) for one in first.bins[1].contents] == [("a", 5)]
    assert location.view(books.state, ViewBins("us-wh-1", "A-02", 2), books.version).next_after == ""


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


# --- all of it together ---------------------------------------------------------------------------------------------
SKUS = ("a", "m")
LOTS = ("", "l1", "l2")
CAUSES = ("us-o-1", "us-o-2")
sku, n = st.sampled_from(SKUS), st.integers(1, 6)
name, bin_id = st.sampled_from(LOTS), st.sampled_from(("", "A-01", "A-02", "B-01", "Z-99"))
condition = st.sampled_from(("sellable", "damaged", "quality_hold"))
lines = st.lists(st.tuples(sku, n), min_size=1, max_size=2, unique_by=lambda line: line[0])
days = st.sampled_from((None, 3, 30))
steps = st.one_of(
    st.lists(st.builds(ReceiptLine, sku, n, st.none(), name, days.map(lambda d: d and TODAY + d), condition, bin_id), min_size=1, max_size=3).map(ReceiveStock),
    st.builds(AdjustStock, st.lists(st.builds(AdjustmentLine, sku, st.integers(-5, 5), st.just("count"), st.none(), st.none(), name, condition, bin_id), min_size=1, max_size=3), as_far=st.booleans()),
    st.lists(st.builds(ConditionLine, sku, n, condition, condition, name), min_size=1, max_size=2).map(ChangeCondition),
    st.lists(st.builds(MoveLine, sku, n, bin_id, bin_id, name), min_size=1, max_size=3).map(MoveUnits),
    *(st.builds(kind, st.sampled_from(CAUSES), st.just(1), lines) for kind in (Allocate, Allocate, Release, ShortPick, Ship)),
    st.builds(Reserve, st.sampled_from(("r1", "r2")), lines, whole=st.booleans()),
    st.builds(Unreserve, st.sampled_from(("r1", "r2")), lines),
    st.builds(Convert, st.sampled_from(("r1", "r2")), st.sampled_from(CAUSES), st.just(1), lines),
    st.builds(SetLevels, st.lists(st.builds(Levels, sku, st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=1)),
    st.builds(Expect, st.just("in"), st.just("purchase"), st.integers(1, 5), st.integers(1, 9), lines),
    st.integers(0, 40).map(lambda d: d),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(steps, max_size=40))
def test_the_books_do_not_add_up(sequence):
    books = with_bins()
    for step in sequence:
        before = copy.deepcopy((books.state, books.version))
        try:
            if isinstance(step, int):
                books.now_ms += step * DAY_MS
                books.do(LookAtLots())
            else:
                books.do(step)
        except Refused:
            assert (books.state, books.version) == before, "a refusal changed something"
    state = books.state
    again, version = books.restored()
    # It may know better when to look: at a lot that is gone nobody has to.
    assert state.look_at_ms is not None or again.look_at_ms is None
    assert again.look_at_ms is None or state.look_at_ms <= max(again.look_at_ms, books.now_ms)
    again.look_at_ms = state.look_at_ms
    assert (again, version) == (state, books.version)
    for parts in state.lots.values():
        assert all(one.good_on(books.now_ms // DAY_MS) or not one.free or due_now(books) for one in parts.values())
    for name_, stock in state.stock.items():
        _check_ledger(books, name_)
        assert min(stock.allocated, stock.reserved, stock.damaged, stock.quality_hold, stock.free) >= 0
        lots = state.lots.get(name_, {})
        for count in ("on_hand", "allocated", "reserved", "damaged", "quality_hold"):
            assert not lots or sum(getattr(one, count) for one in lots.values()) == getattr(stock, count)
        for of in lots or [""]:
            on_hand = lots[of].on_hand if of else stock.on_hand
            assert (
                0 <= sum(units for (_, lot_), units in state.contents.get(name_, {}).items() if lot_ == of) <= on_hand
            )
    inside = Counter()
    for contents in state.contents.values():
        for (bin_, _), units in contents.items():
            inside[bin_] += units
    assert inside == Counter(state.fill), "what is in the bins is not what they hold"
    promised = Counter()
    for claims in state.claims.values():
        promised.update(claims)
    assert promised == Counter(
        {(s, of): one.allocated + one.reserved for s, lots in state.lots.items() for of, one in lots.items() if one.allocated + one.reserved}
    )  # fmt: skip


def due_now(books: Books) -> bool:
    """The timer has yet to fire."""
    return books.state.look_at_ms is not None and books.state.look_at_ms <= books.now_ms


def _check_ledger(books: Books, sku_: str) -> None:
    stock, ledger = books.stock(sku_), books.ledger(sku_)
    assert stock.on_hand == sum(row.on_hand_delta for row in ledger)
    assert stock.allocated == sum(row.allocated_delta for row in ledger)
    sums = Counter()
    for row in ledger:
        if row.aside is not None:
            sums[row.aside] += row.aside_delta
            assert row.aside_balance == sums[row.aside]
    for state in ("reserved", "damaged", "quality_hold"):
        assert getattr(stock, state) == sums[state]
    assert not ledger or (ledger[-1].on_hand, ledger[-1].allocated) == (stock.on_hand, stock.allocated)
    assert len({(row.version, row.line) for row in books.rows if row.table == "ledger"}) == len(
        [row for row in books.rows if row.table == "ledger"]
    )
