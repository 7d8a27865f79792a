"""What the books said when somebody counted: by example, and against copies of the books that a plain model
takes after each change."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    BeginCounting,
    ChangeCondition,
    ConditionLine,
    CountSpot,
    DefineBins,
    EndCounting,
    LookAtLocation,
    MoveLine,
    MoveUnits,
    Pick,
    ReceiptLine,
    ReceiveStock,
    Release,
    RemoveBins,
    Ship,
    ShortPick,
)
from actors.domain.location_counting import CHANGES_MAX, LINES_MAX, SPOTS_MAX, Compared
from actors.domain.location_events import Bin, PromisesAtRisk
from tests.unit.domain.books import DAY_MS, TODAY, Books

BINS = ("A-01", "A-02")
SPOTS = [("A-01", ""), ("A-02", ""), ("", "a"), ("", "m")]
COUNT, OTHER = "us-count-1", "us-count-2"


def opened() -> Books:
    books = Books()
    books.do(DefineBins([Bin(name, "A", 1, at, 0) for at, name in enumerate(BINS)]))
    return books


def stocked() -> Books:
    """Ten units of a in A-01, five outside of bins."""
    books = opened()
    books.do(ReceiveStock([ReceiptLine("a", 10, bin="A-01"), ReceiptLine("a", 5)]))
    return books


def begin(books: Books, *spots, count: str = COUNT) -> None:
    told = books.do(BeginCounting(count, list(spots)))
    assert [one.problem for one in told.spots] == [""] * len(spots)


def counted(books: Books, spot, at_ms: int, *lines, count: str = COUNT) -> list[tuple[str, str, int, int]]:
    return books.do(CountSpot(count, spot, list(lines), at_ms)).lines


def refused(books: Books, command) -> str:
    before = copy.deepcopy((books.state, books.version, books.stored))
    with pytest.raises(Refused) as error:
        books.do(command)
    assert (books.state, books.version, books.stored) == before, "a refusal changed something"
    return error.value.body.code


def test_units_that_left_after_the_counting_are_missed():
    books = stocked()
    begin(books, ("A-01", ""), ("", "a"))
    at_ms = books.now_ms
    books.now_ms += 5
    books.do(MoveUnits([MoveLine("a", 4, "A-01", "A-02")]))
    books.do(Allocate("us-o", 1, [("a", 3)]))
    books.do(Ship("us-o", 1, [("a", 3)]))
    assert counted(books, ("A-01", ""), at_ms, ("a", "", 10)) == [("a", "", 10, 10)]
    assert counted(books, ("", "a"), at_ms, ("a", "", 5)) == [("a", "", 5, 5)]
    assert counted(books, ("A-01", ""), books.now_ms, ("a", "", 6)) == [("a", "", 6, 6)]
    assert counted(books, ("", "a"), books.now_ms, ("a", "", 2)) == [("a", "", 2, 2)]


def test_what_is_promised_damaged_or_held_is_not_on_the_shelf():
    books = stocked()
    books.do(Allocate("us-o", 1, [("a", 4)]))
    books.do(Pick("us-o", 1, [("a", 4)]))
    lines = [ConditionLine("a", 2, "sellable", "damaged"), ConditionLine("a", 1, "sellable", "quality_hold")]
    books.do(ChangeCondition(lines))
    begin(books, ("A-01", ""), ("", "a"))
    assert counted(books, ("A-01", ""), books.now_ms, ("a", "", 10)) == [("a", "", 10, 10)]
    assert counted(books, ("", "a"), books.now_ms, ("a", "", 5)) == [("a", "", 5, 5)]


def test_a_foreign_sku_in_a_bin_is_passed_over_or_what_is_missing_is():
    books = stocked()
    begin(books, ("A-01", ""))
    assert counted(books, ("A-01", ""), books.now_ms, ("z", "", 2)) == [("a", "", 10, 0), ("z", "", 0, 2)]


def test_what_came_and_went_during_the_count_is_a_difference():
    books = stocked()
    begin(books, ("A-02", ""))
    books.now_ms += 5
    books.do(ReceiveStock([ReceiptLine("b", 3, bin="A-02")]))
    seen_ms = books.now_ms
    books.now_ms += 5
    books.do(MoveUnits([MoveLine("b", 3, "A-02", "A-01")]))
    assert counted(books, ("A-02", ""), seen_ms, ("b", "", 3)) == [("b", "", 3, 3)]
    assert counted(books, ("A-02", ""), seen_ms - 5) == []


def test_a_lot_that_has_left_since_is_unknown_or_one_that_never_was_is_known():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 3, lot="L1")]))
    begin(books, ("", "m"))
    seen_ms = books.now_ms
    books.now_ms += 5
    books.do(Allocate("us-o", 1, [("m", 3)]))
    books.do(Ship("us-o", 1, [("m", 3)]))
    assert counted(books, ("", "m"), seen_ms, ("m", "L1", 3)) == [("m", "L1", 3, 3)]
    books.do(ReceiveStock([ReceiptLine("m", 3, lot="L2")]))
    assert refused(books, CountSpot(COUNT, ("", "m"), [("m", "", 3)], books.now_ms)) == "stock.lot_required"
    assert refused(books, CountSpot(COUNT, ("", "m"), [("m", "L9", 3)], books.now_ms)) == "stock.lot_unknown"
    begin(books, ("A-01", ""))
    assert refused(books, CountSpot(COUNT, ("A-01", ""), [("m", "", 3)], books.now_ms)) == "stock.lot_required"


def test_it_is_compared_with_a_moment_of_which_nothing_is_known():
    books = stocked()
    books.now_ms += 10
    assert refused(books, CountSpot(COUNT, ("A-01", ""), [], books.now_ms)) == "count.not_begun"
    begin(books, ("A-01", ""))
    assert refused(books, CountSpot(COUNT, ("A-01", ""), [], books.now_ms - 1)) == "count.too_early"
    assert refused(books, CountSpot(COUNT, ("A-01", ""), [], books.now_ms + 1)) == "count.in_future"
    assert refused(books, CountSpot(OTHER, ("A-01", ""), [], books.now_ms)) == "count.not_begun"
    books.now_ms += 5
    begin(books, ("A-01", ""))
    assert refused(books, CountSpot(COUNT, ("A-01", ""), [], books.now_ms - 1)) == "count.too_early"


def test_two_counts_have_one_spot_or_unknown_bins_are_counted():
    books = stocked()
    begin(books, ("A-01", ""))
    told = books.do(BeginCounting(OTHER, [("A-01", ""), ("A-02", ""), ("Z-99", "")]))
    assert [one.problem for one in told.spots] == ["count.spot_taken", "", "bins.unknown"]
    assert {spot: one.count_id for spot, one in books.state.counting.items()} == {
        ("A-01", ""): COUNT,
        ("A-02", ""): OTHER,
    }
    # The end of another's counting ends nothing.
    books.do(EndCounting(OTHER, [("A-01", ""), ("A-02", "")]))
    assert [*books.state.counting] == [("A-01", "")]
    books.do(RemoveBins(["A-02"]))
    begin(books, ("A-01", ""))


def test_who_counts_is_told_what_should_be_there_without_asking():
    books = stocked()
    begun = books.do(BeginCounting(COUNT, [("A-01", ""), ("", "a"), ("A-02", "")], tell_book=True))
    assert [one.book for one in begun.spots] == [[("a", "", 10)], [("a", "", 5)], []]
    assert all(one.book == [] for one in books.do(BeginCounting(COUNT, [("A-01", "")])).spots)


def test_changes_or_spots_are_kept_without_end():
    books = stocked()
    begin(books, ("", "a"))
    for _ in range(CHANGES_MAX):
        books.do(ReceiveStock([ReceiptLine("a", 1)]))
    assert len(counted(books, ("", "a"), books.now_ms, ("a", "", 5 + CHANGES_MAX))) == 1
    books.do(ReceiveStock([ReceiptLine("a", 1)]))
    assert books.state.counting["", "a"].changes == []
    assert refused(books, CountSpot(COUNT, ("", "a"), [], books.now_ms)) == "count.too_many_changes"
    assert books.restored() == (books.state, books.version)
    begin(books, ("", "a"))
    assert counted(books, ("", "a"), books.now_ms, ("a", "", 0)) == [("a", "", 6 + CHANGES_MAX, 0)]
    many = [("", f"s{number}") for number in range(SPOTS_MAX)]
    told = books.do(BeginCounting(COUNT, many))
    assert [one.problem for one in told.spots].count("count.too_many_spots") == 1
    assert len(books.state.counting) == SPOTS_MAX


def test_a_bin_with_more_than_anybody_counts_in_one_go_is_begun():
    books = opened()
    for number in range(LINES_MAX + 1):
        books.do(ReceiveStock([ReceiptLine(f"s{number}", 1, bin="A-01")]))
    told = books.do(BeginCounting(COUNT, [("A-01", ""), ("A-02", "")]))
    assert [one.problem for one in told.spots] == ["count.spot_too_large", ""]
    books.do(MoveUnits([MoveLine("s0", 1, "A-01", "A-02")]))
    begin(books, ("A-01", ""))
    foreign = [("z", "", 1)]
    assert refused(books, CountSpot(COUNT, ("A-01", ""), foreign, books.now_ms)) == "count.spot_too_large"


def test_a_count_leaves_something_behind_or_is_not_remembered():
    books = stocked()
    before = books.state.counting.copy()
    begin(books, *SPOTS)
    books.do(ReceiveStock([ReceiptLine("a", 1, bin="A-01")]))
    assert books.restored() == (books.state, books.version)
    books.do(EndCounting(COUNT, SPOTS, [("a", 7)]))
    assert (books.state.counting, books.stored["counting"]) == (before, {})
    assert [(row.sku, row.counted_at) for row in books.stored["last_counted"].values()] == [("a", 7)]
    assert books.do(EndCounting(COUNT, SPOTS)) is not None
    assert books.restored() == (books.state, books.version)


# --- against a plain model ------------------------------------------------------------------------------------------
def there(books: Books, spot) -> dict[tuple[str, str], int]:
    """What lies in the spot, by going through everything."""
    state, (bin_id, of) = books.state, spot
    if bin_id:
        found = {
            (sku, lot): n for sku, inner in state.contents.items() for (name, lot), n in inner.items() if name == bin_id
        }
        return {key: n for key, n in found.items() if n}
    parts = {lot: counts.on_hand for lot, counts in state.lots[of].items()} if of in state.lots else {}
    if not parts and of in state.stock:
        parts = {"": state.stock[of].on_hand}
    inside = state.contents.get(of, {})
    loose = {(of, lot): n - sum(u for (_, part), u in inside.items() if part == lot) for lot, n in parts.items()}
    return {key: n for key, n in loose.items() if n}


skus = st.sampled_from("ab")
some = st.integers(1, 6)
places = st.sampled_from(["", *BINS])
moves = st.one_of(
    st.builds(lambda sku, n, where: ReceiveStock([ReceiptLine(sku, n, bin=where)]), skus, some, places),
    st.builds(lambda lot, n, where: ReceiveStock([ReceiptLine("m", n, lot=lot, bin=where)]), st.sampled_from(["L1", "L2"]), some, places),
    st.builds(lambda sku, n, one, other: MoveUnits([MoveLine(sku, n, one, other)]), skus, some, places, places),
    st.builds(lambda lot, n, one, other: MoveUnits([MoveLine("m", n, one, other, lot)]), st.sampled_from(["L1", "L2"]), some, places, places),
    st.builds(lambda sku, n, where: AdjustStock([AdjustmentLine(sku, n, "found", bin=where)]), skus, st.integers(-3, 3).filter(bool), places),
    *(
        st.builds(lambda sku, n, kind=kind: kind("us-o", 1, [(sku, n)]), st.sampled_from("abm"), some)
        for kind in (Allocate, Allocate, Release, Pick, Ship, Ship, ShortPick)
    ),
)  # fmt: skip
steps = st.lists(st.tuples(st.integers(0, 3), moves), max_size=30)


@given(steps, st.lists(st.tuples(st.integers(0, 3), moves), max_size=60), st.data())
def test_a_count_that_is_right_finds_a_difference_or_one_that_misses_units_another(before, after, data):
    books = opened()
    moved(books, before)
    begin(books, *SPOTS)
    # Everything as it lay at each moment at which anything moved.
    seen = [(books.now_ms, {spot: there(books, spot) for spot in SPOTS})]
    moved(books, after, seen)
    assert books.restored() == (books.state, books.version)
    spot = data.draw(st.sampled_from(SPOTS))
    at_ms = data.draw(st.integers(seen[0][0], books.now_ms))
    lay = [all_[spot] for moment_ms, all_ in seen if moment_ms <= at_ms][-1]
    losses = {key: data.draw(st.integers(0, n)) for key, n in lay.items()}
    found = [(*key, n - losses[key]) for key, n in lay.items()]
    compared = counted(books, spot, at_ms, *found)
    assert {(sku, lot): n - book for sku, lot, book, n in compared} == {key: -lost for key, lost in losses.items()}


def moved(books: Books, steps: list[tuple[int, Any]], seen: list[tuple[int, dict[Any, Any]]] | None = None) -> None:
    for pause_ms, command in steps:
        books.now_ms += pause_ms
        try:
            books.do(command)
        except Refused:
            continue
        if seen is not None:
            seen.append((books.now_ms, {spot: there(books, spot) for spot in SPOTS}))


@given(steps)
def test_a_count_that_is_under_way_changes_what_stock_does(commands):
    counting, alone = opened(), opened()
    begin(counting, *SPOTS)
    moved(counting, commands)
    moved(alone, commands)
    counting.do(EndCounting(COUNT, SPOTS))
    assert msgspec.to_builtins(counting.state) == msgspec.to_builtins(alone.state)


def test_an_empty_spot_has_lines():
    books = opened()
    begin(books, ("A-01", ""), ("", "a"))
    assert books.do(CountSpot(COUNT, ("A-01", ""), [], books.now_ms)) == Compared([])
    assert counted(books, ("", "a"), books.now_ms, ("a", "", 0)) == [("a", "", 0, 0)]


# --- what was found is booked, whatever should be there ---------------------------------------------------------------
def found(books: Books, *lines: AdjustmentLine) -> None:
    books.do(AdjustStock(list(lines), COUNT, COUNT, as_far=True, as_left=True))


def line(sku: str, units: int, lot: str = "", at: str = "A-01") -> AdjustmentLine:
    return AdjustmentLine(sku, units, "count", lot=lot, bin=at)


def test_another_sku_in_a_bin_that_is_full_by_the_books_can_not_be_booked():
    books = Books()
    books.do(DefineBins([Bin("A-01", "A", 1, 0, 0, units_max=50)]))
    books.do(ReceiveStock([ReceiptLine("a", 50, bin="A-01"), ReceiptLine("b", 1)]))
    found(books, line("a", -50), line("b", 50))
    assert (books.state.contents["b"], books.state.fill) == ({("A-01", ""): 50}, {"A-01": 50})
    # Nor more than fits, where somebody made it fit.
    found(books, line("b", 2))
    assert (books.state.fill, books.stock("b").on_hand) == ({"A-01": 52}, 53)
    # Who puts goods there by hand is told as before that it is full.
    assert refused(books, AdjustStock([line("b", 1)])) == "bins.too_full"


def test_one_more_unit_of_a_lot_that_has_ended_lets_all_of_a_count_be_refused_or_is_sold():
    books = opened()
    lots = [ReceiptLine("m", 10, None, name, TODAY + days, bin="A-01") for name, days in (("soon", 1), ("late", 300))]
    books.do(ReceiveStock([*lots, ReceiptLine("a", 5, bin="A-01")]))
    books.now_ms += 3 * DAY_MS
    for looked in (False, True):
        if looked:
            books.do(LookAtLocation())
        found(books, line("m", 1, "soon"), line("a", -2))
    soon = books.state.lots["m"]["soon"]
    assert (soon.on_hand, soon.quality_hold, books.stock("m").available) == (12, 12, 10)
    assert books.stock("a").on_hand == 1


def test_a_loss_of_what_has_left_its_bin_meanwhile_lets_all_others_be_refused():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("a", 60, bin="A-01"), ReceiptLine("b", 60, bin="A-02")]))
    books.do(MoveUnits([MoveLine("a", 40, "A-01", "A-02")]))
    told = len(books.events)
    found(books, line("a", -30), line("b", -30, at="A-02"))
    assert (books.stock("a").on_hand, books.stock("b").on_hand) == (40, 30)
    assert books.state.contents["a"] == {("A-02", ""): 40}
    assert PromisesAtRisk("a", 10) in books.events[told:]


def test_a_loss_of_a_lot_whose_last_unit_has_left_meanwhile_lets_all_others_be_refused():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 2, None, "one"), ReceiptLine("m", 5, None, "two")]))
    books.do(Allocate("us-o", 1, [("m", 2)]))
    books.do(Ship("us-o", 1, [("m", 2)]))
    found(books, line("m", -1, "one", ""), line("m", -1, "two", ""))
    assert {name: lot.on_hand for name, lot in books.state.lots["m"].items()} == {"two": 4}


def test_a_loss_without_a_lot_of_what_is_kept_by_lot_meanwhile_lets_all_others_be_refused():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 3, None, "one"), ReceiptLine("a", 5)]))
    told = len(books.events)
    found(books, line("m", -2, at=""), line("a", -2, at=""))
    assert (books.stock("m").on_hand, books.stock("a").on_hand) == (3, 3)
    assert PromisesAtRisk("m", 2) in books.events[told:]


def test_what_was_found_broken_of_a_lot_that_has_ended_waits_as_if_it_were_good():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 3, None, "one", TODAY + 2)]))
    books.now_ms += 9 * DAY_MS
    found(books, AdjustmentLine("m", 1, "count", lot="one", condition="damaged"), line("m", 1, "one", ""))
    stock = books.stock("m")
    assert (stock.on_hand, stock.damaged, stock.quality_hold) == (5, 1, 1)


@pytest.mark.parametrize("promised", [False, True])
@pytest.mark.parametrize(("was", "at"), [("A-02", "A-01"), ("", "A-01"), ("A-02", "")])
def test_a_serial_number_that_lies_in_another_bin_than_it_should_lets_all_others_be_refused(was, at, promised):
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 1, None, "N1", bin=was, serial=True), ReceiptLine("a", 5, bin="A-02")]))
    if promised:
        books.do(Allocate("us-o", 1, [("m", 1)]))
    told = len(books.events)
    found(books, line("m", 1, "N1", at), line("m", -1, "N1", was), line("a", -2, at="A-02"))
    assert books.state.contents.get("m", {}) == ({(at, "N1"): 1} if at else {})
    assert (books.stock("m").on_hand, books.stock("m").allocated, books.stock("a").on_hand) == (1, promised, 3)
    assert not [event for event in books.events[told:] if type(event) is PromisesAtRisk]
    assert books.restored() == (books.state, books.version)


def test_a_serial_number_that_was_moved_since_it_was_counted_is_here_twice_or_lets_all_others_be_refused():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 1, None, "N1", bin="A-02", serial=True), ReceiptLine("a", 5)]))
    books.do(MoveUnits([MoveLine("m", 1, "A-02", "A-01", "N1")]))
    found(books, line("m", 1, "N1"), line("m", -1, "N1", "A-02"), line("a", -2, at=""))
    assert books.state.contents["m"] == {("A-01", "N1"): 1}
    assert (books.stock("m").on_hand, books.stock("a").on_hand) == (1, 3)


@pytest.mark.parametrize("left", [[], [ReceiptLine("m", 5, None, "two")]])
def test_a_gain_of_a_lot_whose_last_unit_has_left_meanwhile_lets_all_others_be_refused(left):
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 3, None, "one", TODAY + 9), ReceiptLine("a", 5), *left]))
    books.do(Allocate("us-o", 1, [("m", 3)]))
    books.do(Ship("us-o", 1, [("m", 3)]))
    found(books, line("m", 2, "one"), line("a", -2, at=""))
    assert ("one" in books.state.lots.get("m", {}), books.stock("a").on_hand) == (False, 3)


def test_a_gain_without_a_lot_of_what_is_kept_by_lot_meanwhile_lets_all_others_be_refused():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("m", 3, None, "one"), ReceiptLine("a", 5)]))
    found(books, line("m", 2), line("a", -2, at=""))
    assert (books.stock("m").on_hand, books.stock("a").on_hand) == (3, 3)
    # Alone it is told why, by its spot.
    alone = AdjustStock([line("m", 2)], COUNT, COUNT, as_far=True)
    assert refused(books, alone) == "stock.lot_required"


def test_what_was_found_in_a_bin_that_is_gone_lets_all_others_be_refused():
    books = opened()
    books.do(ReceiveStock([ReceiptLine("a", 5)]))
    books.do(RemoveBins(["A-01"]))
    found(books, line("a", 2))
    assert (books.stock("a").on_hand, books.state.contents.get("a", {})) == (7, {})
